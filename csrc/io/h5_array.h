/* h5_array: chunk indexes that are arrays, fixed ones and those that grow along one dimension.
 *
 * One thread at a time; the walks block on disk. */
#ifndef E5_IO_H5_ARRAY_H
#define E5_IO_H5_ARRAY_H

#include "io/h5_collector.h"

E5_MUST_USE enum e5_status e5_h5_walk_fixed_array(struct e5_h5_collector *collector, struct e5_error *err);
E5_MUST_USE enum e5_status e5_h5_walk_extensible_array(struct e5_h5_collector *collector, struct e5_error *err);

#endif
