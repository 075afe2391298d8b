/* The event database in detail: severity, cells, family trees, downloads, spans, tracks, and files of version 1. */
#include "db/cells.h"
#include "db/geometry.h"
#include "db/gpkg.h"
#include "store_sample.h"

static void change(const char *sql) {
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(e5_geometry_register(db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

/* --- what an event has --- */

TEST(every_property_has_its_column) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_event *e = &s->event[0];
    e->severity = (struct e5_severity){1.5, 3.25, 3, {10, 20, 30, 0}};
    e->path = 120.5, e->displacement = 60.25, e->merges = 1, e->splits = 2;
    e->crosses_seam = true, e->touches_pole = false, e->censored_end = true, e->censored_start = false;
    s->event[1].severity = (struct e5_severity){NAN, NAN, 0, {0}};
    s->state[0].severity = e->severity;
    s->state[0].box = (struct e5_bounds){43.5, 44.5, 175, 185};
    s->state[1].severity = s->event[1].severity;
    s->events.below = true;
    s->events.step_days = 0.25;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT severity_mean = 1.5 AND severity_max = 3.25 AND category = 3 AND area_moderate_km2 = 10"
              " AND area_strong_km2 = 20 AND area_severe_km2 = 30 AND area_extreme_km2 = 0 AND path_km = 120.5"
              " AND displacement_km = 60.25 AND merges = 1 AND splits = 2 AND crosses_seam = 1 AND touches_pole = 0"
              " AND censored_end AND NOT censored_start AND censored AND side = 'below' AND duration_steps = 2"
              " AND duration_days = 0.5 FROM event WHERE id = 1") == 1);
    CHECK(ask("SELECT severity_mean IS NULL AND severity_max IS NULL AND category IS NULL AND area_moderate_km2 IS"
              " NULL AND area_extreme_km2 IS NULL FROM event WHERE id = 2") == 1);
    CHECK(ask("SELECT severity_max = 3.25 AND category = 3 AND area_severe_km2 = 30 AND south = 43.5 AND north = 44.5"
              " AND west = 175 AND east = -175 AND patches = 1 FROM event_state WHERE id = 1") == 1);
    CHECK(ask("SELECT severity_max IS NULL AND category IS NULL FROM event_state WHERE id = 2") == 1);
    CHECK(ask("SELECT count(*) FROM event_cells") == 0 && ask("SELECT count(*) FROM event_patch") == 0);
    drop(s);
    clean();
}

static struct e5_run *read_cells(int64_t state, size_t *n) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    struct e5_run *run = NULL;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, "SELECT runs FROM event_cells WHERE id = ?", -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, state);
    CHECK(sqlite3_step(stmt) == SQLITE_ROW);
    CHECK_OK(e5_cells_decode(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0), &run, n, err));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return run;
}

TEST(cells_are_kept_when_asked_for) {
    fresh();
    struct sample *s = make(9, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch with = batch;
    with.cells = true;
    CHECK_OK(add(s, &with, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event_cells JOIN event_state USING (id) JOIN grid ON grid.id = grid_id") == 18);
    CHECK(ask("SELECT row_count = 4 AND column_count = 8 AND length(latitude) = 32 AND length(longitude) = 64"
              " AND substr(latitude, 1, 8) = x'0000000000804640' FROM grid") == 1); /* 45 degrees */
    for (size_t i = 0; i < 18; i++) {
        size_t n;
        struct e5_run *run = read_cells((int64_t)i + 1, &n);
        CHECK(n == 1 && run[0].row == s->run[i].row && run[0].first == s->run[i].first && run[0].count == 1);
        free(run);
    }
    check_whole();
    change("PRAGMA foreign_keys = ON; DELETE FROM event WHERE id = 1");
    CHECK(ask("SELECT count(*) FROM event_cells") == 16);
    drop(s);
    clean();
}

TEST(family_trees_are_kept_where_there_is_one) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_blob blob[] = {{0, 800, 1, 2, 44, -9},
                             {0, 700, 1, 3, 40, 355},
                             {1, 1500, 1, 2, 42, NAN},
                             {1, 10, 1, 1, 44, -8},
                             {2, 20, 1, 1, 44, -8.5}};
    struct e5_link link[] = {{0, 2, 100}, {1, 2, 0}, {0, 1, 5}};
    s->events.blob = blob, s->events.blob_count = 5, s->events.link = link, s->events.link_count = 3;
    s->event[0].blobs = 3, s->event[0].links = 2;
    s->event[1].first_blob = 3, s->event[1].blobs = 2, s->event[1].first_link = 2, s->event[1].links = 1;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event_patch") == 3 && ask("SELECT count(*) FROM event_link") == 2);
    CHECK(ask("SELECT event_id = 1 AND number = 1 AND day = '2002-11-09' AND area_km2 = 700 AND centroid_longitude = "
              "-5"
              " FROM event_patch WHERE id = 2") == 1);
    CHECK(ask("SELECT centroid_longitude IS NULL AND day = '2002-11-10' FROM event_patch WHERE number = 2") == 1);
    CHECK(ask("SELECT from_patch = 1 AND to_patch = 3 AND overlap_km2 = 100 FROM event_link WHERE id = 1") == 1);
    CHECK(ask("SELECT patches FROM event WHERE id = 2") == 2);
    check_whole();
    s->events.link = NULL, s->events.blob = NULL;
    drop(s);
    clean();
}

TEST(tables_that_point_outside_are_refused) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_blob blob[] = {{0, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}};
    struct e5_link link[] = {{0, 9, 1}};
    s->events.blob = blob, s->events.blob_count = 3, s->events.link = link, s->events.link_count = 1;
    s->event[0].blobs = 3, s->event[0].links = 1;
    CHECK_STATUS(E5_INPUT, add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event") == 0);
    s->events.link = NULL, s->events.blob = NULL;
    drop(s);
    clean();
}

/* --- where it comes from --- */

TEST(the_run_tells_what_was_searched) {
    fresh();
    struct sample *s = make(3, 12000, E5_STANDARD), *later = make(3, 13000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch told = batch;
    told.libraries = "{\"numpy\":\"2\"}";
    s->events.step_days = later->events.step_days = 1;
    CHECK_OK(add(s, &told, 1, NULL, &added, err));
    CHECK(ask("SELECT calendar = 'standard' AND steps = 11 AND step_days = 1 AND start_day = '2002-11-09'"
              " AND end_day = '2002-11-19' AND end_time = '2002-11-19T00:00:00.000Z' AND libraries = "
              "'{\"numpy\":\"2\"}'"
              " AND grid_id = 1 AND program = 'era5fast test' FROM run") == 1);
    told.libraries = "{}"; /* another version of a library is no other run */
    CHECK_OK(add(s, &told, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM run") == 1);
    CHECK_OK(add(later, &told, 1, NULL, &added, err)); /* other days are */
    CHECK(ask("SELECT count(*) FROM run") == 2 && ask("SELECT count(*) FROM grid") == 1);
    CHECK(ask("SELECT count(*) FROM run_dataset") == 4);
    drop(s);
    drop(later);
    clean();
}

TEST(downloads_are_told) {
    static const struct e5_store_download download = {.service = "https://cds.example/api",
                                                      .job = "job-1",
                                                      .collection = "reanalysis-era5",
                                                      .request = "{}",
                                                      .size = 1000,
                                                      .checksum = "00ff",
                                                      .checksum_kind = "md5",
                                                      .verified = true,
                                                      .finished = 1.5};
    struct e5_store_source with[] = {{"data/a.nc", 1000, "00ff", "{\"year\": 2003}", &download}};
    struct e5_store_batch told = batch;
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    fresh();
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM download") == 0);
    told.sources = with, told.nsources = 1;
    CHECK_OK(add(s, &told, 1, NULL, &added, err)); /* the file was known, its download was not */
    CHECK(ask("SELECT service = 'https://cds.example/api' AND job_id = 'job-1' AND collection = 'reanalysis-era5'"
              " AND download.size_bytes = 1000 AND download.checksum = '00ff' AND checksum_kind = 'md5' AND verified"
              " AND finished_at = '1970-01-01T00:00:01.500Z' FROM download JOIN dataset ON download.id = "
              "download_id") == 1);
    CHECK(ask("SELECT count(*) FROM dataset") == 2);
    struct bytes before = slurp();
    CHECK_OK(add(s, &told, 1, NULL, &added, err));
    CHECK(same_and_free(before, slurp()));
    check_whole();
    drop(s);
    clean();
}

/* --- tracks --- */

static enum e5_status add_tracks(const struct e5_tracks *tracks, struct e5_store_added *out, struct e5_error *err) {
    struct e5_store *store;
    enum e5_status status = e5_store_open(file, 1, NULL, &store, err);
    if (status != E5_OK) return status;
    status = e5_store_add_tracks(store, tracks, &batch, NULL, out, err);
    e5_store_close(store);
    return status;
}

static const int64_t first[] = {0, 3, 4};
static const int64_t seconds[] = {0, 21600, 43200, 86400};
static const double latitude[] = {10, 20, 15, -5}, longitude[] = {175, -175, -170, 30};
static const double value[] = {990, 980, NAN, NAN}, step[] = {NAN, 100, 200, NAN}, speed[] = {NAN, 5, 10, NAN};
static const double direction[] = {NAN, 90, NAN, NAN}, displacement[] = {250, 0};
static const struct e5_tracks two_tracks = {E5_STANDARD, 2,    first, seconds,   latitude,    longitude,
                                            value,       step, speed, direction, displacement};

TEST(tracks_are_features_of_their_own) {
    fresh();
    struct e5_store_added added;
    CHECK_OK(add_tracks(&two_tracks, &added, err));
    CHECK(added.added == 2 && added.known == 0);
    CHECK(ask("SELECT points = 3 AND duration_hours = 12 AND path_km = 300 AND displacement_km = 250 AND value_min ="
              " 980 AND value_max = 990 AND abs(mean_speed - 300000.0 / 43200) < 1e-9 AND south = 10 AND north = 20"
              " AND west = 175 AND east = -170 AND start_day = '1970-01-01' FROM track WHERE id = 1") == 1);
    CHECK(ask("SELECT points = 1 AND geom IS NULL AND mean_speed IS NULL AND value_min IS NULL AND west = 30"
              " FROM track WHERE id = 2") == 1);
    CHECK(ask("SELECT count(*) FROM track_point WHERE track_id = 1") == 3);
    CHECK(ask("SELECT value IS NULL AND step_km = 200 AND speed = 10 AND direction IS NULL FROM track_point WHERE id "
              "= "
              "3") == 1);
    /* two lines that end and begin on the antimeridian half way, at 15 degrees north */
    CHECK(ask("SELECT hex(substr(geom, 41, 9)) = '010500000002000000' AND instr(geom, x'0000000000806640"
              "0000000000002E40') > 0 AND instr(geom, x'00000000008066C00000000000002E40') > 0 FROM track WHERE id = "
              "1") == 1);
    CHECK(ask("SELECT count(*) FROM rtree_track_geom WHERE minx = -180 AND maxx = 180") == 1);
    CHECK(ask("SELECT rtreecheck('rtree_track_geom') = 'ok'") == 1);
    CHECK(ask("SELECT grid_id IS NULL AND events = 2 FROM run") == 1);
    check_whole();
    struct bytes before = slurp();
    CHECK_OK(add_tracks(&two_tracks, &added, err));
    CHECK(added.added == 0 && added.known == 2 && same_and_free(before, slurp()));
    clean();
}

TEST(tracks_that_are_none_are_refused) {
    static const int64_t empty[] = {0, 0, 4};
    static const double beyond[] = {10, 91, 15, -5};
    struct e5_tracks wrong = two_tracks;
    struct e5_store_added added;
    fresh();
    wrong.first = empty;
    CHECK_STATUS(E5_INPUT, add_tracks(&wrong, &added, err));
    wrong = two_tracks;
    wrong.latitude = beyond;
    CHECK_STATUS(E5_INPUT, add_tracks(&wrong, &added, err));
    CHECK(ask("SELECT count(*) FROM track") == 0 && ask("SELECT count(*) FROM run") == 0);
    clean();
}

/* --- files of version 1 --- */

/* A file as version 1 made it: by the statements of its row, described as it was, with events of two runs. */
static void make_version_1(void) {
    static const char *const steps[] = {
#define E5_MIGRATION(version, brings, ...) version == 1 ? "BEGIN" : NULL, __VA_ARGS__, NULL,
#include "db/migrations.def"
#undef E5_MIGRATION
    };
    static const char *const tables[] = {"event_state", "diagnostic",  "dataset",        "run",
                                         "event_run",   "run_dataset", "era5fast_schema"};
    struct e5_database db = {.path = file};
    CHECK(sqlite3_open(file, &db.handle) == SQLITE_OK && e5_geometry_register(db.handle) == SQLITE_OK);
    CHECK_OK(e5_gpkg_make(&db, err));
    for (const char *const *sql = steps; *sql != NULL; sql++) CHECK_OK(e5_sql_run(&db, *sql, err));
    CHECK_OK(e5_gpkg_register(&db, "event", "geom", "events", err));
    for (size_t i = 0; i < 7; i++) CHECK_OK(e5_gpkg_register(&db, tables[i], NULL, tables[i], err));
    CHECK_OK(e5_sql_run(
        &db,
        "INSERT INTO era5fast_schema (version, description, applied_at) VALUES (1, '', '2026-01-01T00:00:00.000Z');"
        "INSERT INTO diagnostic VALUES (1, 'd', 'heatwave', 't2m', 'K', '{\"min_days\":3}', '');"
        "INSERT INTO dataset VALUES (1, 's', 'a.nc', 5, NULL, NULL, '');"
        "INSERT INTO run VALUES (1, 'r', 1, 'era5fast 0', 3, ''); INSERT INTO run_dataset VALUES (1, 1, 1);"
        "INSERT INTO event VALUES (1, 'e1', 1, 'heatwave', 't2m', '2003-08-01T00:00:00.000Z', NULL, '2003-08-01',"
        " '2003-08-04', 'standard', 4, NULL, '2003-08-02', 44, -9, 2.5, 305, 1.5, 2400, 8000, NULL, 8000, 8000, "
        "16000,"
        " 44, -9, 43.5, 44.5, -9.5, -8.5, 0, 1, 2, NULL);"
        "INSERT INTO event_state VALUES (1, 1, NULL, '2003-08-01', 8000, 1, 2, 44, -9);"
        "INSERT INTO event_run VALUES (1, 1, 1); COMMIT",
        err));
    sqlite3_close(db.handle);
}

TEST(version_1_becomes_version_2) {
    fresh();
    make_version_1();
    check_whole();
    CHECK(ask("SELECT max(version) FROM era5fast_schema") == 1);
    struct sample *s = make(4, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT max(version) FROM era5fast_schema") == 2);
    CHECK(
        ask("SELECT event_key = 'e1' AND duration_steps = 4 AND duration_days = 4 AND censored AND censored_start IS"
            " NULL AND censored_end IS NULL AND severity_max IS NULL AND cells = 2 AND side IS NULL AND geom IS NULL"
            " FROM event WHERE id = 1") == 1);
    CHECK(ask("SELECT count(*) FROM event_state WHERE event_id = 1 AND day = '2003-08-01' AND patches IS NULL") == 1);
    CHECK(ask("SELECT count(*) FROM event_run WHERE event_id = 1") == 1);
    CHECK(ask("SELECT count(*) FROM event") == 5 && ask("SELECT min(id) FROM event WHERE id > 1") == 2);
    CHECK(ask("SELECT count(*) FROM gpkg_contents WHERE table_name IN ('track', 'event_cells', 'download')") == 3);
    CHECK(ask("SELECT count(*) FROM gpkg_data_columns WHERE table_name = 'event' AND column_name = 'severity_max'") ==
          1);
    CHECK(ask("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == 12);
    check_whole();
    drop(s);
    clean();
}

/* Ids of events that were deleted are not given out again, also after the table was made anew. */
TEST(ids_go_on_after_the_step) {
    fresh();
    make_version_1();
    change("UPDATE sqlite_sequence SET seq = 77 WHERE name = 'event'; DELETE FROM event_run; DELETE FROM event_state;"
           "DELETE FROM event");
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT id FROM event") == 78);
    drop(s);
    clean();
}

/* A table that is made anew would lose what somebody added to it; views on it live on. */
TEST(additions_to_version_1_are_not_lost) {
    static const char *const additions[] = {"ALTER TABLE event ADD COLUMN note TEXT",
                                            "CREATE INDEX mine ON event (peak_day)"};
    for (size_t i = 0; i < 2; i++) {
        struct e5_error err = E5_ERROR_NONE;
        struct e5_store *store;
        fresh();
        make_version_1();
        change(additions[i]);
        struct bytes before = slurp();
        CHECK(e5_store_open(file, 1, NULL, &store, &err) == E5_DATABASE && err.hint[0] != '\0');
        CHECK(same_and_free(before, slurp()));
        clean();
    }
    struct e5_store *store;
    fresh();
    make_version_1();
    change("CREATE VIEW long_events AS SELECT * FROM event WHERE duration_days > 3");
    CHECK_OK(e5_store_open(file, 1, NULL, &store, err));
    e5_store_close(store);
    CHECK(ask("SELECT count(*) FROM long_events") == 1);
    clean();
}

TEST(broken_links_stop_the_step) {
    struct e5_store *store;
    fresh();
    make_version_1();
    change("INSERT INTO event_state VALUES (9, 99, NULL, '', 1, 1, 1, 1, 1)");
    struct bytes before = slurp();
    CHECK_STATUS(E5_DATABASE, e5_store_open(file, 1, NULL, &store, err));
    CHECK(same_and_free(before, slurp()));
    clean();
}

/* The edge that cut an event of version 1 off is not known: it counts as both until a new search shows. */
TEST(censored_sides_are_found_out) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch again = batch;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    change("UPDATE event SET censored_start = NULL, censored_end = NULL");
    s->event[0].censored_start = false, s->event[0].censored_end = true;
    again.program = "another";
    CHECK_OK(add(s, &again, 1, NULL, &added, err));
    CHECK(ask("SELECT censored AND NOT censored_start AND censored_end FROM event") == 1);
    s->event[0].censored_start = true, s->event[0].censored_end = false;
    CHECK_OK(add(s, &again, 1, NULL, &added, err)); /* what was shown once stays shown */
    CHECK(ask("SELECT NOT censored AND NOT censored_start AND NOT censored_end FROM event") == 1);
    drop(s);
    clean();
}

/* --- disguises --- */

TEST(views_and_virtual_tables_in_our_place_are_refused) {
    static const char *const disguises[] = {
        "DROP TABLE event_link; CREATE VIEW event_link AS SELECT * FROM event_patch",
        "DROP TABLE track_run; CREATE VIRTUAL TABLE track_run USING rtree(id, a, b)",
        "CREATE TRIGGER sly AFTER INSERT ON rtree_event_geom_rowid BEGIN DELETE FROM run; END",
        "CREATE TRIGGER sly AFTER INSERT ON track BEGIN DELETE FROM run; END",
    };
    for (size_t i = 0; i < sizeof disguises / sizeof *disguises; i++) {
        struct e5_store *store;
        fresh();
        CHECK_OK(e5_store_open(file, 1, NULL, &store, err));
        e5_store_close(store);
        change(disguises[i]);
        struct bytes before = slurp();
        CHECK_STATUS(E5_DATABASE, e5_store_open(file, 1, NULL, &store, err));
        CHECK(same_and_free(before, slurp()));
        clean();
    }
}

int main(void) {
    RUN(every_property_has_its_column);
    RUN(cells_are_kept_when_asked_for);
    RUN(family_trees_are_kept_where_there_is_one);
    RUN(tables_that_point_outside_are_refused);
    RUN(the_run_tells_what_was_searched);
    RUN(downloads_are_told);
    RUN(tracks_are_features_of_their_own);
    RUN(tracks_that_are_none_are_refused);
    RUN(version_1_becomes_version_2);
    RUN(ids_go_on_after_the_step);
    RUN(additions_to_version_1_are_not_lost);
    RUN(broken_links_stop_the_step);
    RUN(censored_sides_are_found_out);
    RUN(views_and_virtual_tables_in_our_place_are_refused);
    return check_summary();
}
