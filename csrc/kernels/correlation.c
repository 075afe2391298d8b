/* correlation: do two series of a cell go together?
 *
 * Given: two series with the same times.  Returned: their correlation, its significance, and how many pairs there
 * were.  With a lag, y is taken so many steps later than x. */
#include "diag/correlation.h"

#include "base/alloc.h"
#include "kernels/kernel.h"

enum { METHOD, LAG }; /* params, in the order of kernels.def */
enum { PEARSON, SPEARMAN };
enum { R, P, PAIRS, OUTPUTS };

struct plan {
    size_t pairs, x, y; /* how many there are, and at which steps the first is */
    bool ranks;
};

static void plan_free(void *plan) { free(plan); }

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    int64_t lag = params->value[LAG].integer;
    size_t steps = input->axis->n, shift = (size_t)(lag < 0 ? -lag : lag);
    if (shift >= steps) return e5_fail(err, E5_INPUT, "a lag of %zu steps in a series of %zu", shift, steps);
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = (struct plan){steps - shift, lag < 0 ? shift : 0, lag > 0 ? shift : 0,
                          params->value[METHOD].integer == SPEARMAN};
    *out = (struct e5_series_plan){plan, OUTPUTS, e5_correlation_scratch(plan->pairs)};
    return E5_OK;
}

static void cell(const void *opaque, const double *const *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    struct e5_correlation found =
        e5_correlation(series[0] + plan->x, series[1] + plan->y, plan->pairs, plan->ranks, scratch);
    out[R] = found.r;
    out[P] = found.p;
    out[PAIRS] = (double)found.n;
}

const struct e5_series_ops e5_correlation_ops = {.plan = plan_new, .cell = cell, .plan_free = plan_free};
