/* Files as a source; apart from source.c, so that the memory source links without the netCDF libraries. */
#include "drive/source.h"

static size_t block_files(const void *self, size_t first, size_t ceiling) {
    return e5_dataset_block(self, first, ceiling);
}

static enum e5_status read_files(void *self, size_t first, size_t steps, void *out, const struct e5_parallel *par,
                                 struct e5_watch *watch, struct e5_error *err) {
    return e5_dataset_read(self, first, steps, out, par, watch, err);
}

struct e5_source e5_source_files(struct e5_dataset *dataset) {
    size_t rows, columns;
    e5_dataset_latitude(dataset, &rows);
    e5_dataset_longitude(dataset, &columns);
    return (struct e5_source){
        .steps = e5_dataset_time(dataset).n,
        .cells = rows * columns,
        .dtype = e5_dataset_dtype(dataset),
        .self = dataset,
        .block = block_files,
        .read = read_files,
    };
}
