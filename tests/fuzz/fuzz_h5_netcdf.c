/* HDF5 files as netCDF-4, opened without netcdf-c and read: texts, maps, values as stored, and each variable as a
 * dataset.  No crash, bounded memory and time, nothing from outside the file.  The checksums of HDF5's structures are
 * not compared here (see e5_h5_same_checksum()). */
#include "fuzz_file.h"
#include "io/dataset.h"
#include "io/ncfile.h"
#include "io/texts.h"

#define VALUES_MAX 20000 /* that are read of a variable: it may claim any number of them */
#define DATASETS_MAX 4

/* --- picks --- */

/* All of it, or of long dimensions a part. */
static size_t pick_blocks(const size_t *length, int ndim, struct e5_pick *out) {
    size_t values = 1, all = 1;
    bool fits = true;
    for (int d = 0; d < ndim; d++) fits = !__builtin_mul_overflow(all, length[d], &all) && fits;
    for (int d = 0; d < ndim; d++) {
        size_t count = (fits && all <= VALUES_MAX) || length[d] < 4 ? length[d] : 4;
        out[d] = e5_pick_range(length[d] - count, count);
        values *= count;
    }
    return values;
}

/* The last index, the first, and the last once more. */
static size_t pick_some(const size_t *length, int ndim, struct e5_pick *out) {
    size_t values = 1;
    for (int d = 0; d < ndim; d++) {
        const int64_t index[] = {(int64_t)length[d] - 1, 0, (int64_t)length[d] - 1};
        size_t n = length[d] > 0 && length[d] <= INT64_MAX ? 3 : 0;
        MUST(e5_pick_list(index, n, length[d], &out[d], NULL) == E5_OK);
        values *= n;
    }
    return values;
}

static size_t (*const pickers[])(const size_t *length, int ndim, struct e5_pick *out) = {pick_blocks, pick_some};

/* --- reading --- */

static void read_variable(struct e5_ncfile *file, const struct e5_ncvar *var) {
    size_t length[E5_MAX_DIMS];
    for (int d = 0; d < var->ndim; d++) length[d] = file->dim[var->dim[d]].length;
    for (int i = 0; i < 2; i++) {
        struct e5_pick pick[E5_MAX_DIMS] = {0};
        size_t values = pickers[i](length, var->ndim, pick);
        void *out = malloc(values * e5_dtype_size(var->stored));
        MUST(out != NULL || values == 0);
        (void)!e5_ncfile_select_stored(file, var, pick, out, NULL, NULL, NULL);
        free(out);
        for (int d = 0; d < var->ndim; d++) e5_pick_fini(&pick[d]);
    }
}

static void look_at(struct e5_ncfile *file, const struct e5_ncvar *var, size_t size) {
    const struct e5_map *map = NULL;
    struct e5_texts texts;
    for (int d = 0; d < var->ndim; d++) MUST(var->dim[d] >= 0 && (size_t)var->dim[d] < file->ndim);
    if (e5_layout_prepare(file, var, &map, NULL) != E5_OK || map->way == E5_BY_LIBRARY) return;
    for (size_t i = 0; i < map->chunks; i++)
        MUST(map->chunk_list[i].size <= size && map->chunk_list[i].address <= size - map->chunk_list[i].size);
    if (!var->is_text) read_variable(file, var);
    if (var->is_text && e5_texts_read(file, var, &texts, NULL) == E5_OK) free(texts.bytes);
}

static void read_dataset(struct e5_dataset *ds) {
    struct e5_dataset_dim dim[E5_AXES];
    size_t length[E5_AXES];
    int ndim = e5_dataset_dims(ds, dim);
    for (int d = 0; d < ndim; d++) length[d] = dim[d].length;
    for (int i = 0; i < 4; i++) {
        struct e5_pick pick[E5_AXES] = {0};
        enum e5_dtype as = i % 2 == 0 ? E5_F32 : E5_F64;
        size_t values = pickers[i / 2](length, ndim, pick);
        void *out = malloc(values * e5_dtype_size(as));
        MUST(out != NULL || values == 0);
        (void)!e5_dataset_select(ds, pick, as, out, NULL, NULL, NULL);
        free(out);
        for (int d = 0; d < ndim; d++) e5_pick_fini(&pick[d]);
    }
}

static void look_at_dataset(const char *variable) {
    struct e5_dataset *ds = NULL;
    const char *const paths[] = {fuzz_path};
    if (e5_dataset_open(paths, 1, variable, false, NULL, NULL, &ds, NULL) == E5_OK && ds != NULL) read_dataset(ds);
    e5_dataset_close(ds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_ncfile *file = NULL;
    const char *path = fuzz_file(data, size);
    if (e5_ncfile_open_direct(path, NULL, &file, NULL) != E5_OK || file == NULL) return 0;
    int datasets = 0;
    for (size_t i = 0; i < file->nvar; i++) look_at(file, &file->var[i], size);
    for (size_t i = 0; i < file->nvar && datasets < DATASETS_MAX; i++)
        if (file->var[i].ndim > 1) look_at_dataset(file->var[i].name), datasets++;
    e5_ncfile_close(file);
    return 0;
}
