#include "events/extrema.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"

enum e5_status e5_extrema_plan(const struct e5_extrema_rule *rule, const struct e5_grid *grid,
                               struct e5_extrema_plan *out, struct e5_error *err) {
    *out = (struct e5_extrema_plan){.rule = *rule, .grid = grid, .neighbours = e5_neighbours_of(grid)};
    if (grid->rows > INT32_MAX / 2 / grid->columns) return e5_fail(err, E5_INPUT, "the map has too many cells");
    return e5_places_init(&out->places, grid, err);
}

void e5_extrema_plan_fini(struct e5_extrema_plan *plan) { e5_places_fini(&plan->places); }

void e5_extrema_scratch_fini(struct e5_extrema_scratch *scratch) {
    free(scratch->height);
    free(scratch->padded);
    free(scratch->flag);
    free(scratch->queue);
    e5_basin_fini(&scratch->basin);
    *scratch = (struct e5_extrema_scratch){0};
}

static enum e5_status make_scratch(const struct e5_grid *grid, struct e5_extrema_scratch *scratch,
                                   struct e5_error *err) {
    size_t cells = grid->rows * grid->columns;
    if (scratch->queue != NULL) return E5_OK;
    enum e5_status status = e5_alloc(cells, sizeof(double), &scratch->height, err);
    if (status == E5_OK)
        status = e5_alloc((grid->rows + 2) * (grid->columns + 2), sizeof(double), &scratch->padded, err);
    if (status == E5_OK) status = e5_alloc(cells, 1, &scratch->flag, err);
    if (status == E5_OK) status = e5_alloc(cells, sizeof(long), &scratch->queue, err);
    return status;
}

enum e5_status e5_extrema_append(struct e5_extrema *list, const struct e5_extremum *rows, size_t count,
                                 struct e5_error *err) {
    if (list->count + count > list->room) {
        size_t room = 2 * list->room > list->count + count ? 2 * list->room : list->count + count + 64;
        enum e5_status status = e5_grow(list->room, room, sizeof *list->row, &list->row, err);
        if (status != E5_OK) return status;
        list->room = room;
    }
    if (count > 0) memcpy(list->row + list->count, rows, count * sizeof *rows);
    list->count += count;
    return E5_OK;
}

/* --- heights --- */

/* Values as heights of which minima are wanted; missing ones become +inf. */
static void find_heights(const struct e5_extrema_plan *plan, const void *values, enum e5_dtype dtype,
                         double *height) {
    size_t cells = plan->grid->rows * plan->grid->columns;
    double sign = plan->rule.highest ? -1 : 1;
    const float *single = values;
    const double *wide = values;
    for (size_t i = 0; i < cells; i++) {
        double value = sign * (dtype == E5_F32 ? (double)single[i] : wide[i]);
        height[i] = isfinite(value) ? value : INFINITY;
    }
}

static void join_pole(double *row, size_t columns) {
    double lowest = INFINITY;
    for (size_t i = 0; i < columns; i++) lowest = row[i] < lowest ? row[i] : lowest;
    for (size_t i = 0; i < columns; i++) row[i] = lowest;
}

/* A row of the frame: `shift` columns on, with what lies beside its ends. */
static void pad_row(const struct e5_neighbours *all, const double *row, long shift, double *out) {
    long n = all->columns;
    memcpy(out + 1, row + shift, (size_t)(n - shift) * sizeof *out);
    memcpy(out + 1 + n - shift, row, (size_t)shift * sizeof *out);
    out[0] = all->periodic ? out[n] : -INFINITY;
    out[n + 1] = all->periodic ? out[1] : -INFINITY;
}

static void pad_beyond(const struct e5_neighbours *all, enum e5_beyond beyond, const double *row, double *out) {
    if (beyond == E5_BEYOND_OPPOSITE) {
        pad_row(all, row, all->columns / 2, out);
        return;
    }
    double value = beyond == E5_BEYOND_NONE ? INFINITY : -INFINITY;
    for (long i = 0; i < all->columns + 2; i++) out[i] = value;
}

static void pad(const struct e5_extrema_plan *plan, const double *height, double *padded) {
    const struct e5_neighbours *all = &plan->neighbours;
    long n = all->columns, wide = n + 2;
    for (long row = 0; row < all->rows; row++) pad_row(all, height + row * n, 0, padded + (row + 1) * wide);
    pad_beyond(all, all->first, height, padded);
    pad_beyond(all, all->last, height + (all->rows - 1) * n, padded + (all->rows + 1) * wide);
}

/* --- cells without a lower neighbour --- */

E5_SIMD_BODY void flag_row_body(const double *above, const double *here, const double *below, uint8_t *flag, size_t n,
                                bool corners) {
    for (size_t i = 0; i < n; i++) {
        double v = here[i + 1];
        int beside = (v <= here[i]) & (v <= here[i + 2]) & (v <= above[i + 1]) & (v <= below[i + 1]);
        int across = (v <= above[i]) & (v <= above[i + 2]) & (v <= below[i]) & (v <= below[i + 2]);
        flag[i] = (uint8_t)(beside & (v < INFINITY) & (across | !corners));
    }
}
E5_SIMD_VARIANTS(flag_row,
                 (const double *above, const double *here, const double *below, uint8_t *flag, size_t n,
                  bool corners),
                 (above, here, below, flag, n, corners))

static void flag_cells(const struct e5_extrema_plan *plan, struct e5_extrema_scratch *scratch) {
    size_t n = plan->grid->columns, wide = n + 2;
    for (size_t row = 0; row < plan->grid->rows; row++) {
        const double *above = scratch->padded + row * wide;
        flag_row(above, above + wide, above + 2 * wide, scratch->flag + row * n, n, plan->rule.around == E5_AROUND);
    }
}

enum { NOT_LOWEST, LOWEST, DONE };

/* Whether no cell of the level ground that a flagged cell belongs to has a lower neighbour; its flags become DONE. */
static bool is_minimum(const struct e5_extrema_plan *plan, struct e5_extrema_scratch *scratch, long cell) {
    long *queue = scratch->queue, count = 0;
    bool lowest = true;
    queue[count++] = cell;
    scratch->flag[cell] = DONE;
    for (long i = 0; i < count; i++)
        for (int k = 0; k < plan->rule.around; k++) {
            long next = e5_neighbour(&plan->neighbours, queue[i], k);
            if (next < 0 || scratch->height[next] != scratch->height[cell] || scratch->flag[next] == DONE) continue;
            if (scratch->flag[next] == LOWEST) {
                queue[count++] = next;
                scratch->flag[next] = DONE;
            } else {
                lowest = false;
            }
        }
    return lowest;
}

static enum e5_status collect_minima(const struct e5_extrema_plan *plan, struct e5_extrema_scratch *scratch,
                                     int32_t time, struct e5_extrema *out, struct e5_error *err) {
    long columns = plan->neighbours.columns, cells = plan->neighbours.rows * columns;
    enum e5_status status = E5_OK;
    for (long cell = 0; cell < cells && status == E5_OK; cell++) {
        if (scratch->flag[cell] != LOWEST || !is_minimum(plan, scratch, cell)) continue;
        struct e5_extremum found = {time, (int32_t)(cell / columns), (int32_t)(cell % columns), scratch->height[cell],
                                    0};
        status = e5_extrema_append(out, &found, 1, err);
    }
    return status;
}

/* --- the tests --- */

static long cell_of(const struct e5_extrema_plan *plan, const struct e5_extremum *found) {
    return found->row * plan->neighbours.columns + found->column;
}

/* Columns to either side that can be within a chord (squared) of a cell in another row; −1: none. */
static long columns_within(const struct e5_extrema_plan *plan, size_t row, size_t other, double chord) {
    const struct e5_places *at = &plan->places;
    double dz = at->sine[row] - at->sine[other], dr = at->cosine[row] - at->cosine[other];
    double rest = chord - dz * dz - dr * dr, across = 4 * at->cosine[row] * at->cosine[other];
    if (rest < 0) return -1;
    if (rest >= across) return plan->neighbours.columns;
    return (long)(2 * asin(sqrt(rest / across)) * (180 / M_PI) / plan->grid->step) + 1;
}

static bool is_lower_in_row(const struct e5_extrema_plan *plan, const double *height, const struct e5_extremum *found,
                            size_t row, double chord) {
    long n = plan->neighbours.columns, reach = columns_within(plan, (size_t)found->row, row, chord);
    bool whole = 2 * reach + 1 >= n;
    long first = whole ? 0 : found->column - reach, last = whole ? n - 1 : found->column + reach;
    for (long i = first; i <= last; i++) {
        if (!plan->neighbours.periodic && (i < 0 || i >= n)) continue;
        size_t column = (size_t)((i + n) % n);
        if (height[row * (size_t)n + column] < found->value &&
            e5_places_chord(&plan->places, (size_t)found->row, (size_t)found->column, row, column) <= chord)
            return true;
    }
    return false;
}

/* Whether a cell within the distance of the search is lower. */
static bool is_lower_near(const struct e5_extrema_plan *plan, const double *height, const struct e5_extremum *found) {
    double chord = e5_chord_of_km(plan->rule.search), reach = plan->rule.search / E5_EARTH_RADIUS_KM * (180 / M_PI);
    for (size_t row = 0; row < plan->grid->rows; row++) {
        if (fabs(plan->grid->latitude[row] - plan->grid->latitude[found->row]) > reach + 1e-6) continue;
        if (is_lower_in_row(plan, height, found, row, chord)) return true;
    }
    return false;
}

/* Whether a minimum of the list is lower, or as low and earlier, and within a chord. */
static bool is_merged(const struct e5_extrema_plan *plan, const struct e5_extremum *list, size_t count, size_t which,
                      double chord, double reach) {
    const struct e5_extremum *found = &list[which];
    for (int way = -1; way <= 1; way += 2)
        for (size_t i = which + (size_t)way; i < count; i += (size_t)way) { /* below 0 is above count */
            const struct e5_extremum *other = &list[i];
            if (fabs(plan->grid->latitude[other->row] - plan->grid->latitude[found->row]) > reach) break;
            if ((other->value < found->value || (other->value == found->value && way < 0)) &&
                e5_places_chord(&plan->places, (size_t)found->row, (size_t)found->column, (size_t)other->row,
                                (size_t)other->column) <= chord)
                return true;
        }
    return false;
}

/* Depths of those that stay; NaN for those that go. */
static void test_places(const struct e5_extrema_plan *plan, const double *height, struct e5_extremum *list,
                        size_t *count) {
    double chord = e5_chord_of_km(plan->rule.merge);
    double reach = plan->rule.merge / E5_EARTH_RADIUS_KM * (180 / M_PI) + 1e-6;
    size_t kept = 0;
    if (plan->rule.search > 0) {
        for (size_t i = 0; i < *count; i++)
            if (!is_lower_near(plan, height, &list[i])) list[kept++] = list[i];
        *count = kept;
    }
    if (plan->rule.merge > 0)
        for (size_t i = 0; i < *count; i++)
            if (is_merged(plan, list, *count, i, chord, reach)) list[i].depth = NAN;
}

static enum e5_status test_depths(const struct e5_extrema_plan *plan, struct e5_extrema_scratch *scratch,
                                  struct e5_extremum *list, size_t *count, struct e5_error *err) {
    struct e5_contour_search search = {&plan->neighbours, &plan->places, plan->rule.around,
                                       e5_chord_of_km(plan->rule.reach), scratch->height};
    enum e5_status status = E5_OK;
    size_t kept = 0;
    for (size_t i = 0; i < *count && status == E5_OK; i++) {
        struct e5_extremum found = list[i];
        if (isnan(found.depth)) continue;
        status = e5_closed_contour(&search, cell_of(plan, &found), &scratch->basin, &found.depth, err);
        if (!(found.depth >= plan->rule.depth)) continue;
        if (plan->rule.highest) found.value = -found.value;
        list[kept++] = found;
    }
    *count = kept;
    return status;
}

enum e5_status e5_extrema_map(const struct e5_extrema_plan *plan, const void *values, enum e5_dtype dtype,
                              int32_t time, struct e5_extrema_scratch *scratch, struct e5_extrema *out,
                              struct e5_error *err) {
    const struct e5_grid *grid = plan->grid;
    enum e5_status status = make_scratch(grid, scratch, err);
    if (status != E5_OK) return status;
    find_heights(plan, values, dtype, scratch->height);
    if (grid->pole_first) join_pole(scratch->height, grid->columns);
    if (grid->pole_last) join_pole(scratch->height + (grid->rows - 1) * grid->columns, grid->columns);
    pad(plan, scratch->height, scratch->padded);
    flag_cells(plan, scratch);
    size_t before = out->count;
    status = collect_minima(plan, scratch, time, out, err);
    if (status != E5_OK) return status;
    size_t count = out->count - before;
    test_places(plan, scratch->height, out->row + before, &count);
    status = test_depths(plan, scratch, out->row + before, &count, err);
    out->count = before + count;
    return status;
}
