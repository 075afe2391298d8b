#include "drive/extrema.h"

#include "base/alloc.h"

struct pass {
    struct e5_source *source;
    const struct e5_extrema_plan *plan;
    struct e5_watch *watch;
    const char *block; /* steps at hand */
    size_t first;
    struct e5_extrema *found; /* of each of them */
    struct e5_extrema_scratch *scratch; /* of each slot */
    struct e5_extrema *out;
};

static enum e5_status search_step(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct pass *pass = context;
    size_t cells = pass->source->cells;
    const void *map = pass->block + index * cells * e5_dtype_size(pass->source->dtype);
    e5_watch_add(pass->watch, (int64_t)cells);
    return e5_extrema_map(pass->plan, map, pass->source->dtype, (int32_t)(pass->first + index), &pass->scratch[slot],
                          &pass->found[index], err);
}

static enum e5_status search_block(struct pass *pass, size_t steps, const struct e5_parallel *par,
                                   struct e5_error *err) {
    enum e5_status status = e5_alloc(steps, sizeof *pass->found, &pass->found, err);
    if (status != E5_OK) return status;
    status = e5_parallel_for(par, pass->watch, steps, search_step, pass, err);
    for (size_t i = 0; i < steps; i++) {
        if (status == E5_OK) status = e5_extrema_append(pass->out, pass->found[i].row, pass->found[i].count, err);
        free(pass->found[i].row);
    }
    free(pass->found);
    return status;
}

static enum e5_status search_all(struct pass *pass, size_t block_bytes, const struct e5_parallel *par,
                                 struct e5_error *err) {
    struct e5_source_cursor block = {0};
    enum e5_status status = e5_source_next(pass->source, block_bytes, par, pass->watch, &block, err);
    while (status == E5_OK && block.steps > 0) {
        pass->block = block.values, pass->first = block.first;
        status = search_block(pass, block.steps, par, err);
        if (status == E5_OK) status = e5_source_next(pass->source, block_bytes, par, pass->watch, &block, err);
    }
    e5_source_cursor_fini(&block);
    return status;
}

enum e5_status e5_extrema(struct e5_source *source, const struct e5_extrema_plan *plan, size_t block_bytes,
                          struct e5_extrema *out, struct e5_pool *pool, struct e5_watch *watch,
                          struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct pass pass = {.source = source, .plan = plan, .watch = watch, .out = out};
    if (source->cells != plan->grid->rows * plan->grid->columns || source->steps > INT32_MAX)
        return e5_fail(err, E5_INPUT, "the maps do not fit the grid");
    unsigned slots = e5_parallel_slots(&threads);
    enum e5_status status = e5_alloc(slots, sizeof *pass.scratch, &pass.scratch, err);
    if (status != E5_OK) return status;
    e5_watch_expect(watch, (int64_t)(source->steps * source->cells));
    status = search_all(&pass, block_bytes, pool != NULL ? &threads : NULL, err);
    for (unsigned i = 0; i < slots; i++) e5_extrema_scratch_fini(&pass.scratch[i]);
    free(pass.scratch);
    return status;
}
