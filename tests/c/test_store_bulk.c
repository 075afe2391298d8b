/* The event database when much is added at once: indexes made anew are as good as those kept row by row. */
#include "db/geometry.h"

#define MOST 12500
#include "store_sample.h"

/* Boxes all over the world, also across the antimeridian and without an outline. */
static void scatter(struct sample *s, size_t n) {
    uint64_t state = 42;
    char wkb[128];
    e5_buffer_clear(&s->events.geometry);
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double west = -180 + (double)(state >> 33) / (double)(1u << 31) * 350;
        double south = -90 + (double)(state >> 20 & 4095) / 4096 * 170;
        size_t size = rectangle(wkb, west, south, west + 10.0 / (double)(1 + i % 13), south + 0.1 * (double)(i % 9));
        s->event[i].outline = s->events.geometry.size;
        s->event[i].outline_size = i % 17 == 5 ? 0 : size;
        CHECK_OK(e5_buffer_append(&s->events.geometry, wkb, size, err));
    }
}

static int64_t known_to_index(void) { return ask("SELECT count(*) FROM rtree_event_geom"); }

/* Whatever is asked, the index gives the events whose bounds meet the window. */
static void check_windows(void) {
    for (int i = 0; i < 40; i++) {
        char sql[768];
        double x = -180 + 9 * i, y = -90 + 4.5 * ((i * 7) % 40);
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT count(*) FROM rtree_event_geom WHERE minx <= %g AND maxx >= %g AND miny <= %g AND"
                 " maxy >= %g) = (SELECT count(*) FROM box WHERE minx <= %g AND maxx >= %g AND miny <= %g AND maxy >="
                 " %g)",
                 x + 20, x, y + 15, y, x + 20, x, y + 15, y);
        CHECK(ask(sql) == 1);
    }
}

/* A table of the bounds in the headers of the outlines, rounded as the index rounds them. */
static void make_boxes(void) {
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(e5_geometry_register(db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "DROP TABLE IF EXISTS box; CREATE TABLE box AS SELECT id, ST_MinX(geom) AS minx, ST_MaxX(geom)"
                       " AS maxx, ST_MinY(geom) AS miny, ST_MaxY(geom) AS maxy FROM event WHERE geom IS NOT NULL",
                       NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static struct sample *add_many(size_t n, int64_t first_day) {
    struct sample *s = make(n, first_day, E5_STANDARD);
    struct e5_store_added added;
    scatter(s, n);
    CHECK_OK(add(s, &batch, 5, NULL, &added, err));
    CHECK(added.added == (int64_t)n && added.known == 0);
    return s;
}

static void check_indexes(void) {
    check_whole();
    make_boxes();
    check_windows();
    CHECK(ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('event_by_key', 'rtree_event_geom_insert')") == 2);
    CHECK(ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('event_by_diagnostic', 'event_by_kind',"
              " 'event_by_length', 'event_by_intensity', 'event_by_rank')") == 5);
    CHECK(ask("SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'event' AND type = 'trigger'") == 6);
}

TEST(a_large_batch_into_an_empty_file) {
    fresh();
    drop(add_many(MOST, 0));
    CHECK(known_to_index() == ask("SELECT count(*) FROM event WHERE geom IS NOT NULL"));
    check_indexes();
    CHECK(ask("SELECT max(id) FROM event") == MOST);
    clean();
}

TEST(sizes_round_about_a_node) {
    static const size_t sizes[] = {1000, 1019, 1020, 1021, 2600, 2601, 2602, 2653};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fresh();
        drop(add_many(sizes[i], 0));
        check_indexes();
        clean();
    }
}

TEST(what_was_there_stays_in_the_index) {
    fresh();
    drop(add_many(300, 100000)); /* row by row */
    drop(add_many(1500, 200000)); /* anew */
    drop(add_many(200, 300000)); /* row by row again, into full nodes */
    drop(add_many(4000, 400000));
    CHECK(ask("SELECT count(*) FROM event") == 6000);
    check_indexes();
    clean();
}

TEST(the_same_large_batch_changes_no_byte) {
    fresh();
    struct sample *s = add_many(11000, 0);
    struct e5_store_added added;
    struct bytes before = slurp();
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 0 && added.known == 11000);
    CHECK(same_and_free(before, slurp()));
    drop(s);
    clean();
}

/* Rows of other programs after that: the triggers are there and the tree takes them. */
TEST(others_go_on_with_the_index) {
    fresh();
    drop(add_many(2000, 0));
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK && e5_geometry_register(db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "PRAGMA foreign_keys = ON; DELETE FROM event WHERE id % 3 = 0", 0, 0, 0) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "UPDATE event SET id = id + 100000 WHERE id % 7 = 1 AND id NOT IN (SELECT event_id FROM "
                       "event_state UNION SELECT event_id FROM event_run)",
                       0, 0, 0) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE event SET geom = NULL WHERE id % 5 = 0", 0, 0, 0) == SQLITE_OK);
    sqlite3_close(db);
    check_indexes();
    drop(add_many(3000, 500000));
    check_indexes();
    clean();
}

TEST(a_file_without_index_stays_without) {
    fresh();
    drop(add_many(10, 0));
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "DROP TRIGGER rtree_event_geom_insert; DROP TRIGGER rtree_event_geom_update1;"
                       "DROP TRIGGER rtree_event_geom_update2; DROP TRIGGER rtree_event_geom_update3;"
                       "DROP TRIGGER rtree_event_geom_update4; DROP TRIGGER rtree_event_geom_delete;"
                       "DROP TABLE rtree_event_geom",
                       0, 0, 0) == SQLITE_OK);
    sqlite3_close(db);
    drop(add_many(2000, 100000));
    CHECK(ask("SELECT count(*) FROM event") == 2010);
    CHECK(ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'rtree%geom%' AND tbl_name LIKE '%event%'") == 0);
    CHECK(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1);
    clean();
}

/* Only tables from outside can hold an event twice. */
TEST(an_event_twice_in_a_batch_is_one) {
    fresh();
    struct sample *s = make(3, 12000, E5_STANDARD);
    struct e5_store_added added;
    s->event[2] = s->event[0];
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 2 && added.known == 1);
    CHECK(ask("SELECT count(*) FROM event") == 2 && ask("SELECT count(*) FROM event_run") == 2);
    check_whole();
    drop(s);
    clean();
}

/* What SQLite's own checks do not look at: a node of the index. */
TEST(a_damaged_index_is_told_and_nothing_is_added) {
    fresh();
    struct e5_store_added added;
    struct e5_error said = E5_ERROR_NONE;
    drop(add_many(300, 100000));
    struct sample *s = make(3000, 200000, E5_STANDARD);
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "UPDATE rtree_event_geom_node SET data = CAST(x'FFFF' || substr(data, 3) AS BLOB) WHERE "
                       "nodeno = 1",
                       0, 0, 0) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(add(s, &batch, 1, NULL, &added, &said) == E5_DATABASE && strstr(said.what, "event database") != NULL);
    CHECK(ask("SELECT count(*) FROM event") == 300);
    drop(s);
    clean();
}

int main(void) {
    RUN(a_large_batch_into_an_empty_file);
    RUN(sizes_round_about_a_node);
    RUN(what_was_there_stays_in_the_index);
    RUN(the_same_large_batch_changes_no_byte);
    RUN(others_go_on_with_the_index);
    RUN(a_file_without_index_stays_without);
    RUN(an_event_twice_in_a_batch_is_one);
    RUN(a_damaged_index_is_told_and_nothing_is_added);
    return check_summary();
}
