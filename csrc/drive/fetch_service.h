/* fetch_service: what the stages of a request do at the service: submit, look for a lost job, poll, locate.
 *
 * Called by the engine, on its thread; nothing blocks. */
#ifndef E5_DRIVE_FETCH_SERVICE_H
#define E5_DRIVE_FETCH_SERVICE_H

#include "drive/fetch_engine.h"

void e5_fetch_submit(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_look(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_poll(struct e5_engine *engine, struct e5_entry *entry);
void e5_fetch_locate(struct e5_engine *engine, struct e5_entry *entry);

#endif
