/* A function computes an index for all periods of a tile.  Which percentiles lie at hand is remembered from one index
 * to the next: those of a row follow each other in the table. */
#include <math.h>
#include <string.h>

#include "kernels/etccdi.h"

static double number(const struct e5_etccdi_job *job, enum e5_etccdi_param param) {
    return job->plan->params.value[param].number;
}

static int64_t choice(const struct e5_etccdi_job *job, enum e5_etccdi_param param) {
    return job->plan->params.value[param].integer;
}

/* A threshold in the precision of the data, for all lanes. */
struct limits {
    double lane[E5_LANES];
};

static struct limits limits_of(const struct e5_etccdi_job *job, int operand, enum e5_etccdi_param param) {
    struct limits limits;
    double value = number(job, param);
    for (size_t c = 0; c < E5_LANES; c++) limits.lane[c] = job->series[operand].wide ? value : (double)(float)value;
    return limits;
}

static struct e5_tally_limit as_limit(const struct limits *limits, enum e5_tally_test test) {
    return (struct e5_tally_limit){test, limits->lane};
}

static size_t results(const struct e5_etccdi_job *job) { return job->plan->periods->count * E5_LANES; }

/* --- counts, sums, extremes --- */

void e5_etccdi_count(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_tally_count(&job->plan->tally, job->series[index->operand], as_limit(&limits, index->test), out);
}

void e5_etccdi_total(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_tally_sum(&job->plan->tally, job->series[index->operand], as_limit(&limits, index->test), out);
}

void e5_etccdi_intensity(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    e5_etccdi_total(job, index, out);
    e5_etccdi_count(job, index, job->days);
    double dry = choice(job, E5_ETCCDI_DRY_PERIOD) == 0 ? 0 : NAN;
    for (size_t i = 0; i < results(job); i++) out[i] = job->days[i] > 0 ? out[i] / job->days[i] : dry;
}

void e5_etccdi_degree_days(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_tally_excess(&job->plan->tally, job->series[index->operand], as_limit(&limits, index->test), out);
}

void e5_etccdi_freeze_thaw(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_tally_count_both(&job->plan->tally, job->series[E5_ETCCDI_TN], as_limit(&limits, E5_TALLY_BELOW),
                        job->series[E5_ETCCDI_TX], as_limit(&limits, E5_TALLY_ABOVE), out);
}

void e5_etccdi_largest(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    e5_tally_largest(&job->plan->tally, job->series[index->operand], out);
}

void e5_etccdi_smallest(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    e5_tally_smallest(&job->plan->tally, job->series[index->operand], out);
}

void e5_etccdi_daily_range(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    (void)index;
    e5_tally_mean_difference(&job->plan->tally, job->series[E5_ETCCDI_TX], job->series[E5_ETCCDI_TN], out);
}

void e5_etccdi_largest_sum(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    e5_rolling_largest(&job->plan->rolling, job->series[index->operand], out);
}

/* --- seasons --- */

void e5_etccdi_growing_season(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    struct limits limits = limits_of(job, index->operand, index->limit);
    int32_t days = (int32_t)choice(job, E5_ETCCDI_SEASON_DAYS);
    enum e5_season_rule rule = (enum e5_season_rule)choice(job, E5_ETCCDI_SEASON);
    e5_season_length(&plan->season, job->series[index->operand], limits.lane[0], days, rule, out);
    if (!plan->by_hemisphere) return;
    e5_season_length(&plan->south, job->series[index->operand], limits.lane[0], days, rule, job->days);
    for (size_t i = 0; i < results(job); i++) {
        size_t year = i / E5_LANES + plan->south_skips, c = i % E5_LANES;
        if (job->latitude[c] < 0) out[i] = year < plan->south.years ? job->days[year * E5_LANES + c] : NAN;
    }
}

void e5_etccdi_last_frost(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_season_last_below(&job->plan->season, job->series[index->operand], limits.lane[0], out);
}

void e5_etccdi_frost_season(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = limits_of(job, index->operand, index->limit);
    e5_season_span_below(&job->plan->season, job->series[index->operand], limits.lane[0], out);
}

/* --- percentiles of the day of the year --- */

static void find_beyond(struct e5_etccdi_job *job, const struct e5_etccdi_index *index) {
    bool high = index->limit == E5_ETCCDI_HIGH;
    const struct e5_etccdi_percentile *wanted = &job->plan->percentile[index->operand][high];
    const struct e5_spell_axis *spells = &job->plan->spells;
    struct e5_replicate_flags each = {job->replicates, e5_spell_axis_size(spells), spells->bit};
    const struct e5_replicate_flags *flags = wanted->flagged ? &each : NULL;
    struct e5_tally_series x = job->series[index->operand];
    if (job->at_hand == wanted) return;
    job->at_hand = wanted;
    if (wanted->flagged) memset(each.flags, 0, wanted->exceedance.replicates * each.size * sizeof *each.flags);
    if (wanted->counted && x.wide)
        e5_exceedance_flags_f64(&wanted->exceedance, x.values, job->beyond, job->thresholds, flags, job->work);
    else if (wanted->counted)
        e5_exceedance_flags_f32(&wanted->exceedance, x.values, job->beyond, job->thresholds, flags, job->work);
    else if (x.wide)
        e5_doy_percentiles_f64(&wanted->doy, x.values, job->thresholds, job->work);
    else
        e5_doy_percentiles_f32(&wanted->doy, x.values, job->thresholds, job->work);
}

/* Days as percent of those that the data have of a period; a period without any valid one has none. */
static void as_percent_of_all(const struct e5_etccdi_job *job, double *out) {
    const struct e5_tally_axis *axis = &job->plan->tally;
    double *days = job->days; /* the valid ones, and then all */
    for (size_t i = 0; i < results(job); i++) {
        out[i] = days[i] > 0 ? 100 * out[i] : NAN;
        days[i] = 0;
    }
    for (size_t s = 0; s < axis->count; s++)
        for (size_t c = 0; c < E5_LANES; c++)
            days[axis->span[s].period * E5_LANES + c] += (double)(axis->span[s].end - axis->span[s].first);
    for (size_t i = 0; i < results(job); i++) out[i] /= days[i];
}

void e5_etccdi_beyond_percentile(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    find_beyond(job, index);
    e5_exceedance_sum(&job->at_hand->exceedance, plan->periods, job->beyond, out, job->days);
    int64_t of = choice(job, E5_ETCCDI_PERCENT_OF);
    for (size_t i = 0; i < results(job) && of == E5_ETCCDI_OF_VALID; i++)
        out[i] = job->days[i] > 0 ? 100 * out[i] / job->days[i] : NAN;
    if (of == E5_ETCCDI_OF_ALL) as_percent_of_all(job, out);
}

static enum e5_spell_test spell_test(enum e5_tally_test test) {
    static const enum e5_spell_test same[] = {E5_SPELL_ABOVE, E5_SPELL_AT_LEAST, E5_SPELL_BELOW, E5_SPELL_AT_MOST};
    return same[test];
}

static struct e5_spell_series as_spells(struct e5_tally_series x) {
    return (struct e5_spell_series){x.values, x.wide};
}

/* Days of each period in spells of the rule. */
static void days_in_spells(struct e5_etccdi_job *job, const struct e5_spell_rule *rule, uint32_t *flags,
                           double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    e5_spell_select(&plan->spells, rule, flags, NULL, NULL);
    if (plan->spells.border == E5_SPELL_CUT || plan->spells.border == E5_SPELL_OWN) {
        e5_spell_days(&plan->spells, plan->periods->count, flags, out);
        return;
    }
    e5_spell_count(&plan->spells, plan->periods->count, flags, job->counts);
    for (size_t i = 0; i < results(job); i++) out[i] = job->counts[i / E5_LANES].total[i % E5_LANES];
}

/* The mean of all replicates; days outside of the base are the same in each. */
static void days_in_spells_of_replicates(struct e5_etccdi_job *job, const struct e5_spell_rule *rule, double *out) {
    const struct e5_exceedance *exceedance = &job->at_hand->exceedance;
    const struct e5_spell_axis *axis = &job->plan->spells;
    size_t size = e5_spell_axis_size(axis);
    for (size_t t = 0; t < exceedance->samples; t++) {
        uint32_t *word = job->flags + axis->bit[t] / 32 * E5_LANES;
        for (size_t c = 0; exceedance->year[t] >= 0 && c < E5_LANES; c++)
            word[c] &= ~(UINT32_C(1) << axis->bit[t] % 32);
    }
    memset(out, 0, results(job) * sizeof *out);
    for (size_t k = 0; k < exceedance->replicates; k++) {
        uint32_t *flags = job->replicates + k * size;
        for (size_t i = 0; i < size; i++) flags[i] |= job->flags[i];
        days_in_spells(job, rule, flags, job->days);
        for (size_t i = 0; i < results(job); i++) out[i] += job->days[i];
    }
    for (size_t i = 0; i < results(job); i++) out[i] /= (double)exceedance->replicates;
}

void e5_etccdi_percentile_spells(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    const struct e5_spell_rule rule = {.minimum = (size_t)choice(job, E5_ETCCDI_SPELL_DAYS)};
    bool inclusive = choice(job, E5_ETCCDI_INCLUSIVE) != 0;
    enum e5_tally_test test = index->test == E5_TALLY_ABOVE ? (inclusive ? E5_TALLY_AT_LEAST : E5_TALLY_ABOVE)
                                                            : (inclusive ? E5_TALLY_AT_MOST : E5_TALLY_BELOW);
    find_beyond(job, index);
    struct e5_spell_limit limit = {job->thresholds, job->at_hand->doy.results, plan->slot};
    e5_spell_flags(&plan->spells, as_spells(job->series[index->operand]), limit, spell_test(test), job->flags);
    if (job->at_hand->flagged)
        days_in_spells_of_replicates(job, &rule, out);
    else
        days_in_spells(job, &rule, job->flags, out);
}

/* --- dry and wet spells --- */

/* A period that lies wholly inside a spell which ends later has no value: it is neither 0 nor known. */
static void leave_out_inner(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_tally_axis *tally = &job->plan->tally;
    double steps = 0;
    e5_etccdi_count(job, index, job->days);
    for (size_t s = 0; s < tally->count; s++) {
        size_t period = tally->span[s].period;
        bool last = s + 1 == tally->count || tally->span[s + 1].period != period;
        steps += (double)(tally->span[s].end - tally->span[s].first);
        for (size_t c = 0; last && c < E5_LANES; c++) {
            size_t i = period * E5_LANES + c;
            if (out[i] == 0 && job->days[i] == steps) out[i] = NAN;
        }
        if (last) steps = 0;
    }
}

void e5_etccdi_longest(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    struct limits limits = limits_of(job, index->operand, index->limit);
    struct e5_spell_limit limit = {limits.lane, 1, NULL};
    e5_spell_flags(&plan->longest, as_spells(job->series[index->operand]), limit, spell_test(index->test),
                   job->flags);
    if (plan->longest.border != E5_SPELL_FIRST) {
        e5_spell_longest(&plan->longest, plan->periods->count, job->flags, out);
        if (plan->longest.border == E5_SPELL_LAST) leave_out_inner(job, index, out);
        return;
    }
    e5_spell_count(&plan->longest, plan->periods->count, job->flags, job->counts);
    for (size_t i = 0; i < results(job); i++) out[i] = job->counts[i / E5_LANES].longest[i % E5_LANES];
}

/* --- percentiles of wet days --- */

static struct limits wet_percentile(const struct e5_etccdi_job *job, const struct e5_etccdi_index *index) {
    const struct e5_etccdi_plan *plan = job->plan;
    struct limits found, wet = limits_of(job, index->operand, E5_ETCCDI_WET);
    struct e5_wet_quantile rule = {plan->base_first, plan->base_end, wet.lane[0], number(job, index->limit) / 100,
                                   (int)choice(job, E5_ETCCDI_TYPE)};
    e5_wet_quantile(&rule, job->series[index->operand], found.lane);
    return found;
}

/* Without a wet day in the base there is no percentile, and no answer. */
static void without_percentile(const struct e5_etccdi_job *job, const struct limits *limits, double *out) {
    for (size_t i = 0; i < results(job); i++)
        if (isnan(limits->lane[i % E5_LANES])) out[i] = NAN;
}

static enum e5_tally_test beyond_test(const struct e5_etccdi_job *job) {
    return choice(job, E5_ETCCDI_INCLUSIVE) != 0 ? E5_TALLY_AT_LEAST : E5_TALLY_ABOVE;
}

void e5_etccdi_rain_beyond(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = wet_percentile(job, index);
    e5_tally_sum(&job->plan->tally, job->series[index->operand], as_limit(&limits, beyond_test(job)), out);
    without_percentile(job, &limits, out);
}

void e5_etccdi_days_beyond(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits limits = wet_percentile(job, index);
    e5_tally_count(&job->plan->tally, job->series[index->operand], as_limit(&limits, beyond_test(job)), out);
    without_percentile(job, &limits, out);
}

void e5_etccdi_share_beyond(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    struct limits wet = limits_of(job, index->operand, E5_ETCCDI_WET);
    enum e5_tally_test test = choice(job, E5_ETCCDI_WET_TEST) == 0 ? E5_TALLY_AT_LEAST : E5_TALLY_ABOVE;
    e5_etccdi_rain_beyond(job, index, out);
    e5_tally_sum(&job->plan->tally, job->series[index->operand], as_limit(&wet, test), job->days);
    for (size_t i = 0; i < results(job); i++) out[i] = job->days[i] > 0 ? 100 * out[i] / job->days[i] : NAN;
}
