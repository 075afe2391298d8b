#include "check.h"
#include "model/calendar.h"

/* Made with cftime 1.6 (years counted astronomically); only the day number in 1582 differs, which cftime counts over
 * the ten days that there never were. */
static const struct {
    enum e5_calendar calendar;
    struct e5_date date;
    int64_t days;
    int yearday;
} known[] = {
    {E5_STANDARD, {1, 1, 1}, -719164, 1},
    {E5_STANDARD, {0, 12, 28}, -719168, 363},
    {E5_STANDARD, {-1, 2, 28}, -719837, 59},
    {E5_STANDARD, {1582, 10, 4}, -141428, 277},
    {E5_STANDARD, {1582, 10, 15}, -141427, 278},
    {E5_STANDARD, {1600, 2, 29}, -135081, 60},
    {E5_STANDARD, {1900, 3, 1}, -25508, 60},
    {E5_STANDARD, {1970, 1, 1}, 0, 1},
    {E5_STANDARD, {2000, 2, 29}, 11016, 60},
    {E5_STANDARD, {2000, 12, 30}, 11321, 365},
    {E5_STANDARD, {2100, 2, 28}, 47540, 59},
    {E5_STANDARD, {2024, 3, 1}, 19783, 61},
    {E5_PROLEPTIC, {1, 1, 1}, -719162, 1},
    {E5_PROLEPTIC, {0, 12, 28}, -719166, 363},
    {E5_PROLEPTIC, {-1, 2, 28}, -719835, 59},
    {E5_PROLEPTIC, {1582, 10, 4}, -141438, 277},
    {E5_PROLEPTIC, {1582, 10, 15}, -141427, 288},
    {E5_PROLEPTIC, {1600, 2, 29}, -135081, 60},
    {E5_PROLEPTIC, {1900, 3, 1}, -25508, 60},
    {E5_PROLEPTIC, {1970, 1, 1}, 0, 1},
    {E5_PROLEPTIC, {2000, 2, 29}, 11016, 60},
    {E5_PROLEPTIC, {2000, 12, 30}, 11321, 365},
    {E5_PROLEPTIC, {2100, 2, 28}, 47540, 59},
    {E5_PROLEPTIC, {2024, 3, 1}, 19783, 61},
    {E5_NOLEAP, {1, 1, 1}, -718685, 1},
    {E5_NOLEAP, {0, 12, 28}, -718689, 362},
    {E5_NOLEAP, {-1, 2, 28}, -719357, 59},
    {E5_NOLEAP, {1582, 10, 4}, -141344, 277},
    {E5_NOLEAP, {1582, 10, 15}, -141333, 288},
    {E5_NOLEAP, {1900, 3, 1}, -25491, 60},
    {E5_NOLEAP, {1970, 1, 1}, 0, 1},
    {E5_NOLEAP, {2000, 12, 30}, 11313, 364},
    {E5_NOLEAP, {2100, 2, 28}, 47508, 59},
    {E5_NOLEAP, {2024, 3, 1}, 19769, 60},
    {E5_ALL_LEAP, {1, 1, 1}, -720654, 1},
    {E5_ALL_LEAP, {0, 12, 28}, -720658, 363},
    {E5_ALL_LEAP, {-1, 2, 28}, -721328, 59},
    {E5_ALL_LEAP, {1582, 10, 4}, -141731, 278},
    {E5_ALL_LEAP, {1582, 10, 15}, -141720, 289},
    {E5_ALL_LEAP, {1600, 2, 29}, -135361, 60},
    {E5_ALL_LEAP, {1900, 3, 1}, -25560, 61},
    {E5_ALL_LEAP, {1970, 1, 1}, 0, 1},
    {E5_ALL_LEAP, {2000, 2, 29}, 11039, 60},
    {E5_ALL_LEAP, {2000, 12, 30}, 11344, 365},
    {E5_ALL_LEAP, {2100, 2, 28}, 47638, 59},
    {E5_ALL_LEAP, {2024, 3, 1}, 19824, 61},
    {E5_ALL_LEAP, {1900, 2, 29}, -25561, 60},
    {E5_ALL_LEAP, {2001, 2, 29}, 11405, 60},
    {E5_DAYS_360, {1, 1, 1}, -708840, 1},
    {E5_DAYS_360, {0, 12, 28}, -708843, 358},
    {E5_DAYS_360, {-1, 2, 28}, -709503, 58},
    {E5_DAYS_360, {1582, 10, 4}, -139407, 274},
    {E5_DAYS_360, {1582, 10, 15}, -139396, 285},
    {E5_DAYS_360, {1600, 2, 29}, -133142, 59},
    {E5_DAYS_360, {1900, 3, 1}, -25140, 61},
    {E5_DAYS_360, {1970, 1, 1}, 0, 1},
    {E5_DAYS_360, {2000, 2, 29}, 10858, 59},
    {E5_DAYS_360, {2000, 12, 30}, 11159, 360},
    {E5_DAYS_360, {2100, 2, 28}, 46857, 58},
    {E5_DAYS_360, {2024, 3, 1}, 19500, 61},
    {E5_DAYS_360, {2001, 2, 30}, 11219, 60},
    {E5_DAYS_360, {2003, 1, 30}, 11909, 30},
    {E5_JULIAN, {1, 1, 1}, -719177, 1},
    {E5_JULIAN, {0, 12, 28}, -719181, 363},
    {E5_JULIAN, {-1, 2, 28}, -719850, 59},
    {E5_JULIAN, {1582, 10, 4}, -141441, 277},
    {E5_JULIAN, {1582, 10, 15}, -141430, 288},
    {E5_JULIAN, {1600, 2, 29}, -135084, 60},
    {E5_JULIAN, {1900, 3, 1}, -25508, 61},
    {E5_JULIAN, {1970, 1, 1}, 0, 1},
    {E5_JULIAN, {2000, 2, 29}, 11016, 60},
    {E5_JULIAN, {2000, 12, 30}, 11321, 365},
    {E5_JULIAN, {2100, 2, 28}, 47540, 59},
    {E5_JULIAN, {2024, 3, 1}, 19783, 61},
    {E5_JULIAN, {1900, 2, 29}, -25509, 60},
};

static bool same(struct e5_date a, struct e5_date b) {
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

TEST(dates_equal_those_of_cftime) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK(e5_date_valid(known[i].calendar, known[i].date));
        CHECK(e5_date_to_days(known[i].calendar, known[i].date) == known[i].days);
        CHECK(same(e5_date_from_days(known[i].calendar, known[i].days), known[i].date));
        CHECK(e5_date_yearday(known[i].calendar, known[i].date) == known[i].yearday);
    }
}

/* Walk day by day: dates must follow each other, months and years must have their length, and the way back must fit.
 */
static void walks(enum e5_calendar calendar, int64_t from, int64_t to) {
    struct e5_date before = e5_date_from_days(calendar, from - 1);
    for (int64_t day = from; day < to; day++) {
        struct e5_date date = e5_date_from_days(calendar, day);
        int length = e5_calendar_month_days(calendar, before.year, before.month);
        bool reform = calendar == E5_STANDARD && before.year == 1582 && before.month == 10;
        bool next_day = date.month == before.month && date.day == before.day + (reform && before.day == 4 ? 11 : 1);
        bool next_month = before.day == length + (reform ? 10 : 0) && date.day == 1 &&
                          date.month == before.month % 12 + 1 && date.year == before.year + (before.month == 12);
        CHECK((next_day && date.year == before.year) || next_month);
        CHECK(e5_date_to_days(calendar, date) == day && e5_date_valid(calendar, date));
        if (date.month == 12 && date.day == 28) {
            int rest = e5_calendar_month_days(calendar, date.year, 12) - 28;
            CHECK(e5_date_yearday(calendar, date) + rest == e5_calendar_year_days(calendar, date.year));
        }
        before = date;
    }
}

TEST(days_follow_each_other) {
    for (enum e5_calendar calendar = 0; calendar < E5_CALENDAR_COUNT; calendar++) {
        walks(calendar, -720800, -718000); /* around year 0 */
        walks(calendar, -142500, -140500); /* around 1582 */
        walks(calendar, -1500, 1500);
        walks(calendar, 10500, 13500);
        walks(calendar, 47000, 48500); /* around 2100 */
    }
}

TEST(far_dates_come_back) {
    for (enum e5_calendar calendar = 0; calendar < E5_CALENDAR_COUNT; calendar++)
        for (int64_t days = -100000000000; days <= 100000000000; days += 7777777777)
            CHECK(e5_date_to_days(calendar, e5_date_from_days(calendar, days)) == days);
}

TEST(leap_years) {
    CHECK(e5_calendar_leap(E5_STANDARD, 2000) && !e5_calendar_leap(E5_STANDARD, 1900));
    CHECK(e5_calendar_leap(E5_STANDARD, 1500) && !e5_calendar_leap(E5_PROLEPTIC, 1500));
    CHECK(e5_calendar_leap(E5_JULIAN, 1900) && e5_calendar_leap(E5_PROLEPTIC, 0) &&
          e5_calendar_leap(E5_PROLEPTIC, -4));
    CHECK(e5_calendar_leap(E5_ALL_LEAP, 2001) && !e5_calendar_leap(E5_NOLEAP, 2000) &&
          !e5_calendar_leap(E5_DAYS_360, 4));
    CHECK(e5_calendar_year_days(E5_DAYS_360, 2000) == 360 && e5_calendar_year_days(E5_STANDARD, 1582) == 355);
    CHECK(e5_calendar_month_days(E5_STANDARD, 1582, 10) == 21 && e5_calendar_month_days(E5_NOLEAP, 2000, 2) == 28);
    CHECK(e5_calendar_month_days(E5_STANDARD, 2000, 0) == 0 && e5_calendar_month_days(E5_STANDARD, 2000, 13) == 0);
}

TEST(days_that_do_not_exist) {
    CHECK(!e5_date_valid(E5_STANDARD, (struct e5_date){2003, 2, 29}));
    CHECK(!e5_date_valid(E5_STANDARD, (struct e5_date){1582, 10, 5}));
    CHECK(!e5_date_valid(E5_STANDARD, (struct e5_date){1582, 10, 14}));
    CHECK(e5_date_valid(E5_PROLEPTIC, (struct e5_date){1582, 10, 5}));
    CHECK(e5_date_valid(E5_DAYS_360, (struct e5_date){2003, 2, 30}));
    CHECK(!e5_date_valid(E5_DAYS_360, (struct e5_date){2003, 1, 31}));
    CHECK(!e5_date_valid(E5_NOLEAP, (struct e5_date){2004, 2, 29}));
    CHECK(!e5_date_valid(E5_NOLEAP, (struct e5_date){2004, 0, 1}));
    CHECK(!e5_date_valid(E5_NOLEAP, (struct e5_date){2004, 13, 1}));
    CHECK(!e5_date_valid(E5_NOLEAP, (struct e5_date){2004, 1, 0}));
}

TEST(calendars_have_names) {
    static const struct {
        const char *name;
        enum e5_calendar calendar;
    } names[] = {{"standard", E5_STANDARD},  {"gregorian", E5_STANDARD}, {"proleptic_gregorian", E5_PROLEPTIC},
                 {"noleap", E5_NOLEAP},      {"365_day", E5_NOLEAP},     {"all_leap", E5_ALL_LEAP},
                 {"366_day", E5_ALL_LEAP},   {"360_day", E5_DAYS_360},   {"julian", E5_JULIAN},
                 {"Gregorian", E5_STANDARD}, {"", E5_STANDARD}};
    enum e5_calendar calendar;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_OK(e5_calendar_parse(names[i].name, &calendar, err));
        CHECK(calendar == names[i].calendar);
    }
    CHECK_OK(e5_calendar_parse(NULL, &calendar, err));
    CHECK(calendar == E5_STANDARD);
    CHECK_STATUS(E5_INPUT, e5_calendar_parse("none", &calendar, err));
    for (enum e5_calendar each = 0; each < E5_CALENDAR_COUNT; each++) {
        CHECK_OK(e5_calendar_parse(e5_calendar_name(each), &calendar, err));
        CHECK(calendar == each);
    }
    CHECK(strcmp(e5_calendar_name(E5_STANDARD), "standard") == 0);
}

static void date_is(const char *text, int64_t year, int month, int day) {
    struct e5_date date = {0};
    CHECK_OK(e5_date_parse(text, &date, err));
    CHECK(same(date, (struct e5_date){year, month, day}));
}

TEST(dates_from_text) {
    static const char *const bad[] = {"",           "x",           "2003-",    "2003-13",    "2003-0-1",
                                      "2003-06-32", "2003-06-01x", "20030601", "2003/06/01", "2003-06-01-01",
                                      "--5",        "2003-006-01", "1 2"};
    struct e5_date date;
    date_is("2003-06-01", 2003, 6, 1);
    date_is("2003", 2003, 1, 1);
    date_is(" 2003-6 ", 2003, 6, 1);
    date_is("-44-3-15", -44, 3, 15);
    date_is("+0001-01-01", 1, 1, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_STATUS(E5_INPUT, e5_date_parse(bad[i], &date, err));
}

/* The stored number 1 on the standard calendar. */
static void one_is(const char *units, int64_t seconds) {
    struct e5_time_units parsed;
    int64_t decoded = 0;
    CHECK_OK(e5_time_units_parse(units, NULL, &parsed, err));
    CHECK_OK(e5_time_decode(&parsed, 1, &decoded, err));
    if (decoded != seconds) printf("%s: %lld\n", units, (long long)decoded);
    CHECK(decoded == seconds);
}

TEST(units_in_all_their_spellings) {
    static const struct {
        const char *spellings;
        int64_t seconds;
    } table[] = {{"s sec secs second seconds Seconds", 1},
                 {"min mins minute minutes", 60},
                 {"h hr hrs hour hours HOURS", 3600},
                 {"d day days Days", 86400}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char words[64], units[96];
        snprintf(words, sizeof words, "%s", table[i].spellings);
        for (char *rest = words, *word = strtok_r(words, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            snprintf(units, sizeof units, "%s since 1970-01-01", word);
            one_is(units, table[i].seconds);
        }
    }
}

TEST(epochs_in_all_their_spellings) {
    one_is("seconds since 1970-01-01", 1);
    one_is("hours since 1900-01-01 00:00:00.0", -2208988800 + 3600);
    one_is("days since 1-1-1 00:00:0.0", -719163 * 86400LL);
    one_is("  hours   since  1970-01-01T00:00:00Z ", 3600);
    one_is("hours since 1970-01-01t00:00", 3600);
    one_is("hours since 1970-1-1 6", 7 * 3600);
    one_is("hours since 1970-01-01 00:00:00 UTC", 3600);
    one_is("hours since 1970-01-01 06:00:00 +06:00", 3600);
    one_is("hours since 1970-01-01 06:00+0600", 3600);
    one_is("hours since 1970-01-01T06:00+06", 3600);
    one_is("seconds since 1992-10-8 15:15:42.5 -6:00", 718578943 + 1);
    one_is("seconds since 1970-01-01 00:00:00 -05:30", 5 * 3600 + 1801);
    one_is("hours since 1970", 3600);
    one_is("hours since 1970-02", 31 * 86400 + 3600);
    one_is("days since 1582-10-04", -141427 * 86400LL);
    one_is("days since 0000-01-01", (-719530 + 1) * 86400LL);
    one_is("days since -4712-01-01", (-2440588 + 1) * 86400LL);
}

TEST(units_that_are_refused) {
    static const char *const bad[] = {"",
                                      "hours",
                                      "hours since",
                                      "hours since ",
                                      "since 1970-01-01",
                                      "hours after 1970-01-01",
                                      "hourssince 1970-01-01",
                                      "hours since1970-01-01",
                                      "fortnights since 1970-01-01",
                                      "m since 1970-01-01",
                                      "hours since yesterday",
                                      "hours since 1970-13-01",
                                      "hours since 1970-02-30",
                                      "hours since 1582-10-10",
                                      "hours since 1970-01-01 24:00",
                                      "hours since 1970-01-01 00:60",
                                      "hours since 1970-01-01 00:00:60",
                                      "hours since 1970-01-01 00:00 +",
                                      "hours since 1970-01-01 00:00 EST",
                                      "hours since 1970-01-01 00:00 +24:00",
                                      "hours since 1970-01-01 00:00 +1:60",
                                      "hours since 1970-01-01 00:",
                                      "hours since 1970-01-01 00:00:",
                                      "hours since 1970-01-01 T",
                                      "hours since 9999999999-01-01",
                                      "hours since 1970-01-01 00:00 +12345",
                                      "days seconds since 1970-01-01",
                                      "h d since 1970-01-01",
                                      "averyverylongunitthatnobodyhasheardofbefore since 1970-01-01"};
    struct e5_time_units units;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(E5_INPUT, e5_time_units_parse(bad[i], "standard", &units, err));
    CHECK_STATUS(E5_INPUT, e5_time_units_parse("hours since 1970-01-01", "lunar", &units, err));
    CHECK_STATUS(E5_INPUT, e5_time_units_parse("hours since 1999-12-31", "360_day", &units, err));
    CHECK_OK(e5_time_units_parse("hours since 1999-02-30", "360_day", &units, err));
}

TEST(months_are_refused_with_a_reason) {
    static const char *const bad[] = {"months since 1970-01-01", "year since 1970-01-01",
                                      "common_years since 1970-01-01"};
    struct e5_time_units units;
    for (size_t i = 0; i < 3; i++) {
        struct e5_error err = E5_ERROR_NONE;
        CHECK(e5_time_units_parse(bad[i], NULL, &units, &err) == E5_INPUT);
        CHECK(strstr(err.what, "no fixed length") != NULL && err.hint[0] != '\0');
    }
}

static int64_t decode(const char *units, double stored) {
    struct e5_time_units parsed;
    int64_t seconds = INT64_MIN;
    CHECK_OK(e5_time_units_parse(units, "proleptic_gregorian", &parsed, err));
    CHECK_OK(e5_time_decode(&parsed, stored, &seconds, err));
    return seconds;
}

TEST(floats_decode_to_the_nearest_second) {
    CHECK(decode("days since 1970-01-01", 1. / 24) == 3600);
    CHECK(decode("days since 1970-01-01", (double)(float)(1. / 24)) == 3600);
    CHECK(decode("hours since 1970-01-01", -1. / 3600 * 0.4) == 0);
    CHECK(decode("hours since 1970-01-01", -1. / 3600 * 0.6) == -1);
    CHECK(decode("days since 0001-01-01", 738156 + 5. / 24) == (738156 - 719162) * 86400LL + 5 * 3600);
    CHECK(decode("seconds since 1970-01-01", -946771200) == -946771200);
    CHECK(decode("milliseconds since 1970-01-01", 1499) == 1 && decode("msecs since 1970-01-01", 1500) == 2);
    CHECK(decode("microseconds since 1970-01-01", -500001) == -1 && decode("us since 1970-01-01", 499999) == 0);
}

TEST(times_out_of_range) {
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300, -1e19, 0x1p63, 1e9, 9.3e36};
    struct e5_time_units units;
    int64_t seconds;
    CHECK_OK(e5_time_units_parse("days since 1900-01-01", NULL, &units, err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(E5_INPUT, e5_time_decode(&units, bad[i], &seconds, err));
    CHECK_OK(e5_time_decode(&units, 1e8, &seconds, err));
}

int main(void) {
    RUN(dates_equal_those_of_cftime);
    RUN(days_follow_each_other);
    RUN(far_dates_come_back);
    RUN(leap_years);
    RUN(days_that_do_not_exist);
    RUN(calendars_have_names);
    RUN(dates_from_text);
    RUN(units_in_all_their_spellings);
    RUN(epochs_in_all_their_spellings);
    RUN(units_that_are_refused);
    RUN(months_are_refused_with_a_reason);
    RUN(floats_decode_to_the_nearest_second);
    RUN(times_out_of_range);
    return check_summary();
}
