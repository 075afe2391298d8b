#include "base/pile.h"

#include <string.h>

#include "base/alloc.h"
#include "base/memory.h"

void e5_pile_init(struct e5_pile *pile, size_t record, size_t budget, const char *directory) {
    size_t most = budget / E5_PILE_LAYER;
    *pile = (struct e5_pile){.record = record,
                             .per_layer = E5_PILE_LAYER / record,
                             .most = most < 1 ? 1 : most,
                             .last_layer = SIZE_MAX,
                             .directory = directory};
}

void e5_pile_fini(struct e5_pile *pile) {
    for (size_t i = 0; i < pile->held; i++) free(pile->layer[i]);
    free(pile->layer);
    free(pile->last);
    e5_scratch_close(&pile->scratch);
    *pile = (struct e5_pile){0};
}

size_t e5_pile_layers(const struct e5_pile *pile) { return (pile->count + pile->per_layer - 1) / pile->per_layer; }

static enum e5_status new_layer(struct e5_pile *pile, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (pile->held == pile->room) {
        size_t room = 2 * pile->room + 4;
        status = e5_grow(pile->room, room, sizeof *pile->layer, &pile->layer, err);
        if (status != E5_OK) return status;
        pile->room = room;
    }
    status = e5_alloc_plain(E5_PILE_LAYER, &pile->layer[pile->held], err);
    if (status == E5_OK) pile->held++;
    return status;
}

static uint64_t place(const struct e5_pile *pile, size_t layer) {
    return (uint64_t)(layer - pile->held) * pile->per_layer * pile->record;
}

/* The layer in `last`, or what there is of it, goes to disk. */
static enum e5_status put_away(struct e5_pile *pile, struct e5_error *err) {
    size_t left = pile->count - pile->last_layer * pile->per_layer;
    size_t records = left < pile->per_layer ? left : pile->per_layer;
    enum e5_status status = E5_OK;
    if (!pile->scratch.open) status = e5_scratch_open(pile->directory, 0, NULL, &pile->scratch, err);
    if (status != E5_OK) return status;
    return e5_scratch_write(&pile->scratch, pile->last, records * pile->record, place(pile, pile->last_layer), err);
}

/* Where the records of a layer that is to be filled lie; it was begun with its first record. */
static enum e5_status open_layer(struct e5_pile *pile, size_t layer, char **out, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (layer < pile->most) {
        if (layer == pile->held) status = new_layer(pile, err);
        if (status == E5_OK) *out = pile->layer[layer];
        return status;
    }
    if (pile->last == NULL) status = e5_alloc_plain(E5_PILE_LAYER, &pile->last, err);
    if (status == E5_OK && pile->last_layer != layer && pile->last_layer != SIZE_MAX) status = put_away(pile, err);
    pile->last_layer = layer;
    *out = pile->last;
    return status;
}

enum e5_status e5_pile_append(struct e5_pile *pile, const void *records, size_t n, struct e5_error *err) {
    for (const char *from = records; n > 0;) {
        size_t within = pile->count % pile->per_layer, fits = pile->per_layer - within;
        char *to;
        enum e5_status status = open_layer(pile, pile->count / pile->per_layer, &to, err);
        if (status != E5_OK) return status;
        if (fits > n) fits = n;
        memcpy(to + within * pile->record, from, fits * pile->record);
        from += fits * pile->record;
        pile->count += fits;
        n -= fits;
    }
    return E5_OK;
}

enum e5_status e5_pile_read(struct e5_pile *pile, size_t layer, const void **records, size_t *n,
                            struct e5_error *err) {
    size_t left = pile->count - layer * pile->per_layer;
    enum e5_status status = E5_OK;
    *n = left < pile->per_layer ? left : pile->per_layer;
    if (layer < pile->held) {
        *records = pile->layer[layer];
        return E5_OK;
    }
    if (!pile->complete) status = put_away(pile, err);
    pile->complete = true;
    if (status == E5_OK && pile->last_layer != layer)
        status = e5_scratch_read(&pile->scratch, pile->last, *n * pile->record, place(pile, layer), err);
    pile->last_layer = layer;
    *records = pile->last;
    return status;
}

void e5_pile_drop(struct e5_pile *pile, size_t layer) {
    if (layer >= pile->held || pile->layer[layer] == NULL) return;
    e5_memory_drop(pile->layer[layer], E5_PILE_LAYER);
    free(pile->layer[layer]);
    pile->layer[layer] = NULL;
}
