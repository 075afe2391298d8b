/* split: when a further connection for one file helps.
 *
 * A file begins with one connection.  Where slots are idle and much of the file is left, one more is tried on a part
 * of the largest remaining piece, and kept; a further one is tried only while each makes the whole rate grow by a
 * fair share.  Rates are measured over windows that begin when the number of connections has changed and the new one
 * has got going.  Where everything is fast anyway, or little is left, nothing is split.  Pure: the caller gives the
 * time (monotonic seconds) and owns the struct; one thread at a time; nothing blocks.
 *
 * `bytes` and `connections` are those of everything that shares the wire: all transfers of the engine, not of this
 * file alone, so that a gain for one file at the cost of another is none. */
#ifndef E5_NET_SPLIT_H
#define E5_NET_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#define E5_SPLIT_PIECE ((int64_t)16 << 20) /* bytes: no piece is made smaller */
#define E5_SPLIT_LEAST (2 * E5_SPLIT_PIECE) /* bytes left in a piece that is split */

enum e5_split_advice {
    E5_SPLIT_KEEP,   /* nothing to do now; ask again */
    E5_SPLIT_ADD,    /* one more connection, on the second half of the largest remaining piece */
    E5_SPLIT_NO_MORE /* for this file, for good */
};

struct e5_split_policy {
    double window; /* seconds over which a rate is measured; 1 in use */
    double gain;   /* by which part of it a connection must raise the rate; 0.15 in use */
};

struct e5_split {
    double begun;         /* when the window begins; the bytes are counted from there */
    int64_t begun_at;     /* bytes then */
    unsigned connections; /* while it lasts */
    double rate;          /* bytes per second before the last connection was added; 0: none was */
    bool counting;        /* false: the connections are still getting going */
    bool over;            /* no more */
};

void e5_split_init(struct e5_split *split, double now, int64_t bytes, unsigned connections);
/* To be asked a few times a second.  `left` is what the largest piece of the file still lacks; `idle` are the
 * connections that might be used in addition, of this file's share and of the engine's.  E5_SPLIT_ADD is answered
 * once for each connection: the caller adds it, or says with the next `connections` that it did not. */
enum e5_split_advice e5_split_advise(struct e5_split *split, const struct e5_split_policy *policy, double now,
                                     int64_t bytes, unsigned connections, unsigned idle, int64_t left);

#endif
