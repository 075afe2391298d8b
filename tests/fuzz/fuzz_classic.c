/* netCDF-3 files, opened and read whole: no crash, bounded memory and time, nothing from outside the file. */
#include "fuzz_file.h"
#include "io/ncfile.h"
#include "io/texts.h"

#define VALUES_MAX 4096

static void read_variable(struct e5_ncfile *file, const struct e5_ncvar *var, size_t file_size) {
    static double values[VALUES_MAX];
    size_t start[E5_MAX_DIMS] = {0}, count[E5_MAX_DIMS] = {0}, n = 1;
    struct e5_texts texts;
    if (var->is_text) {
        if (e5_texts_read(file, var, &texts, NULL) == E5_OK) free(texts.bytes);
        return;
    }
    for (int d = 0; d < var->ndim; d++) {
        count[d] = file->dim[var->dim[d]].length;
        MUST(!__builtin_mul_overflow(n, count[d], &n));
    }
    MUST(n <= file_size);
    if (n <= VALUES_MAX)
        MUST(e5_ncfile_read(file, var, start, count, E5_F64, values, NULL, NULL, NULL) != E5_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_ncfile *file = NULL;
    if (size < 4 || memcmp(data, "CDF", 3) != 0 || memchr("\1\2\5", data[3], 3) == NULL) return 0;
    const char *path = fuzz_file(data, size);
    if (e5_ncfile_open_direct(path, NULL, &file, NULL) != E5_OK) return 0;
    MUST(file != NULL && file->why == NULL);
    for (size_t i = 0; i < file->nvar; i++) read_variable(file, &file->var[i], size);
    e5_ncfile_close(file);
    return 0;
}
