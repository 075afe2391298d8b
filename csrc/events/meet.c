#include "events/meet.h"

#include <string.h>

#include "base/alloc.h"

struct pairing { /* of two frames, and scratch for two lines */
    const struct e5_frame *earlier, *later;
    const struct e5_topology *topology;
    struct e5_meeting *meeting;
    size_t words;
    struct e5_bar_pair *pair;
    uint64_t *common; /* columns that are set in a row of both */
    uint32_t *from, *to;
    int32_t *edge;
};

static enum e5_status pairing_init(struct pairing *p, const struct e5_frame *earlier, const struct e5_frame *later,
                                   struct e5_meeting *meeting, struct e5_error *err) {
    size_t words = e5_bits_words(earlier->topology->columns), bars = e5_bars_most(words);
    *p = (struct pairing){.earlier = earlier, .later = later, .topology = earlier->topology, .meeting = meeting};
    p->words = words;
    meeting->n = 0;
    enum e5_status status = e5_alloc_plain(e5_bars_most_pairs(words) * sizeof *p->pair, &p->pair, err);
    if (status == E5_OK) status = e5_alloc_plain((words + 1) * sizeof *p->common, &p->common, err);
    if (status == E5_OK) status = e5_alloc_plain(bars * sizeof *p->from, &p->from, err);
    if (status == E5_OK) status = e5_alloc_plain(bars * sizeof *p->to, &p->to, err);
    if (status == E5_OK) status = e5_alloc_plain(2 * bars * sizeof *p->edge, &p->edge, err);
    return status;
}

static void pairing_fini(struct pairing *p) {
    free(p->pair);
    free(p->common);
    free(p->from);
    free(p->to);
    free(p->edge);
}

/* Room for n links more. */
static enum e5_status make_room(struct e5_meeting *m, size_t n, struct e5_error *err) {
    if (m->n + n <= m->room) return E5_OK;
    size_t room = m->room + m->room / 2 > m->n + n ? m->room + m->room / 2 : m->n + n + 64;
    enum e5_status status = e5_grow(m->room, room, sizeof *m->link, &m->link, err);
    if (status == E5_OK) m->room = room;
    return status;
}

static void put(struct e5_meeting *m, int32_t from, int32_t to, double area) {
    struct e5_link *last = m->n > 0 ? &m->link[m->n - 1] : NULL;
    if (last != NULL && last->from == from && last->to == to)
        last->area += area; /* most contacts come in a row */
    else
        m->link[m->n++] = (struct e5_link){.from = from, .to = to, .area = area};
}

/* --- touching --- */

struct contact { /* of lines one step apart: the same line; lines beside each other, where they meet at all */
    int neighbours;
    enum e5_bar_contact same, beside;
    bool has_beside;
};

static const struct contact contacts[] = {
    {6, E5_CONTACT_STRAIGHT, E5_CONTACT_EDGE, false},
    {10, E5_CONTACT_SAME_ROW, E5_CONTACT_EDGE, false},
    {18, E5_CONTACT_SLANTED_ROW, E5_CONTACT_EDGE, true},
    {26, E5_CONTACT_SLANTED, E5_CONTACT_EDGE_SLANTED, true},
};

static const struct contact *contact_of(int neighbours) {
    const struct contact *c = contacts;
    while (c->neighbours != neighbours) c++;
    return c;
}

/* What the two frames tell already about contacts of lines `a` and `b`.  Beside each other: a cell that is set in
 * both frames touches itself a step later, and that one touches what lies beside it.  The same line: so do two cells
 * that stay, if both frames have them in the row above as well. */
static bool known_contacts(size_t a, size_t b, const struct e5_frame *above, const struct e5_frame *below,
                           struct e5_bar_known *known) {
    if (a != b) {
        *known = (struct e5_bar_known){e5_frame_line(below, a).row[1], e5_frame_line(above, b).row[0]};
    } else if (a > 0) {
        *known = (struct e5_bar_known){e5_frame_line(above, a - 1).row[1], e5_frame_line(below, a - 1).row[1]};
    }
    return a != b || a > 0;
}

/* Lines `a` of one frame and `b` of the other, `a` above or the same; `turned`: `a` is of the later one. */
static enum e5_status touch_lines(struct pairing *p, size_t a, size_t b, enum e5_bar_contact contact, bool turned,
                                  struct e5_error *err) {
    const struct e5_frame *above = turned ? p->later : p->earlier, *below = turned ? p->earlier : p->later;
    struct e5_bar_line one = e5_frame_line(above, a), other = e5_frame_line(below, b);
    struct e5_bar_known known;
    if (one.before[0] == one.before[p->words] || other.before[0] == other.before[p->words]) return E5_OK;
    bool any_known = known_contacts(a, b, above, below, &known);
    size_t n = e5_bars_touch(&one, &other, p->words, contact, any_known ? &known : NULL, p->pair);
    if (p->topology->periodic) n += e5_bars_touch_seam(&one, &other, p->topology->columns, contact, p->pair + n);
    enum e5_status status = make_room(p->meeting, n, err);
    for (size_t i = 0; status == E5_OK && i < n; i++) {
        int32_t first = above->blob[p->pair[i].a], second = below->blob[p->pair[i].b];
        put(p->meeting, turned ? second : first, turned ? first : second, 0);
    }
    return status;
}

/* The pole is the same point a step later, whichever of its columns are set. */
static enum e5_status touch_pole(struct pairing *p, size_t row, struct e5_error *err) {
    size_t height = e5_topology_height(p->topology);
    struct e5_bar_line one = e5_frame_line(p->earlier, row / height), other = e5_frame_line(p->later, row / height);
    bool both = e5_bars_of_row(&one, one.row[row % height], p->words, p->from) > 0 &&
                e5_bars_of_row(&other, other.row[row % height], p->words, p->to) > 0;
    enum e5_status status = both ? make_room(p->meeting, 1, err) : E5_OK;
    if (both && status == E5_OK) put(p->meeting, p->earlier->blob[p->from[0]], p->later->blob[p->to[0]], 0);
    return status;
}

static enum e5_status touch(struct pairing *p, struct e5_error *err) {
    const struct contact *c = contact_of(p->topology->neighbours);
    size_t lines = e5_topology_lines(p->topology), rows = p->topology->rows;
    enum e5_status status = E5_OK;
    for (size_t l = 0; status == E5_OK && l < lines; l++) {
        status = touch_lines(p, l, l, c->same, false, err);
        if (!c->has_beside || l + 1 == lines) continue;
        if (status == E5_OK) status = touch_lines(p, l, l + 1, c->beside, false, err);
        if (status == E5_OK) status = touch_lines(p, l, l + 1, c->beside, true, err);
    }
    if (status == E5_OK && p->topology->pole_first && rows > 0) status = touch_pole(p, 0, err);
    if (status == E5_OK && p->topology->pole_last && rows > 0) status = touch_pole(p, rows - 1, err);
    return status;
}

/* --- overlapping --- */

static bool common_columns(const struct pairing *p, const uint64_t *one, const uint64_t *other) {
    uint64_t any = 0;
    for (size_t w = 0; w < p->words; w++) any |= p->common[w] = one[w] & other[w];
    return any != 0;
}

static enum e5_status overlap_row(struct pairing *p, size_t row, double area, struct e5_error *err) {
    size_t height = e5_topology_height(p->topology);
    struct e5_bar_line one = e5_frame_line(p->earlier, row / height), other = e5_frame_line(p->later, row / height);
    if (!common_columns(p, one.row[row % height], other.row[row % height])) return E5_OK;
    e5_bars_of_row(&one, p->common, p->words, p->from);
    e5_bars_of_row(&other, p->common, p->words, p->to);
    size_t n = e5_bars_edges(p->common, p->topology->columns, p->edge);
    enum e5_status status = make_room(p->meeting, n, err);
    for (size_t i = 0; status == E5_OK && i < n; i++)
        put(p->meeting, p->earlier->blob[p->from[i]], p->later->blob[p->to[i]],
            area * (p->edge[2 * i + 1] - p->edge[2 * i]));
    return status;
}

static enum e5_status overlap(struct pairing *p, const double *row_area, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (p->earlier->bars == 0 || p->later->bars == 0) return E5_OK;
    for (size_t row = 0; status == E5_OK && row < p->topology->rows; row++)
        status = overlap_row(p, row, row_area[row], err);
    return status;
}

/* Stable, by one of the two ends: how many links have which end, then where each of them goes. */
static void sort_by_end(const struct e5_link *in, size_t n, bool by_to, size_t blobs, size_t *place,
                        struct e5_link *out) {
    memset(place, 0, (blobs + 1) * sizeof *place);
    for (size_t i = 0; i < n; i++) place[1 + (by_to ? in[i].to : in[i].from)]++;
    for (size_t i = 0; i < blobs; i++) place[i + 1] += place[i];
    for (size_t i = 0; i < n; i++) out[place[by_to ? in[i].to : in[i].from]++] = in[i];
}

/* Order the links and add up those between the same blobs, in the order in which they came. */
static enum e5_status sum_up(struct pairing *p, struct e5_error *err) {
    struct e5_meeting *m = p->meeting;
    struct e5_link *other = NULL;
    size_t *place = NULL, n = m->n, most = p->earlier->blobs > p->later->blobs ? p->earlier->blobs : p->later->blobs;
    enum e5_status status = e5_alloc_plain(n * sizeof *other + 1, &other, err);
    if (status == E5_OK) status = e5_alloc_plain((most + 2) * sizeof *place, &place, err);
    if (status == E5_OK && n > 0) {
        sort_by_end(m->link, n, true, p->later->blobs, place, other);
        sort_by_end(other, n, false, p->earlier->blobs, place, m->link);
        m->n = 0;
        for (size_t i = 0; i < n; i++) put(m, m->link[i].from, m->link[i].to, m->link[i].area);
    }
    free(other);
    free(place);
    return status;
}

/* --- the interface --- */

enum e5_status e5_meet_touch(const struct e5_frame *earlier, const struct e5_frame *later, const double *row_area,
                             struct e5_meeting *meeting, struct e5_error *err) {
    struct pairing p;
    enum e5_status status = pairing_init(&p, earlier, later, meeting, err);
    if (status == E5_OK && earlier->bars > 0 && later->bars > 0) status = touch(&p, err);
    if (status == E5_OK && row_area != NULL) status = overlap(&p, row_area, err);
    if (status == E5_OK && row_area != NULL) status = sum_up(&p, err);
    pairing_fini(&p);
    return status;
}

enum e5_status e5_meet_overlap(const struct e5_frame *earlier, const struct e5_frame *later, const double *row_area,
                               struct e5_meeting *meeting, struct e5_error *err) {
    struct pairing p;
    enum e5_status status = pairing_init(&p, earlier, later, meeting, err);
    if (status == E5_OK) status = overlap(&p, row_area, err);
    if (status == E5_OK) status = sum_up(&p, err);
    pairing_fini(&p);
    return status;
}

void e5_meeting_fini(struct e5_meeting *meeting) {
    free(meeting->link);
    *meeting = (struct e5_meeting){0};
}
