#include "drive/fetch_memory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "drive/fetch_load.h"

#define CONFIRM 120.0 /* seconds after which the others are told again that a submission goes on */

enum note_kind { NOTE_STATUS, NOTE_LANE, NOTE_FILE, NOTE_CONFIRM, NOTE_WITHDRAW, NOTE_ABANDON };

struct note {
    enum note_kind kind;
    char key[E5_DIGEST_HEX]; /* job or fingerprint */
    char word[32];
    const char *dataset;
    struct e5_journal_lane lane;
    const char *target;
    const struct e5_fetch_item *item; /* NULL: no answer to a request by itself */
    struct e5_journal_file *file;
};

struct batch {
    struct note *notes;
    size_t count, capacity;
};

struct e5_notes {
    struct e5_journal *journal;
    struct e5_engine *engine;
    atomic_bool has_failed, is_over;
    double confirmed;       /* when the journal was last told which submissions go on */
    struct batch next, now; /* noted, and being written by: */
    struct e5_job *job;
};

/* NULL: there is none, or none any more. */
static struct e5_journal *journal_of(const struct e5_engine *engine) {
    struct e5_notes *notes = engine->notes;
    return notes != NULL && !atomic_load(&notes->has_failed) ? notes->journal : NULL;
}

bool e5_memory_is_there(const struct e5_engine *engine) { return journal_of(engine) != NULL; }

static void note_failure(const struct e5_engine *engine, const struct e5_error *err) {
    if (!atomic_exchange(&engine->notes->has_failed, true))
        e5_engine_tell(engine, E5_LOG_WARNING, "going on without the journal: %s", err->what);
}

/* Setting up and down. */

static void load_lane(struct e5_engine *engine, struct e5_lane *lane) {
    struct e5_journal *journal = journal_of(engine);
    struct e5_journal_lane known;
    struct e5_error err = E5_ERROR_NONE;
    bool found = false;
    if (journal == NULL) return;
    if (e5_journal_lane_load(journal, lane->dataset, &found, &known, &err) != E5_OK)
        note_failure(engine, &err);
    else if (found) {
        lane->admission.limit = fmin(fmax(known.limit, 1), engine->admission.ceiling);
        lane->admission.hold_until = e5_clock_monotonic() + fmin(known.hold_until - e5_clock_wall(), 3600);
        lane->admission.rejected = known.rejected;
    }
}

enum e5_status e5_memory_open(struct e5_engine *engine, struct e5_error *err) {
    if (engine->options->journal == NULL) return E5_OK;
    enum e5_status status = e5_alloc(1, sizeof *engine->notes, &engine->notes, err);
    if (status != E5_OK) return status;
    engine->notes->journal = engine->options->journal;
    engine->notes->engine = engine;
    engine->notes->confirmed = e5_clock_monotonic();
    for (size_t i = 0; i < engine->lane_count; i++) load_lane(engine, &engine->lanes[i]);
    return E5_OK;
}

enum e5_status e5_memory_prepare(struct e5_entry *entry, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (entry->recall == NULL) status = e5_alloc(1, sizeof *entry->recall, &entry->recall, err);
    if (status != E5_OK) return status;
    struct e5_recall *recall = entry->recall;
    *recall = (struct e5_recall){.wants_new = entry->wants_new};
    memcpy(recall->lost_id, entry->lost_id, sizeof recall->lost_id);
    return E5_OK;
}

/* Tasks. */

/* The target as the journal names it. */
static bool absolute_path(const char *target, char out[PATH_MAX]) {
    char *path;
    if (e5_path_in_folder(target, "cannot find", &path, NULL) != E5_OK) return false;
    bool fits = e5_text_copy(out, PATH_MAX, path);
    free(path);
    return fits;
}

static int64_t changed_at(const struct stat *info) {
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

static bool is_same_file(const struct e5_journal_file *file, const struct stat *info) {
    return info->st_size == file->size && changed_at(info) == file->mtime_ns && (int64_t)info->st_ino == file->inode;
}

/* What lies beside a target answers the request together with it: `*all` where every such file is what it was.
 * `forget` those that are not. */
static enum e5_status look_beside(struct e5_journal *journal, const char *target, const char *job_id, bool forget,
                                  bool *all, struct e5_error *err) {
    struct e5_journal_table files;
    struct stat info;
    size_t folder = (size_t)(strrchr(target, '/') - target) + 1;
    *all = true;
    if (job_id[0] == '\0') return E5_OK;
    enum e5_status status = e5_journal_files_beside(journal, job_id, &files, err);
    for (size_t i = 0; i < files.rows && status == E5_OK; i++) {
        const struct e5_journal_cell *row = files.cells + i * files.columns;
        const char *path = files.text.bytes + row[0].integer;
        const struct e5_journal_file file = {
            .size = row[1].integer, .mtime_ns = row[2].integer, .inode = row[3].integer};
        if (strncmp(path, target, folder) != 0 || strchr(path + folder, '/') != NULL) continue;
        if (lstat(path, &info) == 0 && is_same_file(&file, &info)) continue;
        *all = false;
        if (forget) status = e5_journal_file_forget(journal, path, err);
    }
    e5_journal_table_fini(&files);
    return status;
}

static void find_file(struct e5_entry *entry, struct e5_journal *journal) {
    struct e5_recall *recall = entry->recall;
    struct e5_error err = E5_ERROR_NONE;
    char path[PATH_MAX];
    struct stat info;
    bool found = false, all = false;
    if (!absolute_path(entry->item->target, path) || lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) return;
    enum e5_status status = e5_journal_file_find(journal, path, &found, &recall->file, &err);
    found = found && strcmp(recall->file.fingerprint, entry->fingerprint) == 0 && is_same_file(&recall->file, &info);
    if (status == E5_OK && found) status = look_beside(journal, path, recall->file.job_id, false, &all, &err);
    if (status != E5_OK) note_failure(entry->engine, &err);
    recall->is_finished = status == E5_OK && all;
}

bool e5_memory_knows(void *entry, const char *target, const struct stat *info) {
    struct e5_engine *engine = ((struct e5_entry *)entry)->engine;
    struct e5_journal *journal = journal_of(engine);
    struct e5_journal_file file;
    struct e5_error err = E5_ERROR_NONE;
    char path[PATH_MAX];
    bool found = false;
    if (journal == NULL || !absolute_path(target, path)) return false;
    if (e5_journal_file_find(journal, path, &found, &file, &err) != E5_OK) note_failure(engine, &err);
    return found && is_same_file(&file, info);
}

void e5_memory_find(struct e5_entry *entry) {
    const struct e5_fetch_item *item = entry->item;
    struct e5_recall *recall = entry->recall;
    struct e5_error err = E5_ERROR_NONE;
    bool verify = item->target != NULL && entry->engine->options->overwrite == E5_OVERWRITE_VERIFY && !item->fresh;
    struct e5_journal *journal = journal_of(entry->engine);
    if (journal != NULL && verify) find_file(entry, journal);
    if (recall->is_finished || recall->wants_new || item->request == NULL ||
        (journal = journal_of(entry->engine)) == NULL)
        return;
    if (e5_journal_find(journal, entry->fingerprint, &recall->job, &err) != E5_OK) note_failure(entry->engine, &err);
}

void e5_memory_intend(struct e5_entry *entry) {
    const struct e5_fetch_item *item = entry->item;
    struct e5_recall *recall = entry->recall;
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal *journal = journal_of(entry->engine);
    recall->is_granted = true;
    if (journal == NULL) return;
    enum e5_status status = E5_OK;
    if (recall->lost_id[0] != '\0') status = e5_journal_status(journal, recall->lost_id, "gone", &err);
    if (status == E5_OK)
        status = e5_journal_intend(journal, entry->fingerprint, item->dataset, item->request, recall->limit,
                                   recall->wants_new, &recall->is_granted, &recall->job, &err);
    if (status == E5_OK) return;
    recall->is_granted = true;
    recall->job = (struct e5_journal_job){.state = E5_JOURNAL_NONE};
    note_failure(entry->engine, &err);
}

void e5_memory_created(struct e5_entry *entry) {
    const struct e5_fetch_item *item = entry->item;
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal *journal = journal_of(entry->engine);
    if (journal == NULL || item->request == NULL) return;
    if (e5_journal_created(journal, entry->fingerprint, item->dataset, item->request, entry->job_id, &err) != E5_OK)
        note_failure(entry->engine, &err);
}

/* Notes. */

static struct note *add_note(struct e5_engine *engine, enum note_kind kind, const char *key) {
    if (!e5_memory_is_there(engine)) return NULL;
    struct batch *batch = &engine->notes->next;
    if (batch->count == batch->capacity) {
        size_t more = 2 * batch->capacity + 16;
        if (e5_grow(batch->capacity, more, sizeof *batch->notes, &batch->notes, NULL) != E5_OK) return NULL;
        batch->capacity = more;
    }
    struct note *note = &batch->notes[batch->count++];
    *note = (struct note){.kind = kind};
    e5_text_copy(note->key, sizeof note->key, key);
    return note;
}

void e5_memory_note_status(struct e5_engine *engine, const char *job_id, const char *word) {
    struct note *note = add_note(engine, NOTE_STATUS, job_id);
    if (note != NULL) e5_text_copy(note->word, sizeof note->word, word);
}

void e5_memory_note_lane(struct e5_engine *engine, const struct e5_lane *lane) {
    const struct e5_admission *admission = &lane->admission;
    struct note *note = lane->dataset[0] != '\0' ? add_note(engine, NOTE_LANE, "") : NULL;
    if (note == NULL) return;
    double hold = fmax(admission->hold_until - e5_clock_monotonic(), 0);
    note->dataset = lane->dataset;
    note->lane = (struct e5_journal_lane){admission->limit, e5_clock_wall() + hold, admission->rejected};
}

static struct e5_journal_file *add_file(struct e5_engine *engine, const struct e5_entry *entry, const char *target,
                                        const struct stat *info) {
    struct note *note = add_note(engine, NOTE_FILE, "");
    if (note == NULL || e5_alloc(1, sizeof *note->file, &note->file, NULL) != E5_OK) return NULL;
    note->target = target;
    *note->file = (struct e5_journal_file){.size = info->st_size,
                                           .mtime_ns = changed_at(info),
                                           .inode = (int64_t)info->st_ino,
                                           .verified = entry->result->verified};
    memcpy(note->file->job_id, entry->job_id, sizeof note->file->job_id);
    return note->file;
}

/* Known as ours, so that a later call may replace them; a request is answered by them and the target together. */
static void note_files_beside(struct e5_engine *engine, const struct e5_entry *entry) {
    const struct e5_fetch_unpacked *unpacked = &entry->load->unpacked;
    for (size_t i = 1; unpacked->files != NULL && unpacked->files[i] != NULL; i++)
        if (add_file(engine, entry, unpacked->files[i], &unpacked->info[i]) == NULL) return;
}

void e5_memory_note_file(struct e5_engine *engine, const struct e5_entry *entry) {
    static const struct e5_checksum_result none;
    const struct e5_checksum_result *sums = entry->load->is_unpacked ? &none : &entry->result->checksum;
    const char *kind, *sum = e5_checksum_telling(sums, entry->load->state.checksum, &kind);
    note_files_beside(engine, entry); /* first: a target without them would be taken for all there is */
    struct e5_journal_file *file = add_file(engine, entry, entry->item->target, &entry->load->published);
    if (file == NULL) return;
    engine->notes->next.notes[engine->notes->next.count - 1].item = entry->item;
    memcpy(file->fingerprint, entry->fingerprint, sizeof file->fingerprint);
    e5_text_copy(file->checksum, sizeof file->checksum, sum);
    e5_text_copy(file->checksum_kind, sizeof file->checksum_kind, kind);
}

void e5_memory_note_end(struct e5_engine *engine, struct e5_entry *entry, bool arrived) {
    if (!entry->is_granted) return;
    entry->is_granted = false;
    add_note(engine, arrived ? NOTE_ABANDON : NOTE_WITHDRAW, entry->fingerprint);
}

static enum e5_status write_file(struct e5_journal *journal, const struct note *note, struct e5_error *err) {
    char path[PATH_MAX];
    const struct e5_fetch_item *item = note->item;
    enum e5_status status = E5_OK;
    bool all;
    if (note->file == NULL || !absolute_path(note->target, path)) return E5_OK;
    if (item != NULL) /* what lay beside an earlier target and has been changed since belongs to this one no more */
        status = look_beside(journal, path, note->file->job_id, true, &all, err);
    if (status != E5_OK) return status;
    return e5_journal_file_save(journal, path, note->file, item != NULL ? item->dataset : NULL,
                                item != NULL ? item->request : NULL, err);
}

static enum e5_status write_note(struct e5_journal *journal, const struct note *note, struct e5_error *err) {
    switch (note->kind) {
    case NOTE_STATUS: return e5_journal_status(journal, note->key, note->word, err);
    case NOTE_LANE: return e5_journal_lane_save(journal, note->dataset, &note->lane, err);
    case NOTE_FILE: return write_file(journal, note, err);
    case NOTE_CONFIRM: return e5_journal_confirm(journal, note->key, err);
    case NOTE_WITHDRAW: return e5_journal_withdraw(journal, note->key, err);
    case NOTE_ABANDON: break;
    }
    return e5_journal_abandon(journal, note->key, err);
}

static enum e5_status write_batch(void *context, struct e5_watch *watch, struct e5_error *unused) {
    struct e5_notes *notes = context;
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal *journal = journal_of(notes->engine);
    (void)watch, (void)unused;
    e5_journal_heed(notes->engine->watch);
    for (size_t i = 0; journal != NULL && i < notes->now.count; i++)
        if (write_note(journal, &notes->now.notes[i], &err) != E5_OK) break;
    e5_journal_heed(NULL);
    if (err.status != E5_OK) note_failure(notes->engine, &err);
    atomic_store(&notes->is_over, true);
    return E5_OK;
}

static void empty(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) free(batch->notes[i].file);
    batch->count = 0;
}

static void swap_batches(struct e5_notes *notes) {
    struct batch full = notes->next;
    notes->next = notes->now;
    notes->now = full;
    empty(&notes->next);
}

static void finish_batch(struct e5_notes *notes) {
    if (notes->job != NULL && e5_job_finish(notes->job, NULL) != E5_OK) atomic_store(&notes->has_failed, true);
    notes->job = NULL;
}

static void confirm_grants(struct e5_engine *engine, double now) {
    struct e5_notes *notes = engine->notes;
    if (now - notes->confirmed < fmax(CONFIRM * engine->policy.pace, 0.01)) return;
    notes->confirmed = now;
    for (size_t i = 0; i < engine->claimed_count; i++)
        if (engine->claimed[i]->is_granted) add_note(engine, NOTE_CONFIRM, engine->claimed[i]->fingerprint);
}

void e5_memory_tend(struct e5_engine *engine) {
    struct e5_notes *notes = engine->notes;
    if (notes == NULL) return;
    confirm_grants(engine, e5_clock_monotonic());
    if (notes->job != NULL && !atomic_load(&notes->is_over)) return;
    finish_batch(notes);
    if (notes->next.count == 0) return;
    swap_batches(notes);
    atomic_store(&notes->is_over, false);
    struct e5_error err = E5_ERROR_NONE;
    if (e5_job_start(write_batch, notes, &notes->job, &err) != E5_OK) {
        notes->job = NULL;
        note_failure(engine, &err);
    }
}

void e5_memory_close(struct e5_engine *engine) {
    struct e5_notes *notes = engine->notes;
    if (notes == NULL) return;
    finish_batch(notes);
    swap_batches(notes);
    if (write_batch(notes, NULL, NULL) != E5_OK) atomic_store(&notes->has_failed, true);
    empty(&notes->now);
    free(notes->next.notes);
    free(notes->now.notes);
    free(notes);
    engine->notes = NULL;
}
