/* memory: how much of it there is for us.
 *
 * Limits that are a share of the memory all begin here.  Any thread; reads two small files of the system. */
#ifndef E5_BASE_MEMORY_H
#define E5_BASE_MEMORY_H

#include <stddef.h>

/* Bytes of the machine, or of the container that we are in where that has less. */
size_t e5_memory_available(void);

#endif
