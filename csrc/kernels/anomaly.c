/* anomaly: a series less what is normal for its days of the year, months or seasons.
 *
 * Given: a series of any step, and its climatology (or any field with one map per day of the year, month or season).
 * Each value is compared with the map of its time. */
#include "base/alloc.h"
#include "base/simd.h"
#include "diag/cycle.h"
#include "kernels/kernel.h"

enum { X, CLIMATOLOGY }; /* operands */

struct plan {
    size_t steps;
    int32_t *slot; /* of each step */
};

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    free(plan->slot);
    free(plan);
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    const struct e5_time_axis *axis = input->axis;
    enum e5_cycle cycle;
    (void)params;
    enum e5_status status = e5_cycle_by_slots(axis->calendar, input->rows[CLIMATOLOGY], &cycle, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    plan->steps = axis->n;
    status = e5_alloc(axis->n, sizeof *plan->slot, &plan->slot, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    e5_cycle_of(axis, cycle, plan->slot);
    *out = (struct e5_series_plan){plan, axis->n, 0};
    return E5_OK;
}

E5_SIMD_BODY void subtract_body(const struct plan *plan, const double *values, const double *normal,
                                double *restrict out) {
    for (size_t i = 0; i < plan->steps; i++) {
        const double *from = normal + (size_t)plan->slot[i] * E5_LANES;
        for (size_t k = 0; k < E5_LANES; k++) out[i * E5_LANES + k] = values[i * E5_LANES + k] - from[k];
    }
}
E5_SIMD_VARIANTS(subtract,
                 (const struct plan *plan, const double *values, const double *normal, double *restrict out),
                 (plan, values, normal, out))

static void tile(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    (void)scratch;
    subtract(plan, operands[X].values, operands[CLIMATOLOGY].values, out);
}

const struct e5_series_ops e5_anomaly_ops = {.plan = plan_new, .tile_f64 = tile, .plan_free = plan_free};
