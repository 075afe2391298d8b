/* The boundary between true and false cells is walked with the cells on the left, which makes outer rings
 * counter-clockwise and holes clockwise.  Where two true cells meet in a corner only, the walk turns left, round the
 * cell it follows: cells that have no more than a corner in common are separate parts.  A walk that comes back to a
 * corner it has passed leaves a loop behind that is a ring of its own (a hole that touches its outer ring, or another
 * hole, in that corner), for a valid ring never touches itself. */
#include "diag/polygon.h"

#include <endian.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/label.h"
#include "diag/lattice.h"

enum { FILLED = 1, WALKED = 2 }; /* bits of a cell: part of the set; its southern edge belongs to a ring already */
enum heading { EAST, NORTH, WEST, SOUTH };

struct corner { /* the south-western one of that cell of the frame */
    int32_t row, column;
};

struct ring {
    int32_t component;
    bool hole;
    size_t first, count; /* in `vertex` */
};

struct outline {
    struct e5_lattice lattice;
    size_t south, west;   /* of the part of the map that holds the cells */
    size_t rows, columns; /* of the frame: that part and a margin of one cell all around */
    uint8_t *cell;
    int32_t *passed;      /* for each corner: 1 + its place on the walk, or 0 */
    struct corner *walk, *vertex;
    size_t walk_count, walk_room, vertex_count, vertex_room;
    struct ring *ring;
    size_t ring_count, ring_room;
};

static size_t at(const struct outline *o, int32_t row, int32_t column) {
    return (size_t)row * o->columns + (size_t)column;
}

static enum e5_status make_room(size_t need, size_t *room, size_t size, void *table, struct e5_error *err) {
    if (need <= *room) return E5_OK;
    size_t more = need + need / 2 + 16;
    enum e5_status status = e5_grow(*room, more, size, table, err);
    if (status == E5_OK) *room = more;
    return status;
}

/* Frame and cells. */

static void bounds_add(size_t place, size_t *least, size_t *most) {
    if (place == E5_NO_PLACE) return;
    if (place < *least) *least = place;
    if (place > *most) *most = place;
}

static enum e5_status frame_cells(struct outline *o, const int64_t *cell, size_t n, struct e5_error *err) {
    size_t width = o->lattice.grid->columns, north = 0, east = 0;
    o->south = o->west = E5_NO_PLACE;
    for (size_t i = 0; i < n; i++) {
        size_t half;
        bounds_add(e5_lattice_row(&o->lattice, (size_t)cell[i] / width), &o->south, &north);
        bounds_add(e5_lattice_place(&o->lattice, (size_t)cell[i] % width, &half), &o->west, &east);
        bounds_add(half, &o->west, &east);
    }
    o->rows = north - o->south + 3;
    o->columns = east - o->west + 3;
    size_t corners;
    enum e5_status status = e5_multiply(o->rows, o->columns, &corners, err);
    if (status == E5_OK) status = e5_alloc(corners, sizeof *o->cell, &o->cell, err);
    return status == E5_OK ? e5_alloc(corners, sizeof *o->passed, &o->passed, err) : status;
}

static void fill_cells(struct outline *o, const int64_t *cell, size_t n) {
    size_t width = o->lattice.grid->columns;
    for (size_t i = 0; i < n; i++) {
        size_t half, place = e5_lattice_place(&o->lattice, (size_t)cell[i] % width, &half);
        size_t row = (e5_lattice_row(&o->lattice, (size_t)cell[i] / width) - o->south + 1) * o->columns;
        o->cell[row + place - o->west + 1] = FILLED;
        if (half != E5_NO_PLACE) o->cell[row + half - o->west + 1] = FILLED;
    }
}

/* Walking. */

static enum heading turned(enum heading heading, int quarters) { return (enum heading)((heading + quarters) & 3); }

static bool filled_ahead_left(const struct outline *o, struct corner c, enum heading heading) {
    static const int32_t row[] = {0, 0, -1, -1}, column[] = {0, -1, -1, 0};
    return o->cell[at(o, c.row + row[heading], c.column + column[heading])] & FILLED;
}

static enum heading next_heading(const struct outline *o, struct corner c, enum heading heading) {
    if (!filled_ahead_left(o, c, heading)) return turned(heading, 1);
    bool filled_ahead_right = filled_ahead_left(o, c, turned(heading, -1));
    return filled_ahead_right ? turned(heading, -1) : heading;
}

/* Twice the area inside, in cells; negative when walked clockwise. */
static int64_t signed_area(const struct corner *corner, size_t n) {
    int64_t area = 0;
    for (size_t i = 0; i < n; i++) {
        struct corner a = corner[i], b = corner[i + 1 < n ? i + 1 : 0];
        area += (int64_t)a.column * b.row - (int64_t)b.column * a.row;
    }
    return area;
}

/* Corners `from` … of the walk become a ring; the walk goes on from its first `keep` corners. */
static enum e5_status cut_ring(struct outline *o, size_t from, size_t keep, int32_t component, struct e5_error *err) {
    size_t n = o->walk_count - from;
    enum e5_status status = make_room(o->ring_count + 1, &o->ring_room, sizeof *o->ring, &o->ring, err);
    if (status == E5_OK) status = make_room(o->vertex_count + n, &o->vertex_room, sizeof *o->vertex, &o->vertex, err);
    if (status != E5_OK) return status;
    memcpy(o->vertex + o->vertex_count, o->walk + from, n * sizeof *o->vertex);
    bool hole = signed_area(o->walk + from, n) < 0;
    o->ring[o->ring_count++] = (struct ring){component, hole, o->vertex_count, n};
    o->vertex_count += n;
    for (size_t i = keep; i < o->walk_count; i++) o->passed[at(o, o->walk[i].row, o->walk[i].column)] = 0;
    o->walk_count = keep;
    return E5_OK;
}

static enum e5_status pass_corner(struct outline *o, struct corner c, int32_t component, struct e5_error *err) {
    size_t here = at(o, c.row, c.column), before = (size_t)o->passed[here];
    if (before > 0) return cut_ring(o, before - 1, before, component, err);
    enum e5_status status = make_room(o->walk_count + 1, &o->walk_room, sizeof *o->walk, &o->walk, err);
    if (status != E5_OK) return status;
    o->walk[o->walk_count++] = c;
    o->passed[here] = (int32_t)o->walk_count;
    return E5_OK;
}

/* Go straight on to the next corner where the boundary turns, and say where to. */
static enum heading go_on(struct outline *o, struct corner *c, enum heading heading) {
    static const int32_t row[] = {0, 1, 0, -1}, column[] = {1, 0, -1, 0};
    enum heading next;
    do {
        if (heading == EAST) o->cell[at(o, c->row, c->column)] |= WALKED;
        c->row += row[heading], c->column += column[heading];
        next = next_heading(o, *c, heading);
    } while (next == heading);
    return next;
}

static enum e5_status walk_from(struct outline *o, struct corner start, int32_t component, struct e5_error *err) {
    struct corner here = start;
    enum heading heading = EAST;
    enum e5_status status;
    do {
        status = pass_corner(o, here, component, err);
        heading = go_on(o, &here, heading);
    } while (status == E5_OK && !(here.row == start.row && here.column == start.column && heading == EAST));
    return status == E5_OK ? cut_ring(o, 0, 0, component, err) : status;
}

/* Every ring goes east somewhere, below a true cell. */
static enum e5_status walk_all(struct outline *o, const struct e5_labels *parts, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < parts->run_count; i++) {
        struct corner c = {parts->run[i].row, parts->run[i].first};
        for (; status == E5_OK && c.column < parts->run[i].first + parts->run[i].count; c.column++) {
            bool inside = o->cell[at(o, c.row - 1, c.column)] & FILLED;
            bool walked = o->cell[at(o, c.row, c.column)] & WALKED;
            if (!inside && !walked) status = walk_from(o, c, parts->component[i], err);
        }
    }
    return status;
}

/* Writing. */

static enum e5_status put_number(struct e5_buffer *wkb, size_t number, struct e5_error *err) {
    if (number > UINT32_MAX) return e5_fail(err, E5_INPUT, "an outline has %zu vertices", number);
    uint32_t bytes = htole32((uint32_t)number);
    return e5_buffer_append(wkb, &bytes, sizeof bytes, err);
}

static enum e5_status put_head(struct e5_buffer *wkb, uint32_t type, size_t members, struct e5_error *err) {
    enum e5_status status = e5_buffer_append(wkb, "\1", 1, err); /* little endian */
    if (status == E5_OK) status = put_number(wkb, type, err);
    return status == E5_OK ? put_number(wkb, members, err) : status;
}

static uint64_t double_bytes(double value) {
    uint64_t bytes;
    memcpy(&bytes, &value, sizeof bytes);
    return htole64(bytes);
}

static enum e5_status put_ring(const struct outline *o, const struct ring *ring, struct e5_buffer *wkb,
                               struct e5_error *err) {
    enum e5_status status = put_number(wkb, ring->count + 1, err);
    for (size_t i = 0; status == E5_OK && i <= ring->count; i++) {
        struct corner c = o->vertex[ring->first + i % ring->count]; /* the last vertex is the first again */
        double longitude = e5_lattice_longitude(&o->lattice, o->west + (size_t)c.column - 1);
        double latitude = e5_lattice_latitude(&o->lattice, o->south + (size_t)c.row - 1);
        uint64_t point[] = {double_bytes(longitude), double_bytes(latitude)};
        status = e5_buffer_append(wkb, point, sizeof point, err);
    }
    return status;
}

static int compare_rings(const void *one, const void *other) {
    const struct ring *a = one, *b = other;
    if (a->component != b->component) return a->component < b->component ? -1 : 1;
    if (a->hole != b->hole) return a->hole ? 1 : -1;
    return (a->first > b->first) - (a->first < b->first);
}

enum { WKB_POLYGON = 3, WKB_MULTIPOLYGON = 6 };

static enum e5_status put_polygons(struct outline *o, size_t parts, struct e5_buffer *wkb, struct e5_error *err) {
    if (o->ring_count > 1) qsort(o->ring, o->ring_count, sizeof *o->ring, compare_rings);
    enum e5_status status = put_head(wkb, WKB_MULTIPOLYGON, parts, err);
    for (size_t i = 0, end; status == E5_OK && i < o->ring_count; i = end) {
        for (end = i + 1; end < o->ring_count && o->ring[end].component == o->ring[i].component;) end++;
        status = put_head(wkb, WKB_POLYGON, end - i, err);
        for (size_t k = i; status == E5_OK && k < end; k++) status = put_ring(o, &o->ring[k], wkb, err);
    }
    return status;
}

enum e5_status e5_polygon_of_cells(const struct e5_grid *grid, const int64_t *cell, size_t n, struct e5_buffer *wkb,
                                   struct e5_error *err) {
    if (n == 0) return put_head(wkb, WKB_MULTIPOLYGON, 0, err);
    struct outline o = {.lattice = e5_lattice_of(grid)};
    struct e5_labels parts = {0};
    enum e5_status status = frame_cells(&o, cell, n, err);
    if (status != E5_OK) goto out;
    fill_cells(&o, cell, n);
    struct e5_label_input in = {.mask = o.cell, .steps = 1, .rows = o.rows, .columns = o.columns, .neighbours = 6};
    status = e5_label(&in, NULL, NULL, &parts, err);
    if (status == E5_OK) status = walk_all(&o, &parts, err);
    if (status == E5_OK) status = put_polygons(&o, parts.components, wkb, err);
out:
    e5_labels_fini(&parts);
    free(o.cell);
    free(o.passed);
    free(o.walk);
    free(o.vertex);
    free(o.ring);
    return status;
}
