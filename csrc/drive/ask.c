#include "drive/ask.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "drive/waiting.h"
#include "net/fault.h"
#include "net/json.h"
#include "net/retry.h"
#include "net/token.h"

#define STEP 0.05        /* seconds: the longest look away from the watch */
#define UNREADABLE_MOST 3
#define CATALOGUE "/catalogue/" /* whose forms lie in the object store */

struct asking {
    const struct e5_fetch_options *options;
    struct e5_http_call call;
    struct e5_http *http;
    struct e5_watch *watch;
    struct e5_retry retry;
    struct e5_exchange *exchange; /* the last one, ended */
    unsigned unreadable;
    struct e5_waiting waiting;
};

/* Data calls have a sink; a HEAD brings it nothing. */
static enum e5_status ignore_head(void *context, const struct e5_http_head *head, struct e5_error *err) {
    (void)context, (void)head, (void)err;
    return E5_OK;
}

static enum e5_status ignore_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    (void)context, (void)bytes, (void)size, (void)err;
    return E5_OK;
}

static const struct e5_http_sink nowhere = {.head = ignore_head, .body = ignore_body};

static enum e5_status check(const struct e5_ask *ask, struct e5_error *err) {
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD"};
    size_t i = 0, n = sizeof methods / sizeof methods[0];
    while (i < n && strcmp(methods[i], ask->method) != 0) i++;
    if (i == n) return e5_fail(err, E5_INPUT, "'%.20s' is no method of a call that can be repeated", ask->method);
    for (const char *p = ask->path; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '#')
            return e5_fail(err, E5_INPUT, "a path at the service holds plain characters only");
    if (ask->path[0] != '/') return e5_fail(err, E5_INPUT, "a path at the service begins with a slash");
    if (strstr(ask->path, "/execut") != NULL && strcmp(ask->method, "POST") == 0)
        return e5_fail(err, E5_INPUT, "a submission must not be repeated, so it is not asked in this way");
    return E5_OK;
}

static enum e5_status join(const char *service, const char *path, struct e5_buffer *out, struct e5_error *err) {
    size_t length = strlen(service);
    while (length > 0 && service[length - 1] == '/') length--;
    return e5_buffer_printf(out, err, "%.*s%s", (int)length, service, path);
}

/* Replies are JSON, but for the few that say that they are plain text. */
static bool is_readable(const struct e5_exchange *exchange, bool may_be_empty, struct e5_error *err) {
    const struct e5_buffer *body = e5_exchange_body(exchange);
    const struct e5_http_head *head = e5_exchange_head(exchange);
    json_t *tree = NULL;
    if ((body->size == 0 && may_be_empty) || e5_text_starts(head->type, "text/plain")) return true;
    bool good = e5_json_parse(body->bytes, body->size, E5_SERVER, &tree, err) == E5_OK;
    json_decref(tree);
    return good;
}

/* True: it may pass.  Else *err tells what is wrong, or nothing is. */
static bool judge_call(struct asking *asking, struct e5_error *err) {
    const struct e5_exchange *exchange = asking->exchange;
    const struct e5_buffer *body = e5_exchange_body(exchange);
    const char *method = asking->call.method;
    int status = e5_exchange_head(exchange)->status;
    bool deletes = strcmp(method, "DELETE") == 0;
    if (deletes && status == 404 && asking->retry.tries > 0) return false; /* an earlier try did it */
    if (status < 200 || status > 299)
        return e5_fault_reply(status, body->bytes, body->size, asking->options->http.url, NULL, err) ==
               E5_EVENT_TEMPORARY;
    bool may_be_empty = strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0;
    return !is_readable(exchange, may_be_empty, err) && ++asking->unreadable < UNREADABLE_MOST;
}

static bool judge_data(const struct asking *asking, struct e5_error *err) {
    int status = e5_exchange_head(asking->exchange)->status;
    if (status >= 200 && status < 300) return false;
    if (status != 403 && status != 404 && status != 410)
        return e5_fault_reply(status, "", 0, NULL, NULL, err) == E5_EVENT_TEMPORARY;
    if (e5_fail(err, E5_RESULTS_EXPIRED, "the results have been removed") != E5_OK && err != NULL)
        err->http_status = status;
    return false;
}

static bool judge(struct asking *asking, struct e5_error *err) {
    if (e5_exchange_outcome(asking->exchange, err) != E5_OK) return e5_exchange_is_temporary(asking->exchange);
    return asking->call.sink != NULL ? judge_data(asking, err) : judge_call(asking, err);
}

/* One call to its end. */
static enum e5_status run_once(struct asking *asking, struct e5_error *err) {
    struct e5_exchange *ended = NULL;
    e5_http_drop(asking->http, asking->exchange);
    asking->exchange = NULL;
    e5_watch_stage(asking->watch, "asking the service");
    enum e5_status status = e5_http_start(asking->http, &asking->call, &asking->exchange, err);
    while (status == E5_OK && ended == NULL) {
        status = e5_watch_check(asking->watch, err);
        if (status == E5_OK) status = e5_http_step(asking->http, STEP, err);
        ended = e5_http_ended(asking->http);
    }
    return status;
}

static enum e5_status pause_for(struct asking *asking, double seconds, const struct e5_error *why,
                                struct e5_error *err) {
    double now = e5_clock_monotonic(), until = now + seconds;
    enum e5_status status = E5_OK;
    e5_watch_stage(asking->watch, "waiting");
    e5_waiting_tell(&asking->waiting, &asking->retry, asking->options->settings.pace, now, "", seconds, why->what,
                    asking->options->http.key);
    for (; status == E5_OK && now < until; now = e5_clock_monotonic()) {
        status = e5_watch_check(asking->watch, err);
        if (status == E5_OK) status = e5_http_step(asking->http, fmin(STEP, until - now), err);
    }
    return status;
}

/* The last failure as the caller sees it. */
static void report(struct asking *asking, bool temporary, struct e5_error *why, struct e5_error *err) {
    const struct e5_retry *retry = &asking->retry;
    why->attempts = retry->tries + (temporary ? 0 : 1); /* what may pass has been counted already */
    if (retry->row > 0) why->elapsed = e5_clock_monotonic() - retry->since;
    if (why->hint[0] == '\0' && e5_status_retryable(why->status)) e5_error_hint(why, "run it again later");
    e5_token_mask(asking->options->http.key, why->what);
    e5_token_mask(asking->options->http.key, why->hint);
    if (err != NULL && err->status == E5_OK) *err = *why;
}

static enum e5_status ride_out(struct asking *asking, struct e5_error *err) {
    struct e5_retry_policy policy = e5_fetch_settings_retry(&asking->options->settings);
    for (;;) {
        struct e5_error why = E5_ERROR_NONE;
        double wait, asked;
        enum e5_status status = run_once(asking, err);
        if (status != E5_OK) return status;
        bool temporary = judge(asking, &why);
        if (why.status == E5_OK) return E5_OK;
        asked = why.retry_after = e5_exchange_head(asking->exchange)->retry_after;
        if (!temporary || !e5_retry_again(&asking->retry, &policy, e5_clock_monotonic(), asked, &wait)) {
            report(asking, temporary, &why, err);
            return why.status;
        }
        status = pause_for(asking, wait, &why, err);
        if (status != E5_OK) return status;
    }
}

static enum e5_status begin(struct asking *asking, struct e5_error *err) {
    struct e5_http_options http = asking->options->http;
    e5_fetch_settings_limit(&asking->options->settings, &http);
    if (http.url == NULL || http.user_agent == NULL) return e5_fail(err, E5_CONFIG, "no service address given");
    e5_retry_init(&asking->retry, (uint64_t)(e5_clock_wall() * 1e6));
    return e5_http_new(&http, &asking->http, err);
}

static void end(struct asking *asking) {
    if (asking->http != NULL) e5_http_drop(asking->http, asking->exchange);
    e5_http_free(asking->http);
}

enum e5_status e5_ask(const struct e5_fetch_options *options, const struct e5_ask *ask, struct e5_buffer *reply,
                      struct e5_watch *watch, struct e5_error *err) {
    struct e5_buffer url = {0};
    struct asking asking = {.options = options, .watch = watch};
    enum e5_status status = check(ask, err);
    if (status == E5_OK) status = begin(&asking, err);
    if (status == E5_OK) status = join(options->http.url, ask->path, &url, err);
    asking.call = (struct e5_http_call){.url = url.bytes, .method = ask->method, .post = ask->body};
    asking.call.abroad = strcmp(ask->method, "GET") == 0 && e5_text_starts(ask->path, CATALOGUE);
    if (status == E5_OK) status = ride_out(&asking, err);
    if (status == E5_OK) {
        const struct e5_buffer *body = e5_exchange_body(asking.exchange);
        status = e5_buffer_append(reply, body->bytes, body->size, err);
    }
    end(&asking);
    e5_buffer_fini(&url);
    return status;
}

enum e5_status e5_ask_data(const struct e5_fetch_options *options, const char *url, struct e5_http_head *head,
                           struct e5_watch *watch, struct e5_error *err) {
    struct asking asking = {.options = options, .watch = watch};
    asking.call = (struct e5_http_call){.url = url, .method = "HEAD", .sink = &nowhere};
    e5_http_head_init(head);
    enum e5_status status = begin(&asking, err);
    if (status == E5_OK) status = ride_out(&asking, err);
    if (status == E5_OK) *head = *e5_exchange_head(asking.exchange);
    end(&asking);
    return status;
}
