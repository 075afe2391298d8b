#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23 /* since 5.14; kernels before refuse it, and pages come one by one */
#endif

#define UNKNOWN ((size_t)1 << 30) /* a modest guess, where the system does not say */

/* SIZE_MAX: no such file, or no limit. */
static size_t read_limit(const char *path) {
    unsigned long long limit = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) return SIZE_MAX;
    if (fscanf(file, "%llu", &limit) != 1 || limit > SIZE_MAX) limit = SIZE_MAX; /* "max" */
    fclose(file);
    return (size_t)limit;
}

/* What this process may map, as queues of clusters and shells set it. */
static size_t address_space(void) {
    struct rlimit limit;
    bool is_set = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < SIZE_MAX;
    return is_set ? (size_t)limit.rlim_cur : SIZE_MAX;
}

static size_t available;

static void look_up(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    size_t least = pages > 0 && size > 0 ? (size_t)pages * (size_t)size : UNKNOWN;
    size_t limits[] = {read_limit("/sys/fs/cgroup/memory.max"),
                       read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"), address_space()};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] < least) least = limits[i];
    available = least;
}

size_t e5_memory_available(void) {
    static pthread_once_t looked = PTHREAD_ONCE_INIT;
    pthread_once(&looked, look_up);
    return available;
}

/* The pages that lie wholly within some memory. */
static void advise(void *memory, size_t bytes, int advice) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), skipped = (page - (uintptr_t)memory % page) % page;
    if (bytes < skipped + page) return;
    (void)madvise((char *)memory + skipped, (bytes - skipped) / page * page, advice);
}

void e5_memory_provide(void *memory, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
    advise(memory, bytes, MADV_POPULATE_WRITE);
#else
    (void)memory;
    (void)bytes;
#endif
}

void e5_memory_trim(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void e5_memory_drop(void *memory, size_t bytes) { advise(memory, bytes, MADV_DONTNEED); }
