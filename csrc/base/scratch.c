#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

static enum e5_status fail(const struct e5_scratch *scratch, int code, const char *doing, struct e5_error *err) {
    enum e5_status status = e5_fail_errno(err, code, scratch->directory, doing);
    if ((code == ENOSPC || code == EDQUOT || code == EFBIG) && scratch->expected > 0)
        e5_error_hint(err, "%.1f GB of scratch space are needed; set TMPDIR to a directory that has them",
                      (double)scratch->expected / 1e9);
    else if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        e5_error_hint(err, "set TMPDIR to a directory with more room");
    return status;
}

static int open_nameless(const char *directory) {
#ifdef O_TMPFILE
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return descriptor;
#endif
    struct e5_buffer name = {0};
    int found = -1;
    if (e5_buffer_printf(&name, NULL, "%s/era5fast-scratch-XXXXXX", directory) == E5_OK) {
        found = mkstemp(name.bytes);
        if (found >= 0) {
            unlink(name.bytes);
            fcntl(found, F_SETFD, FD_CLOEXEC);
        }
    }
    e5_buffer_fini(&name);
    return found;
}

/* A file system that cannot do it takes room as we write (posix_fallocate would write all of it now).  In memory it
 * takes its time, and a signal that we may not even care about ends it. */
static enum e5_status take_room(const struct e5_scratch *scratch, const struct e5_watch *watch,
                                struct e5_error *err) {
    enum e5_status status = E5_OK;
    while (status == E5_OK && fallocate(scratch->descriptor, 0, 0, (off_t)scratch->expected) != 0) {
        if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return E5_OK;
        if (errno != EINTR) return fail(scratch, errno, "take scratch space in", err);
        status = e5_watch_check(watch, err);
    }
    return status;
}

enum e5_status e5_scratch_open(const char *directory, uint64_t expected, const struct e5_watch *watch,
                               struct e5_scratch *out, struct e5_error *err) {
    *out = (struct e5_scratch){.expected = expected, .directory = directory};
    out->descriptor = open_nameless(directory);
    if (out->descriptor < 0) return fail(out, errno, "make a scratch file in", err);
    out->open = true;
    return expected > 0 ? take_room(out, watch, err) : E5_OK;
}

void e5_scratch_close(struct e5_scratch *scratch) {
    if (scratch->open) close(scratch->descriptor);
    scratch->open = false;
}

enum e5_status e5_scratch_write(const struct e5_scratch *scratch, const void *bytes, size_t size, uint64_t at,
                                struct e5_error *err) {
    for (const char *from = bytes; size > 0;) {
        ssize_t n = pwrite(scratch->descriptor, from, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(scratch, n < 0 ? errno : ENOSPC, "write scratch data in", err);
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return E5_OK;
}

enum e5_status e5_scratch_read(const struct e5_scratch *scratch, void *bytes, size_t size, uint64_t at,
                               struct e5_error *err) {
    for (char *to = bytes; size > 0;) {
        ssize_t n = pread(scratch->descriptor, to, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(scratch, n < 0 ? errno : EIO, "read scratch data in", err);
        to += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return E5_OK;
}
