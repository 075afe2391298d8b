#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/ahead.h"
#include "io/chunk_cache.h"
#include "io/ncfile.h"
#include "make_nc.h"
#include "pool/pool.h"

#define T ((size_t)24)
#define Y ((size_t)16)
#define X ((size_t)12)
#define STEPS ((size_t)6) /* of a row of chunks */
#define MAP (Y * X)
#define ROW (STEPS * MAP * sizeof(float)) /* bytes of one row of chunks: four of 8 × 6 cells */

#ifdef __SANITIZE_THREAD__
#define CHILD_THREADS 1 /* which ends a forked child that begins a thread */
#else
#define CHILD_THREADS 3
#endif

static float value_at(size_t i) { return (float)((i * 7919) % 4099); }

static const char *make_file(const char *name) {
    static float values[T * MAP];
    size_t chunk[3] = {STEPS, 8, 6};
    const char *path = make_path(name);
    int id, dims[3], var;
    for (size_t i = 0; i < T * MAP; i++) values[i] = value_at(i);
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "t", T, &dims[0]));
    NC(nc_def_dim(id, "y", Y, &dims[1]));
    NC(nc_def_dim(id, "x", X, &dims[2]));
    NC(nc_def_var(id, "v", NC_FLOAT, 3, dims, &var));
    NC(nc_def_var_chunking(id, var, NC_CHUNKED, chunk));
    NC(nc_def_var_deflate(id, var, 1, 1, 1));
    NC(nc_put_var_float(id, var, values));
    NC(nc_close(id));
    return path;
}

struct world {
    struct e5_pool *pool;
    struct e5_parallel par;
    struct e5_ncfile *file;
};

static struct world begin(unsigned threads, size_t cache) {
    struct world w = {0};
    e5_chunk_cache_limit(0);
    e5_chunk_cache_limit(cache);
    CHECK_OK(e5_pool_new(threads, &w.pool, err));
    w.par = e5_pool_parallel(w.pool);
    CHECK_OK(e5_ncfile_open(make_file("walk.nc"), NULL, &w.file, err));
    return w;
}

static void end(struct world *w) {
    e5_ncfile_close(w->file);
    e5_pool_free(w->pool);
}

static enum e5_status read_steps(struct world *w, size_t first, size_t steps) {
    size_t start[3] = {first, 0, 0}, count[3] = {steps, Y, X};
    float out[STEPS * MAP];
    struct e5_error err = E5_ERROR_NONE;
    enum e5_status status = e5_ncfile_read(w->file, &w->file->var[0], start, count, E5_F32, out, &w->par, NULL, &err);
    for (size_t i = 0; i < steps * MAP && status == E5_OK; i++)
        if (out[i] != value_at(first * MAP + i)) status = E5_INTERNAL;
    return status;
}

static size_t held(void) {
    size_t limit;
    return e5_chunk_cache_bytes(&limit);
}

static bool comes_to(size_t bytes) {
    double until = e5_clock_monotonic() + 20;
    while (held() < bytes && e5_clock_monotonic() < until) usleep(100);
    return held() == bytes;
}

/* Nobody has begun anything after some time. */
static bool stays_at(size_t bytes) {
    usleep(30000);
    return held() == bytes;
}

TEST(the_row_behind_a_walk_is_decoded) {
    struct world w = begin(3, 8 * ROW);
    for (size_t t = 0; t < 2; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    CHECK(stays_at(ROW)); /* two reads are no walk */
    CHECK(read_steps(&w, 2, 1) == E5_OK);
    CHECK(comes_to(2 * ROW) && stays_at(2 * ROW)); /* and only that one */
    for (size_t t = 3; t < T; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    CHECK(comes_to(4 * ROW) && stays_at(4 * ROW)); /* nothing is behind the end */
    end(&w);
}

static void lose(void *self, e5_spare_fn work) { (void)self, (void)work; }

TEST(what_nobody_did_is_offered_once_more) {
    struct world w = begin(2, 8 * ROW);
    struct e5_parallel par = w.par;
    w.par.offer = lose; /* as a pool that is freed before it begins */
    for (size_t t = 0; t < 3; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    CHECK(stays_at(ROW));
    w.par = par;
    CHECK(read_steps(&w, 3, 1) == E5_OK);
    CHECK(comes_to(2 * ROW));
    end(&w);
}

TEST(a_walk_may_take_longer_steps) {
    struct world w = begin(2, 8 * ROW);
    for (size_t t = 1; t < 6; t += 2) CHECK(read_steps(&w, t, 1) == E5_OK);
    CHECK(comes_to(2 * ROW));
    end(&w);
    w = begin(2, 8 * ROW);
    for (size_t t = 0; t < 12; t += 4)
        CHECK(read_steps(&w, t, 4) == E5_OK); /* over the border, into the second row */
    CHECK(comes_to(3 * ROW));
    end(&w);
}

TEST(a_region_touches_its_chunks_only) {
    struct world w = begin(2, 8 * ROW);
    size_t start[3] = {0, 9, 7}, count[3] = {1, 2, 2};
    float out[4];
    for (; start[0] < 3; start[0]++)
        CHECK_OK(e5_ncfile_read(w.file, &w.file->var[0], start, count, E5_F32, out, &w.par, NULL, err));
    CHECK(comes_to(2 * ROW / 4) && stays_at(2 * ROW / 4));
    end(&w);
}

TEST(what_is_no_walk_is_left_alone) {
    static const size_t ways[][4] = {{3, 2, 1, 0}, {0, 1, 3, 4}, {2, 2, 2, 2}, {0, 2, 1, 3}};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct world w = begin(3, 8 * ROW);
        for (size_t i = 0; i < 4; i++) CHECK(read_steps(&w, ways[way][i], 1) == E5_OK);
        CHECK(stays_at(ROW));
        end(&w);
    }
    struct world w = begin(3, 8 * ROW);
    for (size_t t = 0; t < 3 * STEPS; t += STEPS) CHECK(read_steps(&w, t, STEPS) == E5_OK);
    CHECK(stays_at(0)); /* whole rows are not kept */
    end(&w);
}

TEST(one_thread_goes_no_further_than_asked) {
    struct world w = begin(1, 8 * ROW);
    for (size_t t = 0; t < 4; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    CHECK(stays_at(ROW));
    end(&w);
}

/* Where two rows do not fit, what is there of the next one does not cost the present one. */
TEST(the_budget_holds) {
    struct world w = begin(3, ROW + ROW / 2);
    for (size_t t = 0; t < STEPS; t++) {
        CHECK(read_steps(&w, t, 1) == E5_OK);
        CHECK(held() <= ROW + ROW / 2);
    }
    CHECK(comes_to(ROW + ROW / 2));
    for (size_t t = STEPS; t < T; t++) {
        CHECK(read_steps(&w, t, 1) == E5_OK);
        CHECK(held() <= ROW + ROW / 2);
    }
    end(&w);
    w = begin(3, 0);
    for (size_t t = 0; t < T; t++) CHECK(read_steps(&w, t, 1) == E5_OK && held() == 0);
    end(&w);
}

TEST(a_file_may_be_closed_at_any_moment) {
    for (size_t n = 3; n < 40; n++) {
        struct world w = begin(4, 8 * ROW);
        for (size_t t = 0; t < n && t < T; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
        if (n % 2 == 0) usleep((useconds_t)(10 * n));
        end(&w);
    }
    e5_ahead_leave(NULL);
}

/* Several walks at once: one is gone ahead of, all read what is right. */
static void *walk_alone(void *context) {
    struct world w = *(struct world *)context;
    size_t wrong = 0;
    if (e5_ncfile_open(make_path("walk.nc"), NULL, &w.file, NULL) != E5_OK) return (void *)1;
    for (size_t round = 0; round < 4; round++)
        for (size_t t = 0; t < T; t++) wrong += read_steps(&w, t, 1) != E5_OK;
    e5_ncfile_close(w.file);
    return (void *)wrong;
}

TEST(walks_beside_each_other) {
    static const size_t limits[] = {0, ROW, 2 * ROW, 8 * ROW};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct world w = begin(3, limits[i]);
        pthread_t thread[4];
        void *wrong;
        for (int k = 0; k < 4; k++) CHECK(pthread_create(&thread[k], NULL, walk_alone, &w) == 0);
        for (int k = 0; k < 4; k++) CHECK(pthread_join(thread[k], &wrong) == 0 && wrong == NULL);
        CHECK(held() <= limits[i]);
        end(&w);
    }
}

TEST(a_forked_child_begins_anew) {
    struct world w = begin(3, 8 * ROW);
    for (size_t t = 0; t < 3; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    for (int i = 0; i < 10; i++) {
        int code = -1;
        pid_t child = fork();
        if (child == 0) {
            alarm(20); /* instead of a hang */
            struct world own = {.file = w.file};
            bool good = e5_pool_new(CHILD_THREADS, &own.pool, NULL) == E5_OK;
            own.par = e5_pool_parallel(own.pool);
            for (size_t t = 3; t < T && good; t++) good = read_steps(&own, t, 1) == E5_OK;
            end(&own);
            CHECK_LEAVE(!good);
        }
        CHECK(read_steps(&w, 3 + (size_t)i, 1) == E5_OK);
        CHECK(waitpid(child, &code, 0) == child && WIFEXITED(code) && WEXITSTATUS(code) == 0);
    }
    end(&w);
}

TEST(what_fails_is_left_to_the_reader) {
    struct world w = begin(3, 8 * ROW);
    for (size_t t = 0; t < 2; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
    const char *path = w.file->path;
    char away[160];
    snprintf(away, sizeof away, "%s.old", path);
    e5_alloc_fail_after(30); /* somewhere behind the read itself, or not at all */
    (void)!read_steps(&w, 2, 1);
    e5_alloc_fail_after(0);
    CHECK(read_steps(&w, 3, 1) == E5_OK && read_steps(&w, 4, 1) == E5_OK);
    CHECK(rename(path, away) == 0);
    CHECK(read_steps(&w, 5, 1) == E5_CORRUPT); /* not served from what was decoded before */
    end(&w);
    for (long n = 1; n < 60; n++) {
        w = begin(3, 8 * ROW);
        for (size_t t = 0; t < 2; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
        e5_alloc_fail_after(n);
        enum e5_status status = read_steps(&w, 2, 1);
        usleep(500);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
        for (size_t t = 3; t < T; t++) CHECK(read_steps(&w, t, 1) == E5_OK);
        end(&w);
    }
}

int main(void) {
    RUN(the_row_behind_a_walk_is_decoded);
    RUN(what_nobody_did_is_offered_once_more);
    RUN(a_walk_may_take_longer_steps);
    RUN(a_region_touches_its_chunks_only);
    RUN(what_is_no_walk_is_left_alone);
    RUN(one_thread_goes_no_further_than_asked);
    RUN(the_budget_holds);
    RUN(a_file_may_be_closed_at_any_moment);
    RUN(walks_beside_each_other);
    RUN(a_forked_child_begins_anew);
    RUN(what_fails_is_left_to_the_reader);
    return check_summary();
}
