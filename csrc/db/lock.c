#include "db/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/journal_disk.h"

bool e5_lock_wait(double deadline, const struct e5_watch *watch) {
    if (e5_watch_cancelled(watch) || e5_clock_monotonic() >= deadline) return false;
    nanosleep(&(struct timespec){.tv_nsec = E5_LOCK_STEP_MS * 1000000L}, NULL);
    return true;
}

/* Locks have been known to fail on some of those. */
static void warn_about_network(int fd, const char *database) {
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (e5_disk_is_shared_by(fd) && !atomic_flag_test_and_set(&warned))
        e5_log(E5_LOG_WARNING, "%s is on a network file system: let one computer at a time write to it", database);
}

static enum e5_status open_file(const char *database, int *out_fd, struct e5_error *err) {
    size_t size = strlen(database) + sizeof ".lock";
    char *path;
    enum e5_status status = e5_alloc(size, 1, &path, err);
    if (status != E5_OK) return status;
    snprintf(path, size, "%s.lock", database);
    *out_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*out_fd < 0 && errno == EACCES) *out_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW); /* somebody else's */
    if (*out_fd < 0) status = e5_fail_errno(err, errno, path, "cannot open the writers' lock");
    free(path);
    return status;
}

static enum e5_status wait_for(int fd, const char *database, double deadline, const struct e5_watch *watch,
                               struct e5_error *err) {
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return e5_fail_errno(err, errno, database, "files cannot be locked here");
        if (e5_lock_wait(deadline, watch)) continue;
        enum e5_status status = e5_watch_check(watch, err);
        if (status != E5_OK) return status;
        status = e5_fail(err, E5_DATABASE_BUSY, "another writer holds the event database: %s", database);
        e5_error_target(err, database);
        e5_error_hint(err, "wait for it to end, or allow a longer wait; a writer that died holds nothing");
        return status;
    }
    return E5_OK;
}

enum e5_status e5_lock_take(struct e5_lock *lock, const char *database, double deadline, const struct e5_watch *watch,
                            struct e5_error *err) {
    lock->fd = -1;
    int fd;
    enum e5_status status = open_file(database, &fd, err);
    if (status != E5_OK) return status;
    warn_about_network(fd, database);
    status = wait_for(fd, database, deadline, watch, err);
    if (status == E5_OK)
        lock->fd = fd;
    else
        close(fd);
    return status;
}

void e5_lock_release(struct e5_lock *lock) {
    if (lock->fd < 0) return;
    flock(lock->fd, LOCK_UN); /* not by close() alone: a child forked meanwhile has the same open file */
    close(lock->fd);
    lock->fd = -1;
}
