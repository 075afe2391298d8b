#include "io/tables.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/unpack.h"

/* Far above anything real: the widest files of the service have some 300 variables with 40 attributes each. */
#define DIMS_MAX 1024
#define VARS_MAX 4096
#define ATTRS_MAX 1024
#define NUMBERS_MAX 65536
#define TEXT_MAX ((size_t)4 << 20)
#define HEADER_MAX ((size_t)64 << 20)

/* --- looking things up --- */

const struct e5_ncvar *e5_ncfile_find(const struct e5_ncfile *file, const char *name) {
    for (size_t i = 0; i < file->nvar; i++)
        if (strcmp(file->var[i].name, name) == 0) return &file->var[i];
    return NULL;
}

const struct e5_ncattr *e5_ncattr_find(const struct e5_ncvar *var, const char *name) {
    for (size_t i = 0; i < var->nattr; i++)
        if (strcmp(var->attr[i].name, name) == 0) return &var->attr[i];
    return NULL;
}

const char *e5_ncformat_name(enum e5_ncformat format) {
    static const char *const names[] = {[E5_CLASSIC] = "NETCDF3_CLASSIC",
                                        [E5_64BIT_OFFSET] = "NETCDF3_64BIT_OFFSET",
                                        [E5_64BIT_DATA] = "NETCDF3_64BIT_DATA",
                                        [E5_NETCDF4] = "NETCDF4",
                                        [E5_NETCDF4_CLASSIC] = "NETCDF4_CLASSIC"};
    return names[format];
}

/* --- room --- */

enum e5_status e5_tables_too_much(struct e5_tables *t, const char *what) {
    return e5_probe_fail(t->err, E5_UNSAFE, t->file->path, "do not trust this file", "header claims %s", what);
}

enum e5_status e5_tables_room_dims(struct e5_tables *t, size_t count) {
    if (count > DIMS_MAX) return e5_tables_too_much(t, "more than 1024 dimensions");
    return e5_alloc(count, sizeof *t->file->dim, &t->file->dim, t->err);
}

enum e5_status e5_tables_room_vars(struct e5_tables *t, size_t count) {
    if (count > VARS_MAX) return e5_tables_too_much(t, "more than 4096 variables");
    enum e5_status status = e5_alloc(count, sizeof *t->file->var, &t->file->var, t->err);
    return status == E5_OK ? e5_layout_room(t->layout, count, t->err) : status;
}

enum e5_status e5_tables_room_attrs(struct e5_tables *t, size_t count, struct e5_ncattr **out) {
    if (count > ATTRS_MAX) return e5_tables_too_much(t, "more than 1024 attributes");
    return e5_alloc(count, sizeof **out, out, t->err);
}

/* --- dimensions and variables --- */

enum e5_status e5_tables_add_dim(struct e5_tables *t, const char *name, size_t length, bool unlimited) {
    struct e5_ncdim *dim = &t->file->dim[t->file->ndim];
    enum e5_status status = e5_strdup(name, &dim->name, t->err);
    if (status != E5_OK) return status;
    dim->length = length;
    dim->unlimited = unlimited;
    t->file->ndim++;
    return E5_OK;
}

enum e5_status e5_tables_add_var(struct e5_tables *t, const char *name, size_t ndim, bool known,
                                 struct e5_ncvar **out) {
    struct e5_ncvar *var = &t->file->var[t->file->nvar];
    *out = NULL;
    *var = (struct e5_ncvar){.ndim = (int)ndim, .packing = E5_PACKING_NONE};
    if (ndim > E5_MAX_DIMS || !known) {
        e5_log(E5_LOG_WARNING, "%s: variable %s left out: its type or number of dimensions is not supported",
               t->file->path, name);
        return E5_OK;
    }
    enum e5_status status = e5_strdup(name, &var->name, t->err);
    if (status != E5_OK) return status;
    t->file->nvar++;
    *out = var;
    return E5_OK;
}

void e5_tables_set_type(struct e5_ncvar *var, enum e5_dtype stored, bool big_endian) {
    var->stored = var->dtype = stored;
    var->big_endian = big_endian;
}

void e5_tables_set_text(struct e5_ncvar *var, bool strings) {
    var->is_text = true;
    var->is_string = strings;
    var->stored = var->dtype = E5_U8;
}

/* --- packing --- */

static bool is_integer(enum e5_dtype dtype) { return dtype != E5_F32 && dtype != E5_F64; }

static enum e5_dtype unsigned_twin(enum e5_dtype dtype) {
    switch (dtype) {
    case E5_I8: return E5_U8;
    case E5_I16: return E5_U16;
    case E5_I32: return E5_U32;
    case E5_I64: return E5_U64;
    default: return dtype;
    }
}

static enum e5_dtype signed_twin(enum e5_dtype dtype) {
    switch (dtype) {
    case E5_U8: return E5_I8;
    case E5_U16: return E5_I16;
    case E5_U32: return E5_I32;
    case E5_U64: return E5_I64;
    default: return dtype;
    }
}

/* What _Unsigned says, of signed numbers "true" and of unsigned ones "false". */
static enum e5_dtype dtype_of(const struct e5_ncvar *var) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, "_Unsigned");
    if (attr == NULL || attr->text == NULL) return var->stored;
    if (strcmp(attr->text, "true") == 0) return unsigned_twin(var->stored);
    return strcmp(attr->text, "false") == 0 ? signed_twin(var->stored) : var->stored;
}

/* An attribute about stored values, as such a value: rounded to float32 or read with the sign or without, like the
 * data. */
static double as_stored(const struct e5_ncvar *var, double x) {
    double span = ldexp(1, 8 * (int)e5_dtype_size(var->dtype));
    bool is_unsigned = var->dtype == E5_U8 || var->dtype == E5_U16 || var->dtype == E5_U32 || var->dtype == E5_U64;
    if (var->dtype == E5_F32) return (double)(float)x;
    if (is_unsigned && x < 0) return x + span;
    if (!is_unsigned && var->dtype != var->stored && x >= span / 2) return x - span;
    return x;
}

static void take_stored(const struct e5_ncvar *var, const char *name, size_t index, double *out) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, name);
    if (attr != NULL && attr->number != NULL && attr->count > index) *out = as_stored(var, attr->number[index]);
}

/* A limit counts only when it is of the kind of the stored values; otherwise it speaks of unpacked ones, and for
 * those conventions and software differ. */
static void take_limit(const struct e5_ncvar *var, const char *name, size_t index, double *out) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, name);
    if (attr == NULL || attr->integer != is_integer(var->dtype)) return;
    double value = *out;
    take_stored(var, name, index, &value);
    if (!isnan(value)) *out = value;
}

/* Something that is there but no number becomes NaN, which reading reports: to ignore it would give wrong numbers. */
static void take_scale(const struct e5_ncvar *var, const char *name, double *out) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, name);
    if (attr != NULL) *out = attr->number != NULL && attr->count > 0 ? attr->number[0] : (double)NAN;
}

/* More than there is room for are counted, not kept: reading refuses them. */
static void take_missing(const struct e5_ncvar *var, struct e5_packing *p) {
    const struct e5_ncattr *attr = e5_ncattr_find(var, "missing_value");
    take_stored(var, "missing_value", 0, &p->missing);
    for (size_t i = 1; attr != NULL && attr->number != NULL && i < attr->count; i++) {
        double value = as_stored(var, attr->number[i]);
        bool known = isnan(value) || value == p->missing || value == p->fill;
        for (int k = 0; k < p->others && k < E5_MAX_OTHERS; k++) known |= value == p->other[k];
        if (known) continue;
        if (p->others < E5_MAX_OTHERS) p->other[p->others] = value;
        if (p->others <= E5_MAX_OTHERS) p->others++;
    }
}

static void derive_packing(struct e5_ncvar *var) {
    struct e5_packing *p = &var->packing;
    var->dtype = dtype_of(var);
    *p = E5_PACKING_NONE;
    take_scale(var, "scale_factor", &p->scale);
    take_scale(var, "add_offset", &p->offset);
    take_stored(var, "_FillValue", 0, &p->fill);
    take_missing(var, p);
    take_limit(var, "valid_min", 0, &p->valid_min);
    take_limit(var, "valid_max", 0, &p->valid_max);
    take_limit(var, "valid_range", 0, &p->valid_min);
    take_limit(var, "valid_range", 1, &p->valid_max);
}

struct e5_map *e5_tables_finish_var(struct e5_tables *t, struct e5_ncvar *var) {
    struct e5_map *map = &t->layout->map[var - t->file->var];
    if (!var->is_text) derive_packing(var);
    map->ndim = var->ndim > 0 ? var->ndim : 1;
    map->dim[0] = 1;
    map->element = e5_dtype_size(var->dtype);
    map->swapped = map->element > 1 && var->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    for (int d = 0; d < var->ndim; d++) map->dim[d] = t->file->dim[var->dim[d]].length;
    map->chunked = var->storage.chunked;
    memcpy(map->chunk, var->storage.chunk, sizeof map->chunk);
    return map;
}

/* --- attributes --- */

enum e5_status e5_tables_set_attr(struct e5_tables *t, struct e5_ncattr *attr, const char *name, size_t count) {
    enum e5_status status = e5_strdup(name, &attr->name, t->err);
    if (status != E5_OK) return status;
    t->bytes += sizeof *attr;
    if (count > TEXT_MAX || (t->bytes += count * 8) > HEADER_MAX)
        return e5_tables_too_much(t, "attributes of more than 64 MiB");
    attr->count = count;
    return E5_OK;
}

enum e5_status e5_tables_set_characters(struct e5_tables *t, struct e5_ncattr *attr, const void *bytes) {
    enum e5_status status = e5_alloc(attr->count + 1, 1, &attr->text, t->err);
    if (status == E5_OK && attr->count > 0) memcpy(attr->text, bytes, attr->count);
    return status;
}

struct e5_buffer e5_tables_string_list(void) { return (struct e5_buffer){.ceiling = TEXT_MAX}; }

enum e5_status e5_tables_set_strings(struct e5_tables *t, struct e5_ncattr *attr, struct e5_buffer *list) {
    if (attr->count > NUMBERS_MAX) return e5_tables_too_much(t, "an attribute of more than 65536 strings");
    t->bytes += list->size;
    if (t->bytes > HEADER_MAX) return e5_tables_too_much(t, "attributes of more than 64 MiB");
    enum e5_status status = e5_alloc(list->size + 1, 1, &attr->text, t->err);
    if (status == E5_OK && list->bytes == NULL) status = e5_buffer_append(list, "", 0, t->err);
    if (status != E5_OK) return status;
    if (list->size > 0) memcpy(attr->text, list->bytes, list->size - 1);
    for (size_t i = 0; i + 1 < list->size; i++)
        if (attr->text[i] == '\0') attr->text[i] = '\n';
    attr->strings = true;
    attr->list = list->bytes;
    *list = (struct e5_buffer){0};
    return E5_OK;
}

enum e5_status e5_tables_set_numbers(struct e5_tables *t, struct e5_ncattr *attr, enum e5_dtype dtype,
                                     const void *bytes, bool swapped) {
    struct e5_unpack how = {.from = dtype, .as = E5_F64, .swapped = swapped, .packing = E5_PACKING_NONE};
    if (attr->count > NUMBERS_MAX) return e5_tables_too_much(t, "an attribute of more than 65536 numbers");
    enum e5_status status = e5_alloc(attr->count, sizeof *attr->number, &attr->number, t->err);
    if (status != E5_OK) return status;
    e5_unpack(&how, bytes, attr->count, attr->number);
    attr->integer = is_integer(dtype);
    attr->dtype = dtype;
    if (!attr->integer || e5_dtype_size(dtype) < 8) return E5_OK;
    status = e5_alloc(attr->count, sizeof *attr->whole, &attr->whole, t->err);
    how.from = how.as = E5_I64; /* unsigned numbers bit by bit */
    if (status == E5_OK) e5_unpack(&how, bytes, attr->count, attr->whole);
    return status;
}

/* --- end --- */

void e5_tables_free_attrs(struct e5_ncattr *attr, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(attr[i].name);
        free(attr[i].text);
        free(attr[i].number);
        free(attr[i].list);
        free(attr[i].whole);
    }
    free(attr);
}

void e5_tables_fini(struct e5_ncfile *file) {
    if (file->layout != NULL) e5_layout_clear(file->layout);
    for (size_t i = 0; i < file->ndim; i++) free(file->dim[i].name);
    for (size_t i = 0; i < file->nvar; i++) {
        free(file->var[i].name);
        e5_tables_free_attrs(file->var[i].attr, file->var[i].nattr);
    }
    free(file->dim);
    free(file->var);
    e5_tables_free_attrs(file->attr, file->nattr);
    file->ndim = file->nvar = file->nattr = 0;
    file->dim = NULL;
    file->var = NULL;
    file->attr = NULL;
}
