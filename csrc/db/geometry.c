#include "db/geometry.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* --- reading WKB --- */

enum { WKB_POINT = 1, WKB_LINE, WKB_POLYGON, WKB_MULTIPOINT, WKB_MULTILINE, WKB_MULTIPOLYGON, WKB_COLLECTION };

#define MAX_NESTING 8 /* collections in collections; simple features need 3 */
#define WKB_SMALLEST 9 /* bytes of an empty part: byte order, type, count */

struct cursor {
    const unsigned char *at;
    size_t left;
    bool big_endian, failed;
};

static uint64_t take(struct cursor *from, unsigned bytes) {
    uint64_t number = 0;
    if (from->left < bytes) from->failed = true;
    if (from->failed) return 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)from->at[i] << 8 * (from->big_endian ? bytes - 1 - i : i);
    from->at += bytes;
    from->left -= bytes;
    return number;
}

static double take_double(struct cursor *from) {
    uint64_t bits = take(from, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* A count of things that take at least `smallest` bytes each: more than fit into the rest is damage. */
static uint32_t take_count(struct cursor *from, size_t smallest) {
    uint32_t count = (uint32_t)take(from, 4);
    if (count > from->left / smallest) from->failed = true;
    return from->failed ? 0 : count;
}

static void add_point(struct cursor *from, unsigned dimensions, struct e5_box *box) {
    double x = take_double(from), y = take_double(from);
    for (unsigned i = 2; i < dimensions; i++) take(from, 8);
    if (from->failed || isnan(x) || isnan(y)) return; /* NaN is how WKB writes an empty point */
    box->min_x = box->empty ? x : fmin(box->min_x, x);
    box->max_x = box->empty ? x : fmax(box->max_x, x);
    box->min_y = box->empty ? y : fmin(box->min_y, y);
    box->max_y = box->empty ? y : fmax(box->max_y, y);
    box->empty = false;
}

static void add_points(struct cursor *from, unsigned dimensions, struct e5_box *box) {
    for (uint32_t n = take_count(from, 8 * dimensions); n > 0 && !from->failed; n--) add_point(from, dimensions, box);
}

static void add_wkb(struct cursor *from, unsigned depth, struct e5_box *box) {
    from->big_endian = take(from, 1) == 0;
    uint32_t type = (uint32_t)take(from, 4);
    unsigned dimensions = type < 1000 ? 2 : type < 3000 ? 3 : 4;
    if (type >= 4000 || depth > MAX_NESTING) from->failed = true;
    if (from->failed) return;
    switch (type % 1000) {
    case WKB_POINT: add_point(from, dimensions, box); break;
    case WKB_LINE: add_points(from, dimensions, box); break;
    case WKB_POLYGON:
        for (uint32_t n = take_count(from, 4); n > 0 && !from->failed; n--) add_points(from, dimensions, box);
        break;
    case WKB_MULTIPOINT:
    case WKB_MULTILINE:
    case WKB_MULTIPOLYGON:
    case WKB_COLLECTION:
        for (uint32_t n = take_count(from, WKB_SMALLEST); n > 0 && !from->failed; n--) add_wkb(from, depth + 1, box);
        break;
    default: from->failed = true;
    }
}

void e5_box_widen(struct e5_box *all, const struct e5_box *box) {
    if (box->empty) return;
    if (all->empty) *all = *box;
    all->min_x = fmin(all->min_x, box->min_x);
    all->max_x = fmax(all->max_x, box->max_x);
    all->min_y = fmin(all->min_y, box->min_y);
    all->max_y = fmax(all->max_y, box->max_y);
}

enum e5_status e5_wkb_bounds(const void *wkb, size_t size, struct e5_box *out, struct e5_error *err) {
    struct cursor from = {.at = wkb, .left = size};
    *out = (struct e5_box){.empty = true};
    add_wkb(&from, 0, out);
    return from.failed ? e5_fail(err, E5_DATABASE, "damaged geometry of %zu bytes", size) : E5_OK;
}

/* --- the GeoPackage blob --- */

#define HEADER 8
#define FLAG_LITTLE_ENDIAN 0x01
#define FLAG_ENVELOPE_XY 0x02
#define FLAG_EMPTY 0x10

enum e5_status e5_geometry_bounds(const void *blob, size_t size, struct e5_box *out, struct e5_error *err) {
    static const unsigned doubles[8] = {0, 4, 6, 6, 8}; /* of the envelope, by its code; 5 to 7 are invalid */
    const unsigned char *bytes = blob;
    *out = (struct e5_box){.empty = true};
    bool known = size >= HEADER && bytes[0] == 'G' && bytes[1] == 'P' && bytes[2] == 0;
    unsigned code = known ? bytes[3] >> 1 & 7 : 0;
    if (!known || code > 4 || size - HEADER < 8 * doubles[code])
        return e5_fail(err, E5_DATABASE, "damaged geometry of %zu bytes", size);
    if (bytes[3] & FLAG_EMPTY) return E5_OK;
    struct cursor from = {.at = bytes + HEADER, .left = size - HEADER};
    if (code == 0) return e5_wkb_bounds(from.at, from.left, out, err);
    from.big_endian = (bytes[3] & FLAG_LITTLE_ENDIAN) == 0;
    out->min_x = take_double(&from);
    out->max_x = take_double(&from);
    out->min_y = take_double(&from);
    out->max_y = take_double(&from);
    out->empty = isnan(out->min_x);
    return E5_OK;
}

static void put(unsigned char *to, uint64_t number, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) to[i] = (unsigned char)(number >> 8 * i);
}

void e5_geometry_double(unsigned char *to, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    put(to, bits, 8);
}

enum e5_status e5_geometry_write(struct e5_buffer *blob, const void *wkb, size_t size, const struct e5_box *box,
                                 struct e5_error *err) {
    unsigned char header[HEADER + 4 * 8] = {'G', 'P', 0, FLAG_ENVELOPE_XY | FLAG_LITTLE_ENDIAN};
    put(header + 4, E5_WGS84, 4);
    e5_geometry_double(header + HEADER, box->min_x);
    e5_geometry_double(header + HEADER + 8, box->max_x);
    e5_geometry_double(header + HEADER + 16, box->min_y);
    e5_geometry_double(header + HEADER + 24, box->max_y);
    e5_buffer_clear(blob);
    enum e5_status status = e5_buffer_append(blob, header, sizeof header, err);
    if (status == E5_OK) status = e5_buffer_append(blob, wkb, size, err);
    return status;
}

/* --- SQL functions --- */

enum answer { IS_EMPTY, MIN_X, MAX_X, MIN_Y, MAX_Y };

static void answer(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    struct e5_box box;
    const enum answer *wanted = sqlite3_user_data(context);
    if (sqlite3_value_type(values[0]) != SQLITE_BLOB) return; /* the result stays NULL */
    const void *blob = sqlite3_value_blob(values[0]);
    if (e5_geometry_bounds(blob, (size_t)sqlite3_value_bytes(values[0]), &box, NULL) != E5_OK) return;
    const double numbers[] = {[MIN_X] = box.min_x, [MAX_X] = box.max_x, [MIN_Y] = box.min_y, [MAX_Y] = box.max_y};
    if (*wanted == IS_EMPTY)
        sqlite3_result_int(context, box.empty);
    else if (!box.empty)
        sqlite3_result_double(context, numbers[*wanted]);
}

int e5_geometry_register(sqlite3 *handle) {
    static const struct {
        const char *name;
        enum answer answer;
    } rows[] = {
        {"ST_IsEmpty", IS_EMPTY}, {"ST_MinX", MIN_X}, {"ST_MaxX", MAX_X}, {"ST_MinY", MIN_Y}, {"ST_MaxY", MAX_Y}};
    int code = SQLITE_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == SQLITE_OK; i++)
        code =
            sqlite3_create_function_v2(handle, rows[i].name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                       (void *)&rows[i].answer, answer, NULL, NULL, NULL);
    return code;
}
