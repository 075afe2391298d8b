/* percentile_doy: quantiles of the pools of a moving window over the days of the year.
 *
 * A quantile needs two neighbouring order statistics, and for the usual percentiles these lie near one end of the
 * pool: 15th and 16th from the top for the 90th percentile of 150 values.  So they are read off the sorted lists of
 * kernels/doy_lists.h.  Pools that are not made of whole days of the year (at the ends of a base period with real
 * neighbours), and quantiles so far from either end that lists would be long, are gathered and selected from one by
 * one.  Both ways give the same bits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/quantile.h"
#include "diag/window.h"
#include "kernels/doy_lists.h"
#include "kernels/kernel.h"

enum { PERCENTILE, WINDOW, BASE_PERIOD, TYPE, NEIGHBOURS, LEAP_DAY }; /* params, in the order of kernels.def */

#define DEPTH_MAX 256    /* values: with longer lists selection is faster */
#define NO_SLOT SIZE_MAX /* of a sample outside the base */

struct plan {
    struct e5_window window;
    struct e5_doy_lists lists; /* depth 0: not used */
    double probability;
    int type;
    size_t longest; /* pool */
    size_t results; /* slots, or one more when they are stretched */
    struct e5_quantile_rank *rank; /* by number of valid values, to `longest` */
    bool *single; /* slots: whose pools are gathered one by one */
};

/* --- plan: what to gather --- */

static size_t length_of(const size_t *first, size_t slot) { return first[slot + 1] - first[slot]; }

static int64_t day_of(const struct e5_time_axis *axis, size_t sample) {
    return axis->seconds[sample] / E5_DAY - (axis->seconds[sample] % E5_DAY < 0);
}

static void print_day(enum e5_calendar calendar, int64_t day, char out[32]) {
    struct e5_date date = e5_date_from_days(calendar, day);
    snprintf(out, 32, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
}

static enum e5_status check_base(const struct e5_time_axis *axis, struct e5_period base, struct e5_error *err) {
    char first[32], last[32];
    if (axis->n == 0) return e5_fail(err, E5_INPUT, "percentile_doy: the series is empty");
    int64_t first_day = day_of(axis, 0), last_day = day_of(axis, axis->n - 1);
    if (!base.given || (base.first_day <= last_day && base.last_day >= first_day)) return E5_OK;
    print_day(axis->calendar, first_day, first);
    print_day(axis->calendar, last_day, last);
    return e5_fail(err, E5_INPUT, "percentile_doy: no day of the base period is in the series (%s to %s)", first,
                   last);
}

static enum e5_status make_window(struct plan *plan, const struct e5_params *params, const struct e5_time_axis *axis,
                                  struct e5_error *err) {
    struct e5_period base = params->value[BASE_PERIOD].period;
    enum e5_leap_rule leap = (enum e5_leap_rule)params->value[LEAP_DAY].integer;
    enum e5_status status = check_base(axis, base, err);
    if (status != E5_OK) return status;
    plan->results = e5_window_result_slots(axis->calendar, leap);
    return e5_window_init(&plan->window, axis, base.given ? base.first_day : INT64_MIN,
                          base.given ? base.last_day : INT64_MAX, (int)params->value[WINDOW].integer,
                          (enum e5_neighbours)params->value[NEIGHBOURS].integer, leap, err);
}

/* --- plan: how long lists must be --- */

static enum e5_status make_ranks(struct plan *plan, struct e5_error *err) {
    for (size_t slot = 0; slot < plan->window.slots; slot++) {
        size_t length = length_of(plan->window.pool_first, slot);
        if (length > plan->longest) plan->longest = length;
    }
    enum e5_status status = e5_alloc(plan->longest + 1, sizeof *plan->rank, &plan->rank, err);
    for (size_t n = 1; status == E5_OK && n <= plan->longest; n++)
        plan->rank[n] = e5_quantile_rank(plan->probability, plan->type, n);
    return status;
}

/* Any number of a pool's values may be missing: lists must reach far enough for all of them. */
static enum e5_status make_lists(struct plan *plan, struct e5_error *err) {
    size_t from_top = 1, from_bottom = 1;
    for (size_t n = 1; n <= plan->longest; n++) {
        if (n - plan->rank[n].lower > from_top) from_top = n - plan->rank[n].lower;
        if (plan->rank[n].upper + 1 > from_bottom) from_bottom = plan->rank[n].upper + 1;
    }
    bool smallest = from_bottom < from_top;
    size_t depth = smallest ? from_bottom : from_top;
    return depth > DEPTH_MAX ? E5_OK : e5_doy_lists_init(&plan->lists, &plan->window, depth, smallest, err);
}

/* --- plan: which pools are unions of whole days of the year --- */

static bool is_union(const struct plan *plan, size_t slot, const size_t *slot_of_sample) {
    const struct e5_window *window = &plan->window;
    size_t half = (size_t)window->width / 2, expected = 0, found = length_of(window->pool_first, slot);
    for (size_t k = 0; k <= 2 * half; k++)
        expected += length_of(window->first, (slot + window->slots - half + k) % window->slots);
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        size_t owner = slot_of_sample[window->pool[i]];
        if (owner == NO_SLOT || (owner + half + window->slots - slot) % window->slots > 2 * half) return false;
    }
    return found == expected;
}

static enum e5_status make_singles(struct plan *plan, size_t samples, struct e5_error *err) {
    const struct e5_window *window = &plan->window;
    size_t *slot_of_sample;
    enum e5_status status = e5_alloc(window->slots, sizeof *plan->single, &plan->single, err);
    if (status != E5_OK) return status;
    status = e5_alloc(samples, sizeof *slot_of_sample, &slot_of_sample, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < samples; i++) slot_of_sample[i] = NO_SLOT;
    for (size_t slot = 0; slot < window->slots; slot++)
        for (size_t i = window->first[slot]; i < window->first[slot + 1]; i++)
            slot_of_sample[window->sample[i]] = slot;
    for (size_t slot = 0; slot < window->slots; slot++)
        plan->single[slot] = plan->lists.depth == 0 || !is_union(plan, slot, slot_of_sample);
    free(slot_of_sample);
    return E5_OK;
}

/* --- one cell --- */

static double read_quantile(const struct plan *plan, const double *list, size_t valid) {
    if (valid == 0) return NAN;
    struct e5_quantile_rank rank = plan->rank[valid];
    bool smallest = plan->lists.smallest;
    size_t lower = smallest ? rank.lower : valid - 1 - rank.lower;
    size_t upper = smallest ? rank.upper : valid - 1 - rank.upper;
    double sign = smallest ? -1 : 1;
    return e5_quantile_between(sign * list[lower * plan->lists.stride], sign * list[upper * plan->lists.stride],
                               rank.fraction);
}

static double from_pool(const struct plan *plan, const double *series, size_t slot, double *pool) {
    const struct e5_window *window = &plan->window;
    size_t n = 0;
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++) {
        double value = series[window->pool[i]];
        pool[n] = value + 0.0; /* −0 becomes +0, as in the lists */
        n += value == value;
    }
    return e5_quantile(pool, n, plan->probability, plan->type);
}

/* Linear in the slot's number, as if the year had one day more; both ends keep their values. */
static void stretch(const double *slots, size_t n, double *out, size_t results) {
    for (size_t i = 0; i < results; i++) {
        double position = (double)(i * (n - 1)) / (double)(results - 1);
        size_t before = (size_t)position;
        double fraction = position - (double)before;
        out[i] = fraction == 0 ? slots[before] : slots[before] + fraction * (slots[before + 1] - slots[before]);
    }
}

/* Scratch: one value per slot, one pool, and what the lists need. */
static void cell(const void *opaque, const double *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    size_t n = plan->window.slots;
    double *slots = scratch, *pool = slots + n;
    struct e5_doy_found found = {0};
    if (plan->lists.depth > 0) found = e5_doy_lists_find(&plan->lists, series, pool + plan->longest);
    for (size_t i = 0; i < n; i++)
        slots[i] = plan->single[i] ? from_pool(plan, series, i, pool)
                                   : read_quantile(plan, found.list + i, (size_t)found.valid[i]);
    if (plan->results != n)
        stretch(slots, n, out, plan->results);
    else
        memcpy(out, slots, n * sizeof *out);
}

static size_t scratch_size(const struct plan *plan) {
    size_t lists = plan->lists.depth > 0 ? e5_doy_lists_scratch(&plan->lists) : 0;
    return (plan->window.slots + plan->longest) * sizeof(double) + lists;
}

/* --- life of a plan --- */

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_window_fini(&plan->window);
    e5_doy_lists_fini(&plan->lists);
    free(plan->rank);
    free(plan->single);
    free(plan);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_time_axis *axis, void **out,
                               size_t *out_length, size_t *scratch_bytes, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->probability = params->value[PERCENTILE].number / 100;
    plan->type = (int)params->value[TYPE].integer;
    status = e5_quantile_check(plan->probability, plan->type, err);
    if (status == E5_OK) status = make_window(plan, params, axis, err);
    if (status == E5_OK) status = make_ranks(plan, err);
    if (status == E5_OK) status = make_lists(plan, err);
    if (status == E5_OK) status = make_singles(plan, axis->n, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    *out = plan;
    *out_length = plan->results;
    *scratch_bytes = scratch_size(plan);
    return E5_OK;
}

const struct e5_series_ops e5_percentile_doy_ops = {plan_new, cell, plan_free};
