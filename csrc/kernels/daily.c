/* daily: one value for the samples of a day. */
#include "kernels/statistic.h"

const struct e5_scan_ops e5_daily_ops = {e5_statistic_state_size, e5_statistic_begin, e5_statistic_steps,
                                         e5_statistic_end};
