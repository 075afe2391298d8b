#include "events/polygon.h"

#include <endian.h>
#include <string.h>

#include "base/alloc.h"

void e5_polygon_init(struct e5_polygon *p, const struct e5_grid *grid) {
    *p = (struct e5_polygon){.lattice = e5_lattice_of(grid)};
}

void e5_polygon_fini(struct e5_polygon *p) {
    free(p->span);
    e5_rings_fini(&p->rings);
    *p = (struct e5_polygon){0};
}

/* From the grid to the map. */

/* Columns of the grid [first, end) as far as they lie in [from, to), which is in one piece on the map. */
static void put_piece(struct e5_polygon *p, const struct e5_span *span, size_t from, size_t to, int32_t row) {
    size_t half, first = (size_t)span->first > from ? (size_t)span->first : from;
    size_t end = (size_t)span->end < to ? (size_t)span->end : to;
    if (first >= end) return;
    int32_t place = (int32_t)e5_lattice_place(&p->lattice, first, &half);
    struct e5_span *last = p->spans > 0 ? &p->span[p->spans - 1] : NULL;
    if (last != NULL && last->row == row && last->end == place)
        last->end += (int32_t)(end - first);
    else
        p->span[p->spans++] = (struct e5_span){row, place, place + (int32_t)(end - first)};
}

static void put_half(struct e5_polygon *p, int32_t row) {
    int32_t place = (int32_t)p->lattice.columns - 1;
    struct e5_span *last = &p->span[p->spans - 1]; /* there is the other half at least */
    if (last->row == row && last->end == place)
        last->end++;
    else
        p->span[p->spans++] = (struct e5_span){row, place, place + 1};
}

/* The map begins with column `start`: what lies west of it in the data comes last. */
static void put_row(struct e5_polygon *p, const struct e5_span *span, const struct e5_span *end) {
    const struct e5_lattice *lattice = &p->lattice;
    int32_t row = (int32_t)e5_lattice_row(lattice, (size_t)span->row);
    bool half = false;
    for (const struct e5_span *s = span; s < end; s++) {
        put_piece(p, s, lattice->start, lattice->grid->columns, row);
        half = half || (lattice->halves && (size_t)s->first <= lattice->start && (size_t)s->end > lattice->start);
    }
    for (const struct e5_span *s = span; s < end; s++) put_piece(p, s, 0, lattice->start, row);
    if (half) put_half(p, row);
}

static const struct e5_span *row_end(const struct e5_span *span, const struct e5_span *end) {
    const struct e5_span *at = span;
    while (at < end && at->row == span->row) at++;
    return at;
}

static const struct e5_span *row_begin(const struct e5_span *first, const struct e5_span *end) {
    const struct e5_span *at = end - 1;
    while (at > first && at[-1].row == at->row) at--;
    return at;
}

static enum e5_status place_on_map(struct e5_polygon *p, const struct e5_span *span, size_t n, struct e5_error *err) {
    const struct e5_span *first = span, *end = span + n;
    size_t most = 3 * n; /* a span falls into three pieces at most */
    if (most > p->room) {
        enum e5_status status = e5_grow(p->room, most, sizeof *p->span, &p->span, err);
        if (status != E5_OK) return status;
        p->room = most;
    }
    p->spans = 0;
    if (p->lattice.north_first)
        for (const struct e5_span *row; end > first; end = row) put_row(p, row = row_begin(first, end), end);
    else
        for (const struct e5_span *next; first < end; first = next) put_row(p, first, next = row_end(first, end));
    return E5_OK;
}

/* Writing. */

enum { WKB_POLYGON = 3, WKB_MULTIPOLYGON = 6 };

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

static enum e5_status put_ring(const struct e5_polygon *p, const struct e5_ring *ring, struct e5_buffer *wkb,
                               struct e5_error *err) {
    enum e5_status status = put_number(wkb, ring->count + 1, err);
    for (size_t i = 0; status == E5_OK && i <= ring->count; i++) {
        struct e5_corner c = p->rings.vertex[ring->first + (i < ring->count ? i : 0)];
        double longitude = e5_lattice_longitude(&p->lattice, (size_t)c.column);
        double latitude = e5_lattice_latitude(&p->lattice, (size_t)c.row);
        uint64_t point[] = {double_bytes(longitude), double_bytes(latitude)};
        status = e5_buffer_append(wkb, point, sizeof point, err);
    }
    return status;
}

enum e5_status e5_polygon_write(struct e5_polygon *p, const struct e5_span *span, size_t n, struct e5_buffer *wkb,
                                struct e5_error *err) {
    enum e5_status status = place_on_map(p, span, n, err);
    if (status == E5_OK) status = e5_rings_find(&p->rings, p->span, p->spans, err);
    if (status == E5_OK) status = put_head(wkb, WKB_MULTIPOLYGON, p->rings.parts, err);
    const struct e5_ring *ring = p->rings.ring;
    for (size_t i = 0, end; status == E5_OK && i < p->rings.count; i = end) {
        for (end = i + 1; end < p->rings.count && ring[end].part == ring[i].part;) end++;
        status = put_head(wkb, WKB_POLYGON, end - i, err);
        for (size_t k = i; status == E5_OK && k < end; k++) status = put_ring(p, &ring[k], wkb, err);
    }
    return status;
}
