/* runs_table: the runs of days themselves, one row each, of all cells.
 *
 * How many runs a cell has is known only when it has been seen.  So the sweep gives a map of counts, as any kernel
 * would, and each tile hands the rows of its runs to a table that grows; in the end they are put in the order of
 * cells and time.  Bit-identical for any number of threads.  Blocks.  The receiver owns the table (_fini). */
#ifndef E5_DRIVE_RUNS_TABLE_H
#define E5_DRIVE_RUNS_TABLE_H

#include "diag/spell_events.h"
#include "drive/sweep.h"

struct e5_runs_limits { /* of the caller; values NULL: not given */
    const double *values; /* several × slots × cells */
    size_t slots;
    size_t several;              /* such as thresholds, of which each search takes one; at least 1 */
    const int32_t *slot_of_step; /* each below `slots` */
};

enum e5_runs_limit { E5_RUNS_THRESHOLD, E5_RUNS_STAY, E5_RUNS_CLIMATOLOGY, E5_RUNS_LIMITS };

struct e5_runs_search { /* one definition of a run */
    enum e5_spell_test test;
    struct e5_spell_rule rule;
    struct e5_spell_switches switches;
    size_t choice[E5_RUNS_LIMITS]; /* its own of several limits, from 0 */
};

struct e5_runs_request {
    const struct e5_time_axis *axis;
    struct e5_sweep_operand x;
    size_t cells;
    struct e5_runs_limits limits[E5_RUNS_LIMITS]; /* the first is needed; a run goes on while `stay` is passed */
    const struct e5_runs_search *searches; /* all in one pass over the data */
    size_t nsearches;
    size_t budget; /* bytes, and where scratch files go: as for e5_sweep() */
    const char *directory;
};

struct e5_runs_table {
    double *values; /* rows × E5_SPELL_COLUMNS */
    size_t rows;
};

/* One table per search. */
E5_MUST_USE enum e5_status e5_runs(const struct e5_runs_request *request, struct e5_pool *pool,
                                   struct e5_watch *watch, struct e5_runs_table *out, struct e5_error *err);
void e5_runs_table_fini(struct e5_runs_table *table);

#endif
