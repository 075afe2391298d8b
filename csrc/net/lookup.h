/* lookup: does a name exist, or is nobody there to ask?  And where is what it stands for?
 *
 * libcurl reports the first two as one failure.  Here the question is put once more, in a short thread of its own, so
 * that nobody waits for a resolver.  A lookup belongs to the thread that started it; given up early, it ends by
 * itself whenever the resolver lets go.  Nothing blocks. */
#ifndef E5_NET_LOOKUP_H
#define E5_NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "net/reach.h"

enum e5_lookup_verdict {
    E5_LOOKUP_RUNNING, /* no answer yet */
    E5_LOOKUP_FOUND,   /* it exists after all */
    E5_LOOKUP_UNKNOWN, /* there is no such name */
    E5_LOOKUP_SILENT   /* nobody answers, or the question could not be put */
};

struct e5_lookup;

struct e5_lookup *e5_lookup_start(const char *host); /* NULL: it could not be started */
enum e5_lookup_verdict e5_lookup_verdict(const struct e5_lookup *lookup);
/* E5_LOOKUP_FOUND: the nearest of the numbers that the name stands for. */
bool e5_lookup_reach(const struct e5_lookup *lookup, enum e5_reach *out);
void e5_lookup_free(struct e5_lookup *lookup); /* NULL is allowed */

/* What an engine has learned about names.  All zero is an empty one; one thread at a time. */
struct e5_names {
    struct e5_name *list;
    size_t count;
};

void e5_names_reached(struct e5_names *names, const char *host); /* something answered under this name */
/* One more look-up found no such name: true when that was often enough to believe it.  A name that was reached
 * before is believed to come back. */
bool e5_names_missed(struct e5_names *names, const char *host);
void e5_names_fini(struct e5_names *names);

#endif
