#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "net/curl_options.h"
#include "net/proxy.h"
#include "net/token.h"

struct e5_http {
    CURLM *multi;
    struct e5_http_shared shared;
    struct e5_token *token;
    struct curl_slist token_header;   /* first of the headers of calls; its text is the token's */
    struct curl_slist *plain_headers; /* of calls: all the others */
    struct e5_exchange *asking;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global_init(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

/* The token's line is put before the others without being copied. */
static enum e5_status add_headers(struct e5_http *http, const char *key, struct e5_error *err) {
    struct curl_slist *data = NULL;
    enum e5_status status = e5_curl_add_header(&http->plain_headers, "Content-Type: application/json", err);
    if (status == E5_OK) status = e5_curl_add_header(&http->plain_headers, "Expect:", err);
    if (status == E5_OK) status = e5_curl_add_header(&data, "Accept-Encoding: identity", err);
    http->shared.data_headers = data;
    http->shared.call_headers = http->plain_headers;
    if (status == E5_OK && key != NULL) status = e5_token_new(key, &http->token, err);
    if (status != E5_OK || http->token == NULL) return status;
    http->token_header = (struct curl_slist){.data = e5_token_line(http->token), .next = http->plain_headers};
    http->shared.call_headers = &http->token_header;
    return E5_OK;
}

static enum e5_status copy_text(const char *text, char **out, struct e5_error *err) {
    return text != NULL ? e5_strdup(text, out, err) : E5_OK;
}

static double or_default(double value, double preset) { return value > 0 ? value : preset; }

static void set_times(struct e5_http_shared *shared, const struct e5_http_options *options) {
    shared->timeout = or_default(options->timeout, 60);
    shared->connect_timeout = or_default(options->connect_timeout, 15);
    shared->low_speed_time = or_default(options->low_speed_time, 30);
    shared->low_speed_limit = options->low_speed_time > 0 ? options->low_speed_limit : 1024;
}

static bool is_folder(const char *path) {
    struct stat info;
    return path != NULL && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum e5_status fill(struct e5_http *http, const struct e5_http_options *options, struct e5_error *err) {
    struct e5_http_shared *shared = &http->shared;
    struct e5_proxy proxy;
    shared->insecure = options->insecure;
    shared->ip_version = options->ip_version == 4 || options->ip_version == 6 ? options->ip_version : 0;
    shared->ca_is_folder = is_folder(options->ca_file);
    set_times(shared, options);
    enum e5_status status = e5_url_check_service(options->url, &shared->service, err);
    shared->reach = e5_reach_of_host(shared->service.host);
    shared->is_reach_seen = e5_reach_is_number(shared->service.host) || shared->reach != E5_REACH_PUBLIC;
    if (!shared->is_reach_seen) shared->reach = E5_REACH_PRIVATE; /* nobody knows yet */
    if (status == E5_OK) status = e5_proxy_for(options->proxy, options->no_proxy, &shared->service, &proxy, err);
    if (status == E5_OK) status = e5_strdup(options->user_agent, &shared->user_agent, err);
    if (status == E5_OK) status = copy_text(options->ca_file, &shared->ca_file, err);
    if (status == E5_OK) status = copy_text(options->proxy, &shared->proxy, err);
    if (status == E5_OK) status = copy_text(options->no_proxy, &shared->no_proxy, err);
    explicit_bzero(&proxy, sizeof proxy);
    return status == E5_OK ? add_headers(http, options->key, err) : status;
}

enum e5_status e5_http_new(const struct e5_http_options *options, struct e5_http **out, struct e5_error *err) {
    struct e5_http *http;
    pthread_once(&once, global_init);
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *http, &http, err);
    if (status != E5_OK) return status;
    http->multi = curl_multi_init();
    http->shared.gather.give = e5_exchange_give;
    status = http->multi == NULL ? e5_fail(err, E5_MEMORY, "cannot start libcurl") : E5_OK;
    if (status == E5_OK) status = fill(http, options, err);
    if (status == E5_OK)
        *out = http;
    else
        e5_http_free(http);
    return status;
}

void e5_http_free(struct e5_http *http) {
    if (http == NULL) return;
    curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->plain_headers);
    curl_slist_free_all(http->shared.data_headers);
    e5_gather_fini(&http->shared.gather);
    e5_token_free(http->token);
    e5_names_fini(&http->shared.names);
    if (http->shared.proxy != NULL) explicit_bzero(http->shared.proxy, strlen(http->shared.proxy));
    free(http->shared.proxy);
    free(http->shared.no_proxy);
    free(http->shared.user_agent);
    free(http->shared.ca_file);
    free(http);
}

enum e5_status e5_http_start(struct e5_http *http, const struct e5_http_call *call, struct e5_exchange **out,
                             struct e5_error *err) {
    enum e5_status status = e5_exchange_new(&http->shared, call, out, err);
    if (status != E5_OK) return status;
    if (curl_multi_add_handle(http->multi, e5_exchange_easy(*out)) == CURLM_OK) return E5_OK;
    e5_exchange_delete(*out);
    *out = NULL;
    return e5_fail(err, E5_MEMORY, "cannot start a call");
}

/* With NOSIGNAL libcurl leaves SIGPIPE to us: a closed connection must not end the process.  Handlers are the host's,
 * so the signal is held back in this thread and, if it came, taken off the pending ones. */
struct pipe_guard {
    sigset_t pipe, before;
    bool was_pending;
};

static void hold_pipe(struct pipe_guard *guard) {
    sigset_t pending;
    sigemptyset(&guard->pipe);
    sigaddset(&guard->pipe, SIGPIPE);
    sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &guard->pipe, &guard->before);
}

static void release_pipe(struct pipe_guard *guard) {
    const struct timespec now = {0};
    sigset_t pending;
    sigpending(&pending);
    if (!guard->was_pending && sigismember(&pending, SIGPIPE) == 1)
        while (sigtimedwait(&guard->pipe, NULL, &now) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

enum e5_status e5_http_step(struct e5_http *http, double seconds, struct e5_error *err) {
    struct pipe_guard guard;
    int running, milliseconds = seconds > 0 ? (int)(seconds * 1000) + 1 : 0;
    hold_pipe(&guard);
    CURLMcode code = curl_multi_poll(http->multi, NULL, 0, milliseconds, NULL);
    if (code == CURLM_OK) code = curl_multi_perform(http->multi, &running);
    release_pipe(&guard);
    (void)e5_gather_flush(&http->shared.gather); /* who refuses is among the broken ones */
    if (code == CURLM_OK) return E5_OK;
    return e5_fail(err, code == CURLM_OUT_OF_MEMORY ? E5_MEMORY : E5_INTERNAL, "libcurl: %s",
                   curl_multi_strerror(code));
}

void e5_http_wake(struct e5_http *http) { curl_multi_wakeup(http->multi); }

/* Take an exchange out of a list, if it is there. */
static void take_out(struct e5_exchange **at, struct e5_exchange *exchange) {
    while (*at != NULL && *at != exchange) at = e5_exchange_link(*at);
    if (*at != NULL) *at = *e5_exchange_link(exchange);
}

/* What its sink has refused may not have reached libcurl yet: its connection is closed here. */
static struct e5_exchange *broken(struct e5_http *http) {
    struct pipe_guard guard;
    struct e5_exchange *exchange = http->shared.broken;
    if (exchange == NULL) return NULL;
    http->shared.broken = *e5_exchange_link(exchange);
    hold_pipe(&guard);
    curl_multi_remove_handle(http->multi, e5_exchange_easy(exchange));
    release_pipe(&guard);
    (void)e5_exchange_ended(exchange, CURLE_WRITE_ERROR);
    return exchange;
}

static struct e5_exchange *asked(struct e5_http *http) {
    for (struct e5_exchange *exchange = http->asking, *next; exchange != NULL; exchange = next) {
        next = *e5_exchange_link(exchange);
        enum e5_exchange_next then = e5_exchange_asked(exchange);
        if (then == E5_EXCHANGE_ASKING) continue;
        take_out(&http->asking, exchange);
        if (then == E5_EXCHANGE_OVER) return exchange;
        curl_multi_add_handle(http->multi, e5_exchange_easy(exchange)); /* a slot was just freed */
    }
    return NULL;
}

struct e5_exchange *e5_http_ended(struct e5_http *http) {
    CURLMsg *message;
    int left;
    if (http->shared.broken != NULL) return broken(http);
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        struct e5_exchange *exchange = e5_exchange_of(easy);
        curl_multi_remove_handle(http->multi, easy);
        switch (e5_exchange_ended(exchange, (int)code)) {
        case E5_EXCHANGE_OVER: return exchange;
        case E5_EXCHANGE_AGAIN: curl_multi_add_handle(http->multi, easy); break; /* a slot was just freed */
        case E5_EXCHANGE_ASKING:
            *e5_exchange_link(exchange) = http->asking;
            http->asking = exchange;
            break;
        }
    }
    return asked(http);
}

void e5_http_drop(struct e5_http *http, struct e5_exchange *exchange) {
    struct pipe_guard guard;
    if (exchange == NULL) return;
    hold_pipe(&guard);
    take_out(&http->asking, exchange);
    take_out(&http->shared.broken, exchange);
    curl_multi_remove_handle(http->multi, e5_exchange_easy(exchange)); /* no-op when it has ended */
    e5_exchange_delete(exchange);
    release_pipe(&guard);
}
