/* fetch_note: how far a file is, noted in its state while bytes arrive, good after a crash of the process.
 *
 * A note is due every 512 KiB and costs some microseconds; what is good after a power cut is drive/fetch_mark.h.  On
 * the engine's thread. */
#ifndef E5_DRIVE_FETCH_NOTE_H
#define E5_DRIVE_FETCH_NOTE_H

#include "drive/fetch_load.h"

void e5_note_begin(struct e5_load *load); /* the part is open */
void e5_note_tend(void *load); /* after every write to the part: a note, where one is due; takes a struct e5_load */
void e5_note_write(struct e5_load *load); /* due or not */
/* Which bytes of which object are here. */
void e5_note_progress(struct e5_state *state, const struct e5_part *part);

#endif
