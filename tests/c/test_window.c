#include "base/alloc.h"
#include "check.h"
#include "diag/window.h"

enum { MANY = 4000 };

static int64_t seconds[MANY];

static int64_t day_in(enum e5_calendar calendar, int64_t year, int month, int day) {
    return e5_date_to_days(calendar, (struct e5_date){year, month, day});
}

/* Daily samples at noon from `first` on; every `gap`-th day is left out (0: none). */
static struct e5_time_axis daily(enum e5_calendar calendar, int64_t first, size_t days, size_t gap) {
    size_t n = 0;
    for (size_t i = 0; i < days; i++)
        if (gap == 0 || i % gap != gap - 1) seconds[n++] = (first + (int64_t)i) * E5_DAY + E5_DAY / 2;
    return (struct e5_time_axis){.calendar = calendar, .n = n, .seconds = seconds};
}

static size_t pool_size(const struct e5_window *window, size_t slot) {
    return window->pool_first[slot + 1] - window->pool_first[slot];
}

static bool in_pool(const struct e5_window *window, size_t slot, size_t sample) {
    for (size_t i = window->pool_first[slot]; i < window->pool_first[slot + 1]; i++)
        if (window->pool[i] == sample) return true;
    return false;
}

/* The rules once more, as slowly as they read. */
struct rules {
    enum e5_calendar calendar;
    enum e5_neighbours neighbours;
    enum e5_leap_rule leap;
    int64_t first, last;
    int half, slots;
    bool leaps; /* the calendar has leap years */
};

static struct {
    bool is_base;
    int slot;     /* from 0; may be 365 in a leap year under E5_LEAP_STRETCH */
    int64_t days; /* since some day, without 29 February under E5_LEAP_DROP */
} known[MANY];

static void get_to_know(const struct rules *rules, size_t n) {
    bool drop = rules->leaps && rules->leap == E5_LEAP_DROP;
    int64_t leap_days = 0;
    bool was_later = false;
    for (size_t i = 0; i < n; i++) {
        int64_t day = (seconds[i] - E5_DAY / 2) / E5_DAY;
        struct e5_date date = e5_date_from_days(rules->calendar, day);
        bool leap_day = drop && date.month == 2 && date.day == 29;
        bool later = drop && e5_calendar_leap(rules->calendar, date.year) && date.month > 2;
        leap_days += later && !was_later;
        was_later = later;
        known[i].is_base = day >= rules->first && day <= rules->last && !leap_day;
        known[i].slot = e5_date_yearday(rules->calendar, date) - 1 - later;
        known[i].days = day - leap_days;
    }
}

static bool belongs(const struct rules *rules, size_t n, int slot, size_t j) {
    size_t reach = 3 * (size_t)rules->half;
    if (!known[j].is_base) return false;
    if (rules->neighbours == E5_NEIGHBOURS_WRAP) {
        int apart = (slot - known[j].slot + 2 * rules->slots) % rules->slots;
        return known[j].slot < rules->slots && (apart <= rules->half || apart >= rules->slots - rules->half);
    }
    for (size_t i = j > reach ? j - reach : 0; i < n && i <= j + reach; i++)
        if (known[i].is_base && known[i].slot == slot && llabs(known[i].days - known[j].days) <= rules->half)
            return true;
    return false;
}

static void equals_the_rules(struct rules rules, const struct e5_time_axis *axis) {
    struct e5_window window;
    get_to_know(&rules, axis->n);
    CHECK_OK(e5_window_init(&window, axis, rules.first, rules.last, 2 * rules.half + 1, rules.neighbours, rules.leap,
                            err));
    CHECK(window.slots == (size_t)rules.slots && window.width == 2 * rules.half + 1);
    for (int slot = 0; slot < rules.slots; slot++) {
        size_t at = window.pool_first[slot], own = window.first[slot];
        for (size_t j = 0; j < axis->n; j++) {
            if (belongs(&rules, axis->n, slot, j)) CHECK(window.pool[at++] == j);
            if (known[j].is_base && known[j].slot == slot) CHECK(window.sample[own++] == j);
        }
        CHECK(at == window.pool_first[slot + 1] && own == window.first[slot + 1]);
    }
    e5_window_fini(&window);
    CHECK(window.pool == NULL);
}

TEST(pools_follow_the_rules) {
    static const struct {
        enum e5_calendar calendar;
        int slots;
        bool leaps;
    } calendars[] = {
        {E5_STANDARD, 365, true}, {E5_NOLEAP, 365, false}, {E5_ALL_LEAP, 366, false}, {E5_DAYS_360, 360, false}};
    for (size_t c = 0; c < sizeof calendars / sizeof *calendars; c++)
        for (int kind = 0; kind < 8; kind++) {
            struct rules rules = {.calendar = calendars[c].calendar,
                                  .neighbours = kind & 1,
                                  .leap = kind >> 1 & 1,
                                  .half = 2,
                                  .slots = calendars[c].slots,
                                  .leaps = calendars[c].leaps};
            rules.first = day_in(rules.calendar, 1999, 1, 1);
            rules.last = day_in(rules.calendar, 2000, 12, 30) + (kind > 3 ? -45 : 0);
            struct e5_time_axis axis = daily(rules.calendar, rules.first - 10, 760, kind > 3 ? 9 : 0);
            equals_the_rules(rules, &axis);
        }
}

TEST(wrapped_windows_are_all_equally_full) {
    struct e5_time_axis axis = daily(E5_STANDARD, day_in(E5_STANDARD, 1999, 1, 1), 3 * 365 + 1, 0);
    struct e5_window window;
    CHECK_OK(e5_window_init(&window, &axis, INT64_MIN, INT64_MAX, 5, E5_NEIGHBOURS_WRAP, E5_LEAP_DROP, err));
    CHECK(window.slots == 365);
    for (size_t s = 0; s < 365; s++) CHECK(pool_size(&window, s) == 15);
    CHECK(in_pool(&window, 0, 364) && in_pool(&window, 0, 363) &&
          !in_pool(&window, 0, 362)); /* same year's December */
    CHECK(!in_pool(&window, 58, 365 + 59) && in_pool(&window, 58, 365 + 60)); /* 29 February is not there */
    e5_window_fini(&window);
}

TEST(real_windows_are_short_at_the_ends_of_the_base) {
    struct e5_time_axis axis = daily(E5_NOLEAP, day_in(E5_NOLEAP, 1999, 1, 1), 3 * 365, 0);
    struct e5_window window;
    CHECK_OK(e5_window_init(&window, &axis, INT64_MIN, INT64_MAX, 5, E5_NEIGHBOURS_REAL, E5_LEAP_STRETCH, err));
    CHECK(pool_size(&window, 0) == 13 && pool_size(&window, 1) == 14 && pool_size(&window, 2) == 15);
    CHECK(pool_size(&window, 364) == 13 && pool_size(&window, 363) == 14);
    CHECK(in_pool(&window, 0, 364) &&
          !in_pool(&window, 0, 2 * 365 + 364)); /* the December before, not the same year's */
    e5_window_fini(&window);
    CHECK_OK(e5_window_init(&window, &axis, axis.seconds[0] / E5_DAY + 365, INT64_MAX, 5, E5_NEIGHBOURS_REAL,
                            E5_LEAP_STRETCH, err));
    CHECK(!in_pool(&window, 0, 364) && pool_size(&window, 0) == 8); /* outside the base */
    e5_window_fini(&window);
}

TEST(day_366_is_a_neighbour_but_has_no_pool) {
    struct e5_time_axis axis = daily(E5_STANDARD, day_in(E5_STANDARD, 2000, 1, 1), 366 + 365, 0);
    struct e5_window window;
    CHECK_OK(e5_window_init(&window, &axis, INT64_MIN, INT64_MAX, 3, E5_NEIGHBOURS_REAL, E5_LEAP_STRETCH, err));
    CHECK(window.slots == 365 && in_pool(&window, 364, 365) && in_pool(&window, 0, 365));
    CHECK(window.first[365] == 730);
    e5_window_fini(&window);
    CHECK_OK(e5_window_init(&window, &axis, INT64_MIN, INT64_MAX, 3, E5_NEIGHBOURS_WRAP, E5_LEAP_STRETCH, err));
    CHECK(!in_pool(&window, 364, 365) && !in_pool(&window, 0, 365) && in_pool(&window, 0, 364));
    e5_window_fini(&window);
}

TEST(a_window_of_one_day_is_the_slot) {
    struct e5_time_axis axis = daily(E5_STANDARD, day_in(E5_STANDARD, 2000, 1, 1), 1000, 0);
    struct e5_window window;
    CHECK_OK(e5_window_init(&window, &axis, INT64_MIN, INT64_MAX, 1, E5_NEIGHBOURS_REAL, E5_LEAP_DROP, err));
    CHECK(memcmp(window.first, window.pool_first, 366 * sizeof *window.first) == 0);
    CHECK(memcmp(window.sample, window.pool, window.first[365] * sizeof *window.pool) == 0);
    e5_window_fini(&window);
}

static void slot_is(enum e5_calendar calendar, enum e5_leap_rule leap, int64_t year, int month, int day,
                    size_t slot) {
    CHECK(e5_window_slot_of_day(calendar, leap, day_in(calendar, year, month, day)) == slot);
}

TEST(days_are_compared_with_their_slot) {
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2000, 1, 1, 0);
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2000, 2, 28, 58);
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2000, 2, 29, 58);
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2000, 3, 1, 59);
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2001, 3, 1, 59);
    slot_is(E5_STANDARD, E5_LEAP_DROP, 2000, 12, 31, 364);
    slot_is(E5_STANDARD, E5_LEAP_OWN, 2000, 2, 29, 59);
    slot_is(E5_STANDARD, E5_LEAP_OWN, 2001, 2, 28, 58);
    slot_is(E5_STANDARD, E5_LEAP_OWN, 2001, 3, 1, 60);
    slot_is(E5_STANDARD, E5_LEAP_MEAN, 2001, 12, 31, 365);
    slot_is(E5_NOLEAP, E5_LEAP_MEAN, 2001, 12, 31, 364);
    slot_is(E5_STANDARD, E5_LEAP_STRETCH, 2000, 2, 29, 59);
    slot_is(E5_STANDARD, E5_LEAP_STRETCH, 2000, 3, 1, 60);
    slot_is(E5_STANDARD, E5_LEAP_STRETCH, 2001, 3, 1, 59);
    slot_is(E5_STANDARD, E5_LEAP_STRETCH, 2000, 12, 31, 365);
    slot_is(E5_ALL_LEAP, E5_LEAP_DROP, 2001, 2, 29, 59);
    slot_is(E5_DAYS_360, E5_LEAP_DROP, 2001, 2, 30, 59);
    slot_is(E5_DAYS_360, E5_LEAP_STRETCH, 2001, 12, 30, 359);
    CHECK(e5_window_result_slots(E5_STANDARD, E5_LEAP_DROP) == 365);
    CHECK(e5_window_result_slots(E5_PROLEPTIC, E5_LEAP_STRETCH) == 366);
    CHECK(e5_window_result_slots(E5_JULIAN, E5_LEAP_STRETCH) == 366);
    CHECK(e5_window_result_slots(E5_NOLEAP, E5_LEAP_STRETCH) == 365);
    CHECK(e5_window_result_slots(E5_ALL_LEAP, E5_LEAP_DROP) == 366);
    CHECK(e5_window_result_slots(E5_DAYS_360, E5_LEAP_STRETCH) == 360);
}

TEST(bad_arguments_are_refused) {
    struct e5_time_axis axis = daily(E5_STANDARD, 0, 800, 0);
    struct e5_window window;
    static const int bad[] = {0, -1, 4, 367};
    for (size_t i = 0; i < 4; i++) CHECK_STATUS(E5_INPUT, e5_window_init(&window, &axis, 0, 800, bad[i], 0, 0, err));
    CHECK_STATUS(E5_INPUT, e5_window_init(&window, &axis, 900, 1000, 5, 0, 0, err));
    seconds[7] = seconds[6] + 3600;
    CHECK_STATUS(E5_INPUT, e5_window_init(&window, &axis, 0, 800, 5, 0, 0, err));
    CHECK(window.pool == NULL);
    axis.n = 0;
    CHECK_STATUS(E5_INPUT, e5_window_init(&window, &axis, 0, 800, 5, 0, 0, err));
}

TEST(memory_that_fails_leaves_nothing_behind) {
    struct e5_time_axis axis = daily(E5_STANDARD, 0, 800, 0);
    struct e5_window window;
    for (long n = 1; n <= 5; n++) {
        e5_alloc_fail_after(n);
        CHECK_STATUS(E5_MEMORY, e5_window_init(&window, &axis, 0, 800, 5, 0, 0, err));
        CHECK(window.first == NULL && window.pool == NULL);
    }
    e5_alloc_fail_after(0);
}

int main(void) {
    RUN(pools_follow_the_rules);
    RUN(wrapped_windows_are_all_equally_full);
    RUN(real_windows_are_short_at_the_ends_of_the_base);
    RUN(day_366_is_a_neighbour_but_has_no_pool);
    RUN(a_window_of_one_day_is_the_slot);
    RUN(days_are_compared_with_their_slot);
    RUN(bad_arguments_are_refused);
    RUN(memory_that_fails_leaves_nothing_behind);
    return check_summary();
}
