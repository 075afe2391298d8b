/* etccdi: the table of the indices, and one tile through all of them. */
#include "kernels/etccdi.h"

#include <math.h>
#include <string.h>

/* Short names for the rows. */
enum { TX = 1 << E5_ETCCDI_TX, TN = 1 << E5_ETCCDI_TN, TG = 1 << E5_ETCCDI_TG, PR = 1 << E5_ETCCDI_PR };
#define DOY                                                                                    \
    "base_period=base_period window=window type=type neighbours=neighbours leap_day=leap_day " \
    "min_share=min_share inclusive=inclusive"
#define SHARE "bootstrap=bootstrap percent_of=percent_of "
#define SPELL "days=spell_days spells=spells bootstrap=bootstrap bootstrap_of=bootstrap_of "
#define WET_DAYS "base_period=base_period type=type inclusive=inclusive"
#define OPERAND(bit) \
    ((bit) == TX ? E5_ETCCDI_TX : (bit) == TN ? E5_ETCCDI_TN : (bit) == TG ? E5_ETCCDI_TG : E5_ETCCDI_PR)
#define INDEX(name_, title_, units_, methods_, standard_, monthly_, operands_, parameters_, function_, operand_, \
              test_, limit_)                                                                                     \
    {#name_,                                                                                                     \
     units_,                                                                                                     \
     methods_,                                                                                                   \
     title_,                                                                                                     \
     standard_,                                                                                                  \
     E5_ETCCDI_##monthly_,                                                                                       \
     operands_,                                                                                                  \
     parameters_,                                                                                                \
     e5_etccdi_##function_,                                                                                      \
     OPERAND(operand_),                                                                                          \
     E5_TALLY_##test_,                                                                                           \
     E5_ETCCDI_##limit_},
const struct e5_etccdi_index e5_etccdi_indices[] = {
#include "kernels/etccdi.def"
};
const size_t e5_etccdi_index_count = sizeof e5_etccdi_indices / sizeof *e5_etccdi_indices;

/* --- scratch --- */

struct area {
    char *start; /* NULL: only the size is wanted */
    size_t bytes;
};

static void *take(struct area *area, size_t bytes) {
    char *place = area->start == NULL ? NULL : area->start + area->bytes;
    area->bytes += (bytes + 63) / 64 * 64;
    return place;
}

static size_t percentile_bytes(const struct e5_etccdi_plan *plan) {
    size_t most = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct e5_etccdi_percentile *percentile = &plan->percentile[i / 2][i % 2];
        size_t bytes = percentile->counted ? e5_exceedance_scratch(&percentile->exceedance)
                       : percentile->used  ? e5_doy_scratch(&percentile->doy)
                                           : 0;
        if (bytes > most) most = bytes;
    }
    return most;
}

/* Replicates of which each has flags of its own. */
static size_t most_replicates(const struct e5_etccdi_plan *plan) {
    size_t most = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct e5_etccdi_percentile *percentile = &plan->percentile[i / 2][i % 2];
        if (percentile->flagged && percentile->exceedance.replicates > most) most = percentile->exceedance.replicates;
    }
    return most;
}

/* Lay out the scratch; its size. */
static size_t lay_out(struct e5_etccdi_job *job, char *start) {
    struct area area = {.start = start};
    const struct e5_etccdi_plan *plan = job->plan;
    size_t steps = plan->axis->n, periods = plan->periods->count;
    size_t flags = e5_spell_axis_size(&plan->spells), others = e5_spell_axis_size(&plan->longest);
    job->mean = take(&area, plan->mean_given ? 0 : steps * E5_LANES * sizeof(double));
    job->beyond = take(&area, steps * E5_LANES * sizeof *job->beyond);
    job->thresholds = take(&area, E5_SPELL_SLOTS * E5_LANES * sizeof *job->thresholds);
    job->flags = take(&area, (flags > others ? flags : others) * sizeof *job->flags);
    job->replicates = take(&area, most_replicates(plan) * flags * sizeof *job->replicates);
    job->counts = take(&area, (periods + 1) * sizeof *job->counts);
    job->days = take(&area, (periods + 1) * E5_LANES * sizeof *job->days);
    job->absent = take(&area, steps * sizeof *job->absent);
    job->taken = take(&area, (periods + 1) * sizeof *job->taken);
    job->work = take(&area, percentile_bytes(plan));
    return area.bytes;
}

/* --- missing data --- */

/* Whether any value of the tile is missing; most have none. */
E5_SIMD_BODY bool any_absent_f32(const float *x, size_t steps) {
    int32_t absent[E5_LANES] = {0}, any = 0;
    for (size_t t = 0; t < steps; t++) E5_EACH_LANE(c) absent[c] |= x[t * E5_LANES + c] != x[t * E5_LANES + c];
    for (size_t c = 0; c < E5_LANES; c++) any |= absent[c];
    return any != 0;
}

E5_SIMD_BODY bool any_absent_f64(const double *x, size_t steps) {
    int64_t absent[E5_LANES] = {0}, any = 0;
    for (size_t t = 0; t < steps; t++) E5_EACH_LANE(c) absent[c] |= x[t * E5_LANES + c] != x[t * E5_LANES + c];
    for (size_t c = 0; c < E5_LANES; c++) any |= absent[c];
    return any != 0;
}

E5_SIMD_BODY void look_for_absent_body(struct e5_tally_series x, size_t steps, bool *out) {
    *out = x.wide ? any_absent_f64(x.values, steps) : any_absent_f32(x.values, steps);
}
E5_SIMD_VARIANTS(look_for_absent, (struct e5_tally_series x, size_t steps, bool *out), (x, steps, out))

static void set_absent(struct e5_tally_series x, size_t steps, uint16_t *absent) {
    for (size_t i = 0; i < steps * E5_LANES; i++) {
        bool missing = x.wide ? isnan(((const double *)x.values)[i]) : isnan(((const float *)x.values)[i]);
        absent[i / E5_LANES] |= (uint16_t)((unsigned)missing << i % E5_LANES);
    }
}

static void take_away(const uint16_t *taken, size_t skips, size_t periods, unsigned lanes, double *out) {
    for (size_t p = 0; p < periods; p++)
        for (size_t c = 0; c < E5_LANES; c++)
            if ((taken[p + skips] & lanes) >> c & 1) out[p * E5_LANES + c] = NAN;
}

/* Lanes of the southern hemisphere, as bits. */
static unsigned southern(const struct e5_etccdi_job *job) {
    unsigned bits = 0;
    for (size_t c = 0; c < E5_LANES; c++) bits |= (unsigned)(job->latitude[c] < 0) << c;
    return bits;
}

/* Indices that need the same operands mostly follow each other: the last answer is kept. */
static void judge(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out) {
    const struct e5_etccdi_plan *plan = job->plan;
    size_t steps = plan->axis->n, periods = plan->periods->count;
    unsigned bits = index->operands & job->absent_in, all = (1u << E5_LANES) - 1, south = 0;
    bool both = plan->by_hemisphere && index->compute == e5_etccdi_growing_season;
    if (plan->missing == NULL) return;
    if (bits != 0 && bits != job->judged) {
        memset(job->absent, 0, steps * sizeof *job->absent);
        for (int i = 0; i < E5_ETCCDI_SERIES; i++)
            if ((bits >> i & 1) != 0) set_absent(job->series[i], steps, job->absent);
        e5_missing_judge(plan->missing, job->absent, job->taken);
        job->judged = bits;
    }
    if (both) south = southern(job);
    take_away(bits != 0 ? job->taken : plan->untouched, 0, periods, all & ~south, out);
    if (!both) return;
    size_t years = plan->south.years - plan->south_skips;
    uint16_t *taken = (uint16_t *)job->days;
    if (bits != 0) e5_missing_judge(&plan->south_missing, job->absent, taken);
    take_away(bits != 0 ? taken : plan->south_untouched, plan->south_skips, years < periods ? years : periods, south,
              out);
}

/* --- one tile --- */

E5_SIMD_BODY void mean_of_body(struct e5_tally_series tx, struct e5_tally_series tn, size_t steps, void *out) {
    const float *x = tx.values, *n = tn.values;
    const double *wide_x = tx.values, *wide_n = tn.values;
    float *mean = out;
    double *wide_mean = out;
    for (size_t i = 0; tx.wide && i < steps * E5_LANES; i++) wide_mean[i] = (wide_x[i] + wide_n[i]) / 2;
    for (size_t i = 0; !tx.wide && i < steps * E5_LANES; i++) mean[i] = (x[i] + n[i]) / 2;
}
E5_SIMD_VARIANTS(mean_of, (struct e5_tally_series tx, struct e5_tally_series tn, size_t steps, void *out),
                 (tx, tn, steps, out))

static void prepare(struct e5_etccdi_job *job, const struct e5_tile *operands, bool wide) {
    const struct e5_etccdi_plan *plan = job->plan;
    unsigned needs = e5_etccdi_needs(plan);
    for (int i = 0; i < E5_ETCCDI_SERIES; i++) job->series[i] = (struct e5_tally_series){operands[i].values, wide};
    job->latitude = operands[E5_ETCCDI_LATITUDE].rows > 0 ? operands[E5_ETCCDI_LATITUDE].values : NULL;
    if ((needs & TG) != 0 && !plan->mean_given) {
        mean_of(job->series[E5_ETCCDI_TX], job->series[E5_ETCCDI_TN], plan->axis->n, job->mean);
        job->series[E5_ETCCDI_TG].values = job->mean;
    }
    for (int i = 0; i < E5_ETCCDI_SERIES && plan->missing != NULL; i++) {
        bool absent = false;
        if ((needs >> i & 1) != 0) look_for_absent(job->series[i], plan->axis->n, &absent);
        job->absent_in |= (unsigned)absent << i;
    }
}

static void run(const struct e5_etccdi_plan *plan, const struct e5_tile *operands, bool wide, double *out,
                void *scratch) {
    struct e5_etccdi_job job = {.plan = plan};
    (void)lay_out(&job, scratch);
    prepare(&job, operands, wide);
    for (size_t i = 0; i < plan->indices; i++) {
        const struct e5_etccdi_index *index = &e5_etccdi_indices[plan->index[i]];
        double *results = out + i * plan->periods->count * E5_LANES;
        index->compute(&job, index, results);
        judge(&job, index, results);
    }
}

static void tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    run(plan, operands, false, out, scratch);
}

static void tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    run(plan, operands, true, out, scratch);
}

static enum e5_status make_plan(const struct e5_params *params, const struct e5_series_input *input,
                                struct e5_series_plan *out, struct e5_error *err) {
    struct e5_etccdi_plan *plan;
    enum e5_status status = e5_etccdi_plan(params, input, &plan, err);
    if (status != E5_OK) return status;
    struct e5_etccdi_job job = {.plan = plan};
    out->plan = plan;
    out->out_rows = plan->indices * plan->periods->count;
    out->scratch_bytes = lay_out(&job, NULL);
    return E5_OK;
}

const struct e5_series_ops e5_etccdi_ops = {
    .plan = make_plan, .tile_f32 = tile_f32, .tile_f64 = tile_f64, .plan_free = e5_etccdi_plan_free};
