#include "events/succession.h"

#include <string.h>

#include "base/alloc.h"
#include "events/meet.h"
#include "events/sets.h"

#define ROUNDING 1e-9 /* of a share: areas are sums in different orders */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

enum e5_status e5_succession_init(struct e5_succession *succession, const struct e5_topology *topology,
                                  const struct e5_succession_rule *rule, struct e5_error *err) {
    *succession = (struct e5_succession){.topology = topology, .rule = *rule};
    enum e5_status status = e5_topology_check(topology, err);
    if (status != E5_OK) return status;
    if (!rule->overlapping) succession->rule.max_gap = 0;
    if (rule->overlapping && (int)rule->share > E5_SHARE_UNION) return e5_fail(err, E5_INPUT, "no such share");
    if (rule->overlapping && !(rule->least >= 0 && rule->least <= 1))
        return e5_fail(err, E5_INPUT, "an overlap of %g; must be 0 to 1", rule->least);
    if (succession->rule.max_gap > E5_SUCCESSION_LONGEST_GAP)
        return e5_fail(err, E5_INPUT, "a gap of %zu steps; must be at most %d", rule->max_gap,
                       E5_SUCCESSION_LONGEST_GAP);
    status = e5_alloc(1 + succession->rule.max_gap, sizeof *succession->past, &succession->past, err);
    return status;
}

void e5_succession_fini(struct e5_succession *succession) {
    for (size_t i = 0; succession->past != NULL && i <= succession->rule.max_gap; i++) {
        free(succession->past[i].bits);
        e5_frame_fini(&succession->past[i]);
    }
    free(succession->past);
    free(succession->parent);
    free(succession->met);
    free(succession->link);
    *succession = (struct e5_succession){0};
}

/* --- a block: every step with those before it, in parallel --- */

struct block {
    struct e5_succession *succession;
    const struct e5_frame *frame;
    struct e5_watch *watch;
    size_t n, depth;            /* depth: steps back that are looked at */
    size_t *reach;              /* n: how many steps before this one follow each other up to it, at most depth */
    struct e5_meeting *meeting; /* n × depth */
};

/* The frame `back` steps before frame i. */
static const struct e5_frame *earlier(const struct block *b, size_t i, size_t back) {
    return back <= i ? &b->frame[i - back] : &b->succession->past[back - i - 1];
}

static double share(enum e5_share share, double common, double from, double to) {
    switch (share) {
    case E5_SHARE_EARLIER: return common / from;
    case E5_SHARE_LATER: return common / to;
    case E5_SHARE_SMALLER: return common / (from < to ? from : to);
    case E5_SHARE_LARGER: return common / (from > to ? from : to);
    default: return common / (from + to - common);
    }
}

static void keep_large_shares(const struct e5_succession_rule *rule, const struct e5_frame *from,
                              const struct e5_frame *to, struct e5_meeting *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct e5_link link = m->link[i];
        double reached = share(rule->share, link.area, from->area[link.from], to->area[link.to]);
        if (reached >= rule->least - ROUNDING) m->link[kept++] = link;
    }
    m->n = kept;
}

static enum e5_status meet_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot;
    const struct block *b = context;
    const struct e5_succession_rule *rule = &b->succession->rule;
    size_t i = index / b->depth, back = index % b->depth + 1;
    enum e5_status status = e5_watch_check(b->watch, err);
    if (status != E5_OK || back > b->reach[i]) return status;
    const struct e5_frame *from = earlier(b, i, back), *to = &b->frame[i];
    if (!rule->overlapping)
        return e5_meet_touch(from, to, rule->links ? rule->row_area : NULL, &b->meeting[index], err);
    status = e5_meet_overlap(from, to, rule->row_area, &b->meeting[index], err);
    if (status == E5_OK) keep_large_shares(rule, from, to, &b->meeting[index]);
    return status;
}

/* --- the table --- */

static enum e5_status grow(size_t *room, size_t needed, size_t size, void *out_pointer, struct e5_error *err) {
    if (needed <= *room) return E5_OK;
    size_t more = needed > *room + *room / 2 ? needed : *room + *room / 2;
    enum e5_status status = e5_grow(*room, more, size, out_pointer, err);
    if (status == E5_OK) *room = more;
    return status;
}

static enum e5_status add_blobs(struct block *b, struct e5_error *err) {
    struct e5_succession *succession = b->succession;
    size_t blobs = succession->blobs;
    for (size_t i = 0; i < b->n; i++) blobs += b->frame[i].blobs;
    if (blobs > INT32_MAX) return e5_fail(err, E5_INPUT, "there are %zu blobs; at most %d", blobs, INT32_MAX);
    enum e5_status status =
        grow(&succession->parent_room, blobs, sizeof *succession->parent, &succession->parent, err);
    if (status == E5_OK && succession->rule.max_gap > 0)
        status = grow(&succession->met_room, blobs, 1, &succession->met, err);
    if (status == E5_OK) e5_sets_begin(succession->parent, succession->blobs, blobs);
    return status;
}

/* Of links over a gap, those between a blob that nothing has continued and one that continues nothing nearer. */
static void bridge(struct e5_succession *succession, struct e5_meeting *m, bool over_gap) {
    size_t kept = 0;
    for (size_t i = 0; over_gap && i < m->n; i++) {
        struct e5_link link = m->link[i];
        if (!(succession->met[link.from] & E5_MET_LATER) && !(succession->met[link.to] & E5_MET_EARLIER))
            m->link[kept++] = link;
    }
    if (over_gap) m->n = kept;
    for (size_t i = 0; i < m->n; i++) {
        succession->met[m->link[i].from] |= E5_MET_LATER;
        succession->met[m->link[i].to] |= E5_MET_EARLIER;
    }
}

static enum e5_status add_links(struct e5_succession *succession, struct e5_meeting *m, size_t first_from,
                                size_t first_to, bool over_gap, struct e5_error *err) {
    for (size_t i = 0; i < m->n; i++) m->link[i].from += (int32_t)first_from, m->link[i].to += (int32_t)first_to;
    if (succession->rule.max_gap > 0) bridge(succession, m, over_gap);
    for (size_t i = 0; i < m->n; i++) e5_sets_unite(succession->parent, m->link[i].from, m->link[i].to);
    if (!succession->rule.links || m->n == 0) return E5_OK;
    enum e5_status status =
        grow(&succession->link_room, succession->links + m->n, sizeof *succession->link, &succession->link, err);
    if (status != E5_OK) return status;
    memcpy(succession->link + succession->links, m->link, m->n * sizeof *m->link);
    succession->links += m->n;
    return E5_OK;
}

static enum e5_status add_step(struct block *b, size_t i, struct e5_error *err) {
    struct e5_succession *succession = b->succession;
    size_t first = succession->blobs, from = first;
    enum e5_status status = E5_OK;
    for (size_t back = 1; status == E5_OK && back <= b->reach[i]; back++) {
        from -= earlier(b, i, back)->blobs;
        status = add_links(succession, &b->meeting[i * b->depth + back - 1], from, first, back > 1, err);
    }
    succession->blobs += b->frame[i].blobs;
    return status;
}

/* --- what the next block needs --- */

static enum e5_status copy_frame(const struct e5_frame *from, struct e5_frame *to, struct e5_error *err) {
    size_t bits = e5_topology_words(from->topology) * sizeof *from->bits;
    size_t words = e5_topology_lines(from->topology) * e5_bits_words(from->topology->columns) + 1;
    free(to->bits);
    e5_frame_fini(to);
    *to = (struct e5_frame){.topology = from->topology, .blobs = from->blobs, .bars = from->bars};
    enum e5_status status = e5_alloc_plain(bits + 1, &to->bits, err);
    if (status == E5_OK) status = e5_alloc_plain(words * sizeof *to->before, &to->before, err);
    if (status == E5_OK) status = e5_alloc_plain((from->bars + 1) * sizeof *to->blob, &to->blob, err);
    if (status == E5_OK) status = e5_alloc_plain((from->blobs + 1) * sizeof *to->area, &to->area, err);
    if (status != E5_OK) return status;
    memcpy(to->bits, from->bits, bits);
    memcpy(to->before, from->before, words * sizeof *to->before);
    if (from->bars > 0) memcpy(to->blob, from->blob, from->bars * sizeof *to->blob);
    if (from->area != NULL) memcpy(to->area, from->area, from->blobs * sizeof *to->area);
    return E5_OK;
}

static enum e5_status remember(struct block *b, struct e5_error *err) {
    struct e5_succession *succession = b->succession;
    size_t keep = smaller(b->n, b->depth);
    enum e5_status status = E5_OK;
    for (size_t i = b->n - keep; status == E5_OK && i < b->n; i++) {
        struct e5_frame oldest = succession->past[b->depth - 1];
        memmove(succession->past + 1, succession->past, (b->depth - 1) * sizeof *succession->past);
        succession->past[0] = oldest;
        status = copy_frame(&b->frame[i], &succession->past[0], err);
    }
    succession->pasts = smaller(b->depth, b->reach[b->n - 1] + 1);
    return status;
}

static void find_reach(struct block *b, const bool *linked) {
    size_t reach = b->succession->pasts;
    for (size_t i = 0; i < b->n; i++) {
        b->reach[i] = linked != NULL && !linked[i] ? 0 : smaller(reach, b->depth);
        reach = b->reach[i] + 1;
    }
}

static enum e5_status add_block(struct block *b, const struct e5_parallel *par, struct e5_error *err) {
    enum e5_status status = e5_parallel_for(par, b->watch, b->n * b->depth, meet_task, b, err);
    if (status == E5_OK) status = add_blobs(b, err);
    for (size_t i = 0; status == E5_OK && i < b->n; i++) status = add_step(b, i, err);
    return status == E5_OK ? remember(b, err) : status;
}

enum e5_status e5_succession_frames(struct e5_succession *succession, const struct e5_frame *frame, size_t n,
                                    const bool *linked, const struct e5_parallel *par, struct e5_watch *watch,
                                    struct e5_error *err) {
    struct block b = {
        .succession = succession, .frame = frame, .watch = watch, .n = n, .depth = 1 + succession->rule.max_gap};
    if (n == 0) return E5_OK;
    enum e5_status status = e5_alloc(n, sizeof *b.reach, &b.reach, err);
    if (status == E5_OK) status = e5_alloc(n * b.depth, sizeof *b.meeting, &b.meeting, err);
    if (status == E5_OK) {
        find_reach(&b, linked);
        status = add_block(&b, par, err);
    }
    for (size_t i = 0; b.meeting != NULL && i < n * b.depth; i++) e5_meeting_fini(&b.meeting[i]);
    free(b.meeting);
    free(b.reach);
    return status;
}

size_t e5_succession_components(struct e5_succession *succession) {
    return e5_sets_number(succession->parent, succession->blobs);
}
