/* Memory is read best from one end to the other.  Where a row is short, tasks therefore differ in their periods and
 * not in their cells: each reads a piece of memory of its own.  Every cell still sees the steps of a period in order
 * of time, so that no cut can change a bit. */
#include "drive/scan_whole.h"

#include "base/alloc.h"

#define LINE 64
#define TASKS_PER_SLOT 32 /* wanted of periods: even an odd number of them is then shared out well */
#define SPLIT_FROM 4      /* periods per slot */

struct whole {
    const struct e5_scan_pass *pass;
    size_t pieces; /* of the series */
    int32_t piece; /* periods of each */
    size_t *begins; /* pieces + 1: steps; 0 and all for a single one */
    struct e5_scan_lane *lanes; /* slots × n */
    char *states; /* slots × state_bytes */
    size_t state_bytes;
};

bool e5_scan_whole_fits(const struct e5_scan_pass *pass) {
    return pass->source->view != NULL && pass->requests->part == NULL;
}

/* Periods stand by themselves, and all requests have the same ones. */
static bool divisible(const struct e5_scan_pass *pass) {
    for (size_t i = 0; i < pass->n; i++)
        if (pass->requests[i].kernel->ops.scan->lasting || pass->requests[i].periods != pass->requests->periods)
            return false;
    return true;
}

bool e5_scan_whole_splits(const struct e5_scan_pass *pass, unsigned slots) {
    return slots > 1 && divisible(pass) && pass->requests->periods->count >= (size_t)slots * SPLIT_FROM;
}

static void cut_series(struct whole *whole, unsigned slots) {
    const struct e5_scan_pass *pass = whole->pass;
    size_t count = pass->requests->periods->count, wanted = (size_t)slots * TASKS_PER_SLOT / pass->segments;
    whole->pieces = 1, whole->piece = 0;
    if (wanted < 2 || !e5_scan_whole_splits(pass, slots)) return;
    size_t piece = wanted < count ? count / wanted : 1;
    whole->piece = (int32_t)piece;
    whole->pieces = (count + piece - 1) / piece;
}

/* Where in the series each piece begins: with its first sample, or that of a later one. */
static void find_begins(struct whole *whole) {
    const struct e5_scan_pass *pass = whole->pass;
    const int32_t *period = pass->requests->periods->of_sample;
    size_t next = 1;
    for (size_t t = 0; whole->pieces > 1 && t < pass->steps; t++)
        while (next < whole->pieces && period[t] >= (int32_t)next * whole->piece) whole->begins[next++] = t;
    while (next <= whole->pieces) whole->begins[next++] = pass->steps;
}

static void make_lanes(const struct whole *whole, size_t piece, struct e5_scan_lane *lanes, char *states) {
    const struct e5_scan_pass *pass = whole->pass;
    for (size_t i = 0; i < pass->n; i++) {
        const struct e5_scan_request *request = &pass->requests[i];
        int32_t count = (int32_t)request->periods->count, first = (int32_t)piece * whole->piece;
        bool last = piece + 1 == whole->pieces;
        lanes[i] = (struct e5_scan_lane){states, first - 1, first, last ? count : first + whole->piece};
        states += e5_scan_request_bytes(request, pass->segment, pass->source->dtype);
    }
}

static enum e5_status scan_piece(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct whole *whole = context;
    const struct e5_scan_pass *pass = whole->pass;
    size_t piece = index / pass->segments;
    struct e5_scan_range cells = e5_scan_segment(pass, index % pass->segments);
    struct e5_scan_lane *lanes = whole->lanes + slot * pass->n;
    char *scratch = pass->scratch + slot * pass->slot_bytes;
    make_lanes(whole, piece, lanes, whole->states + slot * whole->state_bytes);
    enum e5_status status =
        e5_scan_steps(pass, lanes, whole->begins[piece], whole->begins[piece + 1], cells, scratch, err);
    for (size_t i = 0; i < pass->n && status == E5_OK; i++)
        e5_scan_advance(pass, &pass->requests[i], &lanes[i], lanes[i].end, cells, (double *)scratch);
    return status;
}

/* Scratch begins on a line: vectors that cross one cost twice. */
static char *on_line(void *memory) { return (char *)(((uintptr_t)memory + LINE - 1) / LINE * LINE); }

enum e5_status e5_scan_whole(struct e5_scan_pass *pass, const struct e5_parallel *par, struct e5_error *err) {
    unsigned slots = e5_parallel_slots(par);
    struct whole whole = {.pass = pass, .state_bytes = pass->segment * e5_scan_cell_bytes(pass)};
    void *memory = NULL;
    pass->steps = pass->source->steps, pass->block = pass->source->direct;
    cut_series(&whole, slots);
    enum e5_status status = e5_alloc(whole.pieces + 1, sizeof *whole.begins, &whole.begins, err);
    if (status == E5_OK) status = e5_alloc(slots * pass->n, sizeof *whole.lanes, &whole.lanes, err);
    if (status == E5_OK) status = e5_alloc_plain(slots * (whole.state_bytes + pass->slot_bytes) + LINE, &memory, err);
    if (status == E5_OK) {
        whole.states = on_line(memory);
        pass->scratch = whole.states + slots * whole.state_bytes;
        find_begins(&whole);
        status = e5_parallel_for(par, pass->watch, whole.pieces * pass->segments, scan_piece, &whole, err);
        pass->scratch = NULL; /* it was ours */
    }
    free(whole.begins);
    free(whole.lanes);
    free(memory);
    return status;
}
