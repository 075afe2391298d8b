#include "io/texts.h"

#include <netcdf.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/chunks.h"
#include "io/gate.h"

struct texts {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    size_t count, length; /* characters of each text where the file holds characters, else 0 */
    char *out;
};

static void copy(char *out, const char *text, size_t length) {
    size_t size = strnlen(text, length < E5_TEXT_SIZE ? length : E5_TEXT_SIZE - 1);
    memcpy(out, text, size);
}

/* One call for all strings; the library's copies live until nc_free_string(). */
static enum e5_status get_strings(const struct texts *t, int id, struct e5_error *err) {
    char **strings;
    enum e5_status status = e5_alloc(t->count, sizeof *strings, &strings, err);
    if (status != E5_OK) return status;
    int code = nc_get_var_string(id, t->var->id, strings);
    for (size_t i = 0; code == NC_NOERR && i < t->count; i++)
        if (strings[i] != NULL) copy(t->out + i * E5_TEXT_SIZE, strings[i], SIZE_MAX);
    if (code == NC_NOERR) nc_free_string(t->count, strings);
    free(strings);
    return code == NC_NOERR ? E5_OK : e5_header_fail(err, code, t->file->path, t->var->name);
}

static enum e5_status get_characters(const struct texts *t, int id, struct e5_error *err) {
    char *all;
    enum e5_status status = e5_alloc(t->count, t->length, &all, err);
    if (status != E5_OK) return status;
    int code = nc_get_var_text(id, t->var->id, all);
    for (size_t i = 0; code == NC_NOERR && i < t->count; i++)
        copy(t->out + i * E5_TEXT_SIZE, all + i * t->length, t->length);
    free(all);
    return code == NC_NOERR ? E5_OK : e5_header_fail(err, code, t->file->path, t->var->name);
}

static enum e5_status measure(struct texts *t, nc_type type, struct e5_error *err) {
    int outer = type == NC_CHAR && t->var->ndim > 0 ? t->var->ndim - 1 : t->var->ndim;
    size_t bytes = 0;
    t->count = 1;
    for (int d = 0; d < outer; d++)
        if (e5_multiply(t->count, t->file->dim[t->var->dim[d]].length, &t->count, err) != E5_OK) return err->status;
    t->length = type != NC_CHAR ? 0 : outer < t->var->ndim ? t->file->dim[t->var->dim[outer]].length : 1;
    enum e5_status status = e5_multiply(t->count, t->length + 1, &bytes, err);
    if (status == E5_OK && (t->count > E5_TEXTS_MAX || bytes > E5_TEXTS_MAX * E5_TEXT_SIZE))
        status = e5_probe_fail(err, E5_UNSAFE, t->file->path, "do not trust this file",
                               "variable '%s' claims %zu texts", t->var->name, t->count);
    return status != E5_OK ? status : e5_alloc(t->count, E5_TEXT_SIZE, &t->out, err);
}

static enum e5_status get(struct texts *t, struct e5_error *err) {
    int id;
    nc_type type = NC_NAT;
    int code = nc_open(t->file->path, NC_NOWRITE, &id);
    if (code != NC_NOERR) return e5_header_fail(err, code, t->file->path, "open");
    code = nc_inq_vartype(id, t->var->id, &type);
    enum e5_status status =
        code == NC_NOERR ? measure(t, type, err) : e5_header_fail(err, code, t->file->path, t->var->name);
    if (status == E5_OK && t->count > 0)
        status = type == NC_CHAR ? get_characters(t, id, err) : get_strings(t, id, err);
    nc_close(id);
    return status;
}

enum e5_status e5_texts_read(const struct e5_ncfile *file, const struct e5_ncvar *var, char **out, size_t *count,
                             struct e5_error *err) {
    const struct e5_layout *layout = file->layout;
    struct texts t = {.file = file, .var = var};
    int descriptor = -1;
    enum e5_status status = e5_probe_reopen(file->path, &layout->probe, &descriptor, err);
    if (status != E5_OK) return status;
    e5_gate_enter();
    status = get(&t, err);
    e5_gate_leave();
    if (status == E5_OK) status = e5_probe_unchanged(file->path, &layout->probe, descriptor, err);
    close(descriptor);
    if (status != E5_OK) {
        free(t.out);
        return status;
    }
    *out = t.out;
    *count = t.count;
    return E5_OK;
}
