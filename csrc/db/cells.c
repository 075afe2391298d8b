#include "db/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- writing --- */

#define NUMBER_MOST 5 /* bytes of a number of 32 bits */

static unsigned char *put_number(unsigned char *to, uint32_t number) {
    while (number >= 0x80) {
        *to++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *to++ = (unsigned char)number;
    return to;
}

static unsigned char *put_run(unsigned char *to, const struct e5_run *run, int32_t row, int32_t first) {
    uint32_t step = (uint32_t)run->first - (uint32_t)first;
    to = put_number(to, (uint32_t)(run->row - row));
    to = put_number(to, run->first >= first ? step << 1 : ~(step << 1));
    return put_number(to, (uint32_t)run->count);
}

/* The runs of one blob. */
static enum e5_status put_blob(const struct e5_run *run, size_t n, struct e5_buffer *out, struct e5_error *err) {
    unsigned char bytes[3 * NUMBER_MOST];
    int32_t row = 0, first = 0;
    enum e5_status status = e5_buffer_append(out, bytes, (size_t)(put_number(bytes, (uint32_t)n) - bytes), err);
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        status = e5_buffer_append(out, bytes, (size_t)(put_run(bytes, &run[i], row, first) - bytes), err);
        row = run[i].row;
        first = run[i].first;
    }
    return status;
}

static int by_place(const struct e5_run *a, const struct e5_run *b) {
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

static int by_blob(const void *left, const void *right) {
    const struct e5_run *a = left, *b = right;
    if (a->blob != b->blob) return a->blob < b->blob ? -1 : 1;
    return by_place(a, b);
}

static int by_row(const void *left, const void *right) { return by_place(left, right); }

static enum e5_status put_blobs(const struct e5_run *run, size_t n, struct e5_buffer *out, struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t first = 0, end; first < n && status == E5_OK; first = end) {
        for (end = first + 1; end < n && run[end].blob == run[first].blob; end++) continue;
        status = put_blob(run + first, end - first, out, err);
    }
    return status;
}

enum e5_status e5_cells_encode(const struct e5_run *runs, size_t n, struct e5_buffer *out, struct e5_error *err) {
    struct e5_run *sorted;
    bool in_order = true;
    for (size_t i = 1; i < n && in_order; i++) in_order = by_blob(&runs[i - 1], &runs[i]) < 0;
    if (in_order) return put_blobs(runs, n, out, err);
    enum e5_status status = e5_alloc(n, sizeof *sorted, &sorted, err);
    if (status != E5_OK) return status;
    memcpy(sorted, runs, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_blob);
    status = put_blobs(sorted, n, out, err);
    free(sorted);
    return status;
}

/* --- reading --- */

struct reader {
    const unsigned char *at, *end;
    bool failed;
};

static uint32_t take_number(struct reader *from) {
    uint64_t number = 0;
    for (unsigned i = 0; i < NUMBER_MOST; i++) {
        if (from->at == from->end) break;
        unsigned char byte = *from->at++;
        number |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80 && number <= UINT32_MAX) return (uint32_t)number;
    }
    from->failed = true;
    return 0;
}

static void take_run(struct reader *from, int64_t *row, int64_t *first, struct e5_run *out) {
    *row += take_number(from);
    uint32_t step = take_number(from);
    *first += step & 1 ? -(int64_t)(step >> 1) - 1 : (int64_t)(step >> 1);
    uint32_t count = take_number(from);
    from->failed |= *row > INT32_MAX || *first < 0 || count == 0 || *first + count > INT32_MAX;
    if (from->failed) return;
    out->row = (int32_t)*row;
    out->first = (int32_t)*first;
    out->count = (int32_t)count;
}

enum e5_status e5_cells_decode(const void *bytes, size_t size, struct e5_run **out, size_t *n, struct e5_error *err) {
    struct reader from = {.at = bytes, .end = (const unsigned char *)bytes + size};
    size_t most = size / 3; /* a run takes at least three bytes */
    enum e5_status status = e5_alloc(most, sizeof **out, out, err);
    *n = 0;
    if (status != E5_OK) return status;
    for (int32_t blob = 0; from.at < from.end && !from.failed; blob++) {
        uint32_t runs = take_number(&from);
        int64_t row = 0, first = 0;
        from.failed |= runs == 0 || runs > most - *n;
        for (uint32_t i = 0; i < runs && !from.failed; i++) {
            (*out)[*n].blob = blob;
            take_run(&from, &row, &first, &(*out)[(*n)++]);
        }
    }
    qsort(*out, *n, sizeof **out, by_row);
    if (!from.failed) return E5_OK;
    free(*out);
    *out = NULL;
    *n = 0;
    return e5_fail(err, E5_DATABASE, "damaged cells of an event: %zu bytes", size);
}
