/* alloc: checked allocation.
 *
 * Products of sizes are checked for overflow, memory is returned zeroed (but by _plain), and failure is reported as
 * E5_MEMORY. Free with free().  Any thread; nothing blocks. Tests make the n-th allocation from now fail with
 * e5_alloc_fail_after(n); 0 switches that off. */
#ifndef E5_BASE_ALLOC_H
#define E5_BASE_ALLOC_H

#include <stdlib.h>

#include "base/error.h"

/* count × size zeroed bytes, never NULL on success (also for zero bytes). */
E5_MUST_USE enum e5_status e5_alloc(size_t count, size_t size, void *out_pointer, struct e5_error *err);
/* The same without the zeroes: memory that is written before it is read.  From E5_LARGE_BYTES on it begins with a
 * large page of the system, and lies in such pages where there are any. */
#define E5_LARGE_PAGE ((size_t)2 << 20)
#define E5_LARGE_BYTES (2 * E5_LARGE_PAGE)
E5_MUST_USE enum e5_status e5_alloc_plain(size_t size, void *out_pointer, struct e5_error *err);
/* Grow *out_pointer (may be NULL) from old_count to at least new_count elements; new bytes are zero. */
E5_MUST_USE enum e5_status e5_grow(size_t old_count, size_t new_count, size_t size, void *out_pointer,
                                   struct e5_error *err);
E5_MUST_USE enum e5_status e5_strdup(const char *text, char **out, struct e5_error *err);
/* *out = a × b, or E5_UNSAFE: sizes that come from outside are multiplied with this. */
E5_MUST_USE enum e5_status e5_multiply(size_t a, size_t b, size_t *out, struct e5_error *err);
void e5_alloc_fail_after(long n);

#endif
