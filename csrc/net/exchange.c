#include "net/exchange.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/json.h"

#define MOST_REDIRECTS 10
#define UNKNOWN_HOST_TRIES 3

struct e5_exchange {
    struct e5_http_shared *shared;
    CURL *easy;
    struct curl_slist *own_headers; /* in use where a range depends on an ETag */
    struct e5_url address;
    bool is_post, is_data, has_begun;
    struct e5_http_sink sink;
    struct e5_http_head head;
    struct e5_buffer body;
    void *owner;
    unsigned redirects;
    bool temporary, sent, cut_short;
    struct e5_error error;
    char reason[CURL_ERROR_SIZE]; /* libcurl's own words */
};

void *e5_exchange_owner(const struct e5_exchange *exchange) { return exchange->owner; }
bool e5_exchange_is_temporary(const struct e5_exchange *exchange) { return exchange->temporary; }
bool e5_exchange_was_sent(const struct e5_exchange *exchange) { return exchange->sent; }
bool e5_exchange_was_short(const struct e5_exchange *exchange) { return exchange->cut_short; }
const struct e5_http_head *e5_exchange_head(const struct e5_exchange *exchange) { return &exchange->head; }
const struct e5_buffer *e5_exchange_body(const struct e5_exchange *exchange) { return &exchange->body; }
void *e5_exchange_easy(const struct e5_exchange *exchange) { return exchange->easy; }

struct e5_exchange *e5_exchange_of(void *easy) {
    char *exchange = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    return (struct e5_exchange *)(void *)exchange;
}

enum e5_status e5_exchange_outcome(const struct e5_exchange *exchange, struct e5_error *err) {
    if (exchange->error.status != E5_OK && err != NULL && err->status == E5_OK) *err = exchange->error;
    return exchange->error.status;
}

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static size_t on_header(char *line, size_t unit, size_t count, void *context) {
    struct e5_exchange *exchange = context;
    e5_http_head_line(&exchange->head, line, unit * count, e5_clock_wall());
    return unit * count;
}

/* The body of a data call goes to its sink; bodies of redirects go nowhere. */
static enum e5_status to_sink(struct e5_exchange *exchange, const char *bytes, size_t size) {
    const struct e5_http_sink *sink = &exchange->sink;
    enum e5_status status = E5_OK;
    if (is_redirect(exchange->head.status)) return E5_OK;
    if (!exchange->has_begun) status = sink->head(sink->context, &exchange->head, &exchange->error);
    exchange->has_begun = true;
    return status == E5_OK ? sink->body(sink->context, bytes, size, &exchange->error) : status;
}

static enum e5_status to_body(struct e5_exchange *exchange, const char *bytes, size_t size) {
    if (exchange->body.size + size <= exchange->body.ceiling)
        return e5_buffer_append(&exchange->body, bytes, size, &exchange->error);
    exchange->temporary = true;
    return e5_fail(&exchange->error, E5_SERVER, "unreadable reply: more than %zu bytes", exchange->body.ceiling);
}

static size_t on_body(char *bytes, size_t unit, size_t count, void *context) {
    struct e5_exchange *exchange = context;
    size_t size = unit * count;
    enum e5_status status = exchange->is_data ? to_sink(exchange, bytes, size) : to_body(exchange, bytes, size);
    return status == E5_OK ? size : 0;
}

/* Options that both kinds share. */
static void set_common(struct e5_exchange *exchange) {
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, exchange->shared->user_agent);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* redirects are judged one by one, below */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 15L);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* no token to a proxy */
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (exchange->shared->ca_file != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, exchange->shared->ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* cancel does not wait for a name lookup */
#endif
}

static enum e5_status set_call(struct e5_exchange *exchange, const char *post, struct e5_error *err) {
    CURL *easy = exchange->easy;
    exchange->body.ceiling = E5_JSON_CEILING;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->shared->call_headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 120L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 60L);
    if (post == NULL) return E5_OK;
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* libcurl repeats what is cut off on a used connection */
    if (curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, post) == CURLE_OK) return E5_OK;
    return e5_fail(err, E5_MEMORY, "cannot keep the body of a request");
}

static enum e5_status add_header(struct curl_slist **list, const char *line, struct e5_error *err) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) return e5_fail(err, E5_MEMORY, "cannot keep a header");
    *list = longer;
    return E5_OK;
}

static enum e5_status set_range(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    char range[32], line[E5_ETAG_SIZE + 16];
    bool strong = call->if_range != NULL && call->if_range[0] == '"'; /* weak tags are no use for ranges */
    if (call->range_from <= 0) return E5_OK;
    snprintf(range, sizeof range, "%lld-", (long long)call->range_from);
    curl_easy_setopt(exchange->easy, CURLOPT_RANGE, range);
    if (!strong) return E5_OK;
    snprintf(line, sizeof line, "If-Range: %s", call->if_range);
    enum e5_status status = add_header(&exchange->own_headers, "Accept-Encoding: identity", err);
    if (status == E5_OK) status = add_header(&exchange->own_headers, line, err);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->own_headers);
    return status;
}

static enum e5_status set_data(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->shared->data_headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* a window of its own per file */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 30L);
    return set_range(exchange, call, err);
}

/* The address decides about scheme and proxy, so it is judged and set again at every hop. */
static enum e5_status set_address(struct e5_exchange *exchange, const char *text, struct e5_error *err) {
    const struct e5_url *service = &exchange->shared->service;
    struct e5_url url;
    enum e5_status status = e5_url_parse(text, &url, err);
    if (status == E5_OK && exchange->is_data) status = e5_url_check_data(text, service, err);
    if (status == E5_OK && !exchange->is_data && (url.has_user || !e5_url_same_origin(&url, service)))
        status = e5_fail(err, E5_REQUEST, "refused to take a service call to %s://%s", url.scheme, url.host);
    if (status != E5_OK) return status;
    bool local = e5_url_is_loopback(&url);
    exchange->address = url;
    curl_easy_setopt(exchange->easy, CURLOPT_PROTOCOLS_STR, local ? "https,http" : "https");
    curl_easy_setopt(exchange->easy, CURLOPT_PROXY, local ? "" : NULL); /* "": none; NULL: the environment's */
    CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_URL, text);
    return code == CURLE_OK ? E5_OK : e5_fail(err, E5_MEMORY, "cannot keep an address");
}

static enum e5_status set_up(struct e5_exchange *exchange, const struct e5_http_call *call, struct e5_error *err) {
    exchange->is_data = call->sink != NULL;
    exchange->is_post = call->post != NULL;
    exchange->owner = call->owner;
    if (exchange->is_data) exchange->sink = *call->sink;
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL) return e5_fail(err, E5_MEMORY, "cannot start libcurl");
    e5_http_head_init(&exchange->head);
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
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->own_headers);
    e5_buffer_fini(&exchange->body);
    free(exchange);
}

static void fail(struct e5_exchange *exchange, enum e5_status status, bool temporary, const char *what) {
    const char *reason = exchange->reason[0] != '\0' ? exchange->reason : "no reason given";
    exchange->temporary = temporary;
    exchange->error.status = e5_fail(&exchange->error, status, "%s %s: %s", what, exchange->address.host, reason);
}

/* A laptop that wakes up cannot resolve anything for a while; a host that was never reached may just be misspelt. */
static void fail_lookup(struct e5_exchange *exchange) {
    struct e5_http_shared *shared = exchange->shared;
    bool hopeless = !shared->reached && ++shared->unresolved >= UNKNOWN_HOST_TRIES;
    fail(exchange, E5_NETWORK, !hopeless, "cannot resolve");
}

/* A handshake that was merely cut off may succeed next time; one that was refused will not. */
static void fail_handshake(struct e5_exchange *exchange) {
    const char *reason = exchange->reason;
    bool cut = strstr(reason, "reset") != NULL || strstr(reason, "SYSCALL") != NULL ||
               strstr(reason, "unexpected eof") != NULL || strstr(reason, "timed out") != NULL;
    fail(exchange, cut ? E5_NETWORK : E5_TLS, cut, cut ? "handshake cut off by" : "handshake refused with");
}

static void fail_certificate(struct e5_exchange *exchange) {
    fail(exchange, E5_TLS, false, "cannot trust");
    e5_error_hint(&exchange->error, "check the CA certificates, this computer's clock, and any proxy between");
}

static void classify(struct e5_exchange *exchange, CURLcode code) {
    long proxy_status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status == 407) {
        fail(exchange, E5_AUTH, false, "the proxy refuses access on the way to");
        return;
    }
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: fail_lookup(exchange); break;
    case CURLE_COULDNT_CONNECT: fail(exchange, E5_NETWORK, true, "cannot connect to"); break;
    case CURLE_OPERATION_TIMEDOUT: fail(exchange, E5_TRANSFER_TIMEOUT, true, "no progress with"); break;
    case CURLE_SSL_CONNECT_ERROR: fail_handshake(exchange); break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM: fail_certificate(exchange); break;
    case CURLE_OUT_OF_MEMORY: fail(exchange, E5_MEMORY, false, "not enough memory to reach"); break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: fail(exchange, E5_SERVER, true, "no HTTP reply from"); break;
    default: fail(exchange, E5_NETWORK, true, "connection lost to"); break;
    }
}

static void refuse_redirect(struct e5_exchange *exchange, const char *to) {
    char shown[160];
    e5_url_redact(to, shown, sizeof shown);
    exchange->error = E5_ERROR_NONE;
    exchange->error.status = e5_fail(&exchange->error, E5_NETWORK, "refused insecure redirect from %s to %s",
                                     exchange->address.host, shown);
}

/* Only GET, only with somewhere to go; the new address is judged like the first one. */
static bool redirected(struct e5_exchange *exchange) {
    char *next = NULL;
    if (!is_redirect(exchange->head.status) || exchange->is_post) return false;
    curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &next);
    if (next == NULL) return false;
    if (++exchange->redirects > MOST_REDIRECTS) {
        exchange->error.status = e5_fail(&exchange->error, E5_NETWORK, "more than %d redirects", MOST_REDIRECTS);
        return false;
    }
    char copy[E5_URL_SIZE];
    snprintf(copy, sizeof copy, "%s", next); /* libcurl's copy does not outlive the next option */
    if (set_address(exchange, copy, &exchange->error) != E5_OK) {
        if (exchange->is_data) refuse_redirect(exchange, copy);
        return false;
    }
    e5_buffer_clear(&exchange->body);
    e5_http_head_init(&exchange->head);
    return true;
}

bool e5_exchange_ended(struct e5_exchange *exchange, int curl_code) {
    long request_bytes = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    exchange->sent = exchange->sent || request_bytes > 0;
    if (exchange->head.status > 0) {
        exchange->shared->reached = true;
        exchange->shared->unresolved = 0;
    }
    if (exchange->error.status == E5_OK && curl_code == CURLE_OK) return redirected(exchange);
    exchange->cut_short = curl_code == CURLE_PARTIAL_FILE;
    if (exchange->error.status == E5_OK) classify(exchange, (CURLcode)curl_code);
    return false;
}
