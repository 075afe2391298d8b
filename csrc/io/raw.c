#include "io/raw.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/filter.h"
#include "io/shuffle.h"

struct raw {
    const char *path;
    const struct e5_map *map;
    int descriptor;
    uint8_t *out;
    size_t size;
    struct e5_scratch scratch;
    struct e5_error *err;
};

/* --- chunks --- */

/* n elements of a decoded chunk from its element `first` on. */
static void copy_run(const struct raw *r, const struct e5_decoded *decoded, size_t first, size_t n, uint8_t *to) {
    size_t element = r->map->element;
    if (decoded->plane == 0)
        memcpy(to, decoded->bytes + first * element, n * element);
    else
        e5_shuffle_undo(decoded->bytes, decoded->plane, element, first, n, to);
}

/* Row by row along the last dimension, as far as the variable reaches. */
static void put_chunk(const struct raw *r, uint64_t index, const struct e5_decoded *decoded) {
    const struct e5_map *map = r->map;
    int last = map->ndim - 1;
    size_t start[E5_MAX_DIMS], count[E5_MAX_DIMS], at[E5_MAX_DIMS] = {0};
    for (int d = last; d >= 0; d--) {
        start[d] = (size_t)(index % e5_map_along(map, d)) * map->chunk[d];
        index /= e5_map_along(map, d);
        count[d] = map->dim[d] - start[d] < map->chunk[d] ? map->dim[d] - start[d] : map->chunk[d];
    }
    for (;;) {
        size_t from = 0, to = 0;
        for (int d = 0; d <= last; d++) {
            from = from * map->chunk[d] + at[d];
            to = to * map->dim[d] + start[d] + at[d];
        }
        copy_run(r, decoded, from, count[last], r->out + to * map->element);
        int d = last - 1;
        while (d >= 0 && ++at[d] == count[d]) at[d--] = 0;
        if (d < 0) return;
    }
}

static enum e5_status read_chunks(struct raw *r) {
    const struct e5_map *map = r->map;
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < map->chunks && status == E5_OK; i++) {
        const struct e5_chunk *chunk = &map->chunk_list[i];
        struct e5_decoded decoded;
        status = e5_scratch_need_stored(&r->scratch, chunk->size, r->err);
        if (status == E5_OK)
            status =
                e5_probe_read(r->path, r->descriptor, chunk->address, r->scratch.stored.bytes, chunk->size, r->err);
        if (status == E5_OK) status = e5_filter_undo(r->path, map, chunk, &r->scratch, &decoded, r->err);
        if (status == E5_OK) put_chunk(r, chunk->index, &decoded);
    }
    return status;
}

/* --- the whole --- */

static enum e5_status read_contiguous(struct raw *r) {
    const struct e5_map *map = r->map;
    size_t records = map->record_stride > 0 ? map->dim[0] : 1, bytes = r->size / (records > 0 ? records : 1);
    enum e5_status status = E5_OK;
    if (map->held != NULL) {
        memcpy(r->out, map->held, r->size);
        return E5_OK;
    }
    for (size_t i = 0; i < records && status == E5_OK; i++)
        status = e5_probe_read(r->path, r->descriptor, map->address + i * map->record_stride, r->out + i * bytes,
                               bytes, r->err);
    return status;
}

/* Of characters only: there is no fill that stands for a text of variable length. */
static void fill(struct raw *r) {
    if (r->map->element == 1 && r->map->fill[0] != 0) memset(r->out, r->map->fill[0], r->size);
}

static enum e5_status measure(struct raw *r, size_t most) {
    enum e5_status status = E5_OK;
    r->size = r->map->element;
    for (int d = 0; d < r->map->ndim && status == E5_OK; d++)
        status = e5_multiply(r->size, r->map->dim[d], &r->size, r->err);
    if (status == E5_OK && r->size > most)
        status = e5_probe_fail(r->err, E5_UNSAFE, r->path, "do not trust this file", "a variable claims %zu bytes",
                               r->size);
    return status == E5_OK ? e5_alloc(r->size, 1, &r->out, r->err) : status;
}

enum e5_status e5_raw_read(const struct e5_ncfile *file, const struct e5_map *map, size_t most, uint8_t **out,
                           size_t *size, struct e5_error *err) {
    const struct e5_probe *probe = &((const struct e5_layout *)file->layout)->probe;
    struct raw r = {.path = file->path, .map = map, .descriptor = -1, .err = err};
    e5_scratch_init(&r.scratch);
    enum e5_status status = measure(&r, most);
    if (status == E5_OK) status = e5_probe_reopen(file->path, probe, &r.descriptor, err);
    if (status == E5_OK) fill(&r);
    if (status == E5_OK && r.size > 0 && map->way == E5_CHUNKED) status = read_chunks(&r);
    if (status == E5_OK && r.size > 0 && map->way == E5_CONTIGUOUS && map->address != E5_NOWHERE)
        status = read_contiguous(&r);
    if (status == E5_OK) status = e5_probe_unchanged(file->path, probe, r.descriptor, err);
    if (r.descriptor >= 0) close(r.descriptor);
    e5_scratch_fini(&r.scratch);
    *out = r.out;
    *size = r.size;
    if (status == E5_OK) return E5_OK;
    free(r.out);
    *out = NULL;
    return status;
}
