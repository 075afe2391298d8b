#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void print(char *out, size_t size, const char *format, va_list args) {
    vsnprintf(out, size, format, args);
    e5_text_clean(out);
}

enum e5_status e5_fail(struct e5_error *err, enum e5_status status, const char *format, ...) {
    if (err == NULL || err->status != E5_OK) return status;
    va_list args;
    va_start(args, format);
    print(err->what, sizeof err->what, format, args);
    va_end(args);
    err->status = status;
    return status;
}

enum e5_status e5_fail_errno(struct e5_error *err, int sys_errno, const char *path, const char *doing) {
    char reason[96] = "";
    enum e5_status status = sys_errno == ENOMEM ? E5_MEMORY : E5_STORAGE;
    if (err == NULL || err->status != E5_OK) return status;
    const char *text = strerror_r(sys_errno, reason, sizeof reason); /* the GNU form returns the text */
    status = e5_fail(err, status, "%s: %s: %s", doing, path, text);
    err->sys_errno = sys_errno;
    e5_error_target(err, path);
    return status;
}

void e5_error_hint(struct e5_error *err, const char *format, ...) {
    if (err == NULL || err->status == E5_OK) return;
    va_list args;
    va_start(args, format);
    print(err->hint, sizeof err->hint, format, args);
    va_end(args);
}

void e5_error_target(struct e5_error *err, const char *path) {
    if (err == NULL || err->status == E5_OK) return;
    snprintf(err->target, sizeof err->target, "%s", path);
}

void e5_error_job(struct e5_error *err, const char *job_id) {
    if (err == NULL || err->status == E5_OK) return;
    snprintf(err->job_id, sizeof err->job_id, "%s", job_id);
    e5_text_clean(err->job_id);
}
