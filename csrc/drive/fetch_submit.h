/* fetch_submit: what the stages of a request do until it has a job: intend, submit, record; what
 * looks for a lost one is drive/fetch_look.
 *
 * Called by the engine, on its thread; what waits for the disk is handed to disk tasks. */
#ifndef E5_DRIVE_FETCH_SUBMIT_H
#define E5_DRIVE_FETCH_SUBMIT_H

#include "drive/fetch_engine.h"

void e5_fetch_intend(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_submit(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_record(struct e5_engine *engine, struct e5_entry *entry);

#endif
