/* scan_pass: one pass of SCAN kernels over steps × cells, and what every way through it has in common.
 *
 * drive/scan cuts a pass into segments of cells and owns it; ways through it walk strips of steps, in which each
 * request of a segment has a lane.  A lane belongs to the task at hand; different lanes may be at work in different
 * threads.  Nothing blocks. */
#ifndef E5_DRIVE_SCAN_PASS_H
#define E5_DRIVE_SCAN_PASS_H

#include "drive/cells.h"
#include "drive/scan_request.h"
#include "drive/source.h"

/* One request at one segment, in periods [first, end). */
struct e5_scan_lane {
    char *state;
    int32_t period; /* at hand; first − 1: none yet */
    int32_t first, end;
};

struct e5_scan_pass {
    struct e5_source *source;
    const struct e5_scan_request *requests;
    size_t n;
    struct e5_cells cells; /* of an array, or a block, that is decoded strip by strip */
    size_t size; /* of a value */
    size_t segment, segments, strip;
    char *scratch; /* slots × slot_bytes: a row of results, and a strip where one is decoded */
    size_t slot_bytes;
    struct e5_watch *watch;
    const char *block; /* steps × cells at hand; NULL: decoded strip by strip */
    size_t first, steps;
};

struct e5_scan_range {
    size_t first, count; /* cells */
};

struct e5_scan_range e5_scan_segment(const struct e5_scan_pass *pass, size_t index);
/* Bytes of the states of a cell, of all requests together. */
size_t e5_scan_cell_bytes(const struct e5_scan_pass *pass);
/* Leave the period at hand and begin the next ones up to `to`; those in between have no samples. */
void e5_scan_advance(const struct e5_scan_pass *pass, const struct e5_scan_request *request,
                     struct e5_scan_lane *lane, int32_t to, struct e5_scan_range cells, double *values);
/* Have all requests see steps [step, end) of the block at hand; `lanes` has one for each of them, `scratch` is that
 * of a slot. */
E5_MUST_USE enum e5_status e5_scan_steps(const struct e5_scan_pass *pass, struct e5_scan_lane *lanes, size_t step,
                                         size_t end, struct e5_scan_range cells, char *scratch, struct e5_error *err);

#endif
