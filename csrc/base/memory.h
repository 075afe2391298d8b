/* memory: how much of it there is for us, having it and giving it back at once.
 *
 * Limits that are a share of the memory all begin here.  Any thread; _available reads two small files of the system
 * when it is called for the first time, and then stays with what they said. */
#ifndef E5_BASE_MEMORY_H
#define E5_BASE_MEMORY_H

#include <stddef.h>

/* Bytes of the machine, or of the container that we are in, or that this process may map, where that is less. */
size_t e5_memory_available(void);
/* Have the system provide the pages behind new memory that will be filled anyway: one call instead of a fault for
 * each page.  Where it cannot, nothing happens. */
void e5_memory_provide(void *memory, size_t bytes);
/* Let the system take what was freed already. */
void e5_memory_trim(void);
/* Let the system take the pages behind memory that is about to be freed: free() may keep them.  What it holds is
 * lost. */
void e5_memory_drop(void *memory, size_t bytes);

#endif
