/* The GeoPackage layer: geometry blobs from anywhere, the SQL functions, and triggers that keep the index right. */
#include <sqlite3.h>
#include <stdlib.h>

#include "check.h"
#include "db/gpkg.h"
#include "db/moment.h"
#include "db/schema.h"

/* --- WKB --- */

struct bytes {
    unsigned char data[512];
    size_t size;
    bool big_endian;
};

static void put(struct bytes *to, uint64_t number, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        to->data[to->size++] = (unsigned char)(number >> 8 * (to->big_endian ? n - 1 - i : i));
}

static void put_double(struct bytes *to, double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    put(to, bits, 8);
}

static void head(struct bytes *to, uint32_t type) {
    put(to, !to->big_endian, 1);
    put(to, type, 4);
}

/* A closed triangle (1, 2) (5, 3) (4, 9), with extra coordinates of −77 that must not count. */
static void triangle(struct bytes *to, unsigned extra) {
    static const double corner[4][2] = {{1, 2}, {5, 3}, {4, 9}, {1, 2}};
    put(to, 4, 4);
    for (int i = 0; i < 4; i++) {
        put_double(to, corner[i][0]);
        put_double(to, corner[i][1]);
        for (unsigned k = 0; k < extra; k++) put_double(to, -77);
    }
}

static struct bytes multipolygon(bool big_endian, uint32_t flavour, unsigned extra) {
    struct bytes out = {.big_endian = big_endian};
    head(&out, 6 + flavour);
    put(&out, 1, 4);
    head(&out, 3 + flavour);
    put(&out, 1, 4);
    triangle(&out, extra);
    return out;
}

static bool is_triangle(const struct e5_box *box) {
    return !box->empty && box->min_x == 1 && box->max_x == 5 && box->min_y == 2 && box->max_y == 9;
}

TEST(bounds_in_both_byte_orders_and_all_dimensions) {
    struct e5_box box;
    for (int big = 0; big < 2; big++)
        for (uint32_t flavour = 0; flavour < 4; flavour++) {
            static const unsigned extra[] = {0, 1, 1, 2}; /* xy, z, m, zm */
            struct bytes wkb = multipolygon(big, 1000 * flavour, extra[flavour]);
            CHECK_OK(e5_wkb_bounds(wkb.data, wkb.size, &box, err));
            CHECK(is_triangle(&box));
        }
}

TEST(bounds_of_points_lines_and_collections) {
    struct bytes point = {.size = 0}, line = {.size = 0}, all = {.size = 0};
    struct e5_box box;
    head(&point, 1);
    put_double(&point, 3);
    put_double(&point, -4);
    CHECK_OK(e5_wkb_bounds(point.data, point.size, &box, err));
    CHECK(box.min_x == 3 && box.max_x == 3 && box.min_y == -4 && box.max_y == -4);
    head(&line, 2);
    triangle(&line, 0);
    CHECK_OK(e5_wkb_bounds(line.data, line.size, &box, err));
    CHECK(is_triangle(&box));
    head(&all, 7);
    put(&all, 2, 4);
    for (size_t i = 0; i < point.size; i++) all.data[all.size++] = point.data[i];
    for (size_t i = 0; i < line.size; i++) all.data[all.size++] = line.data[i];
    CHECK_OK(e5_wkb_bounds(all.data, all.size, &box, err));
    CHECK(box.min_x == 1 && box.max_x == 5 && box.min_y == -4 && box.max_y == 9);
}

TEST(empty_geometries_have_no_bounds) {
    struct bytes none = {.size = 0}, nan_point = {.size = 0};
    struct e5_box box;
    head(&none, 6);
    put(&none, 0, 4);
    CHECK_OK(e5_wkb_bounds(none.data, none.size, &box, err));
    CHECK(box.empty);
    head(&nan_point, 1);
    put_double(&nan_point, NAN);
    put_double(&nan_point, NAN);
    CHECK_OK(e5_wkb_bounds(nan_point.data, nan_point.size, &box, err));
    CHECK(box.empty);
}

/* Every shortened copy, in memory of exactly its size so that a sanitizer sees a step too far. */
TEST(cut_geometries_are_noticed) {
    struct bytes wkb = multipolygon(false, 0, 0);
    for (size_t size = 0; size < wkb.size; size++) {
        struct e5_box box;
        unsigned char *cut = malloc(size > 0 ? size : 1);
        memcpy(cut, wkb.data, size);
        CHECK_STATUS(E5_DATABASE, e5_wkb_bounds(cut, size, &box, err));
        free(cut);
    }
}

TEST(hostile_geometries_are_noticed_at_once) {
    struct e5_box box;
    struct bytes wkb = multipolygon(false, 0, 0);
    memset(wkb.data + 5, 0xFF, 4); /* four thousand million parts */
    CHECK_STATUS(E5_DATABASE, e5_wkb_bounds(wkb.data, wkb.size, &box, err));
    wkb = multipolygon(false, 0, 0);
    memset(wkb.data + 18, 0xFF, 4); /* as many points */
    CHECK_STATUS(E5_DATABASE, e5_wkb_bounds(wkb.data, wkb.size, &box, err));
    static const uint32_t types[] = {0, 8, 17, 999, 4006, 0x80000006};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct bytes odd = multipolygon(false, 0, 0);
        memcpy(odd.data + 1, &types[i], 4);
        CHECK_STATUS(E5_DATABASE, e5_wkb_bounds(odd.data, odd.size, &box, err));
    }
    struct bytes deep = {.size = 0};
    for (int i = 0; i < 50; i++) {
        head(&deep, 7);
        put(&deep, 1, 4);
    }
    CHECK_STATUS(E5_DATABASE, e5_wkb_bounds(deep.data, deep.size, &box, err));
}

/* --- the blob --- */

TEST(a_blob_is_header_envelope_and_wkb) {
    struct bytes wkb = multipolygon(false, 0, 0);
    struct e5_buffer blob = {0};
    struct e5_box box = {.min_x = 1, .max_x = 5, .min_y = 2, .max_y = 9}, back;
    CHECK_OK(e5_geometry_write(&blob, wkb.data, wkb.size, &box, err));
    CHECK(blob.size == 40 + wkb.size && memcmp(blob.bytes, "GP\0\3\xE6\x10\0\0", 8) == 0);
    double envelope[4];
    memcpy(envelope, blob.bytes + 8, sizeof envelope);
    CHECK(envelope[0] == 1 && envelope[1] == 5 && envelope[2] == 2 && envelope[3] == 9);
    CHECK(memcmp(blob.bytes + 40, wkb.data, wkb.size) == 0);
    CHECK_OK(e5_geometry_bounds(blob.bytes, blob.size, &back, err));
    CHECK(is_triangle(&back));
    for (size_t size = 0; size < 40; size++)
        CHECK_STATUS(E5_DATABASE, e5_geometry_bounds(blob.bytes, size, &back, err));
    e5_buffer_fini(&blob);
}

TEST(blobs_of_other_programs_are_read) {
    struct e5_box box;
    struct bytes blob = {.size = 0}; /* no envelope */
    put(&blob, 'G' | 'P' << 8, 2);
    put(&blob, 0, 1);
    put(&blob, 1, 1);
    put(&blob, 4326, 4);
    struct bytes wkb = multipolygon(true, 0, 0);
    for (size_t i = 0; i < wkb.size; i++) blob.data[blob.size++] = wkb.data[i];
    CHECK_OK(e5_geometry_bounds(blob.data, blob.size, &box, err));
    CHECK(is_triangle(&box));
    CHECK_OK(e5_geometry_bounds("GP\0\x11\xE6\x10\0\0", 8, &box, err)); /* flagged as empty */
    CHECK(box.empty);
    CHECK_STATUS(E5_DATABASE, e5_geometry_bounds("GP\1\x11\xE6\x10\0\0", 8, &box, err)); /* a version to come */
    CHECK_STATUS(E5_DATABASE, e5_geometry_bounds("GP\0\x0B\xE6\x10\0\0", 8, &box, err)); /* envelope code 5 */
    struct bytes big = {.big_endian = true};
    put(&big, 'G' << 8 | 'P', 2);
    put(&big, 0, 1);
    put(&big, 2, 1); /* big endian header with an envelope */
    put(&big, 4326, 4);
    put_double(&big, 1);
    put_double(&big, 5);
    put_double(&big, 2);
    put_double(&big, 9);
    CHECK_OK(e5_geometry_bounds(big.data, big.size, &box, err));
    CHECK(is_triangle(&box));
}

/* --- in SQL --- */

static struct e5_database open_memory(bool with_functions) {
    static char name[] = ":memory:";
    struct e5_database db = {.path = name};
    CHECK(sqlite3_open(name, &db.handle) == SQLITE_OK);
    if (with_functions) CHECK(e5_geometry_register(db.handle) == SQLITE_OK);
    return db;
}

static int64_t ask(struct e5_database *db, const char *sql) {
    int64_t answer = -1;
    CHECK_OK(e5_sql_integer(db, sql, &answer, err));
    return answer;
}

TEST(functions_answer_null_to_what_is_no_geometry) {
    struct e5_database db = open_memory(true);
    CHECK(ask(&db, "SELECT ST_IsEmpty(x'475000110000000000') AND ST_MinX(x'475000110000000000') IS NULL") == 1);
    CHECK(ask(&db, "SELECT ST_IsEmpty(NULL) IS NULL AND ST_IsEmpty('GP') IS NULL AND ST_MaxY(x'00') IS NULL"
                   " AND ST_MinX(17) IS NULL AND ST_IsEmpty(x'') IS NULL") == 1);
    CHECK(ask(&db, "SELECT ST_MinX(x'47500001E61000000101000000000000000000084000000000000010C0') = 3"
                   " AND ST_MaxY(x'47500001E61000000101000000000000000000084000000000000010C0') = -4") == 1);
    sqlite3_close(db.handle);
}

static void put_row(struct e5_database *db, const char *key) {
    struct bytes wkb = multipolygon(false, 0, 0);
    struct e5_buffer blob = {0};
    struct e5_box box = {.min_x = 1, .max_x = 5, .min_y = 2, .max_y = 9};
    struct e5_row row;
    CHECK_OK(e5_geometry_write(&blob, wkb.data, wkb.size, &box, err));
    CHECK_OK(e5_sql_prepare(db,
                            "INSERT INTO event (event_key, geom, diagnostic_id, kind, variable, start_day, end_day,"
                            " calendar, duration_steps, duration_days, peak_day, touches_edge, censored, cells)"
                            " VALUES (?, ?, 1, '', '', '', '', '', 1, 1, '', 0, 0, 1)",
                            &row, err));
    e5_row_text(&row, key);
    e5_row_blob(&row, blob.bytes, blob.size);
    CHECK_OK(e5_row_run(db, &row, err));
    e5_sql_finish(&row);
    e5_buffer_fini(&blob);
}

static bool index_is_right(struct e5_database *db) {
    return ask(db, "SELECT rtreecheck('rtree_event_geom') = 'ok'") == 1 &&
           ask(db, "SELECT count(*) FROM event WHERE geom IS NOT NULL") ==
               ask(db, "SELECT count(*) FROM rtree_event_geom") &&
           ask(db, "SELECT count(*) FROM event e JOIN rtree_event_geom r ON r.id = e.id"
                   " WHERE minx = ST_MinX(geom) AND maxy = ST_MaxY(geom)") ==
               ask(db, "SELECT count(*) FROM rtree_event_geom");
}

TEST(triggers_keep_the_index_right) {
    static const char *const steps[] = {
        "UPDATE event SET cells = 7 WHERE id = 1",                           /* another column */
        "UPDATE event SET geom = NULL WHERE id = 1",                         /* update2 */
        "UPDATE event SET geom = (SELECT geom FROM event WHERE id = 2) WHERE id = 1", /* update1 */
        "UPDATE event SET id = 30 WHERE id = 3",                             /* update3 */
        "UPDATE event SET id = 31, geom = NULL WHERE id = 30",               /* update4 */
        "DELETE FROM event WHERE id = 2",
    };
    struct e5_database db = open_memory(true);
    CHECK_OK(e5_schema_make(&db, err));
    put_row(&db, "a");
    put_row(&db, "b");
    put_row(&db, "c");
    CHECK(index_is_right(&db) && ask(&db, "SELECT count(*) FROM rtree_event_geom") == 3);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        CHECK_OK(e5_sql_run(&db, steps[i], err));
        CHECK(index_is_right(&db));
    }
    CHECK(ask(&db, "SELECT count(*) FROM rtree_event_geom") == 1);
    sqlite3_close(db.handle);
}

/* --- the schema describes itself --- */

TEST(every_table_and_column_is_described) {
    struct e5_database db = open_memory(true);
    int64_t version;
    CHECK_OK(e5_schema_make(&db, err));
    CHECK_OK(e5_schema_check(&db, &version, err));
    CHECK(version == e5_schema_newest() && version >= 1);
    CHECK(ask(&db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'gpkg_%'"
                   " AND name NOT LIKE 'rtree_%' AND name NOT LIKE 'sqlite_%'"
                   " AND name NOT IN (SELECT table_name FROM gpkg_contents)") == 0);
    CHECK(ask(&db, "SELECT count(*) FROM gpkg_contents c, pragma_table_info(c.table_name) i WHERE NOT EXISTS"
                   " (SELECT 1 FROM gpkg_data_columns d WHERE d.table_name = c.table_name AND d.column_name = i.name"
                   "  AND d.title != '' AND d.description != '')") == 0);
    CHECK(ask(&db, "SELECT count(*) FROM gpkg_data_columns d WHERE NOT EXISTS"
                   " (SELECT 1 FROM pragma_table_info(d.table_name) i WHERE i.name = d.column_name)") == 0);
    CHECK(ask(&db, "PRAGMA application_id") == 0x47504B47 && ask(&db, "PRAGMA user_version") == 10300);
    sqlite3_close(db.handle);
}

/* A step takes a file from the version before it, and only once. */
TEST(migrating_twice_is_migrating_once) {
    struct e5_database db = open_memory(true);
    CHECK_OK(e5_schema_make(&db, err));
    int64_t columns = ask(&db, "SELECT count(*) FROM gpkg_data_columns");
    CHECK_OK(e5_schema_migrate(&db, e5_schema_newest(), err));
    CHECK(ask(&db, "SELECT count(*) FROM gpkg_data_columns") == columns);
    CHECK(ask(&db, "SELECT count(*) FROM era5fast_schema") == e5_schema_newest());
    sqlite3_close(db.handle);
}

TEST(a_change_is_noted_in_the_contents) {
    struct e5_database db = open_memory(true);
    struct e5_box one = {1, 2, 3, 4, false}, two = {-5, 1, 3.5, 9, false}, none = {.empty = true};
    CHECK_OK(e5_schema_make(&db, err));
    CHECK_OK(e5_gpkg_touch(&db, "event", &none, err));
    CHECK(ask(&db, "SELECT min_x IS NULL FROM gpkg_contents WHERE table_name = 'event'") == 1);
    CHECK_OK(e5_gpkg_touch(&db, "event", &one, err));
    CHECK_OK(e5_gpkg_touch(&db, "event", &two, err));
    CHECK_OK(e5_gpkg_touch(&db, "event", NULL, err));
    CHECK(ask(&db, "SELECT min_x = -5 AND max_x = 2 AND min_y = 3 AND max_y = 9 AND last_change LIKE"
                   " '____-__-__T__:__:__.___Z' FROM gpkg_contents WHERE table_name = 'event'") == 1);
    sqlite3_close(db.handle);
}

TEST(moments_have_a_day_and_a_stamp) {
    struct e5_moment moment = e5_moment_of(E5_STANDARD, -1);
    CHECK(strcmp(moment.day, "1969-12-31") == 0 && strcmp(moment.stamp, "1969-12-31T23:59:59.000Z") == 0);
    moment = e5_moment_of(E5_STANDARD, 12 * 3600);
    CHECK(strcmp(moment.day, "1970-01-01") == 0 && strcmp(moment.stamp, "1970-01-01T12:00:00.000Z") == 0);
    struct e5_date leap = {1900, 2, 29};
    moment = e5_moment_of(E5_JULIAN, e5_date_to_days(E5_JULIAN, leap) * E5_DAY);
    CHECK(strcmp(moment.day, "1900-02-29") == 0 && strcmp(moment.stamp, "1900-02-28T00:00:00.000Z") == 0);
}

int main(void) {
    RUN(bounds_in_both_byte_orders_and_all_dimensions);
    RUN(bounds_of_points_lines_and_collections);
    RUN(empty_geometries_have_no_bounds);
    RUN(cut_geometries_are_noticed);
    RUN(hostile_geometries_are_noticed_at_once);
    RUN(a_blob_is_header_envelope_and_wkb);
    RUN(blobs_of_other_programs_are_read);
    RUN(functions_answer_null_to_what_is_no_geometry);
    RUN(triggers_keep_the_index_right);
    RUN(every_table_and_column_is_described);
    RUN(migrating_twice_is_migrating_once);
    RUN(a_change_is_noted_in_the_contents);
    RUN(moments_have_a_day_and_a_stamp);
    return check_summary();
}
