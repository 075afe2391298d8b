#include "db/journal.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "db/journal_base.h"

#define CONFIRM 600.0 /* seconds after which a status is written again although it is the same */

/* --- reading columns --- */

static void add_self(struct e5_row *row, const struct e5_journal *journal) {
    e5_row_text(row, journal->self.host);
    e5_row_integer(row, journal->self.pid);
    e5_row_text(row, journal->self.born);
    e5_row_integer(row, journal->handle);
}

/* --- one request --- */

static enum e5_journal_state state_of(const char *status, bool alive) {
    if (strcmp(status, "intended") == 0) return alive ? E5_JOURNAL_BUSY : E5_JOURNAL_INTENDED;
    return strcmp(status, "successful") == 0 ? E5_JOURNAL_ENDED : E5_JOURNAL_ALIVE;
}

static void read_job(const struct e5_row *row, struct e5_journal_job *out) {
    e5_journal_text(row, 0, out->status, sizeof out->status);
    e5_journal_text(row, 1, out->job_id, sizeof out->job_id);
    out->age = fmax(0, e5_clock_wall() - sqlite3_column_double(row->stmt, 2));
    out->begun = sqlite3_column_double(row->stmt, 3);
    out->state = state_of(out->status, sqlite3_column_int(row->stmt, 4) != 0);
    if (out->job_id[0] == '\0') out->status[0] = '\0'; /* "intended" is a word of ours */
}

static enum e5_status find(struct e5_journal *journal, const char *fingerprint, struct e5_journal_job *out,
                           struct e5_error *err) {
    struct e5_row *row;
    bool found;
    *out = (struct e5_journal_job){.state = E5_JOURNAL_NONE};
    enum e5_status status = e5_journal_row(journal, E5_DO_FIND, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, fingerprint);
    status = e5_journal_step(journal, row, &found, err);
    if (status != E5_OK || !found) return status;
    read_job(row, out);
    e5_journal_reset(row);
    return E5_OK;
}

enum e5_status e5_journal_find(struct e5_journal *journal, const char *fingerprint, struct e5_journal_job *out,
                               struct e5_error *err) {
    *out = (struct e5_journal_job){.state = E5_JOURNAL_NONE};
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, find(journal, fingerprint, out, err), err) : status;
}

/* --- slots --- */

/* Counts no further than `most`. */
static enum e5_status count_queued(struct e5_journal *journal, const char *dataset, int64_t most, int64_t *out,
                                   struct e5_error *err) {
    struct e5_row *row;
    double now = e5_clock_wall();
    *out = 0;
    enum e5_status status = e5_journal_row(journal, E5_DO_COUNT, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, dataset);
    e5_row_real(row, now - E5_JOURNAL_QUEUED);
    e5_row_real(row, now + E5_JOURNAL_QUEUED); /* the clock may have been wrong, but not for ever */
    e5_row_integer(row, most);
    return e5_row_look_up(&journal->db, row, out, err);
}

/* --- from an intention to a job --- */

static enum e5_status detach(struct e5_journal *journal, const char *fingerprint, const char *keeper,
                             struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_DETACH, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, fingerprint);
    e5_row_text(row, keeper);
    return e5_row_run(&journal->db, row, err);
}

static enum e5_status take_over(struct e5_journal *journal, const char *fingerprint, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_TAKE_OVER, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, fingerprint);
    e5_row_real(row, e5_clock_wall());
    add_self(row, journal);
    return e5_row_run(&journal->db, row, err);
}

static enum e5_status write_intention(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                                      const char *request, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = detach(journal, fingerprint, "", err);
    if (status == E5_OK) status = e5_journal_row(journal, E5_DO_INTEND, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, fingerprint);
    e5_row_text(row, dataset);
    e5_row_text(row, request);
    e5_row_real(row, e5_clock_wall());
    add_self(row, journal);
    return e5_row_run(&journal->db, row, err);
}

/* Does what is known of the request leave room for another submission of it? */
static bool is_free(enum e5_journal_state state, bool fresh) {
    bool has_job = state == E5_JOURNAL_ALIVE || state == E5_JOURNAL_ENDED;
    return state != E5_JOURNAL_BUSY && (!has_job || fresh);
}

static enum e5_status intend(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                             const char *request, double limit, bool fresh, bool *granted, struct e5_journal_job *out,
                             struct e5_error *err) {
    int64_t queued, most = (int64_t)fmin(fmax(ceil(limit), 1), 1e9);
    enum e5_status status = find(journal, fingerprint, out, err);
    if (status != E5_OK || !is_free(out->state, fresh)) return status;
    status = count_queued(journal, dataset, most, &queued, err);
    if (status != E5_OK || !((double)queued + 1 <= limit)) return status;
    status = out->state == E5_JOURNAL_INTENDED ? take_over(journal, fingerprint, err)
                                               : write_intention(journal, fingerprint, dataset, request, err);
    *granted = status == E5_OK;
    journal->intends = journal->intends || *granted;
    return status;
}

enum e5_status e5_journal_intend(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                                 const char *request, double limit, bool fresh, bool *granted,
                                 struct e5_journal_job *out, struct e5_error *err) {
    *granted = false;
    *out = (struct e5_journal_job){.state = E5_JOURNAL_NONE};
    enum e5_status status = e5_journal_enter(journal, true, err);
    if (status != E5_OK) return status;
    status = intend(journal, fingerprint, dataset, request, limit, fresh, granted, out, err);
    status = e5_journal_leave(journal, status, err);
    if (status != E5_OK) *granted = false;
    return status;
}

/* What is said of an intention of our own; `now`: where the statement wants the time. */
static enum e5_status declare(struct e5_journal *journal, enum e5_journal_sql how, const char *fingerprint,
                              const double *now, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_enter(journal, true, err);
    if (status != E5_OK) return status;
    status = e5_journal_row(journal, how, &row, err);
    if (status == E5_OK) {
        e5_row_text(row, fingerprint);
        add_self(row, journal);
        if (now != NULL) e5_row_real(row, *now);
        status = e5_row_run(&journal->db, row, err);
    }
    return e5_journal_leave(journal, status, err);
}

enum e5_status e5_journal_confirm(struct e5_journal *journal, const char *fingerprint, struct e5_error *err) {
    double now = e5_clock_wall();
    return declare(journal, E5_DO_CONFIRM, fingerprint, &now, err);
}

enum e5_status e5_journal_withdraw(struct e5_journal *journal, const char *fingerprint, struct e5_error *err) {
    return declare(journal, E5_DO_WITHDRAW, fingerprint, NULL, err);
}

enum e5_status e5_journal_abandon(struct e5_journal *journal, const char *fingerprint, struct e5_error *err) {
    return declare(journal, E5_DO_ABANDON, fingerprint, NULL, err);
}

static enum e5_status supersede(struct e5_journal *journal, const char *job_id, const char *fingerprint,
                                struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_SUPERSEDE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, job_id);
    e5_row_text(row, fingerprint);
    return e5_row_run(&journal->db, row, err);
}

static enum e5_status write_job(struct e5_journal *journal, enum e5_journal_sql how, const char *fingerprint,
                                const char *dataset, const char *request, const char *job_id, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, how, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, fingerprint);
    e5_row_text(row, job_id);
    e5_row_text(row, dataset);
    e5_row_text(row, request);
    e5_row_real(row, e5_clock_wall());
    return e5_row_run(&journal->db, row, err);
}

static enum e5_status create(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                             const char *request, const char *job_id, struct e5_error *err) {
    if (fingerprint != NULL) {
        enum e5_status status = detach(journal, fingerprint, job_id, err);
        if (status == E5_OK) status = supersede(journal, job_id, fingerprint, err);
        if (status == E5_OK) status = write_job(journal, E5_DO_CREATE, fingerprint, dataset, request, job_id, err);
        if (status != E5_OK || sqlite3_changes(journal->db.handle) > 0) return status;
    }
    return write_job(journal, E5_DO_ENTER, fingerprint, dataset, request, job_id, err);
}

enum e5_status e5_journal_created(struct e5_journal *journal, const char *fingerprint, const char *dataset,
                                  const char *request, const char *job_id, struct e5_error *err) {
    enum e5_status status = e5_journal_enter(journal, true, err);
    if (status != E5_OK) return status;
    return e5_journal_leave(journal, create(journal, fingerprint, dataset, request, job_id, err), err);
}

/* --- what becomes of a job --- */

static bool is_the_end(const char *status) {
    static const char *const words[] = {"failed", "rejected", "dismissed", "deleted", "gone"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(status, words[i]) == 0) return true;
    return false;
}

static enum e5_status is_news(struct e5_journal *journal, const char *job_id, const char *word, bool *out,
                              struct e5_error *err) {
    struct e5_row *row;
    char known[32];
    enum e5_status status = e5_journal_row(journal, E5_DO_SEEN, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, job_id);
    status = e5_journal_step(journal, row, out, err);
    if (status != E5_OK || !*out) return status;
    e5_journal_text(row, 0, known, sizeof known);
    bool old = fabs(e5_clock_wall() - sqlite3_column_double(row->stmt, 1)) > CONFIRM;
    bool ended = strcmp(known, "successful") == 0; /* a service that lags behind does not bring it back to life */
    *out = is_the_end(word) || (!ended && (old || strcmp(known, word) != 0));
    e5_journal_reset(row);
    return E5_OK;
}

static enum e5_status write_status(struct e5_journal *journal, const char *job_id, const char *word,
                                   struct e5_error *err) {
    struct e5_row *row;
    bool end = is_the_end(word);
    enum e5_status status = e5_journal_row(journal, end ? E5_DO_REMOVE : E5_DO_STATUS, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, job_id);
    if (!end) {
        e5_row_text(row, word);
        e5_row_real(row, e5_clock_wall());
    }
    return e5_row_run(&journal->db, row, err);
}

enum e5_status e5_journal_status(struct e5_journal *journal, const char *job_id, const char *status_word,
                                 struct e5_error *err) {
    bool news = false;
    enum e5_status status = e5_journal_enter(journal, false, err);
    if (status != E5_OK) return status;
    status = is_news(journal, job_id, status_word, &news, err);
    if (status == E5_OK && news) status = write_status(journal, job_id, status_word, err);
    return e5_journal_leave(journal, status, err);
}
