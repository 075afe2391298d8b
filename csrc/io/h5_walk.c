#include "io/h5_walk.h"

#include <stdlib.h>

#include "io/h5.h"
#include "io/h5_bytes.h"

#define NUMBER_MAX 8 /* bytes; wider ones netcdf-c takes for texts, and their bytes for addresses */

struct walk {
    struct e5_h5 *h5;
    size_t links;
    int depth; /* of the group at hand */
};

/* The libraries may know what is not known here. */
static enum e5_status forgive(const struct walk *w, enum e5_status status, const struct e5_error *found,
                              struct e5_error *err) {
    if (status == E5_INPUT && e5_h5_unknown(w->h5) != NULL) return E5_OK;
    if (status != E5_OK && err != NULL) *err = *found;
    return status;
}

static enum e5_status look_at_data(struct walk *w, const struct e5_h5_data *data, struct e5_error *err) {
    struct e5_error found = E5_ERROR_NONE;
    struct e5_chunk *chunk = NULL;
    size_t count;
    if (data->external || data->layout == E5_H5_VIRTUAL) return e5_h5_unsafe(w->h5, err, E5_H5_FOREIGN_DATA);
    if ((data->type.class == E5_H5_INTEGER || data->type.class == E5_H5_FLOAT) && data->type.size > NUMBER_MAX)
        return e5_h5_unsafe(w->h5, err, "a variable of numbers of more than 8 bytes");
    if (data->layout != E5_H5_CHUNKED) return E5_OK;
    enum e5_status status = e5_h5_chunks(w->h5, data, &chunk, &count, &found);
    free(chunk);
    return forgive(w, status, &found, err);
}

static enum e5_status look_into_group(struct walk *w, uint64_t group, struct e5_error *err);

static enum e5_status look_at_object(struct walk *w, const struct e5_h5_link *link, struct e5_error *err) {
    struct e5_error found = E5_ERROR_NONE;
    struct e5_h5_object object = {0};
    if (++w->links > E5_H5_LINKS_MAX) return e5_h5_unsafe(w->h5, err, E5_H5_MANY_LINKS);
    if (link->external) return e5_h5_unsafe(w->h5, err, E5_H5_FOREIGN_LINKS);
    if (link->address == E5_NOWHERE) return E5_OK; /* a soft link */
    enum e5_status status = e5_h5_object_read(w->h5, link->address, &object, &found);
    bool known = status == E5_OK, is_group = known && object.kind == E5_H5_GROUP;
    status = forgive(w, status, &found, err);
    if (known && object.kind == E5_H5_DATASET) status = look_at_data(w, &object.data, err);
    e5_h5_object_fini(&object);
    return is_group ? look_into_group(w, link->address, err) : status;
}

static enum e5_status look_into_group(struct walk *w, uint64_t group, struct e5_error *err) {
    struct e5_error found = E5_ERROR_NONE;
    struct e5_h5_link *link;
    size_t count;
    if (w->depth == E5_H5_GROUPS_MAX) return e5_h5_unsafe(w->h5, err, E5_H5_DEEP_GROUPS);
    enum e5_status status = e5_h5_links(w->h5, group, &link, &count, &found);
    status = forgive(w, status, &found, err);
    w->depth++;
    for (size_t i = 0; i < count && status == E5_OK; i++) status = look_at_object(w, &link[i], err);
    w->depth--;
    e5_h5_links_free(link, count);
    return status;
}

enum e5_status e5_h5_walk(const char *path, const struct e5_probe *probe, struct e5_error *err) {
    struct e5_error found = E5_ERROR_NONE;
    struct walk w = {0};
    enum e5_status status = e5_h5_open(path, probe, &w.h5, &found);
    if (status == E5_OK)
        status = look_into_group(&w, e5_h5_root(w.h5), err);
    else
        status = forgive(&w, status, &found, err);
    e5_h5_close(w.h5);
    return status;
}
