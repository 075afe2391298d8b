#include "net/transfer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "net/fault.h"
#include "net/structure.h"

static bool is_encoded(const struct e5_http_head *head) {
    return head->encoding[0] != '\0' && strcasecmp(head->encoding, "identity") != 0;
}

static enum e5_status corrupt(struct e5_error *err, enum e5_transfer_use *out, const char *what) {
    *out = E5_TRANSFER_FOREIGN;
    return e5_fail(err, E5_CORRUPT, "%s", what);
}

static enum e5_status use_of_rest(const struct e5_http_head *head, int64_t position, int64_t size, const char *etag,
                                  enum e5_transfer_use *out, struct e5_error *err) {
    if (head->range_start != position) return corrupt(err, out, "the reply begins at another byte than asked for");
    if (size >= 0 && head->range_total >= 0 && head->range_total != size)
        return corrupt(err, out, "the file at the store has another size than declared");
    if (etag[0] != '\0' && head->etag[0] != '\0' && strcmp(etag, head->etag) != 0)
        return corrupt(err, out, "the file at the store has changed since its first part was fetched");
    *out = E5_TRANSFER_APPEND;
    return E5_OK;
}

static enum e5_status use_of_whole(const struct e5_http_head *head, int64_t size, enum e5_transfer_use *out,
                                   struct e5_error *err) {
    if (head->length == 0) return corrupt(err, out, "empty reply");
    if (size >= 0 && head->length > size) return corrupt(err, out, "the file at the store is longer than declared");
    *out = E5_TRANSFER_BEGIN;
    return E5_OK;
}

enum e5_status e5_transfer_use_of(const struct e5_http_head *head, bool ranged, int64_t position, int64_t size,
                                  const char *etag, enum e5_transfer_use *out, struct e5_error *err) {
    bool good = head->status >= 200 && head->status <= 299;
    *out = E5_TRANSFER_NOTHING;
    if (good && is_encoded(head)) return corrupt(err, out, "encoded reply although none was asked for");
    if (head->status == 200) return use_of_whole(head, size, out, err);
    if (head->status == 206 && ranged) return use_of_rest(head, position, size, etag, out, err);
    if (head->status == 416) {
        bool complete = position > 0 && (size >= 0 ? position == size : head->range_total == position);
        if (!complete) return corrupt(err, out, "the store has no bytes where some are missing here");
        *out = E5_TRANSFER_COMPLETE;
        return E5_OK;
    }
    if (good) return corrupt(err, out, "the store's reply has no file in it");
    return E5_OK;
}

static struct e5_piece *piece_of(const struct e5_transfer *transfer) {
    return e5_pieces_find(&transfer->part->pieces, transfer->start);
}

bool e5_transfer_is_stale(const struct e5_transfer *transfer) {
    return transfer->generation != transfer->part->generation || piece_of(transfer) == NULL;
}

static bool is_ranged(const struct e5_transfer *transfer) {
    return transfer->begun_at > 0 || (transfer->asked >= 0 && transfer->asked < transfer->part->size);
}

/* The whole file comes: from its beginning, whatever is here. */
static enum e5_status begin_anew(struct e5_transfer *transfer, const char *etag, struct e5_error *err) {
    struct e5_part *part = transfer->part;
    bool other = part->etag[0] != '\0' && etag[0] != '\0' && strcmp(part->etag, etag) != 0;
    if (is_ranged(transfer) && !transfer->alone) {
        if (other) return corrupt(err, &transfer->use, "the file at the store has changed meanwhile");
        transfer->use = E5_TRANSFER_UNRANGED;
        return e5_fail(err, E5_CANCELLED, "the store does not send parts of a file");
    }
    e5_watch_add(transfer->watch, -e5_part_here(part));
    enum e5_status status = e5_part_restart(part, err);
    transfer->generation = part->generation;
    transfer->start = transfer->begun_at = 0;
    transfer->asked = -1;
    return status;
}

static enum e5_status on_head(void *context, const struct e5_http_head *head, struct e5_error *err) {
    struct e5_transfer *transfer = context;
    struct e5_part *part = transfer->part;
    if (e5_transfer_is_stale(transfer)) return e5_fail(err, E5_CANCELLED, "the file was begun anew");
    enum e5_status status = e5_transfer_use_of(head, is_ranged(transfer), piece_of(transfer)->position, part->size,
                                               part->etag, &transfer->use, err);
    if (status == E5_OK && transfer->use == E5_TRANSFER_BEGIN) status = begin_anew(transfer, head->etag, err);
    bool usable = transfer->use == E5_TRANSFER_BEGIN || transfer->use == E5_TRANSFER_APPEND;
    if (status == E5_OK && usable) e5_text_copy(part->etag, sizeof part->etag, head->etag);
    return status;
}

/* Where the first bytes end that tell what the file is. */
static int64_t head_end(const struct e5_piece *piece) {
    return piece->end >= 0 && piece->end < E5_STRUCTURE_HEAD ? piece->end : E5_STRUCTURE_HEAD;
}

/* A store may send its first bytes one by one, over several replies: they are read back from the part. */
static enum e5_status check_head(const struct e5_transfer *transfer, int64_t here, struct e5_error *err) {
    char head[E5_STRUCTURE_HEAD];
    const struct e5_part *part = transfer->part;
    ssize_t got = pread(part->fd, head, here < E5_STRUCTURE_HEAD ? (size_t)here : sizeof head, 0);
    if (got < 0) return e5_fail_errno(err, errno, part->path, "cannot read the part file of");
    return e5_structure_check_head(head, (size_t)got, transfer->media_type, err);
}

/* Only as much as the piece takes: it may have been shortened for another connection since it was asked for. */
static enum e5_status write_piece(struct e5_transfer *transfer, struct e5_piece *piece, const char *bytes,
                                  size_t size, struct e5_error *err) {
    bool shortened = piece->end >= 0 && piece->end != transfer->asked && piece->end < transfer->part->size;
    int64_t room = piece->end - piece->position;
    if (shortened && (int64_t)size > room) size = (size_t)room;
    bool unknown = piece->start == 0 && piece->position < head_end(piece);
    enum e5_status status = e5_part_write(transfer->part, piece, bytes, size, err);
    if (status != E5_OK) return status;
    e5_watch_add(transfer->watch, (int64_t)size);
    if (unknown && piece->position >= head_end(piece)) status = check_head(transfer, piece->position, err);
    if (status != E5_OK) return status;
    if (transfer->written != NULL) transfer->written(transfer->context);
    transfer->is_satisfied = shortened && e5_piece_whole(piece);
    return transfer->is_satisfied ? e5_fail(err, E5_CANCELLED, "the rest comes by another connection") : E5_OK;
}

static enum e5_status on_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    struct e5_transfer *transfer = context;
    if (e5_transfer_is_stale(transfer)) return e5_fail(err, E5_CANCELLED, "the file was begun anew");
    if (transfer->use != E5_TRANSFER_BEGIN && transfer->use != E5_TRANSFER_APPEND) return E5_OK; /* an error page */
    return write_piece(transfer, piece_of(transfer), bytes, size, err);
}

void e5_transfer_prepare(struct e5_transfer *transfer, struct e5_http_call *call) {
    const struct e5_piece *piece = piece_of(transfer);
    bool open = piece->end < 0 || piece->end == transfer->part->size;
    transfer->use = E5_TRANSFER_NOTHING;
    transfer->generation = transfer->part->generation;
    transfer->begun_at = piece->position;
    transfer->asked = open ? -1 : piece->end;
    transfer->is_satisfied = false;
    transfer->sink = (struct e5_http_sink){.context = transfer, .head = on_head, .body = on_body};
    call->sink = &transfer->sink;
    call->range_from = piece->position;
    call->range_to = open ? 0 : piece->end - 1;
    call->if_range = transfer->part->etag;
    call->expected = piece->end > piece->position ? piece->end - piece->position : 0;
}

static enum e5_event report_short(const struct e5_part *part, struct e5_error *err) {
    if (err != NULL)
        err->status =
            e5_fail(err, E5_CORRUPT, "got %lld of %lld bytes", (long long)e5_part_here(part), (long long)part->size);
    return E5_EVENT_SHORT;
}

/* The reply ended in order; are all bytes here? */
static enum e5_event judge_bytes(struct e5_transfer *transfer, struct e5_error *err) {
    const struct e5_piece *piece = piece_of(transfer);
    if (piece->position == 0) {
        if (err != NULL) err->status = e5_fail(err, E5_CORRUPT, "empty reply");
        return E5_EVENT_CORRUPT;
    }
    bool unknown = piece->start == 0 && piece->position < head_end(piece); /* a page may be shorter than that */
    if (unknown && check_head(transfer, piece->position, err) != E5_OK) return E5_EVENT_CORRUPT;
    if (piece->end < 0 || e5_piece_whole(piece)) return E5_EVENT_WHOLE;
    return report_short(transfer->part, err);
}

static enum e5_event judge_status(const struct e5_http_head *head, struct e5_error *err) {
    int status = head->status;
    bool gone = status == 401 || status == 403 || status == 404 || status == 410;
    if (!gone) return e5_fault_reply(status, "", 0, NULL, NULL, err);
    if (e5_fail(err, E5_RESULTS_EXPIRED, "the store does not give the file: HTTP status %d", status) != E5_OK)
        if (err != NULL) err->http_status = status;
    return E5_EVENT_GONE;
}

/* The piece is as it was, although a reply had been announced: not a cut on the way, there is no more to be had. */
static bool came_to_nothing(const struct e5_transfer *transfer, const struct e5_exchange *exchange) {
    const struct e5_piece *piece = piece_of(transfer);
    return e5_exchange_was_short(exchange) && piece->position > piece->start && piece->position == transfer->begun_at;
}

enum e5_event e5_transfer_judge(struct e5_transfer *transfer, const struct e5_exchange *exchange,
                                struct e5_error *err) {
    const struct e5_http_head *head = e5_exchange_head(exchange);
    enum e5_status status = e5_exchange_outcome(exchange, err);
    if (transfer->is_satisfied) {
        if (err != NULL) *err = E5_ERROR_NONE;
        return E5_EVENT_WHOLE;
    }
    if (status == E5_CORRUPT) return E5_EVENT_CORRUPT;
    if (status != E5_OK && came_to_nothing(transfer, exchange)) {
        if (err != NULL) *err = E5_ERROR_NONE;
        return report_short(transfer->part, err);
    }
    if (status != E5_OK) return e5_exchange_is_temporary(exchange) ? E5_EVENT_TEMPORARY : E5_EVENT_PERMANENT;
    if (transfer->use == E5_TRANSFER_NOTHING) { /* a reply without a body never reached the sink */
        if (on_head(transfer, head, err) != E5_OK) return E5_EVENT_CORRUPT;
        if (transfer->use == E5_TRANSFER_NOTHING) return judge_status(head, err);
    }
    return transfer->use == E5_TRANSFER_COMPLETE ? E5_EVENT_WHOLE : judge_bytes(transfer, err);
}
