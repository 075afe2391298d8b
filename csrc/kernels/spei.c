/* spei: how unusual is the water balance of the last months?  Vicente-Serrano, Beguería & López-Moreno 2010.
 *
 * Given: monthly precipitation less potential evapotranspiration.  Returned: the standardised index of every month.
 */
#include "kernels/standard_index.h"

enum { SCALE, BASE_PERIOD, DISTRIBUTION, LIMIT, STEP }; /* params, in the order of kernels.def */

static enum e5_status plan(const struct e5_params *params, const struct e5_series_input *input,
                           struct e5_series_plan *out, struct e5_error *err) {
    static const enum e5_standard_distribution choices[] = {E5_STANDARD_LOG_LOGISTIC, E5_STANDARD_PEARSON3,
                                                            E5_STANDARD_NORMAL};
    const union e5_param *value = params->value;
    struct e5_standard how = {
        .scale = (size_t)value[SCALE].integer,
        .distribution = choices[value[DISTRIBUTION].integer],
        .limit = value[LIMIT].number,
        .step = (enum e5_standard_step)value[STEP].integer,
    };
    return e5_standard_index_plan(&how, &value[BASE_PERIOD].period, input, out, err);
}

const struct e5_series_ops e5_spei_ops = {
    .plan = plan, .tile_f64 = e5_standard_index_tile, .plan_free = e5_standard_index_free};
