/* Files as a source; apart from source.c, so that the memory source links without the netCDF libraries. */
#include "drive/source.h"

static size_t block_files(const void *self, size_t first, size_t ceiling) {
    return e5_dataset_block(self, first, ceiling);
}

static enum e5_status read_files(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                 struct e5_watch *watch, struct e5_error *err) {
    return e5_dataset_read(self, first, steps, out, par, watch, err);
}

static enum e5_status read_box(void *self, size_t first, size_t steps, const struct e5_dataset_box *box, void *out,
                               struct e5_watch *watch, struct e5_error *err) {
    return e5_dataset_read_box(self, first, steps, box, out, watch, err);
}

enum e5_status e5_source_files(struct e5_dataset *dataset, struct e5_source *out, struct e5_error *err) {
    struct e5_dataset_dim dim[E5_AXES];
    int ndim = e5_dataset_dims(dataset, dim);
    for (int d = 0; d < ndim; d++)
        if ((dim[d].role == E5_AXIS_NUMBER || dim[d].role == E5_AXIS_LEVEL) && dim[d].length > 1)
            return e5_fail(err, E5_INPUT, "%.60s has %zu values of %.40s: choose one of them",
                           e5_dataset_variable(dataset)->name, dim[d].length, dim[d].name);
    *out = (struct e5_source){
        .steps = e5_dataset_length(dataset, E5_AXIS_TIME),
        .cells = e5_dataset_length(dataset, E5_AXIS_LATITUDE) * e5_dataset_length(dataset, E5_AXIS_LONGITUDE),
        .dtype = e5_dataset_dtype(dataset),
        .self = dataset,
        .block = block_files,
        .read = read_files,
        .width = e5_dataset_length(dataset, E5_AXIS_LONGITUDE),
        .read_box = read_box,
    };
    if (!e5_dataset_boxes(dataset, &out->box_rows, &out->box_columns)) out->box_rows = out->box_columns = 0;
    return E5_OK;
}
