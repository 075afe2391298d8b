#include "kernels/standard_index.h"

#include "base/alloc.h"

#define MOST_MONTHS 72 /* that are added up; a number beyond is one of days */

void e5_standard_index_free(void *plan) {
    e5_standard_fini(plan);
    free(plan);
}

enum e5_status e5_standard_index_plan(const struct e5_standard *how, const struct e5_period *base,
                                      const struct e5_series_input *input, struct e5_series_plan *out,
                                      struct e5_error *err) {
    struct e5_standard *plan;
    if (how->step == E5_STANDARD_MONTH && how->scale > MOST_MONTHS)
        return e5_fail(err, E5_INPUT, "scale is %zu, must be 1 to %d where it counts months", how->scale,
                       MOST_MONTHS);
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    *plan = *how;
    status = e5_standard_init(plan, input->axis, base->given ? base->first_day : INT64_MIN,
                              base->given ? base->last_day : INT64_MAX, err);
    if (status != E5_OK) {
        e5_standard_index_free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, plan->months, e5_standard_scratch(plan)};
    return E5_OK;
}

void e5_standard_index_tile(const void *plan, const struct e5_tile *operands, double *out, void *scratch) {
    e5_standard_tile(plan, operands[0].values, out, scratch);
}
