#include "io/header.h"

#include <errno.h>
#include <netcdf.h>
#include <string.h>

#include "base/alloc.h"
#include "io/gate.h"

struct reader {
    struct e5_tables tables;
    struct e5_ncfile *file;
    int id;
    int *dim_id; /* netcdf-c's numbers of the dimensions */
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

static enum e5_status corrupt(struct reader *r, const char *what) {
    return e5_probe_fail(r->err, E5_CORRUPT, r->file->path, "", "%s", what);
}

/* --- types --- */

/* False for text and for types of the user's own. */
static bool number_type(nc_type type, enum e5_dtype *out) {
    static const enum e5_dtype dtypes[] = {
        [NC_BYTE] = E5_I8,  [NC_SHORT] = E5_I16,  [NC_INT] = E5_I32,  [NC_FLOAT] = E5_F32, [NC_DOUBLE] = E5_F64,
        [NC_UBYTE] = E5_U8, [NC_USHORT] = E5_U16, [NC_UINT] = E5_U32, [NC_INT64] = E5_I64, [NC_UINT64] = E5_U64,
    };
    if (type == NC_CHAR || type <= NC_NAT || type > NC_UINT64) return false;
    *out = dtypes[type];
    return true;
}

/* --- attributes --- */

static enum e5_status read_strings(struct reader *r, int var, struct e5_ncattr *attr) {
    char **strings = NULL;
    struct e5_buffer list = e5_tables_string_list();
    enum e5_status status = e5_alloc(attr->count, sizeof *strings, &strings, r->err);
    if (status != E5_OK) return status;
    int code = nc_get_att_string(r->id, var, attr->name, strings);
    status = check(r, code, "read an attribute");
    for (size_t i = 0; i < attr->count && status == E5_OK; i++) {
        const char *text = strings[i] != NULL ? strings[i] : "";
        status = e5_buffer_append(&list, text, strlen(text) + 1, r->err);
    }
    if (code == NC_NOERR) nc_free_string(attr->count, strings);
    free(strings);
    if (status == E5_OK) status = e5_tables_set_strings(&r->tables, attr, &list);
    e5_buffer_fini(&list);
    return status;
}

static enum e5_status read_values(struct reader *r, int var, nc_type type, struct e5_ncattr *attr) {
    enum e5_dtype dtype = E5_U8;
    bool text = !number_type(type, &dtype);
    void *bytes = NULL;
    enum e5_status status = e5_alloc(attr->count, e5_dtype_size(dtype), &bytes, r->err);
    if (status == E5_OK) status = check(r, nc_get_att(r->id, var, attr->name, bytes), "read an attribute");
    if (status == E5_OK)
        status = text ? e5_tables_set_characters(&r->tables, attr, bytes)
                      : e5_tables_set_numbers(&r->tables, attr, dtype, bytes, false);
    free(bytes);
    return status;
}

static enum e5_status read_attr(struct reader *r, int var, int index, struct e5_ncattr *attr) {
    char name[NC_MAX_NAME + 1] = "";
    nc_type type = NC_NAT;
    size_t count = 0;
    enum e5_status status = check(r, nc_inq_attname(r->id, var, index, name), "read an attribute's name");
    if (status == E5_OK) status = check(r, nc_inq_att(r->id, var, name, &type, &count), "read an attribute");
    if (status == E5_OK) status = e5_tables_set_attr(&r->tables, attr, name, count);
    if (status != E5_OK) return status;
    if (type == NC_STRING) return read_strings(r, var, attr);
    if (type > NC_NAT && type < NC_STRING) return read_values(r, var, type, attr);
    attr->count = 0; /* a user-defined type: the name is kept, the value is nothing we could use */
    return E5_OK;
}

static enum e5_status read_attrs(struct reader *r, int var, int count, struct e5_ncattr **out, size_t *out_count) {
    enum e5_status status = e5_tables_room_attrs(&r->tables, (size_t)count, out);
    for (int i = 0; i < count && status == E5_OK; i++) {
        *out_count = (size_t)i + 1;
        status = read_attr(r, var, i, &(*out)[i]);
    }
    return status;
}

/* --- variables --- */

static int dim_index(const struct reader *r, int id) {
    for (size_t i = 0; i < r->file->ndim; i++)
        if (r->dim_id[i] == id) return (int)i;
    return -1;
}

static enum e5_status read_storage(struct reader *r, struct e5_ncvar *var) {
    struct e5_ncstorage *storage = &var->storage;
    int how = NC_CONTIGUOUS, shuffle = 0, deflated = 0, checksum = NC_NOCHECKSUM;
    int code = nc_inq_var_chunking(r->id, var->id, &how, storage->chunk);
    if (code == NC_NOERR) code = nc_inq_var_deflate(r->id, var->id, &shuffle, &deflated, &storage->deflate_level);
    if (code == NC_NOERR) code = nc_inq_var_fletcher32(r->id, var->id, &checksum);
    storage->chunked = how == NC_CHUNKED && var->ndim > 0;
    storage->shuffle = shuffle != 0;
    storage->deflated = deflated != 0;
    storage->fletcher32 = checksum != NC_NOCHECKSUM;
    for (int d = 0; d < var->ndim && code == NC_NOERR; d++) {
        if (!storage->chunked) storage->chunk[d] = 0;
        if (storage->chunked && storage->chunk[d] == 0) return corrupt(r, "chunks of no size");
    }
    return check(r, code, "read how a variable is stored");
}

static enum e5_status read_type(struct reader *r, struct e5_ncvar *var, nc_type type) {
    int endian = NC_ENDIAN_BIG; /* as in netCDF-3 */
    enum e5_dtype stored = E5_U8;
    bool hdf5 = r->tables.layout->probe.container == E5_HDF5;
    if (!number_type(type, &stored)) {
        e5_tables_set_text(var, type == NC_STRING);
        return E5_OK;
    }
    enum e5_status status = hdf5 ? check(r, nc_inq_var_endian(r->id, var->id, &endian), "read a byte order") : E5_OK;
    e5_tables_set_type(var, stored, endian == NC_ENDIAN_BIG && e5_dtype_size(stored) > 1);
    return status;
}

/* Adds the variable to the tables, unless they cannot hold it. */
static enum e5_status read_var(struct reader *r, int id) {
    char name[NC_MAX_NAME + 1] = "";
    int ndim = 0, natts = 0, dims[NC_MAX_VAR_DIMS];
    nc_type type = NC_NAT;
    enum e5_dtype unused;
    struct e5_ncvar *var = NULL;
    enum e5_status status = check(r, nc_inq_var(r->id, id, name, &type, &ndim, NULL, &natts), "read a variable");
    if (status != E5_OK) return status;
    bool known = type == NC_CHAR || type == NC_STRING || number_type(type, &unused);
    status = e5_tables_add_var(&r->tables, name, (size_t)ndim, known, &var);
    if (status != E5_OK || var == NULL) return status;
    var->id = id;
    status = check(r, nc_inq_vardimid(r->id, id, dims), "read a variable's dimensions");
    for (int d = 0; d < ndim && status == E5_OK; d++) {
        var->dim[d] = dim_index(r, dims[d]);
        if (var->dim[d] < 0) status = corrupt(r, "unknown dimension");
    }
    if (status == E5_OK) status = read_type(r, var, type);
    if (status == E5_OK && r->tables.layout->probe.container == E5_HDF5) status = read_storage(r, var);
    if (status == E5_OK) status = read_attrs(r, id, natts, &var->attr, &var->nattr);
    if (status == E5_OK) e5_tables_finish_var(&r->tables, var);
    return status;
}

static enum e5_status read_vars(struct reader *r) {
    int count = 0;
    enum e5_status status = check(r, nc_inq_nvars(r->id, &count), "count variables");
    if (status == E5_OK) status = e5_tables_room_vars(&r->tables, (size_t)count);
    for (int id = 0; id < count && status == E5_OK; id++) status = read_var(r, id);
    return status;
}

/* --- dimensions --- */

static enum e5_status mark_unlimited(struct reader *r) {
    int count = 0, *ids = NULL;
    enum e5_status status = check(r, nc_inq_unlimdims(r->id, &count, NULL), "count unlimited dimensions");
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *ids, &ids, r->err);
    if (status == E5_OK) status = check(r, nc_inq_unlimdims(r->id, &count, ids), "list unlimited dimensions");
    for (int i = 0; i < count && status == E5_OK; i++) {
        int at = dim_index(r, ids[i]);
        if (at >= 0) r->file->dim[at].unlimited = true;
    }
    free(ids);
    return status;
}

static enum e5_status read_dims(struct reader *r) {
    int count = 0;
    enum e5_status status = check(r, nc_inq_ndims(r->id, &count), "count dimensions");
    if (status == E5_OK) status = e5_tables_room_dims(&r->tables, (size_t)count);
    if (status == E5_OK) status = e5_alloc((size_t)count, sizeof *r->dim_id, &r->dim_id, r->err);
    if (status == E5_OK) status = check(r, nc_inq_dimids(r->id, &count, r->dim_id, 0), "list dimensions");
    for (int i = 0; i < count && status == E5_OK; i++) {
        char name[NC_MAX_NAME + 1] = "";
        size_t length = 0;
        status = check(r, nc_inq_dim(r->id, r->dim_id[i], name, &length), "read a dimension");
        if (status == E5_OK) status = e5_tables_add_dim(&r->tables, name, length, false);
    }
    return status == E5_OK ? mark_unlimited(r) : status;
}

/* --- the file --- */

static enum e5_status read_format(struct reader *r) {
    static const enum e5_ncformat formats[] = {[NC_FORMAT_CLASSIC] = E5_CLASSIC,
                                               [NC_FORMAT_64BIT_OFFSET] = E5_64BIT_OFFSET,
                                               [NC_FORMAT_NETCDF4] = E5_NETCDF4,
                                               [NC_FORMAT_NETCDF4_CLASSIC] = E5_NETCDF4_CLASSIC,
                                               [NC_FORMAT_64BIT_DATA] = E5_64BIT_DATA};
    int format = 0;
    enum e5_status status = check(r, nc_inq_format(r->id, &format), "read the format");
    if (status == E5_OK && (format < NC_FORMAT_CLASSIC || format > NC_FORMAT_64BIT_DATA))
        return corrupt(r, "of a format that is not known");
    if (status == E5_OK) r->file->format = formats[format];
    return status;
}

static enum e5_status read_all(struct reader *r) {
    int count = 0;
    enum e5_status status = read_format(r);
    if (status == E5_OK) status = read_dims(r);
    if (status == E5_OK) status = read_vars(r);
    if (status == E5_OK) status = check(r, nc_inq_natts(r->id, &count), "count attributes");
    if (status == E5_OK) status = read_attrs(r, NC_GLOBAL, count, &r->file->attr, &r->file->nattr);
    free(r->dim_id);
    return status;
}

enum e5_status e5_header_read(struct e5_ncfile *file, struct e5_error *err) {
    struct reader r = {.tables = {.file = file, .layout = file->layout, .err = err}, .file = file, .err = err};
    e5_gate_enter();
    int code = nc_open(file->path, NC_NOWRITE, &r.id);
    enum e5_status status = check(&r, code, "open");
    if (status == E5_OK) {
        status = read_all(&r);
        nc_close(r.id);
    }
    e5_gate_leave();
    return status;
}
