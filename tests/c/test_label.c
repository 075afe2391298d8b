/* Labelling against a flood fill that knows nothing of runs, on random masks of every kind. */
#include "base/alloc.h"
#include "check.h"
#include "events/label.h"
#include "pool/pool.h"

#define MOST 4096 /* cells of the largest test mask */

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static bool on_pole(const struct e5_label_input *in, size_t row) {
    return (in->topology.pole_first && row == 0) || (in->topology.pole_last && row + 1 == in->topology.rows);
}

/* A mask of so many steps, rows and columns, one after the other. */
static struct e5_label_input input_of(const uint8_t *mask, size_t steps, size_t rows, size_t columns,
                                      int neighbours) {
    return (struct e5_label_input){.mask = mask,
                                   .stride = {(ptrdiff_t)(rows * columns), (ptrdiff_t)columns, 1},
                                   .steps = steps,
                                   .topology = {.rows = rows, .columns = columns, .neighbours = neighbours}};
}

/* The definition, cell by cell: may these two touch? */
static bool touch(const struct e5_label_input *in, size_t a, size_t b) {
    size_t area = in->topology.rows * in->topology.columns;
    long dt = labs((long)(a / area) - (long)(b / area));
    size_t later = (a > b ? a : b) / area, row = a / in->topology.columns % in->topology.rows;
    long dr = labs((long)row - (long)(b / in->topology.columns % in->topology.rows));
    long dc = labs((long)(a % in->topology.columns) - (long)(b % in->topology.columns));
    if (in->topology.periodic && dc == (long)in->topology.columns - 1) dc = dc > 0;
    if (dt > 1 || dr > 1 || (dt == 1 && in->linked != NULL && !in->linked[later])) return false;
    if (dr == 0 && on_pole(in, row)) return true;
    if (dc > 1) return false;
    switch (in->topology.neighbours) {
    case 6: return dt + dr + dc <= 1;
    case 10: return dt == 0 || dr + dc == 0;
    case 18: return dt + dr + dc <= 2;
    default: return true;
    }
}

static size_t flood(const struct e5_label_input *in, int32_t *label) {
    static size_t queue[MOST];
    size_t n = in->steps * in->topology.rows * in->topology.columns, components = 0;
    for (size_t i = 0; i < n; i++) label[i] = -1;
    for (size_t i = 0; i < n; i++) {
        if (!in->mask[i] || label[i] >= 0) continue;
        size_t head = 0, tail = 0;
        label[queue[tail++] = i] = (int32_t)components++;
        for (; head < tail; head++)
            for (size_t k = 0; k < n; k++)
                if (in->mask[k] && label[k] < 0 && touch(in, queue[head], k)) label[queue[tail++] = k] = label[i];
    }
    return components;
}

/* Runs → dense labels; false when the runs are not maximal, ordered runs of the mask. */
static bool paint(const struct e5_label_input *in, const struct e5_label_runs *runs, int32_t *label) {
    size_t n = in->steps * in->topology.rows * in->topology.columns, covered = 0, end = 0;
    for (size_t i = 0; i < n; i++) label[i] = -1;
    for (size_t r = 0; r < runs->count; r++) {
        const struct e5_run *run = &runs->run[r];
        size_t line = (size_t)run->time * in->topology.rows + (size_t)run->row;
        size_t begin = line * in->topology.columns + (size_t)run->first;
        bool same_line = r > 0 && line * in->topology.columns < end;
        if (run->count < 1 || (size_t)(run->first + run->count) > in->topology.columns) return false;
        if (r > 0 && (same_line ? begin <= end : begin < end)) return false;
        end = begin + (size_t)run->count;
        for (size_t i = begin; i < end; i++) label[i] = runs->component[r], covered++;
    }
    for (size_t i = 0; i < n; i++)
        if (in->mask[i]) covered--;
    return covered == 0;
}

static void check_against_flood(const struct e5_label_input *in, const struct e5_parallel *par) {
    static int32_t expected[MOST], got[MOST];
    struct e5_labels labels;
    struct e5_label_runs runs;
    size_t components = flood(in, expected);
    CHECK_OK(e5_label(in, par, NULL, &labels, err));
    CHECK_OK(e5_labels_runs(&labels, par, NULL, &runs, err));
    CHECK(labels.components == components);
    CHECK(paint(in, &runs, got));
    size_t cells = in->steps * in->topology.rows * in->topology.columns;
    CHECK(memcmp(expected, got, cells * sizeof *got) == 0);
    e5_label_runs_fini(&runs);
    CHECK_OK(e5_labels_paint(&labels, par, NULL, got, err));
    for (size_t i = 0; i < cells; i++) expected[i]++; /* background is −1 there, 0 here */
    CHECK(memcmp(expected, got, cells * sizeof *got) == 0);
    e5_labels_fini(&labels);
}

static const int neighbourhoods[] = {6, 10, 18, 26};

TEST(equals_flood_fill_for_any_number_of_threads) {
    static uint8_t mask[MOST];
    static const unsigned threads[] = {1, 2, 4, 7};
    static const size_t shapes[][3] = {{5, 6, 9}, {9, 3, 5}, {1, 8, 8},  {4, 1, 11},
                                       {6, 7, 1}, {7, 4, 2}, {3, 2, 70}, {2, 2, 128}};
    seed = 7;
    for (size_t k = 0; k < 4; k++) {
        struct e5_pool *pool;
        CHECK_OK(e5_pool_new(threads[k], &pool, err));
        struct e5_parallel par = e5_pool_parallel(pool);
        for (size_t round = 0; round < 240; round++) {
            const size_t *shape = shapes[random_below(8)];
            bool linked[16];
            for (size_t t = 0; t < 16; t++) linked[t] = random_below(5) > 0;
            uint32_t density = 10 + random_below(80);
            for (size_t i = 0; i < shape[0] * shape[1] * shape[2]; i++)
                mask[i] = random_below(100) < density ? (uint8_t)(1 + random_below(255)) : 0;
            struct e5_label_input in = input_of(mask, shape[0], shape[1], shape[2], neighbourhoods[round % 4]);
            in.linked = random_below(2) ? linked : NULL;
            in.topology.periodic = random_below(2);
            in.topology.pole_first = random_below(3) == 0;
            in.topology.pole_last = random_below(3) == 0;
            check_against_flood(&in, &par);
        }
        e5_pool_free(pool);
    }
}

/* Two lone cells, and the neighbourhoods in which they are one component. */
static size_t components_of_pair(struct e5_label_input in, size_t a, size_t b) {
    uint8_t mask[MOST] = {0};
    struct e5_labels labels;
    mask[a] = mask[b] = 1;
    in.mask = mask;
    CHECK_OK(e5_label(&in, NULL, NULL, &labels, err));
    size_t components = labels.components;
    e5_labels_fini(&labels);
    return components;
}

TEST(each_neighbourhood_has_its_links) {
    static const struct {
        size_t time, row, column;
        int least; /* smallest neighbourhood by list order that joins (0, 1, 1) and this cell */
        bool in_10;
    } cells[] = {{0, 1, 2, 6, true},   {0, 2, 1, 6, true},   {1, 1, 1, 6, true},
                 {0, 2, 2, 18, true},  {1, 1, 2, 18, false}, {1, 2, 1, 18, false},
                 {1, 2, 2, 26, false}, {1, 0, 0, 26, false}, {0, 1, 3, 99, false}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        for (size_t k = 0; k < 4; k++) {
            struct e5_label_input in = input_of(NULL, 2, 3, 4, neighbourhoods[k]);
            bool joined = k == 1 ? cells[i].in_10 : neighbourhoods[k] >= cells[i].least;
            size_t other = (cells[i].time * 3 + cells[i].row) * 4 + cells[i].column;
            CHECK(components_of_pair(in, 1 * 4 + 1, other) == (joined ? 1 : 2));
        }
}

TEST(seam_and_poles_join) {
    struct e5_label_input in = input_of(NULL, 2, 3, 8, 26);
    CHECK(components_of_pair(in, 8, 15) == 2);
    in.topology.periodic = true;
    CHECK(components_of_pair(in, 8, 15) == 1);      /* the same row */
    CHECK(components_of_pair(in, 7, 8) == 1);       /* diagonal over the seam */
    CHECK(components_of_pair(in, 7, 24 + 8) == 1);  /* the same on the next day */
    CHECK(components_of_pair(in, 1, 5) == 2);
    in.topology.pole_first = true;
    CHECK(components_of_pair(in, 1, 5) == 1);       /* the pole is one point */
    CHECK(components_of_pair(in, 1, 24 + 5) == 1);  /* also tomorrow */
    CHECK(components_of_pair(in, 17, 21) == 2);     /* the other end is no pole here */
    CHECK(components_of_pair(in, 9, 13) == 2);      /* rows beside the pole do not touch across it */
    bool linked[] = {true, false};
    in.linked = linked;
    CHECK(components_of_pair(in, 1, 24 + 5) == 2);  /* unless a day is missing */
}

TEST(nothing_to_label) {
    uint8_t mask[6] = {0};
    struct e5_labels labels;
    struct e5_label_runs runs;
    struct e5_label_input in = input_of(mask, 1, 2, 3, 18);
    CHECK_OK(e5_label(&in, NULL, NULL, &labels, err));
    CHECK_OK(e5_labels_runs(&labels, NULL, NULL, &runs, err));
    CHECK(labels.components == 0 && runs.count == 0);
    e5_label_runs_fini(&runs);
    e5_labels_fini(&labels);
    in.steps = 0;
    CHECK_OK(e5_label(&in, NULL, NULL, &labels, err));
    CHECK(labels.components == 0);
    e5_labels_fini(&labels);
}

TEST(bad_calls_and_failures_leave_nothing) {
    uint8_t mask[8] = {1, 0, 1, 1, 0, 1, 0, 1};
    struct e5_labels labels;
    struct e5_label_runs runs;
    struct e5_label_input in = input_of(mask, 2, 2, 2, 8);
    struct e5_watch watch = {0};
    CHECK_STATUS(E5_INPUT, e5_label(&in, NULL, NULL, &labels, err));
    in.topology.neighbours = 26;
    long n = 1;
    for (enum e5_status status = E5_MEMORY; status != E5_OK; n++) {
        e5_alloc_fail_after(n);
        status = e5_label(&in, NULL, NULL, &labels, NULL);
        CHECK(status == E5_OK || (status == E5_MEMORY && labels.frame == NULL && labels.bits == NULL));
    }
    CHECK(n > 20);
    n = 1;
    for (enum e5_status status = E5_MEMORY; status != E5_OK; n++) {
        e5_alloc_fail_after(n);
        status = e5_labels_runs(&labels, NULL, NULL, &runs, NULL);
        CHECK(status == E5_OK ? runs.count > 0 : status == E5_MEMORY && runs.run == NULL);
    }
    CHECK(n > 5);
    e5_alloc_fail_after(0);
    e5_label_runs_fini(&runs);
    e5_labels_fini(&labels);
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_label(&in, NULL, &watch, &labels, err));
    in.steps = (size_t)INT32_MAX + 1;
    CHECK_STATUS(E5_UNSAFE, e5_label(&in, NULL, NULL, &labels, err));
}

int main(void) {
    RUN(equals_flood_fill_for_any_number_of_threads);
    RUN(each_neighbourhood_has_its_links);
    RUN(seam_and_poles_join);
    RUN(nothing_to_label);
    RUN(bad_calls_and_failures_leave_nothing);
    return check_summary();
}
