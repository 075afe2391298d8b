/* ncfile_read: blocks and selections of one variable; by which way the bytes come is decided here. */
#include <math.h>

#include "base/alloc.h"
#include "io/ahead.h"
#include "io/direct.h"
#include "io/library.h"
#include "io/ncfile.h"

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
    if (var->packing.others > E5_MAX_OTHERS) return refuse(file, var, "has too many missing values", err);
    if (isfinite(var->packing.scale) && isfinite(var->packing.offset)) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, file->path, "the file is damaged or was edited by hand",
                         "variable %.60s: scale_factor or add_offset is no number", var->name);
}

/* The picks lie within the variable, the output's bytes in the address space; with the number of wanted elements. */
static enum e5_status check_picks(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                  const struct e5_pick *pick, bool *nothing, struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t bytes = 8;
    *nothing = false;
    for (int d = 0; d < var->ndim && status == E5_OK; d++) {
        if (!e5_pick_fits(&pick[d], file->dim[var->dim[d]].length))
            return refuse(file, var, "does not reach as far as was asked for", err);
        *nothing |= pick[d].stretches == 0;
        status = e5_multiply(bytes, pick[d].count, &bytes, err);
    }
    return status;
}

static enum e5_status select_slab(struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_slab *slab,
                                  const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    const struct e5_map *map = NULL;
    struct e5_pick scalar = e5_pick_range(0, 1);
    bool nothing = false;
    slab->ndim = var->ndim > 0 ? var->ndim : 1;
    if (var->ndim == 0) slab->pick = &scalar;
    enum e5_status status = check_picks(file, var, slab->pick, &nothing, err);
    if (status != E5_OK || nothing) return status;
    status = e5_layout_prepare(file, var, &map, err);
    if (status != E5_OK) return status;
    if (map->way == E5_BY_LIBRARY) return e5_library_read(file, var, map, slab, watch, err);
    slab->how.swapped = map->swapped;
    status = e5_direct_read(file->path, layout, map, slab, par, watch, err);
    if (status == E5_OK) e5_ahead_note(file->path, layout, map, slab->pick, par);
    return status;
}

enum e5_status e5_ncfile_select(struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_pick *pick,
                                enum e5_dtype as, void *out, const struct e5_parallel *par, struct e5_watch *watch,
                                struct e5_error *err) {
    struct e5_slab slab = {.pick = pick, .how = {var->dtype, as, false, var->packing}, .out = out};
    enum e5_status status = check_types(file, var, as, err);
    return status == E5_OK ? select_slab(file, var, &slab, par, watch, err) : status;
}

enum e5_status e5_ncfile_select_stored(struct e5_ncfile *file, const struct e5_ncvar *var, const struct e5_pick *pick,
                                       void *out, const struct e5_parallel *par, struct e5_watch *watch,
                                       struct e5_error *err) {
    struct e5_slab slab = {.pick = pick, .how = {var->stored, var->stored, false, E5_PACKING_NONE}, .out = out};
    if (var->is_text) return refuse(file, var, "holds text, not numbers", err);
    return select_slab(file, var, &slab, par, watch, err);
}

enum e5_status e5_ncfile_read(struct e5_ncfile *file, const struct e5_ncvar *var, const size_t *start,
                              const size_t *count, enum e5_dtype as, void *out, const struct e5_parallel *par,
                              struct e5_watch *watch, struct e5_error *err) {
    struct e5_pick pick[E5_MAX_DIMS];
    for (int d = 0; d < var->ndim; d++) {
        size_t length = file->dim[var->dim[d]].length;
        if (start[d] > length) return refuse(file, var, "does not reach as far as was asked for", err);
        pick[d] = e5_pick_range(start[d], count[d]);
    }
    return e5_ncfile_select(file, var, pick, as, out, par, watch, err);
}
