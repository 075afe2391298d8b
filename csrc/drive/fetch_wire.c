#include "drive/fetch_wire.h"

#include <math.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/fetch_event.h"
#include "drive/fetch_note.h"
#include "drive/fetch_reply.h"

#define LOOK 0.1 /* seconds between looks at the connections of a file */
#define PAUSE 1.0 /* before a cut connection is made again, where others go on */
#define QUICK ((int64_t)1 << 20) /* after so many bytes a cut is answered at once: that is no server in distress */
#define CUTS 2 /* after so many a second connection is made */
#define WINDOW 1.0
#define GAIN 0.15

static bool runs(const struct e5_wire *wire) { return wire->call.exchange != NULL; }

static unsigned count(const struct e5_load *load) {
    unsigned n = 0;
    for (unsigned i = 0; i < E5_PIECES_MOST; i++) n += runs(&load->wires[i]);
    return n;
}

static void count_all(const struct e5_engine *engine, unsigned *connections, int64_t *bytes) {
    *connections = 0;
    *bytes = 0;
    for (size_t i = 0; i < engine->claimed_count; i++) {
        const struct e5_load *load = engine->claimed[i]->load;
        if (load == NULL) continue;
        *connections += count(load);
        *bytes += load->received;
    }
}

static bool is_served(const struct e5_load *load, const struct e5_piece *piece) {
    for (unsigned i = 0; i < E5_PIECES_MOST; i++)
        if (runs(&load->wires[i]) && load->wires[i].transfer.start == piece->start) return true;
    return false;
}

/* Who else fetches matters to everybody who is about to get a head. */
static void note_company(struct e5_load *load) {
    bool alone = count(load) < 2;
    for (unsigned i = 0; i < E5_PIECES_MOST; i++) load->wires[i].transfer.alone = alone;
}

static void set_limit(const struct e5_engine *engine, struct e5_wire *wire, unsigned connections) {
    double all = engine->options->settings.bandwidth;
    int64_t limit = all > 0 ? (int64_t)fmax(1, all / fmax(1, connections)) : 0;
    if (!runs(wire) || limit == wire->limit) return;
    e5_exchange_limit(wire->call.exchange, limit);
    wire->limit = limit;
}

/* Starting. */

static void loaded(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange);

static void start(struct e5_engine *engine, struct e5_entry *entry, const struct e5_piece *piece) {
    struct e5_load *load = entry->load;
    struct e5_wire *wire = load->wires;
    struct e5_http_call what = {.url = entry->asset->href};
    unsigned connections;
    int64_t bytes;
    while (wire < load->wires + E5_PIECES_MOST && runs(wire)) wire++;
    if (wire == load->wires + E5_PIECES_MOST) return;
    *wire = (struct e5_wire){.transfer = {.part = &load->part,
                                          .media_type = entry->asset->media_type,
                                          .watch = engine->watch,
                                          .start = piece->start,
                                          .written = e5_note_tend,
                                          .context = load}};
    e5_transfer_prepare(&wire->transfer, &what);
    e5_reply_start(engine, &wire->call, entry, &what, loaded);
    note_company(load);
    count_all(engine, &connections, &bytes);
    set_limit(engine, wire, connections);
}

/* Connections that this file may have in addition: files that wait for their turn come first. */
static unsigned idle(const struct e5_engine *engine, const struct e5_load *load, unsigned connections) {
    unsigned most = (unsigned)engine->options->settings.max_large_transfers, own = count(load);
    unsigned per_file = load->is_single ? 1 : (unsigned)engine->options->settings.connections;
    if (engine->large >= most || connections >= most || own >= per_file) return own == 0;
    unsigned here = per_file - own, there = most - connections;
    return here < there ? here : there;
}

static bool lacks_bytes(const struct e5_piece *piece) { return !e5_piece_whole(piece); }

void e5_wire_start(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    struct e5_pieces *pieces = &load->part.pieces;
    unsigned connections;
    int64_t bytes;
    count_all(engine, &connections, &bytes);
    unsigned more = idle(engine, load, connections);
    load->pause = e5_clock_monotonic() + PAUSE * engine->policy.pace;
    for (unsigned i = 0; i < pieces->count && more > 0 && entry->life.stage == E5_STAGE_LOAD; i++) {
        if (!lacks_bytes(&pieces->piece[i]) || is_served(load, &pieces->piece[i])) continue;
        start(engine, entry, &pieces->piece[i]);
        more--;
    }
    if (e5_part_whole(&load->part) && count(load) == 0)
        start(engine, entry, &pieces->piece[0]); /* the store is to confirm it */
}

void e5_wire_begin(struct e5_engine *engine, struct e5_load *load) {
    unsigned connections;
    int64_t bytes;
    double now = e5_clock_monotonic();
    load->seen = e5_part_here(&load->part);
    load->received = 0;
    count_all(engine, &connections, &bytes);
    e5_split_init(&load->split, now, bytes, connections);
}

void e5_wire_drop(struct e5_engine *engine, struct e5_load *load) {
    for (unsigned i = 0; i < E5_PIECES_MOST; i++) e5_engine_drop_call(engine, &load->wires[i].call);
}

/* Ending. */

/* Bytes of two connections must be of one and the same object: without a strong tag nobody could tell. */
static bool can_split(const struct e5_load *load) {
    return !load->is_single && load->part.size > 0 && load->part.etag[0] == '"' &&
           load->part.pieces.count < E5_PIECES_MOST;
}

static unsigned largest(const struct e5_pieces *pieces) {
    unsigned best = 0;
    for (unsigned i = 1; i < pieces->count; i++) {
        const struct e5_piece *piece = &pieces->piece[i], *other = &pieces->piece[best];
        if (piece->end - piece->position > other->end - other->position) best = i;
    }
    return best;
}

/* Where connections are cut again and again a second one goes on while the first is made anew. */
static void answer_cut(struct e5_engine *engine, struct e5_entry *entry) {
    struct e5_load *load = entry->load;
    struct e5_pieces *pieces = &load->part.pieces;
    unsigned i = largest(pieces);
    int64_t from = pieces->piece[i].position, left = pieces->piece[i].end - from;
    bool alone = count(load) == 0 && engine->options->settings.connections > 1;
    if (++load->cuts >= CUTS && alone && can_split(load) && left >= 4 * QUICK)
        (void)e5_pieces_split(pieces, i, from + left / 2);
    e5_wire_start(engine, entry);
}

/* With nobody at work for this file the stage is acted on again; else e5_wire_tend() sees to what is left. */
static void go_on(struct e5_engine *engine, struct e5_entry *entry) {
    if (count(entry->load) == 0) e5_engine_schedule(engine, entry, e5_clock_monotonic());
}

/* The store ignores ranges, or has no second connection for us: the one before this takes its piece over. */
static void be_single(struct e5_load *load, int64_t start) {
    load->is_single = true;
    for (unsigned i = 0; i < load->part.pieces.count; i++)
        if (load->part.pieces.piece[i].start == start) e5_pieces_rejoin(&load->part.pieces, i);
}

static void end_all(struct e5_engine *engine, struct e5_entry *entry, enum e5_event event, struct e5_error *err) {
    event = e5_lifecycle_meaning(&entry->life, event);
    if (event == E5_EVENT_CORRUPT) {
        e5_engine_tell(engine, E5_LOG_INFO, "%s: %s", e5_entry_name(entry), err->what);
        entry->load->restart = true; /* not closed here: a mark may be on its way to the disk */
    }
    e5_wire_drop(engine, entry->load);
    e5_engine_event(engine, entry, event, err);
}

static void judge(struct e5_engine *engine, struct e5_entry *entry, struct e5_wire *wire,
                  const struct e5_exchange *exchange) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_load *load = entry->load;
    enum e5_event event = e5_transfer_judge(&wire->transfer, exchange, &err);
    int64_t moved = e5_pieces_find(&load->part.pieces, wire->transfer.start)->position - wire->transfer.begun_at;
    double asked = e5_exchange_head(exchange)->retry_after;
    if (moved > 0) e5_retry_progress(&entry->retry);
    if (event == E5_EVENT_TEMPORARY && asked > 0) {
        err.retry_after = asked;
        e5_engine_hold(engine, entry->asset->href, asked);
    }
    bool others = count(load) > 0, quick = moved >= QUICK && asked <= 0;
    if (event == E5_EVENT_TEMPORARY && others && moved == 0) be_single(load, wire->transfer.start);
    if (!quick) load->pause = e5_clock_monotonic() + PAUSE * engine->policy.pace;
    bool complete = load->part.size < 0 || e5_part_whole(&load->part);
    if (event == E5_EVENT_WHOLE && !complete)
        go_on(engine, entry);
    else if (event == E5_EVENT_TEMPORARY && quick)
        answer_cut(engine, entry);
    else if (event == E5_EVENT_TEMPORARY && others)
        go_on(engine, entry);
    else
        end_all(engine, entry, event, &err);
}

static void loaded(struct e5_engine *engine, struct e5_entry *entry, struct e5_exchange *exchange) {
    struct e5_wire *wire = e5_exchange_owner(exchange);
    note_company(entry->load);
    if (e5_transfer_is_stale(&wire->transfer)) {
        go_on(engine, entry);
    } else if (wire->transfer.use == E5_TRANSFER_UNRANGED) {
        be_single(entry->load, wire->transfer.start);
        go_on(engine, entry);
    } else {
        judge(engine, entry, wire, exchange);
    }
}

/* Tending. */

static void try_split(struct e5_engine *engine, struct e5_entry *entry, double now, unsigned connections,
                      int64_t bytes) {
    struct e5_load *load = entry->load;
    struct e5_pieces *pieces = &load->part.pieces;
    struct e5_split_policy policy = {fmin(WINDOW, fmax(LOOK, WINDOW * engine->policy.pace)), GAIN};
    unsigned i = largest(pieces), more = idle(engine, load, connections);
    int64_t from = pieces->piece[i].position, left = pieces->piece[i].end - from;
    if (e5_split_advise(&load->split, &policy, now, bytes, connections, more, left) != E5_SPLIT_ADD) return;
    if (!e5_pieces_split(pieces, i, from + left / 2)) return;
    e5_engine_tell(engine, E5_LOG_DEBUG, "%s: one more connection, from byte %lld on", e5_entry_name(entry),
                   (long long)(from + left / 2));
    start(engine, entry, &pieces->piece[i + 1]);
}

static void count_bytes(struct e5_load *load) {
    int64_t here = e5_part_here(&load->part);
    if (here > load->seen) load->received += here - load->seen;
    load->seen = here;
}

static bool all_served(const struct e5_load *load) {
    for (unsigned i = 0; i < load->part.pieces.count; i++) {
        const struct e5_piece *piece = &load->part.pieces.piece[i];
        if (lacks_bytes(piece) && !is_served(load, piece)) return false;
    }
    return true;
}

void e5_wire_tend(struct e5_engine *engine, struct e5_entry *entry, double now) {
    struct e5_load *load = entry->load;
    unsigned connections;
    int64_t bytes;
    count_bytes(load);
    if (now - load->looked_at < LOOK || count(load) == 0) return;
    load->looked_at = now;
    count_all(engine, &connections, &bytes);
    for (unsigned i = 0; i < E5_PIECES_MOST; i++) set_limit(engine, &load->wires[i], connections);
    if (all_served(load)) {
        if (can_split(load)) try_split(engine, entry, now, connections, bytes);
    } else if (now >= load->pause) {
        e5_wire_start(engine, entry);
    }
}
