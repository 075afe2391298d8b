#include "net/fault.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "net/json.h"

#define SHOWN 200 /* bytes of the service's text in a message */

struct fault {
    int http_status;
    const char *type, *title, *detail, *traceback;
    const char *service, *dataset;
};

static bool mentions(const char *text, const char *word) { return strcasestr(text, word) != NULL; }

static bool says(const struct fault *fault, const char *word) {
    return mentions(fault->type, word) || mentions(fault->title, word) || mentions(fault->detail, word);
}

/* The most telling text there is. */
static void describe(const struct fault *fault, char out[SHOWN + 1]) {
    const char *text = fault->traceback[0] != '\0' ? fault->traceback
                       : fault->detail[0] != '\0'  ? fault->detail
                                                   : fault->title;
    if (text[0] == '\0')
        snprintf(out, SHOWN + 1, "HTTP status %d", fault->http_status);
    else
        e5_text_copy(out, SHOWN + 1, text);
    e5_text_clean(out);
}

static enum e5_event report(const struct fault *fault, enum e5_event event, enum e5_status status, const char *what,
                            struct e5_error *err) {
    char text[SHOWN + 1];
    describe(fault, text);
    if (e5_fail(err, status, "%s: %s", what, text) == status && err != NULL) err->http_status = fault->http_status;
    return event;
}

/* The last line names the class of the failure; lines before it may be harmless remarks. */
static const char *last_line(const char *text, char out[SHOWN + 1]) {
    size_t end = strlen(text);
    while (end > 0 && strchr(" \r\n\t", text[end - 1]) != NULL) end--;
    size_t start = end;
    while (start > 0 && text[start - 1] != '\n') start--;
    snprintf(out, SHOWN + 1, "%.*s", (int)(end - start), text + start);
    e5_text_clean(out);
    return out;
}

static bool is_passing(const char *line) {
    static const char *const passing[] = {"MarsSystemError", "MarsRuntimeError", "CadsObsConnectionError",
                                          "killed due to memory usage"};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (mentions(line, passing[i])) return true;
    return false;
}

static enum e5_event job_ended(const struct fault *fault, struct e5_error *err) {
    char line[SHOWN + 1];
    if (mentions(fault->traceback, "queued requests") && mentions(fault->traceback, "limited"))
        return report(fault, E5_EVENT_CROWDED, E5_THROTTLED, "too many requests are queued for this dataset", err);
    enum e5_event event = is_passing(last_line(fault->traceback, line)) ? E5_EVENT_SHAKY : E5_EVENT_BROKEN;
    report(fault, event, E5_JOB_FAILED, mentions(fault->title, "rejected") ? "job rejected" : "job failed", err);
    if (line[0] != '\0') e5_error_hint(err, "the service says: %s", line);
    return event;
}

static enum e5_event no_licence(const struct fault *fault, struct e5_error *err) {
    const char *page = strstr(fault->detail, "https://");
    size_t portal = fault->service != NULL ? strlen(fault->service) : 0;
    if (portal > 4 && strcmp(fault->service + portal - 4, "/api") == 0) portal -= 4;
    report(fault, E5_EVENT_PERMANENT, E5_LICENCE, "a licence has not been accepted", err);
    if (page != NULL)
        e5_error_hint(err, "accept it at %.*s", (int)strcspn(page, " \t\r\n\"'<>"), page);
    else if (portal > 0 && fault->dataset != NULL)
        e5_error_hint(err, "accept it at %.*s/datasets/%s?tab=download#manage-licences", (int)portal, fault->service,
                      fault->dataset);
    return E5_EVENT_PERMANENT;
}

static enum e5_event forbidden(const struct fault *fault, struct e5_error *err) {
    if (says(fault, "licence")) return no_licence(fault, err);
    if (says(fault, "cost limits")) {
        report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "the request is too large", err);
        e5_error_hint(err, "split it, for example by month");
        return E5_EVENT_PERMANENT;
    }
    report(fault, E5_EVENT_PERMANENT, E5_AUTH, "the service refuses access", err);
    e5_error_hint(err, "the token stands on your profile page at the service; check that yours is still valid");
    return E5_EVENT_PERMANENT;
}

static enum e5_event not_found(const struct fault *fault, struct e5_error *err) {
    if (says(fault, "results expired") || (says(fault, "results of job") && says(fault, "expired")))
        return report(fault, E5_EVENT_EXPIRED, E5_RESULTS_EXPIRED, "the results have been removed", err);
    if (says(fault, "result-not-ready") || says(fault, "results not ready"))
        return report(fault, E5_EVENT_EARLY, E5_SERVER, "results not ready", err);
    if (says(fault, "no-such-job") || says(fault, "job not found")) {
        bool gone = mentions(fault->detail, "dismissed") || mentions(fault->detail, "deleted");
        return report(fault, gone ? E5_EVENT_DISMISSED : E5_EVENT_MISSING, E5_JOB_LOST, "job not found", err);
    }
    if (says(fault, "no-such-process") || says(fault, "process not found"))
        return report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "unknown dataset", err);
    report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "the service does not know this address", err);
    e5_error_hint(err, "is the configured service address right?");
    return E5_EVENT_PERMANENT;
}

static enum e5_event bad_request(const struct fault *fault, struct e5_error *err) {
    if (mentions(fault->type, "job results failed")) return job_ended(fault, err);
    return report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "the service refuses the request", err);
}

static enum e5_event led_away(const struct fault *fault, struct e5_error *err) {
    report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "refused to follow the service to another address", err);
    e5_error_hint(err, "is the configured service address right, and does no portal or proxy stand in the way?");
    return E5_EVENT_PERMANENT;
}

static enum e5_event by_status(const struct fault *fault, struct e5_error *err) {
    switch (fault->http_status) {
    case 400:
    case 422: return bad_request(fault, err);
    case 401:
    case 403: return forbidden(fault, err);
    case 404: return not_found(fault, err);
    case 407: return report(fault, E5_EVENT_PERMANENT, E5_AUTH, "the proxy refuses access", err);
    case 410: return report(fault, E5_EVENT_EXPIRED, E5_RESULTS_EXPIRED, "the results have been removed", err);
    case 429: return report(fault, E5_EVENT_TEMPORARY, E5_THROTTLED, "the service asks to wait", err);
    case 408: return report(fault, E5_EVENT_TEMPORARY, E5_SERVER, "the service fails", err);
    case 501:
    case 505: return report(fault, E5_EVENT_PERMANENT, E5_SERVER, "the service cannot do this", err);
    default: break;
    }
    if (fault->http_status >= 500) return report(fault, E5_EVENT_TEMPORARY, E5_SERVER, "the service fails", err);
    if (fault->http_status < 400) return led_away(fault, err);
    return report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "the service refuses the call", err);
}

/* Malformed calls are answered with a list of {"msg", "loc"}: the first message is the most telling. */
static const char *detail_of(const json_t *object) {
    const json_t *list = json_object_get(object, "detail");
    return json_is_array(list) ? e5_json_text(json_array_get(list, 0), "msg") : e5_json_text(object, "detail");
}

enum e5_event e5_fault_object(int http_status, const json_t *object, const char *service, const char *dataset,
                              struct e5_error *err) {
    struct fault fault = {.http_status = http_status,
                          .type = e5_json_text(object, "type"),
                          .title = e5_json_text(object, "title"),
                          .detail = detail_of(object),
                          .traceback = e5_json_text(object, "traceback"),
                          .service = service,
                          .dataset = dataset};
    return by_status(&fault, err);
}

/* Proxies answer with pages: their text without the tags. */
static void strip_tags(const char *body, size_t size, char out[SHOWN + 1]) {
    size_t used = 0;
    bool inside = false;
    for (size_t i = 0; i < size && used < SHOWN; i++) {
        bool blank = body[i] == '<' || body[i] == '>' || strchr(" \t\r\n", body[i]) != NULL;
        if (body[i] == '<') inside = true;
        if (!inside && !blank)
            out[used++] = body[i];
        else if (used > 0 && out[used - 1] != ' ')
            out[used++] = ' ';
        if (body[i] == '>') inside = false;
    }
    out[used] = '\0';
}

enum e5_event e5_fault_reply(int http_status, const char *body, size_t size, const char *service, const char *dataset,
                             struct e5_error *err) {
    json_t *object = NULL;
    char text[SHOWN + 1] = "";
    if (e5_json_parse(body, size, E5_SERVER, &object, NULL) != E5_OK) {
        if (size > 0) strip_tags(body, size, text);
        struct fault page = {.http_status = http_status,
                             .type = "",
                             .title = "",
                             .detail = text,
                             .traceback = "",
                             .service = service,
                             .dataset = dataset};
        return by_status(&page, err);
    }
    enum e5_event event = e5_fault_object(http_status, object, service, dataset, err);
    json_decref(object);
    return event;
}
