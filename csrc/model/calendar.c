#include "model/calendar.h"

#include <stddef.h>

/* Each calendar repeats after a cycle, which begins with year 0.  STANDARD has no row of its own: it is PROLEPTIC
 * from 15 October 1582 and JULIAN before. */
static const struct {
    int64_t years, days;
} cycles[E5_CALENDAR_COUNT] = {
    [E5_PROLEPTIC] = {400, 146097}, [E5_NOLEAP] = {1, 365},  [E5_ALL_LEAP] = {1, 366},
    [E5_DAYS_360] = {1, 360},       [E5_JULIAN] = {4, 1461},
};

#define FIRST_GREGORIAN_DAY (-141427) /* 15 October 1582 in days since 1970 */
#define JULIAN_IS_LATE 13             /* 1 January 1970 of the Julian calendar is 14 January in the Gregorian one */

static const int common_month[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
static const int leap_month[13] = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366};
static const int equal_month[13] = {0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360};

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t multiples_below(int64_t year, int64_t step) { return (year + step - 1) / step; } /* 0 included */

static bool is_gregorian(struct e5_date date) {
    if (date.year != 1582) return date.year > 1582;
    return date.month > 10 || (date.month == 10 && date.day >= 15);
}

/* Which row of `cycles` rules on that date. */
static enum e5_calendar rule_of(enum e5_calendar calendar, struct e5_date date) {
    if (calendar != E5_STANDARD) return calendar;
    return is_gregorian(date) ? E5_PROLEPTIC : E5_JULIAN;
}

bool e5_calendar_leap(enum e5_calendar calendar, int64_t year) {
    switch (rule_of(calendar, (struct e5_date){year, 12, 31})) {
    case E5_PROLEPTIC: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    case E5_JULIAN: return year % 4 == 0;
    case E5_ALL_LEAP: return true;
    default: return false;
    }
}

static const int *month_table(enum e5_calendar calendar, int64_t year) {
    if (calendar == E5_DAYS_360) return equal_month;
    return e5_calendar_leap(calendar, year) ? leap_month : common_month;
}

int e5_calendar_month_days(enum e5_calendar calendar, int64_t year, int month) {
    if (month < 1 || month > 12) return 0;
    const int *table = month_table(calendar, year);
    bool reform = calendar == E5_STANDARD && year == 1582 && month == 10;
    return table[month] - table[month - 1] - (reform ? 10 : 0);
}

int e5_calendar_year_days(enum e5_calendar calendar, int64_t year) {
    bool reform = calendar == E5_STANDARD && year == 1582;
    return month_table(calendar, year)[12] - (reform ? 10 : 0);
}

bool e5_date_valid(enum e5_calendar calendar, struct e5_date date) {
    if (date.month < 1 || date.month > 12 || date.day < 1) return false;
    const int *table = month_table(calendar, date.year);
    bool skipped = calendar == E5_STANDARD && date.year == 1582 && date.month == 10 && date.day > 4 && date.day < 15;
    return date.day <= table[date.month] - table[date.month - 1] && !skipped;
}

/* Days from 1 January of year 0 to 1 January of `year`, both within one cycle. */
static int64_t days_before_year(enum e5_calendar rule, int64_t year) {
    int64_t common = cycles[rule].days / cycles[rule].years * year;
    if (rule == E5_JULIAN) return common + multiples_below(year, 4);
    if (rule != E5_PROLEPTIC) return common;
    return common + multiples_below(year, 4) - multiples_below(year, 100) + multiples_below(year, 400);
}

/* Days from 1 January of year 0, for a calendar with a row in `cycles`. */
static int64_t count_days(enum e5_calendar rule, struct e5_date date) {
    int64_t cycle = floor_divide(date.year, cycles[rule].years);
    int64_t year = date.year - cycle * cycles[rule].years;
    return cycle * cycles[rule].days + days_before_year(rule, year) + month_table(rule, year)[date.month - 1] +
           date.day - 1;
}

static struct e5_date find_date(enum e5_calendar rule, int64_t days) {
    int64_t cycle = floor_divide(days, cycles[rule].days);
    int64_t rest = days - cycle * cycles[rule].days;
    int64_t year = rest * cycles[rule].years / cycles[rule].days; /* right, or off by one */
    if (days_before_year(rule, year) > rest) year--;
    if (days_before_year(rule, year + 1) <= rest) year++;
    int day = (int)(rest - days_before_year(rule, year)), month = 1;
    const int *table = month_table(rule, year);
    while (table[month] <= day) month++;
    return (struct e5_date){cycle * cycles[rule].years + year, month, day - table[month - 1] + 1};
}

static int64_t day_of_1970(enum e5_calendar rule) { return count_days(rule, (struct e5_date){1970, 1, 1}); }

int64_t e5_date_to_days(enum e5_calendar calendar, struct e5_date date) {
    enum e5_calendar rule = rule_of(calendar, date);
    int64_t late = calendar == E5_STANDARD && rule == E5_JULIAN ? JULIAN_IS_LATE : 0;
    return count_days(rule, date) - day_of_1970(rule) + late;
}

struct e5_date e5_date_from_days(enum e5_calendar calendar, int64_t days) {
    enum e5_calendar rule = calendar;
    if (calendar == E5_STANDARD) {
        rule = days >= FIRST_GREGORIAN_DAY ? E5_PROLEPTIC : E5_JULIAN;
        days -= rule == E5_JULIAN ? JULIAN_IS_LATE : 0;
    }
    return find_date(rule, days + day_of_1970(rule));
}

int e5_date_yearday(enum e5_calendar calendar, struct e5_date date) {
    struct e5_date first = {date.year, 1, 1};
    return (int)(e5_date_to_days(calendar, date) - e5_date_to_days(calendar, first)) + 1;
}
