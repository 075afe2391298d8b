/* view: n-dimensional memory that belongs to somebody else.
 *
 * A view never owns its data.  Strides are in bytes and may be negative or zero.  `swapped` means the other byte
 * order.  Packed values (old CDS files, or arrays that a caller passes packed) unpack as stored × scale + offset,
 * after the test for `fill`.  Any thread may read a view; nothing blocks. */
#ifndef E5_MODEL_VIEW_H
#define E5_MODEL_VIEW_H

#include <stdint.h>

#include "base/error.h"

enum e5_dtype { E5_F32, E5_F64, E5_I8, E5_U8, E5_I16, E5_U16, E5_I32, E5_U32, E5_I64, E5_U64, E5_DTYPE_COUNT };

#define E5_MAX_DIMS 6
#define E5_MAX_OTHERS 4

struct e5_packing {
    double scale, offset;   /* 1 and 0 when the values are not packed */
    double fill, missing;   /* stored values that mean "missing"; NaN when there is none */
    double valid_min, valid_max; /* stored values outside mean "missing"; −inf and inf when there is no limit */
    double other[E5_MAX_OTHERS]; /* more of them, which is rare; none is NaN … */
    int others; /* … and how many; a file may have more than there is room for: reading refuses it */
};
#define E5_PACKING_NONE                                 \
    ((struct e5_packing){.scale = 1,                    \
                         .offset = 0,                   \
                         .fill = __builtin_nan(""),     \
                         .missing = __builtin_nan(""),  \
                         .valid_min = -__builtin_inf(), \
                         .valid_max = __builtin_inf()})

struct e5_view {
    const void *data;
    enum e5_dtype dtype;
    bool swapped;
    int ndim;
    size_t shape[E5_MAX_DIMS];
    ptrdiff_t strides[E5_MAX_DIMS];
    struct e5_packing packing;
};

bool e5_packing_is_none(const struct e5_packing *packing); /* stored values are what is meant */
size_t e5_dtype_size(enum e5_dtype dtype);
const char *e5_dtype_name(enum e5_dtype dtype); /* "float32" */
/* Decode n stored elements of the view's dtype, `stride` bytes apart, to double: byte order, fill → NaN, scale and
 * offset.  Whoever wants float32 rounds the result once. */
void e5_view_decode(const struct e5_view *view, const char *from, ptrdiff_t stride, size_t n, double *out);

#endif
