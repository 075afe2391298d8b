#include "io/join.h"

#include <ctype.h>
#include <netcdf.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/join_set.h"
#include "io/library.h"

/* --- the set --- */

enum e5_status e5_join_new(struct e5_join **out, struct e5_error *err) { return e5_alloc(1, sizeof **out, out, err); }

size_t e5_join_count(const struct e5_join *join) { return join->count; }

/* Back to what was there before a file was tried. */
static void cut(struct e5_join *join, size_t files, size_t rows) {
    for (size_t i = rows; i < join->row_count; i++) free(join->rows[i].name);
    for (size_t i = files; i < join->count; i++) {
        e5_ncfile_close(join->files[i].file);
        free(join->files[i].expver);
    }
    join->row_count = rows;
    join->count = files;
}

void e5_join_free(struct e5_join *join) {
    if (join == NULL) return;
    cut(join, 0, 0);
    free(join->rows);
    free(join->files);
    free(join);
}

static enum e5_status grow(size_t count, size_t *capacity, size_t size, void *array, struct e5_error *err) {
    if (count < *capacity) return E5_OK;
    size_t more = *capacity * 2 + 8;
    enum e5_status status = e5_grow(*capacity, more, size, array, err);
    if (status == E5_OK) *capacity = more;
    return status;
}

static enum e5_status add_file(struct e5_join *join, const char *path, struct e5_error *err) {
    enum e5_status status = grow(join->count, &join->file_capacity, sizeof *join->files, &join->files, err);
    if (status != E5_OK) return status;
    struct e5_join_file *file = &join->files[join->count];
    *file = (struct e5_join_file){0};
    status = e5_ncfile_open(path, NULL, &file->file, err);
    if (status == E5_OK) join->count++;
    return status;
}

static enum e5_status add_row(struct e5_join *join, const struct e5_ncvar *var, const char *name,
                              struct e5_error *err) {
    enum e5_status status = grow(join->row_count, &join->row_capacity, sizeof *join->rows, &join->rows, err);
    struct e5_join_row row = {.file = join->count - 1, .var = var};
    if (status == E5_OK) status = e5_strdup(name, &row.name, err);
    if (status == E5_OK) join->rows[join->row_count++] = row;
    return status;
}

static const struct e5_join_row *find_row(const struct e5_join *join, const char *name) {
    for (size_t i = 0; i < join->row_count; i++)
        if (strcmp(join->rows[i].name, name) == 0) return &join->rows[i];
    return NULL;
}

/* --- may it be joined at all? --- */

/* Groups, types of its own, variables that our tables leave out: a copy would lack them. */
static enum e5_status ask_plain(const struct e5_ncfile *file, bool *plain, struct e5_error *err) {
    int id, format = 0, groups = 0, types = 0, vars = 0;
    enum e5_status status = e5_library_admit(file, err);
    if (status != E5_OK) return status;
    e5_gate_enter();
    int code = nc_open(file->path, NC_NOWRITE, &id);
    if (code == NC_NOERR) {
        code = nc_inq_format(id, &format);
        if (code == NC_NOERR) code = nc_inq_nvars(id, &vars);
        if (code == NC_NOERR && format == NC_FORMAT_NETCDF4) code = nc_inq_grps(id, &groups, NULL);
        if (code == NC_NOERR && format == NC_FORMAT_NETCDF4) code = nc_inq_typeids(id, &types, NULL);
        nc_close(id);
    }
    e5_gate_leave();
    *plain = format == NC_FORMAT_NETCDF4 && groups == 0 && types == 0 && (size_t)vars == file->nvar;
    return code == NC_NOERR ? E5_OK : e5_header_fail(err, code, file->path, "look at");
}

static bool is_dimension(const struct e5_ncfile *file, const char *name) {
    for (size_t i = 0; i < file->ndim; i++)
        if (strcmp(file->dim[i].name, name) == 0) return true;
    return false;
}

static bool same_dimensions(const struct e5_ncfile *a, const struct e5_ncfile *b) {
    for (size_t i = 0; i < a->ndim; i++) {
        bool found = false;
        for (size_t k = 0; k < b->ndim && !found; k++)
            found = a->dim[i].length == b->dim[k].length && strcmp(a->dim[i].name, b->dim[k].name) == 0;
        if (!found) return false;
    }
    return a->ndim == b->ndim;
}

/* --- is a variable of both the same? --- */

static bool same_attribute(const struct e5_ncvar *a, const struct e5_ncvar *b, const char *name) {
    const struct e5_ncattr *x = e5_ncattr_find(a, name), *y = e5_ncattr_find(b, name);
    if (x == NULL || y == NULL) return x == y;
    if (x->text != NULL && y->text != NULL) return strcmp(x->text, y->text) == 0;
    return x->number != NULL && y->number != NULL && x->count == y->count &&
           memcmp(x->number, y->number, x->count * sizeof *x->number) == 0;
}

static bool same_kind(const struct e5_ncfile *file_a, const struct e5_ncvar *a, const struct e5_ncfile *file_b,
                      const struct e5_ncvar *b) {
    static const char *const names[] = {"units", "calendar", "scale_factor", "add_offset"};
    if (a->ndim != b->ndim || a->ndim > 1 || a->is_text != b->is_text) return false;
    if (!a->is_text && a->dtype != b->dtype) return false;
    if (a->ndim == 1 && strcmp(file_a->dim[a->dim[0]].name, file_b->dim[b->dim[0]].name) != 0) return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!same_attribute(a, b, names[i])) return false;
    return true;
}

struct side { /* of a comparison */
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    int id;
    void *bytes;
};

static enum e5_status open_side(struct side *side, struct e5_error *err) {
    e5_gate_enter();
    int code = nc_open(side->file->path, NC_NOWRITE, &side->id);
    e5_gate_leave();
    return code == NC_NOERR ? E5_OK : e5_header_fail(err, code, side->file->path, "open");
}

static void close_side(struct side *side) {
    e5_gate_enter();
    if (side->id >= 0) nc_close(side->id);
    e5_gate_leave();
    free(side->bytes);
}

static bool same_texts(char *const *a, char *const *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i] != NULL ? a[i] : "", b[i] != NULL ? b[i] : "") != 0) return false;
    return true;
}

static enum e5_status compare_block(struct side sides[2], nc_type type, size_t element, const struct e5_block *block,
                                    bool *same, struct e5_error *err) {
    size_t n = e5_block_elements(block);
    int codes[2];
    e5_gate_enter();
    for (int i = 0; i < 2; i++)
        codes[i] = nc_get_vara(sides[i].id, sides[i].var->id, block->start, block->count, sides[i].bytes);
    bool read = codes[0] == NC_NOERR && codes[1] == NC_NOERR;
    if (read && type == NC_STRING)
        *same = same_texts(sides[0].bytes, sides[1].bytes, n);
    else if (read)
        *same = memcmp(sides[0].bytes, sides[1].bytes, n * element) == 0;
    for (int i = 0; i < 2; i++)
        if (codes[i] == NC_NOERR && type == NC_STRING) nc_free_string(n, sides[i].bytes);
    e5_gate_leave();
    int bad = codes[0] != NC_NOERR ? 0 : 1;
    return read ? E5_OK : e5_header_fail(err, codes[bad], sides[bad].file->path, sides[bad].var->name);
}

static enum e5_status compare_blocks(struct side sides[2], bool *same, struct e5_watch *watch, struct e5_error *err) {
    nc_type types[2] = {NC_NAT, NC_NAT};
    size_t element = 0, length = sides[0].var->ndim == 1 ? sides[0].file->dim[sides[0].var->dim[0]].length : 1;
    e5_gate_enter();
    for (int i = 0; i < 2; i++) nc_inq_vartype(sides[i].id, sides[i].var->id, &types[i]);
    nc_inq_type(sides[0].id, types[0], NULL, &element);
    e5_gate_leave();
    *same = types[0] == types[1] && element > 0;
    if (!*same || length == 0) return E5_OK;
    struct e5_block block;
    e5_block_first(&block, sides[0].var->ndim, &length, NULL, element);
    enum e5_status status = e5_block_check(&block, element, sides[0].file, sides[0].var, err);
    for (int i = 0; i < 2 && status == E5_OK; i++) status = e5_alloc(block.most, element, &sides[i].bytes, err);
    for (bool more = true; more && *same && status == E5_OK; more = e5_block_next(&block)) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = compare_block(sides, types[0], element, &block, same, err);
    }
    return status;
}

static enum e5_status compare(const struct e5_join *join, const struct e5_join_row *row, const struct e5_ncvar *var,
                              bool *same, struct e5_watch *watch, struct e5_error *err) {
    struct side sides[2] = {{.file = join->files[row->file].file, .var = row->var, .id = -1},
                            {.file = join->files[join->count - 1].file, .var = var, .id = -1}};
    *same = same_kind(sides[0].file, sides[0].var, sides[1].file, sides[1].var);
    if (!*same) return E5_OK;
    enum e5_status status = open_side(&sides[0], err);
    if (status == E5_OK) status = open_side(&sides[1], err);
    if (status == E5_OK) status = compare_blocks(sides, same, watch, err);
    close_side(&sides[0]);
    close_side(&sides[1]);
    return status;
}

/* --- expver --- */

/* "accum" and the like, of the first variable that says so. */
static void step_type(const struct e5_ncfile *file, char out[16]) {
    out[0] = '\0';
    for (size_t i = 0; i < file->nvar && out[0] == '\0'; i++) {
        const struct e5_ncattr *attr = e5_ncattr_find(&file->var[i], "GRIB_stepType");
        if (attr != NULL && attr->text != NULL && strlen(attr->text) < 16) strcpy(out, attr->text);
    }
    for (const char *c = out; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c)) out[0] = '\0';
}

/* The first name that is free, or whose values are the same. */
static enum e5_status place_expver(struct e5_join *join, const struct e5_ncvar *var, struct e5_watch *watch,
                                   struct e5_error *err) {
    struct e5_join_file *file = &join->files[join->count - 1];
    char step[16], name[40];
    enum e5_status status = E5_OK;
    step_type(file->file, step);
    for (size_t n = step[0] != '\0' ? 1 : 2; status == E5_OK; n++) {
        if (n == 1)
            snprintf(name, sizeof name, E5_EXPVER "_%s", step);
        else
            snprintf(name, sizeof name, E5_EXPVER "_%zu", n);
        const struct e5_join_row *row = find_row(join, name);
        bool same = false;
        if (row != NULL) status = compare(join, row, var, &same, watch, err);
        if (status == E5_OK && row == NULL) status = add_row(join, var, name, err);
        if (row == NULL || same) break;
    }
    return status == E5_OK ? e5_strdup(name, &file->expver, err) : status;
}

/* --- adding --- */

static enum e5_status add_variable(struct e5_join *join, const struct e5_ncvar *var, bool *fits,
                                   struct e5_watch *watch, struct e5_error *err) {
    const struct e5_ncfile *file = join->files[join->count - 1].file;
    const struct e5_join_row *row = find_row(join, var->name);
    bool same = false;
    if (row == NULL) return add_row(join, var, var->name, err);
    enum e5_status status = compare(join, row, var, &same, watch, err);
    if (status != E5_OK || same) return status;
    if (strcmp(var->name, E5_EXPVER) == 0 && !is_dimension(file, E5_EXPVER))
        return place_expver(join, var, watch, err);
    *fits = false;
    return E5_OK;
}

static enum e5_status try_file(struct e5_join *join, bool *fits, struct e5_watch *watch, struct e5_error *err) {
    const struct e5_ncfile *file = join->files[join->count - 1].file;
    bool first = join->count == 1, plain = true;
    enum e5_status status = E5_OK;
    if (join->count == 2) status = ask_plain(join->files[0].file, &plain, err);
    if (status == E5_OK && plain && !first) status = ask_plain(file, &plain, err);
    *fits = first || (plain && same_dimensions(join->files[0].file, file));
    for (size_t i = 0; i < file->nvar && *fits && status == E5_OK; i++)
        status = add_variable(join, &file->var[i], fits, watch, err);
    return status;
}

enum e5_status e5_join_add(struct e5_join *join, const char *path, bool *fits, struct e5_watch *watch,
                           struct e5_error *err) {
    size_t files = join->count, rows = join->row_count;
    *fits = false;
    enum e5_status status = add_file(join, path, err);
    if (status == E5_OK) status = try_file(join, fits, watch, err);
    if (status != E5_OK || !*fits) cut(join, files, rows);
    return status;
}
