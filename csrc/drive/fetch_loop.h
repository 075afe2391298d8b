/* fetch_loop: rounds of the engine until every entry has ended, or the user cancels.
 *
 * A round acts on what is due, looks after what runs, claims entries, looks at the jobs, writes notes, moves bytes.
 * The stages are called through engine->stages; the loop knows only when.  Blocks; on the engine's thread. */
#ifndef E5_DRIVE_FETCH_LOOP_H
#define E5_DRIVE_FETCH_LOOP_H

#include "drive/fetch_engine.h"

E5_MUST_USE enum e5_status e5_loop_run(struct e5_engine *engine, struct e5_error *err);

#endif
