#include "pool/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

#define NAME_SIZE 16 /* what the kernel keeps, with NUL */

struct start {
    void (*body)(void *);
    void *context;
    char name[NAME_SIZE];
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
#ifdef __linux__
    (void)pthread_setname_np(pthread_self(), start.name); /* a name is a comfort, not a need */
#endif
    start.body(start.context);
    return NULL;
}

/* A thread inherits the signal mask of its maker: blocking here leaves no moment in which a signal could land in the
 * new thread. */
static int create_without_signals(pthread_t *handle, struct start *start) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(handle, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

enum e5_status e5_thread_start(struct e5_thread *thread, const char *name, void (*body)(void *), void *context,
                               struct e5_error *err) {
    struct start *start;
    enum e5_status status = e5_alloc(1, sizeof *start, &start, err);
    if (status != E5_OK) return status;
    start->body = body;
    start->context = context;
    e5_text_copy(start->name, sizeof start->name, name);
    int failure = create_without_signals(&thread->handle, start);
    if (failure == 0) return E5_OK;
    free(start);
    return e5_fail(err, E5_MEMORY, "cannot start thread %s: %s", name,
                   failure == EAGAIN ? "too many threads or processes" : "refused by the system");
}

void e5_thread_join(struct e5_thread *thread) { pthread_join(thread->handle, NULL); }
void e5_thread_detach(struct e5_thread *thread) { pthread_detach(thread->handle); }

/* --- processors --- */

/* Processors in the affinity mask.  The kernel's mask may be longer than cpu_set_t: it then wants a larger buffer. */
static unsigned affinity(void) {
#ifdef __linux__
    for (int bits = 1024; bits <= 1 << 20; bits *= 4) {
        cpu_set_t *set = CPU_ALLOC(bits);
        if (set == NULL) break;
        int failure = sched_getaffinity(0, CPU_ALLOC_SIZE(bits), set) != 0 ? errno : 0;
        int count = failure == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE(bits), set) : 0;
        CPU_FREE(set);
        if (count > 0) return (unsigned)count;
        if (failure != EINVAL) break;
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

#define NO_QUOTA 1e9
#define PATH_SIZE 4096

/* The numbers of a small file in /sys, or how many there are of them ("max" is none). */
static int read_numbers(const char *directory, const char *file, double out[2]) {
    char path[PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *stream = fopen(path, "re");
    if (stream == NULL) return 0;
    int count = fscanf(stream, "%lf %lf", &out[0], &out[1]);
    fclose(stream);
    return count;
}

/* Processors that one control group may use; both versions of the interface. */
static double group_quota(const char *directory) {
    double quota[2], period[2];
    if (read_numbers(directory, "cpu.max", quota) == 2 && quota[0] > 0 && quota[1] > 0) return quota[0] / quota[1];
    if (read_numbers(directory, "cpu.cfs_quota_us", quota) >= 1 && quota[0] > 0 &&
        read_numbers(directory, "cpu.cfs_period_us", period) >= 1 && period[0] > 0)
        return quota[0] / period[0];
    return NO_QUOTA;
}

/* The smallest quota on the way from a group up to the root: every ancestor limits its children.  Inside a container
 * the group's path may not exist below the mount point; its root then is the container's own group. */
static double branch_quota(const char *mount, const char *group) {
    char directory[PATH_SIZE];
    double smallest = NO_QUOTA;
    if ((size_t)snprintf(directory, sizeof directory, "%s%s", mount, group) >= sizeof directory) return NO_QUOTA;
    for (size_t root = strlen(mount);;) {
        double quota = group_quota(directory);
        if (quota < smallest) smallest = quota;
        char *slash = strrchr(directory + root, '/');
        if (slash == NULL) return smallest;
        *slash = '\0';
    }
}

static bool controls_cpu(const char *controllers) {
    for (const char *name = controllers; name != NULL; name = strchr(name, ',')) {
        name += *name == ',';
        if (strncmp(name, "cpu", 3) == 0 && (name[3] == ',' || name[3] == '\0')) return true;
    }
    return false;
}

/* One line of /proc/self/cgroup is "number:controllers:/group"; version 2 has no controllers. */
static double line_quota(char *line) {
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    char mount[PATH_SIZE];
    if (group == NULL) return NO_QUOTA;
    *controllers++ = *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (*controllers == '\0') return branch_quota("/sys/fs/cgroup", group);
    if (!controls_cpu(controllers)) return NO_QUOTA;
    snprintf(mount, sizeof mount, "/sys/fs/cgroup/%s", controllers);
    return branch_quota(mount, group);
}

static double quota(void) {
    char line[PATH_SIZE];
    double smallest = NO_QUOTA;
    FILE *stream = fopen("/proc/self/cgroup", "re");
    if (stream == NULL) return NO_QUOTA;
    while (fgets(line, sizeof line, stream) != NULL) {
        double limit = line_quota(line);
        if (limit < smallest) smallest = limit;
    }
    fclose(stream);
    return smallest;
}

unsigned e5_thread_processors(void) {
    unsigned processors = affinity();
    double limit = quota();
    while (processors > 1 && (double)(processors - 1) >= limit) processors--; /* the quota, rounded up */
    return processors;
}
