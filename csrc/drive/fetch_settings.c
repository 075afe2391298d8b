#include "drive/fetch_settings.h"

#include <math.h>

void e5_fetch_settings_init(struct e5_fetch_settings *settings) {
    *settings = (struct e5_fetch_settings){
#define E5_FETCH_SETTING(name, preset, lowest, highest, unit, meaning) .name = preset,
#include "drive/fetch_settings.def"
#undef E5_FETCH_SETTING
    };
}

static enum e5_status check_setting(const char *name, double value, double lowest, double highest,
                                    struct e5_error *err) {
    if (value >= lowest && value <= highest) return E5_OK;
    return e5_fail(err, E5_INPUT, "%s must be between %g and %g, not %g", name, lowest, highest, value);
}

enum e5_status e5_fetch_settings_check(const struct e5_fetch_settings *settings, struct e5_error *err) {
    enum e5_status status = E5_OK;
#define E5_FETCH_SETTING(name, preset, lowest, highest, unit, meaning) \
    if (status == E5_OK) status = check_setting(#name, settings->name, lowest, highest, err);
#include "drive/fetch_settings.def"
#undef E5_FETCH_SETTING
    return status;
}

void e5_fetch_settings_limit(const struct e5_fetch_settings *settings, struct e5_http_options *http) {
    http->timeout = settings->timeout;
    http->connect_timeout = settings->connect_timeout;
    double patience = settings->patience > 0 ? settings->patience : INFINITY; /* 0: nothing is tried again */
    http->low_speed_time = fmin(settings->low_speed_time, patience); /* silence counts before it is a fault, too */
    http->low_speed_limit = settings->low_speed_limit;
}

struct e5_retry_policy e5_fetch_settings_retry(const struct e5_fetch_settings *settings) {
    return (struct e5_retry_policy){.patience = settings->patience,
                                    .pace = settings->pace,
                                    .first = settings->retry_wait,
                                    .longest = settings->retry_wait_max};
}
