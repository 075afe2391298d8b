/* fetch_settings: the numbers that a user may set, and what the layers below are told of them.
 *
 * The table is drive/fetch_settings.def.  Any thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_SETTINGS_H
#define E5_DRIVE_FETCH_SETTINGS_H

#include "net/http.h"
#include "net/retry.h"

struct e5_fetch_settings {
#define E5_FETCH_SETTING(name, preset, lowest, highest, unit, meaning) double name;
#include "drive/fetch_settings.def"
#undef E5_FETCH_SETTING
};

/* The defaults of the table. */
void e5_fetch_settings_init(struct e5_fetch_settings *settings);
/* E5_INPUT for the first one that is out of its bounds. */
E5_MUST_USE enum e5_status e5_fetch_settings_check(const struct e5_fetch_settings *settings, struct e5_error *err);
/* Set how long a call may take. */
void e5_fetch_settings_limit(const struct e5_fetch_settings *settings, struct e5_http_options *http);
/* How long temporary faults are ridden out. */
struct e5_retry_policy e5_fetch_settings_retry(const struct e5_fetch_settings *settings);

#endif
