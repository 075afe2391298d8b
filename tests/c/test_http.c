#include "net/http.h"

#include "check.h"
#include "loopback.h"

static struct loopback api, store;
static char redirect_to[200];
static char last_request[2000];

/* {"a": 1}, and how long that is when compressed */
static const char compressed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x54\xb2\x52\x30\xac\x05\x00"
                                 "\x97\x8e\xa1\xfb\x08\x00\x00\x00";
#define LARGE ((size_t)4 << 20)
#define COMPRESSED (sizeof compressed - 1)

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
    } else if (strstr(request, " /gzip") != NULL) {
        loopback_head(reply, 200, COMPRESSED, "Content-Encoding: gzip\r\n");
        loopback_write(reply, compressed, COMPRESSED);
    } else if (strstr(request, " /broken-gzip") != NULL) {
        loopback_head(reply, 200, 8, "Content-Encoding: gzip\r\n");
        loopback_write(reply, "{\"a\": 1}", 8);
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
    } else if (strstr(request, " /large") != NULL) {
        static char block[1 << 16];
        loopback_head(reply, 200, LARGE, "");
        for (size_t i = 0; i < LARGE / sizeof block; i++) loopback_write(reply, block, sizeof block);
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

static struct e5_exchange *call_with(const char *method, const char *path, const char *post) {
    char url[200];
    snprintf(url, sizeof url, "%s%s", api.origin, path);
    struct e5_http_call call = {.url = url, .method = method, .post = post};
    return run(&call);
}

static struct e5_exchange *call_api(const char *path, const char *post) { return call_with(NULL, path, post); }

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

TEST(every_method_is_sent_as_it_is) {
    static const char *const bodies[][2] = {{"PUT", "{\"a\":1}"}, {"PUT", NULL},  {"DELETE", NULL},
                                            {"POST", NULL},       {"HEAD", NULL}, {"GET", NULL}};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const char *method = bodies[i][0], *body = bodies[i][1];
        char line[20];
        snprintf(line, sizeof line, "%s /m ", method);
        struct e5_exchange *exchange = call_with(method, "/m", body);
        CHECK_OK(e5_exchange_outcome(exchange, err));
        CHECK(e5_exchange_head(exchange)->status == 200 && strncmp(last_request, line, strlen(line)) == 0);
        CHECK(strstr(last_request, "PRIVATE-TOKEN: secret-key\r\n") != NULL);
        CHECK(body == NULL || strstr(last_request, body) != NULL);
        CHECK(e5_exchange_body(exchange)->size == (strcmp(method, "HEAD") == 0 ? 0 : strlen("{\"a\": 1}")));
        e5_http_drop(http, exchange);
    }
}

TEST(a_look_at_data_fetches_none) {
    static const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    char url[200];
    snprintf(url, sizeof url, "%s/file", store.origin);
    e5_buffer_clear(&received);
    struct e5_http_call call = {.url = url, .method = "HEAD", .sink = &sink};
    struct e5_exchange *exchange = run(&call);
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(e5_exchange_head(exchange)->length == 4 && received.size == 0);
    CHECK(strcmp(e5_exchange_head(exchange)->etag, "\"e\"") == 0);
    e5_http_drop(http, exchange);
}

TEST(a_call_may_go_abroad_without_the_token) {
    char url[200];
    snprintf(redirect_to, sizeof redirect_to, "%s/form.json", store.origin);
    snprintf(url, sizeof url, "%s/redirect", api.origin);
    int before = atomic_load(&store.requests);
    struct e5_http_call call = {.url = url, .abroad = true};
    struct e5_exchange *exchange = run(&call);
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(strcmp(e5_exchange_body(exchange)->bytes, "data") == 0);
    CHECK(atomic_load(&store.requests) == before + 1 && atomic_load(&store.tokens) == 0);
    e5_http_drop(http, exchange);
    call.method = "DELETE"; /* would change something there: not followed */
    exchange = run(&call);
    CHECK(e5_exchange_head(exchange)->status == 302 && atomic_load(&store.requests) == before + 1);
    e5_http_drop(http, exchange);
    struct e5_http_call direct = {.url = redirect_to, .abroad = true}; /* only where the service sends us */
    CHECK_STATUS(E5_REQUEST, e5_http_start(http, &direct, &exchange, err));
}

TEST(insecure_redirects_of_calls_are_refused) {
    static const char *const bad[] = {"http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"};
    for (size_t i = 0; i < 3; i++) {
        struct e5_error err = E5_ERROR_NONE;
        strcpy(redirect_to, bad[i]);
        struct e5_exchange *exchange = call_api("/redirect", NULL);
        CHECK(e5_exchange_outcome(exchange, &err) == E5_NETWORK && strstr(err.what, "insecure redirect") != NULL);
        e5_http_drop(http, exchange);
    }
}

TEST(parts_of_data_can_be_asked_for) {
    static const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    char url[200];
    snprintf(redirect_to, sizeof redirect_to, "%s/elsewhere", api.origin);
    snprintf(url, sizeof url, "%s/away", store.origin);
    struct e5_http_call call = {.url = url, .sink = &sink, .range_from = 0, .range_to = 99, .if_range = "\"e\""};
    e5_http_drop(http, run(&call));
    CHECK(strstr(last_request, "Range: bytes=0-99\r\n") != NULL && strstr(last_request, "If-Range") != NULL);
    call.range_from = 100, call.range_to = 199;
    e5_http_drop(http, run(&call));
    CHECK(strstr(last_request, "Range: bytes=100-199\r\n") != NULL);
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

TEST(replies_may_be_compressed) {
    struct e5_exchange *exchange = call_api("/gzip", NULL);
    CHECK_OK(e5_exchange_outcome(exchange, err));
    CHECK(strstr(last_request, "Accept-Encoding: ") != NULL);
    CHECK(strcmp(e5_exchange_body(exchange)->bytes, "{\"a\": 1}") == 0);
    e5_http_drop(http, exchange);
    exchange = call_api("/broken-gzip", NULL);
    CHECK(e5_exchange_outcome(exchange, NULL) == E5_SERVER && e5_exchange_is_temporary(exchange));
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

static enum e5_status refuse_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    (void)context, (void)bytes, (void)size;
    return e5_fail(err, E5_STORAGE, "no room");
}

static void start_large(const struct e5_http_sink *sink, struct e5_exchange **out) {
    char url[200];
    snprintf(url, sizeof url, "%s/large", store.origin);
    CHECK_OK(e5_http_start(http, &(struct e5_http_call){.url = url, .sink = sink}, out, err));
}

/* Whether the reply has ended by then or not; others go on.  One of three is dropped before anybody looks at it. */
TEST(what_a_sink_refuses_ends_its_exchange_and_no_other) {
    static const struct e5_http_sink refusing = {.head = take_head, .body = refuse_body};
    static const struct e5_http_sink taking = {.context = &received, .head = take_head, .body = take_body};
    struct e5_exchange *whole, *refused, *dropped, *ended;
    struct e5_exchange *small = NULL;
    int seen = 0;
    e5_buffer_clear(&received);
    received.ceiling = LARGE;
    start_large(&refusing, &dropped);
    start_large(&taking, &whole);
    start_large(&refusing, &refused);
    for (int i = 0; i < 5000 && seen < 2; i++) {
        CHECK_OK(e5_http_step(http, 0.01, err));
        if (dropped != NULL && received.size > 0) {
            e5_http_drop(http, dropped);
            dropped = NULL;
        }
        while (seen < 2 && (ended = e5_http_ended(http)) != NULL) {
            if (ended == dropped) {
                e5_http_drop(http, dropped);
                dropped = NULL;
            } else {
                CHECK(ended == whole || ended == refused);
                seen++;
            }
        }
    }
    CHECK(seen == 2 && received.size == LARGE);
    CHECK_OK(e5_exchange_outcome(whole, err));
    CHECK_STATUS(E5_STORAGE, e5_exchange_outcome(refused, err));
    CHECK(!e5_exchange_is_temporary(refused));
    e5_http_drop(http, dropped);
    e5_http_drop(http, whole);
    e5_http_drop(http, refused);
    e5_buffer_fini(&received);
    received = (struct e5_buffer){0};
    char url[200];
    snprintf(url, sizeof url, "%s/small", store.origin);
    small = run(&(struct e5_http_call){.url = url, .sink = &refusing}); /* its reply is over when it is refused */
    CHECK_STATUS(E5_STORAGE, e5_exchange_outcome(small, err));
    e5_http_drop(http, small);
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
    RUN(every_method_is_sent_as_it_is);
    RUN(a_look_at_data_fetches_none);
    RUN(a_call_may_go_abroad_without_the_token);
    RUN(insecure_redirects_of_calls_are_refused);
    RUN(parts_of_data_can_be_asked_for);
    RUN(token_never_leaves_its_origin);
    RUN(calls_follow_redirects_at_home_but_posts_do_not);
    RUN(replies_have_a_ceiling);
    RUN(replies_may_be_compressed);
    RUN(a_closed_connection_may_have_been_heard);
    RUN(data_goes_to_the_sink_without_token);
    RUN(what_a_sink_refuses_ends_its_exchange_and_no_other);
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
