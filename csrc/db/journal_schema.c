#include "db/journal_schema.h"

#include <stdio.h>

#define APPLICATION_ID 0x4535484A /* "E5HJ" */

static const struct migration {
    int64_t version;
    const char *const *statements; /* ends with NULL */
} migrations[] = {
#define E5_MIGRATION(version, ...) {version, (const char *const[]){__VA_ARGS__, NULL}},
#include "db/journal_migrations.def"
#undef E5_MIGRATION
};
static const size_t migration_count = sizeof migrations / sizeof *migrations;

int64_t e5_journal_schema_newest(void) { return migrations[migration_count - 1].version; }

static enum e5_status refuse(struct e5_database *db, const char *why, const char *hint, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_DATABASE, "%s: %s", why, db->path);
    e5_error_target(err, db->path);
    e5_error_hint(err, "%s", hint);
    return status;
}

/* Ours, or empty: what a process leaves behind that was killed while it made one. */
static enum e5_status check_ours(struct e5_database *db, int64_t version, struct e5_error *err) {
    int64_t id = 0, objects = 0, strangers = 0;
    enum e5_status status = e5_sql_integer(db, "PRAGMA application_id", &id, err);
    if (status == E5_OK) status = e5_sql_integer(db, "SELECT count(*) FROM sqlite_master", &objects, err);
    if (status == E5_OK)
        status = e5_sql_integer(db, "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')",
                                &strangers, err);
    if (status != E5_OK) return status;
    bool empty = id == 0 && version == 0 && objects == 0;
    if (empty || (id == APPLICATION_ID && strangers == 0)) return E5_OK;
    return refuse(db, "not a journal of era5fast", "nothing was changed; name another file in ERA5FAST_JOURNAL", err);
}

/* Damage is best noticed before anything is written, in files that are read in a moment. */
#define CHECK_BYTES (8 << 20)

static enum e5_status check_whole(struct e5_database *db, struct e5_error *err) {
    bool whole;
    enum e5_status status = e5_sql_whole(db, CHECK_BYTES, &whole, err);
    if (status != E5_OK || whole) return status;
    return refuse(db, "the journal is damaged", "nothing was changed; remove the file to begin a new one", err);
}

enum e5_status e5_journal_schema_check(struct e5_database *db, int64_t *out_version, struct e5_error *err) {
    *out_version = 0;
    enum e5_status status = e5_sql_integer(db, "PRAGMA user_version", out_version, err);
    if (status == E5_OK) status = check_ours(db, *out_version, err);
    if (status == E5_OK && (*out_version < 0 || *out_version > e5_journal_schema_newest()))
        status = refuse(db, "journal of a newer or unknown version", "nothing was changed; update era5fast", err);
    return status == E5_OK ? check_whole(db, err) : status;
}

static enum e5_status set_number(struct e5_database *db, const char *name, int64_t number, struct e5_error *err) {
    char sql[80];
    snprintf(sql, sizeof sql, "PRAGMA %s = %lld", name, (long long)number);
    return e5_sql_run(db, sql, err);
}

enum e5_status e5_journal_schema_migrate(struct e5_database *db, struct e5_error *err) {
    int64_t version;
    enum e5_status status = e5_journal_schema_check(db, &version, err); /* again: another one may have been faster */
    for (const struct migration *step = migrations; step < migrations + migration_count; step++) {
        if (step->version <= version) continue;
        for (const char *const *sql = step->statements; *sql != NULL && status == E5_OK; sql++)
            status = e5_sql_run(db, *sql, err);
    }
    if (status == E5_OK) status = set_number(db, "application_id", APPLICATION_ID, err);
    if (status == E5_OK) status = set_number(db, "user_version", e5_journal_schema_newest(), err);
    return status;
}
