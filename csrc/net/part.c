#include "net/part.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#define MEMORY_SYSTEM 0x01021994 /* tmpfs, in the words of the kernel */
#define SPARED ((int64_t)256 << 20) /* bytes that a file of unknown size leaves free */
#define ROOM ((int64_t)8 << 20) /* bytes in memory that are reserved, however much is free */
#define WRITE_BACK ((int64_t)8 << 20) /* start writing this often, so that a sync finds little left to do */

/* An earlier part is reused only if it is a plain file of ours that nobody else has a name for. */
static int open_old(const struct e5_place *place, int64_t reach) {
    struct stat info;
    int fd = openat(place->directory, place->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1 &&
                info.st_size >= reach && ftruncate(fd, reach) == 0;
    if (good) return fd;
    close(fd);
    return -1;
}

static enum e5_status open_new(struct e5_part *part, const struct e5_place *place, struct e5_error *err) {
    unlinkat(place->directory, place->part, 0);
    /* 0666: the finished file has this mode less the umask, like any file the user makes */
    part->fd = openat(place->directory, place->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return part->fd >= 0 ? E5_OK : e5_fail_errno(err, errno, place->path, "cannot make the part file of");
}

static enum e5_status no_space(const struct e5_part *part, int64_t free_bytes, struct e5_error *err) {
    enum e5_status status = e5_fail_errno(err, ENOSPC, part->path, "cannot reserve space for");
    double needed = (double)(part->size - e5_part_here(part));
    e5_error_hint(err, "needs %.1f MB, free are %.1f MB: make room, then call again to go on", needed / 1e6,
                  (double)free_bytes / 1e6);
    return status;
}

static bool is_in_memory(const struct e5_part *part) {
#ifdef __linux__
    struct statfs system;
    return fstatfs(part->fd, &system) == 0 && system.f_type == MEMORY_SYSTEM;
#else
    (void)part;
    return false;
#endif
}

#ifdef FALLOC_FL_KEEP_SIZE
/* In memory room can only be made under the lock that writing takes: where there is plenty it is made by writing. */
static bool is_ample(const struct e5_part *part, int64_t need, int64_t free_bytes) {
    return need > ROOM && need < free_bytes / 4 && is_in_memory(part);
}
#endif

/* Take the room for what is still to come, where the file system can; else at least look whether it would fit. */
static enum e5_status reserve(const struct e5_part *part, struct e5_error *err) {
    struct statvfs room;
    int64_t need = part->size - e5_part_here(part);
    if (need <= 0) return E5_OK;
    int64_t free_bytes = fstatvfs(part->fd, &room) == 0 ? (int64_t)(room.f_bavail * room.f_frsize) : INT64_MAX;
    if (free_bytes < need) return no_space(part, free_bytes, err);
#ifdef FALLOC_FL_KEEP_SIZE
    if (is_ample(part, need, free_bytes)) return E5_OK;
    if (fallocate(part->fd, FALLOC_FL_KEEP_SIZE, 0, part->size) == 0) return E5_OK;
    if (errno == ENOSPC) return no_space(part, free_bytes, err);
    if (errno == EDQUOT || errno == EFBIG) return e5_fail_errno(err, errno, part->path, "cannot reserve space for");
#endif
    return E5_OK;
}

enum e5_status e5_part_open(struct e5_part *part, const struct e5_place *place, int64_t size,
                            const struct e5_pieces *kept, struct e5_error *err) {
    int64_t reach = e5_pieces_good(kept, size) ? e5_pieces_reach(kept) : 0;
    *part = (struct e5_part){.fd = reach > 0 ? open_old(place, reach) : -1, .path = place->path, .size = size};
    bool resumed = part->fd >= 0;
    e5_pieces_init(&part->pieces, size);
    if (resumed) part->pieces = *kept;
    e5_pieces_tidy(&part->pieces);
    enum e5_status status = resumed ? E5_OK : open_new(part, place, err);
    if (status == E5_OK) status = reserve(part, err);
    if (status != E5_OK) e5_part_close(part);
    return status;
}

int64_t e5_part_here(const struct e5_part *part) { return e5_pieces_here(&part->pieces); }

bool e5_part_whole(const struct e5_part *part) { return part->size >= 0 && e5_part_here(part) == part->size; }

/* Whoever sends without an end and never said how much comes must not fill the disk. */
static enum e5_status check_room(const struct e5_part *part, int64_t before, int64_t now, struct e5_error *err) {
    struct statvfs room;
    if (part->size >= 0 || before / WRITE_BACK == now / WRITE_BACK || fstatvfs(part->fd, &room) != 0) return E5_OK;
    int64_t free_bytes = (int64_t)(room.f_bavail * room.f_frsize);
    if (free_bytes >= SPARED) return E5_OK;
    enum e5_status status = e5_fail_errno(err, ENOSPC, part->path, "cannot write the part file of");
    e5_error_hint(err, "its size is not known, and only %.1f MB are free: make room, then call again",
                  (double)free_bytes / 1e6);
    return status;
}

static void start_write_back(const struct e5_part *part, int64_t before, int64_t now) {
#ifdef SYNC_FILE_RANGE_WRITE
    int64_t from = before / WRITE_BACK * WRITE_BACK, upto = now / WRITE_BACK * WRITE_BACK;
    if (upto > from) sync_file_range(part->fd, from, upto - from, SYNC_FILE_RANGE_WRITE);
#else
    (void)part, (void)before, (void)now;
#endif
}

enum e5_status e5_part_write(struct e5_part *part, struct e5_piece *piece, const void *bytes, size_t size,
                             struct e5_error *err) {
    int64_t at = piece->position;
    if (piece->end >= 0 && (int64_t)size > piece->end - at)
        return e5_fail(err, E5_CORRUPT, "more than the declared %lld bytes arrive", (long long)part->size);
    enum e5_status status = check_room(part, at, at + (int64_t)size, err);
    if (status != E5_OK) return status;
    for (const char *from = bytes; size > 0;) {
        ssize_t written = pwrite(part->fd, from, size, at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return e5_fail_errno(err, errno, part->path, "cannot write the part file of");
        from += written;
        size -= (size_t)written;
        at += written;
    }
    start_write_back(part, piece->position, at);
    piece->position = at;
    return E5_OK;
}

enum e5_status e5_part_restart(struct e5_part *part, struct e5_error *err) {
    if (part->pieces.count == 1 && e5_part_here(part) == 0) return E5_OK;
    part->generation++;
    e5_pieces_init(&part->pieces, part->size);
    if (ftruncate(part->fd, 0) != 0) return e5_fail_errno(err, errno, part->path, "cannot empty the part file of");
    return reserve(part, err);
}

enum e5_status e5_part_sync(const struct e5_part *part, struct e5_error *err) {
    while (fdatasync(part->fd) != 0)
        if (errno != EINTR) return e5_fail_errno(err, errno, part->path, "cannot sync the part file of");
    return E5_OK;
}

/* Room in memory is memory: a part that waits for its next call has none that is empty. */
static void give_back(const struct e5_part *part) {
#ifdef FALLOC_FL_PUNCH_HOLE
    if (part->size < 0 || e5_part_whole(part) || !is_in_memory(part)) return;
    for (unsigned i = 0; i < part->pieces.count; i++) {
        const struct e5_piece *piece = &part->pieces.piece[i];
        if (piece->end > piece->position)
            (void)!fallocate(part->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, piece->position,
                             piece->end - piece->position);
    }
    (void)!ftruncate(part->fd, e5_pieces_reach(&part->pieces));
#else
    (void)part;
#endif
}

void e5_part_close(struct e5_part *part) {
    if (part->fd >= 0) {
        give_back(part);
        close(part->fd);
    }
    part->fd = -1;
}
