/* fetch: CDS requests → jobs, results, verified files.
 *
 * One engine thread (the caller) owns all network handles and a queue of entries with due times; what waits for the
 * disk runs in short-lived threads beside it.  Submission slots, the poller and transfers are three separate
 * resources.  Nothing here waits for the service in a sleeping worker.  The journal and state files beside the
 * targets let a later call go on: attach to the job, continue the file at its byte, keep what is finished.  Blocks
 * until every item has ended or `watch` cancels; then E5_CANCELLED within a second, part and state files left for the
 * next call, jobs left alive unless `dismiss` is set.
 *
 * The result of the call is E5_OK when the engine itself worked; each item has its own status.  `results` are filled
 * in in any case and given back with e5_fetch_results_fini(). */
#ifndef E5_DRIVE_FETCH_H
#define E5_DRIVE_FETCH_H

#include "base/watch.h"
#include "drive/fetch_item.h"
#include "pool/pool.h"

E5_MUST_USE enum e5_status e5_fetch(const struct e5_fetch_options *options, const struct e5_fetch_item *items,
                                    size_t n, struct e5_pool *pool, struct e5_fetch_result *results,
                                    struct e5_watch *watch, struct e5_error *err);

#endif
