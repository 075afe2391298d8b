#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "db/journal.h"
#include "db/journal_base.h"

/* --- fork --- */

static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct e5_journal *all;

static void before_fork(void) {
    pthread_mutex_lock(&all_mutex);
    for (struct e5_journal *journal = all; journal != NULL; journal = journal->next) {
        pthread_mutex_lock(&journal->mutex);
        if (!journal->in_memory) e5_journal_disconnect(journal);
    }
}

static void after_fork(void) {
    for (struct e5_journal *journal = all; journal != NULL; journal = journal->next)
        pthread_mutex_unlock(&journal->mutex);
    pthread_mutex_unlock(&all_mutex);
}

static void watch_forks(void) { pthread_atfork(before_fork, after_fork, after_fork); }

static void enlist(struct e5_journal *journal) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&all_mutex);
    journal->next = all;
    all = journal;
    pthread_mutex_unlock(&all_mutex);
}

static void strike_off(const struct e5_journal *journal) {
    pthread_mutex_lock(&all_mutex);
    struct e5_journal **link = &all;
    while (*link != NULL && *link != journal) link = &(*link)->next;
    if (*link != NULL) *link = journal->next;
    pthread_mutex_unlock(&all_mutex);
}

/* --- opening and closing --- */

static enum e5_status forget_old(struct e5_journal *journal, struct e5_error *err) {
    int64_t old = 0;
    double time = e5_clock_wall() - E5_JOURNAL_KEPT;
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_OLD, &row, err);
    if (status != E5_OK) return status;
    e5_row_real(row, time);
    status = e5_row_look_up(&journal->db, row, &old, err);
    if (status != E5_OK || old == 0) return status;
    status = e5_journal_row(journal, E5_DO_FORGET_OLD, &row, err);
    if (status != E5_OK) return status;
    e5_row_real(row, time);
    return e5_row_run(&journal->db, row, err);
}

static enum e5_status fill_in(struct e5_journal *journal, const char *path, const char *service, const char *owner,
                              struct e5_error *err) {
    journal->in_memory = path == NULL;
    enum e5_status status = e5_strdup(service, &journal->service, err);
    if (status == E5_OK) status = e5_strdup(owner, &journal->owner, err);
    if (status != E5_OK) return status;
    if (path == NULL) return e5_strdup(":memory:", &journal->db.path, err);
    return e5_path_real(path, "cannot open the journal", &journal->db.path, err);
}

enum e5_status e5_journal_open(const char *path, const char *service, const char *owner, double busy_seconds,
                               struct e5_journal **out, struct e5_error *err) {
    static atomic_int_fast64_t handles;
    struct e5_journal *journal;
    *out = NULL;
    if (path != NULL && path[0] == '\0') return e5_fail(err, E5_INPUT, "the journal needs a file name");
    if (!(busy_seconds >= 0 && busy_seconds <= 1e9)) return e5_fail(err, E5_INPUT, "busy_seconds must be 0 to 1e9");
    enum e5_status status = e5_alloc(1, sizeof *journal, &journal, err);
    if (status != E5_OK) return status;
    pthread_mutex_init(&journal->mutex, NULL);
    journal->db.noun = "journal";
    journal->busy_seconds = busy_seconds;
    journal->handle = atomic_fetch_add(&handles, 1) + 1;
    e5_holder_self(&journal->self);
    enlist(journal);
    status = fill_in(journal, path, service, owner, err);
    if (status == E5_OK) status = e5_journal_enter(journal, false, err);
    if (status == E5_OK) status = e5_journal_leave(journal, forget_old(journal, err), err);
    if (status == E5_OK)
        *out = journal;
    else
        e5_journal_close(journal);
    return status;
}

/* Nobody looks after what this handle began; who comes next shall know at once. */
static void give_up_all(struct e5_journal *journal) {
    struct e5_error quiet = E5_ERROR_NONE; /* nothing is lost if it fails: the process's end tells the same */
    journal->busy_seconds = fmin(journal->busy_seconds, E5_JOURNAL_HURRY); /* whoever closes may be on the way out */
    if (journal->intends && e5_journal_abandon(journal, NULL, &quiet) != E5_OK) return;
}

void e5_journal_close(struct e5_journal *journal) {
    if (journal == NULL) return;
    bool ours = journal->self.pid == getpid();
    if (ours) give_up_all(journal);
    strike_off(journal);
    if (ours || !journal->in_memory) e5_journal_disconnect(journal); /* a child leaves alone what it inherited */
    pthread_mutex_destroy(&journal->mutex);
    free(journal->db.path);
    free(journal->service);
    free(journal->owner);
    free(journal);
}
