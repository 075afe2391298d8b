/* texts: a variable of short texts, such as `expver` of the present CDS layout.
 *
 * Through netcdf-c under the gate, in one call.  Any thread; blocks on gate and disk.  A variable that claims more
 * than E5_TEXTS_MAX texts is E5_UNSAFE. */
#ifndef E5_IO_TEXTS_H
#define E5_IO_TEXTS_H

#include "io/header.h"

#define E5_TEXTS_MAX ((size_t)1 << 24)
#define E5_TEXT_SIZE 16 /* of each text with its NUL; what is longer is cut */

/* `*out` gets `*count` texts of E5_TEXT_SIZE bytes each, to be freed; the last dimension of a variable of characters
 * is within the texts. */
E5_MUST_USE enum e5_status e5_texts_read(const struct e5_ncfile *file, const struct e5_ncvar *var, char **out,
                                         size_t *count, struct e5_error *err);

#endif
