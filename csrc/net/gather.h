/* gather: many small blocks → few large ones.
 *
 * libcurl hands out what it has received 16 KiB at a time, and each write has its price.  Blocks of one owner are put
 * together until there is room for no more, another owner comes, or _flush is called.  The holder owns it; one
 * thread; _add and _flush block as long as `give` does. */
#ifndef E5_NET_GATHER_H
#define E5_NET_GATHER_H

#include <stdbool.h>
#include <stddef.h>

struct e5_gather {
    bool (*give)(void *owner, const char *bytes, size_t size); /* false: nobody wants them */
    char *bytes; /* NULL: not needed yet, or not to be had */
    size_t used;
    void *owner; /* of what is gathered */
};

/* False: `give` did not take what is this owner's.  What it says of another's is told to nobody. */
bool e5_gather_add(struct e5_gather *gather, void *owner, const char *bytes, size_t size);
bool e5_gather_flush(struct e5_gather *gather);
void e5_gather_forget(struct e5_gather *gather, const void *owner); /* its bytes are worth nothing any more */
void e5_gather_fini(struct e5_gather *gather);

#endif
