/* provider: which copy of another library serves us: its version, and the file that it was loaded from.
 *
 * A process may hold several copies of one library, brought by several packages; who looks for a fault must know
 * which one is ours.  Every room describes the libraries that only it may know, with one of these for each.
 * Any thread; nothing blocks. */
#ifndef E5_BASE_PROVIDER_H
#define E5_BASE_PROVIDER_H

#include <stddef.h>

#define E5_PROVIDER_MOST 4 /* libraries of one room */

struct e5_provider {
    const char *name;
    char built[48];  /* version of the headers that we were compiled with */
    char loaded[48]; /* version that says so of itself now */
    char path[1024]; /* file that holds it: our own module where it was linked into that; "" where nobody knows */
};

/* Any function of the library, as something that has an address. */
#define E5_PROVIDER_SYMBOL(function) ((const void *)(uintptr_t)&(function))

void e5_provider_set(struct e5_provider *out, const char *name, const char *built, const char *loaded,
                     const void *symbol);
/* libcrypto: the one library of this room. */
size_t e5_provider_base(struct e5_provider out[E5_PROVIDER_MOST]);

#endif
