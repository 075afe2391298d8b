/* block: rows that gather on their way to a table.
 *
 * Where a statement of its own for each row costs more than the row, one INSERT takes many: the rows wait in a block,
 * which SQLite reads as a virtual table, and go to their table when it is full or when the holder says so.  What has
 * ended is in the table after e5_block_flush() only, and a failure of SQLite may come with a later row.
 *
 * This is the lower half of a row of db/sql.h: it knows SQLite and its result codes, and nothing else.  The
 * connection must know the virtual table (e5_block_register).  One thread at a time, that of the connection; it
 * blocks as SQLite does.  The holder owns the block. */
#ifndef E5_DB_BLOCK_H
#define E5_DB_BLOCK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct e5_block;

int e5_block_register(sqlite3 *handle);

/* `insert` is "INSERT INTO table (columns)", for the `n` columns whose values will be given. */
int e5_block_new(sqlite3 *handle, const char *insert, int n, struct e5_block **out);
void e5_block_free(struct e5_block *block); /* NULL is allowed; what was not flushed is lost */

void e5_block_integer(struct e5_block *block, sqlite3_int64 number);
void e5_block_real(struct e5_block *block, double number); /* NaN and infinities → NULL */
/* The bytes are copied; NULL → NULL.  `type` is SQLITE_TEXT or SQLITE_BLOB. */
int e5_block_bytes(struct e5_block *block, int type, const void *bytes, size_t size);

bool e5_block_full(const struct e5_block *block);
/* All rows to their table.  SQLite's message holds until the next call of e5_block_clear(), which must follow. */
int e5_block_flush(struct e5_block *block);
void e5_block_clear(struct e5_block *block);

#endif
