/* statefile: what must be known to go on after anything, also after kill -9; kept beside the target.
 *
 * JSON, mode 0600, no secret in it, replaced as a whole (temporary name, sync, rename).  A file that is damaged,
 * foreign, too long or of another version counts as none.  The caller owns the struct and holds the place's lock.
 * One thread at a time; _save waits for the disk. */
#ifndef E5_NET_STATEFILE_H
#define E5_NET_STATEFILE_H

#include <stdint.h>

#include "net/checksum.h"
#include "net/place.h"

struct e5_state {
    char fingerprint[E5_DIGEST_HEX]; /* of dataset and request */
    bool pending;                    /* a submission was begun; there may be a job although no id is known */
    char job_id[64];                 /* "" : none known */
    char url[1024];                  /* of the data, without secrets; for people */
    int64_t size;                    /* declared, −1: not known */
    char checksum[E5_CHECKSUM_SIZE]; /* declared, or "" */
    char etag[E5_ETAG_SIZE];         /* of the data, or "" */
    int64_t durable;                 /* bytes of the part file that are on disk */
};

void e5_state_init(struct e5_state *state, const char *fingerprint);
E5_MUST_USE enum e5_status e5_state_save(const struct e5_state *state, const struct e5_place *place,
                                         struct e5_error *err);
/* False: there is no usable state file. */
bool e5_state_load(struct e5_state *state, const struct e5_place *place);

#endif
