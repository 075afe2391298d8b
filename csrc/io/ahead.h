/* ahead: the next row of chunks, decoded while its reader is busy with what he has.
 *
 * Who goes through a variable a few steps at a time waits at the end of each row of chunks until all of the next one
 * is inflated.  Three reads that begin at equal distances, each later than the one before, are taken for such a walk:
 * the row behind theirs is then offered to threads that have nothing else to do (parallel.h), chunk by chunk, and
 * only those chunks that such a read touches.  They go to the cache of chunks, where they displace nothing that was
 * used since the walk's last read but one.  Beyond the end of the variable nothing is read.  Nothing but time depends
 * on it: what fails here is left for the reader to meet.
 *
 * One walk at a time for all of the process: the others wait until its row is done.  Any thread; _leave blocks while
 * a chunk of that file is being decoded, the other does not.  After fork() the child has no walk. */
#ifndef E5_IO_AHEAD_H
#define E5_IO_AHEAD_H

#include "base/parallel.h"
#include "io/chunks.h"
#include "io/pick.h"

/* A variable was read directly; `path` and `layout` are its file's, the picks fit it. */
void e5_ahead_note(const char *path, const struct e5_layout *layout, const struct e5_map *map,
                   const struct e5_pick *pick, const struct e5_parallel *par);
/* Afterwards nobody looks into the file any more: it may be closed.  NULL is allowed. */
void e5_ahead_leave(const struct e5_layout *layout);

#endif
