/* Runs and blobs of one step against a flood fill, on random bits of every kind of grid. */
#include "base/alloc.h"
#include "check.h"

#include "blob_samples.h"

enum { WORDS = 64 };

static double row_area[16] = {3, 5, 7, 11, 13, 17, 19, 23, 29};

/* Cells of too small blobs have no blob, the others keep their order; how many stay. */
static size_t leave_out(const struct e5_topology *t, int32_t *blob, size_t blobs, double min_area, double *area) {
    int32_t number[MOST_CELLS];
    size_t kept = 0;
    for (size_t i = 0; i < blobs; i++) area[i] = 0;
    for (size_t i = 0; i < t->rows * t->columns; i++)
        if (blob[i] >= 0) area[blob[i]] += row_area[i / t->columns];
    for (size_t i = 0; i < blobs; i++) {
        number[i] = area[i] >= min_area ? (int32_t)kept : -1;
        if (number[i] >= 0) area[kept++] = area[i];
    }
    for (size_t i = 0; i < t->rows * t->columns; i++)
        if (blob[i] >= 0) blob[i] = number[blob[i]];
    return kept;
}

/* The runs are maximal, in order, and hold every cell with its blob. */
static void check_runs(const struct e5_frame *frame, const int32_t *blob) {
    static struct e5_run run[MOST_CELLS];
    static int32_t painted[MOST_CELLS];
    const struct e5_topology *t = frame->topology;
    size_t n = e5_frame_count_runs(frame), wrong = 0, cells = t->rows * t->columns;
    for (size_t i = 0; i < cells; i++) painted[i] = -1;
    CHECK_OK(e5_frame_runs(frame, 5, run, err));
    for (size_t i = 0; i < n; i++) {
        wrong += run[i].time != 5 || run[i].count < 1 || (size_t)(run[i].first + run[i].count) > t->columns;
        if (i > 0 && run[i].row == run[i - 1].row)
            wrong += run[i].first <= run[i - 1].first + run[i - 1].count;
        else
            wrong += i > 0 && run[i].row < run[i - 1].row;
        for (int32_t c = 0; c < run[i].count; c++)
            painted[(size_t)run[i].row * t->columns + (size_t)(run[i].first + c)] = run[i].blob;
    }
    CHECK(wrong == 0);
    CHECK(memcmp(painted, blob, cells * sizeof *blob) == 0);
}

TEST(equals_flood_fill) {
    static int32_t blob[MOST_CELLS];
    static double area[MOST_CELLS];
    struct e5_frame frame = {0}; /* one for all: what it keeps must not matter */
    for (int round = 0; round < 900; round++) {
        uint64_t bits[WORDS];
        struct e5_topology t = random_topology();
        double min_area = random_below(3) ? 0 : random_below(60);
        random_bits(&t, 5 + random_below(90), bits);
        size_t blobs = leave_out(&t, blob, flood(&t, bits, blob), min_area, area);
        CHECK_OK(e5_frame_make(&frame, &t, bits, row_area, min_area, err));
        CHECK(frame.blobs == blobs);
        CHECK(blobs == 0 || memcmp(frame.area, area, blobs * sizeof *area) == 0);
        check_runs(&frame, blob);
        size_t cells = 0;
        for (size_t i = 0; i < t.rows * t.columns; i++) cells += bit_of(&t, bits, i) != (blob[i] >= 0);
        CHECK(cells == 0); /* the bits of small blobs are cleared */
    }
    e5_frame_fini(&frame);
}

TEST(without_areas_nothing_is_left_out) {
    struct e5_topology t = {.rows = 2, .columns = 70, .neighbours = 26};
    uint64_t bits[4] = {5, 0, 0, 1};
    struct e5_frame frame = {0};
    CHECK_OK(e5_frame_make(&frame, &t, bits, NULL, 1e9, err));
    CHECK(frame.blobs == 3 && frame.area == NULL);
    e5_frame_fini(&frame);
}

TEST(empty_grids) {
    struct e5_frame frame = {0};
    uint64_t bits[1] = {0};
    for (size_t rows = 0; rows < 3; rows++) {
        struct e5_topology t = {.rows = rows, .columns = 0, .neighbours = 26, .periodic = true, .pole_first = true};
        CHECK_OK(e5_frame_make(&frame, &t, bits, row_area, 0, err));
        CHECK(frame.blobs == 0 && e5_frame_count_runs(&frame) == 0);
    }
    e5_frame_fini(&frame);
}

TEST(bad_calls_and_failures_are_reported) {
    struct e5_topology t = {.rows = 3, .columns = 5, .neighbours = 8};
    uint64_t bits[3] = {1, 4, 16};
    struct e5_frame frame = {0};
    CHECK_STATUS(E5_INPUT, e5_frame_make(&frame, &t, bits, NULL, 0, err));
    t.neighbours = 6;
    enum e5_status status = E5_MEMORY;
    long n = 0;
    while (status == E5_MEMORY) {
        struct e5_frame failing = {0};
        e5_alloc_fail_after(++n);
        status = e5_frame_make(&failing, &t, bits, row_area, 4, NULL);
        e5_frame_fini(&failing);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && n > 6);
    t.rows = t.columns = (size_t)1 << 20;
    CHECK_STATUS(E5_UNSAFE, e5_frame_make(&frame, &t, bits, NULL, 0, err));
    e5_frame_fini(&frame);
}

int main(void) {
    RUN(equals_flood_fill);
    RUN(without_areas_nothing_is_left_out);
    RUN(empty_grids);
    RUN(bad_calls_and_failures_are_reported);
    return check_summary();
}
