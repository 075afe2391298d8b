/* spell_statistics: how many spells a period has, how long they are, when the first begins and the last ends.
 *
 * Given: a daily series and what it is compared with; or two series with a limit each that must both be passed.
 * Everything that makes a definition differ from another (diag/spells.h) is a parameter. */
#include <math.h>

#include "base/alloc.h"
#include "diag/spells.h"
#include "kernels/kernel.h"

enum { X, THRESHOLD, Y, Y_THRESHOLD, STAY };                             /* operands */
enum { OP, MIN_LENGTH, MAX_GAP, GAP_ORDER, BORDER, LEAP_DAY };           /* params, in the order of kernels.def */
enum { COUNT, TOTAL, LONGEST, MEAN, FIRST, LAST, OUTPUTS };              /* in the order of kernels.def */
static const size_t LIMITS[] = {THRESHOLD, Y_THRESHOLD, STAY};

struct plan {
    struct e5_spell_axis axis;
    struct e5_spell_rule rule;
    enum e5_spell_test test;
    size_t periods;
    int32_t *slot[STAY + 1]; /* of limits: of each step */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_spell_axis_fini(&plan->axis);
    for (size_t i = 0; i <= STAY; i++) free(plan->slot[i]);
    free(plan);
}

static enum e5_status find_slots(struct plan *plan, const struct e5_params *params,
                                 const struct e5_series_input *input, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS && status == E5_OK; i++) {
        size_t rows = input->rows[LIMITS[i]];
        int32_t **slot = &plan->slot[LIMITS[i]];
        if (rows == 0) continue;
        status = e5_alloc(input->axis->n, sizeof **slot, slot, err);
        if (status == E5_OK)
            status = e5_spell_slots(input->axis, rows, params->value[LEAP_DAY].integer == 0, *slot, err);
    }
    return status;
}

static enum e5_status check(const struct e5_series_input *input, struct e5_error *err) {
    if ((input->rows[Y] > 0) == (input->rows[Y_THRESHOLD] > 0)) return E5_OK;
    return e5_fail(err, E5_INPUT, "spell_statistics: y and y_threshold are given together or not at all");
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = check(input, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->rule =
        (struct e5_spell_rule){(size_t)params->value[MIN_LENGTH].integer, (size_t)params->value[MAX_GAP].integer,
                               (enum e5_spell_order)params->value[GAP_ORDER].integer};
    plan->test = (enum e5_spell_test)params->value[OP].integer;
    plan->periods = input->periods->count;
    status = e5_spell_axis_init(&plan->axis, input->axis, input->periods,
                                (enum e5_spell_border)params->value[BORDER].integer, &plan->rule, err);
    if (status == E5_OK) status = find_slots(plan, params, input, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    size_t flags = 4 * e5_spell_axis_size(&plan->axis) * sizeof(uint32_t);
    *out = (struct e5_series_plan){plan, OUTPUTS * plan->periods,
                                   flags + (plan->periods + 1) * sizeof(struct e5_spell_counts)};
    return E5_OK;
}

static struct e5_spell_limit limit_of(const struct plan *plan, const struct e5_tile *operands, size_t i) {
    return (struct e5_spell_limit){operands[i].values, operands[i].rows, plan->slot[i]};
}

/* The steps that may be part of a spell.  `others` is scratch of one size of flags. */
static void find_flags(const struct plan *plan, const struct e5_tile *operands, bool wide, uint32_t *flags,
                       uint32_t *others) {
    struct e5_spell_series x = {operands[X].values, wide}, y = {operands[Y].values, wide};
    e5_spell_flags(&plan->axis, x, limit_of(plan, operands, THRESHOLD), plan->test, flags);
    if (operands[STAY].rows > 0) {
        e5_spell_flags(&plan->axis, x, limit_of(plan, operands, STAY), plan->test, others);
        e5_spell_linger(&plan->axis, flags, others);
    }
    if (operands[Y].rows > 0) {
        e5_spell_flags(&plan->axis, y, limit_of(plan, operands, Y_THRESHOLD), plan->test, others);
        e5_spell_both(&plan->axis, flags, others);
    }
}

/* The steps that are known in all series. */
static void find_known(const struct plan *plan, const struct e5_tile *operands, bool wide, uint32_t *known,
                       uint32_t *others) {
    e5_spell_known(&plan->axis, (struct e5_spell_series){operands[X].values, wide}, known);
    if (operands[Y].rows == 0) return;
    e5_spell_known(&plan->axis, (struct e5_spell_series){operands[Y].values, wide}, others);
    e5_spell_both(&plan->axis, known, others);
}

static void put(const struct plan *plan, size_t period, const struct e5_spell_counts *counts, double *out) {
    for (size_t c = 0; c < E5_LANES; c++) {
        int32_t count = counts->count[c];
        double value[OUTPUTS] = {[COUNT] = count,
                                 [TOTAL] = counts->total[c],
                                 [LONGEST] = counts->longest[c],
                                 [MEAN] = count > 0 ? (double)counts->total[c] / count : NAN,
                                 [FIRST] = count > 0 ? counts->first[c] : NAN,
                                 [LAST] = count > 0 ? counts->last[c] : NAN};
        for (size_t i = 0; i < OUTPUTS; i++) out[(i * plan->periods + period) * E5_LANES + c] = value[i];
    }
}

/* Scratch: counts, flags, known steps, and two more of their size. */
static void tile(const struct plan *plan, const struct e5_tile *operands, bool wide, double *out, void *scratch) {
    size_t size = e5_spell_axis_size(&plan->axis);
    struct e5_spell_counts *counts = scratch;
    uint32_t *flags = (uint32_t *)(counts + plan->periods + 1), *known = flags + size, *others = known + size;
    find_flags(plan, operands, wide, flags, others);
    if (plan->rule.gap > 0) find_known(plan, operands, wide, known, others);
    e5_spell_select(&plan->axis, &plan->rule, flags, known, others);
    e5_spell_count(&plan->axis, plan->periods, flags, counts);
    for (size_t p = 0; p < plan->periods; p++) put(plan, p, &counts[p], out);
}

static void tile_f32(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    tile(plan, operands, false, out, scratch);
}

static void tile_f64(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    tile(plan, operands, true, out, scratch);
}

const struct e5_series_ops e5_spell_statistics_ops = {
    .plan = plan_new, .tile_f32 = tile_f32, .tile_f64 = tile_f64, .plan_free = plan_free};
