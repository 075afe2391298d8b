#include "db/sql.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "db/block.h"

static const char damaged_hint[] = "nothing was changed; save what can be read: sqlite3 FILE .recover > readable.sql";
static const char foreign_hint[] =
    "nothing was changed; this is no file of SQLite, or its beginning is lost: name another one";
static const char disk_hint[] = "look at free space, quota and permissions of the folder; the last commit is safe";
static const char busy_hint[] = "another program writes to this file; close it there, or allow a longer wait";

/* What the primary result codes of SQLite mean to our callers; all others are a broken promise of ours. */
static const struct outcome {
    int code;
    enum e5_status status;
    const char *hint;
} outcomes[] = {
    {SQLITE_BUSY, E5_DATABASE_BUSY, busy_hint},     {SQLITE_LOCKED, E5_DATABASE_BUSY, busy_hint},
    {SQLITE_PROTOCOL, E5_DATABASE_BUSY, busy_hint}, {SQLITE_NOMEM, E5_MEMORY, NULL},
    {SQLITE_FULL, E5_STORAGE, disk_hint},           {SQLITE_IOERR, E5_STORAGE, disk_hint},
    {SQLITE_READONLY, E5_STORAGE, disk_hint},       {SQLITE_CANTOPEN, E5_STORAGE, disk_hint},
    {SQLITE_PERM, E5_STORAGE, disk_hint},           {SQLITE_NOLFS, E5_STORAGE, disk_hint},
    {SQLITE_CORRUPT, E5_DATABASE, damaged_hint},    {SQLITE_NOTADB, E5_DATABASE, foreign_hint},
    {SQLITE_FORMAT, E5_DATABASE, damaged_hint},     {SQLITE_ERROR, E5_DATABASE, damaged_hint},
    {SQLITE_SCHEMA, E5_DATABASE, damaged_hint},     {SQLITE_CONSTRAINT, E5_DATABASE, damaged_hint},
    {SQLITE_AUTH, E5_DATABASE, damaged_hint},       {SQLITE_TOOBIG, E5_INPUT, NULL},
    {SQLITE_INTERRUPT, E5_CANCELLED, NULL},         {SQLITE_OK, E5_INTERNAL, NULL},
};

/* The number is part of the code, the text is data that another copy can supplant. */
enum e5_status e5_sql_check_copies(struct e5_error *err) {
    enum { MILLION = 1000000, THOUSAND = 1000 };
    char own[32];
    int number = sqlite3_libversion_number();
    snprintf(own, sizeof own, "%d.%d.%d", number / MILLION, number / THOUSAND % THOUSAND, number % THOUSAND);
    if (strcmp(own, sqlite3_libversion()) == 0) return E5_OK;
    enum e5_status status = e5_fail(err, E5_DATABASE, "SQLite %s of another package stands in the way of SQLite %s",
                                    sqlite3_libversion(), own);
    e5_error_hint(err, "import era5fast before eccodes, cfgrib, findlibs or earthkit, and before listing the engines "
                       "of xarray; era5fast doctor tells more");
    return status;
}

enum e5_status e5_sql_fail(const struct e5_database *db, int code, const char *doing, struct e5_error *err) {
    const struct outcome *row = outcomes;
    while (row->code != SQLITE_OK && row->code != (code & 0xFF)) row++;
    if (row->status == E5_DATABASE_BUSY && e5_watch_cancelled(db->watch)) return e5_watch_check(db->watch, err);
    bool told =
        db->handle != NULL && (sqlite3_errcode(db->handle) & 0xFF) == (code & 0xFF); /* by SQLite, not by us */
    const char *text = told ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    if (err == NULL || err->status != E5_OK) return row->status;
    enum e5_status status = e5_fail(err, row->status, "%s: %s: %s", doing, db->path, text);
    if (status == E5_STORAGE && db->handle != NULL) err->sys_errno = sqlite3_system_errno(db->handle);
    e5_error_target(err, db->path);
    if (row->hint != NULL) e5_error_hint(err, "%s", row->hint);
    return status;
}

static const char *noun_of(const struct e5_database *db) { return db->noun != NULL ? db->noun : "event database"; }

enum e5_status e5_sql_run(struct e5_database *db, const char *sql, struct e5_error *err) {
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? E5_OK : e5_sql_fail(db, code, noun_of(db), err);
}

enum e5_status e5_sql_prepare(struct e5_database *db, const char *sql, struct e5_row *out, struct e5_error *err) {
    *out = (struct e5_row){0};
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &out->stmt, NULL);
    return code == SQLITE_OK ? E5_OK : e5_sql_fail(db, code, noun_of(db), err);
}

enum e5_status e5_sql_prepare_block(struct e5_database *db, const char *insert, int n, struct e5_row *out,
                                    struct e5_error *err) {
    *out = (struct e5_row){0};
    int code = e5_block_new(db->handle, insert, n, &out->block);
    return code == SQLITE_OK ? E5_OK : e5_sql_fail(db, code, noun_of(db), err);
}

void e5_sql_finish(struct e5_row *row) {
    sqlite3_finalize(row->stmt);
    e5_block_free(row->block);
    *row = (struct e5_row){0};
}

static void note(struct e5_row *row, int code) {
    if (row->code == SQLITE_OK) row->code = code;
}

void e5_row_text(struct e5_row *row, const char *text) {
    note(row, row->block != NULL ? e5_block_bytes(row->block, SQLITE_TEXT, text, text != NULL ? strlen(text) : 0)
                                 : sqlite3_bind_text(row->stmt, ++row->filled, text, -1, SQLITE_STATIC));
}

void e5_row_blob(struct e5_row *row, const void *bytes, size_t size) {
    if (row->block != NULL) {
        note(row, e5_block_bytes(row->block, SQLITE_BLOB, size > 0 ? bytes : NULL, size));
        return;
    }
    row->filled++;
    note(row, size == 0 ? sqlite3_bind_null(row->stmt, row->filled)
                        : sqlite3_bind_blob64(row->stmt, row->filled, bytes, size, SQLITE_STATIC));
}

void e5_row_integer(struct e5_row *row, int64_t number) {
    if (row->block != NULL)
        e5_block_integer(row->block, number);
    else
        note(row, sqlite3_bind_int64(row->stmt, ++row->filled, number));
}

void e5_row_real(struct e5_row *row, double number) {
    if (row->block != NULL) {
        e5_block_real(row->block, number);
        return;
    }
    row->filled++;
    note(row, isfinite(number) ? sqlite3_bind_double(row->stmt, row->filled, number)
                               : sqlite3_bind_null(row->stmt, row->filled));
}

static enum e5_status end_row(struct e5_database *db, struct e5_row *row, int code, struct e5_error *err) {
    enum e5_status status = code == SQLITE_OK ? E5_OK : e5_sql_fail(db, code, noun_of(db), err);
    sqlite3_reset(row->stmt); /* after the report: it may replace the message */
    sqlite3_clear_bindings(row->stmt);
    row->filled = 0;
    row->code = SQLITE_OK;
    return status;
}

enum e5_status e5_row_run(struct e5_database *db, struct e5_row *row, struct e5_error *err) {
    if (row->block != NULL)
        return row->code != SQLITE_OK || e5_block_full(row->block) ? e5_row_flush(db, row, err) : E5_OK;
    int code = row->code != SQLITE_OK ? row->code : sqlite3_step(row->stmt);
    return end_row(db, row, code == SQLITE_DONE ? SQLITE_OK : code, err);
}

enum e5_status e5_row_flush(struct e5_database *db, struct e5_row *row, struct e5_error *err) {
    if (row->block == NULL) return E5_OK;
    int code = row->code != SQLITE_OK ? row->code : e5_block_flush(row->block);
    enum e5_status status = code == SQLITE_OK ? E5_OK : e5_sql_fail(db, code, noun_of(db), err);
    e5_block_clear(row->block); /* after the report, as above */
    row->code = SQLITE_OK;
    return status;
}

enum e5_status e5_row_look_up(struct e5_database *db, struct e5_row *row, int64_t *out, struct e5_error *err) {
    int code = row->code != SQLITE_OK ? row->code : sqlite3_step(row->stmt);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(row->stmt, 0);
    return end_row(db, row, code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code, err);
}

enum e5_status e5_sql_integer(struct e5_database *db, const char *sql, int64_t *out, struct e5_error *err) {
    struct e5_row row;
    enum e5_status status = e5_sql_prepare(db, sql, &row, err);
    if (status == E5_OK) status = e5_row_look_up(db, &row, out, err);
    e5_sql_finish(&row);
    return status;
}

enum e5_status e5_sql_whole(struct e5_database *db, int64_t most, bool *whole, struct e5_error *err) {
    int64_t pages = 0, page = 0, sound = 1;
    enum e5_status status = e5_sql_integer(db, "PRAGMA page_count", &pages, err);
    if (status == E5_OK) status = e5_sql_integer(db, "PRAGMA page_size", &page, err);
    if (status == E5_OK && pages * page <= most)
        status = e5_sql_integer(db, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)", &sound, err);
    *whole = sound != 0;
    return status;
}
