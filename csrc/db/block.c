#include "db/block.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

#define ROWS 128              /* of a block, */
#define BYTES (1 << 20)       /* or fewer, when their texts and blobs come to this */
#define COLUMNS 64            /* of the virtual table: more than any of our tables has */
#define MODULE "e5_block"     /* its name in SQL, and the type of the pointer that it is given */

struct value {
    int type; /* SQLITE_INTEGER … SQLITE_NULL */
    int size; /* of text and blob */
    union {
        int64_t integer;
        double real;
        size_t at; /* in `bytes`, which moves while it grows */
    } is;
};

struct e5_block {
    struct value *value; /* row after row */
    size_t columns, filled, most;
    struct e5_buffer bytes;
    sqlite3_stmt *insert;
};

/* --- filling --- */

void e5_block_integer(struct e5_block *block, sqlite3_int64 number) {
    block->value[block->filled++] = (struct value){.type = SQLITE_INTEGER, .is.integer = number};
}

void e5_block_real(struct e5_block *block, double number) {
    block->value[block->filled++] =
        (struct value){.type = isfinite(number) ? SQLITE_FLOAT : SQLITE_NULL, .is.real = number};
}

int e5_block_bytes(struct e5_block *block, int type, const void *bytes, size_t size) {
    struct value *value = &block->value[block->filled++];
    *value = (struct value){.type = SQLITE_NULL};
    if (bytes == NULL) return SQLITE_OK;
    if (size > INT32_MAX) return SQLITE_TOOBIG;
    *value = (struct value){.type = type, .size = (int)size, .is.at = block->bytes.size};
    return e5_buffer_append(&block->bytes, bytes, size, NULL) == E5_OK ? SQLITE_OK : SQLITE_NOMEM;
}

/* --- the virtual table: columns c0, c1, … and a hidden one, by which it is given its block --- */

struct cursor {
    sqlite3_vtab_cursor base;
    const struct e5_block *block;
    size_t at; /* first value of the row */
};

static int table_connect(sqlite3 *handle, void *context, int n, const char *const *words, sqlite3_vtab **out,
                         char **message) {
    char sql[sizeof "CREATE TABLE x(source HIDDEN)" + COLUMNS * sizeof "c00,"];
    char *to = stpcpy(sql, "CREATE TABLE x(");
    (void)context, (void)n, (void)words, (void)message;
    for (int i = 0; i < COLUMNS; i++) to += snprintf(to, sizeof "c00,", "c%d,", i);
    stpcpy(to, "source HIDDEN)");
    int code = sqlite3_declare_vtab(handle, sql);
    *out = code == SQLITE_OK ? sqlite3_malloc(sizeof **out) : NULL;
    if (*out != NULL) **out = (sqlite3_vtab){0};
    return code == SQLITE_OK && *out == NULL ? SQLITE_NOMEM : code;
}

static int table_disconnect(sqlite3_vtab *table) {
    sqlite3_free(table);
    return SQLITE_OK;
}

static int table_plan(sqlite3_vtab *table, sqlite3_index_info *info) {
    (void)table;
    for (int i = 0; i < info->nConstraint; i++)
        if (info->aConstraint[i].iColumn == COLUMNS && info->aConstraint[i].usable) {
            info->aConstraintUsage[i].argvIndex = 1;
            info->aConstraintUsage[i].omit = 1;
            return SQLITE_OK;
        }
    return SQLITE_CONSTRAINT;
}

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
    struct cursor *cursor = sqlite3_malloc(sizeof *cursor);
    (void)table;
    if (cursor == NULL) return SQLITE_NOMEM;
    *cursor = (struct cursor){0};
    *out = &cursor->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base) {
    sqlite3_free(base);
    return SQLITE_OK;
}

static int cursor_begin(sqlite3_vtab_cursor *base, int plan, const char *name, int n, sqlite3_value **values) {
    struct cursor *cursor = (struct cursor *)base;
    (void)plan, (void)name;
    cursor->block = n == 1 ? sqlite3_value_pointer(values[0], MODULE) : NULL;
    cursor->at = 0;
    return cursor->block != NULL ? SQLITE_OK : SQLITE_MISUSE;
}

static int cursor_next(sqlite3_vtab_cursor *base) {
    struct cursor *cursor = (struct cursor *)base;
    cursor->at += cursor->block->columns;
    return SQLITE_OK;
}

static int cursor_ended(sqlite3_vtab_cursor *base) {
    const struct cursor *cursor = (const struct cursor *)base;
    return cursor->at >= cursor->block->filled;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    const struct cursor *cursor = (const struct cursor *)base;
    const struct e5_block *block = cursor->block;
    if ((size_t)column >= block->columns) return SQLITE_OK; /* NULL */
    const struct value *value = &block->value[cursor->at + (size_t)column];
    switch (value->type) {
    case SQLITE_INTEGER: sqlite3_result_int64(context, value->is.integer); break;
    case SQLITE_FLOAT: sqlite3_result_double(context, value->is.real); break;
    case SQLITE_TEXT:
        sqlite3_result_text(context, block->bytes.bytes + value->is.at, value->size, SQLITE_STATIC);
        break;
    case SQLITE_BLOB:
        sqlite3_result_blob(context, block->bytes.bytes + value->is.at, value->size, SQLITE_STATIC);
        break;
    default: break; /* NULL */
    }
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
    *out = (sqlite3_int64)((const struct cursor *)base)->at;
    return SQLITE_OK;
}

int e5_block_register(sqlite3 *handle) {
    static const sqlite3_module module = {
        .xConnect = table_connect, /* and no xCreate: it is there without CREATE VIRTUAL TABLE */
        .xBestIndex = table_plan,
        .xDisconnect = table_disconnect,
        .xOpen = cursor_open,
        .xClose = cursor_close,
        .xFilter = cursor_begin,
        .xNext = cursor_next,
        .xEof = cursor_ended,
        .xColumn = cursor_column,
        .xRowid = cursor_rowid,
    };
    return sqlite3_create_module_v2(handle, MODULE, &module, NULL, NULL);
}

/* --- from the block to the table --- */

static int prepare(sqlite3 *handle, const char *insert, int n, sqlite3_stmt **out) {
    struct e5_buffer sql = {0};
    enum e5_status status = e5_buffer_printf(&sql, NULL, "%s SELECT c0", insert);
    for (int i = 1; i < n && status == E5_OK; i++) status = e5_buffer_printf(&sql, NULL, ", c%d", i);
    if (status == E5_OK) status = e5_buffer_printf(&sql, NULL, " FROM " MODULE " WHERE source = ?");
    int code = status == E5_OK ? sqlite3_prepare_v2(handle, sql.bytes, -1, out, NULL) : SQLITE_NOMEM;
    e5_buffer_fini(&sql);
    return code;
}

int e5_block_new(sqlite3 *handle, const char *insert, int n, struct e5_block **out) {
    if (e5_alloc(1, sizeof **out, out, NULL) != E5_OK) return SQLITE_NOMEM;
    struct e5_block *block = *out;
    *block = (struct e5_block){.columns = (size_t)n, .most = (size_t)n * ROWS};
    int code = prepare(handle, insert, n, &block->insert);
    if (code == SQLITE_OK) code = sqlite3_bind_pointer(block->insert, 1, block, MODULE, NULL);
    if (code == SQLITE_OK && e5_alloc(block->most, sizeof *block->value, &block->value, NULL) != E5_OK)
        code = SQLITE_NOMEM;
    return code;
}

bool e5_block_full(const struct e5_block *block) {
    return block->filled == block->most || block->bytes.size >= BYTES;
}

int e5_block_flush(struct e5_block *block) {
    int code = block->filled > 0 ? sqlite3_step(block->insert) : SQLITE_DONE;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

void e5_block_clear(struct e5_block *block) {
    sqlite3_reset(block->insert);
    block->filled = 0;
    e5_buffer_clear(&block->bytes);
}

void e5_block_free(struct e5_block *block) {
    if (block == NULL) return;
    sqlite3_finalize(block->insert);
    e5_buffer_fini(&block->bytes);
    free(block->value);
    free(block);
}
