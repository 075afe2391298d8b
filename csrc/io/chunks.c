#include "io/chunks.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "io/h5.h"
#include "io/tables.h"

/* --- memory --- */

enum e5_status e5_layout_room(struct e5_layout *layout, size_t count, struct e5_error *err) {
    enum e5_status status = e5_alloc(count, sizeof *layout->map, &layout->map, err);
    if (status == E5_OK) status = e5_alloc(count, sizeof *layout->ready, &layout->ready, err);
    if (status == E5_OK) status = e5_alloc(count, sizeof *layout->walk, &layout->walk, err);
    if (status != E5_OK) return status;
    layout->count = count;
    for (size_t i = 0; i < count; i++) layout->map[i].number = i;
    return E5_OK;
}

void e5_layout_clear(struct e5_layout *layout) {
    for (size_t i = 0; i < layout->count; i++) {
        struct e5_map *ready = atomic_load(&layout->ready[i]);
        if (ready != NULL) free(ready->chunk_list);
        free(ready);
        free(layout->map[i].held);
        free(layout->map[i].index);
    }
    free(layout->map);
    free(layout->ready);
    free(layout->walk);
    layout->map = NULL;
    layout->ready = NULL;
    layout->walk = NULL;
    layout->count = 0;
}

void e5_layout_let_go(struct e5_layout *layout) {
    e5_h5_close(layout->h5);
    layout->h5 = NULL;
    e5_probe_let_go(&layout->probe);
}

void e5_layout_free(struct e5_layout *layout) {
    if (layout == NULL) return;
    e5_layout_let_go(layout);
    e5_layout_clear(layout);
    free(layout);
}

/* --- looking chunks up --- */

/* A kind of index that is not known is no failure: netcdf-c then reads the variable. */
static enum e5_status look_up(const struct e5_ncfile *file, struct e5_map *map, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    struct e5_error found = E5_ERROR_NONE;
    struct e5_h5 *h5 = layout->h5;
    enum e5_status status = h5 != NULL ? E5_OK : e5_h5_open(file->path, &layout->probe, &h5, &found);
    if (status == E5_OK) status = e5_h5_chunks(h5, map->index, &map->chunk_list, &map->chunks, &found);
    map->index = NULL;
    if (status == E5_INPUT && h5 != NULL && e5_h5_unknown(h5) != NULL) {
        map->way = E5_BY_LIBRARY;
        map->why = e5_h5_unknown(h5);
        status = E5_OK;
    } else if (status != E5_OK && err != NULL) {
        *err = found;
    }
    if (h5 != layout->h5) e5_h5_close(h5);
    return status;
}

static enum e5_status prepare(const struct e5_ncfile *file, size_t i, const struct e5_map **out,
                              struct e5_error *err) {
    struct e5_layout *layout = file->layout;
    struct e5_map *map = NULL, *other = NULL;
    enum e5_status status = e5_alloc(1, sizeof *map, &map, err);
    if (status != E5_OK) return status;
    *map = layout->map[i];
    status = look_up(file, map, err);
    if (status == E5_OK && atomic_compare_exchange_strong(&layout->ready[i], &other, map)) {
        *out = map;
        return E5_OK;
    }
    free(map->chunk_list);
    free(map);
    *out = other;
    return status;
}

const struct e5_map *e5_layout_known(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    const struct e5_layout *layout = file->layout;
    size_t i = (size_t)(var - file->var);
    const struct e5_map *map = &layout->map[i];
    if (map->unsafe != NULL) return NULL;
    return map->index == NULL ? map : atomic_load_explicit(&layout->ready[i], memory_order_acquire);
}

enum e5_status e5_layout_prepare(const struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_map **out,
                                 struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    size_t i = (size_t)(var - file->var);
    const char *unsafe = layout->map[i].unsafe;
    if (unsafe != NULL) return e5_probe_fail(err, E5_UNSAFE, file->path, "do not trust this file", "%s", unsafe);
    *out = e5_layout_known(file, var);
    return *out != NULL ? E5_OK : prepare(file, i, out, err);
}

/* --- a map's numbers --- */

size_t e5_map_along(const struct e5_map *map, int d) {
    return map->dim[d] / map->chunk[d] + (map->dim[d] % map->chunk[d] > 0);
}

int e5_chunk_by_index(const void *a, const void *b) {
    uint64_t x = ((const struct e5_chunk *)a)->index, y = ((const struct e5_chunk *)b)->index;
    return (x > y) - (x < y);
}

const struct e5_chunk *e5_map_find(const struct e5_map *map, uint64_t index) {
    struct e5_chunk key = {.index = index};
    return map->chunks > 0 ? bsearch(&key, map->chunk_list, map->chunks, sizeof key, e5_chunk_by_index) : NULL;
}

size_t e5_map_chunk_bytes(const struct e5_map *map) {
    size_t bytes = map->element;
    for (int d = 0; d < map->ndim; d++) bytes *= map->chunk[d];
    return bytes;
}
