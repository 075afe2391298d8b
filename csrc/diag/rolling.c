#include "diag/rolling.h"

#include <math.h>

#include "base/alloc.h"

enum e5_status e5_rolling_init(struct e5_rolling *rolling, const struct e5_time_axis *time, const int32_t *of_sample,
                               size_t periods, struct e5_rolling_rule rule, struct e5_error *err) {
    *rolling = (struct e5_rolling){.periods = periods, .whole = rule.whole};
    enum e5_status status = e5_alloc(time->n, sizeof *rolling->window, &rolling->window, err);
    if (status != E5_OK) return status;
    for (size_t t = 0, first = 0, named = 0; t < time->n; t++) {
        int64_t day = e5_day_of(time->seconds[t]), earliest = day - rule.days + 1;
        int64_t name = rule.centre ? day - rule.days / 2 : day;
        while (e5_day_of(time->seconds[first]) < earliest) first++;
        while (e5_day_of(time->seconds[named]) < name) named++;
        bool inside = earliest >= e5_day_of(time->seconds[0]) && of_sample[named] >= 0;
        if (inside && (!rule.whole || t - first + 1 == (size_t)rule.days))
            rolling->window[rolling->count++] = (struct e5_rolling_window){first, t + 1, (size_t)of_sample[named]};
    }
    return E5_OK;
}

void e5_rolling_fini(struct e5_rolling *rolling) {
    free(rolling->window);
    *rolling = (struct e5_rolling){0};
}

/* One window of all lanes; `wide` and `whole` are constants in each of their uses. */
E5_SIMD_BODY void sum_window(const void *values, bool wide, bool whole, struct e5_rolling_window window,
                             double *restrict largest) {
    double sum[E5_LANES] = {0};
    for (size_t t = window.first; t < window.end; t++) E5_EACH_LANE(c) {
            double x =
                wide ? ((const double *)values)[t * E5_LANES + c] : (double)((const float *)values)[t * E5_LANES + c];
            sum[c] += whole ? (x < 0 ? 0 : x) : (x > 0 ? x : 0);
        }
    E5_EACH_LANE(c) largest[c] = sum[c] > largest[c] ? sum[c] : largest[c];
}

E5_SIMD_BODY void windows_body(const struct e5_rolling *rolling, struct e5_tally_series x, double *out) {
    for (size_t i = 0; i < rolling->count; i++) {
        struct e5_rolling_window window = rolling->window[i];
        double *largest = out + window.period * E5_LANES;
        if (rolling->whole)
            x.wide ? sum_window(x.values, true, true, window, largest)
                   : sum_window(x.values, false, true, window, largest);
        else
            x.wide ? sum_window(x.values, true, false, window, largest)
                   : sum_window(x.values, false, false, window, largest);
    }
}
E5_SIMD_VARIANTS(windows, (const struct e5_rolling *rolling, struct e5_tally_series x, double *out),
                 (rolling, x, out))

void e5_rolling_largest(const struct e5_rolling *rolling, struct e5_tally_series x, double *out) {
    for (size_t i = 0; i < rolling->periods * E5_LANES; i++) out[i] = -1; /* less than any sum */
    windows(rolling, x, out);
    for (size_t i = 0; i < rolling->periods * E5_LANES; i++) out[i] = out[i] < 0 ? NAN : out[i];
}
