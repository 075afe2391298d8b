/* Links of blobs against a comparison of all cells with all, and that neither blocks nor threads matter. */
#include "base/alloc.h"
#include "check.h"
#include "events/succession.h"
#include "pool/pool.h"

#include "blob_samples.h"

enum { STEPS = 9, WORDS = 64, MOST_LINKS = 20000 };

static double row_area[16] = {3, 5, 7, 11, 13, 17, 19, 23, 29};

struct record {
    struct e5_topology topology;
    struct e5_succession_rule rule;
    bool linked[STEPS];
    uint64_t bits[STEPS][WORDS];
    struct e5_frame frame[STEPS];
    int32_t blob[STEPS][MOST_CELLS]; /* of each cell, numbered through all steps; −1: none */
    size_t first[STEPS + 1];
    struct e5_link link[MOST_LINKS];
    size_t links;
    int32_t component[MOST_LINKS];
    size_t components;
    bool continued[MOST_LINKS], taken[MOST_LINKS];
};

static void fill(struct record *r) {
    uint32_t percent = 5 + random_below(60);
    r->topology = random_topology();
    r->rule = (struct e5_succession_rule){.overlapping = random_below(2),
                                          .share = (enum e5_share)random_below(5),
                                          .least = random_below(3) ? random_below(11) / 10.0 : 0,
                                          .max_gap = random_below(4),
                                          .links = true,
                                          .row_area = row_area};
    for (size_t t = 0; t < STEPS; t++) {
        r->linked[t] = random_below(6) > 0;
        random_bits(&r->topology, random_below(5) ? percent : 0, r->bits[t]);
        CHECK_OK(e5_frame_make(&r->frame[t], &r->topology, r->bits[t], row_area, 0, err));
        r->first[t + 1] = r->first[t] + flood(&r->topology, r->bits[t], r->blob[t]);
        for (size_t i = 0; i < r->topology.rows * r->topology.columns; i++)
            if (r->blob[t][i] >= 0) r->blob[t][i] += (int32_t)r->first[t];
    }
}

static double area_of(const struct record *r, int32_t blob) {
    double area = 0;
    for (size_t t = 0; t < STEPS; t++)
        for (size_t i = 0; i < r->topology.rows * r->topology.columns; i++)
            if (r->blob[t][i] == blob) area += row_area[i / r->topology.columns];
    return area;
}

static bool is_large(const struct record *r, double common, double from, double to) {
    double whole[] = {from, to, fmin(from, to), fmax(from, to), from + to - common};
    return common > 0 && common / whole[r->rule.share] >= r->rule.least;
}

/* What two blobs of steps s < t have in common, and whether they touch, by all pairs of cells. */
static bool meet(const struct record *r, size_t s, int32_t a, size_t t, int32_t b, double *common) {
    size_t cells = r->topology.rows * r->topology.columns;
    bool touch = false;
    *common = 0;
    for (size_t i = 0; i < cells; i++) {
        if (r->blob[s][i] != a) continue;
        if (r->blob[t][i] == b) *common += row_area[i / r->topology.columns];
        for (size_t k = 0; k < cells && !touch; k++) touch = r->blob[t][k] == b && may_touch(&r->topology, i, k, 1);
    }
    return r->rule.overlapping ? is_large(r, *common, area_of(r, a), area_of(r, b)) : touch;
}

/* Links between two steps; over a gap only of blobs that had none before. */
static void link_steps(struct record *r, size_t s, size_t t) {
    size_t from = r->links;
    for (int32_t a = (int32_t)r->first[s]; a < (int32_t)r->first[s + 1]; a++)
        for (int32_t b = (int32_t)r->first[t]; b < (int32_t)r->first[t + 1]; b++) {
            double common;
            bool free = s + 1 == t || (!r->continued[a] && !r->taken[b]);
            if (free && meet(r, s, a, t, b, &common)) r->link[r->links++] = (struct e5_link){a, b, common};
        }
    for (size_t i = from; i < r->links; i++) r->continued[r->link[i].from] = r->taken[r->link[i].to] = true;
}

static int by_ends(const void *one, const void *other) {
    const struct e5_link *a = one, *b = other;
    return a->from != b->from ? (a->from < b->from ? -1 : 1) : (a->to > b->to) - (a->to < b->to);
}

static void expect(struct record *r) {
    memset(r->continued, 0, sizeof r->continued);
    memset(r->taken, 0, sizeof r->taken);
    r->links = r->components = 0;
    for (size_t t = 0; t < STEPS; t++) {
        size_t most = r->rule.overlapping ? 1 + r->rule.max_gap : 1;
        for (size_t back = 1; back <= most && back <= t && r->linked[t - back + 1]; back++)
            link_steps(r, t - back, t);
    }
    qsort(r->link, r->links, sizeof *r->link, by_ends);
    for (size_t i = 0; i < r->first[STEPS]; i++) r->component[i] = (int32_t)i;
    for (bool again = true; again;) { /* the smallest number spreads along the links */
        again = false;
        for (size_t i = 0; i < r->links; i++) {
            int32_t *a = &r->component[r->link[i].from], *b = &r->component[r->link[i].to];
            if (*a == *b) continue;
            *a = *b = *a < *b ? *a : *b;
            again = true;
        }
    }
    for (size_t i = 0; i < r->first[STEPS]; i++)
        r->component[i] = r->component[i] == (int32_t)i ? (int32_t)r->components++ : r->component[r->component[i]];
}

static void check_blocks(const struct record *r, size_t block, const struct e5_parallel *par) {
    struct e5_succession s;
    CHECK_OK(e5_succession_init(&s, &r->topology, &r->rule, err));
    for (size_t t = 0; t < STEPS; t += block) {
        size_t n = STEPS - t < block ? STEPS - t : block;
        CHECK_OK(e5_succession_frames(&s, r->frame + t, n, r->linked + t, par, NULL, err));
    }
    CHECK(s.blobs == r->first[STEPS] && s.links == r->links);
    if (s.links > 0) qsort(s.link, s.links, sizeof *s.link, by_ends);
    CHECK(r->links == 0 || memcmp(s.link, r->link, r->links * sizeof *s.link) == 0);
    CHECK(e5_succession_components(&s) == r->components);
    CHECK(s.blobs == 0 || memcmp(s.parent, r->component, s.blobs * sizeof *s.parent) == 0);
    e5_succession_fini(&s);
}

TEST(equals_all_cells_with_all_for_any_block_and_thread) {
    static struct record r;
    struct e5_pool *pool;
    CHECK_OK(e5_pool_new(3, &pool, err));
    struct e5_parallel par = e5_pool_parallel(pool);
    for (int round = 0; round < 150; round++) {
        fill(&r);
        expect(&r);
        check_blocks(&r, STEPS, NULL);
        check_blocks(&r, 1 + random_below(4), &par);
        r.rule.links = r.rule.overlapping; /* touching blobs are united without the table as well */
        if (!r.rule.links) r.links = 0;
        check_blocks(&r, 1 + random_below(4), &par);
    }
    for (size_t t = 0; t < STEPS; t++) e5_frame_fini(&r.frame[t]);
    e5_pool_free(pool);
}

TEST(bad_rules_are_refused) {
    struct e5_topology t = {.rows = 3, .columns = 5, .neighbours = 26};
    struct e5_succession s;
    struct e5_succession_rule rule = {.overlapping = true, .least = 1.5};
    CHECK_STATUS(E5_INPUT, e5_succession_init(&s, &t, &rule, err));
    rule.least = NAN;
    CHECK_STATUS(E5_INPUT, e5_succession_init(&s, &t, &rule, err));
    rule.least = 0.5;
    rule.max_gap = E5_SUCCESSION_LONGEST_GAP + 1;
    CHECK_STATUS(E5_INPUT, e5_succession_init(&s, &t, &rule, err));
    rule.max_gap = 0;
    rule.share = (enum e5_share)99;
    CHECK_STATUS(E5_INPUT, e5_succession_init(&s, &t, &rule, err));
    t.neighbours = 7;
    CHECK_STATUS(E5_INPUT, e5_succession_init(&s, &t, &(struct e5_succession_rule){.links = false}, err));
}

TEST(failures_leave_nothing) {
    static struct record r;
    enum e5_status status = E5_MEMORY;
    sample_seed = 3;
    do fill(&r);
    while (r.first[STEPS] < 50);
    r.rule = (struct e5_succession_rule){.overlapping = true, .max_gap = 1, .links = true, .row_area = row_area};
    long n = 0;
    while (status == E5_MEMORY) {
        struct e5_succession s;
        e5_alloc_fail_after(++n);
        status = e5_succession_init(&s, &r.topology, &r.rule, NULL);
        if (status == E5_OK) status = e5_succession_frames(&s, r.frame, STEPS, NULL, NULL, NULL, NULL);
        e5_succession_fini(&s);
    }
    e5_alloc_fail_after(0);
    CHECK(status == E5_OK && n > 20);
    struct e5_watch watch = {0};
    struct e5_succession s;
    e5_watch_cancel(&watch);
    CHECK_OK(e5_succession_init(&s, &r.topology, &r.rule, err));
    CHECK_STATUS(E5_CANCELLED, e5_succession_frames(&s, r.frame, STEPS, NULL, NULL, &watch, err));
    e5_succession_fini(&s);
    for (size_t t = 0; t < STEPS; t++) e5_frame_fini(&r.frame[t]);
}

int main(void) {
    RUN(equals_all_cells_with_all_for_any_block_and_thread);
    RUN(bad_rules_are_refused);
    RUN(failures_leave_nothing);
    return check_summary();
}
