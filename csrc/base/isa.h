/* isa: which vector instructions the processor has, and may be used.
 *
 * The one dispatch point: code with variants asks e5_isa().  Tests restrict it with e5_isa_limit(), so that every
 * variant runs on one machine; users can with the environment variable ERA5FAST_ISA (baseline, avx2 or avx512).
 * Variants give the same bits.  Any thread; nothing blocks. */
#ifndef E5_BASE_ISA_H
#define E5_BASE_ISA_H

enum e5_isa { E5_ISA_BASELINE, E5_ISA_AVX2, E5_ISA_AVX512 };

enum e5_isa e5_isa(void);
void e5_isa_limit(enum e5_isa most);

/* As users call it; NULL beyond the last. */
const char *e5_isa_name(enum e5_isa which);

#endif
