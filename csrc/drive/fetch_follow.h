/* fetch_follow: what is done with the bytes of a file while they arrive, by a thread beside the engine's: its
 * checksum is computed, and the members of an archive are unpacked where netCDF is wanted.
 *
 * The thread reads back from the part what has been written; it lives as long as there is something to do for it. On
 * the engine's thread, but for _finish and _sweep, which belong to disk tasks; only _stop and _finish wait. */
#ifndef E5_DRIVE_FETCH_FOLLOW_H
#define E5_DRIVE_FETCH_FOLLOW_H

#include "drive/fetch_load.h"

void e5_follow_tend(struct e5_load *load);
/* The part is whole: hash the rest of it into load->checksum.  load->members stays as it is. */
E5_MUST_USE enum e5_status e5_follow_finish(struct e5_load *load, struct e5_watch *watch, struct e5_error *err);
void e5_follow_stop(struct e5_load *load); /* before the part is closed */
/* Remove the members that were given up: for a disk task, since there may be gigabytes of them. */
void e5_follow_sweep(struct e5_load *load);

#endif
