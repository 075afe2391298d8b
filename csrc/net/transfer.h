/* transfer: the reply of an object store → bytes appended to a part, and what the reply means.
 *
 * A sink for net/http: judges the head (whole file, rest of it, or neither), looks at the first bytes, appends.  The
 * holder owns the struct, the part and the state; one exchange at a time; runs on the engine's thread.  After the
 * exchange e5_transfer_judge() tells the event for net/lifecycle.h. */
#ifndef E5_NET_TRANSFER_H
#define E5_NET_TRANSFER_H

#include "base/watch.h"
#include "net/exchange.h"
#include "net/lifecycle.h"
#include "net/part.h"

enum e5_transfer_use {
    E5_TRANSFER_NOTHING,  /* no reply yet, or none that has our bytes: see its HTTP status */
    E5_TRANSFER_APPEND,   /* the bytes go on where the part ends */
    E5_TRANSFER_BEGIN,    /* the bytes are the whole file */
    E5_TRANSFER_COMPLETE, /* the part has everything already */
    E5_TRANSFER_FOREIGN   /* the bytes are of another file, or not where we asked for them */
};

struct e5_transfer {
    struct e5_part *part;
    const char *media_type;  /* what is expected; borrowed */
    char etag[E5_ETAG_SIZE]; /* of the bytes in the part, "" : not known; replaced by newer ones */
    struct e5_watch *watch;  /* counts bytes */
    struct e5_http_sink sink;
    enum e5_transfer_use use;
    int64_t begun_at;        /* bytes in the part when the exchange began */
};

/* Before each exchange: fills in call->sink, range and ETag. */
void e5_transfer_prepare(struct e5_transfer *transfer, struct e5_http_call *call);
/* What a reply's head means for a part with `position` bytes of a file of `size` (−1: not declared). */
E5_MUST_USE enum e5_status e5_transfer_use_of(const struct e5_http_head *head, int64_t position, int64_t size,
                                              const char *etag, enum e5_transfer_use *out, struct e5_error *err);
/* The exchange has ended: what now?  A failure is reported in *err. */
enum e5_event e5_transfer_judge(struct e5_transfer *transfer, const struct e5_exchange *exchange,
                                struct e5_error *err);

#endif
