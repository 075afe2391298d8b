/* bars: where the rows of one or two frames touch each other, found for 64 columns at once.
 *
 * A line is one row of cells, or two rows taken together; a bar is a run of it: columns in which one or the other row
 * is set.  A line knows how many bars of the frame begin before each of its words, so the bar at any column is found
 * by counting the bits that begin bars up to there.
 *
 * Contacts between two lines are listed as pairs of bars, one of either line; a pair may stand there more than once.
 * Two rows of the lines are straight neighbours where both are set in a column, slanted ones where they are set in
 * two columns that follow each other.  Pure functions on the caller's memory: any thread; nothing blocks. */
#ifndef E5_EVENTS_BARS_H
#define E5_EVENTS_BARS_H

#include "events/bits.h"

struct e5_bar_line {
    const uint64_t *row[2];  /* the same one twice where the line is a single row */
    const uint32_t *before;  /* words + 1: bars of the frame before each word, and before what follows */
};

struct e5_bar_pair {
    uint32_t a, b;
};

/* Rows of the one line and of the other that make a contact: */
enum e5_bar_contact {
    E5_CONTACT_STRAIGHT,      /* any row with any, straight */
    E5_CONTACT_SAME_ROW,      /* first with first, second with second, straight */
    E5_CONTACT_SLANTED_ROW,   /* the same slanted, and any with any straight */
    E5_CONTACT_SLANTED,       /* any with any, straight or slanted */
    E5_CONTACT_EDGE,          /* the second row of the first line with the first of the second, straight */
    E5_CONTACT_EDGE_SLANTED,  /* the same, straight or slanted */
};

/* Most pairs of two lines of so many words, and most bars of a row. */
static inline size_t e5_bars_most_pairs(size_t words) { return 96 * words + 2; }
static inline size_t e5_bars_most(size_t words) { return 32 * words + 1; }

/* Fill in `before` of a line that begins with bar `bars`, for `words` words; returns the number of the next bar. */
uint32_t e5_bars_count(const struct e5_bar_line *line, size_t words, uint32_t bars, uint32_t *before);
/* Rows whose cells make contacts superfluous, for who only asks what hangs together.  E5_CONTACT_EDGE…: cells of the
 * second row of the first line in columns where `a` is set are left out, and of the first of the second where `b` is.
 * Else: straight contacts side by side are left out if in one of their columns `a`, `b` and the first row of either
 * line are set. */
struct e5_bar_known {
    const uint64_t *a, *b;
};

/* `known` may be NULL: nothing is superfluous. */
size_t e5_bars_touch(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t words,
                     enum e5_bar_contact contact, const struct e5_bar_known *known, struct e5_bar_pair *pair);
/* The same over the seam between the last column and the first. */
size_t e5_bars_touch_seam(const struct e5_bar_line *a, const struct e5_bar_line *b, size_t columns,
                          enum e5_bar_contact contact, struct e5_bar_pair *pair);
/* The bar of each run of one row of the line, from left to right; how many. */
size_t e5_bars_of_row(const struct e5_bar_line *line, const uint64_t *row, size_t words, uint32_t *bar);
/* How many runs a row has. */
size_t e5_bars_runs(const uint64_t *row, size_t words);
/* Columns where the runs of a row begin and end, in turn; how many runs.  Room for two each. */
size_t e5_bars_edges(const uint64_t *row, size_t columns, int32_t *edge);

#endif
