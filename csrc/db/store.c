#include "db/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "db/block.h"
#include "db/features.h"
#include "db/geometry.h"
#include "db/lock.h"
#include "db/schema.h"
#include "db/tracks.h"

struct e5_store {
    struct e5_database db;
    double busy_seconds;
    pid_t owner; /* SQLite's handles and locks do not survive a fork */
    double deadline; /* of the wait under way */
};

/* --- the connection --- */

/* Each wait has its own patience: before a COMMIT the work of a long batch may have used up that of the beginning. */
static int keep_waiting(void *context, int tries) {
    struct e5_store *store = context;
    if (tries == 0) store->deadline = e5_clock_monotonic() + store->busy_seconds;
    return e5_lock_wait(store->deadline, store->db.watch);
}

static void begin_waiting(struct e5_store *store, const struct e5_watch *watch) {
    store->deadline = e5_clock_monotonic() + store->busy_seconds;
    store->db.watch = watch;
}

/* Nothing in the file may run code of its own.  Before 3.44 SQLite refuses the R*Tree in triggers of an untrusted
 * schema; there e5_schema_check() stands alone. */
static void distrust(sqlite3 *handle) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, sqlite3_libversion_number() < 3044000, NULL);
}

static enum e5_status connect(struct e5_store *store, const char *path, int flags, struct e5_error *err) {
    struct e5_database *db = &store->db;
    enum e5_status status = e5_sql_check_copies(err);
    if (status != E5_OK) return status;
    int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) code = sqlite3_extended_result_codes(db->handle, 1);
    if (code == SQLITE_OK) code = sqlite3_busy_handler(db->handle, keep_waiting, store);
    if (code == SQLITE_OK) code = e5_geometry_register(db->handle);
    if (code == SQLITE_OK) code = e5_block_register(db->handle);
    if (code != SQLITE_OK) return e5_sql_fail(db, code, "cannot open the event database", err);
    distrust(db->handle);
    /* EXTRA also syncs the folder after the journal is gone: a batch that was reported survives a power cut.  As long
     * as the changed pages fit into the cache, the file is written at the commit only, and readers go on till then.
     */
    return e5_sql_run(db,
                      "PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA; PRAGMA cell_size_check = ON;"
                      "PRAGMA cache_size = -262144;",
                      err);
}

static void disconnect(struct e5_store *store) {
    sqlite3_close(store->db.handle);
    store->db.handle = NULL;
}

/* --- transactions --- */

static enum e5_status begin(struct e5_store *store, struct e5_error *err) {
    return e5_sql_run(&store->db, "BEGIN IMMEDIATE", err);
}

static enum e5_status end(struct e5_store *store, enum e5_status status, struct e5_error *err) {
    if (status == E5_OK) status = e5_sql_run(&store->db, "COMMIT", err);
    if (status != E5_OK && !sqlite3_get_autocommit(store->db.handle))
        sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL); /* what failed has been told already */
    return status;
}

/* Foreign keys are switched outside of transactions only. */
static void check_foreign_keys(struct e5_store *store, bool on) {
    sqlite3_db_config(store->db.handle, SQLITE_DBCONFIG_ENABLE_FKEY, on, NULL);
}

/* --- opening --- */

static enum e5_status sync_path(const char *path, int flags, struct e5_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0 || fsync(fd) != 0) {
        int reason = errno;
        if (fd >= 0) close(fd);
        return e5_fail_errno(err, reason, path, "cannot save");
    }
    close(fd);
    return E5_OK;
}

static enum e5_status sync_folder(const char *path, struct e5_error *err) {
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL) return e5_fail(err, E5_MEMORY, "cannot allocate a path");
    enum e5_status status = sync_path(folder, O_DIRECTORY, err);
    free(folder);
    return status;
}

static enum e5_status fill(struct e5_store *store, const char *private_name, struct e5_error *err) {
    /* Pages of 8 KiB hold more rows with their outlines than the usual ones: batches are written 6 % faster.  And a
     * private file that comes to grief is thrown away: it is synchronised once, when it is whole. */
    static const char first[] = "PRAGMA page_size = 8192; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY";
    enum e5_status status = connect(store, private_name, SQLITE_OPEN_CREATE, err);
    if (status == E5_OK) status = e5_sql_run(&store->db, first, err);
    if (status == E5_OK) status = begin(store, err);
    if (status == E5_OK) status = end(store, e5_schema_make(&store->db, err), err);
    disconnect(store);
    return status;
}

/* A journal or write-ahead log that outlived a database of this name would be played into the new one. */
static enum e5_status clear_away(const char *path, struct e5_error *err) {
    static const char *const endings[] = {"-journal", "-wal", "-shm"};
    size_t size = strlen(path) + sizeof "-journal";
    char *name;
    enum e5_status status = e5_alloc(size, 1, &name, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && status == E5_OK; i++) {
        snprintf(name, size, "%s%s", path, endings[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            status = e5_fail_errno(err, errno, name, "cannot remove what a former event database left");
    }
    free(name);
    return status;
}

/* A new database appears whole under its name, or not at all.  The caller holds the writers' lock, so that the
 * private name is ours and a file found there is the remains of somebody who was killed. */
static enum e5_status build(struct e5_store *store, struct e5_error *err) {
    size_t size = strlen(store->db.path) + sizeof ".new";
    char *private_name;
    enum e5_status status = e5_alloc(size, 1, &private_name, err);
    if (status != E5_OK) return status;
    snprintf(private_name, size, "%s.new", store->db.path);
    unlink(private_name);
    status = fill(store, private_name, err);
    if (status == E5_OK) status = sync_path(private_name, 0, err);
    if (status == E5_OK) status = clear_away(store->db.path, err);
    if (status == E5_OK && rename(private_name, store->db.path) != 0)
        status = e5_fail_errno(err, errno, store->db.path, "cannot make the event database");
    if (status == E5_OK)
        status = sync_folder(store->db.path, err);
    else
        unlink(private_name);
    free(private_name);
    return status;
}

static enum e5_status build_if_missing(struct e5_store *store, struct e5_error *err) {
    struct e5_lock lock;
    struct stat info;
    if (stat(store->db.path, &info) == 0) return E5_OK;
    if (errno != ENOENT) return e5_fail_errno(err, errno, store->db.path, "cannot open the event database");
    enum e5_status status = e5_lock_take(&lock, store->db.path, store->deadline, store->db.watch, err);
    if (status != E5_OK) return status;
    if (stat(store->db.path, &info) != 0) status = build(store, err); /* unless another one was faster */
    e5_lock_release(&lock);
    return status;
}

/* A table that is dropped to be made anew must not take with it the rows that belong to its own, and views that name
 * it do not stand in the way. */
static enum e5_status begin_rebuilding(struct e5_store *store, struct e5_error *err) {
    check_foreign_keys(store, false);
    sqlite3_db_config(store->db.handle, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1, NULL);
    return begin(store, err);
}

static void end_rebuilding(struct e5_store *store) {
    check_foreign_keys(store, true);
    sqlite3_db_config(store->db.handle, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 0, NULL);
}

static enum e5_status migrate(struct e5_store *store, struct e5_error *err) {
    struct e5_lock lock;
    int64_t version;
    enum e5_status status = e5_lock_take(&lock, store->db.path, store->deadline, store->db.watch, err);
    if (status != E5_OK) return status;
    status = begin_rebuilding(store, err);
    if (status == E5_OK) {
        status = e5_schema_check(&store->db, &version, err); /* again: another one may have been faster */
        if (status == E5_OK) status = e5_schema_migrate(&store->db, version, err);
        status = end(store, status, err);
    }
    end_rebuilding(store);
    e5_lock_release(&lock);
    return status;
}

static enum e5_status open_existing(struct e5_store *store, struct e5_error *err) {
    struct stat info;
    int64_t version = 0;
    if (stat(store->db.path, &info) != 0)
        return e5_fail_errno(err, errno, store->db.path, "cannot open the event database");
    if (!S_ISREG(info.st_mode))
        return e5_fail_errno(err, S_ISDIR(info.st_mode) ? EISDIR : EINVAL, store->db.path,
                             "cannot open the event database");
    enum e5_status status = connect(store, store->db.path, 0, err);
    if (status == E5_OK) status = e5_schema_check(&store->db, &version, err);
    if (status == E5_OK && version < e5_schema_newest()) status = migrate(store, err);
    /* QGIS leaves write-ahead logs on; back to one file at rest.  When somebody else has it open this is refused at
     * once, which does no harm. */
    if (status != E5_OK) return status;
    sqlite3_busy_handler(store->db.handle, NULL, NULL);
    sqlite3_exec(store->db.handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_busy_handler(store->db.handle, keep_waiting, store);
    return E5_OK;
}

enum e5_status e5_store_open(const char *path, double busy_seconds, struct e5_watch *watch, struct e5_store **out,
                             struct e5_error *err) {
    struct e5_store *store;
    *out = NULL;
    if (path[0] == '\0') return e5_fail(err, E5_INPUT, "the event database needs a file name");
    if (!(busy_seconds >= 0 && busy_seconds <= 1e9)) return e5_fail(err, E5_INPUT, "busy_seconds must be 0 to 1e9");
    enum e5_status status = e5_alloc(1, sizeof *store, &store, err);
    if (status != E5_OK) return status;
    store->owner = getpid();
    store->busy_seconds = busy_seconds;
    begin_waiting(store, watch);
    /* the lock must lie beside that one, whatever links lead to it; a link that leads nowhere is not ours to fill */
    status = e5_path_real(path, "cannot open the event database", &store->db.path, err);
    if (status == E5_OK) status = build_if_missing(store, err);
    if (status == E5_OK) status = open_existing(store, err);
    store->db.watch = NULL;
    if (status == E5_OK)
        *out = store;
    else
        e5_store_close(store);
    return status;
}

void e5_store_close(struct e5_store *store) {
    if (store == NULL) return;
    if (store->owner == getpid()) disconnect(store); /* a child leaves the parent's files and locks alone */
    free(store->db.path);
    free(store);
}

/* --- adding --- */

static bool is_complete(const struct e5_store_source *source) {
    const struct e5_store_download *download = source->download;
    if (source->path == NULL || source->checksum == NULL || source->request == NULL) return false;
    return download == NULL ||
           (download->service != NULL && download->job != NULL && download->collection != NULL &&
            download->request != NULL && download->checksum != NULL && download->checksum_kind != NULL);
}

static enum e5_status check_batch(const struct e5_store_batch *batch, struct e5_error *err) {
    const char *const texts[] = {batch->kind,       batch->variable, batch->units,
                                 batch->definition, batch->program,  batch->libraries};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] == NULL) return e5_fail(err, E5_INTERNAL, "a batch of events without a text");
    if (batch->kind[0] == '\0') return e5_fail(err, E5_INPUT, "events need a kind, such as \"heatwave\"");
    for (size_t i = 0; i < batch->nsources; i++)
        if (!is_complete(&batch->sources[i])) return e5_fail(err, E5_INTERNAL, "a source of events without a text");
    return E5_OK;
}

/* What is to be written: events, or tracks. */
struct contents {
    const struct e5_store_batch *batch;
    struct e5_provenance from;
    struct e5_features features; /* where `tracks` is NULL */
    const struct e5_tracks *tracks;
};

static enum e5_status write_contents(struct e5_store *store, struct contents *contents, struct e5_watch *watch,
                                     struct e5_store_added *out, struct e5_error *err) {
    struct e5_database *db = &store->db;
    const struct e5_store_batch *batch = contents->batch;
    const struct e5_tracks *tracks = contents->tracks;
    const struct e5_events *events = contents->features.events;
    int64_t count = (int64_t)(tracks != NULL ? tracks->count : events->count);
    enum e5_status status =
        e5_provenance_write(db, batch, tracks != NULL ? NULL : events, count, &contents->from, err);
    if (status != E5_OK) return status;
    if (tracks != NULL) return e5_tracks_write(db, tracks, batch, &contents->from, watch, out, err);
    return e5_features_write(&contents->features, db, batch, &contents->from, watch, out, err);
}

static enum e5_status add(struct e5_store *store, struct contents *contents, struct e5_watch *watch,
                          struct e5_store_added *out, struct e5_error *err) {
    struct e5_lock lock;
    begin_waiting(store, watch);
    enum e5_status status = e5_lock_take(&lock, store->db.path, store->deadline, watch, err);
    if (status == E5_OK) {
        check_foreign_keys(store, false); /* each row would look its parent up, which it was just given */
        status = begin(store, err);
        if (status == E5_OK) status = end(store, write_contents(store, contents, watch, out, err), err);
        check_foreign_keys(store, true);
        e5_lock_release(&lock);
    }
    store->db.watch = NULL;
    if (status != E5_OK) *out = (struct e5_store_added){0};
    return status;
}

static enum e5_status begin_batch(struct e5_store *store, const struct e5_store_batch *batch, size_t count,
                                  struct e5_watch *watch, struct contents *out, struct e5_error *err) {
    *out = (struct contents){.batch = batch};
    if (store->owner != getpid())
        return e5_fail(err, E5_FORKED, "event database opened before fork: %s", store->db.path);
    enum e5_status status = check_batch(batch, err);
    if (status != E5_OK) return status;
    e5_watch_stage(watch, "writing events");
    e5_watch_expect(watch, (int64_t)count);
    return e5_diagnostic_key(batch, &out->from.diagnostic_key, err);
}

enum e5_status e5_store_add(struct e5_store *store, const struct e5_events *events,
                            const struct e5_store_batch *batch, const struct e5_parallel *par, struct e5_watch *watch,
                            struct e5_store_added *out, struct e5_error *err) {
    struct contents contents;
    *out = (struct e5_store_added){0};
    enum e5_status status = begin_batch(store, batch, events->count, watch, &contents, err);
    if (status == E5_OK)
        status = e5_features_prepare(&contents.features, events, &contents.from.diagnostic_key, par, watch, err);
    if (status == E5_OK) status = add(store, &contents, watch, out, err);
    e5_features_fini(&contents.features);
    return status;
}

enum e5_status e5_store_add_tracks(struct e5_store *store, const struct e5_tracks *tracks,
                                   const struct e5_store_batch *batch, struct e5_watch *watch,
                                   struct e5_store_added *out, struct e5_error *err) {
    struct contents contents;
    *out = (struct e5_store_added){0};
    enum e5_status status = begin_batch(store, batch, tracks->count, watch, &contents, err);
    if (status != E5_OK) return status;
    contents.tracks = tracks;
    return add(store, &contents, watch, out, err);
}
