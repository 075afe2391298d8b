/* The second half of calendar.h: names of calendars, dates and "<unit> since <date>" as text. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/calendar.h"

#define YEAR_DIGITS 6 /* keeps every epoch, in seconds, far from the ends of int64 */

static const struct {
    const char *name;
    enum e5_calendar calendar;
} names[] = {
    /* CF's own name comes first */
    {"standard", E5_STANDARD}, {"gregorian", E5_STANDARD}, {"proleptic_gregorian", E5_PROLEPTIC},
    {"noleap", E5_NOLEAP},     {"365_day", E5_NOLEAP},     {"all_leap", E5_ALL_LEAP},
    {"366_day", E5_ALL_LEAP},  {"360_day", E5_DAYS_360},   {"julian", E5_JULIAN},
};

static const struct {
    const char *spellings; /* blank before and behind each */
    int64_t microseconds;  /* 0: refused */
} units_table[] = {
    {" microsecond microseconds microsec microsecs us ", 1},
    {" millisecond milliseconds millisec millisecs msec msecs ms ", 1000},
    {" second seconds sec secs s ", 1000000},
    {" minute minutes min mins ", 60000000},
    {" hour hours hr hrs h ", 3600000000},
    {" day days d ", 86400000000},
    {" month months mon year years yr yrs y a common_year common_years ", 0},
};

const char *e5_calendar_name(enum e5_calendar calendar) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].calendar == calendar) return names[i].name;
    return "unknown";
}

enum e5_status e5_calendar_parse(const char *name, enum e5_calendar *out, struct e5_error *err) {
    *out = E5_STANDARD;
    if (name == NULL || *name == '\0') return E5_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i].name, name) == 0) {
            *out = names[i].calendar;
            return E5_OK;
        }
    return e5_fail(err, E5_INPUT, "unknown calendar \"%.60s\"", name);
}

/* A cursor over text: each of the functions below moves it over what it takes, or says no. */
static void skip_blanks(const char **at) {
    while (isspace((unsigned char)**at)) ++*at;
}

static bool take_character(const char **at, const char *any_of) {
    if (**at == '\0' || strchr(any_of, **at) == NULL) return false;
    ++*at;
    return true;
}

/* A number of at most `digits` digits; returns how many there were. */
static int take_number(const char **at, int digits, int *out) {
    int taken = 0;
    for (*out = 0; isdigit((unsigned char)**at); ++*at) {
        if (++taken > digits) return 0;
        *out = *out * 10 + (**at - '0');
    }
    return taken;
}

/* [+-]year[-month[-day]]; what is left out is 1. */
static bool take_date(const char **at, struct e5_date *date) {
    int year = 0;
    bool negative = **at == '-';
    *date = (struct e5_date){0, 1, 1};
    take_character(at, "+-");
    if (take_number(at, YEAR_DIGITS, &year) == 0) return false;
    date->year = negative ? -year : year;
    if (**at != '-') return true;
    ++*at;
    if (take_number(at, 2, &date->month) == 0) return false;
    if (**at == '-') {
        ++*at;
        if (take_number(at, 2, &date->day) == 0) return false;
    }
    return date->month >= 1 && date->month <= 12 && date->day >= 1 && date->day <= 31;
}

enum e5_status e5_date_parse(const char *text, struct e5_date *out, struct e5_error *err) {
    const char *at = text;
    skip_blanks(&at);
    bool good = take_date(&at, out);
    skip_blanks(&at);
    if (good && *at == '\0') return E5_OK;
    return e5_fail(err, E5_INPUT, "\"%.60s\" is no date: expected year, year-month or year-month-day", text);
}

/* hour[:minute[:second[.fraction]]] as seconds of the day. */
static bool take_clock(const char **at, int64_t *seconds) {
    int hour = 0, minute = 0, second = 0, fraction = 0;
    if (take_number(at, 2, &hour) == 0) return false;
    if (take_character(at, ":")) {
        if (take_number(at, 2, &minute) == 0) return false;
        if (take_character(at, ":") && take_number(at, 2, &second) == 0) return false;
    }
    if (take_character(at, ".")) { /* only the first digit matters for rounding */
        fraction = isdigit((unsigned char)**at) ? **at - '0' : 0;
        while (isdigit((unsigned char)**at)) ++*at;
    }
    *seconds = hour * 3600 + minute * 60 + second + (fraction >= 5);
    return hour < 24 && minute < 60 && second < 60;
}

/* Nothing, Z, UTC, GMT, or [+-]hh, [+-]hhmm, [+-]h:mm: seconds east of Greenwich. */
static bool take_zone(const char **at, int64_t *seconds) {
    static const char *const zero[] = {"UTC", "GMT", "Z"};
    *seconds = 0;
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        if (strncasecmp(*at, zero[i], strlen(zero[i])) == 0) {
            *at += strlen(zero[i]);
            return true;
        }
    int hour = 0, minute = 0, sign = **at == '-' ? -1 : 1;
    if (!take_character(at, "+-")) return true;
    int digits = take_number(at, 4, &hour);
    if (digits > 2) {
        minute = hour % 100;
        hour /= 100;
    } else if (digits == 0 || (take_character(at, ":") && take_number(at, 2, &minute) == 0)) {
        return false;
    }
    *seconds = sign * (hour * 3600 + minute * 60);
    return hour < 24 && minute < 60;
}

static enum e5_status parse_epoch(const char *text, struct e5_time_units *units, struct e5_error *err) {
    const char *at = text;
    struct e5_date date;
    int64_t clock = 0, zone = 0;
    skip_blanks(&at);
    bool good = take_date(&at, &date);
    skip_blanks(&at);
    if (isdigit((unsigned char)*at) || take_character(&at, "Tt")) good = good && take_clock(&at, &clock);
    skip_blanks(&at);
    good = good && take_zone(&at, &zone);
    skip_blanks(&at);
    if (!good || *at != '\0') return e5_fail(err, E5_INPUT, "time units: \"%.60s\" is no date and time", text);
    if (!e5_date_valid(units->calendar, date))
        return e5_fail(err, E5_INPUT, "time units: calendar %s has no day \"%.60s\"",
                       e5_calendar_name(units->calendar), text);
    units->epoch = e5_date_to_days(units->calendar, date) * E5_DAY + clock - zone;
    return E5_OK;
}

static enum e5_status parse_unit(const char *text, size_t length, int64_t *microseconds, struct e5_error *err) {
    char word[24];
    snprintf(word, sizeof word, " %.*s ", (int)length, text);
    for (size_t i = 0; length <= sizeof word - 3 && i < sizeof units_table / sizeof *units_table; i++) {
        if (strcasestr(units_table[i].spellings, word) == NULL) continue;
        *microseconds = units_table[i].microseconds;
        if (*microseconds > 0) return E5_OK;
        enum e5_status status = e5_fail(err, E5_INPUT, "time units: %.*s have no fixed length", (int)length, text);
        e5_error_hint(err, "rewrite the time coordinate in days, hours or seconds");
        return status;
    }
    return e5_fail(err, E5_INPUT, "time units: unknown unit \"%.*s\"", length < 40 ? (int)length : 40, text);
}

enum e5_status e5_time_units_parse(const char *units, const char *calendar, struct e5_time_units *out,
                                   struct e5_error *err) {
    const char *at = units;
    enum e5_status status = e5_calendar_parse(calendar, &out->calendar, err);
    if (status != E5_OK) return status;
    skip_blanks(&at);
    size_t length = strcspn(at, " \t");
    const char *since = at + length;
    skip_blanks(&since);
    if (length == 0 || strncasecmp(since, "since", 5) != 0 || !isspace((unsigned char)since[5]))
        return e5_fail(err, E5_INPUT, "\"%.80s\" is no time unit: expected \"<unit> since <date>\"", units);
    status = parse_unit(at, length, &out->microseconds, err);
    return status == E5_OK ? parse_epoch(since + 5, out, err) : status;
}

enum e5_status e5_time_decode(const struct e5_time_units *units, double stored, int64_t *out_seconds,
                              struct e5_error *err) {
    int64_t total = 0;
    bool good = fabs(stored) < 0x1p63; /* false for NaN */
    if (good) {
        /* Whole units are multiplied as integers: a product in double loses seconds for epochs long ago. */
        double whole = floor(stored);
        int64_t part = llround((stored - whole) * (double)units->microseconds) + 500000;
        good = !__builtin_mul_overflow((int64_t)whole, units->microseconds, &total) &&
               !__builtin_add_overflow(total, part, &total);
    }
    if (!good) return e5_fail(err, E5_INPUT, "time value %g is out of range", stored);
    *out_seconds = units->epoch + total / 1000000 - (total % 1000000 < 0);
    return E5_OK;
}
