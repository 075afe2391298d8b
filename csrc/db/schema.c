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

const char *const *e5_schema_statements(int64_t version, const char **out_brings) {
    const struct migration *step = &migrations[version - 1];
    *out_brings = step->brings;
    return step->statements;
}

/* Whether a statement is CREATE INDEX or CREATE UNIQUE INDEX of that name. */
static bool makes_index(const char *sql, const char *name) {
    size_t length = strlen(name);
    const char *at = strstr(sql, " INDEX ");
    if (at == NULL || strncmp(sql, "CREATE ", strlen("CREATE ")) != 0) return false;
    at += strlen(" INDEX ");
    return strncmp(at, name, length) == 0 && at[length] == ' ';
}

const char *e5_schema_index(const char *name) {
    for (size_t i = migration_count; i-- > 0;) /* a later step may have made it anew */
        for (const char *const *sql = migrations[i].statements; *sql != NULL; sql++)
            if (makes_index(*sql, name)) return *sql;
    return NULL;
}

/* --- making --- */

static enum e5_status note_step(struct e5_database *db, const struct migration *step, const char *now,
                                struct e5_error *err) {
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

static enum e5_status refuse(struct e5_database *db, const char *why, const char *hint, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_DATABASE, "%s: %s", why, db->path);
    e5_error_target(err, db->path);
    e5_error_hint(err, "%s", hint);
    return status;
}

/* Step 2 makes the table of events anew: columns and indexes that somebody added to it would be lost. */
static enum e5_status check_no_additions(struct e5_database *db, struct e5_error *err) {
    static const char additions[] =
        "SELECT (SELECT count(*) FROM pragma_table_info('event')) - 34"
        " + (SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND lower(tbl_name) = 'event'"
        " AND sql IS NOT NULL AND name NOT IN ('event_by_diagnostic', 'event_by_kind'))";
    int64_t found = 0;
    enum e5_status status = e5_sql_integer(db, additions, &found, err);
    if (status != E5_OK || found == 0) return status;
    return refuse(db, "the table of events has columns or indexes that are not era5fast's",
                  "nothing was changed; the file is of an older version and its table must be made anew: move these "
                  "columns into a table of your own, drop these indexes, and add the events again",
                  err);
}

static enum e5_status check_links(struct e5_database *db, struct e5_error *err) {
    int64_t broken = 0;
    enum e5_status status = e5_sql_integer(db, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err);
    if (status != E5_OK || broken == 0) return status;
    return refuse(db, "event database has rows whose counterparts are missing",
                  "nothing was changed; PRAGMA foreign_key_check lists them: delete them, then add the events again",
                  err);
}

enum e5_status e5_schema_migrate(struct e5_database *db, int64_t from_version, struct e5_error *err) {
    char now[E5_CLOCK_STAMP_SIZE]; /* one for all steps: those of a new file are told from later ones by it */
    e5_clock_stamp(e5_clock_wall(), now);
    enum e5_status status = from_version == 1 ? check_no_additions(db, err) : E5_OK;
    for (const struct migration *step = migrations; step < migrations + migration_count; step++) {
        if (step->version <= from_version) continue;
        for (const char *const *sql = step->statements; *sql != NULL && status == E5_OK; sql++)
            status = e5_sql_run(db, *sql, err);
        if (status == E5_OK) status = note_step(db, step, now, err);
    }
    if (status == E5_OK) status = check_links(db, err);
    return status == E5_OK ? describe(db, err) : status;
}

enum e5_status e5_schema_make(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = e5_gpkg_make(db, err);
    return status == E5_OK ? e5_schema_migrate(db, 0, err) : status;
}

/* --- checking --- */

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
    static const char newest[] =
        "SELECT CASE typeof(max(version)) WHEN 'integer' THEN max(version) END FROM era5fast_schema";
    *out = 0;
    enum e5_status status = e5_sql_integer(db, newest, out, err);
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
        "gpkg_contents",     "gpkg_geometry_columns",          "gpkg_extensions",
        "gpkg_data_columns", E5_GPKG_SHADOWS("event", "geom"), E5_GPKG_SHADOWS("track", "geom"),
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcasecmp(table, tables[i]) == 0) return true;
    return false;
}

static bool we_made(const char *trigger) {
    static const char *const ours[] = {E5_GPKG_TRIGGERS("event", "geom", "id"),
                                       E5_GPKG_TRIGGERS("track", "geom", "id")};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (same_sql(trigger, ours[i])) return true;
    return false;
}

/* A trigger on a table that we write to runs with our rights: only those that keep the R*Tree are let be. */
static bool is_foreign_trigger(const char *type, const char *table, const char *sql) {
    return strcmp(type, "trigger") == 0 && we_write(table) && !we_made(sql);
}

/* Nor is what bears the name of one of our tables to be anything but a table: a view, or a virtual table, runs code.
 */
static bool is_disguised(const char *type, const char *name, const char *sql) {
    if (strcmp(type, "view") == 0) return we_write(name);
    return strcmp(type, "table") == 0 && strncasecmp(sql, "CREATE VIRTUAL", strlen("CREATE VIRTUAL")) == 0 &&
           we_write(name) && strncasecmp(name, "rtree_", strlen("rtree_")) != 0;
}

static enum e5_status check_object(struct e5_database *db, sqlite3_stmt *row, struct e5_error *err) {
    const char *text[4];
    for (int i = 0; i < 4; i++) {
        text[i] = (const char *)sqlite3_column_text(row, i);
        if (text[i] == NULL) return e5_sql_fail(db, SQLITE_NOMEM, "event database", err);
    }
    if (is_foreign_trigger(text[0], text[2], text[3]))
        return refuse(db, "event database has a trigger that is not era5fast's",
                      "nothing was changed; drop the trigger if you trust the rest of the file", err);
    if (is_disguised(text[0], text[1], text[3]))
        return refuse(db, "event database has a view or virtual table in the place of a table",
                      "nothing was changed; do not trust this file", err);
    return E5_OK;
}

static enum e5_status check_objects(struct e5_database *db, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status = e5_sql_prepare(db,
                                           "SELECT coalesce(type, ''), coalesce(name, ''), coalesce(tbl_name, ''), "
                                           "coalesce(sql, '') FROM sqlite_schema",
                                           &row, err);
    int code = SQLITE_DONE;
    while (status == E5_OK && (code = sqlite3_step(row.stmt)) == SQLITE_ROW) status = check_object(db, row.stmt, err);
    if (status == E5_OK && code != SQLITE_DONE) status = e5_sql_fail(db, code, "event database", err);
    e5_sql_finish(&row);
    return status;
}

enum e5_status e5_schema_check(struct e5_database *db, int64_t *out_version, struct e5_error *err) {
    enum e5_status status = check_ours(db, err);
    if (status == E5_OK) status = check_version(db, out_version, err);
    if (status == E5_OK) status = check_whole(db, err);
    if (status == E5_OK) status = check_objects(db, err);
    return status;
}
