/* store_sample: what the tests of the event database share: a folder, events made by hand, questions to the file. */
#ifndef STORE_SAMPLE_H
#define STORE_SAMPLE_H

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "db/store.h"

/* --- a folder for each test --- */

static char folder[64], file[96];

static void fresh(void) {
    snprintf(folder, sizeof folder, "/tmp/e5_store_XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/events.gpkg", folder);
}

static void clean(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
}

static void beside(const char *suffix, char out[128]) { snprintf(out, 128, "%s%s", file, suffix); }

static inline bool exists(const char *suffix) {
    char path[128];
    beside(suffix, path);
    return access(path, F_OK) == 0;
}

/* --- events made by hand --- */

#define ROWS 4
#define COLUMNS 8
#ifndef MOST
#define MOST 400
#endif

struct sample {
    struct e5_events events;
    double latitude[ROWS], longitude[COLUMNS], area[ROWS];
    int64_t seconds[MOST + 8];
    struct e5_event event[MOST];
    struct e5_run run[2 * MOST];
    struct e5_event_state state[2 * MOST];
};

static void put(char **at, const void *bytes, size_t n) {
    memcpy(*at, bytes, n);
    *at += n;
}

/* A multipolygon of one rectangle, little endian like the machines we run on. */
static size_t rectangle(char *out, double west, double south, double east, double north) {
    const double ring[10] = {west, south, east, south, east, north, west, north, west, south};
    const uint32_t words[] = {6, 1, 3, 1, 5};
    char *at = out;
    put(&at, "\1", 1);
    put(&at, words, 8);
    put(&at, "\1", 1);
    put(&at, words + 2, 12);
    put(&at, ring, sizeof ring);
    return (size_t)(at - out);
}

/* One event of two days in one cell, the i-th of a sample that begins on day `first`. */
static void fill_event(struct sample *s, size_t i, char *wkb) {
    struct e5_event *e = &s->event[i];
    size_t size = rectangle(wkb, -9.5 + (double)(i % 7), 43.5, -8.5 + (double)(i % 7), 44.5);
    for (size_t k = 0; k < 2; k++) {
        int32_t time = (int32_t)(i + k);
        s->run[2 * i + k] = (struct e5_run){time, 1, (int32_t)(i % 7), 1};
        s->state[2 * i + k] = (struct e5_event_state){.time = time,
                                                      .blobs = 1,
                                                      .area = 8000,
                                                      .mean = 1.5,
                                                      .maximum = 2.5,
                                                      .latitude = 44,
                                                      .longitude = k == 0 ? -9 + (double)(i % 7) : NAN,
                                                      .severity.maximum = NAN};
    }
    *e = (struct e5_event){.first_run = 2 * i,
                           .runs = 2,
                           .first_state = 2 * i,
                           .states = 2,
                           .start = (int32_t)i,
                           .end = (int32_t)i + 1,
                           .start_seconds = s->seconds[i],
                           .end_seconds = s->seconds[i + 1],
                           .cells = 2,
                           .volume = 16000,
                           .footprint = 8000,
                           .area_max = 8000,
                           .area_mean = 8000,
                           .area_max_time = (int32_t)i,
                           .peak = 2.5,
                           .peak_value = 305.25,
                           .peak_time = (int32_t)i + 1,
                           .peak_row = 1,
                           .peak_column = (int32_t)(i % 7),
                           .exceedance_mean = 1.5,
                           .exceedance_sum = 24000 + (double)i,
                           .latitude = 44,
                           .longitude = NAN,
                           .box.south = 43.5,
                           .box.north = 44.5,
                           .box.west = -9.5 + (double)(i % 7),
                           .box.east = -8.5 + (double)(i % 7),
                           .touches_edge = i % 7 == 0,
                           .censored_start = i == 0,
                           .outline = i * size,
                           .outline_size = size};
}

static struct sample *make(size_t n, int64_t first_day, enum e5_calendar calendar) {
    struct sample *s = calloc(1, sizeof *s);
    char wkb[128];
    for (size_t i = 0; i < ROWS; i++) s->latitude[i] = 45 - (double)i, s->area[i] = 8000;
    for (size_t i = 0; i < COLUMNS; i++) s->longitude[i] = -9 + (double)i;
    for (size_t i = 0; i < n + 8; i++) s->seconds[i] = (first_day + (int64_t)i) * E5_DAY;
    for (size_t i = 0; i < n; i++) {
        fill_event(s, i, wkb);
        CHECK_OK(e5_buffer_append(&s->events.geometry, wkb, s->event[i].outline_size, err));
    }
    s->events.grid = (struct e5_grid){
        .rows = ROWS, .columns = COLUMNS, .latitude = s->latitude, .longitude = s->longitude, .area = s->area};
    s->events.calendar = calendar;
    s->events.steps = n + 8, s->events.seconds = s->seconds;
    s->events.count = n, s->events.run_count = 2 * n, s->events.state_count = 2 * n;
    s->events.event = s->event, s->events.run = s->run, s->events.state = s->state;
    return s;
}

static void drop(struct sample *s) {
    e5_buffer_fini(&s->events.geometry);
    free(s);
}

static const struct e5_store_source sources[] = {{"data/a.nc", 1000, "00ff", "{\"year\": 2003}", NULL},
                                                 {"data/b\xff.nc", -1, "", "", NULL}};
static const struct e5_store_batch batch = {.kind = "heatwave",
                                            .variable = "t2m",
                                            .units = "K",
                                            .definition = "{\"min_days\":3}",
                                            .program = "era5fast test",
                                            .libraries = "{}",
                                            .sources = sources,
                                            .nsources = 2};

static enum e5_status add(const struct sample *s, const struct e5_store_batch *b, double busy, struct e5_watch *watch,
                          struct e5_store_added *out, struct e5_error *err) {
    struct e5_store *store;
    enum e5_status status = e5_store_open(file, busy, watch, &store, err);
    if (status != E5_OK) return status;
    status = e5_store_add(store, &s->events, b, NULL, watch, out, err);
    e5_store_close(store);
    return status;
}

static int64_t ask(const char *sql) { /* −1: the question failed */
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t answer = -1;
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        answer = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return answer;
}

static void check_whole(void) {
    CHECK(ask("SELECT quick_check = 'ok' FROM pragma_quick_check") == 1);
    CHECK(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1);
    CHECK(ask("SELECT count(*) FROM pragma_foreign_key_check") == 0);
    CHECK(ask("SELECT rtreecheck('rtree_event_geom') = 'ok'") == 1);
    CHECK(ask("SELECT count(*) FROM event e LEFT JOIN rtree_event_geom r ON r.id = e.id"
              " WHERE (e.geom IS NULL) != (r.id IS NULL)") == 0);
    CHECK(ask("SELECT count(*) FROM event WHERE id NOT IN (SELECT event_id FROM event_run)") == 0);
}

struct bytes {
    char *data;
    long size;
};

static struct bytes slurp(void) {
    struct bytes out = {NULL, -1};
    FILE *f = fopen(file, "rb");
    if (f == NULL) return out;
    fseek(f, 0, SEEK_END);
    out.size = ftell(f);
    out.data = malloc((size_t)out.size + 1);
    rewind(f);
    CHECK(fread(out.data, 1, (size_t)out.size, f) == (size_t)out.size);
    fclose(f);
    return out;
}

static bool same_and_free(struct bytes a, struct bytes b) {
    bool same = a.size == b.size && a.size >= 0 && memcmp(a.data, b.data, (size_t)a.size) == 0;
    free(a.data);
    free(b.data);
    return same;
}

#endif
