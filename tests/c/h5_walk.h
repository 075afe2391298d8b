/* h5_walk: visit all that an HDF5 file holds, for tests that feed damaged ones.
 *
 * H5_PROMISE(condition) says what happens when something is handed out that must not be. */
#ifndef H5_WALK_H
#define H5_WALK_H

#include <stdlib.h>
#include <string.h>

#include "io/h5.h"

#ifndef H5_PROMISE
#error "say what a broken promise leads to: #define H5_PROMISE(condition)"
#endif

struct h5_walk {
    struct e5_h5 *h5;
    const struct e5_probe *probe;
    int objects; /* that may still be visited */
    size_t seen; /* attributes, links and chunks */
};

static inline bool h5_may_fail(enum e5_status status) {
    return status == E5_OK || status == E5_CORRUPT || status == E5_UNSAFE || status == E5_INPUT ||
           status == E5_MEMORY;
}

static inline enum e5_status h5_visit_texts(struct h5_walk *w, const struct e5_h5_attr *attr, struct e5_error *err) {
    bool points = attr->type.class == E5_H5_VARIABLE_TEXT || attr->type.class == E5_H5_REFERENCE_LIST;
    enum e5_status status = E5_OK;
    size_t width = attr->type.class == E5_H5_VARIABLE_TEXT ? 1 : 8;
    unsigned sum = 0;
    for (size_t i = 0; points && i < attr->count && i < 1000 && status == E5_OK; i++) {
        const uint8_t *bytes;
        size_t length;
        status = e5_h5_heap_get(w->h5, attr->bytes + i * attr->type.size, width, &bytes, &length, err);
        for (size_t k = 0; status == E5_OK && k < length; k++) sum += bytes[k];
    }
    w->seen += sum > 0;
    return status;
}

static inline enum e5_status h5_visit_chunks(struct h5_walk *w, const struct e5_h5_data *data, struct e5_error *err) {
    struct e5_chunk *chunk;
    size_t count;
    enum e5_status status = e5_h5_chunks(w->h5, data, &chunk, &count, err);
    H5_PROMISE(h5_may_fail(status) && (status == E5_OK || chunk == NULL));
    for (size_t i = 0; status == E5_OK && i < count; i++) {
        H5_PROMISE(i == 0 || chunk[i - 1].index < chunk[i].index);
        H5_PROMISE(chunk[i].size <= w->probe->size && chunk[i].address <= w->probe->size - chunk[i].size);
    }
    w->seen += status == E5_OK ? count : 0;
    free(chunk);
    return status;
}

static inline void h5_check_data(const struct h5_walk *w, const struct e5_h5_data *data) {
    H5_PROMISE(data->filters >= 0 && data->filters <= E5_H5_FILTERS && data->type.size > 0);
    if (data->layout == E5_H5_CONTIGUOUS && data->address != E5_NOWHERE && !data->external)
        H5_PROMISE(data->size <= w->probe->size && data->address <= w->probe->size - data->size);
    for (int d = 0; data->layout == E5_H5_CHUNKED && d < data->space.ndim && d < E5_MAX_DIMS; d++)
        H5_PROMISE(data->chunk[d] > 0);
}

static inline enum e5_status h5_visit_object(struct h5_walk *w, uint64_t address, struct e5_error *err);

static inline enum e5_status h5_visit_group(struct h5_walk *w, uint64_t address, struct e5_error *err) {
    struct e5_h5_link *link;
    size_t count;
    enum e5_status status = e5_h5_links(w->h5, address, &link, &count, err), last = status;
    H5_PROMISE(h5_may_fail(status) && (status == E5_OK || link == NULL));
    for (size_t i = 0; status == E5_OK && i < count; i++) {
        H5_PROMISE(link[i].name[0] != '\0');
        w->seen++;
        enum e5_status here = link[i].address != E5_NOWHERE ? h5_visit_object(w, link[i].address, err) : E5_OK;
        if (last == E5_OK) last = here;
    }
    e5_h5_links_free(link, count);
    return last;
}

static inline enum e5_status h5_visit_object(struct h5_walk *w, uint64_t address, struct e5_error *err) {
    struct e5_h5_object object;
    if (w->objects-- <= 0) return E5_OK;
    enum e5_status status = e5_h5_object_read(w->h5, address, &object, err);
    H5_PROMISE(h5_may_fail(status) && (status == E5_OK || object.attrs == 0));
    for (size_t i = 0; i < object.attrs && status == E5_OK; i++) {
        H5_PROMISE(object.attr[i].name[0] != '\0');
        w->seen++;
        status = h5_visit_texts(w, &object.attr[i], err);
    }
    if (status == E5_OK && object.kind == E5_H5_DATASET) {
        h5_check_data(w, &object.data);
        if (object.data.layout == E5_H5_CHUNKED) status = h5_visit_chunks(w, &object.data, err);
    }
    bool group = object.kind == E5_H5_GROUP;
    e5_h5_object_fini(&object);
    return status == E5_OK && group ? h5_visit_group(w, address, err) : status;
}

/* Everything in a file, up to `objects` objects; the first failure, or E5_OK.  *seen counts what was found. */
static inline enum e5_status h5_visit_file(const char *path, int objects, size_t *seen, struct e5_error *err) {
    struct e5_probe probe;
    struct h5_walk walk = {.probe = &probe, .objects = objects};
    enum e5_status status = e5_probe_file(path, &probe, err);
    if (status == E5_OK && probe.container == E5_HDF5) {
        status = e5_h5_open(path, &probe, &walk.h5, err);
        if (status == E5_OK) status = h5_visit_object(&walk, e5_h5_root(walk.h5), err);
        H5_PROMISE(h5_may_fail(status) && (status != E5_INPUT || e5_h5_unknown(walk.h5) != NULL));
    }
    e5_h5_close(walk.h5);
    *seen = walk.seen;
    return status;
}

#endif
