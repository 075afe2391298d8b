/* fetch_memory: what the engine tells the journal, and what it learns from it.
 *
 * Reading, and what must be written before the next step, is done by disk tasks; all else is noted and written by a
 * thread beside the loop, in the order noted.  A journal that fails is reported once and done without.
 * Functions for tasks may be called from any thread, the others from the engine's. */
#ifndef E5_DRIVE_FETCH_MEMORY_H
#define E5_DRIVE_FETCH_MEMORY_H

#include <sys/stat.h>

#include "drive/fetch_engine.h"

struct e5_recall { /* what the journal knows of an entry; the disk task's while one runs */
    struct e5_journal_job job;
    struct e5_journal_file file;
    bool is_granted,
        is_finished; /* finished: target and files beside it are what was made of this request, untouched */
    bool wants_new;               /* copy of the entry's */
    double limit;
    char lost_id[E5_CDS_ID_SIZE];
};

#define E5_RECALL_OLD 86400.0 /* seconds after which the results of an ended job are not counted on */

E5_MUST_USE enum e5_status e5_memory_open(struct e5_engine *engine, struct e5_error *err);
void e5_memory_close(struct e5_engine *engine); /* writes what is noted */
bool e5_memory_is_there(const struct e5_engine *engine);
/* entry->recall, made where there is none. */
E5_MUST_USE enum e5_status e5_memory_prepare(struct e5_entry *entry, struct e5_error *err);

/* For tasks: read entry->recall; get the submission granted; keep the new job.  The journal's own failures are no
 * failures of these. */
void e5_memory_find(struct e5_entry *entry);
void e5_memory_intend(struct e5_entry *entry);
void e5_memory_created(struct e5_entry *entry);
/* Is the file at `path` one that an earlier call finished, untouched since?  `entry` is a struct e5_entry. */
bool e5_memory_knows(void *entry, const char *path, const struct stat *info);

/* Notes. */
void e5_memory_note_status(struct e5_engine *engine, const char *job_id, const char *word);
void e5_memory_note_lane(struct e5_engine *engine, const struct e5_lane *lane);
/* The file has its final name; entry->load->published describes it.  With those that lie beside it. */
void e5_memory_note_file(struct e5_engine *engine, const struct e5_entry *entry);
/* The grant is given back: `arrived` where the submission may have made a job. */
void e5_memory_note_end(struct e5_engine *engine, struct e5_entry *entry, bool arrived);
/* Write what is noted, a batch at a time: every round. */
void e5_memory_tend(struct e5_engine *engine);

#endif
