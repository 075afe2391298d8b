#include <errno.h>
#include <netcdf.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "io/chunk_copy.h"
#include "io/gate.h"
#include "io/join_set.h"

#define BLOCK_BYTES ((size_t)4 << 20)
#define CLAIM_RATIO 1100
#define DIMS_MAX 1024

/* --- blocks --- */

size_t e5_block_elements(const struct e5_block *block) {
    size_t n = 1;
    for (int d = 0; d < block->ndim; d++) n *= block->count[d];
    return n;
}

static void set_counts(struct e5_block *block) {
    for (int d = 0; d < block->ndim; d++) {
        size_t left = block->dim[d] - block->start[d];
        block->count[d] = left < block->limit[d] ? left : block->limit[d];
    }
}

/* From the last dimension on, as much as there is room for. */
void e5_block_first(struct e5_block *block, int ndim, const size_t *dim, const size_t *chunk, size_t element) {
    *block = (struct e5_block){.ndim = ndim, .most = 1};
    for (int d = ndim - 1; d >= 0; d--) {
        size_t unit = chunk != NULL ? chunk[d] : 1, room = BLOCK_BYTES / element / block->most / unit * unit;
        size_t limit = room > unit ? room : unit;
        block->dim[d] = dim[d];
        block->limit[d] = limit < dim[d] ? limit : dim[d];
        if (block->limit[d] > 1 && __builtin_mul_overflow(block->most, block->limit[d], &block->most))
            block->most = SIZE_MAX;
    }
    set_counts(block);
}

/* Deflate cannot make more than some thousand bytes of one: what claims more would fill the disk with nothing. */
enum e5_status e5_block_check(const struct e5_block *block, size_t element, const struct e5_ncfile *file,
                              const struct e5_ncvar *var, struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    size_t bytes = element;
    bool huge = block->most > E5_CHUNK_MAX / element;
    for (int d = 0; d < block->ndim; d++) huge = __builtin_mul_overflow(bytes, block->dim[d], &bytes) || huge;
    if (!huge && bytes / CLAIM_RATIO <= layout->probe.size) return E5_OK;
    return e5_probe_fail(err, E5_UNSAFE, file->path, "do not trust this file",
                         "variable %.60s claims to be larger than its file can hold", var->name);
}

bool e5_block_next(struct e5_block *block) {
    for (int d = block->ndim - 1; d >= 0; d--) {
        block->start[d] += block->count[d];
        if (block->start[d] < block->dim[d]) {
            set_counts(block);
            return true;
        }
        block->start[d] = 0;
    }
    return false;
}

/* --- the header --- */

struct writer {
    const struct e5_join *join;
    const char *target;
    int id; /* of the target in netcdf-c, −1: not open */
    struct e5_watch *watch;
    struct e5_error *err;
};

static enum e5_status check(const struct writer *w, int code, const char *path, const char *doing) {
    return code == NC_NOERR ? E5_OK : e5_header_fail(w->err, code, path, doing);
}

/* The libraries hide why a write failed; the system call that failed last usually says it. */
static enum e5_status check_target(const struct writer *w, int code) {
    if (code == NC_NOERR) return E5_OK;
    if (code == NC_ENOMEM) return e5_fail(w->err, E5_MEMORY, "not enough memory to write %s", w->target);
    return e5_fail_errno(w->err, code > 0 ? code : errno != 0 ? errno : EIO, w->target, "cannot write");
}

static int copy_dimensions(int from, int to) {
    int count = 0, unlimited = 0, ids[DIMS_MAX], endless[DIMS_MAX], made;
    int code = nc_inq_dimids(from, &count, NULL, 0);
    if (code == NC_NOERR && count > DIMS_MAX) return NC_EMAXDIMS;
    if (code == NC_NOERR) code = nc_inq_dimids(from, &count, ids, 0);
    if (code == NC_NOERR) code = nc_inq_unlimdims(from, &unlimited, endless);
    for (int i = 0; i < count && code == NC_NOERR; i++) {
        char name[NC_MAX_NAME + 1];
        size_t length = 0;
        code = nc_inq_dim(from, ids[i], name, &length);
        for (int k = 0; k < unlimited; k++)
            if (endless[k] == ids[i]) length = NC_UNLIMITED;
        if (code == NC_NOERR) code = nc_def_dim(to, name, length, &made);
    }
    return code;
}

/* "number valid_time expver" with the name that the file's expver has in the result. */
static int put_coordinates(int to, int var, const char *text, const char *expver, struct e5_error *err) {
    struct e5_buffer out = {0};
    size_t length = strlen(E5_EXPVER);
    enum e5_status status = e5_buffer_append(&out, "", 0, err);
    while (*text != '\0' && status == E5_OK) {
        size_t word = strcspn(text, " "), gap = strspn(text + word, " ");
        bool is_it = word == length && memcmp(text, E5_EXPVER, length) == 0;
        status = e5_buffer_printf(&out, err, "%.*s%.*s", is_it ? (int)strlen(expver) : (int)word,
                                  is_it ? expver : text, (int)gap, text + word);
        text += word + gap;
    }
    int code = status == E5_OK ? nc_put_att_text(to, var, "coordinates", out.size, out.bytes) : NC_ENOMEM;
    e5_buffer_fini(&out);
    return code;
}

static int copy_attributes(int from, int from_var, int to, int to_var, const struct e5_join_file *file,
                           const struct e5_ncvar *var, struct e5_error *err) {
    int count = 0, code;
    code = from_var == NC_GLOBAL ? nc_inq_natts(from, &count) : nc_inq_varnatts(from, from_var, &count);
    for (int i = 0; i < count && code == NC_NOERR; i++) {
        char name[NC_MAX_NAME + 1];
        code = nc_inq_attname(from, from_var, i, name);
        if (code != NC_NOERR) break;
        bool is_it = var != NULL && file->expver != NULL && strcmp(name, "coordinates") == 0;
        const struct e5_ncattr *attr = is_it ? e5_ncattr_find(var, name) : NULL;
        if (attr != NULL && attr->text != NULL)
            code = put_coordinates(to, to_var, attr->text, file->expver, err);
        else
            code = nc_copy_att(from, from_var, name, to, to_var);
    }
    return code;
}

static int copy_filters(int from, int from_var, int to, int to_var) {
    int shuffle = 0, deflate = 0, level = 0, fletcher = 0;
    int code = nc_inq_var_deflate(from, from_var, &shuffle, &deflate, &level);
    if (code == NC_NOERR && (shuffle || deflate)) code = nc_def_var_deflate(to, to_var, shuffle, deflate, level);
    if (code == NC_NOERR) code = nc_inq_var_fletcher32(from, from_var, &fletcher);
    if (code == NC_NOERR && fletcher) code = nc_def_var_fletcher32(to, to_var, fletcher);
    return code;
}

static int copy_storage(int from, int from_var, nc_type type, int ndim, int to, int to_var) {
    size_t chunk[NC_MAX_VAR_DIMS], element = 0;
    int storage = NC_CONTIGUOUS, endian = NC_ENDIAN_NATIVE, no_fill = 0;
    int code = nc_inq_var_chunking(from, from_var, &storage, chunk);
    bool chunked = storage == NC_CHUNKED;
    if (code == NC_NOERR && ndim > 0 && chunked) code = nc_def_var_chunking(to, to_var, NC_CHUNKED, chunk);
    if (code == NC_NOERR && ndim > 0 && !chunked) code = nc_def_var_chunking(to, to_var, NC_CONTIGUOUS, NULL);
    if (code == NC_NOERR && chunked && type != NC_STRING) code = copy_filters(from, from_var, to, to_var);
    if (code == NC_NOERR) code = nc_inq_type(from, type, NULL, &element);
    if (code == NC_NOERR) code = nc_inq_var_endian(from, from_var, &endian);
    bool ordered = endian != NC_ENDIAN_NATIVE && element > 1 && type != NC_STRING;
    if (code == NC_NOERR && ordered) code = nc_def_var_endian(to, to_var, endian);
    if (code == NC_NOERR && type != NC_STRING) code = nc_inq_var_fill(from, from_var, &no_fill, NULL);
    return code == NC_NOERR && no_fill ? nc_def_var_fill(to, to_var, NC_NOFILL, NULL) : code;
}

static int define_row(struct writer *w, int from, const struct e5_join_row *row) {
    int ndim = 0, ids[NC_MAX_VAR_DIMS], made = -1, var = row->var->id;
    nc_type type = NC_NAT;
    int code = nc_inq_var(from, var, NULL, &type, &ndim, ids, NULL);
    for (int d = 0; d < ndim && code == NC_NOERR; d++) {
        char name[NC_MAX_NAME + 1];
        code = nc_inq_dimname(from, ids[d], name);
        if (code == NC_NOERR) code = nc_inq_dimid(w->id, name, &ids[d]);
    }
    if (code == NC_NOERR) code = nc_def_var(w->id, row->name, type, ndim, ids, &made);
    if (code == NC_NOERR) code = copy_storage(from, var, type, ndim, w->id, made);
    const struct e5_join_file *file = &w->join->files[row->file];
    return code == NC_NOERR ? copy_attributes(from, var, w->id, made, file, row->var, w->err) : code;
}

/* Under the gate: everything that one file adds to the header. */
static enum e5_status define_file(struct writer *w, size_t index) {
    const struct e5_join_file *file = &w->join->files[index];
    int from;
    int code = nc_open(file->file->path, NC_NOWRITE, &from);
    if (code != NC_NOERR) return check(w, code, file->file->path, "open");
    if (index == 0) code = copy_dimensions(from, w->id);
    if (index == 0 && code == NC_NOERR) code = copy_attributes(from, NC_GLOBAL, w->id, NC_GLOBAL, file, NULL, w->err);
    for (size_t i = 0; i < w->join->row_count && code == NC_NOERR; i++)
        if (w->join->rows[i].file == index) code = define_row(w, from, &w->join->rows[i]);
    nc_close(from);
    return check(w, code, file->file->path, "copy the header");
}

static enum e5_status open_target(struct writer *w, bool create) {
    int flags = NC_NETCDF4 | NC_NOCLOBBER;
    e5_gate_enter();
    errno = 0;
    int code = create ? nc_create(w->target, flags, &w->id) : nc_open(w->target, NC_WRITE, &w->id);
    if (code != NC_NOERR) w->id = -1;
    enum e5_status status = check_target(w, code);
    e5_gate_leave();
    return status;
}

static enum e5_status close_target(struct writer *w, enum e5_status status) {
    if (w->id < 0) return status;
    e5_gate_enter();
    errno = 0;
    int code = nc_close(w->id);
    if (status == E5_OK) status = check_target(w, code);
    e5_gate_leave();
    w->id = -1;
    return status;
}

static enum e5_status write_header(struct writer *w) {
    enum e5_status status = open_target(w, true);
    for (size_t i = 0; i < w->join->count && status == E5_OK; i++) {
        status = e5_watch_check(w->watch, w->err);
        if (status != E5_OK) break;
        e5_gate_enter();
        status = define_file(w, i);
        e5_gate_leave();
    }
    return close_target(w, status);
}

/* --- values through netcdf-c --- */

struct copy {
    const struct e5_ncfile *file;
    const struct e5_join_row *row;
    int from, from_var, to_var;
    nc_type type;
    size_t element;
    void *bytes;
};

static enum e5_status begin_copy(struct writer *w, struct copy *c) {
    e5_gate_enter();
    int code = nc_open(c->file->path, NC_NOWRITE, &c->from);
    if (code != NC_NOERR) c->from = -1;
    if (code == NC_NOERR) code = nc_inq_vartype(c->from, c->from_var, &c->type);
    if (code == NC_NOERR) code = nc_inq_type(c->from, c->type, NULL, &c->element);
    if (code == NC_NOERR) code = nc_inq_varid(w->id, c->row->name, &c->to_var);
    e5_gate_leave();
    return check(w, code, c->file->path, c->row->var->name);
}

static enum e5_status copy_block(struct writer *w, struct copy *c, const struct e5_block *block) {
    e5_gate_enter();
    int code = nc_get_vara(c->from, c->from_var, block->start, block->count, c->bytes);
    enum e5_status status = check(w, code, c->file->path, c->row->var->name);
    if (status == E5_OK) {
        errno = 0;
        code = nc_put_vara(w->id, c->to_var, block->start, block->count, c->bytes);
        status = check_target(w, code);
        if (c->type == NC_STRING) nc_free_string(e5_block_elements(block), c->bytes);
    }
    e5_gate_leave();
    return status;
}

static bool set_dims(const struct e5_ncfile *file, const struct e5_ncvar *var, size_t *dim) {
    bool any = true;
    for (int d = 0; d < var->ndim; d++) {
        dim[d] = file->dim[var->dim[d]].length;
        any = any && dim[d] > 0;
    }
    return any;
}

static enum e5_status copy_values(struct writer *w, struct copy *c, const struct e5_map *map) {
    size_t dim[E5_MAX_DIMS];
    const struct e5_ncvar *var = c->row->var;
    struct e5_block block;
    enum e5_status status = begin_copy(w, c);
    if (status != E5_OK || !set_dims(c->file, var, dim)) return status;
    e5_block_first(&block, var->ndim, dim, map->chunked ? map->chunk : NULL, c->element);
    status = e5_block_check(&block, c->element, c->file, var, w->err);
    if (status == E5_OK) status = e5_alloc(block.most, c->element, &c->bytes, w->err);
    bool more = true;
    while (status == E5_OK && more) {
        status = e5_watch_check(w->watch, w->err);
        if (status == E5_OK) status = copy_block(w, c, &block);
        more = e5_block_next(&block);
    }
    return status;
}

static enum e5_status copy_by_library(struct writer *w, const struct e5_join_row *row, const struct e5_map *map) {
    struct copy c = {.file = w->join->files[row->file].file, .row = row, .from = -1, .from_var = row->var->id};
    enum e5_status status = copy_values(w, &c, map);
    e5_gate_enter();
    if (c.from >= 0) nc_close(c.from);
    e5_gate_leave();
    free(c.bytes);
    return status;
}

/* --- all values --- */

/* The map of the variable where its values are, and whether its chunks can go over as they are. */
static enum e5_status look(const struct writer *w, const struct e5_ncfile *made, const struct e5_join_row *row,
                           const struct e5_map **map, bool *direct) {
    const struct e5_ncvar *there = e5_ncfile_find(made, row->name);
    const struct e5_map *other = NULL;
    enum e5_status status = e5_layout_prepare(w->join->files[row->file].file, row->var, map, w->err);
    if (status == E5_OK && there != NULL) status = e5_layout_prepare(made, there, &other, w->err);
    *direct = status == E5_OK && other != NULL && e5_chunk_copy_fits(*map, other);
    return status;
}

/* First those that netcdf-c copies, while it has the target open, then the others. */
static enum e5_status write_rows(struct writer *w, const struct e5_ncfile *made, bool directly) {
    enum e5_status status = directly ? E5_OK : open_target(w, false);
    for (size_t i = 0; i < w->join->row_count && status == E5_OK; i++) {
        const struct e5_join_row *row = &w->join->rows[i];
        const struct e5_map *map = NULL;
        bool direct = false;
        status = look(w, made, row, &map, &direct);
        if (status != E5_OK || direct != directly) continue;
        const struct e5_ncfile *file = w->join->files[row->file].file;
        status =
            direct ? e5_chunk_copy(file, map, w->target, row->name, w->watch, w->err) : copy_by_library(w, row, map);
    }
    return close_target(w, status);
}

enum e5_status e5_join_write(const struct e5_join *join, const char *target, struct e5_watch *watch,
                             struct e5_error *err) {
    struct writer w = {.join = join, .target = target, .id = -1, .watch = watch, .err = err};
    struct e5_ncfile *made = NULL;
    enum e5_status status = write_header(&w);
    if (status == E5_OK) status = e5_ncfile_open(target, watch, &made, err);
    for (size_t i = 0; i < join->row_count && status == E5_OK; i++) { /* maps of the target, while it is unchanged */
        const struct e5_map *map;
        bool direct;
        status = look(&w, made, &join->rows[i], &map, &direct);
    }
    if (status == E5_OK) status = write_rows(&w, made, false);
    if (status == E5_OK) status = write_rows(&w, made, true);
    e5_ncfile_close(made);
    return status;
}
