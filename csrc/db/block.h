/* block: rows that gather on their way to a table.
 *
 * Where a statement of its own for each row costs more than the row, one INSERT takes many: the rows wait in a block,
 * which SQLite reads as a virtual table, and go to their table when it is full or when the holder says so.  A row is
 * filled and run as any other (db/sql.h); what has been run is in the table after e5_row_flush() only, and a failure
 * of SQLite may come with a later row.
 *
 * The connection must know the virtual table (e5_block_register).  One thread at a time, that of the connection; it
 * blocks as SQLite does. */
#ifndef E5_DB_BLOCK_H
#define E5_DB_BLOCK_H

#include "db/sql.h"

int e5_block_register(sqlite3 *handle); /* a result code of SQLite */

/* A row whose runs gather, ended with e5_sql_finish().  `insert` is "INSERT INTO table (columns)", for the `n`
 * columns whose values will be given. */
E5_MUST_USE enum e5_status e5_block_prepare(struct e5_database *db, const char *insert, int n, struct e5_row *out,
                                            struct e5_error *err);

/* For db/sql.c: one value, the end of a row, all rows to their table, the end of the block. */
void e5_block_integer(struct e5_block *block, int64_t number);
void e5_block_real(struct e5_block *block, double number); /* NaN and infinities → NULL */
/* The bytes are copied; NULL → NULL.  `type` is SQLITE_TEXT or SQLITE_BLOB; a result code of SQLite. */
int e5_block_bytes(struct e5_block *block, int type, const void *bytes, size_t size);
E5_MUST_USE enum e5_status e5_block_end_row(struct e5_database *db, struct e5_row *row, struct e5_error *err);
E5_MUST_USE enum e5_status e5_block_flush(struct e5_database *db, struct e5_row *row, struct e5_error *err);
void e5_block_free(struct e5_block *block);

#endif
