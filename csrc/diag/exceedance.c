#include "diag/exceedance.h"

#include "base/alloc.h"

#define YEARS_MAX 300
#define LEAP_DAY 59 /* 29 February, from 0 */

static int64_t day_of(const struct e5_time_axis *axis, size_t sample) { return e5_day_of(axis->seconds[sample]); }

/* --- which sample is which day of which year --- */

static enum e5_status make_slots(struct e5_exceedance *exceedance, const struct e5_time_axis *axis,
                                 struct e5_error *err) {
    enum e5_status status = e5_alloc(axis->n, sizeof *exceedance->slot, &exceedance->slot, err);
    for (size_t i = 0; status == E5_OK && i < axis->n; i++)
        exceedance->slot[i] =
            (int32_t)e5_window_slot_of_day(axis->calendar, exceedance->doy->options.leap, day_of(axis, i));
    return status;
}

static int64_t year_of(const struct e5_time_axis *axis, size_t sample) {
    return e5_date_from_days(axis->calendar, day_of(axis, sample)).year;
}

static bool in_base(const struct e5_exceedance *exceedance, const struct e5_time_axis *axis, size_t sample) {
    int64_t day = day_of(axis, sample);
    return day >= exceedance->doy->options.first_day && day <= exceedance->doy->options.last_day;
}

static enum e5_status count_years(struct e5_exceedance *exceedance, const struct e5_time_axis *axis, int64_t *first,
                                  struct e5_error *err) {
    int64_t last = *first = 0;
    size_t found = 0;
    for (size_t i = 0; i < axis->n; i++) {
        if (!in_base(exceedance, axis, i)) continue;
        last = year_of(axis, i);
        if (found++ == 0) *first = last;
    }
    if (last - *first < 1 || last - *first >= YEARS_MAX)
        return e5_fail(err, E5_INPUT, "a base period of %lld years for the bootstrap: it needs 2 to %d",
                       (long long)(last - *first + 1), YEARS_MAX);
    exceedance->years = (size_t)(last - *first + 1);
    exceedance->replicates = exceedance->years - 1;
    exceedance->year_days = exceedance->doy->results;
    return E5_OK;
}

static enum e5_status allocate(struct e5_exceedance *exceedance, struct e5_error *err) {
    struct e5_exceedance *to = exceedance;
    size_t n = to->samples, slots = to->doy->window.slots, results = to->doy->results;
    enum e5_status status = e5_alloc(to->years, sizeof *to->leap, &to->leap, err);
    if (status == E5_OK) status = e5_alloc(to->years * to->year_days, sizeof *to->step, &to->step, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *to->day, &to->day, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *to->year, &to->year, err);
    if (status == E5_OK) status = e5_alloc(slots * (to->years + 1), sizeof *to->block, &to->block, err);
    if (status == E5_OK) status = e5_alloc(slots * to->years, sizeof *to->pattern, &to->pattern, err);
    if (status == E5_OK) status = e5_alloc(slots, sizeof *to->patterns, &to->patterns, err);
    if (status == E5_OK) status = e5_alloc(results + 2, sizeof *to->first, &to->first, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *to->sample, &to->sample, err);
    return status;
}

/* A 29 February that is dropped is compared, but stands for nothing. */
static void find_days(struct e5_exceedance *exceedance, const struct e5_time_axis *axis, int64_t first) {
    bool by_date =
        exceedance->doy->options.leap == E5_LEAP_STRETCH && exceedance->doy->results != exceedance->doy->window.slots;
    for (size_t i = 0; i < exceedance->years * exceedance->year_days; i++) exceedance->step[i] = -1;
    for (size_t y = 0; y < exceedance->years; y++)
        exceedance->leap[y] = by_date && e5_calendar_leap(axis->calendar, first + (int64_t)y);
    for (size_t i = 0; i < axis->n; i++) {
        size_t day = (size_t)exceedance->slot[i];
        exceedance->day[i] = (int32_t)day;
        exceedance->year[i] = in_base(exceedance, axis, i) ? (int32_t)(year_of(axis, i) - first) : -1;
        if (exceedance->year[i] < 0) continue;
        int32_t *step = &exceedance->step[(size_t)exceedance->year[i] * exceedance->year_days + day];
        if (*step < 0) *step = (int32_t)i;
    }
}

static void list_samples(struct e5_exceedance *exceedance) {
    size_t *first = exceedance->first, results = exceedance->doy->results;
    for (size_t i = 0; i < exceedance->samples; i++) first[exceedance->slot[i] + 2] += exceedance->year[i] >= 0;
    for (size_t slot = 0; slot < results; slot++) first[slot + 2] += first[slot + 1];
    for (size_t i = 0; i < exceedance->samples; i++)
        if (exceedance->year[i] >= 0) exceedance->sample[first[exceedance->slot[i] + 1]++] = i;
}

/* --- what stands for a year's days in a slot --- */

int32_t e5_exceedance_step(const struct e5_exceedance *exceedance, size_t year, size_t other, int32_t day) {
    if (exceedance->leap[year] && !exceedance->leap[other]) {
        if (day == LEAP_DAY) return -1;
        day -= day > LEAP_DAY;
    } else if (!exceedance->leap[year] && exceedance->leap[other]) {
        day += day >= LEAP_DAY;
    }
    return exceedance->step[other * exceedance->year_days + (size_t)day];
}

static void cut_blocks(struct e5_exceedance *exceedance) {
    const struct e5_window *window = &exceedance->doy->window;
    for (size_t slot = 0; slot < window->slots; slot++) {
        size_t *block = exceedance->block + slot * (exceedance->years + 1), at = window->pool_first[slot];
        for (size_t y = 0; y < exceedance->years; y++) {
            block[y] = at;
            while (at < window->pool_first[slot + 1] && exceedance->year[window->pool[at]] == (int32_t)y) at++;
            if (at - block[y] > exceedance->longest_block) exceedance->longest_block = at - block[y];
        }
        block[exceedance->years] = at;
    }
}

static bool same_days(const struct e5_exceedance *exceedance, size_t slot, size_t year, size_t other) {
    const size_t *block = exceedance->block + slot * (exceedance->years + 1), *pool = exceedance->doy->window.pool;
    size_t n = block[year + 1] - block[year];
    if (n != block[other + 1] - block[other] || exceedance->leap[year] != exceedance->leap[other]) return false;
    for (size_t i = 0; i < n; i++)
        if (exceedance->day[pool[block[year] + i]] != exceedance->day[pool[block[other] + i]]) return false;
    return true;
}

static void find_patterns(struct e5_exceedance *exceedance, size_t slot) {
    uint16_t *pattern = exceedance->pattern + slot * exceedance->years, n = 0;
    for (size_t y = 0; y < exceedance->years; y++) {
        size_t known = 0;
        while (known < y && !same_days(exceedance, slot, known, y)) known++;
        pattern[y] = known < y ? pattern[known] : n++;
    }
    exceedance->patterns[slot] = n;
    if (n > exceedance->most_patterns) exceedance->most_patterns = n;
}

static enum e5_status make_bootstrap(struct e5_exceedance *exceedance, const struct e5_time_axis *axis,
                                     struct e5_error *err) {
    int64_t first;
    if (exceedance->doy->options.smoothing > 1)
        return e5_fail(err, E5_INPUT, "the bootstrap knows no smoothing of thresholds");
    if (exceedance->doy->options.neighbours == E5_NEIGHBOURS_AROUND)
        return e5_fail(err, E5_INPUT, "the bootstrap knows no windows that reach outside the base period");
    enum e5_status status = count_years(exceedance, axis, &first, err);
    if (status == E5_OK) status = allocate(exceedance, err);
    if (status != E5_OK) return status;
    find_days(exceedance, axis, first);
    list_samples(exceedance);
    cut_blocks(exceedance);
    for (size_t slot = 0; slot < exceedance->doy->window.slots; slot++) find_patterns(exceedance, slot);
    return E5_OK;
}

/* --- life --- */

enum e5_status e5_exceedance_init(struct e5_exceedance *exceedance, const struct e5_doy *doy,
                                  const struct e5_time_axis *axis, enum e5_beyond beyond, bool bootstrap,
                                  struct e5_error *err) {
    *exceedance = (struct e5_exceedance){.doy = doy, .beyond = beyond, .samples = axis->n, .replicates = 1};
    enum e5_status status = make_slots(exceedance, axis, err);
    if (status == E5_OK && bootstrap) status = make_bootstrap(exceedance, axis, err);
    if (status != E5_OK) e5_exceedance_fini(exceedance);
    return status;
}

void e5_exceedance_fini(struct e5_exceedance *exceedance) {
    void *const owned[] = {exceedance->slot,  exceedance->leap,    exceedance->step,  exceedance->day,
                           exceedance->block, exceedance->pattern, exceedance->first, exceedance->sample,
                           exceedance->year,  exceedance->patterns};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    *exceedance = (struct e5_exceedance){0};
}

/* Steps of one period that stand side by side: whole numbers first, which are summed faster. */
E5_SIMD_BODY void sum_steps_body(const uint16_t *count, size_t first, size_t end, double *days, double *valid) {
    int32_t sum[E5_LANES] = {0}, there[E5_LANES] = {0};
    for (size_t i = first; i < end; i++)
        for (size_t c = 0; c < E5_LANES; c++) {
            int32_t value = count[i * E5_LANES + c], present = value != E5_EXCEEDANCE_MISSING;
            sum[c] += value & -present;
            there[c] += present;
        }
    for (size_t c = 0; c < E5_LANES; c++) days[c] += sum[c];
    for (size_t c = 0; c < E5_LANES; c++) valid[c] += there[c];
}
E5_SIMD_VARIANTS(sum_steps, (const uint16_t *count, size_t first, size_t end, double *days, double *valid),
                 (count, first, end, days, valid))

#define STEPS_AT_ONCE 30000 /* so many times 65,535 are a whole number of 31 bits */

void e5_exceedance_sum(const struct e5_exceedance *exceedance, const struct e5_periods *periods,
                       const uint16_t *count, double *days, double *valid) {
    for (size_t i = 0; i < periods->count * E5_LANES; i++) days[i] = valid[i] = 0;
    for (size_t i = 0, end; i < exceedance->samples; i = end) {
        int32_t period = periods->of_sample[i];
        for (end = i + 1; end < exceedance->samples && periods->of_sample[end] == period; end++)
            if (end - i == STEPS_AT_ONCE) break;
        if (period < 0) continue;
        size_t to = (size_t)period * E5_LANES;
        sum_steps(count, i, end, days + to, valid + to);
    }
    for (size_t i = 0; i < periods->count * E5_LANES; i++) days[i] /= (double)exceedance->replicates;
}
