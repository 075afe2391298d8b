/* scan_request: one kernel in a scan, with its periods and the place of its results.
 *
 * The caller owns all that it points to.  Nothing here blocks; any thread. */
#ifndef E5_DRIVE_SCAN_REQUEST_H
#define E5_DRIVE_SCAN_REQUEST_H

#include "kernels/kernel.h"

/* One of several parts in which a series comes, in order of time, each in a call of its own: any cut gives the bits
 * of the whole.  `of_sample` has the steps of the part; its periods are counted from the one that goes on from the
 * part before, or else from the first that is asked for.  The `finished` first ones get results, no later step
 * belongs to them.  One more may go on in the next part. */
struct e5_scan_part {
    size_t finished;
    const void *in; /* states as the part before gave them; NULL: nothing goes on from there */
    void *out; /* room for e5_scan_request_bytes(); NULL when nothing goes on, `finished` is then all periods */
};

struct e5_scan_request {
    const struct e5_kernel *kernel;
    const struct e5_params *params;
    const struct e5_periods *periods;
    enum e5_dtype out_dtype; /* E5_F32 or E5_F64 */
    void *out; /* periods (of a part: those finished) × cells, owned by the caller */
    const struct e5_scan_part *part; /* NULL: the series is whole; of the requests of a call, all or none */
};

/* Bytes of the states of all cells between two parts; what they hold depends on these arguments and the data only. */
size_t e5_scan_request_bytes(const struct e5_scan_request *request, size_t cells, enum e5_dtype dtype);

#endif
