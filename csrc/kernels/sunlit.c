#include "kernels/sunlit.h"

#include <stdlib.h>

#include "base/alloc.h"

void e5_sunlit_free(void *plan) {
    e5_daylight_fini(plan);
    free(plan);
}

enum e5_status e5_latitude_check(const struct e5_series_input *input, size_t operand, struct e5_error *err) {
    if (input->rows[operand] > 0) return E5_OK;
    return e5_fail(err, E5_INPUT, "cell_latitude is missing: the length of the day depends on it");
}

enum e5_status e5_sunlit_plan(enum e5_sun formula, const struct e5_series_input *input, size_t latitude,
                              struct e5_series_plan *out, struct e5_error *err) {
    struct e5_daylight *plan;
    enum e5_status status = e5_latitude_check(input, latitude, err);
    if (status == E5_OK) status = e5_alloc(1, sizeof *plan, &plan, err);
    if (status != E5_OK) return status;
    status = e5_daylight_init(plan, input->axis, formula, err);
    if (status != E5_OK) {
        free(plan);
        return status;
    }
    *out = (struct e5_series_plan){plan, input->axis->n, E5_DAYLIGHT_DAYS * E5_LANES * sizeof(double)};
    return E5_OK;
}
