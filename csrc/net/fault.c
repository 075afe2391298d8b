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
    size_t end = strlen(out);
    while (end > 1 && (out[end - 1] == '.' || out[end - 1] == ' ')) out[--end] = '\0'; /* a hint may follow */
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
    char line[SHOWN + 1], shown[SHOWN + 1];
    if (mentions(fault->traceback, "queued requests") && mentions(fault->traceback, "limited"))
        return report(fault, E5_EVENT_CROWDED, E5_THROTTLED, "too many requests are queued for this dataset", err);
    enum e5_event event = is_passing(last_line(fault->traceback, line)) ? E5_EVENT_SHAKY : E5_EVENT_BROKEN;
    report(fault, event, E5_JOB_FAILED, mentions(fault->title, "rejected") ? "job rejected" : "job failed", err);
    describe(fault, shown);
    if (says(fault, "too large") || mentions(fault->traceback, "too large"))
        e5_error_hint(err, "split the request, for example by month");
    else if (line[0] != '\0' && strstr(shown, line) == NULL)
        e5_error_hint(err, "the service says: %s", line);
    else
        e5_error_hint(err, "what led to it stands in the job's log at the service, see Client.job(...).log()");
    return event;
}

/* Length of the portal's address in that of its API; 0 where that is not known. */
static int portal_length(const struct fault *fault) {
    size_t length = fault->service != NULL ? strlen(fault->service) : 0;
    return (int)(length > 4 && strcmp(fault->service + length - 4, "/api") == 0 ? length - 4 : length);
}

/* Length of an address at the beginning of a text, without the sentence's own stops. */
static int address_length(const char *text) {
    size_t length = strcspn(text, " \t\r\n\"'<>");
    while (length > 0 && strchr(".,;:)", text[length - 1]) != NULL) length--;
    return (int)length;
}

/* The page is the hint: in the service's own text it would be cut. */
static enum e5_event no_licence(const struct fault *fault, struct e5_error *err) {
    const char *page = strstr(fault->detail, "https://");
    int portal = portal_length(fault);
    bool is_known = page != NULL || (portal > 0 && fault->dataset != NULL);
    if (!is_known) return report(fault, E5_EVENT_PERMANENT, E5_LICENCE, "a licence has not been accepted", err);
    const char *of = fault->dataset != NULL ? " of " : "", *dataset = fault->dataset != NULL ? fault->dataset : "";
    if (e5_fail(err, E5_LICENCE, "a licence%s%.100s has not been accepted", of, dataset) == E5_LICENCE && err != NULL)
        err->http_status = fault->http_status;
    if (page != NULL)
        e5_error_hint(err, "accept it at %.*s", address_length(page), page);
    else
        e5_error_hint(err, "accept it at %.*s/datasets/%s?tab=download#manage-licences", portal, fault->service,
                      fault->dataset);
    return E5_EVENT_PERMANENT;
}

/* The token is known, the dataset is not open: the service gives its reason in its own words. */
static bool is_closed(const struct fault *fault) {
    return fault->http_status == 403 && fault->dataset != NULL && fault->detail[0] != '\0' &&
           !says(fault, "authenti") && !says(fault, "operation not allowed") && !says(fault, "token");
}

static enum e5_event closed(const struct fault *fault, struct e5_error *err) {
    char what[2 * SHOWN];
    snprintf(what, sizeof what, "the service gives no access to the dataset %.100s", fault->dataset);
    report(fault, E5_EVENT_PERMANENT, E5_AUTH, what, err);
    e5_error_hint(err, "this concerns the dataset, not your token; Client.messages(\"%.100s\") may tell more",
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
    if (is_closed(fault)) return closed(fault, err);
    report(fault, E5_EVENT_PERMANENT, E5_AUTH, "the service refuses access", err);
    if (portal_length(fault) > 0)
        e5_error_hint(err, "check that your token is still the one at %.*s/profile", portal_length(fault),
                      fault->service);
    else
        e5_error_hint(err, "check that your token is still the one on your profile page at the service");
    return E5_EVENT_PERMANENT;
}

static enum e5_event not_found(const struct fault *fault, struct e5_error *err) {
    if (says(fault, "results expired") || (says(fault, "results of job") && says(fault, "expired")))
        return report(fault, E5_EVENT_EXPIRED, E5_RESULTS_EXPIRED, "the results have been removed", err);
    if (says(fault, "result-not-ready") || says(fault, "results not ready"))
        return report(fault, E5_EVENT_EARLY, E5_SERVER, "results not ready", err);
    if (says(fault, "no-such-job") || says(fault, "job not found")) {
        bool gone = mentions(fault->detail, "dismissed") || mentions(fault->detail, "deleted");
        report(fault, gone ? E5_EVENT_DISMISSED : E5_EVENT_MISSING, E5_JOB_LOST, "job not found", err);
        e5_error_hint(err, gone ? "nothing is left of it at the service; files stay. Ask for the data again"
                                : "Client.jobs() lists the jobs of your token; else ask for the data again");
        return gone ? E5_EVENT_DISMISSED : E5_EVENT_MISSING;
    }
    if (says(fault, "no-such-process") || says(fault, "process not found")) {
        report(fault, E5_EVENT_PERMANENT, E5_REQUEST, "unknown dataset", err);
        e5_error_hint(err, "Client.datasets(\"words\") finds its name");
        return E5_EVENT_PERMANENT;
    }
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
