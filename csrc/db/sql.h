/* sql: the few things we ask of SQLite, with our errors.
 *
 * A struct e5_database is one connection and the name of its file; its owner closes the handle and frees the path.
 * Values are only ever bound, never pasted into SQL.  One thread at a time; everything may block on disk and, as far
 * as the connection's busy handler allows, on locks. */
#ifndef E5_DB_SQL_H
#define E5_DB_SQL_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/watch.h"

struct e5_database {
    sqlite3 *handle;
    char *path;                   /* for messages */
    const char *noun;             /* what the file is called in messages; NULL: the event database */
    const struct e5_watch *watch; /* of the call under way: tells "cancelled while waiting" from "busy"; or NULL */
};

/* A statement on its way: values are added left to right, a failure is kept until the row is run. */
struct e5_row {
    sqlite3_stmt *stmt;
    int filled;
    int code;               /* SQLITE_OK, or what the first failed bind said */
    struct e5_block *block; /* NULL, or where rows gather; then there is no statement */
};

/* Two copies of SQLite, where a package has put its own before those of all others, crash when a file is opened: our
 * functions then use its data.  Refused before that. */
E5_MUST_USE enum e5_status e5_sql_check_copies(struct e5_error *err);

/* Report the SQLite result `code` (extended) of the last call on db. */
E5_MUST_USE enum e5_status e5_sql_fail(const struct e5_database *db, int code, const char *doing,
                                       struct e5_error *err);
E5_MUST_USE enum e5_status e5_sql_run(struct e5_database *db, const char *sql, struct e5_error *err);
E5_MUST_USE enum e5_status e5_sql_prepare(struct e5_database *db, const char *sql, struct e5_row *out,
                                          struct e5_error *err);
/* A row whose runs gather in a block: what was run is in its table after e5_row_flush() only, and a failure may come
 * with a later row.  `insert` is "INSERT INTO table (columns)", for the `n` columns whose values will be given. */
E5_MUST_USE enum e5_status e5_sql_prepare_block(struct e5_database *db, const char *insert, int n, struct e5_row *out,
                                                struct e5_error *err);
void e5_sql_finish(struct e5_row *row); /* a zeroed row is allowed */

/* Texts and blobs must stay as they are until the row has run. */
void e5_row_text(struct e5_row *row, const char *text);                /* NULL → NULL */
void e5_row_blob(struct e5_row *row, const void *bytes, size_t size);  /* no bytes → NULL */
void e5_row_integer(struct e5_row *row, int64_t number);
void e5_row_real(struct e5_row *row, double number);                   /* NaN and infinities → NULL */
/* Run a statement that gives no rows, and make it ready for the next values. */
E5_MUST_USE enum e5_status e5_row_run(struct e5_database *db, struct e5_row *row, struct e5_error *err);
/* Run what has gathered in the block of a row; one without a block is let be. */
E5_MUST_USE enum e5_status e5_row_flush(struct e5_database *db, struct e5_row *row, struct e5_error *err);
/* Run a query for at most one integer; `*out` keeps its value when there is no row. */
E5_MUST_USE enum e5_status e5_row_look_up(struct e5_database *db, struct e5_row *row, int64_t *out,
                                          struct e5_error *err);
/* The same for a query without values. */
E5_MUST_USE enum e5_status e5_sql_integer(struct e5_database *db, const char *sql, int64_t *out,
                                          struct e5_error *err);
/* *whole: SQLite finds no damage.  The check reads the whole file, so files above `most` bytes are not checked: in
 * those SQLite reports what it meets. */
E5_MUST_USE enum e5_status e5_sql_whole(struct e5_database *db, int64_t most, bool *whole, struct e5_error *err);

#endif
