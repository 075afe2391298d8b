#include "io/probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HEAD_SIZE 64
#define USER_BLOCK_MAX (1 << 20) /* HDF5 allows a signature at 0, 512, 1024, 2048, … */

static const unsigned char hdf5_signature[8] = "\x89HDF\r\n\x1a\n";

enum e5_status e5_probe_fail(struct e5_error *err, enum e5_status status, const char *path, const char *hint,
                             const char *format, ...) {
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *slash = strrchr(path, '/');
    status = e5_fail(err, status, "%.80s: %s", slash != NULL && slash[1] != '\0' ? slash + 1 : path, text);
    e5_error_target(err, path);
    if (hint[0] != '\0') e5_error_hint(err, "%s", hint);
    return status;
}

static enum e5_status corrupt(const char *path, const char *what, const char *hint, struct e5_error *err) {
    return e5_probe_fail(err, E5_CORRUPT, path, hint, "expected netCDF, got %s", what);
}

/* O_NONBLOCK: opening a named pipe must not wait for a writer; it changes nothing for regular files. */
static enum e5_status open_regular(const char *path, int *out, struct stat *identity, struct e5_error *err) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return e5_fail_errno(err, errno, path, "cannot open");
    enum e5_status status = E5_OK;
    if (fstat(descriptor, identity) != 0)
        status = e5_fail_errno(err, errno, path, "look at");
    else if (S_ISDIR(identity->st_mode))
        status = e5_fail_errno(err, EISDIR, path, "cannot read");
    else if (!S_ISREG(identity->st_mode))
        status = corrupt(path, "a pipe or device", "give the name of a regular file", err);
    if (status != E5_OK)
        close(descriptor);
    else
        *out = descriptor;
    return status;
}

enum e5_status e5_probe_read(const char *path, int descriptor, uint64_t address, void *out, size_t size,
                             struct e5_error *err) {
    char *to = out;
    while (size > 0) {
        ssize_t got = pread(descriptor, to, size, (off_t)address);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return e5_fail_errno(err, errno, path, "read");
        if (got == 0)
            return e5_probe_fail(err, E5_CORRUPT, path, "the file was shortened while it was read; download it again",
                                 "ends where data should be");
        to += got;
        address += (uint64_t)got;
        size -= (size_t)got;
    }
    return E5_OK;
}

static bool has(const unsigned char *head, size_t size, const char *magic, size_t length) {
    return size >= length && memcmp(head, magic, length) == 0;
}

static bool looks_like_text(const unsigned char *head, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (head[i] < 0x20 && !isspace(head[i])) return false;
    return true;
}

static enum e5_status refuse_text(const char *path, const unsigned char *head, size_t size, struct e5_error *err) {
    size_t first = has(head, size, "\xEF\xBB\xBF", 3) ? 3 : 0;
    while (first < size && isspace(head[first])) first++;
    char mark = first < size ? (char)head[first] : ' ';
    const char *kind = mark == '<' ? "HTML" : mark == '{' || mark == '[' ? "JSON" : "text";
    char what[HEAD_SIZE + 32];
    snprintf(what, sizeof what, "%s: '%.*s'", kind, (int)(size - first), (const char *)head + first);
    return corrupt(path, what,
                   "a login portal, a proxy or the service's error page was saved as data; "
                   "download the file again",
                   err);
}

static enum e5_status refuse_foreign(const char *path, const unsigned char *head, size_t size, struct e5_error *err) {
    char what[64];
    if (has(head, size, "PK\3\4", 4) || has(head, size, "PK\5\6", 4))
        return corrupt(path, "a zip archive",
                       "unpack it and open its members; the service sends a zip when one "
                       "request gives several files",
                       err);
    if (has(head, size, "GRIB", 4))
        return corrupt(path, "GRIB", "GRIB needs cfgrib: open it with xarray's engine='cfgrib', or request netCDF",
                       err);
    if (has(head, size, "\x1f\x8b", 2)) return corrupt(path, "gzip", "unpack it with gunzip", err);
    if (looks_like_text(head, size)) return refuse_text(path, head, size, err);
    snprintf(what, sizeof what, "bytes %02x %02x %02x %02x", head[0], size > 1 ? head[1] : 0, size > 2 ? head[2] : 0,
             size > 3 ? head[3] : 0);
    return corrupt(path, what, "the file is damaged or of another kind; download it again", err);
}

/* Leaves the first bytes of the HDF5 part in `head` when a signature is found behind a user block. */
static bool find_hdf5(int descriptor, unsigned char *head, size_t *size, uint64_t *start) {
    if (has(head, *size, (const char *)hdf5_signature, 8)) return true;
    for (off_t at = 512; at <= USER_BLOCK_MAX; at *= 2) {
        unsigned char there[HEAD_SIZE];
        ssize_t got = pread(descriptor, there, sizeof there, at);
        if (got < 8) return false;
        if (memcmp(there, hdf5_signature, 8) != 0) continue;
        memcpy(head, there, (size_t)got);
        *size = (size_t)got;
        *start = (uint64_t)at;
        return true;
    }
    return false;
}

/* A program that writes with HDF5 holds a lock on the file: what it changed may not be there yet, and what is there
 * may not fit together.  We take the lock of a reader for a moment, where the file system knows locks and HDF5 uses
 * them. */
static enum e5_status refuse_written(const char *path, int descriptor, struct e5_error *err) {
    const char *locking = getenv("HDF5_USE_FILE_LOCKING");
    if (locking != NULL && (strcmp(locking, "FALSE") == 0 || strcmp(locking, "0") == 0)) return E5_OK;
    if (flock(descriptor, LOCK_SH | LOCK_NB) == 0)
        flock(descriptor, LOCK_UN);
    else if (errno == EWOULDBLOCK)
        return e5_probe_fail(err, E5_TARGET_BUSY, path, "wait until it is closed",
                             "another program has it open for writing");
    return E5_OK;
}

static enum e5_status classify(const char *path, int descriptor, struct e5_probe *probe, struct e5_error *err) {
    unsigned char head[HEAD_SIZE] = {0};
    size_t size = probe->size < sizeof head ? (size_t)probe->size : sizeof head;
    if (size == 0) return corrupt(path, "an empty file", "download it again", err);
    enum e5_status status = e5_probe_read(path, descriptor, 0, head, size, err);
    if (status != E5_OK) return status;
    bool netcdf3 = has(head, size, "CDF\1", 4) || has(head, size, "CDF\2", 4) || has(head, size, "CDF\5", 4);
    probe->container = netcdf3 ? E5_NETCDF3 : E5_HDF5;
    if (netcdf3) return E5_OK;
    if (!find_hdf5(descriptor, head, &size, &probe->start)) return refuse_foreign(path, head, size, err);
    return refuse_written(path, descriptor, err);
}

enum e5_status e5_probe_file_kept(const char *path, struct e5_probe *out, struct e5_error *err) {
    *out = (struct e5_probe){0};
    enum e5_status status = open_regular(path, &out->descriptor, &out->identity, err);
    if (status != E5_OK) return status;
    out->kept = true;
    out->size = (uint64_t)out->identity.st_size;
    status = classify(path, out->descriptor, out, err);
    if (status != E5_OK) e5_probe_let_go(out);
    return status;
}

enum e5_status e5_probe_file(const char *path, struct e5_probe *out, struct e5_error *err) {
    enum e5_status status = e5_probe_file_kept(path, out, err);
    e5_probe_let_go(out);
    return status;
}

void e5_probe_let_go(struct e5_probe *probe) {
    if (probe->kept) close(probe->descriptor);
    probe->kept = false;
    probe->watch = NULL;
}

static bool same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* rsync and cp -p set the time of the content back, but nobody this one.  It moves when a name is given or taken
 * away, too, which is nothing to a file that stayed open. */
static bool touched_since(const struct stat *now, const struct e5_probe *probe) {
    const struct timespec *a = &now->st_ctim, *b = &probe->identity.st_ctim;
    return !probe->kept && (a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec);
}

static enum e5_status changed(const char *path, const char *how, struct e5_error *err) {
    return e5_probe_fail(err, E5_CORRUPT, path, "open it again when nobody writes to it", "%s since it was opened",
                         how);
}

enum e5_status e5_probe_unchanged(const char *path, const struct e5_probe *probe, int descriptor,
                                  struct e5_error *err) {
    struct stat now;
    if (fstat(descriptor, &now) != 0) return e5_fail_errno(err, errno, path, "look at");
    bool good = same(&now, &probe->identity) && !touched_since(&now, probe);
    return good ? E5_OK : changed(path, "changed", err);
}

enum e5_status e5_probe_reopen(const char *path, const struct e5_probe *probe, int *out_descriptor,
                               struct e5_error *err) {
    int descriptor =
        probe->kept ? fcntl(probe->descriptor, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT) return changed(path, "deleted", err);
    if (descriptor < 0) return e5_fail_errno(err, errno, path, "cannot open");
    enum e5_status status = e5_probe_unchanged(path, probe, descriptor, err);
    if (status != E5_OK)
        close(descriptor);
    else
        *out_descriptor = descriptor;
    return status;
}
