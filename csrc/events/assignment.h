/* assignment: who goes with whom, at the least cost in all.
 *
 * Linear assignment between two lists of which only some pairs are possible: a member goes with at most one of the
 * other list, and staying alone costs `alone` for a pair that could have been.  So Σ cost of pairs − alone × number
 * of pairs is least.  Lists fall apart into groups that share possible pairs; each is solved by itself with shortest
 * augmenting paths (Jonker & Volgenant 1987).  Of several best solutions always the same one is found.  Scratch
 * belongs to one thread at a time; nothing blocks. */
#ifndef E5_EVENTS_ASSIGNMENT_H
#define E5_EVENTS_ASSIGNMENT_H

#include <stdint.h>

#include "base/error.h"

#define E5_ALONE ((size_t)-1)

struct e5_pair {
    size_t from, to;
    double cost; /* 0 … alone */
};

struct e5_assignment { /* scratch; zeroed to begin with, freed with _fini */
    int32_t *parent; /* of the members of both lists, `to` behind `from` */
    size_t *order, *place, *start;
    size_t members;
    double *matrix;
    size_t entries;
    double *price; /* of rows and columns of a group, and distances */
    size_t *path; /* rows of columns, and the way back */
    size_t side;
};
void e5_assignment_fini(struct e5_assignment *scratch);

/* pair: in order of (from, to).  other[from] becomes the member of the second list, or E5_ALONE. */
E5_MUST_USE enum e5_status e5_assign(const struct e5_pair *pair, size_t pairs, size_t from, size_t to, double alone,
                                     struct e5_assignment *scratch, size_t *other, struct e5_error *err);

#endif
