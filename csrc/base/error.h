/* error: what happened, to what, and what to do about it.
 *
 * The caller owns a struct e5_error and hands it down; nothing in it is allocated, so reporting cannot fail.  The
 * first report wins: e5_fail() on an error that is already set keeps the old text.  `err` may be NULL everywhere.
 * Text that came from outside (servers, files) is made safe on the way in: control characters replaced, cut.
 * One thread at a time per object; nothing blocks.  The path of an error is: e5_fail() where it is noticed, status
 * codes upward, one exception in csrc/python/raise.c. */
#ifndef E5_BASE_ERROR_H
#define E5_BASE_ERROR_H

#include "base/status.h"

struct e5_error {
    enum e5_status status;
    int sys_errno;        /* errno of the system call, or 0 */
    int http_status;      /* HTTP status code, or 0 */
    unsigned attempts;    /* tries made, or 0 where trying again makes no sense */
    double elapsed;       /* seconds spent, or 0 */
    double retry_after;   /* seconds the service asked for, or 0 */
    char what[256];       /* what failed, on what: one line */
    char target[512];     /* file concerned, or ""; the bytes of the file system, not cleaned */
    char job_id[64];      /* CDS job concerned, or "" */
    char hint[256];       /* what to do next, or "" */
};

#define E5_ERROR_NONE ((struct e5_error){.status = E5_OK})

/* Report a failure; always returns `status`, so that `return e5_fail(...)` reads well. */
E5_MUST_USE enum e5_status e5_fail(struct e5_error *err, enum e5_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a failed system call on a file: E5_STORAGE (or E5_MEMORY), errno kept, its text appended. */
E5_MUST_USE enum e5_status e5_fail_errno(struct e5_error *err, int sys_errno, const char *path, const char *doing);

/* Add detail to a reported failure; later calls replace earlier ones.  No-ops when err is NULL or not set. */
void e5_error_hint(struct e5_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void e5_error_target(struct e5_error *err, const char *path);
void e5_error_job(struct e5_error *err, const char *job_id);

#endif
