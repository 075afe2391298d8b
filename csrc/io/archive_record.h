/* archive_record: what the records of a zip archive say, byte for byte, and what a member may be called.
 *
 * Pure functions over bytes that are there in full: no state, no files, nothing to free.  Any thread; nothing blocks.
 * Numbers of the wide form (zip64) are put in place of those that the narrow form cannot hold. */
#ifndef E5_IO_ARCHIVE_RECORD_H
#define E5_IO_ARCHIVE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* First four bytes of a record, read as a little-endian number. */
#define E5_ZIP_LOCAL 0x04034b50u
#define E5_ZIP_CENTRAL 0x02014b50u
#define E5_ZIP_DESCRIPTOR 0x08074b50u
#define E5_ZIP_WIDE_END 0x06064b50u
#define E5_ZIP_LOCATOR 0x07064b50u
#define E5_ZIP_END 0x06054b50u

/* Bytes of each record before its parts of variable length, the first four counted. */
enum { E5_ZIP_LOCAL_SIZE = 30, E5_ZIP_CENTRAL_SIZE = 46, E5_ZIP_WIDE_END_SIZE = 56, E5_ZIP_LOCATOR_SIZE = 20 };
enum { E5_ZIP_END_SIZE = 22, E5_ZIP_NAME_MAX = 512, E5_ZIP_EXTRA_MAX = 65535 };
enum { E5_ZIP_STORED = 0, E5_ZIP_DEFLATED = 8 };

struct e5_zip_member {
    uint64_t offset, stored, size; /* where its local record begins; bytes in the archive, and unpacked */
    uint32_t crc;
    unsigned flags, method;
    size_t name_size, extra_size, comment_size;
    uint32_t attributes; /* of a central record: the kind of file in the upper half, as Unix writes it */
    unsigned disk;
    bool wide;           /* has a zip64 field */
};

struct e5_zip_end { /* of the archive */
    uint64_t count, size, offset; /* of the central directory */
    size_t comment_size;
    bool split;                   /* parts of the archive are elsewhere */
};

uint16_t e5_zip_u16(const uint8_t *bytes);
uint32_t e5_zip_u32(const uint8_t *bytes);
uint64_t e5_zip_u64(const uint8_t *bytes);

void e5_zip_read_local(const uint8_t *record, struct e5_zip_member *out);
void e5_zip_read_central(const uint8_t *record, struct e5_zip_member *out);
/* The extra fields of a local or central record; false when they are cut short or contradict the record. */
bool e5_zip_read_extra(const uint8_t *extra, size_t size, bool central, struct e5_zip_member *member);
void e5_zip_read_end(const uint8_t *record, struct e5_zip_end *out);
void e5_zip_read_wide_end(const uint8_t *record, struct e5_zip_end *out);

/* Is there a descriptor behind the data; and does it alone say how long they are? */
bool e5_zip_has_descriptor(const struct e5_zip_member *member);
bool e5_zip_size_follows(const struct e5_zip_member *member);
bool e5_zip_is_directory(const char *name);
/* E5_UNSAFE with the reason: names that lead out of a directory or cannot be shown, encryption, methods that are not
 * known, kinds of file that are no file, and sizes that no honest archive has. */
E5_MUST_USE enum e5_status e5_zip_check_name(const char *name, size_t size, struct e5_error *err);
E5_MUST_USE enum e5_status e5_zip_check_member(const struct e5_zip_member *member, const char *name,
                                               struct e5_error *err);
/* Report a fault of one member, with a hint that fits the status. */
E5_MUST_USE enum e5_status e5_zip_fail(struct e5_error *err, enum e5_status status, const char *name,
                                       const char *what);

#endif
