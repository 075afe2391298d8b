#include "io/header.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netcdf.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/log.h"
#include "io/chunks.h"
#include "io/gate.h"

/* Far above anything real: the widest files of the service have some 300 variables with 40 attributes each. */
#define DIMS_MAX 1024
#define VARS_MAX 4096
#define ATTRS_MAX 1024
#define NUMBERS_MAX 65536
#define TEXT_MAX ((size_t)4 << 20)
#define HEADER_MAX ((size_t)64 << 20)

struct reader {
    struct e5_ncfile *file;
    struct e5_layout *layout;
    int id;
    int dim_id[DIMS_MAX];
    size_t bytes; /* of attributes so far */
    struct e5_error *err;
};

/* --- codes of netcdf-c --- */

/* Positive codes are errno, but most of them come from nonsense in a damaged header and say nothing of the system. */
static bool is_system(int code) {
    return code == EIO || code == ENOMEM || code == EACCES || code == EPERM || code == ENOENT || code == EMFILE ||
           code == ENFILE || code == ESTALE;
}

enum e5_status e5_header_fail(struct e5_error *err, int code, const char *path, const char *doing) {
    if (is_system(code)) return e5_fail_errno(err, code, path, doing);
    if (code == NC_ENOMEM) return e5_probe_fail(err, E5_MEMORY, path, "", "%s: not enough memory", doing);
    if (code == NC_EFILTER || code == NC_ENOFILTER)
        return e5_probe_fail(err, E5_INPUT, path,
                             "install the filter's HDF5 plug-in and set HDF5_PLUGIN_PATH, or repack with deflate",
                             "%s: compressed by a filter that is not installed", doing);
    return e5_probe_fail(err, E5_CORRUPT, path,
                         "the file is damaged (download it again) or in a newer format than this library knows",
                         "%s: %s", doing, code > 0 ? "a header that makes no sense" : nc_strerror(code));
}

static enum e5_status check(struct reader *r, int code, const char *doing) {
    return code == NC_NOERR ? E5_OK : e5_header_fail(r->err, code, r->file->path, doing);
}

static enum e5_status too_much(struct reader *r, const char *what) {
    return e5_probe_fail(r->err, E5_UNSAFE, r->file->path, "do not trust this file", "header claims %s", what);
}

/* --- attributes --- */

static enum e5_status read_text(struct reader *r, int var, size_t length, struct e5_ncattr *attr) {
    if (length > TEXT_MAX) return too_much(r, "a text of more than 4 MiB");
    enum e5_status status = e5_alloc(length + 1, 1, &attr->text, r->err);
    if (status == E5_OK) status = check(r, nc_get_att_text(r->id, var, attr->name, attr->text), "read an attribute");
    return status;
}

static enum e5_status read_strings(struct reader *r, int var, size_t count, struct e5_ncattr *attr) {
    char **strings = NULL;
    struct e5_buffer text = {.ceiling = TEXT_MAX};
    if (count > NUMBERS_MAX) return too_much(r, "an attribute of more than 65536 strings");
    enum e5_status status = e5_alloc(count, sizeof *strings, &strings, r->err);
    if (status != E5_OK) return status;
    int code = nc_get_att_string(r->id, var, attr->name, strings);
    status = check(r, code, "read an attribute");
    if (status == E5_OK) status = e5_buffer_append(&text, "", 0, r->err);
    for (size_t i = 0; i < count && status == E5_OK; i++)
        status = e5_buffer_printf(&text, r->err, "%s%s", i > 0 ? "\n" : "", strings[i] != NULL ? strings[i] : "");
    if (code == NC_NOERR) nc_free_string(count, strings);
    free(strings);
    attr->text = text.bytes; /* the buffer's bytes move to the attribute, also when something failed */
    return status;
}

static enum e5_status read_numbers(struct reader *r, int var, nc_type type, size_t count, struct e5_ncattr *attr) {
    if (count > NUMBERS_MAX) return too_much(r, "an attribute of more than 65536 numbers");
    enum e5_status status = e5_alloc(count, sizeof *attr->number, &attr->number, r->err);
    if (status == E5_OK)
        status = check(r, nc_get_att_double(r->id, var, attr->name, attr->number), "read an attribute");
    attr->integer = type != NC_FLOAT && type != NC_DOUBLE;
    return status;
}

static enum e5_status read_attr(struct reader *r, int var, int index, struct e5_ncattr *attr) {
    char name[NC_MAX_NAME + 1] = "";
    nc_type type = NC_NAT;
    size_t count = 0;
    enum e5_status status = check(r, nc_inq_attname(r->id, var, index, name), "read an attribute's name");
    if (status == E5_OK) status = check(r, nc_inq_att(r->id, var, name, &type, &count), "read an attribute");
    if (status == E5_OK) status = e5_strdup(name, &attr->name, r->err);
    if (status != E5_OK) return status;
    attr->count = count;
    r->bytes += count * 8 + sizeof *attr;
    if (count > TEXT_MAX || r->bytes > HEADER_MAX) return too_much(r, "attributes of more than 64 MiB");
    if (type == NC_CHAR) return read_text(r, var, count, attr);
    if (type == NC_STRING) return read_strings(r, var, count, attr);
    if (type > NC_NAT && type < NC_STRING) return read_numbers(r, var, type, count, attr);
    attr->count = 0; /* a user-defined type: the name is kept, the value is nothing we could use */
    return E5_OK;
}

static enum e5_status read_attrs(struct reader *r, int var, int count, struct e5_ncattr **out, size_t *out_count) {
    if (count < 0 || count > ATTRS_MAX) return too_much(r, "more than 1024 attributes");
    enum e5_status status = e5_alloc((size_t)count, sizeof **out, out, r->err);
    for (int i = 0; i < count && status == E5_OK; i++) {
        *out_count = (size_t)i + 1;
        status = read_attr(r, var, i, &(*out)[i]);
    }
    return status;
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

/* An attribute about stored values, as such a value: rounded to float32 or read as unsigned, like the data. */
static double as_stored(const struct e5_ncvar *var, double x) {
    bool is_unsigned = var->dtype == E5_U8 || var->dtype == E5_U16 || var->dtype == E5_U32 || var->dtype == E5_U64;
    if (var->dtype == E5_F32) return (double)(float)x;
    if (is_unsigned && x < 0) return x + ldexp(1, 8 * (int)e5_dtype_size(var->dtype));
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

static void read_packing(struct e5_ncvar *var) {
    struct e5_packing *p = &var->packing;
    const struct e5_ncattr *sign = e5_ncattr_find(var, "_Unsigned");
    if (sign != NULL && sign->text != NULL && strcmp(sign->text, "true") == 0) var->dtype = unsigned_twin(var->dtype);
    *p = E5_PACKING_NONE;
    take_scale(var, "scale_factor", &p->scale);
    take_scale(var, "add_offset", &p->offset);
    take_stored(var, "_FillValue", 0, &p->fill);
    take_stored(var, "missing_value", 0, &p->missing);
    take_limit(var, "valid_min", 0, &p->valid_min);
    take_limit(var, "valid_max", 0, &p->valid_max);
    take_limit(var, "valid_range", 0, &p->valid_min);
    take_limit(var, "valid_range", 1, &p->valid_max);
}

/* --- variables and dimensions --- */

static bool known_type(nc_type type, struct e5_ncvar *var) {
    static const enum e5_dtype dtypes[] = {
        [NC_BYTE] = E5_I8,  [NC_SHORT] = E5_I16,  [NC_INT] = E5_I32,  [NC_FLOAT] = E5_F32, [NC_DOUBLE] = E5_F64,
        [NC_UBYTE] = E5_U8, [NC_USHORT] = E5_U16, [NC_UINT] = E5_U32, [NC_INT64] = E5_I64, [NC_UINT64] = E5_U64,
    };
    var->is_text = type == NC_CHAR || type == NC_STRING;
    if (var->is_text) var->dtype = E5_U8;
    if (var->is_text || type <= NC_NAT || type > NC_UINT64) return var->is_text;
    var->dtype = dtypes[type];
    return true;
}

static int dim_index(const struct reader *r, int id) {
    for (size_t i = 0; i < r->file->ndim; i++)
        if (r->dim_id[i] == id) return (int)i;
    return -1;
}

static enum e5_status read_shape(struct reader *r, const struct e5_ncvar *var, struct e5_map *map) {
    int storage = NC_CONTIGUOUS;
    size_t chunk[E5_MAX_DIMS] = {0};
    enum e5_status status = E5_OK;
    map->ndim = var->ndim > 0 ? var->ndim : 1;
    map->dim[0] = 1;
    map->element = e5_dtype_size(var->dtype);
    for (int d = 0; d < var->ndim; d++) map->dim[d] = r->file->dim[var->dim[d]].length;
    if (r->layout->probe.container == E5_HDF5)
        status = check(r, nc_inq_var_chunking(r->id, var->id, &storage, chunk), "read a chunk shape");
    map->chunked = status == E5_OK && storage == NC_CHUNKED && var->ndim > 0;
    for (int d = 0; d < map->ndim && map->chunked; d++) {
        if (chunk[d] == 0) return e5_probe_fail(r->err, E5_CORRUPT, r->file->path, "", "chunks of no size");
        map->chunk[d] = chunk[d];
    }
    return status;
}

/* Adds the variable to the tables, unless they cannot hold it. */
static enum e5_status read_var(struct reader *r, int id) {
    char name[NC_MAX_NAME + 1] = "";
    int ndim = 0, natts = 0, dims[NC_MAX_VAR_DIMS];
    nc_type type = NC_NAT;
    struct e5_ncvar *var = &r->file->var[r->file->nvar];
    enum e5_status status = check(r, nc_inq_var(r->id, id, name, &type, &ndim, NULL, &natts), "read a variable");
    if (status != E5_OK) return status;
    *var = (struct e5_ncvar){.id = id, .ndim = ndim};
    if (ndim > E5_MAX_DIMS || !known_type(type, var)) {
        e5_log(E5_LOG_WARNING, "%s: variable %s left out: its type or number of dimensions is not supported",
               r->file->path, name);
        return E5_OK;
    }
    status = check(r, nc_inq_vardimid(r->id, id, dims), "read a variable's dimensions");
    for (int d = 0; d < ndim && status == E5_OK; d++) {
        var->dim[d] = dim_index(r, dims[d]);
        if (var->dim[d] < 0) status = e5_probe_fail(r->err, E5_CORRUPT, r->file->path, "", "unknown dimension");
    }
    if (status == E5_OK) status = e5_strdup(name, &var->name, r->err);
    if (status != E5_OK) return status;
    r->file->nvar++;
    status = read_attrs(r, id, natts, &var->attr, &var->nattr);
    if (status == E5_OK && !var->is_text) read_packing(var);
    return status == E5_OK ? read_shape(r, var, &r->layout->map[r->file->nvar - 1]) : status;
}

static enum e5_status read_vars(struct reader *r) {
    int count = 0;
    enum e5_status status = check(r, nc_inq_nvars(r->id, &count), "count variables");
    if (status != E5_OK) return status;
    if (count < 0 || count > VARS_MAX) return too_much(r, "more than 4096 variables");
    status = e5_alloc((size_t)count, sizeof *r->file->var, &r->file->var, r->err);
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *r->layout->map, &r->layout->map, r->err);
    if (status == E5_OK) r->layout->count = (size_t)count;
    for (int id = 0; id < count && status == E5_OK; id++) status = read_var(r, id);
    return status;
}

static enum e5_status read_dims(struct reader *r) {
    int count = 0;
    struct e5_ncfile *file = r->file;
    enum e5_status status = check(r, nc_inq_ndims(r->id, &count), "count dimensions");
    if (status != E5_OK) return status;
    if (count < 0 || count > DIMS_MAX) return too_much(r, "more than 1024 dimensions");
    status = check(r, nc_inq_dimids(r->id, &count, r->dim_id, 0), "list dimensions");
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *file->dim, &file->dim, r->err);
    for (int i = 0; i < count && status == E5_OK; i++) {
        char name[NC_MAX_NAME + 1] = "";
        struct e5_ncdim *dim = &file->dim[file->ndim];
        status = check(r, nc_inq_dim(r->id, r->dim_id[i], name, &dim->length), "read a dimension");
        if (status == E5_OK) status = e5_strdup(name, &dim->name, r->err);
        if (status == E5_OK) file->ndim++;
    }
    return status;
}

static enum e5_status read_all(struct reader *r) {
    int count = 0;
    enum e5_status status = read_dims(r);
    if (status == E5_OK) status = read_vars(r);
    if (status == E5_OK) status = check(r, nc_inq_natts(r->id, &count), "count attributes");
    if (status == E5_OK) status = read_attrs(r, NC_GLOBAL, count, &r->file->attr, &r->file->nattr);
    return status;
}

/* netcdf-c cannot say "somebody is writing to it"; the lock that HDF5 stumbled over can. */
static bool is_locked(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return false;
    bool locked = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor); /* gives our lock back */
    return locked;
}

enum e5_status e5_header_read(struct e5_ncfile *file, struct e5_error *err) {
    struct reader r = {.file = file, .layout = file->layout, .err = err};
    e5_gate_enter();
    int code = nc_open(file->path, NC_NOWRITE, &r.id);
    enum e5_status status = E5_OK;
    if (code == NC_EHDFERR && is_locked(file->path))
        status = e5_probe_fail(err, E5_TARGET_BUSY, file->path, "wait until it is closed",
                               "another program has it open for writing");
    else
        status = check(&r, code, "open");
    if (status == E5_OK) {
        status = read_all(&r);
        nc_close(r.id);
    }
    e5_gate_leave();
    return status;
}

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
