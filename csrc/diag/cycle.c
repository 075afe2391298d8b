#include "diag/cycle.h"

#include "diag/window.h"

#define MONTHS 12
#define SEASONS 4

size_t e5_cycle_slots(enum e5_calendar calendar, enum e5_cycle cycle) {
    if (cycle == E5_CYCLE_DAY) return e5_window_result_slots(calendar, E5_LEAP_DROP);
    return cycle == E5_CYCLE_MONTH ? MONTHS : SEASONS;
}

enum e5_status e5_cycle_by_slots(enum e5_calendar calendar, size_t slots, enum e5_cycle *out, struct e5_error *err) {
    for (enum e5_cycle cycle = E5_CYCLE_DAY; cycle <= E5_CYCLE_SEASON; cycle++)
        if (e5_cycle_slots(calendar, cycle) == slots) {
            *out = cycle;
            return E5_OK;
        }
    enum e5_status status =
        e5_fail(err, E5_INPUT, "%zu maps are neither days of a year of the calendar %s, months nor seasons", slots,
                e5_calendar_name(calendar));
    e5_error_hint(err, "make them with climatology()");
    return status;
}

int64_t e5_cycle_month(const struct e5_time_axis *axis, size_t step) {
    struct e5_date date = e5_date_from_days(axis->calendar, e5_day_of(axis->seconds[step]));
    return date.year * MONTHS + date.month - 1;
}

static int32_t slot_of(enum e5_calendar calendar, enum e5_cycle cycle, int64_t day) {
    if (cycle == E5_CYCLE_DAY) return (int32_t)e5_window_slot_of_day(calendar, E5_LEAP_DROP, day);
    int month = e5_date_from_days(calendar, day).month;
    return cycle == E5_CYCLE_MONTH ? month - 1 : month % MONTHS / 3; /* December to February is the first season */
}

void e5_cycle_of(const struct e5_time_axis *axis, enum e5_cycle cycle, int32_t *out) {
    for (size_t i = 0; i < axis->n; i++) out[i] = slot_of(axis->calendar, cycle, e5_day_of(axis->seconds[i]));
}
