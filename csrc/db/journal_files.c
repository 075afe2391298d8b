#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/journal.h"
#include "db/journal_base.h"

/* --- one finished file --- */

static void read_file(const struct e5_row *row, struct e5_journal_file *out) {
    e5_journal_text(row, 0, out->fingerprint, sizeof out->fingerprint);
    e5_journal_text(row, 1, out->job_id, sizeof out->job_id);
    out->size = sqlite3_column_int64(row->stmt, 2);
    out->mtime_ns = sqlite3_column_int64(row->stmt, 3);
    out->inode = sqlite3_column_int64(row->stmt, 4);
    e5_journal_text(row, 5, out->checksum, sizeof out->checksum);
    e5_journal_text(row, 6, out->checksum_kind, sizeof out->checksum_kind);
    out->verified = sqlite3_column_int(row->stmt, 7);
    out->finished = sqlite3_column_double(row->stmt, 8);
}

static enum e5_status find_file(struct e5_journal *journal, const char *path, bool *found,
                                struct e5_journal_file *out, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_FILE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, path);
    status = e5_journal_step(journal, row, found, err);
    if (status != E5_OK || !*found) return status;
    read_file(row, out);
    e5_journal_reset(row);
    return E5_OK;
}

enum e5_status e5_journal_file_find(struct e5_journal *journal, const char *path, bool *found,
                                    struct e5_journal_file *out, struct e5_error *err) {
    *found = false;
    *out = (struct e5_journal_file){0};
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, find_file(journal, path, found, out, err), err) : status;
}

static enum e5_status save_file(struct e5_journal *journal, const char *path, const struct e5_journal_file *file,
                                const char *dataset, const char *request, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_SET_FILE, &row, err);
    if (status != E5_OK) return status;
    const char *const texts[] = {path, file->fingerprint, dataset, request, file->job_id};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) e5_row_text(row, texts[i]);
    e5_row_integer(row, file->size);
    e5_row_integer(row, file->mtime_ns);
    e5_row_integer(row, file->inode);
    e5_row_text(row, file->checksum);
    e5_row_text(row, file->checksum_kind);
    e5_row_integer(row, file->verified);
    e5_row_real(row, e5_clock_wall());
    return e5_row_run(&journal->db, row, err);
}

enum e5_status e5_journal_file_save(struct e5_journal *journal, const char *path, const struct e5_journal_file *file,
                                    const char *dataset, const char *request, struct e5_error *err) {
    enum e5_status status = e5_journal_enter(journal, false, err);
    if (status != E5_OK) return status;
    return e5_journal_leave(journal, save_file(journal, path, file, dataset, request, err), err);
}

static enum e5_status forget_file(struct e5_journal *journal, const char *path, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_FORGET_FILE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, path);
    return e5_row_run(&journal->db, row, err);
}

enum e5_status e5_journal_file_forget(struct e5_journal *journal, const char *path, struct e5_error *err) {
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, forget_file(journal, path, err), err) : status;
}

static enum e5_status set_counted(struct e5_journal *journal, const char *path, double finished, const char *missing,
                                  double asked, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_COUNTED, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, path);
    e5_row_real(row, finished);
    e5_row_text(row, missing);
    if (asked > 0)
        e5_row_real(row, asked);
    else
        e5_row_text(row, NULL);
    return e5_row_run(&journal->db, row, err);
}

enum e5_status e5_journal_file_counted(struct e5_journal *journal, const char *path, double finished,
                                       const char *missing, double asked, struct e5_error *err) {
    enum e5_status status = e5_journal_enter(journal, false, err);
    if (status != E5_OK) return status;
    return e5_journal_leave(journal, set_counted(journal, path, finished, missing, asked, err), err);
}

/* --- tables --- */

static const char *const job_columns[] = {"job_id",      "status", "dataset", "request",
                                          "fingerprint", "begun",  "changed", "seen"};
static const char *const file_columns[] = {"path",          "service",  "dataset",  "request", "fingerprint",
                                           "job_id",        "size",     "mtime_ns", "inode",   "checksum",
                                           "checksum_kind", "verified", "finished", "missing", "asked"};
static const char *const beside_columns[] = {"path", "size", "mtime_ns", "inode"};

static enum e5_status add_cell(struct e5_journal_table *table, const struct e5_row *row, int column,
                               struct e5_journal_cell *out, struct e5_error *err) {
    switch (sqlite3_column_type(row->stmt, column)) {
    case SQLITE_NULL: return E5_OK;
    case SQLITE_INTEGER:
        out->kind = E5_JOURNAL_INTEGER;
        out->integer = sqlite3_column_int64(row->stmt, column);
        return E5_OK;
    case SQLITE_FLOAT:
        out->kind = E5_JOURNAL_REAL;
        out->real = sqlite3_column_double(row->stmt, column);
        return E5_OK;
    default: break;
    }
    const char *text = (const char *)sqlite3_column_text(row->stmt, column);
    if (text == NULL) return e5_fail(err, E5_MEMORY, "cannot read a text of the journal");
    out->kind = E5_JOURNAL_TEXT;
    out->integer = (int64_t)table->text.size;
    return e5_buffer_append(&table->text, text, strlen(text) + 1, err);
}

static enum e5_status add_row(struct e5_journal_table *table, size_t *capacity, const struct e5_row *row,
                              struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (table->rows == *capacity) {
        size_t more = *capacity == 0 ? 64 : 2 * *capacity;
        status = e5_grow(*capacity * table->columns, more * table->columns, sizeof *table->cells, &table->cells, err);
        if (status == E5_OK) *capacity = more;
    }
    for (size_t i = 0; i < table->columns && status == E5_OK; i++)
        status = add_cell(table, row, (int)i, &table->cells[table->rows * table->columns + i], err);
    if (status == E5_OK) table->rows++;
    return status;
}

static enum e5_status read_all(struct e5_journal *journal, struct e5_row *row, struct e5_journal_table *table,
                               struct e5_error *err) {
    size_t capacity = 0;
    bool found = true;
    enum e5_status status = E5_OK;
    while (status == E5_OK && found) {
        status = e5_journal_step(journal, row, &found, err);
        if (status == E5_OK && found) status = add_row(table, &capacity, row, err);
    }
    e5_journal_reset(row);
    return status;
}

static enum e5_status read_jobs(struct e5_journal *journal, bool unfinished, struct e5_journal_table *out,
                                struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, unfinished ? E5_DO_UNFINISHED : E5_DO_JOBS, &row, err);
    return status == E5_OK ? read_all(journal, row, out, err) : status;
}

enum e5_status e5_journal_jobs(struct e5_journal *journal, bool unfinished, struct e5_journal_table *out,
                               struct e5_error *err) {
    *out = (struct e5_journal_table){.names = job_columns, .columns = sizeof job_columns / sizeof *job_columns};
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, read_jobs(journal, unfinished, out, err), err) : status;
}

/* Paths from "directory/" up to, not including, "directory0": the character after the slash. */
static enum e5_status read_files(struct e5_journal *journal, const char *directory, struct e5_journal_table *out,
                                 struct e5_error *err) {
    struct e5_buffer first = {0}, end = {0};
    struct e5_row *row;
    int length = (int)strlen(directory);
    while (length > 0 && directory[length - 1] == '/') length--;
    bool everything = directory[0] == '\0';
    enum e5_status status = e5_journal_row(journal, E5_DO_FILES, &row, err);
    if (status == E5_OK) status = e5_buffer_printf(&first, err, "%.*s%s", length, directory, everything ? "" : "/");
    if (status == E5_OK) status = e5_buffer_printf(&end, err, "%.*s0", length, directory);
    if (status == E5_OK) {
        e5_row_text(row, first.bytes);
        e5_row_text(row, everything ? NULL : end.bytes);
        status = read_all(journal, row, out, err);
    }
    e5_buffer_fini(&first);
    e5_buffer_fini(&end);
    return status;
}

enum e5_status e5_journal_files(struct e5_journal *journal, const char *directory, struct e5_journal_table *out,
                                struct e5_error *err) {
    *out = (struct e5_journal_table){.names = file_columns, .columns = sizeof file_columns / sizeof *file_columns};
    enum e5_status status = e5_journal_enter(journal, false, err);
    if (status != E5_OK) return status;
    return e5_journal_leave(journal, read_files(journal, directory != NULL ? directory : "", out, err), err);
}

static enum e5_status read_beside(struct e5_journal *journal, const char *job_id, struct e5_journal_table *out,
                                  struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_BESIDE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, job_id);
    return read_all(journal, row, out, err);
}

enum e5_status e5_journal_files_beside(struct e5_journal *journal, const char *job_id, struct e5_journal_table *out,
                                       struct e5_error *err) {
    *out =
        (struct e5_journal_table){.names = beside_columns, .columns = sizeof beside_columns / sizeof *beside_columns};
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, read_beside(journal, job_id, out, err), err) : status;
}

void e5_journal_table_fini(struct e5_journal_table *table) {
    free(table->cells);
    e5_buffer_fini(&table->text);
    *table = (struct e5_journal_table){0};
}
