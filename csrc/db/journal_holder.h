/* journal_holder: who intends a submission, and whether that process still lives.
 *
 * A process is its number and the moment of its birth (Linux tells it, elsewhere the number has to do), on a computer
 * with a name, inside one space of process numbers (containers have their own).  What lives elsewhere cannot be
 * asked: it counts as alive for a while.  Any thread; looks into /proc, waits for nobody. */
#ifndef E5_DB_JOURNAL_HOLDER_H
#define E5_DB_JOURNAL_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

struct e5_holder {
    char host[128]; /* computer and space of process numbers */
    int64_t pid;
    char born[96]; /* boot and clock ticks since then, or "" where nobody tells */
};

void e5_holder_self(struct e5_holder *out);
/* `now` and `since` (when the holder last said that it lives) by the wall clock. */
bool e5_holder_alive(const struct e5_holder *holder, double since, double now);

#endif
