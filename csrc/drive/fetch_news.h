/* fetch_news: what a reply says about a job, made into an event of its entry.
 *
 * Tells the lane (queued, survived, rejected), the pacer (how long it ran), the journal and the user on the way.
 * Called by the engine, on its thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_NEWS_H
#define E5_DRIVE_FETCH_NEWS_H

#include "drive/fetch_engine.h"

/* News of the entry's job, from whichever call. */
void e5_news_take(struct e5_engine *engine, struct e5_entry *entry, struct e5_cds_news *news);
/* News of a job whose entry has ended with it: it still stands in the queue. */
void e5_news_take_late(struct e5_engine *engine, struct e5_entry *entry, const struct e5_cds_news *news);

#endif
