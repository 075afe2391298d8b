#include "db/journal_base.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "db/journal.h"

/* The prepared text of each statement. */
static const char *const texts[] = {
#define E5_JOURNAL_SQL(name, text) text,
#include "db/journal_sql.def"
#undef E5_JOURNAL_SQL
};

/* Somebody may have removed the file, or put another in its place: what we write would be lost with it. */
static bool is_still_there(const struct e5_journal *journal) {
    struct stat info;
    return journal->in_memory ||
           (stat(journal->db.path, &info) == 0 && info.st_dev == journal->device && info.st_ino == journal->inode);
}

enum e5_status e5_journal_row(struct e5_journal *journal, enum e5_journal_sql which, struct e5_row **out,
                              struct e5_error *err) {
    struct e5_row *row = *out = &journal->rows[which];
    enum e5_status status = row->stmt == NULL ? e5_sql_prepare(&journal->db, texts[which], row, err) : E5_OK;
    if (status != E5_OK) return status;
    e5_journal_reset(row); /* the last user may have failed half-way */
    if (sqlite3_bind_parameter_count(row->stmt) == 0) return E5_OK;
    e5_row_text(row, journal->service);
    e5_row_text(row, journal->owner);
    return E5_OK;
}

static enum e5_status run(struct e5_journal *journal, enum e5_journal_sql which, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, which, &row, err);
    return status == E5_OK ? e5_row_run(&journal->db, row, err) : status;
}

enum e5_status e5_journal_enter(struct e5_journal *journal, bool writing, struct e5_error *err) {
    if (journal->self.pid != getpid())
        return e5_fail(err, E5_FORKED, "journal opened before fork: %s", journal->db.path);
    double asked = e5_clock_monotonic(); /* threads that wait for each other are in a hurry together */
    pthread_mutex_lock(&journal->mutex);
    journal->deadline = e5_clock_monotonic() + journal->busy_seconds;
    journal->hurried = fmin(asked + E5_JOURNAL_HURRY, journal->deadline);
    if (journal->db.handle != NULL && !is_still_there(journal)) e5_journal_disconnect(journal);
    enum e5_status status = journal->db.handle == NULL ? e5_journal_connect(journal, err) : E5_OK;
    if (status == E5_OK && writing) status = run(journal, E5_DO_BEGIN, err);
    if (status != E5_OK) pthread_mutex_unlock(&journal->mutex);
    return status;
}

enum e5_status e5_journal_leave(struct e5_journal *journal, enum e5_status status, struct e5_error *err) {
    bool writing = !sqlite3_get_autocommit(journal->db.handle);
    if (writing && status == E5_OK) status = run(journal, E5_DO_COMMIT, err);
    if (writing && status != E5_OK) /* what failed has been told already */
        sqlite3_exec(journal->db.handle, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&journal->mutex);
    return status;
}

enum e5_status e5_journal_step(struct e5_journal *journal, struct e5_row *row, bool *found, struct e5_error *err) {
    int code = row->code != SQLITE_OK ? row->code : sqlite3_step(row->stmt);
    *found = code == SQLITE_ROW;
    if (*found) return E5_OK;
    enum e5_status status = code == SQLITE_DONE ? E5_OK : e5_sql_fail(&journal->db, code, "journal", err);
    e5_journal_reset(row); /* after the report: it may replace the message */
    return status;
}

void e5_journal_reset(struct e5_row *row) {
    sqlite3_reset(row->stmt);
    sqlite3_clear_bindings(row->stmt);
    row->filled = 0;
    row->code = SQLITE_OK;
}

void e5_journal_text(const struct e5_row *row, int column, char *out, size_t size) {
    const char *text = (const char *)sqlite3_column_text(row->stmt, column);
    e5_text_copy(out, size, text != NULL ? text : "");
}
