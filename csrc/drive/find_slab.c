/* A slab is a head; then for each step a head, its blobs as they are in memory, and its cells: for every run how many
 * cells lie between it and the run before, and how many it has, in as few bytes as each number needs. */
#include "drive/find_slab.h"

#include <string.h>

#include "drive/find_joining.h"
#include "drive/find_unpack.h"

struct packing {
    const struct e5_find_ground *ground;
    struct e5_buffer *out;
};

/* Seven bits a byte, lowest first; the highest bit says that there are more. */
static size_t put_number(uint64_t number, unsigned char *out) {
    size_t n = 0;
    for (; number >= 128; number >>= 7) out[n++] = (unsigned char)(number | 128);
    out[n++] = (unsigned char)number;
    return n;
}

static enum e5_status put_cells(const struct packing *p, const struct e5_find_step *found, struct e5_error *err) {
    enum { LONGEST = 20 };
    uint64_t end = 0;
    enum e5_status status = E5_OK;
    for (size_t r = 0; status == E5_OK && r < found->runs; r++) {
        const struct e5_run *run = &found->run[r];
        unsigned char bytes[LONGEST];
        uint64_t first = (uint64_t)run->row * p->ground->grid.columns + (uint64_t)run->first;
        size_t n = put_number(first - end, bytes);
        n += put_number((uint64_t)run->count, bytes + n);
        end = first + (uint64_t)run->count;
        status = e5_buffer_append(p->out, bytes, n, err);
    }
    return status;
}

static enum e5_status put_step(const struct packing *p, const struct e5_find_step *found, size_t blobs,
                               struct e5_error *err) {
    struct e5_slab_step head = {.blobs = blobs};
    size_t at = p->out->size;
    enum e5_status status = e5_buffer_append(p->out, &head, sizeof head, err);
    if (status == E5_OK) status = e5_buffer_append(p->out, found->measured, blobs * sizeof *found->measured, err);
    size_t cells = p->out->size;
    if (status == E5_OK) status = put_cells(p, found, err);
    head.cell_bytes = p->out->size - cells;
    if (status == E5_OK) memcpy(p->out->bytes + at, &head, sizeof head);
    return status;
}

static enum e5_status put_batch(void *packing, const struct e5_find_batch *batch, struct e5_error *err) {
    const struct packing *p = packing;
    enum e5_status status = E5_OK;
    for (size_t i = 0; status == E5_OK && i < batch->steps; i++)
        status = put_step(p, &batch->found[i], batch->frame[i].blobs, err);
    return status;
}

enum e5_status e5_find_slab(const struct e5_find_request *request, const bool *linked, size_t first, size_t end,
                            struct e5_pool *pool, struct e5_watch *watch, struct e5_buffer *out,
                            struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct e5_find_range range = {.linked = linked, .first = first, .end = end};
    struct e5_find_ground ground = {0};
    struct e5_slab_head head = e5_slab_head(request->grid, end - first, request->climatology != NULL);
    struct packing packing = {.ground = &ground, .out = out};
    enum e5_status status = e5_find_ground_init(&ground, request->grid, request->rule, err);
    if (status == E5_OK) status = e5_buffer_append(out, &head, sizeof head, err);
    if (status == E5_OK)
        status =
            e5_find_stream(request, &ground, &range, pool != NULL ? &threads : NULL, watch, put_batch, &packing, err);
    e5_find_ground_fini(&ground);
    return status;
}

enum e5_status e5_find_join(const struct e5_find_request *request, const struct e5_find_bytes *slab, size_t slabs,
                            struct e5_pool *pool, struct e5_watch *watch, struct e5_events **out,
                            struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    const struct e5_parallel *par = pool != NULL ? &threads : NULL;
    struct e5_find_ground ground = {0};
    struct e5_find_joining joining = {0};
    bool severity = false;
    *out = NULL;
    enum e5_status status = e5_slabs_check(request, slab, slabs, &severity, err);
    if (status == E5_OK) status = e5_find_ground_init(&ground, request->grid, request->rule, err);
    if (status == E5_OK) status = e5_find_joining_init(&joining, request, &ground, par, watch, err);
    if (status == E5_OK)
        status = e5_slabs_unpack(slab, slabs, &ground, par, watch, e5_find_joining_add, &joining, err);
    if (status == E5_OK) status = e5_find_joining_end(&joining, severity, out, err);
    if (status == E5_OK) status = e5_events_check(*out, err);
    if (status != E5_OK) e5_events_free(*out), *out = NULL;
    e5_find_joining_fini(&joining);
    e5_find_ground_fini(&ground);
    return status;
}
