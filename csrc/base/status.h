/* status: the outcomes of the core, one enumerator per row of status.def.
 *
 * Zero is success.  Codes are categories that a caller can act on; what exactly happened stands in struct e5_error
 * (error.h).  Any thread may call; nothing blocks; the texts are static. */
#ifndef E5_BASE_STATUS_H
#define E5_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define E5_MUST_USE __attribute__((warn_unused_result))

enum e5_status {
#define E5_STATUS(NAME, code, retryable, meaning) E5_##NAME,
#include "base/status.def"
#undef E5_STATUS
    E5_STATUS_COUNT
};

const char *e5_status_name(enum e5_status status);    /* "CORRUPT" */
const char *e5_status_code(enum e5_status status);    /* "corrupt" */
const char *e5_status_meaning(enum e5_status status); /* one clause of English */
bool e5_status_retryable(enum e5_status status);

#endif
