#include "drive/find_unpack.h"

#include <string.h>

#include "base/alloc.h"
#include "events/bits.h"

#define MARK 0x45355301u
#define BATCH_BYTES ((size_t)4 << 20) /* of bits: what is made of them is some times as much */
#define MOST_STEPS 4096u

struct packed { /* a step */
    struct e5_slab_step head;
    const char *blobs;
    const unsigned char *cells;
};

struct unpacking {
    const struct e5_find_ground *ground;
    const struct e5_parallel *par;
    struct e5_watch *watch;
    e5_find_receive_fn receive;
    void *receiver;
    size_t first;           /* step of the record that the batch begins with */
    size_t steps, room;     /* of the batch */
    struct packed *packed;
    uint64_t *bits;
    struct e5_frame *frame;
    struct e5_find_step *found;
};

static enum e5_status damaged(struct e5_error *err) {
    return e5_fail(err, E5_INPUT, "the events of a slab of time are damaged");
}

/* --- heads --- */

struct e5_slab_head e5_slab_head(const struct e5_grid *grid, size_t steps, bool severity) {
    return (struct e5_slab_head){.mark = MARK,
                                 .blob = sizeof(struct e5_measured),
                                 .rows = grid->rows,
                                 .columns = grid->columns,
                                 .steps = steps,
                                 .severity = severity};
}

static enum e5_status check_head(const struct e5_find_request *request, const struct e5_find_bytes *slab,
                                 struct e5_slab_head *head, struct e5_error *err) {
    const struct e5_grid *grid = request->grid;
    if (slab->size < sizeof *head) return damaged(err);
    memcpy(head, slab->bytes, sizeof *head);
    if (head->mark != MARK || head->blob != sizeof(struct e5_measured))
        return e5_fail(err, E5_INPUT, "the events of a slab of time are of another version or kind of machine");
    if (head->rows != grid->rows || head->columns != grid->columns)
        return e5_fail(err, E5_INPUT, "a slab of time has other cells than the record");
    return E5_OK;
}

enum e5_status e5_slabs_check(const struct e5_find_request *request, const struct e5_find_bytes *slab, size_t slabs,
                              bool *severity, struct e5_error *err) {
    size_t left = request->axis.n;
    if (left > INT32_MAX) return e5_fail(err, E5_UNSAFE, "%zu time steps are too many", left);
    for (size_t i = 0; i < slabs; i++) {
        struct e5_slab_head head;
        enum e5_status status = check_head(request, &slab[i], &head, err);
        if (status != E5_OK) return status;
        if (head.steps > left || (i > 0 && head.severity != *severity))
            return e5_fail(err, E5_INPUT, "the slabs of time do not belong to one record");
        left -= head.steps;
        *severity = head.severity != 0;
    }
    return left == 0 ? E5_OK : e5_fail(err, E5_INPUT, "slabs of time for %zu steps are missing", left);
}

/* --- a step --- */

/* The number at *at, which moves on; SIZE_MAX: there is none. */
static size_t take_number(const unsigned char **at, const unsigned char *end) {
    uint64_t number = 0;
    for (unsigned shift = 0; *at < end && shift < 35; shift += 7) {
        unsigned char byte = *(*at)++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return (size_t)number;
    }
    return SIZE_MAX;
}

static void set_cells(uint64_t *row, size_t first, size_t count) {
    for (size_t c = first, end = first + count; c < end;) {
        size_t bit = c % E5_WORD_BITS, n = E5_WORD_BITS - bit < end - c ? E5_WORD_BITS - bit : end - c;
        row[c / E5_WORD_BITS] |= (n < E5_WORD_BITS ? ((uint64_t)1 << n) - 1 : UINT64_MAX) << bit;
        c += n;
    }
}

/* Runs of a row are apart: with a gap of 0 the next begins its row. */
static enum e5_status read_cells(const struct e5_find_ground *ground, const struct packed *packed, uint64_t *bits,
                                 struct e5_error *err) {
    const unsigned char *at = packed->cells, *end = at + packed->head.cell_bytes;
    size_t columns = ground->grid.columns, cells = ground->grid.rows * columns, cell = 0;
    memset(bits, 0, ground->frame_words * sizeof *bits);
    while (at < end) {
        size_t gap = take_number(&at, end), count = take_number(&at, end);
        if (gap > cells - cell) return damaged(err);
        cell += gap;
        if (count < 1 || count > cells - cell || cell % columns + count > columns) return damaged(err);
        set_cells(bits + cell / columns * ground->row_words, cell % columns, count);
        cell += count;
    }
    return E5_OK;
}

/* Whether flags are flags, and the numbers of runs those of the blobs: the tables of events are made as large as they
 * say.  Uses these numbers up. */
static bool blobs_fit(struct e5_find_step *found, size_t blobs) {
    bool fit = true;
    for (size_t r = 0; r < found->runs; r++) found->measured[found->run[r].blob].runs--;
    for (size_t b = 0; b < blobs; b++) {
        unsigned char core;
        memcpy(&core, &found->measured[b].core, sizeof core);
        fit &= core <= 1 && found->measured[b].runs == 0;
    }
    return fit;
}

static enum e5_status unpack_step(void *context, size_t i, unsigned slot, struct e5_error *err) {
    const struct unpacking *u = context;
    const struct packed *packed = &u->packed[i];
    struct e5_frame *frame = &u->frame[i];
    struct e5_find_step *found = &u->found[i];
    uint64_t *bits = u->bits + i * u->ground->frame_words;
    (void)slot;
    enum e5_status status = read_cells(u->ground, packed, bits, err);
    if (status == E5_OK) status = e5_frame_make(frame, &u->ground->topology, bits, u->ground->row_area, 0, err);
    if (status == E5_OK && frame->blobs != packed->head.blobs) status = damaged(err);
    if (status == E5_OK) found->runs = e5_frame_count_runs(frame);
    if (status == E5_OK) status = e5_find_step_room(found, found->runs, frame->blobs, err);
    if (status == E5_OK) status = e5_frame_runs(frame, (int32_t)(u->first + i), found->run, err);
    if (status != E5_OK) return status;
    if (frame->blobs == 0) return E5_OK;
    memcpy(found->measured, packed->blobs, frame->blobs * sizeof *found->measured);
    if (!blobs_fit(found, frame->blobs)) return damaged(err);
    memcpy(found->measured, packed->blobs, frame->blobs * sizeof *found->measured);
    return E5_OK;
}

/* --- steps, batch after batch --- */

/* Where the next step of a slab lies. */
static enum e5_status next_step(const struct e5_find_bytes *slab, size_t *at, struct packed *out,
                                struct e5_error *err) {
    size_t left = slab->size - *at;
    if (left < sizeof out->head) return damaged(err);
    memcpy(&out->head, slab->bytes + *at, sizeof out->head);
    left -= sizeof out->head;
    if (out->head.blobs > left / sizeof(struct e5_measured)) return damaged(err);
    size_t blob_bytes = out->head.blobs * sizeof(struct e5_measured);
    if (out->head.cell_bytes > left - blob_bytes) return damaged(err);
    out->blobs = slab->bytes + *at + sizeof out->head;
    out->cells = (const unsigned char *)out->blobs + blob_bytes;
    *at += sizeof out->head + blob_bytes + out->head.cell_bytes;
    return E5_OK;
}

static enum e5_status hand_over(struct unpacking *u, struct e5_error *err) {
    struct e5_find_batch batch = {.steps = u->steps, .frame = u->frame, .found = u->found};
    if (u->steps == 0) return E5_OK;
    enum e5_status status = e5_parallel_for(u->par, u->watch, u->steps, unpack_step, u, err);
    if (status == E5_OK) status = u->receive(u->receiver, &batch, err);
    u->first += u->steps;
    u->steps = 0;
    return status;
}

static enum e5_status unpack_slab(struct unpacking *u, const struct e5_find_bytes *slab, struct e5_error *err) {
    struct e5_slab_head head;
    size_t at = sizeof head;
    enum e5_status status = E5_OK;
    memcpy(&head, slab->bytes, sizeof head);
    for (size_t i = 0; status == E5_OK && i < head.steps; i++) {
        status = next_step(slab, &at, &u->packed[u->steps], err);
        if (status == E5_OK && ++u->steps == u->room) status = hand_over(u, err);
    }
    return status == E5_OK && at != slab->size ? damaged(err) : status;
}

static enum e5_status prepare(struct unpacking *u, struct e5_error *err) {
    size_t words, frame_bytes = u->ground->frame_words * sizeof *u->bits;
    u->room = frame_bytes < BATCH_BYTES ? BATCH_BYTES / frame_bytes : 1;
    if (u->room > MOST_STEPS) u->room = MOST_STEPS;
    enum e5_status status = e5_multiply(u->room, u->ground->frame_words, &words, err);
    if (status == E5_OK) status = e5_alloc_plain(words * sizeof *u->bits, &u->bits, err);
    if (status == E5_OK) status = e5_alloc(u->room, sizeof *u->packed, &u->packed, err);
    if (status == E5_OK) status = e5_alloc(u->room, sizeof *u->frame, &u->frame, err);
    return status == E5_OK ? e5_alloc(u->room, sizeof *u->found, &u->found, err) : status;
}

static void clear(struct unpacking *u) {
    for (size_t i = 0; u->found != NULL && i < u->room; i++) {
        e5_frame_fini(&u->frame[i]);
        e5_find_step_fini(&u->found[i]);
    }
    free(u->packed);
    free(u->bits);
    free(u->frame);
    free(u->found);
}

enum e5_status e5_slabs_unpack(const struct e5_find_bytes *slab, size_t slabs, const struct e5_find_ground *ground,
                               const struct e5_parallel *par, struct e5_watch *watch, e5_find_receive_fn receive,
                               void *receiver, struct e5_error *err) {
    struct unpacking u = {.ground = ground, .par = par, .watch = watch, .receive = receive, .receiver = receiver};
    enum e5_status status = prepare(&u, err);
    for (size_t i = 0; status == E5_OK && i < slabs; i++) status = unpack_slab(&u, &slab[i], err);
    if (status == E5_OK) status = hand_over(&u, err);
    clear(&u);
    return status;
}
