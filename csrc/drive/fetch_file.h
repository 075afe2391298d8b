/* fetch_file: what the stages of a request do with its bytes: open the part, load, mark, check, publish, end.
 *
 * Called by the engine, on its thread; what waits for the disk is handed to disk tasks. */
#ifndef E5_DRIVE_FETCH_FILE_H
#define E5_DRIVE_FETCH_FILE_H

#include "drive/fetch_engine.h"

void e5_fetch_open(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_load(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_check(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_end(struct e5_engine *engine, struct e5_entry *entry); /* done or failed */
/* Marks are due every 64 MiB or 30 s while bytes arrive. */
void e5_fetch_tend(struct e5_engine *engine, struct e5_entry *entry);

#endif
