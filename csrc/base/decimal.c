#include "base/decimal.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* --- powers of ten --- */

__extension__ typedef unsigned __int128 wide;

/* 10^k × 2^(127 − floor(log2 10^k)), rounded up: 128 bits of which the first is set. */
struct power {
    uint64_t high, low;
};

enum { POWER_MIN = -292, POWER_MAX = 324, LIMBS = 14 };

static struct power powers[POWER_MAX - POWER_MIN + 1];

/* The first 128 bits of a number of many limbs, the lowest first; `exact` when nothing follows them. */
static struct power leading(const uint64_t *limb, bool *exact) {
    int top = LIMBS - 1;
    while (limb[top] == 0) top--;
    int shift = __builtin_clzll(limb[top]);
    uint64_t part[3] = {limb[top], top > 0 ? limb[top - 1] : 0, top > 1 ? limb[top - 2] : 0};
    struct power first = {part[0], part[1]};
    uint64_t rest = part[2];
    if (shift > 0) {
        first.high = part[0] << shift | part[1] >> (64 - shift);
        first.low = part[1] << shift | part[2] >> (64 - shift);
        rest = part[2] << shift;
    }
    *exact = rest == 0;
    for (int i = 0; i < top - 2; i++) *exact = *exact && limb[i] == 0;
    return first;
}

static struct power rounded_up(struct power power, bool exact) {
    if (!exact && ++power.low == 0) power.high++;
    return power;
}

/* 10^k and 5^k have the same leading bits. */
static void make_large(void) {
    uint64_t limb[LIMBS] = {1};
    for (int k = 0; k <= POWER_MAX; k++) {
        bool exact;
        struct power power = leading(limb, &exact);
        powers[k - POWER_MIN] = rounded_up(power, exact);
        wide carry = 0;
        for (int i = 0; i < LIMBS; i++) {
            carry += (wide)limb[i] * 5;
            limb[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
}

/* 2^832 divided by 5 again and again: 292 times leave more than 128 bits, and no quotient is exact. */
static void make_small(void) {
    uint64_t limb[LIMBS] = {[LIMBS - 1] = 1};
    for (int k = -1; k >= POWER_MIN; k--) {
        wide rest = 0;
        for (int i = LIMBS - 1; i >= 0; i--) {
            rest = rest << 64 | limb[i];
            limb[i] = (uint64_t)(rest / 5);
            rest %= 5;
        }
        bool exact;
        struct power power = leading(limb, &exact);
        powers[k - POWER_MIN] = rounded_up(power, false);
    }
}

static void make_powers(void) {
    make_large();
    make_small();
}

static int floor_log2_of_power(int k) { return (k * 1741647) >> 19; } /* floor(log2 10^k) */

/* --- the shortest decimal --- */

struct decimal {
    uint64_t digits;
    int exponent; /* value = digits × 10^exponent */
};

/* g × factor / 2^128, of which the last bit also stands for all that was cut off. */
static uint64_t round_to_odd(struct power g, uint64_t factor) {
    wide low = (wide)g.low * factor, high = (wide)g.high * factor + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* c × 2^q as decimal.  `edge`: the next smaller number is only half as far away as the next larger one. */
static struct decimal shortest(uint64_t c, int q, bool edge) {
    int k = (q * 1262611 - (edge ? 524031 : 0)) >> 22;
    int h = q + floor_log2_of_power(-k) + 1;
    struct power g = powers[-k - POWER_MIN];
    uint64_t odd = c & 1; /* what lies half way is read as its even neighbour */
    uint64_t lower = round_to_odd(g, (4 * c - 2 + edge) << h) + odd, upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t value = round_to_odd(g, (4 * c) << h), s = value / 4; /* in quarters of 10^k */
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above) return (struct decimal){tens + above, k + 1};
    }
    bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above) return (struct decimal){s + above, k};
    uint64_t middle = 4 * s + 2;
    bool up = value > middle || (value == middle && (s & 1) != 0);
    return (struct decimal){s + up, k};
}

/* --- text --- */

#define ZEROS 0x3030303030303030u
enum { WORD = 8, WIDTH = 3 * WORD, ALL_DIGITS = 17 };

/* The digits of a number, with zeros behind them. */
struct digits {
    char text[2 * WIDTH];
    int first, n; /* where they begin, and how many there are up to the last that is not zero */
    int zeros;    /* how many zeros the number ends with */
};

/* A number below 10^8 as eight digits, the first in the lowest byte: halves, quarters, single ones. */
static uint64_t eight_digits(uint32_t number) {
    uint64_t four = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t hundreds = four * 10486 >> 20 & 0x7F0000007F, two = hundreds | (four - 100 * hundreds) << 16;
    uint64_t tens = two * 103 >> 10 & 0x000F000F000F000F;
    return tens | (two - 10 * tens) << 8;
}

static void put_word(uint64_t word, char *out) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word |= ZEROS;
    memcpy(out, &word, sizeof word);
}

static void make_digits(uint64_t number, struct digits *out) {
    const uint32_t eight = 100000000;
    uint64_t upper = number / eight;
    uint64_t word[] = {eight_digits((uint32_t)(upper / eight)), eight_digits((uint32_t)(upper % eight)),
                       eight_digits((uint32_t)(number % eight))};
    for (int i = 0; i < 6; i++) put_word(i < 3 ? word[i] : 0, out->text + i * WORD);
    int head = word[0] != 0 ? 0 : word[1] != 0 ? 1 : 2, tail = word[2] != 0 ? 2 : word[1] != 0 ? 1 : 0;
    if (number == 0) word[head] = (uint64_t)1 << 63; /* of nothing, one digit is left */
    out->first = head * WORD + __builtin_ctzll(word[head]) / 8;
    int end = number == 0 ? WIDTH : tail * WORD + WORD - __builtin_clzll(word[tail]) / 8;
    out->n = end - out->first;
    out->zeros = WIDTH - end;
}

static size_t put_exponent(int exponent, char *out) {
    int size = exponent < 0 ? -exponent : exponent;
    size_t n = 0;
    out[n++] = 'e';
    out[n++] = exponent < 0 ? '-' : '+';
    if (size >= 100) out[n++] = (char)('0' + size / 100);
    out[n++] = (char)('0' + size / 10 % 10);
    out[n++] = (char)('0' + size % 10);
    return n;
}

/* `exponent` is that of the first digit.  Here and below more is copied than is wanted: a fixed size is faster. */
static size_t put_scientific(const char *digits, int n, int exponent, char *out) {
    out[0] = digits[0];
    out[1] = '.';
    memcpy(out + 2, digits + 1, ALL_DIGITS);
    size_t length = n == 1 ? 1 : (size_t)n + 1;
    return length + put_exponent(exponent, out + length);
}

/* `point` digits stand before the decimal point. */
static size_t put_plain(const char *digits, int n, int point, char *out) {
    if (point <= 0) {
        memcpy(out, "0.000", 5);
        memcpy(out + 2 - point, digits, ALL_DIGITS);
        return (size_t)(2 - point + n);
    }
    memcpy(out, digits, ALL_DIGITS);
    memcpy(out + point + 1, digits + point, ALL_DIGITS);
    out[point] = '.';
    return (size_t)(n > point ? n + 1 : point + 2);
}

static size_t put_decimal(struct decimal number, char *out) {
    struct digits digits;
    make_digits(number.digits, &digits);
    const char *first = digits.text + digits.first;
    int point = digits.n + digits.zeros + number.exponent;
    bool plain = point > -4 && point <= 16;
    return plain ? put_plain(first, digits.n, point, out) : put_scientific(first, digits.n, point - 1, out);
}

static size_t put_text(const char *text, char *out) {
    size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

/* The size of a number, of `bits` bits after the first, with its sign before it. */
static size_t put_real(bool negative, uint64_t fraction, int exponent, int bits, int bias, char *out) {
    static pthread_once_t made = PTHREAD_ONCE_INIT;
    pthread_once(&made, make_powers);
    size_t sign = negative;
    out[0] = '-';
    out += sign;
    if (exponent == 0 && fraction == 0) return sign + put_text("0.0", out);
    uint64_t first = (uint64_t)1 << bits, c = exponent == 0 ? fraction : fraction | first;
    int q = (exponent == 0 ? 1 : exponent) - bias - bits;
    bool whole = exponent != 0 && q <= 0 && -q <= bits && (c & (((uint64_t)1 << -q) - 1)) == 0;
    struct decimal number = whole ? (struct decimal){c >> -q, 0} : shortest(c, q, fraction == 0 && exponent > 1);
    return sign + put_decimal(number, out);
}

static size_t put_no_number(double value, char *out) {
    return put_text(isnan(value) ? "nan" : value < 0 ? "-inf" : "inf", out);
}

size_t e5_decimal_double(double value, char *out) {
    if (!isfinite(value)) return put_no_number(value, out);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_real(bits >> 63, bits & (((uint64_t)1 << 52) - 1), (int)(bits >> 52 & 0x7FF), 52, 1023, out);
}

size_t e5_decimal_single(float value, char *out) {
    if (!isfinite(value)) return put_no_number((double)value, out);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_real(bits >> 31, bits & ((1u << 23) - 1), (int)(bits >> 23 & 0xFF), 23, 127, out);
}

size_t e5_decimal_integer(int64_t value, char *out) {
    size_t sign = value < 0;
    struct digits digits;
    make_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, &digits);
    size_t n = (size_t)(digits.n + digits.zeros);
    out[0] = '-';
    memcpy(out + sign, digits.text + digits.first, WIDTH);
    return sign + n;
}
