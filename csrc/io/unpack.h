/* unpack: stored elements → the type the reader asked for.
 *
 * Byte order, missing values, scale and offset in one pass.  A value is stored × scale + offset in double, tested for
 * "missing" before scaling, and rounded once when float32 is wanted.  Without packing the value stays exact: float32
 * to float32 keeps its bits.  Integer types give integers as stored, without any of this.
 * Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_IO_UNPACK_H
#define E5_IO_UNPACK_H

#include "model/view.h"

struct e5_unpack {
    enum e5_dtype from, as; /* as: E5_F32, E5_F64, E5_I64 for integers, or the same as `from` */
    bool swapped;           /* stored in the other byte order */
    struct e5_packing packing;
};

/* n contiguous stored elements → n contiguous elements of `as`; the two must not overlap. */
void e5_unpack(const struct e5_unpack *how, const void *from, size_t n, void *to);
/* True when the bytes stay as they are: who brings them into order may put them in place at once. */
bool e5_unpack_keeps_bytes(const struct e5_unpack *how);

#endif
