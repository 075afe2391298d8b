#include "base/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int chosen = -1; /* −1: nobody has asked yet */

static enum e5_isa of_processor(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return E5_ISA_AVX512; /* as every processor since 2017 that has the first */
    if (__builtin_cpu_supports("avx2")) return E5_ISA_AVX2;
#endif
    return E5_ISA_BASELINE;
}

const char *e5_isa_name(enum e5_isa which) {
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    return (size_t)which < sizeof names / sizeof *names ? names[which] : NULL;
}

static enum e5_isa of_environment(void) {
    const char *asked = getenv("ERA5FAST_ISA"), *name;
    for (int i = E5_ISA_BASELINE; asked != NULL && (name = e5_isa_name((enum e5_isa)i)) != NULL; i++)
        if (strcmp(asked, name) == 0) return (enum e5_isa)i;
    return E5_ISA_AVX512;
}

void e5_isa_limit(enum e5_isa most) {
    enum e5_isa has = of_processor();
    atomic_store(&chosen, (int)(most < has ? most : has));
}

enum e5_isa e5_isa(void) {
    if (atomic_load_explicit(&chosen, memory_order_relaxed) < 0) e5_isa_limit(of_environment());
    return (enum e5_isa)atomic_load_explicit(&chosen, memory_order_relaxed);
}
