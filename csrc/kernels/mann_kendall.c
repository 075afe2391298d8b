/* mann_kendall: is there a trend, and how steep is it?
 *
 * Given: one value per year, or per any step.  Returned: Sen's slope per year with limits of confidence, intercept,
 * Kendall's tau, and the score and significance of the test.  Times count in years, so that an annual series has
 * whole numbers and gaps do no harm. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/normal.h"
#include "diag/trend.h"
#include "kernels/kernel.h"
#include "model/calendar.h"

enum { CONFIDENCE }; /* params, in the order of kernels.def */
enum { SLOPE, LOWER, UPPER, INTERCEPT, TAU, Z, P, OUTPUTS };

#define MOST 16384 /* steps: their pairs take 1.4 GB, and 0.6 GB a thread */

struct plan {
    double quantile;
    struct e5_trend_axis axis; /* in years */
};

/* Year and the part of it that has passed. */
static double decimal_year(enum e5_calendar calendar, int64_t seconds) {
    int64_t days = e5_day_of(seconds);
    struct e5_date date = e5_date_from_days(calendar, days);
    double day = (double)(e5_date_yearday(calendar, date) - 1) + (double)(seconds - days * E5_DAY) / E5_DAY;
    return (double)date.year + day / e5_calendar_year_days(calendar, date.year);
}

static void plan_free(void *opaque) {
    struct plan *plan = opaque;
    e5_trend_axis_fini(&plan->axis);
    free(plan);
}

static enum e5_status check(const struct e5_time_axis *axis, struct e5_error *err) {
    if (axis->n <= MOST) return E5_OK;
    enum e5_status status = e5_fail(err, E5_INPUT, "mann_kendall: %zu steps, must be %d at most", axis->n, MOST);
    e5_error_hint(err, "make yearly or monthly values first, with resample()");
    return status;
}

static enum e5_status plan_new(const struct e5_params *params, const struct e5_series_input *input,
                               struct e5_series_plan *out, struct e5_error *err) {
    struct plan *plan;
    enum e5_status status = check(input->axis, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    size_t steps = input->axis->n;
    plan->quantile = e5_normal_quantile((1 + params->value[CONFIDENCE].number) / 2);
    status = e5_trend_axis_init(&plan->axis, steps, err);
    if (status != E5_OK) {
        plan_free(plan);
        return status;
    }
    for (size_t i = 0; i < steps; i++)
        plan->axis.time[i] = decimal_year(input->axis->calendar, input->axis->seconds[i]);
    e5_trend_axis_finish(&plan->axis);
    *out = (struct e5_series_plan){plan, OUTPUTS, e5_trend_scratch(steps) * sizeof(double)};
    return E5_OK;
}

static void cell(const void *opaque, const double *const *series, double *out, void *scratch) {
    const struct plan *plan = opaque;
    struct e5_trend found = e5_trend(&plan->axis, series[0], plan->quantile, scratch);
    out[SLOPE] = found.slope;
    out[LOWER] = found.lower;
    out[UPPER] = found.upper;
    out[INTERCEPT] = found.intercept;
    out[TAU] = found.tau;
    out[Z] = found.z;
    out[P] = found.p;
}

const struct e5_series_ops e5_mann_kendall_ops = {.plan = plan_new, .cell = cell, .plan_free = plan_free};
