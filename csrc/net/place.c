#include "net/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define LOCK_TRIES 20 /* a finishing holder may remove the file between our open and our lock */

static atomic_uint calls_alone; /* of this process, from any thread: so that each has names of its own */

/* What stands beside the target is named after it. */
static void set_names(struct e5_place *place) {
    snprintf(place->part, sizeof place->part, ".%s%s.e5part", place->name, place->own);
    snprintf(place->state, sizeof place->state, ".%s%s.e5state", place->name, place->own);
    snprintf(place->lock_name, sizeof place->lock_name, ".%s.e5lock", place->name);
}

static enum e5_status open_directory(struct e5_place *place, const char *path, const char *slash,
                                     struct e5_error *err) {
    char directory[4096] = ".";
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof directory) return e5_fail(err, E5_INPUT, "the target's path is too long");
    if (slash != NULL) memcpy(directory, path, length);
    directory[length] = '\0';
    place->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->directory >= 0) return E5_OK;
    enum e5_status status = e5_fail_errno(err, errno, directory, "cannot use the target's directory");
    e5_error_target(err, path);
    if (err != NULL && err->sys_errno == ENOENT) e5_error_hint(err, "make this folder first, or check its name");
    return status;
}

enum e5_status e5_place_open(struct e5_place *place, const char *path, struct e5_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    *place = E5_PLACE_NONE;
    place->path = path;
    bool usable = name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (!usable || !e5_text_copy(place->name, sizeof place->name, name)) {
        const char *what = usable ? "is too long" : "is no file name";
        enum e5_status status = e5_fail(err, E5_INPUT, "the name of the target '%.80s' %s", path, what);
        e5_error_target(err, path);
        return status;
    }
    set_names(place);
    return open_directory(place, path, slash, err);
}

/* A lock belongs to the open file, which a forked child would keep open after the death of the process that holds it:
 * the child closes its copies.  Locks that do not fit the list are kept by it until it ends. */
static pthread_mutex_t fork_gate = PTHREAD_MUTEX_INITIALIZER;
static int held[1024]; /* descriptors plus one, 0: free */

static void before_fork(void) { pthread_mutex_lock(&fork_gate); }
static void after_fork(void) { pthread_mutex_unlock(&fork_gate); }

static void after_fork_in_child(void) {
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        if (held[i] > 0) close(held[i] - 1);
        held[i] = 0;
    }
    pthread_mutex_unlock(&fork_gate);
}

static void install(void) { pthread_atfork(before_fork, after_fork, after_fork_in_child); }

static void swap_held(int old, int new) {
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        if (held[i] != old) continue;
        held[i] = new;
        return;
    }
}

/* A descriptor with the lock, or −1 and the reason in *code. */
static int open_locked(const struct e5_place *place, bool *opened, int *code) {
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    pthread_once(&installed, install);
    pthread_mutex_lock(&fork_gate);
    int lock = openat(place->directory, place->lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    *opened = lock >= 0;
    *code = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (*code == 0) swap_held(0, lock + 1);
    if (*code != 0 && lock >= 0) close(lock);
    pthread_mutex_unlock(&fork_gate);
    return *code == 0 ? lock : -1;
}

static void close_lock(int lock) {
    pthread_mutex_lock(&fork_gate);
    swap_held(lock + 1, 0);
    close(lock);
    pthread_mutex_unlock(&fork_gate);
}

/* Is the file we locked still the one with the name?  The last holder may have removed it. */
static bool still_there(const struct e5_place *place, int lock) {
    struct stat ours, named;
    return fstat(lock, &ours) == 0 && fstatat(place->directory, place->lock_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

static enum e5_status busy(const struct e5_place *place, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_TARGET_BUSY, "somebody else is writing '%s'", place->name);
    e5_error_target(err, place->path);
    return status;
}

static enum e5_status without_lock(struct e5_place *place) {
    e5_log(E5_LOG_WARNING, "the file system of %s has no locks: '%s' is fetched without sharing", place->path,
           place->name);
    unlinkat(place->directory, place->lock_name, 0);
    place->alone = true;
    snprintf(place->own, sizeof place->own, ".%d-%u", (int)getpid(), atomic_fetch_add(&calls_alone, 1));
    set_names(place);
    return E5_OK;
}

/* For the eyes of others only, so a failure to write it is no failure. */
static void write_tag(int lock, const char *tag) {
    if (ftruncate(lock, 0) != 0 || pwrite(lock, tag, strlen(tag), 0) < 0) return;
}

bool e5_place_holder_has(const struct e5_place *place, const char *tag) {
    char text[128];
    int lock = openat(place->directory, place->lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock < 0) return false;
    ssize_t got = pread(lock, text, sizeof text, 0);
    close(lock);
    return got > 0 && (size_t)got == strlen(tag) && memcmp(text, tag, (size_t)got) == 0;
}

enum e5_status e5_place_lock(struct e5_place *place, const char *tag, struct e5_error *err) {
    for (int i = 0; i < LOCK_TRIES; i++) {
        int code;
        bool opened;
        int lock = open_locked(place, &opened, &code);
        if (!opened) return e5_fail_errno(err, code, place->path, "cannot write beside the target");
        if (code == 0 && still_there(place, lock)) {
            place->lock = lock;
            write_tag(lock, tag);
            return E5_OK;
        }
        if (code == 0) close_lock(lock);
        if (code == EWOULDBLOCK) return busy(place, err);
        if (code != 0 && code != EINTR) return without_lock(place);
    }
    return busy(place, err);
}

/* The number is the nearest that the system has; what it says of it would be about something else. */
static enum e5_status no_file(const struct e5_place *place, mode_t mode, struct e5_error *err) {
    bool link = S_ISLNK(mode), directory = S_ISDIR(mode);
    const char *kind = directory ? "a directory" : link ? "a symbolic link" : "a device, pipe or socket";
    enum e5_status status = e5_fail(err, E5_STORAGE, "the target '%.100s' is %s, not a file", place->name, kind);
    if (err != NULL) err->sys_errno = directory ? EISDIR : link ? ELOOP : EINVAL;
    e5_error_target(err, place->path);
    if (directory)
        e5_error_hint(err, "name a file in it, for instance '%.100s/answer.nc'", place->name);
    else
        e5_error_hint(err, link ? "name the file that it leads to; links are not written through"
                                : "name a file; what is downloaded is checked before it gets its name");
    return status;
}

enum e5_status e5_place_look(const struct e5_place *place, bool *exists, struct stat *info, struct e5_error *err) {
    *exists = fstatat(place->directory, place->name, info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*exists && errno == ENOENT) return E5_OK;
    if (!*exists) return e5_fail_errno(err, errno, place->path, "cannot look at the target");
    if (S_ISREG(info->st_mode)) return E5_OK;
    return no_file(place, info->st_mode, err);
}

static int rename_into(const struct e5_place *place, int from, const char *name, const char *to, bool replace) {
    int dir = place->directory;
    if (replace) return renameat(from, name, dir, to);
#ifdef RENAME_NOREPLACE
    if (renameat2(from, name, dir, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
#endif
    if (faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, name, dir, to);
}

enum e5_status e5_place_publish_as(const struct e5_place *place, int from, const char *name, const char *to,
                                   bool replace, struct e5_error *err) {
    if (rename_into(place, from, name, to, replace) != 0) {
        if (errno != EEXIST) return e5_fail_errno(err, errno, place->path, "cannot rename the finished file");
        enum e5_status status = e5_fail(err, E5_EXISTS, "'%.180s' appeared while it was fetched", to);
        e5_error_target(err, place->path);
        return status;
    }
    if (fsync(place->directory) != 0 && errno != EINVAL) /* some file systems cannot sync a directory */
        return e5_fail_errno(err, errno, place->path, "cannot sync the directory");
    return E5_OK;
}

enum e5_status e5_place_publish(const struct e5_place *place, bool replace, struct e5_error *err) {
    return e5_place_publish_as(place, place->directory, place->part, place->name, replace, err);
}

void e5_place_clean(const struct e5_place *place) {
    if (place->directory < 0) return;
    unlinkat(place->directory, place->part, 0);
    unlinkat(place->directory, place->state, 0);
}

void e5_place_close(struct e5_place *place) {
    if (place->lock >= 0) {
        unlinkat(place->directory, place->lock_name, 0); /* while it is still ours */
        close_lock(place->lock);
    }
    if (place->directory >= 0) close(place->directory);
    place->lock = place->directory = -1;
}
