/* fetch_event: what happened to an entry, and what follows: its next stage, when it is acted on, its end.
 *
 * net/lifecycle decides; here the entry waits, gives back what its new stage does not need, and ends.  On the
 * engine's thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_EVENT_H
#define E5_DRIVE_FETCH_EVENT_H

#include "drive/fetch_engine.h"

/* Decides the next stage and when it is acted on.  `why` is needed with events that are failures. */
void e5_engine_event(struct e5_engine *engine, struct e5_entry *entry, enum e5_event event,
                     const struct e5_error *why);
#define E5_OTHER_SUBMITS "another process that is submitting the same request"
/* Waiting for somebody else (`what`) begins or goes on.  Told once; false, with a report, when patience is over. */
E5_MUST_USE bool e5_engine_awaits_other(struct e5_engine *engine, struct e5_entry *entry, const char *what,
                                        struct e5_error *err);
/* Seconds until the next look at what somebody else does: longer, the longer it takes. */
double e5_engine_other_wait(const struct e5_entry *entry);
/* The entry fails in whatever stage it is: the caller acts on its new stage or schedules it. */
void e5_engine_fail(struct e5_engine *engine, struct e5_entry *entry, const struct e5_error *why);
/* The entry has ended, with entry->result->error where it failed; gives back all it had. */
void e5_engine_end(struct e5_engine *engine, struct e5_entry *entry);

#endif
