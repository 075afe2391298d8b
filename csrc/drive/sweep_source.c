/* A SERIES kernel over a source that comes in order of time: read whole where memory allows it, else turned into
 * tiles on disk first.  Apart from sweep.c, which knows memory only. */
#include "base/alloc.h"
#include "drive/spill.h"
#include "drive/sweep.h"

#define BLOCKS 4 /* a block of the source takes a quarter of the budget … */
#define TILES 2  /* … and a tile half of it */

struct streaming {
    const struct e5_sweep_plan *plan;
    struct e5_source *source;
    size_t budget;
    double *out;
    const struct e5_parallel *par;
    struct e5_watch *watch;
};

static struct e5_view view_of(const struct streaming *s, const void *data, size_t cells) {
    size_t size = e5_dtype_size(s->source->dtype);
    return (struct e5_view){.data = data,
                            .dtype = s->source->dtype,
                            .ndim = 2,
                            .shape = {s->source->steps, cells},
                            .strides = {(ptrdiff_t)(cells * size), (ptrdiff_t)size},
                            .packing = E5_PACKING_NONE};
}

static enum e5_status sweep_cells(const struct streaming *s, const void *data, size_t first, size_t cells,
                                  struct e5_error *err) {
    struct e5_view view = view_of(s, data, cells);
    struct e5_sweep_out out = {s->out + first, s->source->cells};
    return e5_sweep_part(s->plan, &view, out, s->par, s->watch, err);
}

static enum e5_status in_memory(const struct streaming *s, struct e5_error *err) {
    struct e5_source *source = s->source;
    char *data = NULL;
    enum e5_status status = e5_alloc(source->steps, source->cells * e5_dtype_size(source->dtype), &data, err);
    if (status == E5_OK) status = source->read(source->self, 0, source->steps, data, s->par, s->watch, err);
    e5_watch_add(s->watch, (int64_t)(source->steps * source->cells));
    if (status == E5_OK) status = sweep_cells(s, data, 0, source->cells, err);
    free(data);
    return status;
}

static enum e5_status sweep_tiles(const struct streaming *s, const struct e5_spill *spill, struct e5_error *err) {
    char *data = NULL;
    enum e5_status status = e5_alloc(spill->steps, spill->tile * e5_dtype_size(spill->dtype), &data, err);
    for (size_t tile = 0; status == E5_OK && tile < e5_spill_tiles(spill); tile++) {
        status = e5_spill_read(spill, tile, data, err);
        if (status == E5_OK) status = sweep_cells(s, data, tile * spill->tile, e5_spill_tile_cells(spill, tile), err);
    }
    free(data);
    return status;
}

static enum e5_status through_disk(const struct streaming *s, const char *directory, struct e5_error *err) {
    struct e5_spill spill;
    enum e5_status status =
        e5_spill_write(s->source, directory, s->budget / TILES, s->budget / BLOCKS, s->par, s->watch, &spill, err);
    if (status != E5_OK) return status;
    status = sweep_tiles(s, &spill, err);
    e5_spill_close(&spill);
    return status;
}

enum e5_status e5_sweep_source(const struct e5_sweep_plan *plan, struct e5_source *source, size_t budget,
                               const char *directory, double *out, struct e5_pool *pool, struct e5_watch *watch,
                               struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct streaming s = {plan, source, budget, out, pool != NULL ? &threads : NULL, watch};
    size_t bytes;
    enum e5_status status = e5_multiply(source->steps, source->cells, &bytes, err);
    if (status == E5_OK) status = e5_multiply(bytes, e5_dtype_size(source->dtype), &bytes, err);
    if (status != E5_OK) return status;
    e5_watch_expect(watch, 2 * (int64_t)(source->steps * source->cells)); /* read, then swept */
    return bytes <= budget ? in_memory(&s, err) : through_disk(&s, directory, err);
}
