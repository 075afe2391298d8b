/* path: the one name of a file: absolute and without links, whatever way leads to it.
 *
 * So that a later chdir() does not move it, and two ways to one file give one name.  The caller frees what *out gets;
 * after a failure it is NULL.  Any thread; looks at the file system, so it may wait for the disk. */
#ifndef E5_BASE_PATH_H
#define E5_BASE_PATH_H

#include "base/error.h"

/* The file that is there; where there is none yet, its name in its folder.  A link that leads nowhere is ENOENT.
 * `doing` is what cannot be done otherwise, for the message. */
E5_MUST_USE enum e5_status e5_path_real(const char *path, const char *doing, char **out, struct e5_error *err);
/* The name in its folder, whether there is such a file or not: only the folder must exist, and if the name is that of
 * a link, it is the link's. */
E5_MUST_USE enum e5_status e5_path_in_folder(const char *path, const char *doing, char **out, struct e5_error *err);

#endif
