#include "drive/find_shelf.h"

#include "base/alloc.h"

/* Where nothing is read a block costs nothing: what is made of it shall stay in the caches. */
#define IN_PLACE_BYTES ((size_t)8 << 20)

static enum e5_status new_block(struct e5_shelf *shelf, struct e5_shelf_block **out, struct e5_error *err) {
    for (size_t i = 0; i < shelf->blocks; i++)
        if (shelf->block[i].steps == 0) {
            *out = &shelf->block[i];
            return E5_OK;
        }
    if (shelf->blocks == shelf->room) {
        size_t room = 2 * shelf->room + 4;
        enum e5_status status = e5_grow(shelf->room, room, sizeof *shelf->block, &shelf->block, err);
        if (status != E5_OK) return status;
        shelf->room = room;
    }
    *out = &shelf->block[shelf->blocks++];
    return E5_OK;
}

static enum e5_status have_room(struct e5_shelf *shelf, struct e5_shelf_block *block, size_t steps,
                                struct e5_error *err) {
    size_t bytes;
    if (block->room >= steps) return E5_OK;
    free(block->values); /* nothing in it is needed any more: no copy */
    block->values = NULL, block->room = 0;
    enum e5_status status = e5_multiply(steps, shelf->step_bytes, &bytes, err);
    if (status == E5_OK) status = e5_alloc_plain(bytes, &block->values, err);
    if (status == E5_OK) block->room = steps;
    return status;
}

enum e5_status e5_shelf_read(struct e5_shelf *shelf, size_t first, size_t block_bytes, size_t *steps,
                             const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct e5_source *source = shelf->source;
    struct e5_shelf_block *block;
    if (source->direct != NULL && block_bytes > IN_PLACE_BYTES) block_bytes = IN_PLACE_BYTES;
    enum e5_status status = e5_source_block(source, first, block_bytes, steps, err);
    if (status != E5_OK || source->direct != NULL) return status;
    status = new_block(shelf, &block, err);
    if (status == E5_OK) status = have_room(shelf, block, *steps, err);
    if (status != E5_OK) return status;
    block->first = first, block->steps = *steps;
    return source->read(source->self, first, *steps, block->values, par, watch, err);
}

const void *e5_shelf_step(const struct e5_shelf *shelf, size_t step) {
    if (shelf->source->direct != NULL) return (const char *)shelf->source->direct + step * shelf->step_bytes;
    for (size_t i = 0; i < shelf->blocks; i++) {
        const struct e5_shelf_block *block = &shelf->block[i];
        if (step >= block->first && step - block->first < block->steps)
            return block->values + (step - block->first) * shelf->step_bytes;
    }
    return NULL;
}

void e5_shelf_release(struct e5_shelf *shelf, size_t before) {
    for (size_t i = 0; i < shelf->blocks; i++)
        if (shelf->block[i].first + shelf->block[i].steps <= before) shelf->block[i].steps = 0;
}

void e5_shelf_fini(struct e5_shelf *shelf) {
    for (size_t i = 0; i < shelf->blocks; i++) free(shelf->block[i].values);
    free(shelf->block);
    *shelf = (struct e5_shelf){0};
}
