/* Rows that gather in a block: all kinds of values arrive as they were given, and what goes wrong is told. */
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "db/block.h"
#include "db/sql.h"

static struct e5_database db;

static void open_memory(void) {
    db = (struct e5_database){.path = "memory"};
    CHECK(sqlite3_open(":memory:", &db.handle) == SQLITE_OK && e5_block_register(db.handle) == SQLITE_OK);
    CHECK_OK(e5_sql_run(&db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL, b, c)", err));
}

static void close_memory(void) { CHECK(sqlite3_close(db.handle) == SQLITE_OK); }

static int64_t ask(const char *sql) {
    int64_t out = -1;
    CHECK_OK(e5_sql_integer(&db, sql, &out, err));
    return out;
}

static struct e5_row prepare(const char *insert, int n) {
    struct e5_row row;
    CHECK_OK(e5_sql_prepare_block(&db, insert, n, &row, err));
    return row;
}

TEST(values_arrive_as_they_were_given) {
    open_memory();
    struct e5_row row = prepare("INSERT INTO t (id, a, b, c)", 4);
    e5_row_integer(&row, INT64_MIN);
    e5_row_real(&row, 0.1);
    e5_row_text(&row, "");
    e5_row_blob(&row, "a\0b", 3);
    CHECK_OK(e5_row_run(&db, &row, err));
    e5_row_integer(&row, 2);
    e5_row_text(&row, "'; DROP TABLE t; --");
    e5_row_text(&row, NULL);
    e5_row_blob(&row, "", 0);
    CHECK_OK(e5_row_run(&db, &row, err));
    e5_row_integer(&row, 3);
    e5_row_integer(&row, -7);
    e5_row_real(&row, NAN);
    e5_row_real(&row, -INFINITY);
    CHECK_OK(e5_row_run(&db, &row, err));
    CHECK(ask("SELECT count(*) FROM t") == 0); /* they still wait */
    CHECK_OK(e5_row_flush(&db, &row, err));
    CHECK_OK(e5_row_flush(&db, &row, err)); /* of nothing */
    e5_sql_finish(&row);
    CHECK(ask("SELECT count(*) FROM t") == 3);
    CHECK(ask("SELECT a = 0.1 AND b = '' AND typeof(b) = 'text' AND c = x'610062' FROM t WHERE id < 0") == 1);
    CHECK(ask("SELECT a = '''; DROP TABLE t; --' AND b IS NULL AND c IS NULL FROM t WHERE id = 2") == 1);
    CHECK(ask("SELECT a = -7 AND b IS NULL AND c IS NULL FROM t WHERE id = 3") == 1);
    close_memory();
}

TEST(a_full_block_goes_by_itself) {
    enum { ROWS = 1000, LONG = 400000 };
    char *bytes = calloc(LONG, 1);
    open_memory();
    struct e5_row row = prepare("INSERT INTO t (id, a)", 2);
    for (int i = 1; i <= ROWS; i++) {
        e5_row_integer(&row, i);
        e5_row_integer(&row, -i);
        CHECK_OK(e5_row_run(&db, &row, err));
    }
    CHECK(ask("SELECT count(*) FROM t") > ROWS / 2);
    for (int i = 1; i <= 3; i++) { /* a few long ones fill it as well */
        e5_row_integer(&row, ROWS + i);
        e5_row_blob(&row, bytes, LONG);
        CHECK_OK(e5_row_run(&db, &row, err));
    }
    CHECK(ask("SELECT count(*) FROM t") == ROWS + 3);
    CHECK(ask("SELECT sum(a = -id) FROM t") == ROWS && ask("SELECT sum(length(a) = 400000) FROM t") == 3);
    e5_sql_finish(&row);
    close_memory();
    free(bytes);
}

TEST(failures_are_told_and_leave_the_block_empty) {
    open_memory();
    struct e5_row row = prepare("INSERT INTO t (id, a)", 2), other;
    e5_row_integer(&row, 1);
    e5_row_text(&row, NULL);
    CHECK_OK(e5_row_run(&db, &row, err));
    CHECK_STATUS(E5_DATABASE, e5_row_flush(&db, &row, err)); /* NOT NULL */
    CHECK_OK(e5_row_flush(&db, &row, err));
    e5_row_integer(&row, 1);
    e5_row_blob(&row, "x", (size_t)1 << 31);
    CHECK_STATUS(E5_INPUT, e5_row_run(&db, &row, err));
    e5_row_integer(&row, 1);
    e5_alloc_fail_after(1);
    e5_row_text(&row, "as long as it takes to need memory for it, which is more than what the block has already");
    e5_alloc_fail_after(0);
    CHECK_STATUS(E5_MEMORY, e5_row_run(&db, &row, err));
    CHECK(ask("SELECT count(*) FROM t") == 0);
    e5_sql_finish(&row);
    CHECK_STATUS(E5_DATABASE, e5_sql_prepare_block(&db, "INSERT INTO nowhere (id)", 1, &other, err));
    e5_sql_finish(&other);
    close_memory();
}

TEST(the_virtual_table_reads_no_stranger_s_memory) {
    int64_t out;
    open_memory();
    CHECK_STATUS(E5_DATABASE, e5_sql_integer(&db, "SELECT c0 FROM e5_block", &out, err));
    CHECK_STATUS(E5_INTERNAL, e5_sql_integer(&db, "SELECT c0 FROM e5_block WHERE source = 123456", &out, err));
    close_memory();
}

TEST(memory_that_ends_while_a_block_is_made) {
    open_memory();
    for (int n = 1; n < 6; n++) {
        struct e5_row row;
        struct e5_error error = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        enum e5_status status = e5_sql_prepare_block(&db, "INSERT INTO t (id, a)", 2, &row, &error);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
        e5_sql_finish(&row);
    }
    close_memory();
}

int main(void) {
    RUN(values_arrive_as_they_were_given);
    RUN(a_full_block_goes_by_itself);
    RUN(failures_are_told_and_leave_the_block_empty);
    RUN(the_virtual_table_reads_no_stranger_s_memory);
    RUN(memory_that_ends_while_a_block_is_made);
    return check_summary();
}
