/* checksum: is this file what the object store declared?
 *
 * A store's checksum is the MD5 of the content when the object was stored in one piece, and an MD5 over the MD5s of
 * 50 MiB parts when it was stored in parts (from 100 MiB on).  Both are computed while the bytes arrive.  The holder
 * owns the struct; _init before use, _fini always (a zeroed struct may be _fini'd).  One thread at a time; nothing
 * blocks. */
#ifndef E5_NET_CHECKSUM_H
#define E5_NET_CHECKSUM_H

#include "base/digest.h"

#define E5_CHECKSUM_SIZE 33 /* 32 hex digits with NUL */
#define E5_ETAG_SIZE 136

struct e5_checksum {
    struct e5_digest whole;   /* MD5 of everything */
    struct e5_digest part;    /* MD5 of the part going on; in use where `in_parts` */
    struct e5_digest joined;  /* MD5 of the parts' MD5s */
    bool in_parts;
    int64_t part_filled;
    unsigned parts;           /* finished */
};

struct e5_checksum_result {
    char whole[E5_CHECKSUM_SIZE];
    char joined[E5_CHECKSUM_SIZE]; /* "" where the file is too small to be stored in parts */
    unsigned parts;
};

enum e5_checksum_verdict { E5_CHECKSUM_UNKNOWN, E5_CHECKSUM_PROVEN, E5_CHECKSUM_DAMAGED };

/* `size` is the declared size; it decides whether parts are looked at.  Negative: unknown, no parts. */
E5_MUST_USE enum e5_status e5_checksum_init(struct e5_checksum *checksum, int64_t size, struct e5_error *err);
E5_MUST_USE enum e5_status e5_checksum_add(struct e5_checksum *checksum, const void *bytes, size_t size,
                                           struct e5_error *err);
E5_MUST_USE enum e5_status e5_checksum_result(struct e5_checksum *checksum, struct e5_checksum_result *out,
                                              struct e5_error *err);
void e5_checksum_fini(struct e5_checksum *checksum);

/* `declared` and `etag` may be "".  Equal proves; unequal proves damage only where the ETag shows that the object was
 * stored in one piece, and differs too, or that it was stored in just such parts; otherwise nobody knows. */
enum e5_checksum_verdict e5_checksum_judge(const struct e5_checksum_result *found, const char *declared,
                                           const char *etag);
/* 1 to 32 hex digits → 32 lower-case ones (stores drop leading zeros); false for anything else. */
bool e5_checksum_normal(const char *text, char out[E5_CHECKSUM_SIZE]);

#endif
