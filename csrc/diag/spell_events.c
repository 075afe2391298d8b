#include "diag/spell_events.h"

#include <math.h>

/* Above what the values of a day are measured. */
enum against { CLIMATOLOGY, THRESHOLD, ZERO };

struct view {
    const struct e5_spell_axis *axis;
    const struct e5_spell_measure *measure;
    size_t lane;
    double sign; /* −1: cold spells are turned over */
};

static double value_at(const struct view *view, size_t step) {
    size_t at = step * E5_LANES + view->lane;
    const struct e5_spell_series *x = &view->measure->x;
    return view->sign * (x->wide ? ((const double *)x->values)[at] : (double)((const float *)x->values)[at]);
}

static double limit_at(const struct view *view, const struct e5_spell_limit *limit, size_t step) {
    size_t slot = limit->slot_of_step != NULL ? (size_t)limit->slot_of_step[step] : 0;
    return view->sign * limit->values[slot * E5_LANES + view->lane];
}

static double above(const struct view *view, enum against what, size_t step) {
    double value = value_at(view, step);
    if (what == ZERO) return value;
    return value - limit_at(view, what == THRESHOLD ? &view->measure->threshold : &view->measure->climatology, step);
}

/* --- intensities --- */

struct moments {
    double largest, mean, deviation, sum;
    size_t peak;
};

static struct moments moments_of(const struct view *view, enum against what, struct e5_spell run) {
    struct moments m = {.largest = above(view, what, run.first), .peak = run.first};
    double n = (double)(run.last - run.first + 1), squares = 0;
    for (size_t t = run.first; t <= run.last; t++) {
        double value = above(view, what, t);
        m.sum += value;
        if (value > m.largest) {
            m.largest = value;
            m.peak = t;
        }
    }
    m.mean = m.sum / n;
    for (size_t t = run.first; t <= run.last; t++) {
        double off = above(view, what, t) - m.mean;
        squares += off * off;
    }
    m.deviation = sqrt(squares / (view->measure->switches.sample ? n - 1 : n));
    return m;
}

static void put_moments(const struct view *view, enum e5_spell_column first, double largest, const struct moments *m,
                        double *row) {
    row[first] = view->sign * largest;
    row[first + 1] = view->sign * m->mean;
    row[first + 2] = m->deviation;
    row[first + 3] = view->sign * m->sum;
}

static void put_others(const struct view *view, struct e5_spell run, size_t peak, double *row) {
    static const enum e5_spell_column first[] = {[THRESHOLD] = E5_SPELL_intensity_max_threshold,
                                                 [ZERO] = E5_SPELL_intensity_max_abs};
    for (enum against what = THRESHOLD; what <= ZERO; what++) {
        struct moments m = moments_of(view, what, run);
        double largest = view->measure->switches.own_maximum ? m.largest : above(view, what, peak);
        put_moments(view, first[what], largest, &m, row);
    }
}

/* --- rates --- */

/* Whether `step` + `by` is the neighbour of `step` and has a value. */
static bool has_neighbour(const struct view *view, size_t step, int by) {
    const struct e5_spell_axis *axis = view->axis;
    if ((by < 0 && step == 0) || (by > 0 && step + 1 == axis->steps)) return false;
    size_t other = by < 0 ? step - 1 : step + 1;
    uint32_t distance = by < 0 ? axis->bit[step] - axis->bit[other] : axis->bit[other] - axis->bit[step];
    return distance == 1 && !isnan(value_at(view, other));
}

/* Change per day between the peak and one end of the run; half a day more where the neighbour outside is known. */
static double rate(const struct view *view, size_t peak, size_t end, int outwards, bool censored) {
    double days = peak > end ? (double)(peak - end) : (double)(end - peak), at_end = above(view, CLIMATOLOGY, end);
    double top = above(view, CLIMATOLOGY, peak);
    if (!censored) {
        size_t outside = outwards < 0 ? end - 1 : end + 1;
        return (top - (at_end + above(view, CLIMATOLOGY, outside)) / 2) / (days + 0.5);
    }
    if (!view->measure->switches.rates_at_edge) return NAN;
    return (top - at_end) / (days > 0 ? days : 1);
}

/* --- categories --- */

static void put_categories(const struct view *view, struct e5_spell run, double *row) {
    double worst = NAN;
    for (size_t t = run.first; t <= run.last; t++) {
        double step = limit_at(view, &view->measure->threshold, t) - limit_at(view, &view->measure->climatology, t);
        if (!(step > 0)) continue;
        double category = floor(1 + above(view, THRESHOLD, t) / step);
        if (category > 4) category = 4;
        if (category >= 1) row[E5_SPELL_days_moderate + (size_t)category - 1] += 1;
        if (!(category <= worst)) worst = category;
    }
    row[E5_SPELL_category] = worst;
}

static void put_climatology(const struct view *view, struct e5_spell run, double *row) {
    struct moments m = moments_of(view, CLIMATOLOGY, run);
    put_moments(view, E5_SPELL_intensity_max, m.largest, &m, row);
    row[E5_SPELL_peak] = (double)m.peak;
    row[E5_SPELL_rate_onset] = view->sign * rate(view, m.peak, run.first, -1, row[E5_SPELL_censored_start] != 0);
    row[E5_SPELL_rate_decline] = view->sign * rate(view, m.peak, run.last, 1, row[E5_SPELL_censored_end] != 0);
    for (size_t i = E5_SPELL_days_moderate; i <= E5_SPELL_days_extreme; i++) row[i] = 0;
    put_categories(view, run, row);
}

void e5_spell_describe(const struct e5_spell_axis *axis, const struct e5_spell_measure *measure, size_t lane,
                       struct e5_spell run, double *row) {
    struct view view = {axis, measure, lane, measure->switches.cold ? -1 : 1};
    for (size_t i = E5_SPELL_first; i < E5_SPELL_COLUMNS; i++) row[i] = NAN;
    row[E5_SPELL_first] = (double)run.first;
    row[E5_SPELL_last] = (double)run.last;
    row[E5_SPELL_duration] = (double)(run.last - run.first + 1);
    row[E5_SPELL_censored_start] = has_neighbour(&view, run.first, -1) ? 0 : 1;
    row[E5_SPELL_censored_end] = has_neighbour(&view, run.last, 1) ? 0 : 1;
    if (measure->climatology.values != NULL)
        put_climatology(&view, run, row);
    else
        row[E5_SPELL_peak] = (double)moments_of(&view, THRESHOLD, run).peak;
    put_others(&view, run, (size_t)row[E5_SPELL_peak], row);
}
