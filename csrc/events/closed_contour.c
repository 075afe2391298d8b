#include "events/closed_contour.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* --- places --- */

static void sine_cosine(const double *degrees, size_t n, double *sine, double *cosine) {
    for (size_t i = 0; i < n; i++) {
        sine[i] = sin(degrees[i] * (M_PI / 180));
        cosine[i] = cos(degrees[i] * (M_PI / 180));
    }
}

enum e5_status e5_places_init(struct e5_places *places, const struct e5_grid *grid, struct e5_error *err) {
    *places = (struct e5_places){0};
    enum e5_status status = e5_alloc(grid->rows + grid->columns, 2 * sizeof(double), &places->sine, err);
    if (status != E5_OK) return status;
    places->cosine = places->sine + grid->rows;
    places->east = places->cosine + grid->rows;
    places->north = places->east + grid->columns;
    sine_cosine(grid->latitude, grid->rows, places->sine, places->cosine);
    sine_cosine(grid->longitude, grid->columns, places->north, places->east);
    return E5_OK;
}

void e5_places_fini(struct e5_places *places) {
    free(places->sine);
    *places = (struct e5_places){0};
}

double e5_places_chord(const struct e5_places *places, size_t row, size_t column, size_t row2, size_t column2) {
    double x = places->cosine[row] * places->east[column] - places->cosine[row2] * places->east[column2];
    double y = places->cosine[row] * places->north[column] - places->cosine[row2] * places->north[column2];
    double z = places->sine[row] - places->sine[row2];
    return x * x + y * y + z * z;
}

double e5_chord_of_km(double km) {
    double half = km / (2 * E5_EARTH_RADIUS_KM), chord = 2 * sin(half);
    return half < M_PI / 2 ? chord * chord : INFINITY; /* nothing on the globe is farther away */
}

/* --- heap of cells, lowest first, and of equals the one with the lowest number --- */

static bool is_before(struct e5_basin_cell a, struct e5_basin_cell b) {
    return a.height < b.height || (a.height == b.height && a.cell < b.cell);
}

static enum e5_status push(struct e5_basin *basin, struct e5_basin_cell cell, struct e5_error *err) {
    if (basin->count == basin->room) {
        size_t room = basin->room < 256 ? 256 : 2 * basin->room;
        enum e5_status status = e5_grow(basin->room, room, sizeof *basin->heap, &basin->heap, err);
        if (status != E5_OK) return status;
        basin->room = room;
    }
    size_t at = basin->count++;
    for (size_t up; at > 0 && is_before(cell, basin->heap[up = (at - 1) / 2]); at = up)
        basin->heap[at] = basin->heap[up];
    basin->heap[at] = cell;
    return E5_OK;
}

static struct e5_basin_cell pop(struct e5_basin *basin) {
    struct e5_basin_cell first = basin->heap[0], last = basin->heap[--basin->count];
    size_t at = 0;
    for (size_t down; (down = 2 * at + 1) < basin->count; at = down) {
        if (down + 1 < basin->count && is_before(basin->heap[down + 1], basin->heap[down])) down++;
        if (!is_before(basin->heap[down], last)) break;
        basin->heap[at] = basin->heap[down];
    }
    basin->heap[at] = last;
    return first;
}

void e5_basin_fini(struct e5_basin *basin) {
    free(basin->heap);
    free(basin->seen);
    *basin = (struct e5_basin){0};
}

static enum e5_status start_flood(struct e5_basin *basin, size_t cells, struct e5_error *err) {
    basin->count = 0;
    if (basin->seen == NULL) {
        enum e5_status status = e5_alloc(cells, sizeof *basin->seen, &basin->seen, err);
        if (status != E5_OK) return status;
    }
    if (++basin->flood == 0) {
        memset(basin->seen, 0, cells * sizeof *basin->seen);
        basin->flood = 1;
    }
    return E5_OK;
}

/* --- the flood --- */

/* Put the dry neighbours of a cell on the heap; *escaped when one of them lies outside. */
static enum e5_status spread(const struct e5_contour_search *search, long centre, long cell, struct e5_basin *basin,
                             bool *escaped, struct e5_error *err) {
    const long columns = search->neighbours->columns;
    for (int k = 0; k < search->around; k++) {
        long next = e5_neighbour(search->neighbours, cell, k);
        if (next == E5_CELL_NONE || (next >= 0 && basin->seen[next] == basin->flood)) continue;
        *escaped = next == E5_CELL_UNKNOWN || !(search->height[next] < INFINITY) ||
                   e5_places_chord(search->places, (size_t)(centre / columns), (size_t)(centre % columns),
                                   (size_t)(next / columns), (size_t)(next % columns)) > search->reach;
        if (*escaped) return E5_OK;
        basin->seen[next] = basin->flood;
        enum e5_status status = push(basin, (struct e5_basin_cell){search->height[next], next}, err);
        if (status != E5_OK) return status;
    }
    return E5_OK;
}

enum e5_status e5_closed_contour(const struct e5_contour_search *search, long cell, struct e5_basin *basin,
                                 double *depth, struct e5_error *err) {
    const struct e5_neighbours *map = search->neighbours;
    double bottom = search->height[cell], level = bottom;
    bool escaped = false;
    enum e5_status status = start_flood(basin, (size_t)(map->rows * map->columns), err);
    if (status != E5_OK) return status;
    basin->seen[cell] = basin->flood;
    status = push(basin, (struct e5_basin_cell){bottom, cell}, err);
    while (status == E5_OK && !escaped && basin->count > 0) {
        struct e5_basin_cell lowest = pop(basin);
        if (lowest.height > level) level = lowest.height;
        status = spread(search, cell, lowest.cell, basin, &escaped, err);
    }
    *depth = escaped ? level - bottom : INFINITY; /* no way out on the whole globe */
    return status;
}
