#include "io/h5_maps.h"

#include <string.h>

#include "base/alloc.h"
#include "io/h5_attribute.h"

/* --- which way --- */

static bool same_type(const struct e5_ncvar *var, const struct e5_h5_type *type) {
    enum e5_dtype dtype = E5_U8;
    if (!var->is_text) return e5_h5_number_type(type, &dtype) && dtype == var->stored;
    return type->class == E5_H5_TEXT || (type->class == E5_H5_VARIABLE_TEXT && type->size == 16);
}

/* netCDF may call a variable longer than HDF5 stores it: the rest of an unlimited dimension is fill. */
static bool same_shape(const struct e5_ncvar *var, const struct e5_map *map, const struct e5_h5_space *space) {
    if (space->null || space->ndim != var->ndim) return false;
    for (int d = 0; d < space->ndim; d++)
        if (space->dim[d] != map->dim[d]) return false;
    return true;
}

static bool known_filters(struct e5_map *map, const struct e5_h5_data *data) {
    bool seen[E5_FLETCHER32 + 1] = {false};
    if (data->filters > E5_MAX_FILTERS) return false;
    for (int i = 0; i < data->filters; i++) {
        const struct e5_h5_filter *filter = &data->filter[i];
        if (filter->id < E5_DEFLATE || filter->id > E5_FLETCHER32 || seen[filter->id]) return false;
        if (filter->id == E5_SHUFFLE && filter->value != map->element) return false;
        seen[filter->id] = true;
        map->filter[i] = (enum e5_filter)filter->id;
    }
    map->filters = data->filters;
    return true;
}

/* The data are as many as the shape says, and lie in the file: e5_h5_object_read() has looked. */
static void set_contiguous(struct e5_map *map, struct e5_h5_data *data) {
    bool compact = data->layout == E5_H5_COMPACT;
    map->way = E5_CONTIGUOUS;
    map->address = compact ? 0 : data->address;
    map->held = data->compact;
    data->compact = NULL;
}

static enum e5_status set_chunked(struct e5_map *map, const struct e5_h5_data *data, struct e5_error *err) {
    size_t bytes = map->element, grid = 1;
    bool fits = true;
    map->chunked = true;
    for (int d = 0; d < map->ndim; d++) {
        map->chunk[d] = (size_t)data->chunk[d]; /* never 0 */
        fits = fits && !__builtin_mul_overflow(bytes, map->chunk[d], &bytes) && bytes <= E5_CHUNK_MAX &&
               !__builtin_mul_overflow(grid, e5_map_along(map, d), &grid);
    }
    if (!fits) map->unsafe = "a variable has chunks of more than 1 GiB, or more of them than can be counted";
    if (!fits) return E5_OK;
    enum e5_status status = e5_alloc(1, sizeof *map->index, &map->index, err);
    if (status != E5_OK) return status;
    map->way = E5_CHUNKED;
    *map->index = *data;
    map->index->compact = NULL;
    return E5_OK;
}

enum e5_status e5_h5_map_set(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_h5_data *data,
                             struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    struct e5_map *map = &layout->map[var - file->var];
    map->why = NULL;
    memcpy(map->fill, data->fill, sizeof map->fill);
    if (var->is_text) map->element = data->type.size;
    map->in_heap = data->type.class == E5_H5_VARIABLE_TEXT;
    if (data->external || data->layout == E5_H5_VIRTUAL)
        map->unsafe = E5_H5_FOREIGN_DATA;
    else if (!same_type(var, &data->type))
        map->why = "its number type is unusual";
    else if (!same_shape(var, map, &data->space))
        map->why = "it is shorter than its dimensions";
    else if (!known_filters(map, data))
        map->why = "it went through a filter other than shuffle, deflate and fletcher32, which netCDF-C may have";
    else if (data->layout != E5_H5_CHUNKED)
        set_contiguous(map, data);
    else if (var->ndim > 0)
        return set_chunked(map, data, err);
    else
        map->why = "its layout is unusual";
    return E5_OK;
}

/* --- all maps of a file --- */

#define RENAMED "_nc4_non_coord_" /* a variable that has the name of a dimension without being its coordinate */

const char *e5_h5_variable_name(const char *link) {
    size_t prefix = strlen(RENAMED);
    return strncmp(link, RENAMED, prefix) == 0 && link[prefix] != '\0' ? link + prefix : link;
}

struct finder {
    struct e5_ncfile *file;
    struct e5_h5 *h5;
    struct e5_h5_link *link;
    size_t links;
    struct e5_error *err;
};

static const struct e5_h5_link *find_link(const struct finder *f, const char *name) {
    const struct e5_h5_link *found = NULL;
    for (size_t i = 0; i < f->links; i++)
        if (strcmp(e5_h5_variable_name(f->link[i].name), name) == 0)
            if (found == NULL || f->link[i].name != e5_h5_variable_name(f->link[i].name)) found = &f->link[i];
    return found;
}

/* What is not known is no failure: netcdf-c then reads the variable. */
static enum e5_status forgive(struct finder *f, enum e5_status status, const char **why) {
    const char *unknown = f->h5 != NULL ? e5_h5_unknown(f->h5) : NULL;
    if (status != E5_INPUT || unknown == NULL) return status;
    *why = unknown;
    *f->err = E5_ERROR_NONE;
    return E5_OK;
}

static enum e5_status map_variable(struct finder *f, const struct e5_ncvar *var) {
    struct e5_layout *layout = f->file->layout;
    struct e5_h5_object object = {0};
    const struct e5_h5_link *link = find_link(f, var->name);
    if (link == NULL || link->address == E5_NOWHERE) return E5_OK;
    enum e5_status status = e5_h5_object_read(f->h5, link->address, &object, f->err);
    if (status == E5_OK && object.kind == E5_H5_DATASET) status = e5_h5_map_set(f->file, var, &object.data, f->err);
    e5_h5_object_fini(&object);
    return forgive(f, status, &layout->map[var - f->file->var].why);
}

enum e5_status e5_h5_maps_fill(struct e5_ncfile *file, struct e5_error *err) {
    struct e5_layout *layout = file->layout;
    struct e5_error found = E5_ERROR_NONE;
    struct finder f = {.file = file, .err = &found};
    const char *unused;
    for (size_t i = 0; i < layout->count; i++) layout->map[i].why = file->why;
    enum e5_status status = e5_h5_open(file->path, &layout->probe, &f.h5, &found);
    if (status == E5_OK) status = e5_h5_links(f.h5, e5_h5_root(f.h5), &f.link, &f.links, &found);
    status = forgive(&f, status, &unused);
    for (size_t i = 0; f.link != NULL && i < file->nvar && status == E5_OK; i++)
        status = map_variable(&f, &file->var[i]);
    if (status != E5_OK && err != NULL) *err = found;
    e5_h5_links_free(f.link, f.links);
    e5_h5_close(f.h5);
    return status;
}
