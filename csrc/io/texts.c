#include "io/texts.h"

#include <netcdf.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/gate.h"
#include "io/h5.h"
#include "io/library.h"
#include "io/raw.h"

#define PLACE_SIZE 16 /* of what names a string of variable length: its length, its heap and its number there */

struct request {
    const struct e5_ncfile *file;
    const struct e5_ncvar *var;
    struct e5_texts *out;
};

static enum e5_status make_room(const struct request *r, struct e5_error *err) {
    size_t bytes = 0;
    enum e5_status status = e5_multiply(r->out->count, r->out->width, &bytes, err);
    if (status == E5_OK && (r->out->count > E5_TEXTS_MAX || bytes > E5_TEXTS_BYTES))
        status = e5_probe_fail(err, E5_UNSAFE, r->file->path, "do not trust this file",
                               "variable '%s' claims %zu texts", r->var->name, r->out->count);
    return status != E5_OK ? status : e5_alloc(r->out->count, r->out->width, &r->out->bytes, err);
}

/* --- through netcdf-c --- */

static enum e5_status copy_strings(const struct request *r, char *const *strings, struct e5_error *err) {
    struct e5_texts *out = r->out;
    out->width = 1;
    for (size_t i = 0; i < out->count; i++)
        if (strings[i] != NULL && strlen(strings[i]) >= out->width) out->width = strlen(strings[i]) + 1;
    enum e5_status status = make_room(r, err);
    for (size_t i = 0; i < out->count && status == E5_OK; i++)
        if (strings[i] != NULL) memcpy(out->bytes + i * out->width, strings[i], strlen(strings[i]));
    return status;
}

/* One call for all strings; the library's copies live until nc_free_string(). */
static enum e5_status get_strings(const struct request *r, int id, struct e5_error *err) {
    char **strings;
    enum e5_status status = e5_alloc(r->out->count, sizeof *strings, &strings, err);
    if (status != E5_OK) return status;
    int code = nc_get_var_string(id, r->var->id, strings);
    if (code == NC_NOERR) {
        status = copy_strings(r, strings, err);
        nc_free_string(r->out->count, strings);
    } else {
        status = e5_header_fail(err, code, r->file->path, r->var->name);
    }
    free(strings);
    return status;
}

static enum e5_status get_characters(const struct request *r, int id, struct e5_error *err) {
    struct e5_texts *out = r->out;
    size_t length = out->width - 1;
    enum e5_status status = make_room(r, err);
    int code = status == E5_OK && length > 0 ? nc_get_var_text(id, r->var->id, out->bytes) : NC_NOERR;
    for (size_t i = out->count; i-- > 0 && status == E5_OK;) { /* from the end, to make room for the NULs in place */
        memmove(out->bytes + i * out->width, out->bytes + i * length, length);
        out->bytes[i * out->width + length] = '\0';
    }
    return code == NC_NOERR ? status : e5_header_fail(err, code, r->file->path, r->var->name);
}

static enum e5_status measure(const struct request *r, struct e5_error *err) {
    const struct e5_ncvar *var = r->var;
    int outer = !var->is_string && var->ndim > 0 ? var->ndim - 1 : var->ndim;
    enum e5_status status = E5_OK;
    *r->out = (struct e5_texts){.count = 1, .width = 2};
    for (int d = 0; d < outer && status == E5_OK; d++)
        status = e5_multiply(r->out->count, r->file->dim[var->dim[d]].length, &r->out->count, err);
    if (outer < var->ndim && r->out->count > 0) r->out->width = r->file->dim[var->dim[outer]].length + 1;
    if (status == E5_OK && r->out->count > E5_TEXTS_MAX) status = make_room(r, err); /* says no */
    return status;
}

static enum e5_status get(const struct request *r, struct e5_error *err) {
    int id;
    enum e5_status status = measure(r, err);
    if (status != E5_OK) return status;
    int code = nc_open(r->file->path, NC_NOWRITE, &id);
    if (code != NC_NOERR) return e5_header_fail(err, code, r->file->path, "open");
    status = r->var->is_string ? get_strings(r, id, err) : get_characters(r, id, err);
    nc_close(id);
    return status;
}

static enum e5_status read_by_library(const struct request *r, struct e5_error *err) {
    const struct e5_layout *layout = r->file->layout;
    int descriptor = -1;
    enum e5_status status = e5_library_admit(r->file, err);
    if (status == E5_OK) status = e5_probe_reopen(r->file->path, &layout->probe, &descriptor, err);
    if (status != E5_OK) return status;
    e5_gate_enter();
    status = get(r, err);
    e5_gate_leave();
    if (status == E5_OK) status = e5_probe_unchanged(r->file->path, &layout->probe, descriptor, err);
    close(descriptor);
    return status;
}

/* --- directly --- */

static void spread_characters(const struct request *r, const uint8_t *from) {
    size_t length = r->out->width - 1;
    for (size_t i = 0; i < r->out->count; i++) memcpy(r->out->bytes + i * r->out->width, from + i * length, length);
}

struct found { /* texts one behind the other, and where each ends */
    struct e5_buffer bytes;
    size_t *end;
};

static enum e5_status follow(const struct request *r, const uint8_t *places, struct found *found,
                             struct e5_error *err) {
    const struct e5_layout *layout = r->file->layout;
    struct e5_h5 *h5 = NULL;
    enum e5_status status = e5_h5_open(r->file->path, &layout->probe, &h5, err);
    for (size_t i = 0; i < r->out->count && status == E5_OK; i++) {
        const uint8_t *bytes = NULL;
        size_t length = 0;
        status = e5_h5_heap_get(h5, places + i * PLACE_SIZE, 1, &bytes, &length, err);
        if (status == E5_OK) length = strnlen((const char *)bytes, length);
        if (status == E5_OK) status = e5_buffer_append(&found->bytes, bytes, length, err);
        found->end[i] = found->bytes.size;
        if (length >= r->out->width) r->out->width = length + 1;
    }
    e5_h5_close(h5);
    return status;
}

static enum e5_status read_strings(const struct request *r, const uint8_t *places, struct e5_error *err) {
    struct found found = {.bytes = {.ceiling = E5_TEXTS_BYTES}};
    r->out->width = 1;
    enum e5_status status = e5_alloc(r->out->count, sizeof *found.end, &found.end, err);
    if (status == E5_OK) status = follow(r, places, &found, err);
    if (status == E5_OK) status = make_room(r, err);
    for (size_t i = 0; i < r->out->count && status == E5_OK; i++) {
        size_t begin = i > 0 ? found.end[i - 1] : 0;
        if (found.end[i] > begin)
            memcpy(r->out->bytes + i * r->out->width, found.bytes.bytes + begin, found.end[i] - begin);
    }
    e5_buffer_fini(&found.bytes);
    free(found.end);
    return status;
}

/* Strings of one length, padded with NULs or not at all. */
static enum e5_status spread_strings(const struct request *r, const struct e5_map *map, const uint8_t *from,
                                     struct e5_error *err) {
    r->out->width = map->element + 1;
    enum e5_status status = make_room(r, err);
    for (size_t i = 0; i < r->out->count && status == E5_OK; i++) {
        const char *text = (const char *)from + i * map->element;
        memcpy(r->out->bytes + i * r->out->width, text, strnlen(text, map->element));
    }
    return status;
}

static enum e5_status read_directly(const struct request *r, const struct e5_map *map, struct e5_error *err) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum e5_status status = measure(r, err);
    if (status == E5_OK && !r->var->is_string) status = make_room(r, err);
    if (status == E5_OK) status = e5_raw_read(r->file, map, E5_TEXTS_BYTES, &bytes, &size, err);
    if (status == E5_OK && !r->var->is_string)
        spread_characters(r, bytes);
    else if (status == E5_OK)
        status = map->in_heap ? read_strings(r, bytes, err) : spread_strings(r, map, bytes, err);
    free(bytes);
    return status;
}

enum e5_status e5_texts_read(const struct e5_ncfile *file, const struct e5_ncvar *var, struct e5_texts *out,
                             struct e5_error *err) {
    struct request r = {.file = file, .var = var, .out = out};
    const struct e5_map *map = NULL;
    *out = (struct e5_texts){.count = 0};
    enum e5_status status = e5_layout_prepare(file, var, &map, err);
    if (status == E5_OK) status = map->way == E5_BY_LIBRARY ? read_by_library(&r, err) : read_directly(&r, map, err);
    if (status == E5_OK) return E5_OK;
    free(out->bytes);
    *out = (struct e5_texts){.count = 0};
    return status;
}
