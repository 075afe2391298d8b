#include "drive/fetch_mark.h"

#include "base/clock.h"
#include "base/text.h"
#include "drive/fetch_event.h"
#include "drive/fetch_note.h"
#include "drive/fetch_wire.h"

#define MARK_BYTES ((int64_t)64 << 20)
#define MARK_SECONDS 30.0

void e5_mark_begin(struct e5_load *load) {
    load->state.pieces.count = 0; /* what an earlier process wrote need not have been synced */
    load->marked_at = e5_clock_monotonic();
    load->marked_generation = load->part.generation;
    e5_note_begin(load);
}

bool e5_mark_is_due(const struct e5_load *load) {
    return load->part.fd >= 0 && e5_part_here(&load->part) != e5_pieces_here(&load->state.pieces);
}

void e5_mark_prepare(struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    e5_load_note_job(load, entry);
    load->mark = load->state;
    if (load->part.fd >= 0) e5_note_progress(&load->mark, &load->part);
    if (load->part.fd >= 0) e5_note_write(load); /* a note is believed before a mark: none may be older */
    load->marked_at = e5_clock_monotonic();
    load->marked_generation = load->part.generation;
}

enum e5_status e5_mark_write(struct e5_entry *entry, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = entry->load;
    (void)watch; /* a cancel is just when a mark is wanted */
    if (load->part.fd < 0) return e5_state_save(&load->mark, &load->place, err);
    enum e5_status status = e5_part_sync(&load->part, err);
    return status == E5_OK ? e5_state_mark(&load->mark, &load->place, err) : status;
}

void e5_mark_made(struct e5_load *load) {
    load->unsaved = load->needs_mark = false;
    if (load->marked_generation == load->part.generation) { /* else begun anew meanwhile */
        e5_text_copy(load->state.etag, sizeof load->state.etag, load->mark.etag);
        load->state.pieces = load->mark.pieces;
    }
    if (load->part.fd >= 0) e5_note_write(load); /* the last ones may have gone into the file that was replaced */
}

static void marked(struct e5_engine *engine, struct e5_entry *entry, struct e5_error *err) {
    if (err->status == E5_OK) {
        e5_mark_made(entry->load);
    } else if (entry->life.stage == E5_STAGE_LOAD) {
        e5_wire_drop(engine, entry->load);
        e5_engine_event(engine, entry, E5_EVENT_PERMANENT, err);
    }
}

void e5_mark_tend(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_load *load = entry->load;
    e5_note_tend(load);
    if (entry->job != NULL) return;
    if (load->marked_generation != load->part.generation) { /* the store made us begin anew */
        load->state.pieces.count = 0;
        load->marked_generation = load->part.generation;
    }
    int64_t unmarked = e5_part_here(&load->part) - e5_pieces_here(&load->state.pieces);
    if (unmarked <= 0) return;
    if (!load->needs_mark && unmarked < MARK_BYTES && now - load->marked_at < MARK_SECONDS) return;
    e5_mark_prepare(entry);
    e5_engine_disk(engine, entry, e5_mark_write, marked);
}
