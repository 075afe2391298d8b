/* probe: what a file is, looked at before any library sees it, and whether it is still the same file later.
 *
 * A library that is handed a web page, half a file or a named pipe answers "unknown file format", hangs or crashes;
 * here the first bytes are read and the message says what was found and what to do.  Plain values, nothing to free
 * but the descriptor that e5_probe_reopen() gives.  Any thread; blocks on disk only. */
#ifndef E5_IO_PROBE_H
#define E5_IO_PROBE_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/watch.h"

enum e5_container { E5_NETCDF3, E5_HDF5 };

struct e5_probe {
    enum e5_container container;
    uint64_t size;  /* bytes of the file */
    uint64_t start; /* where an HDF5 file begins behind a user block; 0 otherwise */
    struct stat identity;
    bool kept;      /* `descriptor` is open, for the time that much is read: see _file_kept() */
    int descriptor;
    struct e5_watch *watch; /* whoever may cancel while it is kept, or NULL */
};

/* Report a fault of a file: its last name and what is wrong in `what`, the whole path as target, and a hint ("":
 * none). */
E5_MUST_USE enum e5_status e5_probe_fail(struct e5_error *err, enum e5_status status, const char *path,
                                         const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* E5_STORAGE: cannot be opened; E5_CORRUPT: empty, cut short, or something else than netCDF; E5_TARGET_BUSY: somebody
 * writes to it with HDF5, as far as locks tell. */
E5_MUST_USE enum e5_status e5_probe_file(const char *path, struct e5_probe *out, struct e5_error *err);
/* The same, and until _let_go (in any state) _reopen gives copies of one descriptor: opening a file again and again
 * is slow, above all on file systems of other machines. */
E5_MUST_USE enum e5_status e5_probe_file_kept(const char *path, struct e5_probe *out, struct e5_error *err);
void e5_probe_let_go(struct e5_probe *probe);
/* Open for reading what was probed; E5_CORRUPT when the file was replaced, shortened, changed or deleted since. */
E5_MUST_USE enum e5_status e5_probe_reopen(const char *path, const struct e5_probe *probe, int *out_descriptor,
                                           struct e5_error *err);
E5_MUST_USE enum e5_status e5_probe_unchanged(const char *path, const struct e5_probe *probe, int descriptor,
                                              struct e5_error *err);
/* Exactly `size` bytes at `address`; fewer are E5_CORRUPT. */
E5_MUST_USE enum e5_status e5_probe_read(const char *path, int descriptor, uint64_t address, void *out, size_t size,
                                         struct e5_error *err);

#endif
