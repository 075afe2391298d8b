#include "io/filter.h"

#include <libdeflate.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/memory.h"
#include "io/shuffle.h"

#define CHECKSUM_SIZE 4
#define DEFLATE_RATIO 1032 /* the format cannot do better: 258 bytes for two bits */
#define SPARE_SHARE 8      /* of the stored size: room for a chunk is room for most others, too */
#define SPARES_MAX 32
#define SPARE_BYTES ((size_t)64 << 20)

struct pass { /* a chunk on its way through the filters, last one first */
    const char *path;
    const struct e5_map *map;
    struct e5_scratch *scratch;
    const uint8_t *bytes;
    size_t size;
    struct e5_error *err;
};

enum e5_status e5_room_need(struct e5_room *room, size_t size, struct e5_error *err) {
    if (size <= room->size && room->bytes != NULL) return E5_OK;
    free(room->bytes); /* and not realloc: nothing in it is worth copying */
    *room = (struct e5_room){0};
    enum e5_status status = e5_alloc_plain(size, &room->bytes, err);
    if (status == E5_OK) room->size = size;
    return status;
}

/* Room that will be filled.  Large pages are few enough to come one by one, when they are touched. */
static enum e5_status need_whole(struct e5_room *room, size_t size, struct e5_error *err) {
    bool is_there = size <= room->size && room->bytes != NULL;
    enum e5_status status = e5_room_need(room, size, err);
    if (status == E5_OK && !is_there && size < E5_LARGE_BYTES) e5_memory_provide(room->bytes, size);
    return status;
}

enum e5_status e5_scratch_need_stored(struct e5_scratch *scratch, size_t size, struct e5_error *err) {
    size_t most = size + size / SPARE_SHARE, pages = (most + E5_LARGE_PAGE - 1) / E5_LARGE_PAGE;
    if (size <= scratch->stored.size) return E5_OK;
    return need_whole(&scratch->stored, size < E5_LARGE_PAGE ? most : pages * E5_LARGE_PAGE, err);
}

static enum e5_status damaged(const struct pass *p, const char *what) {
    return e5_probe_fail(p->err, E5_CORRUPT, p->path, "the file is damaged; download it again", "a chunk %s", what);
}

static bool was_applied(const struct e5_chunk *chunk, int filter) { return (chunk->mask >> filter & 1) == 0; }

/* Bytes that filter `i` was given: the chunk, and a checksum for each fletcher32 that came before. */
static size_t size_before(const struct e5_map *map, const struct e5_chunk *chunk, int i) {
    size_t size = e5_map_chunk_bytes(map);
    for (int k = 0; k < i; k++)
        if (map->filter[k] == E5_FLETCHER32 && was_applied(chunk, k)) size += CHECKSUM_SIZE;
    return size;
}

/* The room that does not hold the present bytes. */
static struct e5_room *other_room(const struct pass *p) {
    return p->bytes == p->scratch->first.bytes ? &p->scratch->second : &p->scratch->first;
}

static enum e5_status inflate(struct pass *p, size_t size) {
    struct e5_room *room = other_room(p);
    if (size / DEFLATE_RATIO > p->size)
        return e5_probe_fail(p->err, E5_UNSAFE, p->path, "do not trust this file",
                             "a chunk of %zu bytes claims to hold %zu", p->size, size);
    enum e5_status status = need_whole(room, size, p->err);
    if (status != E5_OK) return status;
    if (p->scratch->inflater == NULL) p->scratch->inflater = libdeflate_alloc_decompressor();
    if (p->scratch->inflater == NULL) return e5_fail(p->err, E5_MEMORY, "cannot allocate a decompressor");
    enum libdeflate_result result =
        libdeflate_zlib_decompress(p->scratch->inflater, p->bytes, p->size, room->bytes, size, NULL);
    if (result != LIBDEFLATE_SUCCESS) return damaged(p, "does not inflate");
    p->bytes = room->bytes;
    p->size = size;
    return E5_OK;
}

static enum e5_status unshuffle(struct pass *p) {
    struct e5_room *room = other_room(p);
    size_t element = p->map->element, n = p->size / element;
    enum e5_status status = need_whole(room, p->size, p->err);
    if (status != E5_OK) return status;
    e5_shuffle_undo(p->bytes, n, element, 0, n, room->bytes);
    memcpy(room->bytes + n * element, p->bytes + n * element, p->size - n * element); /* what fills no element */
    p->bytes = room->bytes;
    return E5_OK;
}

/* Fletcher's checksum as HDF5 writes it: 16-bit words, high byte first; sums modulo 65535, folded every 360 words,
 * before they can overflow. */
static uint32_t fletcher32(const uint8_t *bytes, size_t size) {
    uint32_t a = 0, b = 0;
    size_t words = size / 2;
    while (words > 0) {
        size_t part = words < 360 ? words : 360;
        words -= part;
        for (; part > 0; part--, bytes += 2) {
            a += (uint32_t)bytes[0] << 8 | bytes[1];
            b += a;
        }
        a = (a & 0xFFFF) + (a >> 16);
        b = (b & 0xFFFF) + (b >> 16);
    }
    if (size % 2 > 0) {
        a += (uint32_t)bytes[0] << 8;
        b += a;
        a = (a & 0xFFFF) + (a >> 16);
        b = (b & 0xFFFF) + (b >> 16);
    }
    a = (a & 0xFFFF) + (a >> 16);
    b = (b & 0xFFFF) + (b >> 16);
    return b << 16 | a;
}

static enum e5_status check_sum(struct pass *p) {
    if (p->size < CHECKSUM_SIZE) return damaged(p, "is too short for its checksum");
    p->size -= CHECKSUM_SIZE;
    const uint8_t *at = p->bytes + p->size;
    uint32_t stored = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    return fletcher32(p->bytes, p->size) == stored ? E5_OK : damaged(p, "has a wrong checksum");
}

enum e5_status e5_filter_undo(const char *path, const struct e5_map *map, const struct e5_chunk *chunk,
                              struct e5_scratch *scratch, struct e5_decoded *out, struct e5_error *err) {
    struct pass p = {path, map, scratch, scratch->stored.bytes, chunk->size, err};
    size_t whole = e5_map_chunk_bytes(map);
    enum e5_status status = E5_OK;
    bool shuffled = false;
    for (int i = map->filters - 1; i >= 0 && status == E5_OK; i--) {
        if (!was_applied(chunk, i)) continue;
        /* A shuffle that is undone last is left to whoever moves the elements: that saves a pass over memory. */
        shuffled = map->filter[i] == E5_SHUFFLE && i == 0;
        if (map->filter[i] == E5_DEFLATE) status = inflate(&p, size_before(map, chunk, i));
        if (map->filter[i] == E5_FLETCHER32) status = check_sum(&p);
        if (map->filter[i] == E5_SHUFFLE && !shuffled) status = unshuffle(&p);
    }
    if (status == E5_OK && p.size != whole) status = damaged(&p, "has a wrong size");
    out->bytes = p.bytes;
    out->plane = shuffled && map->element > 1 ? whole / map->element : 0;
    return status;
}

struct e5_room *e5_scratch_holder(struct e5_scratch *scratch, const struct e5_decoded *decoded) {
    if (decoded->bytes == scratch->stored.bytes) return &scratch->stored;
    return decoded->bytes == scratch->first.bytes ? &scratch->first : &scratch->second;
}

/* --- memory between calls --- */

/* Who finds it taken goes without: nobody waits, and a process forked meanwhile is none the worse. */
static struct {
    atomic_flag taken;
    size_t n, bytes;
    struct e5_scratch scratch[SPARES_MAX];
} spare = {.taken = ATOMIC_FLAG_INIT};

static size_t bytes_of(const struct e5_scratch *scratch) {
    return scratch->stored.size + scratch->first.size + scratch->second.size;
}

void e5_scratch_init(struct e5_scratch *scratch) {
    *scratch = (struct e5_scratch){0};
    if (atomic_flag_test_and_set(&spare.taken)) return;
    if (spare.n > 0) {
        *scratch = spare.scratch[--spare.n];
        spare.bytes -= bytes_of(scratch);
    }
    atomic_flag_clear(&spare.taken);
}

static bool keep(const struct e5_scratch *scratch) {
    if (bytes_of(scratch) == 0 || atomic_flag_test_and_set(&spare.taken)) return false;
    bool fits = spare.n < SPARES_MAX && spare.bytes + bytes_of(scratch) <= SPARE_BYTES;
    if (fits) {
        spare.scratch[spare.n++] = *scratch;
        spare.bytes += bytes_of(scratch);
    }
    atomic_flag_clear(&spare.taken);
    return fits;
}

void e5_scratch_fini(struct e5_scratch *scratch) {
    if (!keep(scratch)) {
        free(scratch->stored.bytes);
        free(scratch->first.bytes);
        free(scratch->second.bytes);
        libdeflate_free_decompressor(scratch->inflater);
    }
    *scratch = (struct e5_scratch){0};
}
