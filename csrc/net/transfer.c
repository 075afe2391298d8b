#include "net/transfer.h"

#include <string.h>
#include <strings.h>

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

enum e5_status e5_transfer_use_of(const struct e5_http_head *head, int64_t position, int64_t size, const char *etag,
                                  enum e5_transfer_use *out, struct e5_error *err) {
    bool good = head->status >= 200 && head->status <= 299;
    *out = E5_TRANSFER_NOTHING;
    if (good && is_encoded(head)) return corrupt(err, out, "encoded reply although none was asked for");
    if (head->status == 200) return use_of_whole(head, size, out, err);
    if (head->status == 206 && position > 0) return use_of_rest(head, position, size, etag, out, err);
    if (head->status == 416) {
        bool complete = position > 0 && (size >= 0 ? position == size : head->range_total == position);
        if (!complete) return corrupt(err, out, "the store has no bytes where some are missing here");
        *out = E5_TRANSFER_COMPLETE;
        return E5_OK;
    }
    if (good) return corrupt(err, out, "the store's reply has no file in it");
    return E5_OK;
}

static enum e5_status on_head(void *context, const struct e5_http_head *head, struct e5_error *err) {
    struct e5_transfer *transfer = context;
    struct e5_part *part = transfer->part;
    enum e5_status status = e5_transfer_use_of(head, part->position, part->size, transfer->etag, &transfer->use, err);
    if (status != E5_OK) return status;
    if (transfer->use == E5_TRANSFER_BEGIN) {
        e5_watch_add(transfer->watch, -part->position);
        transfer->begun_at = 0;
        status = e5_part_restart(part, err);
    }
    bool usable = transfer->use == E5_TRANSFER_BEGIN || transfer->use == E5_TRANSFER_APPEND;
    if (usable) e5_text_copy(transfer->etag, sizeof transfer->etag, head->etag);
    return status;
}

static enum e5_status on_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    struct e5_transfer *transfer = context;
    struct e5_part *part = transfer->part;
    enum e5_status status = E5_OK;
    if (transfer->use != E5_TRANSFER_BEGIN && transfer->use != E5_TRANSFER_APPEND) return E5_OK; /* an error page */
    if (part->position == 0)
        status = e5_structure_check_head(bytes, size < E5_STRUCTURE_HEAD ? size : E5_STRUCTURE_HEAD,
                                         transfer->media_type, err);
    if (status == E5_OK) status = e5_part_append(part, bytes, size, err);
    if (status == E5_OK) e5_watch_add(transfer->watch, (int64_t)size);
    return status;
}

void e5_transfer_prepare(struct e5_transfer *transfer, struct e5_http_call *call) {
    transfer->use = E5_TRANSFER_NOTHING;
    transfer->begun_at = transfer->part->position;
    transfer->sink = (struct e5_http_sink){.context = transfer, .head = on_head, .body = on_body};
    call->sink = &transfer->sink;
    call->range_from = transfer->part->position;
    call->if_range = transfer->etag;
}

static enum e5_event report_short(const struct e5_part *part, struct e5_error *err) {
    if (err != NULL)
        err->status =
            e5_fail(err, E5_CORRUPT, "got %lld of %lld bytes", (long long)part->position, (long long)part->size);
    return E5_EVENT_SHORT;
}

/* The reply ended in order; are all bytes here? */
static enum e5_event judge_bytes(struct e5_transfer *transfer, struct e5_error *err) {
    const struct e5_part *part = transfer->part;
    if (part->position == 0) {
        if (err != NULL) err->status = e5_fail(err, E5_CORRUPT, "empty reply");
        return E5_EVENT_CORRUPT;
    }
    if (part->size < 0 || part->position == part->size) return E5_EVENT_WHOLE;
    return report_short(part, err);
}

static enum e5_event judge_status(const struct e5_http_head *head, struct e5_error *err) {
    int status = head->status;
    bool gone = status == 401 || status == 403 || status == 404 || status == 410;
    if (!gone) return e5_fault_reply(status, "", 0, NULL, NULL, err);
    if (e5_fail(err, E5_RESULTS_EXPIRED, "the store does not give the file: HTTP status %d", status) != E5_OK)
        if (err != NULL) err->http_status = status;
    return E5_EVENT_GONE;
}

enum e5_event e5_transfer_judge(struct e5_transfer *transfer, const struct e5_exchange *exchange,
                                struct e5_error *err) {
    const struct e5_http_head *head = e5_exchange_head(exchange);
    int64_t position = transfer->part->position;
    enum e5_status status = e5_exchange_outcome(exchange, err);
    if (status == E5_CORRUPT) return E5_EVENT_CORRUPT;
    if (status != E5_OK && e5_exchange_was_short(exchange) && position > 0 && position == transfer->begun_at) {
        if (err != NULL) *err = E5_ERROR_NONE;
        return report_short(transfer->part, err); /* not a cut on the way: there is no more to be had */
    }
    if (status != E5_OK) return e5_exchange_is_temporary(exchange) ? E5_EVENT_TEMPORARY : E5_EVENT_PERMANENT;
    if (transfer->use == E5_TRANSFER_NOTHING) { /* a reply without a body never reached the sink */
        if (on_head(transfer, head, err) != E5_OK) return E5_EVENT_CORRUPT;
        if (transfer->use == E5_TRANSFER_NOTHING) return judge_status(head, err);
    }
    return transfer->use == E5_TRANSFER_COMPLETE ? E5_EVENT_WHOLE : judge_bytes(transfer, err);
}
