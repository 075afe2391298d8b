#include "db/moment.h"

#include <stdio.h>
#include <string.h>

/* `digits` digits of a number that is not negative, and what follows them; by hand, since a batch has many dates. */
static char *put(char *to, int64_t number, int digits, char after) {
    for (int i = digits - 1; i >= 0; i--, number /= 10) to[i] = (char)('0' + number % 10);
    to[digits] = after;
    return to + digits + 1;
}

static void put_date(char *to, int year, int month, int day, char after) {
    put(put(put(to, year, 4, '-'), month, 2, '-'), day, 2, after);
}

struct e5_moment e5_moment_of(enum e5_calendar calendar, int64_t seconds) {
    int64_t days = e5_day_of(seconds);
    int rest = (int)(seconds - days * E5_DAY);
    struct e5_date date = e5_date_from_days(calendar, days);
    struct e5_moment out = {.stamp = ""};
    if (date.year < 0 || date.year > 9999) {
        snprintf(out.day, sizeof out.day, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
        return out;
    }
    put_date(out.day, (int)date.year, date.month, date.day, '\0');
    int last = e5_calendar_month_days(E5_PROLEPTIC, date.year, date.month);
    put_date(out.stamp, (int)date.year, date.month, date.day > last ? last : date.day, 'T');
    char *time = out.stamp + strlen("yyyy-mm-ddT");
    time = put(put(put(time, rest / 3600, 2, ':'), rest / 60 % 60, 2, ':'), rest % 60, 2, '.');
    memcpy(time, "000Z", sizeof "000Z");
    return out;
}
