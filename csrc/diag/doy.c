#include "diag/doy.h"

#include "base/alloc.h"

#define NO_SLOT SIZE_MAX /* of a sample outside the base */

static size_t length_of(const size_t *first, size_t slot) { return first[slot + 1] - first[slot]; }

/* --- how long lists must be --- */

static enum e5_status make_ranks(struct e5_doy *doy, struct e5_error *err) {
    for (size_t slot = 0; slot < doy->window.slots; slot++) {
        size_t length = length_of(doy->window.pool_first, slot);
        if (length > doy->longest) doy->longest = length;
    }
    enum e5_status status = e5_alloc(doy->longest + 1, sizeof *doy->rank, &doy->rank, err);
    for (size_t n = 1; status == E5_OK && n <= doy->longest; n++)
        doy->rank[n] = e5_quantile_rank(doy->options.probability, doy->options.type, n);
    return status;
}

/* Any number of a pool's values may be missing: lists must reach far enough for all of them. */
static size_t depth_of(const struct e5_doy *doy, bool *smallest) {
    size_t from_top = 1, from_bottom = 1;
    for (size_t n = 1; n <= doy->longest; n++) {
        if (n - doy->rank[n].lower > from_top) from_top = n - doy->rank[n].lower;
        if (doy->rank[n].upper + 1 > from_bottom) from_bottom = doy->rank[n].upper + 1;
    }
    *smallest = from_bottom < from_top;
    return e5_list_rows(*smallest ? from_bottom : from_top);
}

static size_t most_samples(const struct e5_window *window) {
    size_t most = 0;
    for (size_t slot = 0; slot < window->slots; slot++) {
        size_t samples = length_of(window->first, slot);
        if (samples > most) most = samples;
    }
    return most;
}

static size_t shorter(size_t a, size_t b) { return a < b ? a : b; }

/* A level is looked back at by the next one, and by the windows that it is a part of. */
static void make_levels(struct e5_doy *doy) {
    size_t width = (size_t)doy->window.width, depth;
    doy->depth = depth_of(doy, &doy->smallest);
    depth = shorter(doy->depth, e5_list_rows(most_samples(&doy->window)));
    while (width >> doy->levels > 0) doy->levels++;
    for (size_t k = 0; k < doy->levels; k++) {
        struct e5_doy_level *level = &doy->level[k];
        size_t days = (size_t)1 << k, back = width >> k & 1 ? width & (days - 1) : 0;
        if (k + 1 < doy->levels && back < days) back = days;
        *level = (struct e5_doy_level){depth, k == 0 ? doy->depth : depth, back + 1, doy->list_rows};
        doy->list_rows += level->ring * level->rows;
        depth = shorter(doy->depth, 2 * depth);
    }
}

/* --- which pools are unions of whole days of the year --- */

static bool is_union(const struct e5_window *window, size_t slot, const size_t *slot_of_sample) {
    size_t half = (size_t)window->width / 2, expected = 0, found = length_of(window->pool_first, slot);
    for (size_t k = 0; k <= 2 * half; k++)
        expected += length_of(window->first, (slot + window->slots - half + k) % window->slots);
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        size_t owner = slot_of_sample[window->pool[i]];
        if (owner == NO_SLOT || (owner + half + window->slots - slot) % window->slots > 2 * half) return false;
    }
    return found == expected;
}

static enum e5_status make_singles(struct e5_doy *doy, struct e5_error *err) {
    const struct e5_window *window = &doy->window;
    size_t *slot_of_sample;
    enum e5_status status = e5_alloc(window->slots, sizeof *doy->single, &doy->single, err);
    if (status != E5_OK) return status;
    status = e5_alloc(doy->samples, sizeof *slot_of_sample, &slot_of_sample, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < doy->samples; i++) slot_of_sample[i] = NO_SLOT;
    for (size_t slot = 0; slot < window->slots; slot++)
        for (size_t i = window->first[slot]; i < window->first[slot + 1]; i++)
            slot_of_sample[window->sample[i]] = slot;
    for (size_t slot = 0; slot < window->slots; slot++) doy->single[slot] = !is_union(window, slot, slot_of_sample);
    free(slot_of_sample);
    return E5_OK;
}

/* --- life --- */

static enum e5_status check(const struct e5_doy_options *options, struct e5_error *err) {
    if (!(options->min_share >= 0 && options->min_share <= 1)) /* also NaN */
        return e5_fail(err, E5_INPUT, "the share of valid samples is %g, must be 0 to 1", options->min_share);
    if (options->smoothing < 0 || options->smoothing > 365 || (options->smoothing > 1 && options->smoothing % 2 == 0))
        return e5_fail(err, E5_INPUT, "smoothing over %d days: must be odd, and not longer than a year",
                       options->smoothing);
    return e5_quantile_check(options->probability, options->type, err);
}

enum e5_status e5_doy_init(struct e5_doy *doy, const struct e5_time_axis *axis, const struct e5_doy_options *options,
                           struct e5_error *err) {
    *doy = (struct e5_doy){.options = *options, .samples = axis->n};
    enum e5_status status = check(options, err);
    if (status != E5_OK) return status;
    doy->results = e5_window_result_slots(axis->calendar, options->leap);
    doy->mean_leap_day = options->leap == E5_LEAP_MEAN && e5_window_leap_slots(axis->calendar, options->leap);
    status = e5_window_init(&doy->window, axis, options->first_day, options->last_day, options->window,
                            options->neighbours, options->leap, err);
    if (status == E5_OK) status = make_ranks(doy, err);
    if (status == E5_OK) make_levels(doy);
    if (status == E5_OK) status = make_singles(doy, err);
    if (status != E5_OK) e5_doy_fini(doy);
    return status;
}

void e5_doy_fini(struct e5_doy *doy) {
    e5_window_fini(&doy->window);
    free(doy->rank);
    free(doy->single);
    *doy = (struct e5_doy){0};
}

/* One value per slot, the lists, two lists each to merge from and to, and numbers of valid values per day.  Values
 * may be floats: there is room for doubles. */
size_t e5_doy_scratch(const struct e5_doy *doy) {
    size_t rows = doy->window.slots + 1 + doy->list_rows + 4 * doy->depth;
    return E5_LANES * (rows * sizeof(double) + (doy->window.slots + (size_t)doy->window.width) * sizeof(int32_t));
}

struct e5_doy_place e5_doy_place(const struct e5_doy *doy, size_t result) {
    struct e5_window_place place = e5_window_place(doy->window.slots, doy->results, result);
    if (doy->mean_leap_day && result == E5_WINDOW_LEAP_SLOT)
        return (struct e5_doy_place){result - 1, result + 1, 0.5};
    return (struct e5_doy_place){place.slot, place.slot + (place.fraction > 0), place.fraction};
}
