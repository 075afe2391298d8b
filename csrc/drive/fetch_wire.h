/* fetch_wire: the connections of a file: how many, for which piece of it, how fast.
 *
 * A file has one connection, and more where slots are idle and they help (net/split).  What happens to one is told to
 * the engine as an event of the entry only where it concerns the whole file.  On the engine's thread; nothing blocks.
 */
#ifndef E5_DRIVE_FETCH_WIRE_H
#define E5_DRIVE_FETCH_WIRE_H

#include "drive/fetch_load.h"

/* The part is open: nothing has been received yet. */
void e5_wire_begin(struct e5_engine *engine, struct e5_load *load);
/* Make connections for pieces that lack bytes and have none.  May be called at any time. */
void e5_wire_start(struct e5_engine *engine, struct e5_entry *entry);
/* Every round: connections that were cut, splits, and each one's share of the bandwidth. */
void e5_wire_tend(struct e5_engine *engine, struct e5_entry *entry, double now);
void e5_wire_drop(struct e5_engine *engine, struct e5_load *load); /* all of them */

#endif
