#include "io/chunk_copy.h"

#include <errno.h>
#include <hdf5.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/gate.h"

bool e5_chunk_copy_fits(const struct e5_map *from, const struct e5_map *to) {
    size_t dims = sizeof *from->dim * (size_t)from->ndim;
    return from->way == E5_CHUNKED && to->way == E5_CHUNKED && to->chunks == 0 && from->ndim == to->ndim &&
           from->element == to->element && from->swapped == to->swapped && from->filters == to->filters &&
           memcmp(from->dim, to->dim, dims) == 0 && memcmp(from->chunk, to->chunk, dims) == 0 &&
           memcmp(from->filter, to->filter, sizeof *from->filter * (size_t)from->filters) == 0;
}

static void offset_of(const struct e5_map *map, uint64_t index, hsize_t *offset) {
    for (int d = map->ndim - 1; d >= 0; d--) {
        size_t along = e5_map_along(map, d);
        offset[d] = index % along * map->chunk[d];
        index /= along;
    }
}

/* HDF5 hides why; the system call that failed last usually says it. */
static enum e5_status write_failed(const char *target, int code, struct e5_error *err) {
    return e5_fail_errno(err, code != 0 ? code : EIO, target, "cannot write");
}

static enum e5_status open_set(const char *target, const char *name, hid_t *file, hid_t *set, struct e5_error *err) {
    e5_gate_enter();
    errno = 0;
    *file = H5Fopen(target, H5F_ACC_RDWR, H5P_DEFAULT);
    *set = *file >= 0 ? H5Dopen2(*file, name, H5P_DEFAULT) : -1;
    int code = errno;
    e5_gate_leave();
    return *set >= 0 ? E5_OK : write_failed(target, code, err);
}

static enum e5_status close_set(const char *target, hid_t file, hid_t set, enum e5_status status,
                                struct e5_error *err) {
    e5_gate_enter();
    errno = 0;
    herr_t set_closed = set >= 0 ? H5Dclose(set) : 0, file_closed = file >= 0 ? H5Fclose(file) : 0;
    int code = errno;
    e5_gate_leave();
    return status != E5_OK || (set_closed >= 0 && file_closed >= 0) ? status : write_failed(target, code, err);
}

static enum e5_status put_chunk(hid_t set, const struct e5_map *map, const struct e5_chunk *chunk, const void *bytes,
                                const char *target, struct e5_error *err) {
    hsize_t offset[E5_MAX_DIMS];
    offset_of(map, chunk->index, offset);
    e5_gate_enter();
    errno = 0;
    herr_t done = H5Dwrite_chunk(set, H5P_DEFAULT, chunk->mask, offset, chunk->size, bytes);
    int code = errno;
    e5_gate_leave();
    return done >= 0 ? E5_OK : write_failed(target, code, err);
}

static size_t largest(const struct e5_map *map) {
    size_t most = 0;
    for (size_t i = 0; i < map->chunks; i++)
        if (map->chunk_list[i].size > most) most = map->chunk_list[i].size;
    return most;
}

static enum e5_status copy_chunks(const struct e5_ncfile *file, const struct e5_map *map, int from, hid_t set,
                                  const char *target, struct e5_watch *watch, struct e5_error *err) {
    void *bytes = NULL;
    enum e5_status status = e5_alloc(largest(map), 1, &bytes, err);
    for (size_t i = 0; i < map->chunks && status == E5_OK; i++) {
        const struct e5_chunk *chunk = &map->chunk_list[i];
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = e5_probe_read(file->path, from, chunk->address, bytes, chunk->size, err);
        if (status == E5_OK) status = put_chunk(set, map, chunk, bytes, target, err);
    }
    free(bytes);
    return status;
}

enum e5_status e5_chunk_copy(const struct e5_ncfile *file, const struct e5_map *map, const char *target,
                             const char *name, struct e5_watch *watch, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    int from = -1;
    hid_t to = -1, set = -1;
    enum e5_status status = e5_probe_reopen(file->path, &layout->probe, &from, err);
    if (status == E5_OK) status = open_set(target, name, &to, &set, err);
    if (status == E5_OK) status = copy_chunks(file, map, from, set, target, watch, err);
    status = close_set(target, to, set, status, err);
    if (from >= 0) close(from);
    return status;
}
