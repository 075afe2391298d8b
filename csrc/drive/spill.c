#include "drive/spill.h"

#include <string.h>

#include "base/alloc.h"

struct writing {
    const struct e5_spill *spill;
    const char *block; /* steps × cells at hand */
    size_t first, steps;
    char **piece; /* one per slot: steps × cells of a tile */
};

size_t e5_spill_tiles(const struct e5_spill *spill) { return (spill->cells + spill->tile - 1) / spill->tile; }

size_t e5_spill_tile_cells(const struct e5_spill *spill, size_t tile) {
    size_t left = spill->cells - tile * spill->tile;
    return left < spill->tile ? left : spill->tile;
}

/* Byte of the scratch file where a step of a tile begins. */
static uint64_t place(const struct e5_spill *spill, size_t tile, size_t step) {
    size_t value = tile * spill->tile * spill->steps + step * e5_spill_tile_cells(spill, tile);
    return (uint64_t)value * e5_dtype_size(spill->dtype);
}

static enum e5_status open_scratch(struct e5_spill *spill, const char *directory, const struct e5_watch *watch,
                                   struct e5_error *err) {
    size_t bytes;
    enum e5_status status = e5_multiply(spill->steps, spill->cells, &bytes, err);
    if (status == E5_OK) status = e5_multiply(bytes, e5_dtype_size(spill->dtype), &bytes, err);
    return status == E5_OK ? e5_scratch_open(directory, bytes, watch, &spill->scratch, err) : status;
}

/* --- source → tiles --- */

static enum e5_status write_piece(void *context, size_t tile, unsigned slot, struct e5_error *err) {
    const struct writing *w = context;
    size_t size = e5_dtype_size(w->spill->dtype), row = e5_spill_tile_cells(w->spill, tile) * size;
    const char *from = w->block + tile * w->spill->tile * size;
    for (size_t step = 0; step < w->steps; step++)
        memcpy(w->piece[slot] + step * row, from + step * w->spill->cells * size, row);
    return e5_scratch_write(&w->spill->scratch, w->piece[slot], w->steps * row, place(w->spill, tile, w->first), err);
}

static void free_pieces(struct writing *w, unsigned slots) {
    for (unsigned i = 0; w->piece != NULL && i < slots; i++) free(w->piece[i]);
    free(w->piece);
    w->piece = NULL;
}

static enum e5_status make_pieces(struct writing *w, size_t steps, unsigned slots, struct e5_error *err) {
    enum e5_status status = e5_alloc(slots, sizeof *w->piece, &w->piece, err);
    for (unsigned i = 0; i < slots && status == E5_OK; i++)
        status = e5_alloc(steps, w->spill->tile * e5_dtype_size(w->spill->dtype), &w->piece[i], err);
    return status;
}

/* Room per slot for one tile's share of a block; it grows with the blocks that the source gives. */
static enum e5_status have_room(struct writing *w, size_t *room, unsigned slots, struct e5_error *err) {
    if (w->steps <= *room) return E5_OK;
    free_pieces(w, slots);
    enum e5_status status = make_pieces(w, w->steps, slots, err);
    *room = status == E5_OK ? w->steps : 0;
    return status;
}

static enum e5_status write_blocks(struct e5_source *source, size_t block_bytes, struct writing *w,
                                   const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    unsigned slots = e5_parallel_slots(par);
    struct e5_source_cursor block = {0};
    size_t room = 0, tiles = e5_spill_tiles(w->spill);
    enum e5_status status = e5_source_next(source, block_bytes, par, watch, &block, err);
    while (status == E5_OK && block.steps > 0) {
        w->first = block.first, w->steps = block.steps, w->block = block.values;
        status = have_room(w, &room, slots, err);
        if (status == E5_OK) status = e5_parallel_for(par, watch, tiles, write_piece, w, err);
        e5_watch_add(watch, (int64_t)(w->steps * source->cells));
        if (status == E5_OK) status = e5_source_next(source, block_bytes, par, watch, &block, err);
    }
    e5_source_cursor_fini(&block);
    free_pieces(w, slots);
    return status;
}

enum e5_status e5_spill_write(struct e5_source *source, const char *directory, size_t tile, size_t block_bytes,
                              const struct e5_parallel *par, struct e5_watch *watch, struct e5_spill *out,
                              struct e5_error *err) {
    *out = (struct e5_spill){.steps = source->steps, .cells = source->cells, .tile = tile, .dtype = source->dtype};
    struct writing w = {.spill = out};
    enum e5_status status = open_scratch(out, directory, watch, err);
    if (status == E5_OK) status = write_blocks(source, block_bytes, &w, par, watch, err);
    if (status != E5_OK) e5_spill_close(out);
    return status;
}

void e5_spill_close(struct e5_spill *spill) { e5_scratch_close(&spill->scratch); }

/* --- tiles → series --- */

enum e5_status e5_spill_read(const struct e5_spill *spill, size_t tile, void *out, struct e5_error *err) {
    size_t bytes = spill->steps * e5_spill_tile_cells(spill, tile) * e5_dtype_size(spill->dtype);
    return e5_scratch_read(&spill->scratch, out, bytes, place(spill, tile, 0), err);
}
