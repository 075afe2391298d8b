#include "events/bars.h"

#include <stdbool.h>

#include "base/simd.h"

/* --- one line --- */

E5_SIMD_BODY uint64_t bars_at(const struct e5_bar_line *line, size_t w) { return line->row[0][w] | line->row[1][w]; }

/* Bits that begin a bar. */
E5_SIMD_BODY uint64_t begins_at(const struct e5_bar_line *line, size_t w) {
    uint64_t bars = bars_at(line, w), carry = w > 0 ? bars_at(line, w - 1) >> 63 : 0;
    return bars & ~(bars << 1 | carry);
}

E5_SIMD_BODY uint32_t ones(uint64_t bits) { return (uint32_t)__builtin_popcountll(bits); }

E5_SIMD_BODY uint64_t up_to(unsigned bit) { return UINT64_MAX >> (63 - bit); }

E5_SIMD_BODY void count_body(const struct e5_bar_line *line, size_t words, uint32_t *bars, uint32_t *before) {
    uint64_t carry = 0;
    uint32_t found = *bars;
    for (size_t w = 0; w < words; w++) {
        uint64_t all = bars_at(line, w);
        before[w] = found;
        found += ones(all & ~(all << 1 | carry));
        carry = all >> 63;
    }
    *bars = found;
}
E5_SIMD_VARIANTS(count, (const struct e5_bar_line *line, size_t words, uint32_t *bars, uint32_t *before),
                 (line, words, bars, before))

uint32_t e5_bars_count(const struct e5_bar_line *line, size_t words, uint32_t bars, uint32_t *before) {
    count(line, words, &bars, before);
    return bars;
}

E5_SIMD_BODY void bars_of_row_body(const struct e5_bar_line *line, const uint64_t *row, size_t words, uint32_t *bar,
                                   size_t *n) {
    uint64_t carry = 0;
    size_t found = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t first = row[w] & ~(row[w] << 1 | carry), begins = first != 0 ? begins_at(line, w) : 0;
        for (; first != 0; first &= first - 1)
            bar[found++] = line->before[w] + ones(begins & up_to((unsigned)__builtin_ctzll(first))) - 1;
        carry = row[w] >> 63;
    }
    *n = found;
}
E5_SIMD_VARIANTS(bars_of_row,
                 (const struct e5_bar_line *line, const uint64_t *row, size_t words, uint32_t *bar, size_t *n),
                 (line, row, words, bar, n))

size_t e5_bars_of_row(const struct e5_bar_line *line, const uint64_t *row, size_t words, uint32_t *bar) {
    size_t n = 0;
    bars_of_row(line, row, words, bar, &n);
    return n;
}

E5_SIMD_BODY void count_runs_body(const uint64_t *row, size_t words, size_t *n) {
    uint64_t carry = 0;
    for (size_t w = 0; w < words; w++) {
        *n += ones(row[w] & ~(row[w] << 1 | carry));
        carry = row[w] >> 63;
    }
}
E5_SIMD_VARIANTS(count_runs, (const uint64_t *row, size_t words, size_t *n), (row, words, n))

size_t e5_bars_runs(const uint64_t *row, size_t words) {
    size_t n = 0;
    count_runs(row, words, &n);
    return n;
}

size_t e5_bars_edges(const uint64_t *row, size_t columns, int32_t *edge) {
    size_t n = 0;
    uint64_t carry = 0;
    for (size_t w = 0; w < e5_bits_words(columns); w++) {
        for (uint64_t turns = row[w] ^ (row[w] << 1 | carry); turns != 0; turns &= turns - 1)
            edge[n++] = (int32_t)(w * E5_WORD_BITS) + __builtin_ctzll(turns);
        carry = row[w] >> 63;
    }
    if (n % 2 == 1) edge[n++] = (int32_t)columns;
    return n / 2;
}

/* --- two lines --- */

struct rows { /* words of the rows that matter, of either line */
    uint64_t a[2], b[2];
};

E5_SIMD_BODY struct rows rows_at(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t w) {
    return (struct rows){{a->row[0][w], a->row[1][w]}, {b->row[0][w], b->row[1][w]}};
}

/* Columns in which the rows that the contact is about are both set; of slanted ones, one of the two has been moved by
 * a column. */
E5_SIMD_BODY uint64_t straight(enum e5_bar_contact contact, struct rows r) {
    switch (contact) {
    case E5_CONTACT_SAME_ROW: return (r.a[0] & r.b[0]) | (r.a[1] & r.b[1]);
    case E5_CONTACT_EDGE:
    case E5_CONTACT_EDGE_SLANTED: return r.a[1] & r.b[0];
    default: return (r.a[0] | r.a[1]) & (r.b[0] | r.b[1]);
    }
}

E5_SIMD_BODY uint64_t slanted(enum e5_bar_contact contact, struct rows r) {
    switch (contact) {
    case E5_CONTACT_SLANTED_ROW: return (r.a[0] & r.b[0]) | (r.a[1] & r.b[1]);
    case E5_CONTACT_SLANTED: return (r.a[0] | r.a[1]) & (r.b[0] | r.b[1]);
    case E5_CONTACT_EDGE_SLANTED: return r.a[1] & r.b[0];
    default: return 0;
    }
}

E5_SIMD_BODY bool has_slanted(enum e5_bar_contact contact) {
    return contact == E5_CONTACT_SLANTED_ROW || contact == E5_CONTACT_SLANTED || contact == E5_CONTACT_EDGE_SLANTED;
}

E5_SIMD_BODY uint64_t moved(uint64_t word, uint64_t next) { return word >> 1 | next << 63; }

struct side { /* of a contact: the bars of a word */
    uint64_t bars, begins;
    uint32_t before;
};

E5_SIMD_BODY struct side side_at(const struct e5_bar_line *line, size_t w) {
    return (struct side){bars_at(line, w), begins_at(line, w), line->before[w]};
}

/* The bar at a column that is set; and the one at the column after, which is set. */
E5_SIMD_BODY uint32_t bar_here(const struct side *s, unsigned bit) {
    return s->before + ones(s->begins & up_to(bit)) - 1;
}
E5_SIMD_BODY uint32_t bar_next(const struct side *s, unsigned bit) {
    return s->before + ones(s->begins & up_to(bit)) - (uint32_t)(s->bars >> bit & 1);
}

E5_SIMD_BODY uint64_t slanted_to(enum e5_bar_contact contact, struct rows r, struct rows next, bool right) {
    for (size_t i = 0; i < 2; i++) {
        if (right)
            r.b[i] = moved(r.b[i], next.b[i]);
        else
            r.a[i] = moved(r.a[i], next.a[i]);
    }
    return slanted(contact, r);
}

/* Contacts of word w: `here` straight; `right` with `a` here and `b` in the next column; `left` the other way. */
E5_SIMD_BODY struct e5_bar_pair *list(const struct e5_bar_line *line_a, const struct e5_bar_line *line_b, size_t w,
                                      uint64_t here, uint64_t right, uint64_t left, struct e5_bar_pair *pair) {
    struct side a = side_at(line_a, w), b = side_at(line_b, w);
    for (; here != 0; here &= here - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(here);
        *pair++ = (struct e5_bar_pair){bar_here(&a, bit), bar_here(&b, bit)};
    }
    for (; right != 0; right &= right - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(right);
        *pair++ = (struct e5_bar_pair){bar_here(&a, bit), bar_next(&b, bit)};
    }
    for (; left != 0; left &= left - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        *pair++ = (struct e5_bar_pair){bar_next(&a, bit), bar_here(&b, bit)};
    }
    return pair;
}

/* Of straight contacts in a row the first will do, and slanted ones beside them are between the same bars. */
E5_SIMD_BODY struct e5_bar_pair *touch_words(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words,
                                             enum e5_bar_contact contact, struct e5_bar_pair *pair) {
    struct rows r = rows_at(a, b, 0), next = {{0}, {0}};
    uint64_t carry = 0;
    for (size_t w = 0; w < words; w++, r = next) {
        uint64_t right = 0, left = 0, here = straight(contact, r), first = here & ~(here << 1 | carry);
        carry = here >> 63;
        next = w + 1 < words ? rows_at(a, b, w + 1) : (struct rows){{0}, {0}};
        if (has_slanted(contact)) {
            right = slanted_to(contact, r, next, true) & ~(here | here >> 1);
            left = slanted_to(contact, r, next, false) & ~(here | here >> 1);
        }
        if ((first | right | left) != 0) pair = list(a, b, w, first, right, left, pair);
    }
    return pair;
}

#define CASE(contact) \
    case contact: *end = touch_words(a, b, words, contact, pair); break
E5_SIMD_BODY void touch_body(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words,
                             enum e5_bar_contact contact, struct e5_bar_pair *pair, struct e5_bar_pair **end) {
    switch (contact) { /* each is a loop of its own, without a question in it */
        CASE(E5_CONTACT_STRAIGHT);
        CASE(E5_CONTACT_SAME_ROW);
        CASE(E5_CONTACT_SLANTED_ROW);
        CASE(E5_CONTACT_SLANTED);
        CASE(E5_CONTACT_EDGE);
        CASE(E5_CONTACT_EDGE_SLANTED);
    }
}
E5_SIMD_VARIANTS(touch,
                 (const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words, enum e5_bar_contact contact,
                  struct e5_bar_pair *pair, struct e5_bar_pair **end),
                 (a, b, words, contact, pair, end))

size_t e5_bars_touch(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words,
                     enum e5_bar_contact contact, struct e5_bar_pair *pair) {
    struct e5_bar_pair *end = pair;
    touch(a, b, words, contact, pair, &end);
    return (size_t)(end - pair);
}

size_t e5_bars_touch_seam(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t columns,
                          enum e5_bar_contact contact, struct e5_bar_pair *pair) {
    if (!has_slanted(contact)) return 0;
    size_t words = e5_bits_words(columns), n = 0;
    unsigned last = (unsigned)((columns - 1) % E5_WORD_BITS);
    struct rows first = rows_at(a, b, 0), end = rows_at(a, b, words - 1);
    struct rows to_right = first, to_left = first;
    for (size_t i = 0; i < 2; i++) to_right.a[i] = end.a[i] >> last, to_left.b[i] = end.b[i] >> last;
    if (slanted(contact, to_right) & 1) pair[n++] = (struct e5_bar_pair){a->before[words] - 1, b->before[0]};
    if (slanted(contact, to_left) & 1) pair[n++] = (struct e5_bar_pair){a->before[0], b->before[words] - 1};
    return n;
}
