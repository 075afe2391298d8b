/* The table of runs against a search, cell by cell, that anybody can read. */
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "drive/runs_table.h"
#include "samples.h"

enum { STEPS = 430, CELLS = 21, SLOTS = 366, MISSING_CELL = 9, SEARCHES = 4 };

static int64_t seconds[STEPS];
static const struct e5_time_axis axis = {E5_STANDARD, STEPS, seconds};
static int32_t slot_of_step[STEPS];
static double x[STEPS * CELLS], limits[2 * SLOTS * CELLS], stay[SLOTS * CELLS], climatology[SLOTS * CELLS];
static float single[STEPS * CELLS];

/* Days 100 to 104 are not in the series, a tenth of the values is missing in some cells. */
static void fill(void) {
    unsigned random = 11;
    int64_t day = e5_date_to_days(E5_STANDARD, (struct e5_date){2003, 1, 1});
    for (int t = 0; t < STEPS; t++) {
        seconds[t] = (day + t + (t >= 100 ? 5 : 0)) * E5_DAY;
        slot_of_step[t] = t % SLOTS;
        for (int c = 0; c < CELLS; c++) {
            random = random * 1664525u + 1013904223u;
            double value = round(40 * sin(t / (3.0 + c)) + (double)(random >> 24) / 8) / 4;
            bool missing = c == MISSING_CELL || (c % 4 == 1 && (random >> 12 & 15) == 0);
            x[t * CELLS + c] = missing ? NAN : value;
            single[t * CELLS + c] = (float)x[t * CELLS + c];
        }
    }
    for (int i = 0; i < SLOTS * CELLS; i++) {
        climatology[i] = i % 7 == 0 ? 6 : 2; /* where it is not below the threshold there is no category */
        limits[i] = 5 + 0.25 * (i % 5);
        limits[SLOTS * CELLS + i] = 1;
        stay[i] = 3;
    }
}

static const struct e5_runs_search searches[SEARCHES] = {
    {.test = E5_SPELL_ABOVE, .rule = {.minimum = 3}},
    {.test = E5_SPELL_AT_LEAST, .rule = {.minimum = 2, .gap = 2}, .switches = {.sample = true, .own_maximum = true}},
    {.test = E5_SPELL_BELOW, .rule = {.minimum = 1}, .switches = {.cold = true, .rates_at_edge = true}},
    {.test = E5_SPELL_ABOVE, .rule = {.minimum = 1, .gap = 1, .order = E5_SPELL_FILL_FILTER}, .choice = {1}},
};

static struct e5_runs_request request_of(const struct e5_view *view, const struct e5_runs_search *some, size_t n) {
    return (struct e5_runs_request){
        .axis = &axis,
        .x = {.view = view, .several = 1},
        .cells = CELLS,
        .limits = {{limits, SLOTS, 2, slot_of_step}, {NULL, 0, 1, NULL}, {climatology, SLOTS, 1, slot_of_step}},
        .searches = some,
        .nsearches = n,
        .budget = SIZE_MAX};
}

/* --- the slow search --- */

static double at(int t, int cell) { return t < 0 || t >= STEPS ? NAN : x[t * CELLS + cell]; }
static bool follows(int t) { return t > 0 && t < STEPS && seconds[t] - seconds[t - 1] == E5_DAY; }

static double limit_at(const double *of, size_t choice, int t, int cell) {
    return of[(choice * SLOTS + (size_t)slot_of_step[t]) * CELLS + (size_t)cell];
}

static bool passes(const struct e5_runs_search *search, const double *of, size_t choice, int t, int cell) {
    double value = at(t, cell), limit = limit_at(of, choice, t, cell);
    if (search->test == E5_SPELL_BELOW) return value < limit;
    return search->test == E5_SPELL_ABOVE ? value > limit : value >= limit;
}

static bool connected(int from, int to) {
    for (int t = from + 1; t <= to; t++)
        if (!follows(t)) return false;
    return true;
}

static void drop_short(bool *in, size_t minimum) {
    for (int t = 0; t < STEPS; t++) {
        int end = t;
        if (!in[t]) continue;
        while (end + 1 < STEPS && in[end + 1] && follows(end + 1)) end++;
        for (int k = t; k <= end && (size_t)(end - t + 1) < minimum; k++) in[k] = false;
        t = end;
    }
}

static void bridge(bool *in, size_t gap, int cell) {
    int last = -1;
    for (int t = 0; t < STEPS; t++) {
        if (!in[t]) continue;
        bool whole = last >= 0 && (size_t)(t - last - 1) <= gap && connected(last, t);
        for (int k = last + 1; whole && k < t; k++) whole = !isnan(at(k, cell));
        for (int k = last + 1; whole && k < t; k++) in[k] = true;
        last = t;
    }
}

static void flags_of(const struct e5_runs_search *search, bool lingers, int cell, bool *in) {
    for (int t = 0; t < STEPS; t++) {
        in[t] = passes(search, limits, search->choice[E5_RUNS_THRESHOLD], t, cell);
        if (lingers && t > 0 && in[t - 1] && follows(t)) in[t] = in[t] || passes(search, stay, 0, t, cell);
    }
    if (search->rule.order == E5_SPELL_FILL_FILTER) bridge(in, search->rule.gap, cell);
    drop_short(in, search->rule.minimum);
    if (search->rule.order == E5_SPELL_FILTER_JOIN) bridge(in, search->rule.gap, cell);
}

/* --- properties of a run, from their definitions --- */

static double anomaly(int t, int cell) { return at(t, cell) - limit_at(climatology, 0, t, cell); }

static bool near(double a, double b) { return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-9 * (1 + fabs(b)); }

static bool right(const double *row, const struct e5_runs_search *search, int first, int last, int cell) {
    double sign = search->switches.cold ? -1 : 1, sum = 0, squares = 0, largest = -INFINITY, worst = NAN, values = 0;
    int n = last - first + 1, peak = first;
    bool before = follows(first) && !isnan(at(first - 1, cell)),
         after = follows(last + 1) && !isnan(at(last + 1, cell));
    for (int t = first; t <= last; t++) {
        double a = sign * anomaly(t, cell), threshold = limit_at(limits, search->choice[0], t, cell);
        double step = sign * (threshold - limit_at(climatology, 0, t, cell));
        if (a > largest) largest = a, peak = t;
        sum += a, values += at(t, cell);
        if (step > 0) worst = fmax(worst, fmin(4, floor(1 + sign * (at(t, cell) - threshold) / step)));
    }
    for (int t = first; t <= last; t++) squares += pow(sign * anomaly(t, cell) - sum / n, 2);
    double top = sign * anomaly(peak, cell), edge = sign * anomaly(first, cell);
    double onset = before ? (top - (edge + sign * anomaly(first - 1, cell)) / 2) / (peak - first + 0.5)
                   : search->switches.rates_at_edge ? (top - edge) / (peak > first ? peak - first : 1)
                                                    : NAN;
    double spread = sqrt(squares / (search->switches.sample ? n - 1 : n));
    return row[E5_SPELL_cell] == cell && row[E5_SPELL_first] == first && row[E5_SPELL_last] == last &&
           row[E5_SPELL_duration] == n && row[E5_SPELL_peak] == peak &&
           near(row[E5_SPELL_intensity_max], sign * largest) && near(row[E5_SPELL_intensity_mean], sign * sum / n) &&
           near(row[E5_SPELL_intensity_var], spread) && near(row[E5_SPELL_intensity_cumulative], sign * sum) &&
           near(row[E5_SPELL_intensity_cumulative_abs], values) && near(row[E5_SPELL_rate_onset], sign * onset) &&
           near(row[E5_SPELL_category], worst) && row[E5_SPELL_censored_start] == !before &&
           row[E5_SPELL_censored_end] == !after;
}

/* Rows in the order of cells and time; returns how many of them are wrong, or missing. */
static size_t compare(const struct e5_runs_table *table, const struct e5_runs_search *search, bool lingers) {
    size_t wrong = 0, row = 0;
    for (int cell = 0; cell < CELLS; cell++) {
        bool in[STEPS];
        flags_of(search, lingers, cell, in);
        for (int t = 0; t < STEPS; t++) {
            int last = t;
            if (!in[t]) continue;
            while (last + 1 < STEPS && in[last + 1] && follows(last + 1)) last++;
            if (row < table->rows) wrong += !right(table->values + row * E5_SPELL_COLUMNS, search, t, last, cell);
            row++;
            t = last;
        }
    }
    return wrong + (row > table->rows ? row - table->rows : table->rows - row);
}

TEST(runs_equal_a_slow_search) {
    struct e5_pool *pool = NULL;
    CHECK_OK(e5_pool_new(3, &pool, err));
    for (int way = 0; way < 8; way++) {
        struct e5_view view =
            way & 1 ? view_of_rows(single, E5_F32, STEPS, CELLS) : view_of_rows(x, E5_F64, STEPS, CELLS);
        struct e5_runs_request request = request_of(&view, searches, SEARCHES);
        struct e5_runs_table tables[SEARCHES];
        if (way & 2) request.limits[E5_RUNS_STAY] = (struct e5_runs_limits){stay, SLOTS, 1, slot_of_step};
        CHECK_OK(e5_runs(&request, way & 4 ? pool : NULL, NULL, tables, err));
        for (int k = 0; k < SEARCHES; k++) {
            CHECK(tables[k].rows > CELLS && compare(&tables[k], &searches[k], way & 2) == 0);
            e5_runs_table_fini(&tables[k]);
        }
    }
    e5_pool_free(pool);
}

TEST(without_a_climatology_the_peak_is_that_of_the_exceedance) {
    struct e5_view view = view_of_rows(x, E5_F64, STEPS, CELLS);
    struct e5_runs_request request = request_of(&view, searches, 1);
    struct e5_runs_table table;
    request.limits[E5_RUNS_CLIMATOLOGY] = (struct e5_runs_limits){.several = 1};
    CHECK_OK(e5_runs(&request, NULL, NULL, &table, err));
    CHECK(table.rows > CELLS);
    for (size_t i = 0; i < table.rows; i++) {
        const double *row = table.values + i * E5_SPELL_COLUMNS;
        int cell = (int)row[E5_SPELL_cell], first = (int)row[E5_SPELL_first], peak = first;
        for (int t = first; t <= (int)row[E5_SPELL_last]; t++)
            if (at(t, cell) - limit_at(limits, 0, t, cell) > at(peak, cell) - limit_at(limits, 0, peak, cell))
                peak = t;
        CHECK(row[E5_SPELL_peak] == peak && isnan(row[E5_SPELL_intensity_max]) && isnan(row[E5_SPELL_category]));
        CHECK(row[E5_SPELL_intensity_max_threshold] == at(peak, cell) - limit_at(limits, 0, peak, cell));
        CHECK(row[E5_SPELL_intensity_max_abs] == at(peak, cell));
    }
    e5_runs_table_fini(&table);
}

TEST(every_allocation_may_fail_and_no_table_is_left) {
    struct e5_view view = view_of_rows(x, E5_F64, STEPS, CELLS);
    struct e5_runs_request request = request_of(&view, searches, SEARCHES);
    struct e5_runs_table tables[SEARCHES];
    enum e5_status status = E5_MEMORY;
    long failures = 0;
    while (status == E5_MEMORY && failures < 500) {
        struct e5_error said = E5_ERROR_NONE;
        e5_alloc_fail_after(failures + 1);
        status = e5_runs(&request, NULL, NULL, tables, &said);
        e5_alloc_fail_after(0);
        failures += status == E5_MEMORY;
        CHECK(status == said.status);
        for (int k = 0; k < SEARCHES; k++) {
            CHECK(status == E5_OK || (tables[k].rows == 0 && tables[k].values == NULL));
            e5_runs_table_fini(&tables[k]);
        }
    }
    CHECK(status == E5_OK && failures > 5 * SEARCHES);
}

TEST(a_cancelled_search_and_a_bad_axis_leave_no_table) {
    struct e5_view view = view_of_rows(x, E5_F64, STEPS, CELLS);
    struct e5_runs_request request = request_of(&view, searches, SEARCHES);
    struct e5_runs_table tables[SEARCHES];
    struct e5_watch watch = {0};
    struct e5_time_axis none = {.calendar = E5_STANDARD};
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_runs(&request, NULL, &watch, tables, err));
    for (int k = 0; k < SEARCHES; k++) CHECK(tables[k].rows == 0 && tables[k].values == NULL);
    request.axis = &none;
    CHECK_STATUS(E5_INPUT, e5_runs(&request, NULL, NULL, tables, err));
    for (int k = 0; k < SEARCHES; k++) CHECK(tables[k].rows == 0 && tables[k].values == NULL);
}

int main(void) {
    fill();
    RUN(runs_equal_a_slow_search);
    RUN(without_a_climatology_the_peak_is_that_of_the_exceedance);
    RUN(every_allocation_may_fail_and_no_table_is_left);
    RUN(a_cancelled_search_and_a_bad_axis_leave_no_table);
    return check_summary();
}
