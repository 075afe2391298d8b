/* spi: how unusual is the precipitation of the last months?  McKee, Doesken & Kleist 1993.
 *
 * Given: monthly or daily sums.  Returned: the standardised precipitation index of every month or day. */
#include "kernels/standard_index.h"

enum { SCALE, BASE_PERIOD, DISTRIBUTION, METHOD, ZEROS, LIMIT, STEP }; /* params, in the order of kernels.def */

static enum e5_status plan(const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_series_plan *out, struct e5_error *err) {
    const union e5_param *value = params->value;
    struct e5_standard how = {
        .scale = (size_t)value[SCALE].integer,
        .distribution = value[DISTRIBUTION].integer == 0 ? E5_STANDARD_GAMMA : E5_STANDARD_PEARSON3,
        .method = (enum e5_standard_method)value[METHOD].integer,
        .zeros = (enum e5_standard_zeros)value[ZEROS].integer,
        .limit = value[LIMIT].number,
        .step = (enum e5_standard_step)value[STEP].integer,
    };
    return e5_standard_index_plan(&how, &value[BASE_PERIOD].period, input, out, err);
}

const struct e5_series_ops e5_spi_ops = {
    .plan = plan, .tile_f64 = e5_standard_index_tile, .plan_free = e5_standard_index_free};
