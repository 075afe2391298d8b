#include "db/moment.h"

#include <stdio.h>

struct e5_moment e5_moment_of(enum e5_calendar calendar, int64_t seconds) {
    int64_t days = e5_day_of(seconds);
    int rest = (int)(seconds - days * E5_DAY);
    struct e5_date date = e5_date_from_days(calendar, days);
    struct e5_moment out = {.stamp = ""};
    snprintf(out.day, sizeof out.day, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
    if (date.year < 0 || date.year > 9999) return out;
    int last = e5_calendar_month_days(E5_PROLEPTIC, date.year, date.month);
    if (date.day > last) date.day = last;
    snprintf(out.stamp, sizeof out.stamp, "%04d-%02d-%02dT%02d:%02d:%02d.000Z", (int)date.year, date.month, date.day,
             rest / 3600, rest / 60 % 60, rest % 60);
    return out;
}
