/* scan_whole: a pass over an array that lies in memory with all its steps.
 *
 * Nothing has to be kept from one block to the next: a task takes a segment of cells through all steps, or through
 * those of some periods, with states in the scratch of its slot, and writes the results.  Blocks until done. */
#ifndef E5_DRIVE_SCAN_WHOLE_H
#define E5_DRIVE_SCAN_WHOLE_H

#include "drive/scan_pass.h"

/* The source is an array, and the series comes in one part. */
bool e5_scan_whole_fits(const struct e5_scan_pass *pass);
/* Whether there are periods enough for all slots to have some of their own: segments may then be as long as is good
 * for memory. */
bool e5_scan_whole_splits(const struct e5_scan_pass *pass, unsigned slots);
/* `pass` has its cut, but no scratch. */
E5_MUST_USE enum e5_status e5_scan_whole(struct e5_scan_pass *pass, const struct e5_parallel *par,
                                         struct e5_error *err);

#endif
