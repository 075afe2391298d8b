#include "kernels/sunlit.h"

#include <stdlib.h>

#include "base/alloc.h"

void e5_sunlit_free(void *plan) {
    e5_daylight_fini(plan);
    free(plan);
}

enum e5_status e5_sunlit_plan(enum e5_sun formula, const struct e5_series_input *input, struct e5_series_plan *out,
                              struct e5_error *err) {
    struct e5_daylight *plan;
    enum e5_status status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    status = e5_daylight_init(plan, input->axis, formula, err);
    if (status != E5_OK) {
        free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, input->axis->n, E5_DAYLIGHT_DAYS * E5_LANES * sizeof(double)};
    return E5_OK;
}
