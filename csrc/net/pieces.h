/* pieces: which bytes of a file are here, when several stretches of it are fetched at once.
 *
 * A file is cut into pieces without gaps; each is filled from its start on.  One piece is the usual case.  Plain
 * values: copy them freely.  Pure functions, any thread; nothing blocks. */
#ifndef E5_NET_PIECES_H
#define E5_NET_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#define E5_PIECES_MOST 16

struct e5_piece {
    int64_t start, end; /* [start, end); end −1: wherever the file ends */
    int64_t position;   /* bytes from start up to here are here */
};

struct e5_pieces {
    unsigned count;
    struct e5_piece piece[E5_PIECES_MOST]; /* in order; the first starts at 0, each other where the one before ends */
};

/* One piece with nothing in it.  `size` −1: not known. */
void e5_pieces_init(struct e5_pieces *pieces, int64_t size);
/* Does this describe a file of `size`?  For what was read from a disk. */
bool e5_pieces_good(const struct e5_pieces *pieces, int64_t size);
int64_t e5_pieces_here(const struct e5_pieces *pieces); /* bytes that are here */
int64_t e5_pieces_reach(const struct e5_pieces *pieces); /* end of the last byte here */
int64_t e5_pieces_prefix(const struct e5_pieces *pieces); /* bytes without a gap */
int64_t e5_pieces_run(const struct e5_pieces *pieces, int64_t from,
                      int64_t upto); /* bytes without a gap from there */
bool e5_piece_whole(const struct e5_piece *piece); /* false where its end is unknown */
/* The piece that begins at `start`, NULL: none.  Its start names a piece for as long as it lasts. */
struct e5_piece *e5_pieces_find(struct e5_pieces *pieces, int64_t start);
/* Bytes from `at` on become a piece of their own, which begins empty; at the end of the list's room or outside of
 * what is still to come of the piece nothing is done: false. */
bool e5_pieces_split(struct e5_pieces *pieces, unsigned i, int64_t at);
/* The reverse, for a piece that has nothing yet: the one before it takes it over. */
bool e5_pieces_rejoin(struct e5_pieces *pieces, unsigned i);
/* Whole pieces become one with their follower. */
void e5_pieces_tidy(struct e5_pieces *pieces);

#endif
