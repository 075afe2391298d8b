/* failing_calls: a disk that fails at the n-th call.
 *
 * The program's own open, read, write and their kin stand in for the C library's: they count, and the one that
 * fail_call() names fails with its errno, without having done anything (but that what is closed is closed).
 * e5_alloc_fail_after() is the same for memory. */
#ifndef FAILING_CALLS_H
#define FAILING_CALLS_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long failing_left; /* calls up to the one that fails; ≤ 0: none does */
static int failing_code;
static const char *failing_name; /* of the function that failed, NULL: none has */

static inline void fail_call(long n, int code) {
    failing_name = NULL;
    failing_code = code;
    atomic_store(&failing_left, n);
}

/* From now on none fails; failing_name stays. */
static inline void fail_no_more(void) { atomic_store(&failing_left, 0); }

static inline bool failing_now(const char *name) {
    if (atomic_load(&failing_left) <= 0 || atomic_fetch_sub(&failing_left, 1) != 1) return false;
    failing_name = name;
    errno = failing_code;
    return true;
}

/* NAME with its parameters and arguments; the next of that name does the work. */
#define FAILING(type, name, parameters, arguments)                   \
    type name parameters {                                           \
        static type(*next) parameters;                               \
        if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, #name); \
        return failing_now(#name) ? -1 : next arguments;             \
    }
FAILING(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size))
FAILING(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
FAILING(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
FAILING(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
FAILING(int, fsync, (int fd), (fd))
FAILING(int, fdatasync, (int fd), (fd))
FAILING(int, ftruncate, (int fd, off_t size), (fd, size))
FAILING(int, fallocate, (int fd, int mode, off_t from, off_t size), (fd, mode, from, size))
FAILING(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FAILING(int, renameat2, (int a, const char *from, int b, const char *to, unsigned how), (a, from, b, to, how))
FAILING(int, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode))
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33) /* before that they are no functions */
FAILING(int, fstat, (int fd, struct stat *out), (fd, out))
FAILING(int, fstatat, (int directory, const char *path, struct stat *out, int how), (directory, path, out, how))
#endif

int close(int fd) {
    static int (*next)(int);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "close");
    int result = next(fd);
    return failing_now("close") ? -1 : result;
}

static inline mode_t failing_mode(int flags, va_list rest) {
    bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return makes ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    static int (*next)(const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = failing_mode(flags, rest);
    va_end(rest);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "open");
    return failing_now("open") ? -1 : next(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    static int (*next)(int, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = failing_mode(flags, rest);
    va_end(rest);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "openat");
    return failing_now("openat") ? -1 : next(directory, path, flags, mode);
}

#endif
