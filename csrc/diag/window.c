#include "diag/window.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct base_day { /* a sample of the base period */
    size_t sample; /* index into the axis */
    size_t slot;   /* ≥ slots: belongs to windows of others, but has none of its own */
    int64_t count; /* day number in which neighbours differ by 1 */
    bool centre;   /* in the base period: has a window of its own */
};

struct base {
    size_t n;
    struct base_day *day;
};

static bool has_leap_years(enum e5_calendar calendar) {
    return calendar == E5_STANDARD || calendar == E5_PROLEPTIC || calendar == E5_JULIAN;
}

static bool is_leap_day(struct e5_date date) { return date.month == 2 && date.day == 29; }

bool e5_window_leap_slots(enum e5_calendar calendar, enum e5_leap_rule leap) {
    return has_leap_years(calendar) && (leap == E5_LEAP_OWN || leap == E5_LEAP_MEAN);
}

static size_t pool_slots(enum e5_calendar calendar, enum e5_leap_rule leap) {
    if (has_leap_years(calendar)) return e5_window_leap_slots(calendar, leap) ? 366 : 365;
    return (size_t)e5_calendar_year_days(calendar, 1970);
}

size_t e5_window_result_slots(enum e5_calendar calendar, enum e5_leap_rule leap) {
    return pool_slots(calendar, leap) + (has_leap_years(calendar) && leap == E5_LEAP_STRETCH);
}

size_t e5_window_slot_of_day(enum e5_calendar calendar, enum e5_leap_rule leap, int64_t day) {
    struct e5_date date = e5_date_from_days(calendar, day);
    if (!has_leap_years(calendar) || leap == E5_LEAP_STRETCH) return (size_t)e5_date_yearday(calendar, date) - 1;
    if (leap == E5_LEAP_DROP && is_leap_day(date)) date.day = 28;
    return (size_t)e5_date_yearday(leap == E5_LEAP_DROP ? E5_NOLEAP : E5_ALL_LEAP, date) - 1;
}

static int64_t day_of_sample(const struct e5_time_axis *axis, size_t i) { return e5_day_of(axis->seconds[i]); }

static void print_day(enum e5_calendar calendar, int64_t day, char out[32]) {
    struct e5_date date = e5_date_from_days(calendar, day);
    snprintf(out, 32, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
}

static enum e5_status refuse_base(const struct e5_time_axis *axis, struct e5_error *err) {
    char first[32], last[32];
    print_day(axis->calendar, day_of_sample(axis, 0), first);
    print_day(axis->calendar, day_of_sample(axis, axis->n - 1), last);
    return e5_fail(err, E5_INPUT, "no day of the base period is in the series (%s to %s)", first, last);
}

/* The base (with what lies around it, where that counts), without 29 February under E5_LEAP_DROP: there days are
 * counted as on a calendar that never had one. */
static enum e5_status collect(const struct e5_time_axis *axis, int64_t first_day, int64_t last_day,
                              enum e5_neighbours neighbours, enum e5_leap_rule leap, struct base *base,
                              struct e5_error *err) {
    size_t centres = 0;
    bool drop = has_leap_years(axis->calendar) && leap == E5_LEAP_DROP;
    enum e5_status status = e5_alloc(axis->n, sizeof *base->day, &base->day, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < axis->n; i++) {
        int64_t day = day_of_sample(axis, i);
        if (i > 0 && day == day_of_sample(axis, i - 1))
            return e5_fail(err, E5_INPUT, "samples %zu and %zu fall on one day: a daily series is needed", i - 1, i);
        struct e5_date date = e5_date_from_days(axis->calendar, day);
        bool centre = day >= first_day && day <= last_day;
        if ((!centre && neighbours != E5_NEIGHBOURS_AROUND) || (drop && is_leap_day(date))) continue;
        centres += centre;
        base->day[base->n++] = (struct base_day){
            .sample = i,
            .slot = e5_window_slot_of_day(axis->calendar, leap, day),
            .count = drop ? e5_date_to_days(E5_NOLEAP, date) : day,
            .centre = centre,
        };
    }
    return centres > 0 ? E5_OK : refuse_base(axis, err);
}

/* A list of samples per slot, made in two passes: without `item` slots are counted, with it they are filled. */
struct lists {
    size_t slots;
    size_t *first; /* slots + 2: counts while counting, then where the next item of slot − 1 goes */
    size_t *item;
};

static void put(const struct lists *lists, size_t slot, size_t sample) {
    if (slot >= lists->slots) return;
    if (lists->item == NULL)
        lists->first[slot + 2]++;
    else
        lists->item[lists->first[slot + 1]++] = sample;
}

static void put_wrapped(const struct lists *lists, const struct base_day *day, size_t half) {
    for (size_t k = 0; k <= 2 * half && day->slot < lists->slots; k++)
        put(lists, (day->slot + lists->slots - half + k) % lists->slots, day->sample);
}

static void put_neighbours(const struct lists *lists, const struct base *base, size_t i, int64_t half) {
    const struct base_day *day = base->day, *centre = &day[i];
    while (i > 0 && centre->count - day[i - 1].count <= half) i--;
    for (; i < base->n && day[i].count - centre->count <= half; i++) put(lists, centre->slot, day[i].sample);
}

/* The same on a ring as long as the base: in a base shorter than the window each day still counts once. */
static void put_ring(const struct lists *lists, const struct base *base, size_t i, int64_t half) {
    const struct base_day *day = base->day, *centre = &day[i];
    int64_t length = day[base->n - 1].count - day[0].count + 1;
    if (centre->count - day[0].count >= half && day[base->n - 1].count - centre->count >= half) {
        put_neighbours(lists, base, i, half);
        return;
    }
    for (size_t k = 0; k < base->n; k++) {
        int64_t distance = day[k].count > centre->count ? day[k].count - centre->count : centre->count - day[k].count;
        if (distance <= half || length - distance <= half) put(lists, centre->slot, day[k].sample);
    }
}

static void put_all(const struct lists *lists, const struct base *base, size_t half, enum e5_neighbours neighbours) {
    for (size_t i = 0; i < base->n; i++) {
        if (!base->day[i].centre) continue;
        switch (neighbours) {
        case E5_NEIGHBOURS_WRAP: put_wrapped(lists, &base->day[i], half); break;
        case E5_NEIGHBOURS_RING: put_ring(lists, base, i, (int64_t)half); break;
        case E5_NEIGHBOURS_REAL:
        case E5_NEIGHBOURS_AROUND: put_neighbours(lists, base, i, (int64_t)half); break;
        }
    }
}

static int ascending(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static enum e5_status make_lists(const struct base *base, size_t slots, size_t half, enum e5_neighbours neighbours,
                                 size_t **first, size_t **item, struct e5_error *err) {
    struct lists lists = {.slots = slots};
    enum e5_status status = e5_alloc(slots + 2, sizeof **first, first, err);
    if (status != E5_OK) return status;
    lists.first = *first;
    put_all(&lists, base, half, neighbours);
    for (size_t s = 0; s < slots; s++) lists.first[s + 2] += lists.first[s + 1];
    status = e5_alloc(lists.first[slots + 1], sizeof **item, item, err);
    if (status != E5_OK) return status;
    lists.item = *item;
    put_all(&lists, base, half, neighbours);
    for (size_t s = 0; neighbours == E5_NEIGHBOURS_RING && s < slots; s++)
        qsort(*item + (*first)[s], (*first)[s + 1] - (*first)[s], sizeof **item, ascending);
    return E5_OK;
}

enum e5_status e5_window_init(struct e5_window *window, const struct e5_time_axis *axis, int64_t base_first_day,
                              int64_t base_last_day, int width, enum e5_neighbours neighbours, enum e5_leap_rule leap,
                              struct e5_error *err) {
    struct base base = {0};
    *window = (struct e5_window){.slots = pool_slots(axis->calendar, leap), .width = width};
    if (width < 1 || width % 2 == 0 || (size_t)width > window->slots)
        return e5_fail(err, E5_INPUT, "a window of %d days: must be odd and not longer than a year", width);
    enum e5_status status = e5_time_axis_check(axis, err);
    if (status != E5_OK) return status;
    status = collect(axis, base_first_day, base_last_day, neighbours, leap, &base, err);
    if (status != E5_OK) goto out;
    status = make_lists(&base, window->slots, 0, neighbours, &window->first, &window->sample, err);
    if (status != E5_OK) goto out;
    status = make_lists(&base, window->slots, (size_t)width / 2, neighbours, &window->pool_first, &window->pool, err);
out:
    free(base.day);
    if (status != E5_OK) e5_window_fini(window);
    return status;
}

void e5_window_fini(struct e5_window *window) {
    free(window->first);
    free(window->sample);
    free(window->pool_first);
    free(window->pool);
    *window = (struct e5_window){0};
}

struct e5_window_place e5_window_place(size_t slots, size_t results, size_t result) {
    if (results == slots) return (struct e5_window_place){result, 0};
    double position = (double)(result * (slots - 1)) / (double)(results - 1);
    size_t slot = (size_t)position;
    return (struct e5_window_place){slot, position - (double)slot};
}
