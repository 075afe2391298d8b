#include "events/bars.h"

#include <stdbool.h>

#include "base/simd.h"

#define BLOCK 16 /* words of two lines that are looked through at a time */

/* Counting bits wants their instruction, but not the compilers' ways with AVX-512, which send every word through the
 * mask registers. */
#if defined(__x86_64__) && defined(__GNUC__)
#define COUNTING(name, parameters, arguments)                                  \
    static void name##_baseline parameters { name##_body arguments; }          \
    E5_SIMD_AVX2 static void name##_avx2 parameters { name##_body arguments; } \
    static void name parameters {                                              \
        if (e5_isa() == E5_ISA_BASELINE)                                       \
            name##_baseline arguments;                                         \
        else                                                                   \
            name##_avx2 arguments;                                             \
    }
#else
#define COUNTING(name, parameters, arguments) \
    static void name parameters { name##_body arguments; }
#endif

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
COUNTING(count, (const struct e5_bar_line *line, size_t words, uint32_t *bars, uint32_t *before),
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
COUNTING(bars_of_row, (const struct e5_bar_line *line, const uint64_t *row, size_t words, uint32_t *bar, size_t *n),
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
COUNTING(count_runs, (const uint64_t *row, size_t words, size_t *n), (row, words, n))

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

E5_SIMD_BODY bool is_edge(enum e5_bar_contact contact) {
    return contact == E5_CONTACT_EDGE || contact == E5_CONTACT_EDGE_SLANTED;
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

struct marks { /* contacts of words: straight ones; `a` here and `b` in the next column; the other way round */
    uint64_t here[BLOCK], right[BLOCK], left[BLOCK];
};

/* Rows without the cells of the edge that need not be looked at. */
E5_SIMD_BODY struct rows rows_left(enum e5_bar_contact contact, struct rows r, uint64_t known_a, uint64_t known_b) {
    if (is_edge(contact)) r.a[1] &= ~known_a, r.b[0] &= ~known_b;
    return r;
}

/* Of the straight contacts of a word that stand side by side the last one will do, and none where one of them is
 * known: added to its neighbours, a known one leaves a carry behind the last. */
E5_SIMD_BODY uint64_t last_unknown(enum e5_bar_contact contact, struct rows r, uint64_t here, uint64_t known) {
    uint64_t last = here & ~(here >> 1), sum = here + (here & r.a[0] & r.b[0] & known);
    if (is_edge(contact)) return last;
    return last & ~((sum & ~here) >> 1) & ~(sum < here ? UINT64_C(1) << 63 : 0);
}

/* Slanted contacts beside straight ones are between the same bars. */
E5_SIMD_BODY void mark(enum e5_bar_contact contact, struct rows r, struct rows next, uint64_t known,
                       struct marks *marks, size_t i) {
    uint64_t here = straight(contact, r), alone = ~(here | here >> 1);
    marks->here[i] = last_unknown(contact, r, here, known);
    marks->right[i] = has_slanted(contact) ? slanted_to(contact, r, next, true) & alone : 0;
    marks->left[i] = has_slanted(contact) ? slanted_to(contact, r, next, false) & alone : 0;
}

/* Words [first, first + n) of two lines; `ends`: nothing follows them.  A loop that vectors can run. */
E5_SIMD_BODY void mark_words(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t first, size_t n,
                             bool ends, enum e5_bar_contact contact, const struct e5_bar_known *known,
                             struct marks *restrict marks) {
    const struct rows none = {{0}, {0}};
    const uint64_t *known_a = known != NULL ? known->a + first : NULL,
                   *known_b = known != NULL ? known->b + first : NULL;
    const uint64_t *a0 = a->row[0] + first, *a1 = a->row[1] + first, *b0 = b->row[0] + first, *b1 = b->row[1] + first;
#define KNOWN(row, w) (known != NULL ? known_##row[w] : 0)
#define ROWS(w) rows_left(contact, (struct rows){{a0[w], a1[w]}, {b0[w], b1[w]}}, KNOWN(a, w), KNOWN(b, w))
    for (size_t i = 0; i < n - ends; i++)
        mark(contact, ROWS(i), has_slanted(contact) ? ROWS(i + 1) : none, KNOWN(a, i) & KNOWN(b, i), marks, i);
    if (ends) mark(contact, ROWS(n - 1), none, KNOWN(a, n - 1) & KNOWN(b, n - 1), marks, n - 1);
#undef ROWS
#undef KNOWN
}

#define CASE(contact)                                                           \
    case contact:                                                               \
        known != NULL ? mark_words(a, b, first, n, ends, contact, known, marks) \
                      : mark_words(a, b, first, n, ends, contact, NULL, marks); \
        break
E5_SIMD_BODY void mark_all_body(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t first, size_t n,
                                bool ends, enum e5_bar_contact contact, const struct e5_bar_known *known,
                                struct marks *marks) {
    switch (contact) { /* each is a loop of its own, without a question in it */
        CASE(E5_CONTACT_STRAIGHT);
        CASE(E5_CONTACT_SAME_ROW);
        CASE(E5_CONTACT_SLANTED_ROW);
        CASE(E5_CONTACT_SLANTED);
        CASE(E5_CONTACT_EDGE);
        CASE(E5_CONTACT_EDGE_SLANTED);
    }
}
E5_SIMD_VARIANTS(mark_all,
                 (const struct e5_bar_line *a, const struct e5_bar_line *b, size_t first, size_t n, bool ends,
                  enum e5_bar_contact contact, const struct e5_bar_known *known, struct marks *marks),
                 (a, b, first, n, ends, contact, known, marks))

E5_SIMD_BODY struct e5_bar_pair *list_word(const struct e5_bar_line *line_a, const struct e5_bar_line *line_b,
                                           size_t w, uint64_t here, uint64_t right, uint64_t left,
                                           struct e5_bar_pair *pair) {
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

/* Words with contacts are picked out first, without a branch that depends on the data. */
E5_SIMD_BODY void list_body(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t first, size_t n,
                            const struct marks *m, struct e5_bar_pair **end) {
    size_t place[BLOCK], found = 0;
    for (size_t i = 0; i < n; i++) {
        place[found] = i;
        found += (m->here[i] | m->right[i] | m->left[i]) != 0;
    }
    for (size_t k = 0; k < found; k++) {
        size_t i = place[k];
        *end = list_word(a, b, first + i, m->here[i], m->right[i], m->left[i], *end);
    }
}
COUNTING(list,
         (const struct e5_bar_line *a, const struct e5_bar_line *b, size_t first, size_t n, const struct marks *m,
          struct e5_bar_pair **end),
         (a, b, first, n, m, end))

size_t e5_bars_touch(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words,
                     enum e5_bar_contact contact, const struct e5_bar_known *known, struct e5_bar_pair *pair) {
    struct e5_bar_pair *end = pair;
    struct marks marks;
    for (size_t first = 0; first < words; first += BLOCK) {
        size_t n = words - first < BLOCK ? words - first : BLOCK;
        mark_all(a, b, first, n, first + n == words, contact, known, &marks);
        list(a, b, first, n, &marks, &end);
    }
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
