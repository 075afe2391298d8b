/* texts: a variable of texts, such as `expver` of the present CDS layout.
 *
 * Read directly where the map of the variable allows it, else through netcdf-c under the gate, in one call.  Any
 * thread; blocks on disk, and on the gate where the map says E5_BY_LIBRARY.  A variable that claims more than
 * E5_TEXTS_MAX texts or E5_TEXTS_BYTES is E5_UNSAFE. */
#ifndef E5_IO_TEXTS_H
#define E5_IO_TEXTS_H

#include "io/header.h"

#define E5_TEXTS_MAX ((size_t)1 << 24)
#define E5_TEXTS_BYTES ((size_t)256 << 20)

struct e5_texts {
    size_t count, width; /* each text has `width` bytes, the rest of which is NUL, and at least the last one */
    char *bytes;         /* count × width, to be freed */
};

/* The last dimension of a variable of characters is within the texts: width is its length + 1. */
E5_MUST_USE enum e5_status e5_texts_read(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                         struct e5_texts *out, struct e5_error *err);

#endif
