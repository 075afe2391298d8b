#include "drive/fetch_note.h"

#include "base/text.h"

#define NOTE_BYTES ((int64_t)512 << 10)

void e5_note_progress(struct e5_state *state, const struct e5_part *part) {
    e5_text_copy(state->etag, sizeof state->etag, part->etag);
    state->pieces = part->pieces;
}

void e5_note_begin(struct e5_load *load) { load->noted = -1; }

void e5_note_write(struct e5_load *load) {
    struct e5_state written = load->state;
    int64_t here = e5_part_here(&load->part);
    e5_note_progress(&written, &load->part);
    load->needs_mark = !e5_state_note(&written, &load->place);
    load->noted = here;
    load->noted_generation = load->part.generation;
}

static bool is_due(const struct e5_load *load) {
    int64_t here = e5_part_here(&load->part);
    bool anew = load->noted < 0 || load->noted_generation != load->part.generation;
    return here > 0 && (anew || here - load->noted >= NOTE_BYTES);
}

void e5_note_tend(void *load) {
    if (is_due(load)) e5_note_write(load);
}
