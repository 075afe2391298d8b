#include "io/ncfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "io/ahead.h"
#include "io/chunks.h"
#include "io/classic.h"
#include "io/h5_maps.h"
#include "io/h5_netcdf.h"
#include "io/header.h"
#include "io/library.h"

#define NATURAL_BYTES ((size_t)16 << 20)

/* --- open and close --- */

/* Resolved, so that a later change of directory does not matter, and so that no "://" makes netcdf-c see a URL. */
static enum e5_status look(struct e5_ncfile *file, const char *path, struct e5_watch *watch, struct e5_error *err) {
    struct e5_layout *layout;
    enum e5_status status = e5_alloc(1, sizeof *layout, &layout, err);
    if (status != E5_OK) return status;
    file->layout = layout;
    file->path = realpath(path, NULL);
    if (file->path == NULL) return e5_fail_errno(err, errno, path, "cannot open");
    status = e5_probe_file_kept(file->path, &layout->probe, err);
    layout->probe.watch = watch;
    return status;
}

/* file->why says whether netcdf-c must go on. */
static enum e5_status read_directly(struct e5_ncfile *file, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    if (layout->probe.container == E5_NETCDF3) return e5_classic_read(file, err);
    return e5_h5_netcdf_read(file, &file->why, err);
}

static enum e5_status read_by_library(struct e5_ncfile *file, struct e5_error *err) {
    enum e5_status status = e5_library_admit(file, err);
    if (status == E5_OK) status = e5_header_read(file, err);
    return status == E5_OK ? e5_h5_maps_fill(file, err) : status;
}

enum e5_status e5_ncfile_open_kept(const char *path, bool library, struct e5_watch *watch, struct e5_ncfile **out,
                                   struct e5_error *err) {
    *out = NULL;
    struct e5_ncfile *file;
    enum e5_status status = e5_alloc(1, sizeof *file, &file, err);
    if (status != E5_OK) return status;
    status = look(file, path, watch, err);
    if (status == E5_OK) status = read_directly(file, err);
    if (status == E5_OK && file->why != NULL && library) status = read_by_library(file, err);
    if (status == E5_OK && (file->why == NULL || library))
        *out = file;
    else
        e5_ncfile_close(file);
    return status;
}

void e5_ncfile_let_go(struct e5_ncfile *file) { e5_layout_let_go(file->layout); }

static enum e5_status open_file(const char *path, bool library, struct e5_watch *watch, struct e5_ncfile **out,
                                struct e5_error *err) {
    enum e5_status status = e5_ncfile_open_kept(path, library, watch, out, err);
    if (*out != NULL) e5_ncfile_let_go(*out);
    return status;
}

enum e5_status e5_ncfile_open(const char *path, struct e5_watch *watch, struct e5_ncfile **out,
                              struct e5_error *err) {
    return open_file(path, true, watch, out, err);
}

enum e5_status e5_ncfile_open_direct(const char *path, struct e5_watch *watch, struct e5_ncfile **out,
                                     struct e5_error *err) {
    return open_file(path, false, watch, out, err);
}

void e5_ncfile_close(struct e5_ncfile *file) {
    if (file == NULL) return;
    e5_ahead_leave(file->layout);
    e5_tables_fini(file);
    e5_layout_free(file->layout);
    free(file->path);
    free(file);
}

/* --- how it is read --- */

enum e5_status e5_ncfile_by_library(const struct e5_ncfile *file, const struct e5_ncvar *var, bool *out,
                                    struct e5_error *err) {
    const struct e5_map *map = NULL;
    enum e5_status status = e5_layout_prepare(file, var, &map, err);
    *out = status == E5_OK && map->way == E5_BY_LIBRARY;
    return status;
}

bool e5_ncfile_knows_way(const struct e5_ncfile *file, const struct e5_ncvar *var, bool *by_library) {
    const struct e5_map *map = e5_layout_known(file, var);
    *by_library = map != NULL && map->way == E5_BY_LIBRARY;
    return map != NULL;
}

size_t e5_ncfile_natural_steps(const struct e5_ncfile *file, const struct e5_ncvar *var) {
    const struct e5_layout *layout = file->layout;
    const struct e5_map *map = &layout->map[var - file->var];
    size_t steps = map->dim[0], bytes = map->element;
    if (map->chunked) return map->chunk[0] < steps || steps == 0 ? map->chunk[0] : steps;
    for (int d = 1; d < map->ndim; d++)
        if (__builtin_mul_overflow(bytes, map->dim[d], &bytes)) bytes = SIZE_MAX;
    size_t fit = bytes > 0 ? NATURAL_BYTES / bytes : steps;
    if (fit < 1) fit = 1;
    return fit < steps || steps == 0 ? fit : steps;
}

static enum e5_status describe(const struct e5_map *map, struct e5_buffer *text) {
    static const char *const names[] = {
        [E5_DEFLATE] = "deflate", [E5_SHUFFLE] = "shuffle", [E5_FLETCHER32] = "fletcher32"};
    enum e5_status status;
    if (map->way == E5_BY_LIBRARY)
        return e5_buffer_printf(text, NULL, "Read through netCDF-C, one thread at a time: %s.", map->why);
    if (map->way == E5_CONTIGUOUS)
        return e5_buffer_printf(text, NULL, "Read directly, in parallel: %s, not compressed.",
                                map->held != NULL        ? "kept in the header"
                                : map->record_stride > 0 ? "record by record"
                                                         : "contiguous");
    status = e5_buffer_printf(text, NULL, "Read directly, in parallel: %zu chunk%s of ", map->chunks,
                              map->chunks == 1 ? "" : "s");
    for (int d = 0; d < map->ndim && status == E5_OK; d++)
        status = e5_buffer_printf(text, NULL, "%s%zu", d > 0 ? " × " : "", map->chunk[d]);
    for (int i = 0; i < map->filters && status == E5_OK; i++)
        status = e5_buffer_printf(text, NULL, "%s%s", i > 0 ? " + " : ", ", names[map->filter[i]]);
    return status == E5_OK ? e5_buffer_printf(text, NULL, ".") : status;
}

/* Why the header, at least, went through netcdf-c. */
static enum e5_status describe_header(const struct e5_ncfile *file, const struct e5_map *map,
                                      struct e5_buffer *text) {
    if (file->why == NULL || map->way == E5_BY_LIBRARY) return E5_OK;
    return e5_buffer_printf(text, NULL, " The header came through netCDF-C: %s.", file->why);
}

void e5_ncfile_explain(const struct e5_ncfile *file, const struct e5_ncvar *var, char *out, size_t size) {
    const struct e5_map *map = NULL;
    struct e5_error err = E5_ERROR_NONE;
    struct e5_buffer text = {0};
    if (e5_layout_prepare(file, var, &map, &err) != E5_OK)
        snprintf(out, size, "Cannot be read: %s.", err.what);
    else if (describe(map, &text) == E5_OK && describe_header(file, map, &text) == E5_OK)
        snprintf(out, size, "%s", text.bytes);
    else
        snprintf(out, size, "Not enough memory to say.");
    e5_buffer_fini(&text);
}
