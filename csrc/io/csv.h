/* csv: tables as text, many files at once: one key and some numbers in each row.
 *
 * All files have the same header and the same keys (moments, months); the numbers are their own.  Values that are NaN
 * are left empty.  A file is written beside its name and gets it when it is complete: after a cancel or a fault there
 * are whole files and none that is cut off.  What had the name before is replaced.  The caller owns everything; the
 * files are shared out over `par`.  Blocks until all are written.  Faults: E5_STORAGE with the file. */
#ifndef E5_IO_CSV_H
#define E5_IO_CSV_H

#include "base/parallel.h"
#include "model/view.h"

struct e5_csv_column {
    const char *values;                /* native and aligned; of the first row of the first file */
    ptrdiff_t file_stride, row_stride; /* bytes */
    enum e5_dtype dtype;               /* E5_F32, E5_F64 or E5_I64 */
};

struct e5_csv {
    const char *header; /* with the end of its line */
    const char *keys;   /* first column, ready to be written, one key after the other */
    const size_t *key_end;
    size_t rows;
    const struct e5_csv_column *column;
    size_t columns;
    const char *const *path;
    size_t files;
};

E5_MUST_USE enum e5_status e5_csv_write(const struct e5_csv *csv, const struct e5_parallel *par,
                                        struct e5_watch *watch, struct e5_error *err);

#endif
