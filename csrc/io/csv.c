#include "io/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/decimal.h"

#define BLOCK_BYTES ((size_t)256 << 10) /* text that is written at once: it stays in the second cache */

struct call {
    const struct e5_csv *csv;
    struct e5_watch *watch;
    char *blocks; /* one for each slot */
};

/* One file while it is written. */
struct table {
    const struct e5_csv *csv;
    size_t index;
    int fd;
    char part[PATH_MAX]; /* its name until it is complete */
    char *block;
    size_t used;
};

static enum e5_status flush(struct table *table, struct e5_error *err) {
    for (size_t done = 0; done < table->used;) {
        ssize_t n = write(table->fd, table->block + done, table->used - done);
        if (n < 0 && errno != EINTR) return e5_fail_errno(err, errno, table->csv->path[table->index], "write");
        if (n > 0) done += (size_t)n;
    }
    table->used = 0;
    return E5_OK;
}

static enum e5_status put_bytes(struct table *table, const char *bytes, size_t size, struct e5_error *err) {
    while (size > 0) {
        size_t room = BLOCK_BYTES - table->used, n = size < room ? size : room;
        memcpy(table->block + table->used, bytes, n);
        table->used += n;
        bytes += n;
        size -= n;
        if (size == 0) break;
        enum e5_status status = flush(table, err);
        if (status != E5_OK) return status;
    }
    return E5_OK;
}

/* A comma and a number, for which there is room. */
static void put_number(struct table *table, const struct e5_csv_column *column, size_t row) {
    char *out = table->block + table->used;
    const void *at =
        column->values + (ptrdiff_t)table->index * column->file_stride + (ptrdiff_t)row * column->row_stride;
    size_t n = 0;
    *out++ = ',';
    if (column->dtype == E5_I64) {
        n = e5_decimal_integer(*(const int64_t *)at, out);
    } else if (column->dtype == E5_F32) {
        float value = *(const float *)at;
        if (!isnan(value)) n = e5_decimal_single(value, out);
    } else {
        double value = *(const double *)at;
        if (!isnan(value)) n = e5_decimal_double(value, out);
    }
    table->used += n + 1;
}

static enum e5_status put_row(struct table *table, size_t row, struct e5_error *err) {
    const struct e5_csv *csv = table->csv;
    size_t begin = row > 0 ? csv->key_end[row - 1] : 0;
    enum e5_status status = put_bytes(table, csv->keys + begin, csv->key_end[row] - begin, err);
    for (size_t c = 0; status == E5_OK && c < csv->columns; c++) {
        if (table->used + E5_DECIMAL_MAX + 1 > BLOCK_BYTES) status = flush(table, err);
        if (status == E5_OK) put_number(table, &csv->column[c], row);
    }
    return status == E5_OK ? put_bytes(table, "\n", 1, err) : status;
}

static enum e5_status fill(struct table *table, const struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = put_bytes(table, table->csv->header, strlen(table->csv->header), err);
    for (size_t row = 0; status == E5_OK && row < table->csv->rows; row++) {
        status = put_row(table, row, err);
        if (status == E5_OK && row % 4096 == 0) status = e5_watch_check(watch, err);
    }
    return status == E5_OK ? flush(table, err) : status;
}

static enum e5_status begin(struct table *table, struct e5_error *err) {
    const char *path = table->csv->path[table->index];
    int length = snprintf(table->part, sizeof table->part, "%s.part", path);
    if (length < 0 || (size_t)length >= sizeof table->part) return e5_fail_errno(err, ENAMETOOLONG, path, "write");
    table->fd = open(table->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    return table->fd >= 0 ? E5_OK : e5_fail_errno(err, errno, path, "write");
}

static enum e5_status end(struct table *table, enum e5_status status, struct e5_error *err) {
    const char *path = table->csv->path[table->index];
    if (close(table->fd) != 0 && status == E5_OK) status = e5_fail_errno(err, errno, path, "write");
    if (status == E5_OK && rename(table->part, path) != 0) status = e5_fail_errno(err, errno, path, "write");
    if (status != E5_OK) unlink(table->part);
    return status;
}

static enum e5_status write_file(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct call *call = context;
    struct table table = {.csv = call->csv, .index = index};
    table.block = call->blocks + slot * BLOCK_BYTES;
    enum e5_status status = begin(&table, err);
    if (status == E5_OK) status = end(&table, fill(&table, call->watch, err), err);
    if (status == E5_OK) e5_watch_add(call->watch, 1);
    return status;
}

enum e5_status e5_csv_write(const struct e5_csv *csv, const struct e5_parallel *par, struct e5_watch *watch,
                            struct e5_error *err) {
    struct call call = {.csv = csv, .watch = watch};
    enum e5_status status = e5_alloc_plain(e5_parallel_slots(par) * BLOCK_BYTES, &call.blocks, err);
    if (status != E5_OK) return status;
    e5_watch_expect(watch, (int64_t)csv->files);
    status = e5_parallel_for(par, watch, csv->files, write_file, &call, err);
    free(call.blocks);
    return status;
}
