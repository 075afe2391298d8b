#include "drive/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"

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
static off_t place(const struct e5_spill *spill, size_t tile, size_t step) {
    size_t value = tile * spill->tile * spill->steps + step * e5_spill_tile_cells(spill, tile);
    return (off_t)(value * e5_dtype_size(spill->dtype));
}

static enum e5_status fail(const struct e5_spill *spill, int code, const char *doing, struct e5_error *err) {
    double gigabytes = (double)spill->steps * (double)spill->cells * (double)e5_dtype_size(spill->dtype) / 1e9;
    enum e5_status status = e5_fail_errno(err, code, spill->directory, doing);
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        e5_error_hint(err, "%.1f GB of scratch space are needed; set TMPDIR to a directory that has them", gigabytes);
    return status;
}

/* --- the scratch file --- */

static int open_nameless(const char *directory) {
#ifdef O_TMPFILE
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return descriptor;
#endif
    struct e5_buffer name = {0};
    int found = -1;
    if (e5_buffer_printf(&name, NULL, "%s/era5fast-scratch-XXXXXX", directory) == E5_OK) {
        found = mkstemp(name.bytes);
        if (found >= 0) {
            unlink(name.bytes);
            fcntl(found, F_SETFD, FD_CLOEXEC);
        }
    }
    e5_buffer_fini(&name);
    return found;
}

/* Room is taken at once: a disk that is too small is noticed before the hours of reading, not after.  A file system
 * that cannot do it takes room as we write (posix_fallocate would write all of it now).  In memory it takes its time,
 * and a signal that we may not even care about ends it. */
static enum e5_status take_room(const struct e5_spill *spill, off_t bytes, const struct e5_watch *watch,
                                struct e5_error *err) {
    enum e5_status status = E5_OK;
    while (status == E5_OK && fallocate(spill->descriptor, 0, 0, bytes) != 0) {
        if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return E5_OK;
        if (errno != EINTR) return fail(spill, errno, "take scratch space in", err);
        status = e5_watch_check(watch, err);
    }
    return status;
}

static enum e5_status open_scratch(struct e5_spill *spill, const struct e5_watch *watch, struct e5_error *err) {
    size_t bytes;
    enum e5_status status = e5_multiply(spill->steps, spill->cells, &bytes, err);
    if (status == E5_OK) status = e5_multiply(bytes, e5_dtype_size(spill->dtype), &bytes, err);
    if (status != E5_OK) return status;
    spill->descriptor = open_nameless(spill->directory);
    if (spill->descriptor < 0) return fail(spill, errno, "make a scratch file in", err);
    return take_room(spill, (off_t)bytes, watch, err);
}

static enum e5_status write_all(const struct e5_spill *spill, const char *bytes, size_t size, off_t at,
                                struct e5_error *err) {
    while (size > 0) {
        ssize_t n = pwrite(spill->descriptor, bytes, size, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(spill, n < 0 ? errno : ENOSPC, "write scratch data in", err);
        bytes += n;
        at += n;
        size -= (size_t)n;
    }
    return E5_OK;
}

/* --- source → tiles --- */

static enum e5_status write_piece(void *context, size_t tile, unsigned slot, struct e5_error *err) {
    const struct writing *w = context;
    size_t size = e5_dtype_size(w->spill->dtype), row = e5_spill_tile_cells(w->spill, tile) * size;
    const char *from = w->block + tile * w->spill->tile * size;
    for (size_t step = 0; step < w->steps; step++)
        memcpy(w->piece[slot] + step * row, from + step * w->spill->cells * size, row);
    return write_all(w->spill, w->piece[slot], w->steps * row, place(w->spill, tile, w->first), err);
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

/* Room for one block and, per slot, for one tile's share of it; both grow with the blocks that the source gives. */
static enum e5_status have_room(struct writing *w, size_t *room, unsigned slots, char **block, struct e5_error *err) {
    if (w->steps <= *room) return E5_OK;
    free(*block);
    *block = NULL;
    free_pieces(w, slots);
    enum e5_status status = e5_alloc(w->steps, w->spill->cells * e5_dtype_size(w->spill->dtype), block, err);
    if (status == E5_OK) status = make_pieces(w, w->steps, slots, err);
    *room = status == E5_OK ? w->steps : 0;
    return status;
}

static enum e5_status write_blocks(struct e5_source *source, size_t block_bytes, struct writing *w,
                                   const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    unsigned slots = e5_parallel_slots(par);
    char *block = NULL;
    size_t room = 0, tiles = e5_spill_tiles(w->spill);
    enum e5_status status = E5_OK;
    for (w->first = 0; status == E5_OK && w->first < source->steps; w->first += w->steps) {
        w->steps = source->block(source->self, w->first, block_bytes);
        status = have_room(w, &room, slots, &block, err);
        if (status == E5_OK) status = source->read(source->self, w->first, w->steps, block, par, watch, err);
        w->block = block;
        if (status == E5_OK) status = e5_parallel_for(par, watch, tiles, write_piece, w, err);
        e5_watch_add(watch, (int64_t)(w->steps * source->cells));
    }
    free(block);
    free_pieces(w, slots);
    return status;
}

enum e5_status e5_spill_write(struct e5_source *source, const char *directory, size_t tile, size_t block_bytes,
                              const struct e5_parallel *par, struct e5_watch *watch, struct e5_spill *out,
                              struct e5_error *err) {
    *out = (struct e5_spill){.descriptor = -1,
                             .steps = source->steps,
                             .cells = source->cells,
                             .tile = tile,
                             .dtype = source->dtype,
                             .directory = directory};
    struct writing w = {.spill = out};
    enum e5_status status = open_scratch(out, watch, err);
    if (status == E5_OK) status = write_blocks(source, block_bytes, &w, par, watch, err);
    if (status != E5_OK) e5_spill_close(out);
    return status;
}

void e5_spill_close(struct e5_spill *spill) {
    if (spill->descriptor >= 0) close(spill->descriptor);
    spill->descriptor = -1;
}

/* --- tiles → series --- */

enum e5_status e5_spill_read(const struct e5_spill *spill, size_t tile, void *out, struct e5_error *err) {
    size_t left = spill->steps * e5_spill_tile_cells(spill, tile) * e5_dtype_size(spill->dtype);
    off_t at = place(spill, tile, 0);
    for (char *to = out; left > 0;) {
        ssize_t n = pread(spill->descriptor, to, left, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(spill, n < 0 ? errno : EIO, "read scratch data in", err);
        to += n;
        at += n;
        left -= (size_t)n;
    }
    return E5_OK;
}
