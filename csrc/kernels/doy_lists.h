/* doy_lists: for every day of the year, the largest (or smallest) values within the window around it.
 *
 * Each day of the year keeps a sorted list of its `depth` largest values over all years, and the lists of a window's
 * days are merged.  Lists of 2, 4, 8 … days come from merging lists half as long, which neighbouring windows share; a
 * window is put together from those.  Everything is done by sorting networks, whose steps are the same for all days:
 * rows of a table are ranks, columns are days, and every step is one loop without branches along two rows.  The
 * result is exactly that of sorting each pool.
 *
 * Windows are unions of whole days of the year and wrap from its end to its start; pools that are not like that
 * (see diag/window.h) are not served here.  The holder owns the lists (_fini) and brings the scratch.  Read-only
 * after _init: any thread; nothing blocks. */
#ifndef E5_KERNELS_DOY_LISTS_H
#define E5_KERNELS_DOY_LISTS_H

#include "diag/window.h"

struct e5_doy_run;
struct e5_doy_comparator;

struct e5_doy_lists {
    size_t slots, half;  /* days of the year; days before and after that belong to a window */
    size_t depth;        /* values per list, a power of two */
    bool smallest;       /* lists keep the smallest values, negated, instead of the largest */
    size_t rows;         /* most samples that a day of the year has */
    size_t stride;       /* columns of a table: half, slots, half, and padding */
    size_t nruns, ncomparators;
    struct e5_doy_run *runs;
    struct e5_doy_comparator *comparators;
};

/* What was found, in the scratch: value r of slot s is list[r × stride + s], the largest first, −∞ behind the last;
 * valid[s] values of the window were not NaN. */
struct e5_doy_found {
    const double *list, *valid;
};

/* `depth` is rounded up to a power of two. */
E5_MUST_USE enum e5_status e5_doy_lists_init(struct e5_doy_lists *lists, const struct e5_window *window, size_t depth,
                                             bool smallest, struct e5_error *err);
void e5_doy_lists_fini(struct e5_doy_lists *lists);
size_t e5_doy_lists_scratch(const struct e5_doy_lists *lists); /* bytes, a multiple of a double */
struct e5_doy_found e5_doy_lists_find(const struct e5_doy_lists *lists, const double *series, void *scratch);

#endif
