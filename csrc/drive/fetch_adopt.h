/* fetch_adopt: an entry gets a job, from whomever, and loses it.
 *
 * On the engine's thread; nothing blocks.  Nothing is told to the journal here. */
#ifndef E5_DRIVE_FETCH_ADOPT_H
#define E5_DRIVE_FETCH_ADOPT_H

#include "drive/fetch_engine.h"

/* The entry goes on with this job, which somebody else has made. */
void e5_fetch_adopt(struct e5_entry *entry, const char *job_id, const char *word);
/* It is made by the entry's own submission. */
void e5_fetch_take_job(struct e5_entry *entry, const char *job_id);
/* The job is of no use any more: a new one is wanted. */
void e5_fetch_forget_job(struct e5_entry *entry);

#endif
