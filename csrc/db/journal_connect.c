#include "db/journal_connect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/journal.h"
#include "db/journal_disk.h"
#include "db/journal_schema.h"

#define STEP_MS 2 /* between looks at a lock that somebody else holds: they are held for less than that */

/* --- the connection --- */

static _Thread_local const struct e5_watch *heeded;

void e5_journal_heed(const struct e5_watch *watch) { heeded = watch; }

static bool wait_for_others(const struct e5_journal *journal) {
    double deadline = e5_watch_cancelled(heeded) ? journal->hurried : journal->deadline;
    if (e5_clock_monotonic() >= deadline) return false;
    nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
    return true;
}

static int keep_waiting(void *context, int tries) {
    (void)tries;
    return wait_for_others(context);
}

/* SQL: alive(host, pid, born, seen) */
static void alive(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    struct e5_holder holder = {.pid = sqlite3_value_int64(values[1])};
    const char *host = (const char *)sqlite3_value_text(values[0]),
               *born = (const char *)sqlite3_value_text(values[2]);
    snprintf(holder.host, sizeof holder.host, "%s", host != NULL ? host : "");
    snprintf(holder.born, sizeof holder.born, "%s", born != NULL ? born : "");
    sqlite3_result_int(context, e5_holder_alive(&holder, sqlite3_value_double(values[3]), e5_clock_wall()));
}

/* Nothing in the file may run code of its own. */
static void distrust(sqlite3 *handle) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

static enum e5_status open_handle(struct e5_journal *journal, struct e5_error *err) {
    struct e5_database *db = &journal->db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum e5_status status = e5_sql_check_copies(err);
    if (status != E5_OK) return status;
    int code = sqlite3_open_v2(db->path, &db->handle, flags, NULL);
    if (code == SQLITE_OK) code = sqlite3_extended_result_codes(db->handle, 1);
    if (code == SQLITE_OK) code = sqlite3_busy_handler(db->handle, keep_waiting, journal);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(db->handle, "alive", 4, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, alive, NULL,
                                          NULL, NULL);
    if (code != SQLITE_OK) return e5_sql_fail(db, code, "cannot open the journal", err);
    distrust(db->handle);
    return e5_sql_run(db, "PRAGMA cell_size_check = ON", err);
}

static enum e5_status read_only(const struct e5_database *db, struct e5_error *err) {
    enum e5_status status = e5_fail_errno(err, EACCES, db->path, "cannot write to the journal");
    e5_error_hint(err, "make it writable, or name another file in ERA5FAST_JOURNAL");
    return status;
}

/* A change of the mode is refused at once while others have the file open, without asking the busy handler. */
static enum e5_status set_mode(struct e5_journal *journal, const char *mode, struct e5_error *err) {
    char set[64], is[96];
    int64_t right = 0;
    snprintf(set, sizeof set, "PRAGMA journal_mode = %s", mode);
    snprintf(is, sizeof is, "SELECT journal_mode = '%s' FROM pragma_journal_mode", mode);
    for (;;) {
        int code = sqlite3_exec(journal->db.handle, set, NULL, NULL, NULL);
        if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY)
            return e5_sql_fail(&journal->db, code, "cannot open the journal", err);
        enum e5_status status = e5_sql_integer(&journal->db, is, &right, err);
        if (status != E5_OK || right) return status;
        if (!wait_for_others(journal)) return e5_sql_fail(&journal->db, SQLITE_BUSY, "cannot open the journal", err);
    }
}

static enum e5_status choose_mode(struct e5_journal *journal, struct e5_error *err) {
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    struct e5_database *db = &journal->db;
    bool shared = e5_disk_is_shared(db->path);
    if (shared && !atomic_flag_test_and_set(&warned))
        e5_log(E5_LOG_WARNING, "%s is on a file system that other computers use too: the journal is slower there",
               db->path);
    enum e5_status status = set_mode(journal, shared ? "delete" : "wal", err);
    if (status != E5_OK) return status;
    return e5_sql_run(db, shared ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
}

static enum e5_status migrate(struct e5_journal *journal, struct e5_error *err) {
    struct e5_database *db = &journal->db;
    enum e5_status status = e5_sql_run(db, "BEGIN IMMEDIATE", err);
    if (status == E5_OK) status = e5_journal_schema_migrate(db, err);
    if (status == E5_OK) status = e5_sql_run(db, "COMMIT", err);
    if (status != E5_OK && !sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* --- the file --- */

static enum e5_status check_place(const struct e5_database *db, struct e5_error *err) {
    struct stat info;
    if (stat(db->path, &info) != 0)
        return errno == ENOENT ? E5_OK : e5_fail_errno(err, errno, db->path, "cannot open the journal");
    if (S_ISREG(info.st_mode)) return E5_OK;
    return e5_fail_errno(err, S_ISDIR(info.st_mode) ? EISDIR : EINVAL, db->path, "cannot open the journal");
}

/* The file is for its owner only, and so is what SQLite makes beside it, which copies the mode. */
static void note_file(struct e5_journal *journal) {
    struct stat info;
    if (stat(journal->db.path, &info) != 0) return;
    journal->device = info.st_dev;
    journal->inode = info.st_ino;
    bool open_to_others = (info.st_mode & 077) != 0 && info.st_uid == geteuid();
    if (open_to_others && chmod(journal->db.path, 0600) != 0)
        e5_log(E5_LOG_WARNING, "%s can be read by others (mode %o); chmod 600 %s", journal->db.path,
               (unsigned)(info.st_mode & 0777), journal->db.path);
}

/* All looks at one and the same moment: somebody else may be making the file just now. */
static enum e5_status check_schema(struct e5_database *db, int64_t *version, struct e5_error *err) {
    enum e5_status status = e5_sql_run(db, "BEGIN", err);
    if (status == E5_OK) status = e5_journal_schema_check(db, version, err);
    return status == E5_OK ? e5_sql_run(db, "COMMIT", err) : status; /* else the connection is given up */
}

static enum e5_status connect_file(struct e5_journal *journal, struct e5_error *err) {
    int64_t version = 0;
    enum e5_status status = check_place(&journal->db, err);
    if (status == E5_OK) status = open_handle(journal, err);
    if (status == E5_OK) status = check_schema(&journal->db, &version, err);
    if (status == E5_OK && sqlite3_db_readonly(journal->db.handle, "main") == 1)
        status = read_only(&journal->db, err);
    if (status != E5_OK) return status;
    note_file(journal);
    status = choose_mode(journal, err);
    return status == E5_OK && version < e5_journal_schema_newest() ? migrate(journal, err) : status;
}

enum e5_status e5_journal_connect(struct e5_journal *journal, struct e5_error *err) {
    enum e5_status status;
    if (journal->in_memory) {
        status = open_handle(journal, err);
        if (status == E5_OK) status = migrate(journal, err);
    } else {
        status = connect_file(journal, err);
    }
    if (status != E5_OK) e5_journal_disconnect(journal);
    return status;
}

void e5_journal_disconnect(struct e5_journal *journal) {
    for (size_t i = 0; i < E5_DO_COUNT_OF_ROWS; i++) e5_sql_finish(&journal->rows[i]);
    sqlite3_close(journal->db.handle);
    journal->db.handle = NULL;
}
