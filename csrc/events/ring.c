/* Every span has two sides, the western one walked southwards and the eastern one northwards.  On the line between
 * two rows the walk goes on from a side that ends there: straight into the other row, or along the line to the next
 * side. One pass from west to east over each line finds what follows each side.  Where two cells meet in a corner
 * only, two walks cross, and both turn left, round the cell that they follow. */
#include "events/ring.h"

#include <string.h>

#include "base/alloc.h"
#include "events/sets.h"

struct e5_side {          /* 2 × span: the western one; 2 × span + 1: the eastern one */
    int32_t next;         /* the side that is walked after it */
    int32_t leave, enter; /* 1 + number of the crossing where it ends, where `next` begins; 0: it is none */
    bool straight, walked;
};

struct e5_pass { /* a vertex of the walk */
    struct e5_corner at;
    int32_t crossing; /* 1 + number, or 0 */
};

static enum e5_status make_room(size_t need, size_t *room, size_t size, void *table, struct e5_error *err) {
    if (need <= *room) return E5_OK;
    size_t more = need + need / 2 + 16;
    enum e5_status status = e5_grow(*room, more, size, table, err);
    if (status == E5_OK) *room = more;
    return status;
}

/* What follows each side. */

struct line { /* between two rows, seen from west to east */
    const struct e5_span *span;
    struct e5_rings *rings;
    int32_t below, below_end, above, above_end; /* the next side of either row; odd ones come with the row filled */
    int32_t open;     /* the side at the western end of the stretch of boundary that lies on the line here … */
    int32_t crossing; /* … and whether that is at a crossing */
};

static int32_t column_of(const struct e5_span *span, int32_t side) {
    return side & 1 ? span[side / 2].end : span[side / 2].first;
}

static void follow(struct line *line, int32_t from, int32_t leave, int32_t to, int32_t enter) {
    struct e5_side *side = &line->rings->side[from];
    side->next = to, side->leave = leave, side->enter = enter;
}

/* The open stretch ends at this side, which the walk either comes from or goes to. */
static void close_stretch(struct line *line, int32_t side, bool comes, int32_t crossing) {
    if (comes)
        follow(line, side, crossing, line->open, line->crossing);
    else
        follow(line, line->open, line->crossing, side, crossing);
}

static void open_stretch(struct line *line, int32_t side, int32_t crossing) {
    line->open = side, line->crossing = crossing;
}

/* Both rows have a side here. */
static void pass_both(struct line *line, int32_t below, int32_t above) {
    bool filled_below = below & 1, filled_above = above & 1; /* to the west */
    if (filled_below == filled_above) {
        int32_t from = filled_below ? below : above;
        follow(line, from, 0, below + above - from, 0);
        line->rings->side[from].straight = true;
        return;
    }
    int32_t crossing = (int32_t)++line->rings->crossings;
    close_stretch(line, filled_below ? below : above, filled_below, crossing);
    open_stretch(line, filled_below ? above : below, crossing);
}

static void pass_one(struct line *line, int32_t side, bool is_below, bool stretch) {
    bool comes = (side & 1) == is_below; /* northwards from below, southwards from above */
    if (stretch)
        close_stretch(line, side, comes, 0);
    else
        open_stretch(line, side, 0);
}

static void sweep(struct line *line) {
    while (line->below < line->below_end || line->above < line->above_end) {
        int32_t below = line->below, above = line->above;
        int32_t b = below < line->below_end ? column_of(line->span, below) : INT32_MAX;
        int32_t a = above < line->above_end ? column_of(line->span, above) : INT32_MAX;
        line->below += b <= a, line->above += a <= b;
        if (a == b)
            pass_both(line, below, above);
        else
            pass_one(line, b < a ? below : above, b < a, (below ^ above) & 1);
        if (line->below & line->above & 1) /* spans of neighbouring rows with a column in common: of one part */
            e5_sets_unite(line->rings->parent, line->below / 2, line->above / 2);
    }
}

static size_t row_end(const struct e5_span *span, size_t first, size_t n) {
    size_t end = first;
    while (end < n && span[end].row == span[first].row) end++;
    return end;
}

/* Each row ends on a line and begins on one; where there is a row next to it, that line is the same. */
static void sweep_all(struct e5_rings *rings, const struct e5_span *span, size_t n) {
    struct line line = {.span = span, .rings = rings};
    for (size_t row = 0, end; row < n; row = end) {
        end = row_end(span, row, n);
        line.above = 2 * (int32_t)row, line.above_end = 2 * (int32_t)end;
        sweep(&line); /* with the row below it, unless that has been swept alone */
        line.below = 2 * (int32_t)row, line.below_end = 2 * (int32_t)end;
        if (end == n || span[end].row > span[row].row + 1) sweep(&line);
    }
}

/* Walking. */

/* Twice the area inside, in cells; negative when walked clockwise. */
static int64_t signed_area(const struct e5_pass *pass, size_t n) {
    int64_t area = 0;
    for (size_t i = 0; i < n; i++) {
        struct e5_corner a = pass[i].at, b = pass[i + 1 < n ? i + 1 : 0].at;
        area += (int64_t)a.column * b.row - (int64_t)b.column * a.row;
    }
    return area;
}

/* Vertices `from` … of the walk become a ring; the walk goes on from its first `keep` ones. */
static enum e5_status cut_ring(struct e5_rings *r, size_t from, size_t keep, int32_t part, struct e5_error *err) {
    size_t n = r->walked - from;
    enum e5_status status = make_room(r->count + 1, &r->ring_room, sizeof *r->ring, &r->ring, err);
    if (status == E5_OK) status = make_room(r->vertices + n, &r->vertex_room, sizeof *r->vertex, &r->vertex, err);
    if (status != E5_OK) return status;
    r->ring[r->count++] = (struct e5_ring){part, signed_area(r->walk + from, n) < 0, r->vertices, n};
    for (size_t i = from; i < r->walked; i++) r->vertex[r->vertices++] = r->walk[i].at;
    for (size_t i = keep; i < r->walked; i++)
        if (r->walk[i].crossing > 0) r->passed[r->walk[i].crossing - 1] = 0;
    r->walked = keep;
    return E5_OK;
}

static enum e5_status pass(struct e5_rings *r, struct e5_pass vertex, int32_t part, struct e5_error *err) {
    size_t before = vertex.crossing > 0 ? r->passed[vertex.crossing - 1] : 0;
    if (before > 0) return cut_ring(r, before - 1, before, part, err);
    enum e5_status status = make_room(r->walked + 1, &r->walk_room, sizeof *r->walk, &r->walk, err);
    if (status != E5_OK) return status;
    r->walk[r->walked++] = vertex;
    if (vertex.crossing > 0) r->passed[vertex.crossing - 1] = r->walked;
    return E5_OK;
}

static enum e5_status walk_from(struct e5_rings *r, const struct e5_span *span, int32_t start, struct e5_error *err) {
    int32_t part = r->parent[start / 2], at = start;
    enum e5_status status = E5_OK;
    do {
        struct e5_side *side = &r->side[at];
        struct e5_corner leave = {span[at / 2].row + (at & 1), column_of(span, at)};
        struct e5_corner enter = {leave.row, column_of(span, side->next)};
        if (!side->straight) status = pass(r, (struct e5_pass){leave, side->leave}, part, err);
        if (!side->straight && status == E5_OK) status = pass(r, (struct e5_pass){enter, side->enter}, part, err);
        side->walked = true;
        at = side->next;
    } while (status == E5_OK && at != start);
    return status == E5_OK ? cut_ring(r, 0, 0, part, err) : status;
}

static int compare_rings(const void *one, const void *other) {
    const struct e5_ring *a = one, *b = other;
    if (a->part != b->part) return a->part < b->part ? -1 : 1;
    if (a->hole != b->hole) return a->hole ? 1 : -1;
    return (a->first > b->first) - (a->first < b->first);
}

static enum e5_status prepare(struct e5_rings *r, size_t n, struct e5_error *err) {
    if (n > INT32_MAX / 2) return e5_fail(err, E5_UNSAFE, "an outline of %zu spans", n);
    enum e5_status status = make_room(2 * n, &r->side_room, sizeof *r->side, &r->side, err);
    if (status == E5_OK) status = make_room(n, &r->parent_room, sizeof *r->parent, &r->parent, err);
    if (status != E5_OK) return status;
    if (n > 0) memset(r->side, 0, 2 * n * sizeof *r->side);
    e5_sets_begin(r->parent, 0, n);
    r->count = r->vertices = r->walked = r->crossings = 0;
    return E5_OK;
}

enum e5_status e5_rings_find(struct e5_rings *r, const struct e5_span *span, size_t n, struct e5_error *err) {
    enum e5_status status = prepare(r, n, err);
    if (status != E5_OK) return status;
    sweep_all(r, span, n);
    r->parts = e5_sets_number(r->parent, n);
    status = make_room(r->crossings, &r->passed_room, sizeof *r->passed, &r->passed, err);
    for (size_t i = 0; status == E5_OK && i < r->crossings; i++) r->passed[i] = 0;
    for (int32_t side = 0; status == E5_OK && (size_t)side < 2 * n; side++)
        if (!r->side[side].walked) status = walk_from(r, span, side, err);
    if (status == E5_OK && r->count > 1) qsort(r->ring, r->count, sizeof *r->ring, compare_rings);
    return status;
}

void e5_rings_fini(struct e5_rings *rings) {
    free(rings->ring);
    free(rings->vertex);
    free(rings->side);
    free(rings->parent);
    free(rings->walk);
    free(rings->passed);
    *rings = (struct e5_rings){0};
}
