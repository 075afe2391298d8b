/* frame: one time step as runs and as blobs, the connected components in latitude and longitude.
 *
 * A frame is made from the bits of its rows (events/bits.h; row r begins at word r × e5_bits_words(columns)).  The
 * neighbourhood in space is 4 for `neighbours` 6, and 8 for 10, 18 and 26.  On a periodic grid the last column
 * neighbours the first, with 8 neighbours diagonally too; the cells of a row on a pole are one point.  Blobs are
 * numbered from 0 by their first cell in row-major order.
 *
 * Inside there are no runs but "bars": with 4 neighbours a bar is a run of a row; with 8 it is a run of two rows
 * taken together (2i and 2i + 1, one or the other set), for all cells of such a run touch.  Where rows touch is found
 * for 64 columns at once, and which bar lies there by counting bits.
 *
 * A zeroed struct e5_frame is empty; _make may be repeated and keeps memory (_fini frees it).  The bits belong to the
 * caller and live as long as the frame is used; the topology too.  Different frames: any threads at the same time;
 * nothing blocks. */
#ifndef E5_EVENTS_FRAME_H
#define E5_EVENTS_FRAME_H

#include "base/error.h"
#include "events/bars.h"
#include "model/event.h"

struct e5_topology { /* which cells touch */
    size_t rows, columns;
    bool periodic, pole_first, pole_last;
    int neighbours; /* 6, 10, 18 or 26, in space and time; 10: 8 in space and the same cell in time */
};

struct e5_frame {
    const struct e5_topology *topology;
    uint64_t *bits;     /* the caller's */
    size_t blobs, bars;
    int32_t *blob;      /* of each bar */
    uint32_t *before;   /* lines × words + 1: how many bars of the frame begin before each word of a line */
    double *area;       /* km² of each blob; NULL where no areas of rows were given */
    size_t bar_room, word_room, blob_room; /* elements that there is memory for */
};

/* E5_INPUT for an unknown neighbourhood, E5_UNSAFE for a grid that is too large to be counted. */
E5_MUST_USE enum e5_status e5_topology_check(const struct e5_topology *topology, struct e5_error *err);
size_t e5_topology_words(const struct e5_topology *topology);  /* of one frame of bits */
size_t e5_topology_height(const struct e5_topology *topology); /* rows of a line: 1 or 2 */
size_t e5_topology_lines(const struct e5_topology *topology);
bool e5_topology_on_pole(const struct e5_topology *topology, size_t row);

/* `row_area` is the area of a cell of each row in km², or NULL.  Blobs smaller than min_area (km²; 0: none) are left
 * out: their bits are cleared. */
E5_MUST_USE enum e5_status e5_frame_make(struct e5_frame *frame, const struct e5_topology *topology, uint64_t *bits,
                                         const double *row_area, double min_area, struct e5_error *err);
void e5_frame_fini(struct e5_frame *frame);

struct e5_bar_line e5_frame_line(const struct e5_frame *frame, size_t line);
/* The runs of a frame, ordered by (row, first), with the number of their blob. */
size_t e5_frame_count_runs(const struct e5_frame *frame);
E5_MUST_USE enum e5_status e5_frame_runs(const struct e5_frame *frame, int32_t time, struct e5_run *run,
                                         struct e5_error *err);

#endif
