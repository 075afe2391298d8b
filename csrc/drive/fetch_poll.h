/* fetch_poll: what became of the jobs: one look at the list serves all; what it does not show is asked for alone.
 *
 * The list gives states and result locations of all open jobs, and tells how many jobs of others are queued.
 * net/pacer.h says when to look.  Called by the engine, on its thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_POLL_H
#define E5_DRIVE_FETCH_POLL_H

#include "drive/fetch_engine.h"

void e5_fetch_poll(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_locate(struct e5_engine *engine, struct e5_entry *entry);

void e5_poll_init(struct e5_engine *engine);
/* Look if it is time; returns when to look next, infinity where nobody waits. */
double e5_poll_tend(struct e5_engine *engine);

#endif
