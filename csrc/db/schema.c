#include "db/schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "db/gpkg.h"

static const struct migration {
    int64_t version;
    const char *brings;
    const char *const *statements; /* ends with NULL */
} migrations[] = {
#define E5_MIGRATION(version, brings, ...) {version, brings, (const char *const[]){__VA_ARGS__, NULL}},
#include "db/migrations.def"
#undef E5_MIGRATION
};
static const size_t migration_count = sizeof migrations / sizeof *migrations;

int64_t e5_schema_newest(void) { return migrations[migration_count - 1].version; }

/* --- making
 * --------------------------------------------------------------------------------------------------------- */

static enum e5_status note_step(struct e5_database *db, const struct migration *step, struct e5_error *err) {
    char now[E5_CLOCK_STAMP_SIZE];
    e5_clock_stamp(e5_clock_wall(), now);
    struct e5_row row;
    enum e5_status status =
        e5_sql_prepare(db, "INSERT INTO era5fast_schema (version, description, applied_at) VALUES (?, ?, ?)", &row,
                       err);
    if (status != E5_OK) return status;
    e5_row_integer(&row, step->version);
    e5_row_text(&row, step->brings);
    e5_row_text(&row, now);
    status = e5_row_run(db, &row, err);
    e5_sql_finish(&row);
    return status;
}

/* Enter all tables and columns into the file's own description. */
static enum e5_status describe(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = E5_OK;
#define E5_TABLE(table, geometry, description) \
    if (status == E5_OK) status = e5_gpkg_register(db, #table, geometry, description, err);
#define E5_COLUMN(table, column, title, description) \
    if (status == E5_OK) status = e5_gpkg_describe(db, #table, #column, title, description, err);
#include "db/columns.def"
#undef E5_TABLE
#undef E5_COLUMN
    return status;
}

enum e5_status e5_schema_migrate(struct e5_database *db, int64_t from_version, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (const struct migration *step = migrations; step < migrations + migration_count; step++) {
        if (step->version <= from_version) continue;
        for (const char *const *sql = step->statements; *sql != NULL && status == E5_OK; sql++)
            status = e5_sql_run(db, *sql, err);
        if (status == E5_OK) status = note_step(db, step, err);
    }
    return status == E5_OK ? describe(db, err) : status;
}

enum e5_status e5_schema_make(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = e5_gpkg_make(db, err);
    return status == E5_OK ? e5_schema_migrate(db, 0, err) : status;
}

/* --- checking
 * ------------------------------------------------------------------------------------------------------- */

static enum e5_status refuse(struct e5_database *db, const char *why, const char *hint, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_DATABASE, "%s: %s", why, db->path);
    e5_error_target(err, db->path);
    e5_error_hint(err, "%s", hint);
    return status;
}

static enum e5_status check_ours(struct e5_database *db, struct e5_error *err) {
    int64_t id = 0, tables = 0;
    enum e5_status status = e5_sql_integer(db, "PRAGMA application_id", &id, err);
    if (status == E5_OK)
        status = e5_sql_integer(db,
                                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('event', "
                                "'era5fast_schema')",
                                &tables, err);
    if (status != E5_OK) return status;
    if (id == E5_GPKG_APPLICATION_ID && tables == 2) return E5_OK;
    return refuse(db, "not an event database of era5fast",
                  "nothing was changed; choose another name for the events, or move this file away", err);
}

static enum e5_status check_version(struct e5_database *db, int64_t *out, struct e5_error *err) {
    *out = 0;
    enum e5_status status = e5_sql_integer(db, "SELECT max(version) FROM era5fast_schema", out, err);
    if (status != E5_OK || (*out >= 1 && *out <= e5_schema_newest())) return status;
    return refuse(db, "event database of a newer or unknown version", "nothing was changed; update era5fast", err);
}

/* Damage is best noticed before anything is written, in files that are read in a moment. */
#define CHECK_BYTES (64 << 20)

static enum e5_status check_whole(struct e5_database *db, struct e5_error *err) {
    bool whole;
    enum e5_status status = e5_sql_whole(db, CHECK_BYTES, &whole, err);
    if (status != E5_OK || whole) return status;
    return refuse(db, "event database is damaged",
                  "nothing was changed; save what can be read: sqlite3 FILE .recover > readable.sql", err);
}

/* Compare SQL but for blanks, quotes and case: other programs re-create triggers in their own hand. */
static bool same_sql(const char *a, const char *b) {
    static const char ignored[] = " \t\r\n\"";
    for (;; a++, b++) {
        a += strspn(a, ignored);
        b += strspn(b, ignored);
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
        if (*a == '\0') return true;
    }
}

static bool we_write(const char *table) {
    static const char *const tables[] = {
#define E5_TABLE(table, geometry, description) #table,
#define E5_COLUMN(table, column, title, description)
#include "db/columns.def"
#undef E5_TABLE
#undef E5_COLUMN
        "gpkg_contents",
        "gpkg_geometry_columns",
        "gpkg_extensions",
        "gpkg_data_columns",
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcasecmp(table, tables[i]) == 0) return true;
    return false;
}

static bool we_made(const char *trigger) {
    static const char *const ours[] = {E5_GPKG_TRIGGERS("event", "geom", "id")};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (same_sql(trigger, ours[i])) return true;
    return false;
}

/* A trigger on a table that we write to runs with our rights: only those that keep the R*Tree are let be. */
static enum e5_status check_triggers(struct e5_database *db, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status =
        e5_sql_prepare(db,
                       "SELECT coalesce(tbl_name, ''), coalesce(sql, '') FROM sqlite_schema WHERE type = 'trigger'",
                       &row, err);
    int code = SQLITE_DONE;
    while (status == E5_OK && (code = sqlite3_step(row.stmt)) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(row.stmt, 0);
        const char *trigger = (const char *)sqlite3_column_text(row.stmt, 1);
        if (table == NULL || trigger == NULL)
            status = e5_sql_fail(db, SQLITE_NOMEM, "event database", err);
        else if (we_write(table) && !we_made(trigger))
            status = refuse(db, "event database has a trigger that is not era5fast's",
                            "nothing was changed; drop the trigger if you trust the rest of the file", err);
    }
    if (status == E5_OK && code != SQLITE_DONE) status = e5_sql_fail(db, code, "event database", err);
    e5_sql_finish(&row);
    return status;
}

enum e5_status e5_schema_check(struct e5_database *db, int64_t *out_version, struct e5_error *err) {
    enum e5_status status = check_ours(db, err);
    if (status == E5_OK) status = check_version(db, out_version, err);
    if (status == E5_OK) status = check_whole(db, err);
    if (status == E5_OK) status = check_triggers(db, err);
    return status;
}
