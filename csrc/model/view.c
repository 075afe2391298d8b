#include "model/view.h"

#include <math.h>
#include <string.h>

#define DTYPES(ROW)                      \
    ROW(F32, float, uint32_t, float32)   \
    ROW(F64, double, uint64_t, float64)  \
    ROW(I8, int8_t, uint8_t, int8)       \
    ROW(U8, uint8_t, uint8_t, uint8)     \
    ROW(I16, int16_t, uint16_t, int16)   \
    ROW(U16, uint16_t, uint16_t, uint16) \
    ROW(I32, int32_t, uint32_t, int32)   \
    ROW(U32, uint32_t, uint32_t, uint32) \
    ROW(I64, int64_t, uint64_t, int64)   \
    ROW(U64, uint64_t, uint64_t, uint64)

static inline uint8_t swap_uint8_t(uint8_t bits) { return bits; }
static inline uint16_t swap_uint16_t(uint16_t bits) { return __builtin_bswap16(bits); }
static inline uint32_t swap_uint32_t(uint32_t bits) { return __builtin_bswap32(bits); }
static inline uint64_t swap_uint64_t(uint64_t bits) { return __builtin_bswap64(bits); }
#define KEEP(bits) (bits)

/* Stored elements to double.  memcpy because views may be misaligned; neighbouring elements get a loop of their own,
 * which the compiler turns into vector code. */
#define LOADER(name, type, bits_type, order)                                               \
    static void name(const char *from, ptrdiff_t stride, size_t n, double *restrict out) { \
        bits_type bits;                                                                    \
        type value;                                                                        \
        if (stride == (ptrdiff_t)sizeof value) {                                           \
            for (size_t i = 0; i < n; i++) {                                               \
                memcpy(&bits, from + i * sizeof bits, sizeof bits);                        \
                bits = order(bits);                                                        \
                memcpy(&value, &bits, sizeof value);                                       \
                out[i] = (double)value;                                                    \
            }                                                                              \
        } else {                                                                           \
            for (size_t i = 0; i < n; i++) {                                               \
                memcpy(&bits, from + (ptrdiff_t)i * stride, sizeof bits);                  \
                bits = order(bits);                                                        \
                memcpy(&value, &bits, sizeof value);                                       \
                out[i] = (double)value;                                                    \
            }                                                                              \
        }                                                                                  \
    }
#define BOTH_LOADERS(NAME, type, bits_type, text) \
    LOADER(native_##NAME, type, bits_type, KEEP)  \
    LOADER(swapped_##NAME, type, bits_type, swap_##bits_type)
DTYPES(BOTH_LOADERS)

static const struct {
    const char *name;
    size_t size;
    void (*load[2])(const char *from, ptrdiff_t stride, size_t n, double *restrict out); /* native, swapped */
} rows[E5_DTYPE_COUNT] = {
#define TABLE_ROW(NAME, type, bits_type, text) [E5_##NAME] = {#text, sizeof(type), {native_##NAME, swapped_##NAME}},
    DTYPES(TABLE_ROW)};

size_t e5_dtype_size(enum e5_dtype dtype) { return rows[dtype].size; }
const char *e5_dtype_name(enum e5_dtype dtype) { return rows[dtype].name; }

bool e5_packing_is_none(const struct e5_packing *packing) {
    return packing->scale == 1 && packing->offset == 0 && isnan(packing->fill) && isnan(packing->missing) &&
           packing->others == 0 && packing->valid_min == -INFINITY && packing->valid_max == INFINITY;
}

/* Comparisons with NaN are false, so a NaN that stands for "none" excludes nothing, and stored NaN stays NaN.
 * Written as four choices the loop becomes vector code (with -fno-trapping-math). */
static void unpack(const struct e5_packing *packing, size_t n, double *restrict value) {
    const struct e5_packing p = *packing;
    for (int k = 0; k < p.others; k++)
        for (size_t i = 0; i < n; i++) value[i] = value[i] == p.other[k] ? NAN : value[i];
    for (size_t i = 0; i < n; i++) {
        double stored = value[i], unpacked = stored * p.scale + p.offset;
        unpacked = stored == p.fill ? NAN : unpacked;
        unpacked = stored == p.missing ? NAN : unpacked;
        unpacked = stored < p.valid_min ? NAN : unpacked;
        value[i] = stored > p.valid_max ? NAN : unpacked;
    }
}

void e5_view_decode(const struct e5_view *view, const char *from, ptrdiff_t stride, size_t n, double *out) {
    enum { BLOCK = 2048 }; /* values that stay in the first cache between the two passes */
    bool plain = e5_packing_is_none(&view->packing);
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t count = n - done < BLOCK ? n - done : BLOCK;
        rows[view->dtype].load[view->swapped](from + (ptrdiff_t)done * stride, stride, count, out + done);
        if (!plain) unpack(&view->packing, count, out + done);
    }
}
