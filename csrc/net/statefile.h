/* statefile: what must be known to go on after anything, also after kill -9; kept beside the target.
 *
 * JSON, mode 0600, no secret in it, replaced as a whole (temporary name, sync, rename).  A file that is damaged,
 * foreign, too long or of a later version counts as none.  The caller owns the struct and holds the place's lock.
 *
 * Behind the text stands a note: what has been written since, but may not be on disk.  After a crash of the process
 * it is all there; after one of the machine (another boot) the note is not believed, and only what was marked counts.
 *
 * One thread at a time, except that _note may run beside the others.  _save and _mark wait for the disk; _note takes
 * some microseconds, _begin some more. */
#ifndef E5_NET_STATEFILE_H
#define E5_NET_STATEFILE_H

#include <stdint.h>

#include "net/checksum.h"
#include "net/pieces.h"
#include "net/place.h"

#define E5_BOOT_SIZE 48

struct e5_state {
    char fingerprint[E5_DIGEST_HEX]; /* of dataset and request */
    bool pending; /* a submission was begun; there may be a job although no id is known */
    char job_id[64]; /* "" : none known */
    char url[1024];  /* of the data, without secrets; for people */
    int64_t size;    /* declared, −1: not known */
    char checksum[E5_CHECKSUM_SIZE]; /* declared, or "" */
    char etag[E5_ETAG_SIZE];         /* of the data, or "" */
    struct e5_pieces pieces; /* what of the part file is here; none: nothing */
    char boot[E5_BOOT_SIZE]; /* not in the file: this run of this machine, "" where it has no name */
};

void e5_state_init(struct e5_state *state, const char *fingerprint);
E5_MUST_USE enum e5_status e5_state_save(const struct e5_state *state, const struct e5_place *place,
                                         struct e5_error *err);
/* The same for `pieces` that were synced while more is being noted: notes stay. */
E5_MUST_USE enum e5_status e5_state_mark(const struct e5_state *state, const struct e5_place *place,
                                         struct e5_error *err);
/* A file to note in, where there is none: not synced, so good for just as long as notes are.  False: not possible. */
bool e5_state_begin(const struct e5_state *state, const struct e5_place *place);
/* Size, checksum, etag and pieces as written so far, into the file that is there; false: not possible. */
bool e5_state_note(const struct e5_state *state, const struct e5_place *place);
/* False: there is no usable state file. */
bool e5_state_load(struct e5_state *state, const struct e5_place *place);

#endif
