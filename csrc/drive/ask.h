/* ask: one call of the service and its reply, ridden out like any other.
 *
 * For what is not a download: catalogue, costs, constraints, licences, lists of jobs, dismissing.  Temporary faults
 * are repeated with patience, waits that the service names are kept, so only calls that may be repeated belong here:
 * a submission is refused.  The path is joined to the configured address; the token goes nowhere else; a redirect to
 * another origin is followed without it, for GET and in the catalogue only.  Blocks; `watch` cancels within 0.2 s. */
#ifndef E5_DRIVE_ASK_H
#define E5_DRIVE_ASK_H

#include "base/buffer.h"
#include "base/watch.h"
#include "drive/fetch_item.h"

struct e5_ask {
    const char *method; /* "GET", "POST", "PUT", "DELETE" or "HEAD" */
    const char *path;   /* "/retrieve/v1/jobs?limit=10" */
    const char *body;   /* JSON, or NULL */
};

/* A reply other than 2xx is an error of its own kind.  `reply` is the body; the caller owns it. */
E5_MUST_USE enum e5_status e5_ask(const struct e5_fetch_options *options, const struct e5_ask *ask,
                                  struct e5_buffer *reply, struct e5_watch *watch, struct e5_error *err);
/* What the store says of the data at `url`, without fetching them; no token is sent. */
E5_MUST_USE enum e5_status e5_ask_data(const struct e5_fetch_options *options, const char *url,
                                       struct e5_http_head *head, struct e5_watch *watch, struct e5_error *err);

#endif
