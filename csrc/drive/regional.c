#include "drive/regional.h"

#include "base/alloc.h"

struct pass {
    const struct e5_source *source;
    const struct e5_regional *what;
    struct e5_watch *watch;
    const char *block; /* steps at hand */
    size_t first;
    double *out;
};

static enum e5_status reduce_step(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct pass *pass = context;
    size_t cells = pass->source->cells;
    (void)slot;
    (void)err;
    e5_regional_map(pass->what, pass->block + index * cells * e5_dtype_size(pass->source->dtype), pass->source->dtype,
                    pass->out + (pass->first + index) * pass->what->regions.count);
    e5_watch_add(pass->watch, (int64_t)cells);
    return E5_OK;
}

/* Steps from `first` on are reduced as they lie in memory, or read into `buffer` and then reduced. */
static enum e5_status reduce_block(struct pass *pass, struct e5_source *source, size_t steps, char *buffer,
                                   const struct e5_parallel *par, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (source->direct != NULL)
        pass->block = (const char *)source->direct + pass->first * source->cells * e5_dtype_size(source->dtype);
    else
        status = source->read(source->self, pass->first, steps, buffer, par, pass->watch, err);
    return status == E5_OK ? e5_parallel_for(par, pass->watch, steps, reduce_step, pass, err) : status;
}

static enum e5_status reduce(struct pass *pass, struct e5_source *source, size_t block_bytes,
                             const struct e5_parallel *par, struct e5_error *err) {
    enum e5_status status = E5_OK;
    char *buffer = NULL;
    size_t room = 0, row = source->cells * e5_dtype_size(source->dtype);
    for (size_t steps; status == E5_OK && pass->first < source->steps; pass->first += steps) {
        status = e5_source_block(source, pass->first, block_bytes, &steps, err);
        if (status == E5_OK && source->direct == NULL && steps > room) {
            free(buffer);
            buffer = NULL;
            status = e5_alloc(steps, row, &buffer, err);
            room = steps;
        }
        pass->block = buffer;
        if (status == E5_OK) status = reduce_block(pass, source, steps, buffer, par, err);
    }
    free(buffer);
    return status;
}

enum e5_status e5_regional(struct e5_source *source, const struct e5_regional *what, size_t block_bytes, double *out,
                           struct e5_pool *pool, struct e5_watch *watch, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    struct pass pass = {.source = source, .what = what, .watch = watch, .out = out};
    enum e5_status status = e5_regions_check(&what->regions, source->cells, err);
    if (status != E5_OK || source->cells == 0) return status;
    e5_watch_expect(watch, (int64_t)(source->steps * source->cells));
    return reduce(&pass, source, block_bytes, pool != NULL ? &threads : NULL, err);
}
