#include "drive/regional.h"

struct pass {
    const struct e5_source *source;
    const struct e5_regional *what;
    size_t count; /* of what is asked */
    struct e5_watch *watch;
    const char *block; /* steps at hand */
    size_t first;
    double *out;
};

static enum e5_status reduce_step(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct pass *pass = context;
    size_t cells = pass->source->cells, regions = pass->what->regions.count;
    const char *map = pass->block + index * cells * e5_dtype_size(pass->source->dtype);
    (void)slot;
    (void)err;
    for (size_t i = 0; i < pass->count; i++)
        e5_regional_map(&pass->what[i], map, pass->source->dtype,
                        pass->out + (i * pass->source->steps + pass->first + index) * regions);
    e5_watch_add(pass->watch, (int64_t)cells);
    return E5_OK;
}

static enum e5_status reduce(struct pass *pass, struct e5_source *source, size_t block_bytes,
                             const struct e5_parallel *par, struct e5_error *err) {
    struct e5_source_cursor block = {0};
    enum e5_status status = e5_source_next(source, block_bytes, par, pass->watch, &block, err);
    while (status == E5_OK && block.steps > 0) {
        pass->block = block.values, pass->first = block.first;
        status = e5_parallel_for(par, pass->watch, block.steps, reduce_step, pass, err);
        if (status == E5_OK) status = e5_source_next(source, block_bytes, par, pass->watch, &block, err);
    }
    e5_source_cursor_fini(&block);
    return status;
}

enum e5_status e5_regional(struct e5_source *source, const struct e5_regional *what, size_t count, size_t block_bytes,
                           double *out, struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct pass pass = {.source = source, .what = what, .count = count, .watch = watch, .out = out};
    enum e5_status status = e5_regions_check(&what->regions, source->cells, err);
    if (status != E5_OK || source->cells == 0) return status;
    e5_watch_expect(watch, (int64_t)(source->steps * source->cells));
    return reduce(&pass, source, block_bytes, pool != NULL ? &threads : NULL, err);
}
