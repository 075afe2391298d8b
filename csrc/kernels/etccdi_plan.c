/* What can be known before any value is: which indices, periods, seasons, windows, thresholds. */
#include "base/alloc.h"
#include "kernels/etccdi.h"

unsigned e5_etccdi_needs(const struct e5_etccdi_plan *plan) {
    unsigned needs = 0;
    for (size_t i = 0; i < plan->indices; i++) needs |= e5_etccdi_indices[plan->index[i]].operands;
    return needs;
}

static int64_t choice(const struct e5_etccdi_plan *plan, enum e5_etccdi_param param) {
    return plan->params.value[param].integer;
}

/* Whether any of the indices is computed by this function. */
static bool uses(const struct e5_etccdi_plan *plan,
                 void (*compute)(struct e5_etccdi_job *, const struct e5_etccdi_index *, double *)) {
    for (size_t i = 0; i < plan->indices; i++)
        if (e5_etccdi_indices[plan->index[i]].compute == compute) return true;
    return false;
}

/* --- which indices --- */

static enum e5_status check_operands(const struct e5_etccdi_plan *plan, const struct e5_etccdi_index *index,
                                     const size_t *rows, struct e5_error *err) {
    static const char *const names[] = {"tx", "tn", "tg", "pr"};
    unsigned needs = index->operands;
    if ((needs & 1u << E5_ETCCDI_TG) != 0 && !plan->mean_given)
        needs = (needs & ~(1u << E5_ETCCDI_TG)) | 1u << E5_ETCCDI_TX | 1u << E5_ETCCDI_TN;
    for (int i = 0; i < E5_ETCCDI_SERIES; i++)
        if ((needs & 1u << i) != 0 && rows[i] == 0)
            return e5_fail(err, E5_INPUT, "etccdi: %s needs %s", index->name, names[i]);
    return E5_OK;
}

static enum e5_status choose_indices(struct e5_etccdi_plan *plan, const struct e5_series_input *input,
                                     struct e5_error *err) {
    uint64_t wanted = (uint64_t)choice(plan, E5_ETCCDI_INDICES);
    enum e5_status status = E5_OK;
    plan->mean_given = input->rows[E5_ETCCDI_TG] > 0;
    for (size_t i = 0; i < e5_etccdi_index_count && status == E5_OK; i++) {
        if ((wanted >> i & 1) == 0) continue;
        plan->index[plan->indices++] = (int)i;
        status = check_operands(plan, &e5_etccdi_indices[i], input->rows, err);
    }
    if (status == E5_OK && plan->indices == 0) return e5_fail(err, E5_INPUT, "etccdi: no index is wanted");
    return status;
}

/* --- periods and seasons --- */

/* Whether periods are calendar years: then those of the southern hemisphere begin in July. */
static bool are_calendar_years(const struct e5_time_axis *axis, const struct e5_periods *periods) {
    struct e5_date start = e5_date_from_days(axis->calendar, periods->start[0] / E5_DAY);
    return periods->end[0] - periods->start[0] >= 360 * (int64_t)E5_DAY && start.month == 1 && start.day == 1;
}

/* Seasons of the periods, and of the years from July where periods are calendar years: there the season of a southern
 * year stands in the place of the calendar year in which it begins. */
static enum e5_status make_seasons(struct e5_etccdi_plan *plan, bool latitude, struct e5_error *err) {
    const struct e5_frequency july = {.months = 12, .anchor = 7};
    enum e5_status status = e5_season_axis_init(&plan->season, plan->axis, plan->periods, err);
    if (status != E5_OK || !uses(plan, e5_etccdi_growing_season) || !are_calendar_years(plan->axis, plan->periods))
        return status;
    if (!latitude) return e5_fail(err, E5_INPUT, "etccdi: gsl needs latitudes to know the hemisphere");
    plan->by_hemisphere = true;
    status = e5_periods_by_calendar(plan->axis, july, &plan->south_periods, err);
    if (status != E5_OK) return status;
    plan->south_skips = plan->south_periods.start[0] < plan->periods->start[0];
    return e5_season_axis_init(&plan->south, plan->axis, &plan->south_periods, err);
}

/* Periods that are missing whatever the values are. */
static enum e5_status judge_axis(const struct e5_missing *missing, uint16_t **out, struct e5_error *err) {
    uint16_t *absent;
    enum e5_status status = e5_alloc(missing->periods, sizeof **out, out, err);
    if (status != E5_OK) return status;
    status = e5_alloc(missing->samples, sizeof *absent, &absent, err);
    if (status != E5_OK) return status;
    e5_missing_judge(missing, absent, *out);
    free(absent);
    return E5_OK;
}

static enum e5_status make_missing(struct e5_etccdi_plan *plan, struct e5_error *err) {
    const struct e5_frequency july = {.months = 12, .anchor = 7};
    if (plan->missing == NULL) return E5_OK;
    enum e5_status status = judge_axis(plan->missing, &plan->untouched, err);
    if (status != E5_OK || !plan->by_hemisphere) return status;
    status =
        e5_missing_init(&plan->south_missing, plan->axis, &plan->south_periods, july, plan->missing->policy, err);
    return status == E5_OK ? judge_axis(&plan->south_missing, &plan->south_untouched, err) : status;
}

static enum e5_status make_periods(struct e5_etccdi_plan *plan, bool latitude, struct e5_error *err) {
    const struct e5_rolling_rule rolling = {.days = (int32_t)choice(plan, E5_ETCCDI_ROLLING_DAYS),
                                            .centre = choice(plan, E5_ETCCDI_LABEL) == 0,
                                            .whole = choice(plan, E5_ETCCDI_WINDOWS) != 0};
    const struct e5_spell_rule spells = {.minimum = (size_t)choice(plan, E5_ETCCDI_SPELL_DAYS)}, longest = {1, 0, 0};
    const int32_t *of_sample = plan->periods->of_sample;
    size_t count = plan->periods->count;
    enum e5_status status = e5_tally_axis_init(&plan->tally, plan->axis->n, of_sample, count, err);
    if (status == E5_OK)
        status = e5_spell_axis_init(&plan->spells, plan->axis, plan->periods,
                                    (enum e5_spell_border)choice(plan, E5_ETCCDI_SPELLS), &spells, err);
    if (status == E5_OK)
        status = e5_spell_axis_init(&plan->longest, plan->axis, plan->periods,
                                    (enum e5_spell_border)choice(plan, E5_ETCCDI_LONGEST), &longest, err);
    if (status == E5_OK) status = e5_rolling_init(&plan->rolling, plan->axis, of_sample, count, rolling, err);
    bool seasons = uses(plan, e5_etccdi_growing_season) || uses(plan, e5_etccdi_last_frost) ||
                   uses(plan, e5_etccdi_frost_season);
    if (status == E5_OK && seasons) status = make_seasons(plan, latitude, err);
    return status == E5_OK ? make_missing(plan, err) : status;
}

/* --- percentiles --- */

static void find_base(struct e5_etccdi_plan *plan) {
    struct e5_period base = plan->params.value[E5_ETCCDI_BASE_PERIOD].period;
    plan->base_end = plan->axis->n;
    if (!base.given) return;
    plan->base_end = 0;
    while (plan->base_end < plan->axis->n && e5_day_of(plan->axis->seconds[plan->base_end]) <= base.last_day)
        plan->base_end++;
    while (plan->base_first < plan->base_end && e5_day_of(plan->axis->seconds[plan->base_first]) < base.first_day)
        plan->base_first++;
}

static bool needs_base(const struct e5_etccdi_plan *plan) {
    return uses(plan, e5_etccdi_beyond_percentile) || uses(plan, e5_etccdi_percentile_spells) ||
           uses(plan, e5_etccdi_rain_beyond) || uses(plan, e5_etccdi_days_beyond) ||
           uses(plan, e5_etccdi_share_beyond);
}

static struct e5_doy_options doy_options(const struct e5_etccdi_plan *plan, enum e5_etccdi_param percentile) {
    struct e5_period base = plan->params.value[E5_ETCCDI_BASE_PERIOD].period;
    return (struct e5_doy_options){.first_day = base.given ? base.first_day : INT64_MIN,
                                   .last_day = base.given ? base.last_day : INT64_MAX,
                                   .window = (int)choice(plan, E5_ETCCDI_WINDOW),
                                   .neighbours = (enum e5_neighbours)choice(plan, E5_ETCCDI_NEIGHBOURS),
                                   .leap = (enum e5_leap_rule)choice(plan, E5_ETCCDI_LEAP_DAY),
                                   .probability = plan->params.value[percentile].number / 100,
                                   .type = (int)choice(plan, E5_ETCCDI_TYPE),
                                   .min_share = plan->params.value[E5_ETCCDI_MIN_SHARE].number};
}

static enum e5_beyond beyond_of(const struct e5_etccdi_plan *plan, enum e5_tally_test test) {
    bool inclusive = choice(plan, E5_ETCCDI_INCLUSIVE) != 0;
    if (test == E5_TALLY_ABOVE) return inclusive ? E5_ABOVE_OR_EQUAL : E5_ABOVE;
    return inclusive ? E5_BELOW_OR_EQUAL : E5_BELOW;
}

static enum e5_status make_percentile(struct e5_etccdi_plan *plan, const struct e5_etccdi_index *index,
                                      struct e5_error *err) {
    struct e5_etccdi_percentile *made = &plan->percentile[index->operand][index->limit == E5_ETCCDI_HIGH];
    struct e5_doy_options options = doy_options(plan, index->limit);
    bool bootstrap = choice(plan, E5_ETCCDI_BOOTSTRAP) != 0, spells = index->compute == e5_etccdi_percentile_spells;
    bool flagged = spells && bootstrap && choice(plan, E5_ETCCDI_BOOTSTRAP_OF) == E5_ETCCDI_OF_SPELLS_TOO;
    enum e5_status status = E5_OK;
    if (!made->used) status = e5_doy_init(&made->doy, plan->axis, &options, err);
    made->used = true;
    made->flagged |= flagged;
    if (status != E5_OK || made->counted || (spells && !flagged)) return status;
    made->counted = true;
    return e5_exceedance_init(&made->exceedance, &made->doy, plan->axis, beyond_of(plan, index->test), bootstrap,
                              err);
}

static enum e5_status make_slots(struct e5_etccdi_plan *plan, struct e5_error *err) {
    enum e5_leap_rule leap = (enum e5_leap_rule)choice(plan, E5_ETCCDI_LEAP_DAY);
    enum e5_status status = e5_alloc(plan->axis->n, sizeof *plan->slot, &plan->slot, err);
    for (size_t t = 0; status == E5_OK && t < plan->axis->n; t++)
        plan->slot[t] = (int32_t)e5_window_slot_of_day(plan->axis->calendar, leap, e5_day_of(plan->axis->seconds[t]));
    return status;
}

static enum e5_status make_percentiles(struct e5_etccdi_plan *plan, struct e5_error *err) {
    find_base(plan);
    if (needs_base(plan) && plan->base_first >= plan->base_end)
        return e5_fail(err, E5_INPUT, "etccdi: no day of the base period is in the series");
    enum e5_status status = make_slots(plan, err);
    for (size_t i = 0; i < plan->indices && status == E5_OK; i++) {
        const struct e5_etccdi_index *index = &e5_etccdi_indices[plan->index[i]];
        if (index->compute == e5_etccdi_beyond_percentile || index->compute == e5_etccdi_percentile_spells)
            status = make_percentile(plan, index, err);
    }
    return status;
}

/* --- life --- */

void e5_etccdi_plan_free(void *opaque) {
    struct e5_etccdi_plan *plan = opaque;
    for (size_t i = 0; i < 4; i++) {
        struct e5_etccdi_percentile *percentile = &plan->percentile[i / 2][i % 2];
        if (percentile->counted) e5_exceedance_fini(&percentile->exceedance);
        if (percentile->used) e5_doy_fini(&percentile->doy);
    }
    e5_tally_axis_fini(&plan->tally);
    e5_spell_axis_fini(&plan->spells);
    e5_spell_axis_fini(&plan->longest);
    e5_rolling_fini(&plan->rolling);
    e5_season_axis_fini(&plan->season);
    e5_season_axis_fini(&plan->south);
    e5_periods_fini(&plan->south_periods);
    e5_missing_fini(&plan->south_missing);
    free(plan->untouched);
    free(plan->south_untouched);
    free(plan->slot);
    free(plan);
}

enum e5_status e5_etccdi_plan(const struct e5_params *params, const struct e5_series_input *input,
                              struct e5_etccdi_plan **out, struct e5_error *err) {
    struct e5_etccdi_plan *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->params = *params;
    plan->axis = input->axis;
    plan->periods = input->periods;
    plan->missing = input->missing;
    status = choose_indices(plan, input, err);
    if (status == E5_OK) status = make_periods(plan, input->rows[E5_ETCCDI_LATITUDE] > 0, err);
    if (status == E5_OK) status = make_percentiles(plan, err);
    if (status != E5_OK) {
        e5_etccdi_plan_free(plan);
        return status;
    }
    *out = plan;
    return E5_OK;
}
