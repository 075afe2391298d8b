/* fetch_look: has the submission whose reply was lost made a job?
 *
 * The newest jobs of the dataset are compared with the request, one by one; what was compared once is not asked for
 * again.  Called by the engine, on its thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_LOOK_H
#define E5_DRIVE_FETCH_LOOK_H

#include "drive/fetch_engine.h"

void e5_fetch_look(struct e5_engine *engine, struct e5_entry *entry);

#endif
