#include "io/h5_netcdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/h5.h"
#include "io/h5_attribute.h"
#include "io/h5_maps.h"

#define DATASETS_MAX 8192 /* variables and dimensions without one: more than the tables take */
#define DIMENSIONS_MAX 1024
#define ATTRIBUTE_BYTES ((size_t)64 << 20)
#define ONLY_DIMENSION "This is a netCDF dimension but not a netCDF variable"

struct dimension {
    char name[300];
    uint64_t length;
    bool unlimited;
    int64_t id;
    uint64_t address; /* of its scale; E5_NOWHERE for an invented one */
};

struct item { /* one link of the root group */
    const char *name;
    uint64_t address;
    struct e5_h5_object object;
    bool is_variable;
    struct dimension *own; /* the dimension whose scale this is */
    size_t dim[E5_MAX_DIMS];
};

struct reader {
    struct e5_ncfile *file;
    struct e5_tables tables;
    struct e5_h5 *h5;
    const char *why; /* netcdf-c must read the header */
    struct e5_h5_link *link;
    struct item *item;
    size_t items;
    struct dimension *dimension;
    size_t dimensions, room; /* how many there are, and can be */
    int64_t next_id;
    bool groups, unlimited, only_unlimited; /* what the file has; an unlimited dimension without a variable */
    size_t bytes; /* of attributes */
    struct e5_error *err;
};

static void leave(struct reader *r, const char *why) {
    if (r->why == NULL) r->why = why;
}

/* --- objects --- */

static enum e5_status read_object(struct reader *r, const struct e5_h5_link *link, struct item *item) {
    if (link->external)
        return e5_probe_fail(r->err, E5_UNSAFE, r->file->path, "do not trust this file", E5_H5_FOREIGN_LINKS);
    if (link->address == E5_NOWHERE) leave(r, "it uses symbolic links");
    if (r->why != NULL) return E5_OK;
    item->name = link->name;
    item->address = link->address;
    enum e5_status status = e5_h5_object_read(r->h5, link->address, &item->object, r->err);
    for (size_t i = 0; i < item->object.attrs && status == E5_OK; i++)
        r->bytes += item->object.attr[i].count * item->object.attr[i].type.size;
    return status == E5_OK && r->bytes > ATTRIBUTE_BYTES
               ? e5_tables_too_much(&r->tables, "attributes of more than 64 MiB")
               : status;
}

static enum e5_status read_objects(struct reader *r) {
    enum e5_status status = e5_h5_links(r->h5, e5_h5_root(r->h5), &r->link, &r->items, r->err);
    if (status != E5_OK) return status;
    if (r->items > DATASETS_MAX) return e5_tables_too_much(&r->tables, "more than 8192 data sets");
    status = e5_alloc(r->items, sizeof *r->item, &r->item, r->err);
    r->room = r->items * E5_MAX_DIMS < DIMENSIONS_MAX ? r->items * E5_MAX_DIMS : DIMENSIONS_MAX;
    if (status == E5_OK) status = e5_alloc(r->room, sizeof *r->dimension, &r->dimension, r->err);
    for (size_t i = 0; i < r->items && status == E5_OK && r->why == NULL; i++)
        status = read_object(r, &r->link[i], &r->item[i]);
    return status;
}

/* --- dimensions from scales --- */

static struct dimension *add_dimension(struct reader *r, const char *name, uint64_t length, bool unlimited) {
    if (r->dimensions == r->room) leave(r, "it has more than 1024 dimensions");
    struct dimension *dimension = &r->dimension[r->why == NULL ? r->dimensions++ : 0];
    if (strlen(name) >= sizeof dimension->name) leave(r, "a name is very long");
    strncpy(dimension->name, name, sizeof dimension->name - 1);
    dimension->length = length;
    dimension->unlimited = unlimited;
    dimension->address = E5_NOWHERE;
    dimension->id = r->next_id;
    r->unlimited = r->unlimited || unlimited;
    return dimension;
}

static void take_scale(struct reader *r, struct item *item) {
    const struct e5_h5_space *space = &item->object.data.space;
    const struct e5_h5_attr *number = e5_h5_attribute(&item->object, "_Netcdf4Dimid");
    if (space->ndim == 0) leave(r, "a dimension is a single value");
    if (number != NULL && (number->count != 1 || number->type.class != E5_H5_INTEGER || !number->type.standard))
        leave(r, "a dimension is numbered in an unusual way");
    if (r->why != NULL) return;
    item->own = add_dimension(r, item->name, space->dim[0], space->most[0] == UINT64_MAX);
    item->own->address = item->address;
    int64_t id = number != NULL ? e5_h5_attribute_integer(number, 0) : -1;
    if (id > INT32_MAX / 2) leave(r, "a dimension is numbered in an unusual way");
    if (id >= 0) item->own->id = id;
    if (item->own->id >= r->next_id) r->next_id = item->own->id + 1;
    if (!e5_h5_attribute_begins(e5_h5_attribute(&item->object, "NAME"), ONLY_DIMENSION)) return;
    item->is_variable = false;
    r->only_unlimited = r->only_unlimited || item->own->unlimited;
}

static void sort_out(struct reader *r, struct item *item) {
    const struct e5_h5_data *data = &item->object.data;
    if (item->object.kind == E5_H5_GROUP) r->groups = true;
    if (item->object.kind != E5_H5_DATASET) return;
    bool text = data->type.class == E5_H5_TEXT || data->type.class == E5_H5_VARIABLE_TEXT;
    enum e5_dtype unused;
    item->is_variable = true;
    if (e5_h5_attribute(&item->object, "CLASS") != NULL) {
        if (e5_h5_attribute_begins(e5_h5_attribute(&item->object, "CLASS"), "DIMENSION_SCALE"))
            take_scale(r, item);
        else
            leave(r, "a data set has an unusual class");
    }
    if (!item->is_variable) return;
    if (!text && !e5_h5_number_type(&data->type, &unused)) leave(r, "a variable is of an unusual type");
    if (data->space.ndim > E5_MAX_DIMS) leave(r, "a variable has more than 6 dimensions");
    if (data->space.null) leave(r, "a variable has no values at all");
}

/* --- which dimensions a variable has --- */

static bool find_id(struct reader *r, int64_t id, size_t *out) {
    for (*out = 0; *out < r->dimensions; ++*out)
        if (r->dimension[*out].id == id) return true;
    return false;
}

static bool find_address(struct reader *r, uint64_t address, size_t *out) {
    for (*out = 0; *out < r->dimensions; ++*out)
        if (r->dimension[*out].address == address && address != E5_NOWHERE) return true;
    return false;
}

static void match_by_number(struct reader *r, struct item *item, const struct e5_h5_attr *numbers) {
    size_t ndim = (size_t)item->object.data.space.ndim;
    bool usual = numbers->type.class == E5_H5_INTEGER && numbers->type.standard && numbers->count == ndim;
    if (!usual) leave(r, "the dimensions of a variable are noted in an unusual way");
    for (size_t d = 0; d < ndim && r->why == NULL; d++)
        if (!find_id(r, e5_h5_attribute_integer(numbers, d), &item->dim[d]))
            leave(r, "a variable has a dimension of another group");
}

/* The last scale that is attached to dimension d of a variable, E5_NOWHERE without one. */
static enum e5_status attached(struct reader *r, const struct e5_h5_attr *list, size_t d, uint64_t *out) {
    const uint8_t *bytes = NULL;
    size_t length = 0;
    enum e5_status status = e5_h5_heap_get(r->h5, list->bytes + d * list->type.size, 8, &bytes, &length, r->err);
    *out = E5_NOWHERE;
    if (status != E5_OK || length < 8) return status;
    *out = 0;
    for (size_t i = 1; i <= 8; i++) *out = *out << 8 | bytes[length - i];
    return E5_OK;
}

static enum e5_status match_scales(struct reader *r, struct item *item, const struct e5_h5_attr *list) {
    size_t ndim = (size_t)item->object.data.space.ndim;
    enum e5_status status = E5_OK;
    if (list->type.class != E5_H5_REFERENCE_LIST || list->count != ndim || list->type.size != 16)
        leave(r, "the dimensions of a variable are noted in an unusual way");
    for (size_t d = 0; d < ndim && status == E5_OK && r->why == NULL; d++) {
        uint64_t address;
        status = attached(r, list, d, &address);
        if (status == E5_OK && !find_address(r, address, &item->dim[d]))
            leave(r, "a variable has a dimension without a scale");
    }
    return status;
}

static bool fits(const struct reader *r, const struct item *item, size_t at, int d) {
    const struct e5_h5_space *space = &item->object.data.space;
    const struct dimension *dimension = &r->dimension[at];
    if (dimension->length != space->dim[d] || dimension->unlimited != (space->most[d] == UINT64_MAX)) return false;
    for (int k = 0; k < d; k++)
        if (item->dim[k] == at) return false;
    return true;
}

/* Plain HDF5: dimensions of one length are one dimension, unless one variable has it twice. */
static void invent(struct reader *r, struct item *item) {
    const struct e5_h5_space *space = &item->object.data.space;
    if (space->ndim > 0 && (r->groups || r->only_unlimited)) leave(r, "a variable has no dimension scales");
    for (int d = 0; d < space->ndim && r->why == NULL; d++) {
        size_t at = 0;
        while (at < r->dimensions && !fits(r, item, at, d)) at++;
        item->dim[d] = at;
        if (at < r->dimensions) continue;
        char name[40];
        snprintf(name, sizeof name, "phony_dim_%lld", (long long)r->next_id);
        add_dimension(r, name, space->dim[d], space->most[d] == UINT64_MAX);
        r->next_id++;
    }
}

static enum e5_status match(struct reader *r, struct item *item) {
    const struct e5_h5_space *space = &item->object.data.space;
    const struct e5_h5_attr *numbers = e5_h5_attribute(&item->object, "_Netcdf4Coordinates");
    const struct e5_h5_attr *list = e5_h5_attribute(&item->object, "DIMENSION_LIST");
    if (numbers != NULL)
        match_by_number(r, item, numbers);
    else if (item->own != NULL && space->ndim > 1)
        leave(r, "a scale has several dimensions");
    else if (item->own != NULL)
        item->dim[0] = (size_t)(item->own - r->dimension);
    else if (list != NULL && space->ndim > 0)
        return match_scales(r, item, list);
    else
        invent(r, item);
    return E5_OK;
}

/* An unlimited dimension is as long as the longest variable along it. */
static void measure(struct reader *r) {
    for (size_t i = 0; i < r->dimensions; i++)
        if (r->dimension[i].unlimited) r->dimension[i].length = 0;
    for (size_t i = 0; i < r->items; i++) {
        const struct e5_h5_space *space = &r->item[i].object.data.space;
        for (int d = 0; r->item[i].is_variable && d < space->ndim; d++) {
            struct dimension *dimension = &r->dimension[r->item[i].dim[d]];
            if (dimension->unlimited && space->dim[d] > dimension->length) dimension->length = space->dim[d];
        }
    }
}

/* --- into the tables --- */

static int by_id(const void *a, const void *b) {
    int64_t x = (*(struct dimension *const *)a)->id, y = (*(struct dimension *const *)b)->id;
    return (x > y) - (x < y);
}

/* netcdf-c lists dimensions by their numbers; *place gets the position of each. */
static enum e5_status put_dimensions(struct reader *r, int **place) {
    struct dimension **order = NULL;
    enum e5_status status = e5_tables_room_dims(&r->tables, r->dimensions);
    if (status == E5_OK) status = e5_alloc(r->dimensions, sizeof *order, &order, r->err);
    if (status == E5_OK) status = e5_alloc(r->dimensions, sizeof **place, place, r->err);
    if (status != E5_OK) goto out;
    for (size_t i = 0; i < r->dimensions; i++) order[i] = &r->dimension[i];
    qsort(order, r->dimensions, sizeof *order, by_id);
    for (size_t i = 0; i < r->dimensions && status == E5_OK; i++) {
        if (i > 0 && order[i]->id == order[i - 1]->id) leave(r, "two dimensions have one number");
        (*place)[order[i] - r->dimension] = (int)i;
        status = e5_tables_add_dim(&r->tables, order[i]->name, (size_t)order[i]->length, order[i]->unlimited);
    }
out:
    free(order);
    return status;
}

static void put_storage(const struct e5_h5_data *data, struct e5_ncstorage *storage) {
    storage->chunked = data->layout == E5_H5_CHUNKED && data->space.ndim > 0;
    for (int d = 0; storage->chunked && d < data->space.ndim; d++) storage->chunk[d] = (size_t)data->chunk[d];
    for (int i = 0; i < data->filters; i++) {
        const struct e5_h5_filter *filter = &data->filter[i];
        storage->shuffle = storage->shuffle || filter->id == E5_SHUFFLE;
        storage->fletcher32 = storage->fletcher32 || filter->id == E5_FLETCHER32;
        if (filter->id != E5_DEFLATE) continue;
        storage->deflated = true;
        storage->deflate_level = (int)filter->value;
    }
}

static enum e5_status put_variable(struct reader *r, struct item *item, int id, const int *place) {
    const struct e5_h5_data *data = &item->object.data;
    struct e5_ncvar *var = NULL;
    enum e5_dtype dtype;
    enum e5_status status =
        e5_tables_add_var(&r->tables, e5_h5_variable_name(item->name), (size_t)data->space.ndim, true, &var);
    if (status != E5_OK) return status;
    var->id = id;
    for (int d = 0; d < var->ndim; d++) var->dim[d] = place[item->dim[d]];
    if (e5_h5_number_type(&data->type, &dtype))
        e5_tables_set_type(var, dtype, data->type.big_endian && data->type.size > 1);
    else
        e5_tables_set_text(var, data->type.class == E5_H5_VARIABLE_TEXT || data->type.size > 1);
    put_storage(data, &var->storage);
    status = e5_h5_attributes(&r->tables, r->h5, &item->object, &var->attr, &var->nattr, &r->why);
    if (status != E5_OK || r->why != NULL) return status;
    e5_tables_finish_var(&r->tables, var);
    return e5_h5_map_set(r->file, var, &item->object.data, r->err);
}

static enum e5_status put_global(struct reader *r) {
    struct e5_h5_object root = {0};
    enum e5_status status = e5_h5_object_read(r->h5, e5_h5_root(r->h5), &root, r->err);
    bool classic = status == E5_OK && e5_h5_attribute(&root, "_nc3_strict") != NULL;
    r->file->format = classic ? E5_NETCDF4_CLASSIC : E5_NETCDF4;
    if (status == E5_OK)
        status = e5_h5_attributes(&r->tables, r->h5, &root, &r->file->attr, &r->file->nattr, &r->why);
    e5_h5_object_fini(&root);
    return status;
}

static enum e5_status put_all(struct reader *r) {
    int *place = NULL, id = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->items; i++) count += r->item[i].is_variable;
    enum e5_status status = put_dimensions(r, &place);
    if (status == E5_OK) status = e5_tables_room_vars(&r->tables, count);
    for (size_t i = 0; i < r->items && status == E5_OK && r->why == NULL; i++)
        if (r->item[i].is_variable) status = put_variable(r, &r->item[i], id++, place);
    if (status == E5_OK && r->why == NULL) status = put_global(r);
    free(place);
    return status;
}

/* --- the file --- */

static enum e5_status read_all(struct reader *r) {
    struct e5_layout *layout = r->file->layout;
    enum e5_status status = e5_h5_open(r->file->path, &layout->probe, &r->h5, r->err);
    if (status == E5_OK) status = read_objects(r);
    for (size_t i = 0; i < r->items && status == E5_OK && r->why == NULL; i++) sort_out(r, &r->item[i]);
    if (r->groups && r->unlimited) leave(r, "it has groups and unlimited dimensions");
    for (size_t i = 0; i < r->items && status == E5_OK && r->why == NULL; i++)
        if (r->item[i].is_variable) status = match(r, &r->item[i]);
    if (status == E5_OK && r->why == NULL) {
        measure(r);
        status = put_all(r);
    }
    return status;
}

/* What is not known here leaves the file to netcdf-c and is no failure. */
static enum e5_status forgive(struct reader *r, enum e5_status status, struct e5_error *err) {
    const char *unknown = r->h5 != NULL ? e5_h5_unknown(r->h5) : NULL;
    if (status == E5_INPUT && unknown != NULL) {
        leave(r, unknown);
        return E5_OK;
    }
    if (status != E5_OK && err != NULL) *err = *r->err;
    return status;
}

/* Who keeps the file goes on with the pages that are here already. */
static void leave_open(struct reader *r, enum e5_status status) {
    struct e5_layout *layout = r->file->layout;
    if (status != E5_OK || r->why != NULL || !layout->probe.kept) return;
    layout->h5 = r->h5;
    r->h5 = NULL;
}

static void finish(struct reader *r) {
    for (size_t i = 0; r->item != NULL && i < r->items; i++) e5_h5_object_fini(&r->item[i].object);
    free(r->item);
    free(r->dimension);
    e5_h5_links_free(r->link, r->items);
    e5_h5_close(r->h5);
}

enum e5_status e5_h5_netcdf_read(struct e5_ncfile *file, const char **why, struct e5_error *err) {
    struct e5_error found = E5_ERROR_NONE;
    struct reader r = {.file = file, .tables = {.file = file, .layout = file->layout, .err = &found}, .err = &found};
    enum e5_status status = forgive(&r, read_all(&r), err);
    if (status == E5_OK && r.why != NULL) e5_tables_fini(file);
    *why = r.why;
    leave_open(&r, status);
    finish(&r);
    return status;
}
