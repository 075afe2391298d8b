/* fetch_dismiss: when the user cancels and wants it so, the service forgets the jobs that have not ended.
 *
 * One call for all, less than a second at most, best effort; what is dismissed is forgotten here too, so that no
 * later call goes on with it.  On the engine's thread, after the loop; blocks. */
#ifndef E5_DRIVE_FETCH_DISMISS_H
#define E5_DRIVE_FETCH_DISMISS_H

#include "drive/fetch_engine.h"

void e5_dismiss(struct e5_engine *engine);

#endif
