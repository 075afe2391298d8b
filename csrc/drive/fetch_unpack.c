#include "drive/fetch_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "io/archive_files.h"
#include "io/join.h"
#include "net/structure.h"

#define BLOCK ((size_t)256 << 10)
#define MOST_GROUPS 16   /* tried for each member; more are no answer of the service */
#define MOST_JOINED 256  /* members looked at for joining */

struct group { /* members that become one file */
    struct e5_join *join; /* NULL: one member that is not netCDF, or one too many */
    size_t first;         /* member it is named after */
    bool netcdf;
    char made[32];        /* joined file in the folder; "": the member itself */
    char name[256];       /* beside the target, or the target's */
    struct stat info;     /* of the finished file */
    enum e5_beside beside; /* what is there under that name; for all but the target */
    bool published;
};

struct e5_fetch_unpack {
    const struct e5_place *place;
    char folder[300]; /* name beside the target */
    char *path;       /* the folder's, for the libraries */
    int directory;    /* of the folder */
    int64_t position; /* bytes of the archive taken */
    struct e5_archive *archive;
    struct e5_archive_files files;
    struct group *groups;
    size_t count;
    struct e5_error refused;
    char block[BLOCK];
};

enum e5_status e5_fetch_is_archive(int fd, const char *path, bool *out, struct e5_error *err) {
    char head[4] = "";
    if (pread(fd, head, sizeof head, 0) < 0) return e5_fail_errno(err, errno, path, "cannot read the part file of");
    *out = memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0; /* the second one: an empty archive */
    return E5_OK;
}

/* Of what comes before the name in a path. */
static int directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (int)(slash - path) + 1 : 0;
}

/* --- the folder --- */

static void folder_name(const struct e5_place *place, char *out, size_t size) {
    snprintf(out, size, ".%s%s.e5members", place->name, place->own);
}

void e5_fetch_unpack_clean(const struct e5_place *place) {
    char folder[300];
    if (place->directory < 0) return;
    folder_name(place, folder, sizeof folder);
    e5_archive_files_remove(place->directory, folder);
}

/* So that a later change of directory does not matter. */
static enum e5_status find_path(struct e5_fetch_unpack *u, struct e5_error *err) {
    char *target;
    enum e5_status status = e5_path_in_folder(u->place->path, "cannot find the directory of", &target, err);
    if (status != E5_OK) return status;
    size_t before = (size_t)(strrchr(target, '/') - target) + 1, size = before + sizeof u->folder;
    status = e5_alloc(size, 1, &u->path, err);
    if (status == E5_OK) snprintf(u->path, size, "%.*s%s", (int)before, target, u->folder);
    free(target);
    return status;
}

static enum e5_status make_folder(struct e5_fetch_unpack *u, struct e5_error *err) {
    int parent = u->place->directory;
    folder_name(u->place, u->folder, sizeof u->folder);
    e5_archive_files_remove(parent, u->folder);
    enum e5_status status = find_path(u, err);
    if (status != E5_OK) return status;
    if (mkdirat(parent, u->folder, 0700) != 0)
        return e5_fail_errno(err, errno, u->place->path, "cannot make a folder to unpack");
    u->directory = openat(parent, u->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return u->directory >= 0 ? E5_OK : e5_fail_errno(err, errno, u->place->path, "cannot use the folder to unpack");
}

enum e5_status e5_fetch_unpack_begin(const struct e5_place *place, int64_t size, struct e5_fetch_unpack **out,
                                     struct e5_error *err) {
    struct e5_fetch_unpack *u;
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *u, &u, err);
    if (status != E5_OK) return status;
    u->place = place;
    u->directory = -1;
    u->refused = E5_ERROR_NONE;
    status = make_folder(u, err);
    e5_archive_files_init(&u->files, u->directory, place->path);
    struct e5_archive_sink sink = e5_archive_files_sink(&u->files);
    if (status == E5_OK) status = e5_archive_new(&sink, size, &u->archive, err);
    if (status == E5_OK)
        *out = u;
    else
        e5_fetch_unpack_drop(u);
    return status;
}

void e5_fetch_unpack_drop(struct e5_fetch_unpack *u) {
    if (u == NULL) return;
    for (size_t i = 0; i < u->count; i++) e5_join_free(u->groups[i].join);
    free(u->groups);
    e5_archive_free(u->archive);
    e5_archive_files_fini(&u->files);
    if (u->directory >= 0) {
        close(u->directory);
        e5_archive_files_remove(u->place->directory, u->folder);
    }
    free(u->path);
    free(u);
}

/* --- unpacking --- */

static enum e5_status take_block(struct e5_fetch_unpack *u, int fd, int64_t upto, struct e5_error *err) {
    size_t want = upto - u->position < (int64_t)BLOCK ? (size_t)(upto - u->position) : BLOCK;
    ssize_t got = pread(fd, u->block, want, u->position);
    if (got < 0 && errno == EINTR) return E5_OK;
    if (got < 0) return e5_fail_errno(err, errno, u->place->path, "cannot read the part file of");
    if (got == 0) return e5_fail(err, E5_STORAGE, "the part file of %s became shorter", u->place->path);
    u->position += got;
    enum e5_status status = e5_archive_feed(u->archive, u->block, (size_t)got, &u->refused);
    if (status != E5_OK && err != NULL && err->status == E5_OK) *err = u->refused;
    return status;
}

enum e5_status e5_fetch_unpack_follow(struct e5_fetch_unpack *u, int fd, int64_t upto, struct e5_watch *watch,
                                      struct e5_error *err) {
    enum e5_status status = u->refused.status;
    if (status != E5_OK && err != NULL && err->status == E5_OK) *err = u->refused;
    while (status == E5_OK && u->position < upto) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = take_block(u, fd, upto, err);
    }
    e5_error_target(err, u->place->path);
    return status;
}

/* --- what belongs together --- */

static char *member_path(const struct e5_fetch_unpack *u, const char *name, char *out, size_t size) {
    snprintf(out, size, "%s/%s", u->path, name);
    return out;
}

/* Whether its first bytes say that it is netCDF. */
static enum e5_status look_at(const struct e5_fetch_unpack *u, size_t member, bool *netcdf, struct e5_error *err) {
    char head[4] = "";
    int fd = openat(u->directory, u->files.file[member].path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd >= 0 ? pread(fd, head, sizeof head, 0) : -1;
    int reason = errno;
    if (fd >= 0) close(fd);
    *netcdf = got == 4 && (memcmp(head, "\x89HDF", 4) == 0 || memcmp(head, "CDF", 3) == 0);
    return got >= 0 ? E5_OK : e5_fail_errno(err, reason, u->place->path, "cannot read what was unpacked of");
}

static enum e5_status add_to(const struct e5_fetch_unpack *u, struct group *group, size_t member, bool *fits,
                             struct e5_watch *watch, struct e5_error *err) {
    char path[4096 + 512];
    enum e5_status status = group->join == NULL ? e5_join_new(&group->join, err) : E5_OK;
    member_path(u, u->files.file[member].path, path, sizeof path);
    return status == E5_OK ? e5_join_add(group->join, path, fits, watch, err) : status;
}

static enum e5_status place_member(struct e5_fetch_unpack *u, size_t member, struct e5_watch *watch,
                                   struct e5_error *err) {
    bool fits = false, netcdf = false;
    enum e5_status status = e5_watch_check(watch, err);
    if (status == E5_OK) status = look_at(u, member, &netcdf, err);
    bool joins = netcdf && member < MOST_JOINED;
    for (size_t i = 0; joins && i < u->count && i < MOST_GROUPS && !fits && status == E5_OK; i++)
        if (u->groups[i].join != NULL) status = add_to(u, &u->groups[i], member, &fits, watch, err);
    if (status != E5_OK || fits) return status;
    struct group *group = &u->groups[u->count++];
    *group = (struct group){.first = member, .netcdf = netcdf};
    return joins ? add_to(u, group, member, &fits, watch, err) : E5_OK;
}

static size_t members_of(const struct group *group) { return group->join != NULL ? e5_join_count(group->join) : 0; }

/* The group of most members comes first: it becomes the target. */
static enum e5_status sort_members(struct e5_fetch_unpack *u, struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = e5_alloc(u->files.count, sizeof *u->groups, &u->groups, err);
    size_t best = 0;
    for (size_t i = 0; i < u->files.count && status == E5_OK; i++) status = place_member(u, i, watch, err);
    for (size_t i = 1; i < u->count; i++)
        if (members_of(&u->groups[i]) > members_of(&u->groups[best])) best = i;
    if (status != E5_OK) return status;
    if (u->count == 0 || members_of(&u->groups[best]) == 0) {
        status = e5_fail(err, E5_CORRUPT, "expected netCDF, got an archive without any: '%.80s'",
                         u->count > 0 ? u->files.file[0].name : "");
        e5_error_hint(err, "ask for an archive (download_format=\"zip\") to keep it as it is");
        return status;
    }
    struct group main = u->groups[best];
    memmove(u->groups + 1, u->groups, best * sizeof main);
    u->groups[0] = main;
    return E5_OK;
}

/* --- names --- */

static bool is_taken(const struct e5_fetch_unpack *u, size_t but, const char *name) {
    for (size_t i = 0; i < u->count; i++)
        if (i != but && strcmp(u->groups[i].name, name) == 0) return true;
    return false;
}

/* x.nc and data_stream-wave.nc: x.data_stream-wave.nc; from the second on with its number in between. */
static void choose_name(struct e5_fetch_unpack *u, size_t i, unsigned number) {
    const char *own = u->files.file[u->groups[i].first].name, *name = u->place->name;
    size_t stem = strlen(name) - (e5_text_ends(name, ".nc") ? 3 : 0);
    char *out = u->groups[i].name, count[12] = "";
    size_t room = sizeof u->groups[i].name - 1 - strlen(own) - 8;
    if (number > 1) snprintf(count, sizeof count, "%u.", number);
    snprintf(out, sizeof u->groups[i].name, "%.*s.%s%s", (int)(stem < room ? stem : room), name, count, own);
}

static enum e5_status choose_names(struct e5_fetch_unpack *u, bool replace, struct e5_error *err) {
    const char *name = u->place->name;
    struct stat info;
    snprintf(u->groups[0].name, sizeof u->groups[0].name, "%s", name);
    for (size_t i = 1; i < u->count; i++) {
        unsigned number = 1;
        do choose_name(u, i, number++);
        while (is_taken(u, i, u->groups[i].name));
    }
    if (fstatat(u->place->directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return E5_OK;
    if (!replace) return e5_fail(err, E5_EXISTS, "'%.180s' exists and is not to be replaced", name);
    return S_ISREG(info.st_mode) ? E5_OK : e5_fail_errno(err, EEXIST, name, "not a regular file");
}

/* --- results --- */

static const char *made_name(const struct e5_fetch_unpack *u, const struct group *group) {
    return group->made[0] != '\0' ? group->made : u->files.file[group->first].path;
}

static enum e5_status check_and_sync(const struct e5_fetch_unpack *u, struct group *group, struct e5_error *err) {
    int fd = openat(u->directory, made_name(u, group), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return e5_fail_errno(err, errno, group->name, "cannot read what was unpacked as");
    enum e5_status status = e5_structure_check(fd, group->name, group->netcdf ? "application/netcdf" : "", err);
    if (status == E5_OK && (fsync(fd) != 0 || fstat(fd, &group->info) != 0))
        status = e5_fail_errno(err, errno, group->name, "cannot sync what was unpacked as");
    close(fd);
    return status;
}

static enum e5_status make_result(struct e5_fetch_unpack *u, size_t i, struct e5_watch *watch, struct e5_error *err) {
    struct group *group = &u->groups[i];
    char path[4096 + 512];
    enum e5_status status = e5_watch_check(watch, err);
    if (status == E5_OK && members_of(group) > 1) {
        snprintf(group->made, sizeof group->made, "joined-%zu.nc", i);
        status = e5_join_write(group->join, member_path(u, group->made, path, sizeof path), watch, err);
    }
    e5_join_free(group->join); /* holds the members' headers, which are not needed any more */
    group->join = NULL;
    return status == E5_OK ? check_and_sync(u, group, err) : status;
}

static enum e5_status look_beside(struct e5_fetch_unpack *u, struct group *group,
                                  const struct e5_fetch_existing *existing, struct e5_watch *watch,
                                  struct e5_error *err) {
    int fd = openat(u->directory, made_name(u, group), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return e5_fail_errno(err, errno, group->name, "cannot read what was unpacked as");
    enum e5_status status =
        e5_fetch_beside(u->place, group->name, existing, fd, &group->info, &group->beside, watch, err);
    close(fd);
    return status;
}

/* What lies beside the target steps aside for files of others. */
static enum e5_status settle_names(struct e5_fetch_unpack *u, const struct e5_fetch_existing *existing,
                                   struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 1; i < u->count; i++) {
        struct group *group = &u->groups[i];
        group->beside = E5_BESIDE_FOREIGN;
        for (unsigned number = 1; group->beside == E5_BESIDE_FOREIGN && status == E5_OK; number++) {
            choose_name(u, i, number);
            if (!is_taken(u, i, group->name)) status = look_beside(u, group, existing, watch, err);
        }
    }
    return status;
}

/* What is new beside the target goes again when the target cannot be made. */
static void withdraw(struct e5_fetch_unpack *u) {
    for (size_t i = 1; i < u->count; i++)
        if (u->groups[i].published && u->groups[i].beside == E5_BESIDE_FREE)
            unlinkat(u->place->directory, u->groups[i].name, 0);
}

static enum e5_status publish(struct e5_fetch_unpack *u, bool replace, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = u->count; i-- > 0 && status == E5_OK;) {
        struct group *group = &u->groups[i];
        bool may = i == 0 ? replace : group->beside == E5_BESIDE_OURS;
        if (i > 0 && group->beside == E5_BESIDE_SAME) continue;
        status = e5_place_publish_as(u->place, u->directory, made_name(u, group), group->name, may, err);
        group->published = status == E5_OK;
    }
    if (status != E5_OK) withdraw(u);
    return status;
}

static void tell(const struct e5_fetch_unpack *u) {
    if (u->count < 2) return;
    e5_log(E5_LOG_WARNING, "%s: the answer does not fit one file: %zu more beside it, the first '%.100s'",
           u->place->name, u->count - 1, u->groups[1].name);
}

/* The target first, all in the directory that the caller named. */
static enum e5_status list_files(const struct e5_fetch_unpack *u, struct e5_fetch_unpacked *result,
                                 struct e5_error *err) {
    int before = directory_length(u->place->path);
    result->target = u->groups[0].info;
    if (u->count < 2) return E5_OK;
    enum e5_status status = e5_alloc(u->count + 1, sizeof *result->files, &result->files, err);
    if (status == E5_OK) status = e5_alloc(u->count, sizeof *result->info, &result->info, err);
    for (size_t i = 0; i < u->count && status == E5_OK; i++) {
        size_t size = (size_t)before + strlen(u->groups[i].name) + 1;
        result->info[i] = u->groups[i].info;
        status = e5_alloc(size, 1, &result->files[i], err);
        if (status == E5_OK) snprintf(result->files[i], size, "%.*s%s", before, u->place->path, u->groups[i].name);
    }
    return status;
}

void e5_fetch_unpacked_fini(struct e5_fetch_unpacked *result) {
    for (size_t i = 0; result->files != NULL && result->files[i] != NULL; i++) free(result->files[i]);
    free(result->files);
    free(result->info);
    *result = (struct e5_fetch_unpacked){0};
}

static enum e5_status finish(struct e5_fetch_unpack *u, int fd, int64_t size,
                             const struct e5_fetch_existing *existing, struct e5_fetch_unpacked *result,
                             struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = e5_fetch_unpack_follow(u, fd, size, watch, err);
    if (status == E5_OK) status = e5_archive_finish(u->archive, err);
    if (status == E5_OK) status = sort_members(u, watch, err);
    if (status == E5_OK) status = choose_names(u, existing->replace, err);
    for (size_t i = u->count; i-- > 0 && status == E5_OK;) /* the target is the last */
        status = make_result(u, i, watch, err);
    if (status == E5_OK) status = settle_names(u, existing, watch, err);
    if (status == E5_OK) status = list_files(u, result, err);
    if (status == E5_OK) status = e5_watch_check(watch, err);
    return status == E5_OK ? publish(u, existing->replace, err) : status;
}

enum e5_status e5_fetch_unpack_finish(struct e5_fetch_unpack *u, int fd, int64_t size,
                                      const struct e5_fetch_existing *existing, struct e5_fetch_unpacked *result,
                                      struct e5_watch *watch, struct e5_error *err) {
    *result = (struct e5_fetch_unpacked){0};
    enum e5_status status = finish(u, fd, size, existing, result, watch, err);
    if (status == E5_OK) {
        tell(u);
    } else {
        e5_error_target(err, u->place->path);
        e5_fetch_unpacked_fini(result);
    }
    return status;
}

enum e5_status e5_fetch_unpack(const struct e5_place *place, int fd, int64_t size,
                               const struct e5_fetch_existing *existing, struct e5_fetch_unpacked *result,
                               struct e5_watch *watch, struct e5_error *err) {
    struct e5_fetch_unpack *u = NULL;
    *result = (struct e5_fetch_unpacked){0};
    enum e5_status status = e5_fetch_unpack_begin(place, size, &u, err);
    if (status == E5_OK) status = e5_fetch_unpack_finish(u, fd, size, existing, result, watch, err);
    e5_fetch_unpack_drop(u);
    return status;
}
