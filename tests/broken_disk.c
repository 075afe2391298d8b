/* A library to be loaded before all others: one call on the files of a download fails as a broken disk or a quota
 * makes it fail.  E5_BROKEN is "call errno after": which call, with what, and how often it works before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int calls;

static int fails(const char *call, const char *name) {
    char wanted[16];
    int code, after;
    const char *text = getenv("E5_BROKEN");
    if (text == NULL || sscanf(text, "%15s %d %d", wanted, &code, &after) != 3) return 0;
    if (strcmp(call, wanted) != 0 || strstr(name, ".e5part") == NULL) return 0;
    if (atomic_fetch_add(&calls, 1) < after) return 0;
    errno = code;
    return 1;
}

static int fails_on(const char *call, int fd) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, name, sizeof name - 1);
    name[size > 0 ? size : 0] = '\0';
    return fails(call, name);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    return fails_on("pwrite", fd) ? -1 : REAL(pwrite)(fd, bytes, size, at);
}

int fdatasync(int fd) { return fails_on("fdatasync", fd) ? -1 : REAL(fdatasync)(fd); }

int fallocate(int fd, int mode, off_t at, off_t size);
int fallocate(int fd, int mode, off_t at, off_t size) {
    return fails_on("fallocate", fd) ? -1 : REAL(fallocate)(fd, mode, at, size);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return fails("rename", from) ? -1 : REAL(renameat)(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return fails("rename", from) ? -1 : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
