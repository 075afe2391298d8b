/* fetch_target: what the stages of a request do with the target before bytes come: claim it, find out what is known.
 *
 * Called by the engine, on its thread; what waits for the disk is handed to disk tasks. */
#ifndef E5_DRIVE_FETCH_TARGET_H
#define E5_DRIVE_FETCH_TARGET_H

#include "drive/fetch_engine.h"

void e5_fetch_claim(struct e5_engine *engine, struct e5_entry *entry);

/* A disk task: size and checksum of the file that is there. */
E5_MUST_USE enum e5_status e5_fetch_hash_target(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err);
/* The file that is there is the result. */
void e5_fetch_keep_target(struct e5_entry *entry, enum e5_verified verified);

#endif
