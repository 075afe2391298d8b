/* find_steps: what is done to one time step, whatever the others are like.
 *
 * Compared: values → bits.  Finished: bits, as the filter of spells has left them → closed, opened, cut into blobs
 * and runs, measured.  The driver owns the struct e5_find_steps (_init/_fini), which is read-only in between: any
 * number of threads, each with a slot of its own, on different steps.  Nothing blocks. */
#ifndef E5_DRIVE_FIND_STEPS_H
#define E5_DRIVE_FIND_STEPS_H

#include "drive/find.h"
#include "drive/find_ground.h"
#include "events/measure.h"
#include "events/morphology.h"

struct e5_find_steps {
    const struct e5_find_request *request;
    const struct e5_grid *grid; /* that of the ground */
    const struct e5_topology *topology;
    struct e5_measure measure;
    struct e5_disc closing, opening; /* where the rule has them */
    const double *row_area;          /* NULL: blobs need no areas of their own */
    size_t row_words;                /* of a row of bits */
    struct e5_find_slot {
        double *lines;
        uint64_t *bits, *valid, *row; /* scratch of the discs; a frame; two rows */
    } *slot;
    unsigned slots;
};

struct e5_find_step { /* a step that is done; its memory is used again for later ones (_fini) */
    struct e5_run *run;           /* blobs count from 0 in the step */
    struct e5_measured *measured; /* of each blob */
    size_t runs, run_room, blob_room;
};

E5_MUST_USE enum e5_status e5_find_steps_init(struct e5_find_steps *steps, const struct e5_find_request *request,
                                              const struct e5_find_ground *ground, unsigned slots,
                                              struct e5_error *err);
void e5_find_steps_fini(struct e5_find_steps *steps);
/* `bits` is a whole frame; all its words are written. */
void e5_find_compare(const struct e5_find_steps *steps, size_t step, const void *values, uint64_t *bits,
                     unsigned slot);
E5_MUST_USE enum e5_status e5_find_finish(const struct e5_find_steps *steps, size_t step, const void *values,
                                          uint64_t *bits, unsigned slot, struct e5_frame *frame,
                                          struct e5_find_step *out, struct e5_error *err);
/* Room for so many runs and blobs; what was in it is gone. */
E5_MUST_USE enum e5_status e5_find_step_room(struct e5_find_step *step, size_t runs, size_t blobs,
                                             struct e5_error *err);
void e5_find_step_fini(struct e5_find_step *step);

#endif
