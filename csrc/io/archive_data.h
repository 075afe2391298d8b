/* archive_data: the data of one member of a zip archive on their way to the sink.
 *
 * Unpacks blocks of any size as they come, counts and sums what comes out, and compares it with what the member's
 * records say.  Knows nothing of the records around the data.  Belongs to a struct e5_archive; one thread at a time;
 * blocks in the sink only. */
#ifndef E5_IO_ARCHIVE_DATA_H
#define E5_IO_ARCHIVE_DATA_H

#include <zlib.h>

#include "io/archive.h"
#include "io/archive_record.h"

#define E5_ZIP_OUT_SIZE ((size_t)64 << 10)

struct e5_zip_data {
    struct e5_archive_sink sink;
    struct e5_zip_member *member; /* the current one; borrowed, as is its name */
    const char *name;
    uint64_t total; /* bytes unpacked, of all members */
    uint64_t reach; /* bytes of the archive that they came from; kept by the caller */
    bool is_open;   /* the member's data have not ended */
    bool is_quiet;  /* a directory, which the sink does not see */
    uint64_t left, produced, consumed;
    uint32_t crc;
    uint8_t first; /* byte of the member */
    z_stream inflater;
    uint8_t out[E5_ZIP_OUT_SIZE];
};

E5_MUST_USE enum e5_status e5_zip_data_init(struct e5_zip_data *data, const struct e5_archive_sink *sink,
                                            struct e5_error *err);
void e5_zip_data_fini(struct e5_zip_data *data);
E5_MUST_USE enum e5_status e5_zip_data_begin(struct e5_zip_data *data, struct e5_zip_member *member, const char *name,
                                             struct e5_error *err);
/* Takes as much as belongs to the member: *used bytes.  The data have ended when is_open is false. */
E5_MUST_USE enum e5_status e5_zip_data_take(struct e5_zip_data *data, const uint8_t *bytes, size_t size, size_t *used,
                                            struct e5_error *err);
/* Bytes of the descriptor that follows the data, by its first four; and what it says. */
size_t e5_zip_data_descriptor_size(const struct e5_zip_data *data, const uint8_t *first);
void e5_zip_data_descriptor(struct e5_zip_data *data, const uint8_t *descriptor, size_t size);
/* The member is whole and as declared: tells the sink. */
E5_MUST_USE enum e5_status e5_zip_data_end(struct e5_zip_data *data, struct e5_error *err);

#endif
