#include "net/http.h"

#include "check.h"
#include "loopback.h"

static struct loopback api, store;
static char redirect_to[200];
static char last_request[2000];

static void answer_api(const char *request, struct loopback_reply *reply) {
    char more[300];
    snprintf(last_request, sizeof last_request, "%s", request);
    if (strstr(request, " /redirect") != NULL) {
        snprintf(more, sizeof more, "Location: %s\r\n", redirect_to);
        loopback_head(reply, 302, 0, more);
    } else if (strstr(request, " /huge") != NULL) {
        static char block[1 << 16];
        loopback_head(reply, 200, (size_t)20 << 20, "");
        for (int i = 0; i < 320; i++) loopback_write(reply, block, sizeof block);
    } else if (strstr(request, " /nothing") == NULL) {
        loopback_text(reply, 200, "{\"a\": 1}");
    }
}

static void answer_store(const char *request, struct loopback_reply *reply) {
    char more[300];
    if (strstr(request, " /loop") != NULL) {
        snprintf(more, sizeof more, "Location: %s/loop\r\n", store.origin);
        loopback_head(reply, 302, 0, more);
    } else if (strstr(request, " /away") != NULL) {
        snprintf(more, sizeof more, "Location: %s\r\n", redirect_to);
        loopback_head(reply, 307, 3, more);
        loopback_write(reply, "bad", 3);
    } else {
        loopback_head(reply, 200, strstr(request, " /short") != NULL ? 8 : 4, "ETag: \"e\"\r\n");
        loopback_write(reply, "data", 4);
    }
}

static enum e5_status take_head(void *context, const struct e5_http_head *head, struct e5_error *err) {
    (void)context;
    return head->status == 200 ? E5_OK : e5_fail(err, E5_SERVER, "status %d", head->status);
}

static enum e5_status take_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    return e5_buffer_append(context, bytes, size, err);
}

static struct e5_http *http;
static struct e5_buffer received;

/* Run one exchange to its end; the caller drops it. */
static struct e5_exchange *run(const struct e5_http_call *call) {
    struct e5_exchange *exchange = NULL, *ended = NULL;
    CHECK_OK(e5_http_start(http, call, &exchange, err));
    for (int i = 0; i < 1000 && ended == NULL && exchange != NULL; i++) {
        CHECK_OK(e5_http_step(http, 0.01, err));
        ended = e5_http_ended(http);
    }
    CHECK(ended != NULL && ended == exchange);
    return exchange;
}

static struct e5_exchange *call_api(const char *path, const char *post) {
    char url[200];
    snprintf(url, sizeof url, "%s%s", api.origin, path);
    struct e5_http_call call = {.url = url, .post = post};
    return run(&call);
}

static struct e5_exchange *fetch(const char *path, int64_t from, const char *if_range) {
    static const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    char url[200];
    snprintf(url, sizeof url, "%s%s", store.origin, path);
    struct e5_http_call call = {.url = url, .sink = &sink, .range_from = from, .if_range = if_range};
    e5_buffer_clear(&received);
    return run(&call);
}

TEST(calls_carry_token_and_body) {
    struct e5_exchange *exchange = call_api("/x", "{\"q\":1}");
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(e5_exchange_head(exchange)->status == 200 && e5_exchange_was_sent(exchange));
    CHECK(strcmp(e5_exchange_body(exchange)->bytes, "{\"a\": 1}") == 0);
    CHECK(strstr(last_request, "PRIVATE-TOKEN: secret-key\r\n") != NULL);
    CHECK(strstr(last_request, "User-Agent: tester/1\r\n") != NULL && strstr(last_request, "POST /x ") != NULL);
    CHECK(strstr(last_request, "\r\n\r\n{\"q\":1}") != NULL);
    e5_http_drop(http, exchange);
}

TEST(token_never_leaves_its_origin) {
    snprintf(redirect_to, sizeof redirect_to, "%s/x", store.origin);
    struct e5_exchange *exchange = call_api("/redirect", NULL);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_REQUEST && !e5_exchange_is_temporary(exchange));
    e5_http_drop(http, exchange);
    struct e5_http_call direct = {.url = redirect_to};
    CHECK_STATUS(E5_REQUEST, e5_http_start(http, &direct, &exchange, err));
    CHECK(atomic_load(&store.tokens) == 0);
}

TEST(calls_follow_redirects_at_home_but_posts_do_not) {
    snprintf(redirect_to, sizeof redirect_to, "%s/x", api.origin);
    struct e5_exchange *exchange = call_api("/redirect", NULL);
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(e5_exchange_head(exchange)->status == 200);
    e5_http_drop(http, exchange);
    int before = atomic_load(&api.requests);
    exchange = call_api("/redirect", "{}");
    CHECK(e5_exchange_head(exchange)->status == 302 && atomic_load(&api.requests) == before + 1);
    e5_http_drop(http, exchange);
}

TEST(replies_have_a_ceiling) {
    struct e5_exchange *exchange = call_api("/huge", NULL);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_SERVER);
    CHECK(e5_exchange_body(exchange)->size <= (size_t)10 << 20);
    e5_http_drop(http, exchange);
}

TEST(a_closed_connection_may_have_been_heard) {
    struct e5_exchange *exchange = call_api("/nothing", "{}");
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_NETWORK);
    CHECK(e5_exchange_is_temporary(exchange) && e5_exchange_was_sent(exchange));
    e5_http_drop(http, exchange);
}

TEST(data_goes_to_the_sink_without_token) {
    struct e5_exchange *exchange = fetch("/file", 0, NULL);
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(received.size == 4 && memcmp(received.bytes, "data", 4) == 0);
    CHECK(strcmp(e5_exchange_head(exchange)->etag, "\"e\"") == 0);
    e5_http_drop(http, exchange);
    CHECK(atomic_load(&store.tokens) == 0);
}

TEST(data_follows_redirects_within_limits) {
    snprintf(redirect_to, sizeof redirect_to, "%s/elsewhere", api.origin);
    int before = atomic_load(&api.tokens);
    struct e5_exchange *exchange = fetch("/away", 5, "\"e\"");
    CHECK(received.size == 8 && atomic_load(&api.tokens) == before);
    CHECK(strstr(last_request, "Range: bytes=5-\r\n") != NULL && strstr(last_request, "If-Range: \"e\"\r\n") != NULL);
    CHECK(strstr(last_request, "Accept-Encoding: identity\r\n") != NULL);
    e5_http_drop(http, exchange);
    static const char *const bad[] = {"http://example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd"};
    for (size_t i = 0; i < 3; i++) {
        strcpy(redirect_to, bad[i]);
        exchange = fetch("/away", 0, NULL);
        struct e5_error err = E5_ERROR_NONE;
        CHECK(e5_exchange_outcome(exchange, &err) == E5_NETWORK && strstr(err.what, "insecure redirect") != NULL);
        CHECK(received.size == 0 && !e5_exchange_is_temporary(exchange));
        e5_http_drop(http, exchange);
    }
    int loops = atomic_load(&store.requests);
    exchange = fetch("/loop", 0, NULL);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_NETWORK && atomic_load(&store.requests) == loops + 11);
    e5_http_drop(http, exchange);
}

TEST(a_short_body_is_told_apart) {
    struct e5_exchange *exchange = fetch("/short", 0, NULL);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_NETWORK && e5_exchange_was_short(exchange));
    CHECK(received.size == 4);
    e5_http_drop(http, exchange);
}

TEST(nobody_there_is_certain) {
    struct loopback gone = {.origin = ""};
    loopback_start(&gone, answer_store);
    loopback_stop(&gone);
    struct e5_http_options options = {gone.origin, "secret-key", "tester/1", NULL};
    struct e5_http *other, *ours = http;
    CHECK_OK(e5_http_new(&options, &other, err));
    http = other;
    struct e5_http_call call = {.url = gone.origin, .post = "{}"};
    struct e5_exchange *exchange = run(&call);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_NETWORK);
    CHECK(e5_exchange_is_temporary(exchange) && !e5_exchange_was_sent(exchange));
    e5_http_drop(http, exchange);
    e5_http_free(other);
    http = ours;
}

TEST(tokens_are_checked) {
    static const char *const bad[] = {"", "a b", "a\r\nX: y", "\xC3\xA9"};
    for (size_t i = 0; i < 4; i++) {
        struct e5_http_options options = {api.origin, bad[i], "tester/1", NULL};
        struct e5_http *none;
        struct e5_error err = E5_ERROR_NONE;
        CHECK(e5_http_new(&options, &none, &err) == E5_CONFIG && none == NULL);
        CHECK(i == 0 || strstr(err.what, bad[i]) == NULL);
    }
}

int main(void) {
    loopback_start(&api, answer_api);
    loopback_start(&store, answer_store);
    struct e5_http_options options = {api.origin, "secret-key", "tester/1", NULL};
    CHECK_OK(e5_http_new(&options, &http, err));
    RUN(calls_carry_token_and_body);
    RUN(token_never_leaves_its_origin);
    RUN(calls_follow_redirects_at_home_but_posts_do_not);
    RUN(replies_have_a_ceiling);
    RUN(a_closed_connection_may_have_been_heard);
    RUN(data_goes_to_the_sink_without_token);
    RUN(data_follows_redirects_within_limits);
    RUN(a_short_body_is_told_apart);
    RUN(nobody_there_is_certain);
    RUN(tokens_are_checked);
    e5_http_free(http);
    e5_buffer_fini(&received);
    loopback_stop(&api);
    loopback_stop(&store);
    return check_summary();
}
