#include "drive/fetch_load.h"

#include "base/alloc.h"
#include "base/text.h"

enum e5_status e5_load_new(const struct e5_engine *engine, struct e5_load **out, struct e5_error *err) {
    enum e5_status status = e5_alloc(1, sizeof **out, out, err);
    if (status != E5_OK) return status;
    (*out)->http = engine->http;
    (*out)->crew = engine->crew;
    (*out)->place = E5_PLACE_NONE;
    (*out)->part = E5_PART_NONE;
    return E5_OK;
}

void e5_load_note_job(struct e5_load *load, const struct e5_entry *entry) {
    e5_text_copy(load->state.job_id, sizeof load->state.job_id, entry->job_id);
    load->state.pending = entry->is_pending;
}
