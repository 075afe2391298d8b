/* fetch_reply: what the calls of an entry have in common: starting, failing, waits that are asked for.
 *
 * Called by the engine, on its thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_REPLY_H
#define E5_DRIVE_FETCH_REPLY_H

#include "drive/fetch_engine.h"

/* The event that a call without a whole reply is. */
enum e5_event e5_reply_failure(const struct e5_exchange *exchange, const struct e5_error *err);
/* The call itself failed, which becomes an event of the entry; or there is a whole reply: then true. */
bool e5_reply_is_whole(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange);
/* A wait that the service asks for binds all calls to it. */
void e5_reply_note_wait(struct e5_engine *engine, const struct e5_exchange *exchange, struct e5_error *err);
/* Start a call of the entry; one that cannot be started is an event.  Calls to a host that asked to be left alone are
 * put off. */
void e5_reply_call(struct e5_engine *engine, struct e5_entry *entry, const struct e5_http_call *what,
                   e5_reply_fn reply);
/* The same with a struct e5_call of the caller's, of which an entry may have several under way. */
void e5_reply_start(struct e5_engine *engine, struct e5_call *call, struct e5_entry *entry,
                    const struct e5_http_call *what, e5_reply_fn reply);
/* Ask about a job; `what` as for e5_cds_job_url(). */
void e5_reply_ask(struct e5_engine *engine, struct e5_entry *entry, const char *job_id, const char *what,
                  e5_reply_fn reply);

#endif
