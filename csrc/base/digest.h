/* digest: MD5 (what object stores declare) and SHA-256 (what our content ids are made of), by libcrypto.
 *
 * The holder owns the digest; _init before use, _fini always.  One thread at a time; nothing blocks. */
#ifndef E5_BASE_DIGEST_H
#define E5_BASE_DIGEST_H

#include <stdint.h>

#include "base/error.h"

enum e5_digest_kind { E5_MD5, E5_SHA256 };

#define E5_DIGEST_MAX 32                      /* bytes */
#define E5_DIGEST_HEX (2 * E5_DIGEST_MAX + 1) /* characters with NUL */

struct e5_digest {
    void *context;
};

E5_MUST_USE enum e5_status e5_digest_init(struct e5_digest *digest, enum e5_digest_kind kind, struct e5_error *err);
void e5_digest_add(struct e5_digest *digest, const void *bytes, size_t size);
/* Finish and write lower-case hex; the digest may only be _restart'ed or _fini'd after that. */
void e5_digest_hex(struct e5_digest *digest, char out[E5_DIGEST_HEX]);
/* Begin another sum of the same kind, for much less than _init costs. */
E5_MUST_USE enum e5_status e5_digest_restart(struct e5_digest *digest, struct e5_error *err);
void e5_digest_fini(struct e5_digest *digest);

#endif
