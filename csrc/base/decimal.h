/* decimal: numbers as text, with as few digits as bring back the same number.
 *
 * A float or double is written as Python's repr() writes it: the shortest decimal that reads as the same value and,
 * of those, the nearest to it; with an exponent below 0.0001 and from 1e16 on.  The method is Raffaello Giulietti's
 * Schubfach ("The Schubfach way to render doubles", 2020).  Nothing is allocated; the powers of ten are worked out
 * once, at the first call.  Any thread; nothing blocks. */
#ifndef E5_BASE_DECIMAL_H
#define E5_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { E5_DECIMAL_MAX = 40 }; /* bytes that may be written: more than a number has */

/* Bytes written to `out`, which has room for E5_DECIMAL_MAX; no NUL follows.  "nan", "inf" and "-inf" as in Python.
 */
size_t e5_decimal_double(double value, char *out);
size_t e5_decimal_single(float value, char *out);
size_t e5_decimal_integer(int64_t value, char *out);

#endif
