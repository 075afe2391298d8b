/* checksum: is this file what the object store declared?
 *
 * A store's checksum is the MD5 of the content when the object was stored in one piece, and an MD5 over the MD5s of
 * 50 MiB parts when it was stored in parts (from 100 MiB on).  Here stands what follows from them; net/hash computes
 * them.  Pure functions, any thread; nothing blocks. */
#ifndef E5_NET_CHECKSUM_H
#define E5_NET_CHECKSUM_H

#include "base/digest.h"

#define E5_CHECKSUM_SIZE 33 /* 32 hex digits with NUL */
#define E5_ETAG_SIZE 136
#define E5_CHECKSUM_PART (50 << 20) /* bytes of a part */

struct e5_checksum_result {
    char whole[E5_CHECKSUM_SIZE];
    char joined[E5_CHECKSUM_SIZE]; /* "" where the file is too small to be stored in parts */
    unsigned parts;
};

enum e5_checksum_verdict { E5_CHECKSUM_UNKNOWN, E5_CHECKSUM_PROVEN, E5_CHECKSUM_DAMAGED };

/* `declared` and `etag` may be "".  Equal proves; unequal proves damage only where the ETag shows that the object was
 * stored in one piece, and differs too, or that it was stored in just such parts; otherwise nobody knows. */
enum e5_checksum_verdict e5_checksum_judge(const struct e5_checksum_result *found, const char *declared,
                                           const char *etag);
/* The text that stands for a file, "" if there is none: that of the parts where it is the declared one or the only
 * one, else that of the content.  `*kind` is "composite", "md5" or "". */
const char *e5_checksum_telling(const struct e5_checksum_result *found, const char *declared, const char **kind);
/* What has to be computed for a verdict? */
enum e5_checksum_want {
    E5_CHECKSUM_NOTHING, /* nothing that could be computed would tell */
    E5_CHECKSUM_WHOLE,   /* the MD5 of the content */
    E5_CHECKSUM_JOINED,  /* that of the parts */
    E5_CHECKSUM_EITHER /* that of the parts, and where it is not the declared one, that of the content */
};
enum e5_checksum_want e5_checksum_wanted(int64_t size, const char *declared, const char *etag);
/* 1 to 32 hex digits → 32 lower-case ones (stores drop leading zeros); false for anything else. */
bool e5_checksum_normal(const char *text, char out[E5_CHECKSUM_SIZE]);

#endif
