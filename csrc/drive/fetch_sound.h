/* fetch_sound: is a file sound in itself?
 *
 * What net/structure sees of its first and last bytes goes before.  Here the members of an archive that stays one are
 * compared with their own checksums: that of the store says only that the archive is the one which was made.  Classic
 * netCDF has no mark at its end: where the store has no checksum, it is compared with the sizes in its header.
 * Called by the disk task that has the part; reads it once more, and looks at the watch.  E5_CORRUPT: it is not. */
#ifndef E5_DRIVE_FETCH_SOUND_H
#define E5_DRIVE_FETCH_SOUND_H

#include "base/watch.h"
#include "net/place.h"

/* `fd` of the part, under the name that it has at the place; `proven` by a checksum of the store. */
E5_MUST_USE enum e5_status e5_fetch_sound(const struct e5_place *place, int fd, bool proven, struct e5_watch *watch,
                                          struct e5_error *err);

#endif
