/* transfer: the reply of an object store → bytes of one piece of a part, and what the reply means.
 *
 * A sink for net/http: judges the head (whole file, stretch of it, or neither), looks at the first bytes, writes.
 * The holder owns the struct, the part and the state; one exchange at a time for each piece, several pieces side by
 * side; all on the engine's thread.  After the exchange e5_transfer_judge() tells the event for net/lifecycle.h. */
#ifndef E5_NET_TRANSFER_H
#define E5_NET_TRANSFER_H

#include "base/watch.h"
#include "net/exchange.h"
#include "net/lifecycle.h"
#include "net/part.h"

enum e5_transfer_use {
    E5_TRANSFER_NOTHING, /* no reply yet, or none that has our bytes: see its HTTP status */
    E5_TRANSFER_APPEND,  /* the bytes go on where the part ends */
    E5_TRANSFER_BEGIN,   /* the bytes are the whole file */
    E5_TRANSFER_COMPLETE, /* the part has everything already */
    E5_TRANSFER_UNRANGED, /* the store sends the whole file where others are already fetching the rest of it */
    E5_TRANSFER_FOREIGN   /* the bytes are of another file, or not where we asked for them */
};

struct e5_transfer {
    struct e5_part *part;
    const char *media_type; /* what is expected; borrowed */
    struct e5_watch *watch; /* counts bytes */
    int64_t start;          /* the piece of the part: where it begins */
    void (*written)(void *context); /* told after every write; may be NULL */
    void *context;
    bool alone; /* nobody else fetches for this part: a reply with the whole file may begin it anew */
    struct e5_http_sink sink;
    enum e5_transfer_use use;
    unsigned generation; /* of the part */
    int64_t begun_at;    /* the piece's position when the exchange began */
    int64_t asked;       /* end of what was asked for, −1: all that follows */
    bool is_satisfied; /* the piece is whole and the exchange was ended for that */
};

/* Before each exchange, with the fields up to `alone` set: fills in call->sink, range and ETag. */
void e5_transfer_prepare(struct e5_transfer *transfer, struct e5_http_call *call);
/* What a reply's head means: `ranged` where a stretch from `position` on was asked for, of a file of `size` (−1: not
 * declared) with this ETag ("": not known). */
E5_MUST_USE enum e5_status e5_transfer_use_of(const struct e5_http_head *head, bool ranged, int64_t position,
                                              int64_t size, const char *etag, enum e5_transfer_use *out,
                                              struct e5_error *err);
/* The part was begun anew meanwhile: the exchange means nothing any more. */
bool e5_transfer_is_stale(const struct e5_transfer *transfer);
/* The exchange has ended, is not stale and `use` is not E5_TRANSFER_UNRANGED: what of the piece?  A failure is
 * reported in *err.  E5_EVENT_WHOLE: the piece is here. */
enum e5_event e5_transfer_judge(struct e5_transfer *transfer, const struct e5_exchange *exchange,
                                struct e5_error *err);

#endif
