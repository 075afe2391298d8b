/* fetch_room: a thread that makes room for a large file in memory while its bytes arrive.
 *
 * On disk room costs nothing; in memory it is most of what writing costs, and whoever receives has no time for it.
 * What it has not reached is made room for by the writing itself, so it may fail or be stopped at any time.  _begin
 * is the engine's thread's, _end waits for a stretch at most and comes before the part is closed. */
#ifndef E5_DRIVE_FETCH_ROOM_H
#define E5_DRIVE_FETCH_ROOM_H

#include "drive/fetch_load.h"

void e5_room_begin(struct e5_load *load);
void e5_room_end(struct e5_load *load);

#endif
