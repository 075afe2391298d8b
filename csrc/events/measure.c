#include "events/measure.h"

#include <math.h>

#include "base/alloc.h"
#include "base/simd.h"

#define LANES 8 /* sums side by side: as many as the widest vectors hold, and the same ones without vectors */
#define WORD 64

/* --- tables --- */

/* Sums to the left of each column, so that those of a run are two differences. */
static void add_up_longitudes(struct e5_measure *m) {
    for (size_t c = 0; c < m->grid->columns; c++) {
        double angle = m->grid->longitude[c] * (M_PI / 180);
        m->north[c + 1] = m->north[c] + cos(angle);
        m->east[c + 1] = m->east[c] + sin(angle);
    }
    for (size_t r = 0; r < m->grid->rows; r++) {
        double angle = m->grid->latitude[r] * (M_PI / 180);
        m->cosine[r] = cos(angle);
        m->sine[r] = sin(angle);
    }
}

enum e5_status e5_measure_init(struct e5_measure *m, const struct e5_grid *grid, struct e5_error *err) {
    m->grid = grid;
    enum e5_status status = e5_alloc(grid->columns + 1, sizeof *m->north, &m->north, err);
    if (status == E5_OK) status = e5_alloc(grid->columns + 1, sizeof *m->east, &m->east, err);
    if (status == E5_OK) status = e5_alloc(grid->rows, sizeof *m->cosine, &m->cosine, err);
    if (status == E5_OK) status = e5_alloc(grid->rows, sizeof *m->sine, &m->sine, err);
    if (status == E5_OK) add_up_longitudes(m);
    return status;
}

void e5_measure_fini(struct e5_measure *m) {
    free(m->north);
    free(m->east);
    free(m->cosine);
    free(m->sine);
    *m = (struct e5_measure){0};
}

enum { THRESHOLD, CORE, CLIMATOLOGY, LINES };

size_t e5_measure_scratch(const struct e5_measure *m) { return LINES * m->grid->columns; }

/* --- the exceedance of a run: its sum and its maximum --- */

struct excess {
    double sum, maximum;
};

/* Exceedance is never an arithmetic special case here: what is not known has been left out.  Runs are short, and most
 * of them end within vectors: where the row goes on long enough (`room`) these are taken whole, and what lies behind
 * the run is left out. */
#define ADD_UP(name, value_type, threshold_type, stride)                                                            \
    E5_SIMD_BODY void name##_body(const value_type *restrict value, const threshold_type *restrict threshold,       \
                                  double sign, size_t n, size_t room, struct excess *out) {                         \
        double sum[LANES] = {0}, top[LANES];                                                                        \
        for (size_t k = 0; k < LANES; k++) top[k] = -INFINITY;                                                      \
        size_t c = 0;                                                                                               \
        for (; c + LANES <= n; c += LANES)                                                                          \
            for (size_t k = 0; k < LANES; k++) {                                                                    \
                double excess = sign * ((double)value[c + k] - (double)threshold[stride * (c + k)]);                \
                sum[k] += excess;                                                                                   \
                top[k] = excess > top[k] ? excess : top[k];                                                         \
            }                                                                                                       \
        bool whole = c + LANES <= room;                                                                             \
        for (size_t k = 0; whole && k < LANES; k++) {                                                               \
            bool within = c + k < n;                                                                                \
            double excess = sign * ((double)value[c + k] - (double)threshold[stride * (c + k)]);                    \
            sum[k] += within ? excess : 0;                                                                          \
            top[k] = within && excess > top[k] ? excess : top[k];                                                   \
        }                                                                                                           \
        for (size_t k = 0; !whole && c + k < n; k++) {                                                              \
            double excess = sign * ((double)value[c + k] - (double)threshold[stride * (c + k)]);                    \
            sum[k] += excess;                                                                                       \
            top[k] = excess > top[k] ? excess : top[k];                                                             \
        }                                                                                                           \
        for (size_t half = LANES / 2; half > 0; half /= 2)                                                          \
            for (size_t k = 0; k < half; k++) {                                                                     \
                sum[k] += sum[k + half];                                                                            \
                top[k] = top[k] > top[k + half] ? top[k] : top[k + half];                                           \
            }                                                                                                       \
        *out = (struct excess){sum[0], top[0]};                                                                     \
    }                                                                                                               \
    E5_SIMD_VARIANTS(name,                                                                                          \
                     (const value_type *value, const threshold_type *threshold, double sign, size_t n, size_t room, \
                      struct excess *out),                                                                          \
                     (value, threshold, sign, n, room, out))
ADD_UP(add_up_f32_number, float, double, 0)
ADD_UP(add_up_f32_f32, float, float, 1)
ADD_UP(add_up_f32_f64, float, double, 1)
ADD_UP(add_up_f64_number, double, double, 0)
ADD_UP(add_up_f64_f32, double, float, 1)
ADD_UP(add_up_f64_f64, double, double, 1)

/* A row of values with what it is compared with. */
struct row {
    int32_t row;
    enum e5_dtype dtype;
    const void *values;
    double sign;
    struct e5_line line[LINES]; /* of the limits that there are */
};

static double value_at(const struct row *row, size_t c) {
    return row->dtype == E5_F32 ? (double)((const float *)row->values)[c] : ((const double *)row->values)[c];
}

static double excess_at(const struct row *row, size_t c) {
    return row->sign * (value_at(row, c) - e5_line_at(&row->line[THRESHOLD], c));
}

static struct excess excess_of(const struct row *row, size_t first, size_t n, size_t columns) {
    size_t room = columns - first;
    const struct e5_line *line = &row->line[THRESHOLD];
    const float *narrow = (const float *)row->values + first;
    const double *wide = (const double *)row->values + first;
    const float *narrow_line = (const float *)line->values + first;
    const double *wide_line = (const double *)line->values + first;
    bool single = row->dtype == E5_F32;
    struct excess out = {0};
    switch (line->kind) {
    case E5_LINE_NUMBER:
        single ? add_up_f32_number(narrow, &line->number, row->sign, n, room, &out)
               : add_up_f64_number(wide, &line->number, row->sign, n, room, &out);
        break;
    case E5_LINE_F32:
        single ? add_up_f32_f32(narrow, narrow_line, row->sign, n, room, &out)
               : add_up_f64_f32(wide, narrow_line, row->sign, n, room, &out);
        break;
    case E5_LINE_F64:
        single ? add_up_f32_f64(narrow, wide_line, row->sign, n, room, &out)
               : add_up_f64_f64(wide, wide_line, row->sign, n, room, &out);
        break;
    }
    return out;
}

/* --- the rest of a run --- */

static void place_maximum(const struct row *row, size_t first, double maximum, struct e5_measured *blob) {
    size_t c = first;
    while (excess_at(row, c) != maximum) c++;
    blob->maximum = maximum;
    blob->value = value_at(row, c);
    blob->row = row->row, blob->column = (int32_t)c;
}

static bool passes_core(const struct row *row, size_t first, size_t end) {
    for (size_t c = first; c < end; c++)
        if (row->sign * (value_at(row, c) - e5_line_at(&row->line[CORE], c)) > 0) return true;
    return false;
}

/* Severity is not known where climatology and threshold do not differ, or lie the wrong way round. */
static void add_severity(const struct row *row, size_t first, size_t end, double area, struct e5_measured *blob) {
    for (size_t c = first; c < end; c++) {
        double climatology = e5_line_at(&row->line[CLIMATOLOGY], c);
        double step = row->sign * (e5_line_at(&row->line[THRESHOLD], c) - climatology);
        double severity = row->sign * (value_at(row, c) - climatology) / step;
        if (!(step > 0) || isnan(severity)) continue;
        blob->severe += area * severity;
        blob->severe_area += area;
        if (severity > blob->severity) blob->severity = severity;
        if (severity >= 1)
            blob->category_area[(severity < E5_CATEGORIES ? (size_t)severity : E5_CATEGORIES) - 1] += area;
    }
}

static void add_run(const struct e5_measure *m, const struct row *row, const struct e5_run *run,
                    struct e5_measured *blob) {
    size_t first = (size_t)run->first, n = (size_t)run->count, end = first + n;
    double area = m->grid->area[run->row], whole = area * (double)n;
    struct excess excess = excess_of(row, first, n, m->grid->columns);
    if (blob->runs == 0 || excess.maximum > blob->maximum) place_maximum(row, first, excess.maximum, blob);
    blob->cells += run->count, blob->runs++;
    blob->area += whole;
    blob->excess += area * excess.sum;
    blob->pull.x += area * m->cosine[run->row] * (m->north[end] - m->north[first]);
    blob->pull.y += area * m->cosine[run->row] * (m->east[end] - m->east[first]);
    blob->pull.z += whole * m->sine[run->row];
    blob->pull.weight += whole;
    if (m->core != NULL && !blob->core) blob->core = passes_core(row, first, end);
    if (m->climatology != NULL) add_severity(row, first, end, area, blob);
}

/* --- a step --- */

static struct row row_of(const struct e5_measure *m, size_t step, size_t row, const void *values, double *scratch) {
    static const struct e5_line zero = {.kind = E5_LINE_NUMBER, .number = 0};
    const struct e5_limits *limits[LINES] = {m->threshold, m->core, m->climatology};
    size_t columns = m->grid->columns;
    struct row out = {.row = (int32_t)row, .dtype = m->dtype, .sign = m->below ? -1 : 1};
    out.values = (const char *)values + row * columns * e5_dtype_size(m->dtype);
    for (size_t i = 0; i < LINES; i++)
        out.line[i] =
            limits[i] != NULL ? e5_limits_line(limits[i], step, row, 0, columns, scratch + i * columns) : zero;
    return out;
}

void e5_measure_step(const struct e5_measure *m, size_t step, const void *values, const struct e5_run *run,
                     size_t runs, struct e5_measured *blob, size_t blobs, double *scratch) {
    struct row row = {.row = -1};
    for (size_t i = 0; i < blobs; i++) {
        e5_measured_begin(&blob[i]);
        blob[i].core = m->core == NULL;
    }
    for (size_t i = 0; i < runs; i++) {
        if (run[i].row != row.row) row = row_of(m, step, (size_t)run[i].row, values, scratch);
        add_run(m, &row, &run[i], &blob[run[i].blob]);
    }
}

void e5_measure_known(const struct e5_measure *m, size_t step, size_t row, const void *values, double *scratch,
                      uint64_t *bits) {
    struct row at = row_of(m, step, row, values, scratch);
    for (size_t first = 0; first < m->grid->columns; first += WORD) {
        uint64_t known = 0;
        for (size_t c = first; c < first + WORD && c < m->grid->columns; c++)
            known |= (uint64_t)!isnan(excess_at(&at, c)) << (c - first);
        bits[first / WORD] &= known;
    }
}

/* --- sums --- */

void e5_measured_begin(struct e5_measured *sum) {
    *sum = (struct e5_measured){.maximum = -INFINITY, .severity = -INFINITY};
}

/* The first of equals in the order of rows and columns, whichever blob it belongs to; anything is above nothing. */
static bool is_higher(const struct e5_measured *a, const struct e5_measured *b) {
    if (b->runs == 0) return a->runs > 0;
    if (a->maximum != b->maximum) return a->maximum > b->maximum;
    return a->row < b->row || (a->row == b->row && a->column < b->column);
}

void e5_measured_add(struct e5_measured *sum, const struct e5_measured *part) {
    if (is_higher(part, sum)) {
        sum->maximum = part->maximum, sum->value = part->value;
        sum->row = part->row, sum->column = part->column;
    }
    sum->cells += part->cells, sum->runs += part->runs;
    sum->area += part->area;
    sum->excess += part->excess;
    sum->pull.x += part->pull.x, sum->pull.y += part->pull.y, sum->pull.z += part->pull.z;
    sum->pull.weight += part->pull.weight;
    sum->core |= part->core;
    sum->severe += part->severe, sum->severe_area += part->severe_area;
    if (part->severity > sum->severity) sum->severity = part->severity;
    for (size_t k = 0; k < E5_CATEGORIES; k++) sum->category_area[k] += part->category_area[k];
}

struct e5_severity e5_measured_severity(const struct e5_measured *sum) {
    struct e5_severity out = {.mean = NAN, .maximum = NAN};
    for (size_t k = 0; k < E5_CATEGORIES; k++) out.area[k] = sum->category_area[k];
    if (!(sum->severe_area > 0)) return out;
    out.mean = sum->severe / sum->severe_area;
    out.maximum = sum->severity;
    out.category = sum->severity >= E5_CATEGORIES ? E5_CATEGORIES : sum->severity >= 1 ? (int32_t)sum->severity : 0;
    return out;
}
