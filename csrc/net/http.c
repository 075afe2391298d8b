#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

struct e5_http {
    CURLM *multi;
    struct e5_http_shared shared;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global_init(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static enum e5_status add_header(void **list, const char *line, struct e5_error *err) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) return e5_fail(err, E5_MEMORY, "cannot keep a header");
    *list = longer;
    return E5_OK;
}

/* The token must not be able to end the header line and begin another one. */
static enum e5_status add_token(struct e5_http_shared *shared, const char *key, struct e5_error *err) {
    char line[320];
    for (const char *p = key; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return e5_fail(err, E5_CONFIG, "the token contains blanks, control or non-ASCII characters");
    if (key[0] == '\0' || strlen(key) > 256) return e5_fail(err, E5_CONFIG, "the token is empty or too long");
    snprintf(line, sizeof line, "PRIVATE-TOKEN: %s", key);
    enum e5_status status = add_header(&shared->call_headers, line, err);
    explicit_bzero(line, sizeof line);
    return status;
}

static enum e5_status fill(struct e5_http_shared *shared, const struct e5_http_options *options,
                           struct e5_error *err) {
    enum e5_status status = e5_url_check_service(options->url, &shared->service, err);
    if (status == E5_OK) status = e5_strdup(options->user_agent, &shared->user_agent, err);
    if (status == E5_OK && options->ca_file != NULL) status = e5_strdup(options->ca_file, &shared->ca_file, err);
    if (status == E5_OK) status = add_header(&shared->call_headers, "Content-Type: application/json", err);
    if (status == E5_OK) status = add_header(&shared->call_headers, "Expect:", err);
    if (status == E5_OK) status = add_header(&shared->data_headers, "Accept-Encoding: identity", err);
    return status == E5_OK && options->key != NULL ? add_token(shared, options->key, err) : status;
}

enum e5_status e5_http_new(const struct e5_http_options *options, struct e5_http **out, struct e5_error *err) {
    struct e5_http *http;
    pthread_once(&once, global_init);
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *http, &http, err);
    if (status != E5_OK) return status;
    http->multi = curl_multi_init();
    status = http->multi == NULL ? e5_fail(err, E5_MEMORY, "cannot start libcurl") : E5_OK;
    if (status == E5_OK) status = fill(&http->shared, options, err);
    if (status == E5_OK)
        *out = http;
    else
        e5_http_free(http);
    return status;
}

static void free_headers(struct curl_slist *list) {
    for (struct curl_slist *item = list; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(list);
}

void e5_http_free(struct e5_http *http) {
    if (http == NULL) return;
    curl_multi_cleanup(http->multi);
    free_headers(http->shared.call_headers);
    free_headers(http->shared.data_headers);
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
    if (code == CURLM_OK) return E5_OK;
    return e5_fail(err, code == CURLM_OUT_OF_MEMORY ? E5_MEMORY : E5_INTERNAL, "libcurl: %s",
                   curl_multi_strerror(code));
}

void e5_http_wake(struct e5_http *http) { curl_multi_wakeup(http->multi); }

struct e5_exchange *e5_http_ended(struct e5_http *http) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        struct e5_exchange *exchange = e5_exchange_of(easy);
        curl_multi_remove_handle(http->multi, easy);
        if (!e5_exchange_ended(exchange, (int)code)) return exchange;
        curl_multi_add_handle(http->multi, easy); /* one slot was just freed: this cannot fail for memory */
    }
    return NULL;
}

void e5_http_drop(struct e5_http *http, struct e5_exchange *exchange) {
    struct pipe_guard guard;
    if (exchange == NULL) return;
    hold_pipe(&guard);
    curl_multi_remove_handle(http->multi, e5_exchange_easy(exchange)); /* no-op when it has ended */
    e5_exchange_delete(exchange);
    release_pipe(&guard);
}
