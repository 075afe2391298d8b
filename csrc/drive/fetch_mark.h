/* fetch_mark: what is made durable while bytes arrive, so that even after a power cut the next call goes on near
 * here.
 *
 * A mark is due every 64 MiB or 30 s: data are synced, then the state.  On the engine's thread, but for _write, the
 * disk task. */
#ifndef E5_DRIVE_FETCH_MARK_H
#define E5_DRIVE_FETCH_MARK_H

#include "drive/fetch_load.h"

void e5_mark_begin(struct e5_load *load); /* the part is open */
/* Every round while bytes arrive; a mark that cannot be made is the end of the entry. */
void e5_mark_tend(struct e5_engine *engine, struct e5_entry *entry, double now);
bool e5_mark_is_due(const struct e5_load *load); /* is more here than is durable? */
/* Before _write: what is to be marked. */
void e5_mark_prepare(struct e5_entry *entry);
E5_MUST_USE enum e5_status e5_mark_write(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err);
void e5_mark_made(struct e5_load *load); /* after _write, where it succeeded */

#endif
