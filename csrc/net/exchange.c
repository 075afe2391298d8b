#include "net/exchange.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/curl_fault.h"
#include "net/curl_guard.h"
#include "net/curl_options.h"
#include "net/flow.h"
#include "net/json.h"
#include "net/proxy.h"

#define MOST_REDIRECTS 10
#define HELD_DOWN 4 /* what is held down on purpose is not too slow unless it comes so many times slower */
#define BUFFER (512 * 1024) /* bytes of a data call that are taken at once */
#define SMALL_BUFFER (128 * 1024) /* the same of one that has few, since there may be many such calls */

struct e5_exchange {
    struct e5_http_shared *shared;
    struct e5_curl_guard guard;
    CURL *easy;
    struct curl_slist *own_headers; /* in use where a range depends on an ETag */
    struct e5_url address;
    char proxy[256]; /* the host of the proxy on the way, "": none */
    char shown[160]; /* the address as it may stand in logs */
    const char *method;
    bool is_data, may_go_abroad, has_begun;
    struct e5_http_sink sink;
    struct e5_http_head head;
    struct e5_buffer body;
    void *owner;
    unsigned redirects;
    bool temporary, sent, cut_short, too_slow;
    struct e5_flow flow;
    struct e5_exchange *link; /* see net/http */
    struct e5_lookup *lookup;
    double asked_at;
    int failed_with; /* CURLcode, while the lookup runs */
    struct e5_error error;
    char reason[CURL_ERROR_SIZE]; /* libcurl's own words */
    char slowness[64];            /* ours, where too_slow: libcurl knows of a callback only */
};

void *e5_exchange_owner(const struct e5_exchange *exchange) { return exchange->owner; }
bool e5_exchange_is_temporary(const struct e5_exchange *exchange) { return exchange->temporary; }
bool e5_exchange_was_sent(const struct e5_exchange *exchange) { return exchange->sent; }
bool e5_exchange_was_short(const struct e5_exchange *exchange) { return exchange->cut_short; }
const struct e5_http_head *e5_exchange_head(const struct e5_exchange *exchange) { return &exchange->head; }
const struct e5_buffer *e5_exchange_body(const struct e5_exchange *exchange) { return &exchange->body; }
void *e5_exchange_easy(const struct e5_exchange *exchange) { return exchange->easy; }
struct e5_exchange **e5_exchange_link(struct e5_exchange *exchange) { return &exchange->link; }

struct e5_exchange *e5_exchange_of(void *easy) {
    char *exchange = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    return (struct e5_exchange *)(void *)exchange;
}

enum e5_status e5_exchange_outcome(const struct e5_exchange *exchange, struct e5_error *err) {
    if (exchange->error.status != E5_OK && err != NULL && err->status == E5_OK) *err = exchange->error;
    return exchange->error.status;
}

/* libcurl looks at the limit between buffers only: where the buffer can still be chosen, a small one makes a slow
 * flow an even one. */
void e5_exchange_limit(struct e5_exchange *exchange, int64_t bytes_per_second) {
    int64_t some = bytes_per_second / 64;
    double limit = exchange->shared->low_speed_limit, held = (double)bytes_per_second / HELD_DOWN;
    if (exchange->is_data) e5_flow_ask(&exchange->flow, bytes_per_second > 0 ? fmin(limit, held) : limit);
    if (bytes_per_second > 0 && some < BUFFER)
        curl_easy_setopt(exchange->easy, CURLOPT_BUFFERSIZE, some > 1024 ? (long)some : 1024L);
    curl_easy_setopt(exchange->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)bytes_per_second);
}

static size_t on_header(char *line, size_t unit, size_t count, void *context) {
    struct e5_exchange *exchange = context;
    e5_http_head_line(&exchange->head, line, unit * count, e5_clock_wall());
    return unit * count;
}

bool e5_exchange_give(void *owner, const char *bytes, size_t size) {
    struct e5_exchange *exchange = owner;
    const struct e5_http_sink *sink = &exchange->sink;
    if (sink->body(sink->context, bytes, size, &exchange->error) == E5_OK) return true;
    exchange->link = exchange->shared->broken;
    exchange->shared->broken = exchange;
    return false;
}

/* The body of a data call goes to its sink; bodies of redirects go nowhere. */
static bool to_sink(struct e5_exchange *exchange, const char *bytes, size_t size) {
    const struct e5_http_sink *sink = &exchange->sink;
    if (e5_http_head_redirects(&exchange->head)) return true;
    bool begins = !exchange->has_begun;
    exchange->has_begun = true;
    if (begins && sink->head(sink->context, &exchange->head, &exchange->error) != E5_OK) return false;
    return exchange->error.status == E5_OK && e5_gather_add(&exchange->shared->gather, exchange, bytes, size);
}

static bool to_body(struct e5_exchange *exchange, const char *bytes, size_t size) {
    size_t ceiling = exchange->body.ceiling;
    exchange->temporary = exchange->body.size + size > ceiling;
    enum e5_status status =
        exchange->temporary ? e5_fail(&exchange->error, E5_SERVER, "unreadable reply: more than %zu bytes", ceiling)
                            : e5_buffer_append(&exchange->body, bytes, size, &exchange->error);
    return status == E5_OK;
}

static size_t on_body(char *bytes, size_t unit, size_t count, void *context) {
    struct e5_exchange *exchange = context;
    size_t size = unit * count;
    return (exchange->is_data ? to_sink : to_body)(exchange, bytes, size) ? size : 0;
}

/* Bytes have to come from when the request is on its way. */
static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    struct e5_exchange *exchange = context;
    struct e5_flow *flow = &exchange->flow;
    curl_off_t under_way = 1;
    (void)total, (void)up_total, (void)up_now;
    if (!flow->moving) curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &under_way);
    exchange->too_slow = under_way > 0 && e5_flow_too_slow(flow, e5_clock_monotonic(), now);
    if (exchange->too_slow)
        snprintf(exchange->slowness, sizeof exchange->slowness, "%lld bytes in %.3g s", (long long)(now - flow->from),
                 flow->window);
    return exchange->too_slow ? 1 : 0;
}

static void begin_flow(struct e5_exchange *exchange) {
    const struct e5_http_shared *shared = exchange->shared;
    if (exchange->is_data)
        e5_flow_begin(&exchange->flow, shared->low_speed_time, shared->low_speed_limit);
    else
        e5_flow_begin(&exchange->flow, shared->timeout, 0);
}

/* Options that both kinds share. */
static void set_common(struct e5_exchange *exchange) {
    CURL *easy = exchange->easy;
    e5_curl_set_shared(easy, exchange->shared);
    e5_curl_set_guard(easy, &exchange->guard);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static bool is_get(const struct e5_exchange *exchange) {
    return strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0;
}

static enum e5_status set_call(struct e5_exchange *exchange, const char *body, struct e5_error *err) {
    CURL *easy = exchange->easy;
    exchange->body.ceiling = E5_JSON_CEILING;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->shared->call_headers);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING,
                     ""); /* what libcurl can decode; the ceiling holds for the result */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, e5_curl_milliseconds(2 * exchange->shared->timeout));
    return e5_curl_set_method(easy, exchange->method, body, err);
}

static enum e5_status set_range(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    char range[48], line[E5_ETAG_SIZE + 16];
    bool strong = call->if_range != NULL && call->if_range[0] == '"'; /* weak tags are no use for ranges */
    if (call->range_from <= 0 && call->range_to <= 0) return E5_OK;
    int length = snprintf(range, sizeof range, "%lld-", (long long)call->range_from);
    if (call->range_to > 0)
        snprintf(range + length, sizeof range - (size_t)length, "%lld", (long long)call->range_to);
    curl_easy_setopt(exchange->easy, CURLOPT_RANGE, range);
    if (!strong) return E5_OK;
    snprintf(line, sizeof line, "If-Range: %s", call->if_range);
    enum e5_status status = e5_curl_add_header(&exchange->own_headers, "Accept-Encoding: identity", err);
    if (status == E5_OK) status = e5_curl_add_header(&exchange->own_headers, line, err);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->own_headers);
    return status;
}

static enum e5_status set_data(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    CURL *easy = exchange->easy;
    bool is_small = call->expected > 0 && call->expected < 16 * BUFFER;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->shared->data_headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* a window of its own per file */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)(is_small ? SMALL_BUFFER : BUFFER));
    if (strcmp(exchange->method, "HEAD") == 0) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return set_range(exchange, call, err);
}

static void describe(struct e5_exchange *exchange, const char *text) {
    const char *path = strstr(text, "://");
    path = path != NULL ? strchr(path + 3, '/') : NULL;
    if (exchange->is_data)
        e5_url_redact(text, exchange->shown, sizeof exchange->shown);
    else
        e5_text_copy(exchange->shown, sizeof exchange->shown, path != NULL ? path : "/");
}

/* A way through a proxy is always a tunnel: what goes to the service is not for the proxy to read. */
static enum e5_status set_proxy(struct e5_exchange *exchange, struct e5_error *err) {
    struct e5_proxy proxy;
    const struct e5_http_shared *shared = exchange->shared;
    enum e5_status status = e5_proxy_for(shared->proxy, shared->no_proxy, &exchange->address, &proxy, err);
    if (status != E5_OK) return status;
    curl_easy_setopt(exchange->easy, CURLOPT_PROXY, proxy.url); /* "": none, whatever the environment says */
    curl_easy_setopt(exchange->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPPROXYTUNNEL, proxy.url[0] != '\0' ? 1L : 0L);
    e5_text_copy(exchange->proxy, sizeof exchange->proxy, proxy.host);
    explicit_bzero(&proxy, sizeof proxy);
    return E5_OK;
}

/* May this exchange go there?  A service call that leaves its origin goes on as one for data: without the token. */
static enum e5_status judge_address(struct e5_exchange *exchange, const char *text, const struct e5_url *url,
                                    struct e5_error *err) {
    const struct e5_http_shared *shared = exchange->shared;
    bool home = !url->has_user && e5_url_same_origin(url, &shared->service);
    if (exchange->is_data) return e5_url_check_data(text, &shared->service, shared->reach, err);
    if (home) return E5_OK;
    if (!exchange->may_go_abroad || exchange->redirects == 0) return e5_url_refuse(url, err);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    return e5_url_check_data(text, &shared->service, shared->reach, err);
}

/* The address decides about scheme and proxy, so it is judged and set again at every hop. */
static enum e5_status set_address(struct e5_exchange *exchange, const char *text, struct e5_error *err) {
    struct e5_url url;
    enum e5_status status = e5_url_parse(text, &url, err);
    if (status == E5_OK) status = judge_address(exchange, text, &url, err);
    if (status != E5_OK) return status;
    exchange->address = url;
    exchange->guard = (struct e5_curl_guard){exchange->shared, &exchange->address, exchange->proxy};
    describe(exchange, text);
    status = set_proxy(exchange, err);
    if (status != E5_OK) return status;
    curl_easy_setopt(exchange->easy, CURLOPT_PROTOCOLS_STR, e5_url_is_loopback(&url) ? "https,http" : "https");
    CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_URL, text);
    return code == CURLE_OK ? E5_OK : e5_fail(err, E5_MEMORY, "cannot keep an address");
}

static enum e5_status set_up(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    exchange->is_data = call->sink != NULL;
    exchange->method = call->method != NULL ? call->method : call->post != NULL ? "POST" : "GET";
    exchange->may_go_abroad = call->abroad && is_get(exchange);
    exchange->owner = call->owner;
    if (exchange->is_data) exchange->sink = *call->sink;
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL) return e5_fail(err, E5_MEMORY, "cannot start libcurl");
    e5_http_head_init(&exchange->head);
    begin_flow(exchange);
    set_common(exchange);
    enum e5_status status = set_address(exchange, call->url, err);
    if (status != E5_OK) return status;
    return exchange->is_data ? set_data(exchange, call, err) : set_call(exchange, call->post, err);
}

enum e5_status e5_exchange_new(struct e5_http_shared *shared, const struct e5_http_call *call,
                               struct e5_exchange **out, struct e5_error *err) {
    struct e5_exchange *exchange;
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *exchange, &exchange, err);
    if (status != E5_OK) return status;
    exchange->shared = shared;
    status = set_up(exchange, call, err);
    if (status == E5_OK)
        *out = exchange;
    else
        e5_exchange_delete(exchange);
    return status;
}

void e5_exchange_delete(struct e5_exchange *exchange) {
    if (exchange == NULL) return;
    e5_gather_forget(&exchange->shared->gather, exchange);
    curl_easy_cleanup(exchange->easy);
    e5_lookup_free(exchange->lookup);
    curl_slist_free_all(exchange->own_headers);
    e5_buffer_fini(&exchange->body);
    free(exchange);
}

/* Once the name has been looked up again, where that was what failed. */
static void classify(struct e5_exchange *exchange) {
    struct e5_curl_failure failure = {.code = exchange->failed_with,
                                      .reason = exchange->too_slow ? exchange->slowness : exchange->reason,
                                      .host = exchange->address.host,
                                      .proxy = exchange->proxy,
                                      .too_slow = exchange->too_slow,
                                      .lookup = e5_lookup_verdict(exchange->lookup)};
    bool of_proxy = failure.code == CURLE_COULDNT_RESOLVE_PROXY;
    long head_size = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HEADER_SIZE, &head_size);
    failure.was_answering = head_size > 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &failure.proxy_status);
    curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &failure.verified);
    if (failure.lookup == E5_LOOKUP_UNKNOWN)
        failure.give_up = e5_names_missed(&exchange->shared->names, of_proxy ? failure.proxy : failure.host);
    exchange->temporary = e5_curl_fault(&failure, &exchange->error);
}

static enum e5_exchange_next begin_to_ask(struct e5_exchange *exchange, const char *host) {
    e5_lookup_free(exchange->lookup);
    exchange->lookup = e5_lookup_start(host);
    exchange->asked_at = e5_clock_monotonic();
    return E5_EXCHANGE_ASKING;
}

static void refuse_redirect(struct e5_exchange *exchange, const char *to) {
    char shown[160];
    e5_url_redact(to, shown, sizeof shown);
    exchange->error = E5_ERROR_NONE;
    exchange->error.status = e5_fail(&exchange->error, E5_NETWORK, "refused insecure redirect from %s to %s",
                                     exchange->address.host, shown);
}

static void begin_anew(struct e5_exchange *exchange) {
    e5_buffer_clear(&exchange->body);
    e5_http_head_init(&exchange->head);
    begin_flow(exchange);
}

enum e5_exchange_next e5_exchange_asked(struct e5_exchange *exchange) {
    bool runs = e5_lookup_verdict(exchange->lookup) == E5_LOOKUP_RUNNING;
    if (runs && e5_clock_monotonic() - exchange->asked_at <= exchange->shared->connect_timeout)
        return E5_EXCHANGE_ASKING;
    if (!e5_curl_guard_asks(&exchange->guard, exchange->failed_with)) {
        classify(exchange);
        return E5_EXCHANGE_OVER;
    }
    if (!e5_curl_guard_answer(&exchange->guard, exchange->lookup, &exchange->temporary, &exchange->error))
        return E5_EXCHANGE_OVER;
    begin_anew(exchange);
    return E5_EXCHANGE_AGAIN;
}

/* Only GET, only with somewhere to go; the new address is judged like the first one. */
static bool redirected(struct e5_exchange *exchange) {
    char *next = NULL;
    if (!e5_http_head_redirects(&exchange->head) || !is_get(exchange)) return false;
    curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &next);
    if (next == NULL) return false;
    char copy[E5_URL_SIZE]; /* libcurl's does not outlive the next option */
    bool fits = e5_text_copy(copy, sizeof copy, next);
    if (++exchange->redirects > MOST_REDIRECTS || !fits) {
        exchange->error.status =
            fits ? e5_fail(&exchange->error, E5_NETWORK, "more than %d redirects", MOST_REDIRECTS)
                 : e5_fail(&exchange->error, E5_NETWORK, "refused redirect to too long an address");
        return false;
    }
    if (set_address(exchange, copy, &exchange->error) != E5_OK) {
        if (exchange->is_data || !e5_url_is_secure(copy)) refuse_redirect(exchange, copy);
        return false;
    }
    begin_anew(exchange);
    return true;
}

/* For those who follow what happens; no token, and of data only the path. */
static void note(const struct e5_exchange *exchange, CURLcode code) {
    curl_off_t bytes = 0, microseconds = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    e5_log(E5_LOG_DEBUG, "%s %s: %d%s%s, %lld bytes, %.0f ms", exchange->method, exchange->shown,
           exchange->head.status, code != CURLE_OK ? ", " : "", code != CURLE_OK ? curl_easy_strerror(code) : "",
           (long long)bytes, (double)microseconds / 1e3);
}

enum e5_exchange_next e5_exchange_ended(struct e5_exchange *exchange, int curl_code) {
    long request_bytes = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    note(exchange, (CURLcode)curl_code);
    exchange->sent = exchange->sent || request_bytes > 0;
    if (exchange->head.status > 0)
        e5_names_reached(&exchange->shared->names,
                         exchange->proxy[0] != '\0' ? exchange->proxy : exchange->address.host);
    if (exchange->error.status == E5_OK && curl_code == CURLE_OK)
        return redirected(exchange) ? E5_EXCHANGE_AGAIN : E5_EXCHANGE_OVER;
    exchange->cut_short = curl_code == CURLE_PARTIAL_FILE;
    exchange->failed_with = curl_code;
    if (e5_curl_guard_asks(&exchange->guard, curl_code))
        return begin_to_ask(exchange, exchange->shared->service.host);
    e5_curl_guard_judge(&exchange->guard, curl_code, &exchange->error);
    if (exchange->error.status != E5_OK) return E5_EXCHANGE_OVER;
    bool of_proxy = curl_code == CURLE_COULDNT_RESOLVE_PROXY;
    if (e5_curl_is_lookup(curl_code))
        return begin_to_ask(exchange, of_proxy ? exchange->proxy : exchange->address.host);
    classify(exchange);
    return E5_EXCHANGE_OVER;
}
