#include "io/ncfile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "io/classic.h"
#include "io/direct.h"
#include "io/header.h"
#include "io/heap.h"
#include "io/library.h"

#define NATURAL_BYTES ((size_t)16 << 20)

/* --- open and close --- */

/* What the libraries do not check, before they are let in. */
static enum e5_status check_before(const char *path, const struct e5_probe *probe, struct e5_error *err) {
    if (probe->container == E5_NETCDF3) return e5_classic_check(path, probe, err);
    enum e5_status status = e5_heap_check(path, probe, err);
    return status == E5_OK ? e5_layout_check_links(path, err) : status;
}

static enum e5_status open_into(struct e5_ncfile *file, const char *path, struct e5_error *err) {
    struct e5_layout *layout;
    enum e5_status status = e5_alloc(1, sizeof *layout, &layout, err);
    if (status != E5_OK) return status;
    file->layout = layout;
    /* Resolved, so that a later change of directory does not matter, and so that no "://" makes netcdf-c see a URL.
     * */
    file->path = realpath(path, NULL);
    if (file->path == NULL) return e5_fail_errno(err, errno, path, "open");
    status = e5_probe_file(file->path, &layout->probe, err);
    if (status == E5_OK) status = check_before(file->path, &layout->probe, err);
    if (status == E5_OK) status = e5_header_read(file, err);
    for (size_t i = 0; i < layout->count && layout->probe.container == E5_NETCDF3; i++) {
        layout->map[i].why = "the file is netCDF-3";
        atomic_store(&layout->map[i].ready, true);
    }
    return status;
}

enum e5_status e5_ncfile_open(const char *path, struct e5_ncfile **out, struct e5_error *err) {
    *out = NULL;
    struct e5_ncfile *file;
    enum e5_status status = e5_alloc(1, sizeof *file, &file, err);
    if (status != E5_OK) return status;
    status = open_into(file, path, err);
    if (status == E5_OK)
        *out = file;
    else
        e5_ncfile_close(file);
    return status;
}

static void free_attrs(struct e5_ncattr *attr, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(attr[i].name);
        free(attr[i].text);
        free(attr[i].number);
    }
    free(attr);
}

void e5_ncfile_close(struct e5_ncfile *file) {
    if (file == NULL) return;
    for (size_t i = 0; i < file->ndim; i++) free(file->dim[i].name);
    for (size_t i = 0; i < file->nvar; i++) {
        free(file->var[i].name);
        free_attrs(file->var[i].attr, file->var[i].nattr);
    }
    free(file->dim);
    free(file->var);
    free_attrs(file->attr, file->nattr);
    e5_layout_free(file->layout);
    free(file->path);
    free(file);
}

/* --- looking things up --- */

/* --- reading --- */

static enum e5_status refuse(const struct e5_ncfile *file, const struct e5_ncvar *var, const char *why,
                             struct e5_error *err) {
    return e5_probe_fail(err, E5_INPUT, file->path, "", "variable %.60s %s", var->name, why);
}

static enum e5_status check_types(const struct e5_ncfile *file, const struct e5_ncvar *var, enum e5_dtype as,
                                  struct e5_error *err) {
    bool real = var->dtype == E5_F32 || var->dtype == E5_F64;
    if (var->is_text) return refuse(file, var, "holds text, not numbers", err);
    if (as != E5_F32 && as != E5_F64 && as != E5_I64) return refuse(file, var, "asked for in an unknown type", err);
    if (as == E5_I64 && (real || var->dtype == E5_U64)) return refuse(file, var, "does not fit 64-bit integers", err);
    if (isfinite(var->packing.scale) && isfinite(var->packing.offset)) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, file->path, "the file is damaged or was edited by hand",
                         "variable %.60s: scale_factor or add_offset is no number", var->name);
}

/* The slab that was asked for, with the number of its elements; their bytes fit the address space. */
static enum e5_status make_slab(const struct e5_ncfile *file, const struct e5_ncvar *var, const size_t *start,
                                const size_t *count, struct e5_slab *slab, size_t *elements, struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t bytes = 8;
    slab->ndim = var->ndim > 0 ? var->ndim : 1;
    slab->box.count[0] = 1;
    for (int d = 0; d < var->ndim && status == E5_OK; d++) {
        size_t length = file->dim[var->dim[d]].length;
        if (start[d] > length || count[d] > length - start[d])
            return refuse(file, var, "does not reach as far as was asked for", err);
        slab->box.start[d] = start[d];
        slab->box.count[d] = count[d];
        status = e5_multiply(bytes, count[d], &bytes, err);
    }
    *elements = bytes / 8;
    return status;
}

enum e5_status e5_ncfile_read(struct e5_ncfile *file, const struct e5_ncvar *var, const size_t *start,
                              const size_t *count, enum e5_dtype as, void *out, const struct e5_parallel *par,
                              struct e5_watch *watch, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    const struct e5_map *map = NULL;
    struct e5_slab slab = {.how = {.from = var->dtype, .as = as, .packing = var->packing}, .out = out};
    size_t elements = 0;
    enum e5_status status = check_types(file, var, as, err);
    if (status == E5_OK) status = make_slab(file, var, start, count, &slab, &elements, err);
    if (status != E5_OK || elements == 0) return status;
    status = e5_layout_prepare(file, var, &map, err);
    if (status != E5_OK) return status;
    if (map->way == E5_BY_LIBRARY) return e5_library_read(file, var, map, &slab, watch, err);
    slab.how.swapped = map->swapped;
    return e5_direct_read(file->path, &layout->probe, map, &slab, par, watch, err);
}

/* --- how it is read --- */

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
        return e5_buffer_printf(text, NULL, "Read directly, in parallel: contiguous, not compressed.");
    status = e5_buffer_printf(text, NULL, "Read directly, in parallel: %zu chunk%s of ", map->chunks,
                              map->chunks == 1 ? "" : "s");
    for (int d = 0; d < map->ndim && status == E5_OK; d++)
        status = e5_buffer_printf(text, NULL, "%s%zu", d > 0 ? " × " : "", map->chunk[d]);
    for (int i = 0; i < map->filters && status == E5_OK; i++)
        status = e5_buffer_printf(text, NULL, "%s%s", i > 0 ? " + " : ", ", names[map->filter[i]]);
    return status == E5_OK ? e5_buffer_printf(text, NULL, ".") : status;
}

void e5_ncfile_explain(const struct e5_ncfile *file, const struct e5_ncvar *var, char *out, size_t size) {
    const struct e5_map *map = NULL;
    struct e5_error err = E5_ERROR_NONE;
    struct e5_buffer text = {0};
    if (e5_layout_prepare(file, var, &map, &err) != E5_OK)
        snprintf(out, size, "Cannot be read: %s.", err.what);
    else if (describe(map, &text) == E5_OK)
        snprintf(out, size, "%s", text.bytes);
    else
        snprintf(out, size, "Not enough memory to say.");
    e5_buffer_fini(&text);
}
