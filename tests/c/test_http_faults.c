/* What net/http makes of networks that fail: names, silence, proxies, dead address families.  Names are resolved by
 * this program's own getaddrinfo(), which libcurl and the core both get. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "loopback.h"
#include "net/http.h"

static const char *turn; /* the number that turns.test has now */

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **found) {
    typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    static resolve_fn real;
    if (node != NULL && strcmp(node, "nowhere.test") == 0) return EAI_NONAME;
    if (node != NULL && strcmp(node, "silent.test") == 0) return EAI_AGAIN;
    if (node != NULL && strcmp(node, "here.test") == 0) node = "127.0.0.1";
    if (node != NULL && strcmp(node, "inside.test") == 0) node = "10.255.255.1";
    if (node != NULL && strcmp(node, "far.test") == 0) node = "198.51.100.1"; /* of no network */
    if (node != NULL && strcmp(node, "turns.test") == 0) node = turn;
    if (real == NULL) *(void **)(void *)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node == NULL || strcmp(node, "both.test") != 0) return real(node, service, hints, found);
    int failed = real("10.255.255.1", service, hints, found);
    struct addrinfo *last = failed ? NULL : *found;
    while (last != NULL && last->ai_next != NULL) last = last->ai_next;
    return failed ? failed : real("198.51.100.1", service, hints, &last->ai_next);
}

static struct loopback server;
static char last_request[2000];
static int proxy_answer = 407;

static void wait_for_hang_up(struct loopback_reply *reply) {
    char rest;
    recv(reply->socket, &rest, 1, 0);
}

static void answer(const char *request, struct loopback_reply *reply) {
    snprintf(last_request, sizeof last_request, "%s", request);
    if (strncmp(request, "CONNECT ", 8) == 0) {
        loopback_text(reply, proxy_answer, "no");
    } else if (strstr(request, " /silent") != NULL) {
        wait_for_hang_up(reply);
    } else if (strstr(request, " /abroad") != NULL) {
        char more[100];
        snprintf(more, sizeof more, "Location: https://here.test:%s/form.json\r\n", strrchr(server.origin, ':') + 1);
        loopback_head(reply, 302, 0, more);
    } else if (strstr(request, " /few") != NULL) {
        loopback_head(reply, 200, 1000, "");
        loopback_write(reply, "few bytes", 9);
        wait_for_hang_up(reply);
    } else {
        loopback_text(reply, 200, "{}");
    }
}

static enum e5_status take_head(void *context, const struct e5_http_head *head, struct e5_error *err) {
    (void)context;
    return head->status == 200 ? E5_OK : e5_fail(err, E5_SERVER, "status %d", head->status);
}

static enum e5_status take_body(void *context, const char *bytes, size_t size, struct e5_error *err) {
    (void)bytes, (void)err;
    *(size_t *)context += size;
    return E5_OK;
}

struct outcome {
    enum e5_status status;
    bool temporary;
    int http_status;
    double seconds;
    struct e5_error err;
};

static struct outcome run(struct e5_http *http, const struct e5_http_call *call) {
    struct outcome outcome = {.err = E5_ERROR_NONE};
    struct e5_exchange *exchange = NULL, *ended = NULL;
    double begun = e5_clock_monotonic();
    CHECK_OK(e5_http_start(http, call, &exchange, err));
    while (exchange != NULL && ended == NULL && outcome.seconds < 20) {
        CHECK_OK(e5_http_step(http, 0.01, err));
        ended = e5_http_ended(http);
        outcome.seconds = e5_clock_monotonic() - begun;
    }
    CHECK(ended != NULL && ended == exchange);
    if (ended != NULL) {
        outcome.status = e5_exchange_outcome(ended, &outcome.err);
        outcome.temporary = e5_exchange_is_temporary(ended);
        outcome.http_status = e5_exchange_head(ended)->status;
    }
    e5_http_drop(http, exchange);
    return outcome;
}

/* One call of an engine of its own. */
static struct outcome call_with(const struct e5_http_options *options, const struct e5_http_sink *sink,
                                const char *path) {
    struct e5_http_options full = *options;
    struct e5_http *http = NULL;
    char url[300];
    full.key = "secret-key";
    full.user_agent = "tester/1";
    snprintf(url, sizeof url, "%s%s", options->url, path);
    struct e5_http_call call = {.url = url, .sink = sink};
    CHECK_OK(e5_http_new(&full, &http, err));
    struct outcome outcome = run(http, &call);
    e5_http_free(http);
    return outcome;
}

TEST(a_silent_service_is_left) {
    struct e5_http_options options = {.url = server.origin, .timeout = 0.1};
    struct outcome outcome = call_with(&options, NULL, "/silent");
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT && outcome.temporary && outcome.seconds < 1);
    outcome = call_with(&options, NULL, "/few"); /* some bytes came, then none */
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT && outcome.temporary && outcome.seconds < 1);
}

TEST(a_slow_transfer_is_cut) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_options options = {.url = server.origin, .low_speed_time = 0.1, .low_speed_limit = 100};
    struct outcome outcome = call_with(&options, &sink, "/few");
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT && outcome.temporary && outcome.seconds < 1 && received == 9);
    CHECK(strstr(outcome.err.what, "too slow") != NULL && strstr(outcome.err.what, "127.0.0.1") != NULL);
    CHECK(strstr(outcome.err.what, "bytes in 0.1 s") != NULL); /* not of libcurl's callbacks */
    options.low_speed_limit = 0; /* no speed asked for, but silence is never waited for without end */
    outcome = call_with(&options, &sink, "/few");
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT && outcome.seconds < 1);
}

/* A listener whose queue is full answers no one: connections to it hang. */
struct black_hole {
    int listener, crowd[8];
};

/* False: this machine has no such address. */
static bool open_hole(struct black_hole *hole, const struct sockaddr *address, socklen_t size) {
    struct sockaddr_storage at;
    socklen_t length = sizeof at;
    hole->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (hole->listener < 0 || bind(hole->listener, address, size) != 0) {
        CHECK(errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
        if (hole->listener >= 0) close(hole->listener);
        return false;
    }
    CHECK(listen(hole->listener, 0) == 0);
    getsockname(hole->listener, (struct sockaddr *)&at, &length);
    for (int i = 0; i < 8; i++) {
        hole->crowd[i] = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(hole->crowd[i], (struct sockaddr *)&at, length);
    }
    return true;
}

static void close_hole(struct black_hole *hole) {
    for (int i = 0; i < 8; i++) close(hole->crowd[i]);
    close(hole->listener);
}

TEST(a_connection_that_hangs_is_given_up) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct black_hole hole;
    char origin[64];
    if (!open_hole(&hole, (struct sockaddr *)&address, size)) return;
    getsockname(hole.listener, (struct sockaddr *)&address, &size);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", ntohs(address.sin_port));
    struct e5_http_options options = {.url = origin, .connect_timeout = 0.15};
    struct outcome outcome = call_with(&options, NULL, "/x");
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT && outcome.temporary);
    CHECK(outcome.seconds >= 0.1 && outcome.seconds < 1);
    close_hole(&hole);
}

TEST(a_dead_address_family_costs_less_than_a_second) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct black_hole hole;
    char origin[64];
    const char *port = strrchr(server.origin, ':') + 1;
    address.sin6_port = htons((uint16_t)atoi(port));
    bool has_v6 = open_hole(&hole, (struct sockaddr *)&address, sizeof address); /* the server is on 127.0.0.1 only */
    snprintf(origin, sizeof origin, "http://localhost:%s", port);
    struct e5_http_options options = {.url = origin};
    struct outcome outcome = call_with(&options, NULL, "/x");
    CHECK(outcome.status == E5_OK && outcome.http_status == 200 && outcome.seconds < 1);
    options.ip_version = 4;
    CHECK(call_with(&options, NULL, "/x").status == E5_OK);
    if (!has_v6) return;
    options.ip_version = 6;
    options.connect_timeout = 0.3;
    outcome = call_with(&options, NULL, "/x");
    CHECK(outcome.status == E5_TRANSFER_TIMEOUT);
    close_hole(&hole);
    outcome = call_with(&options, NULL, "/x");
    CHECK(outcome.status == E5_NETWORK && outcome.temporary);
}

TEST(an_unknown_host_is_believed_after_three_tries) {
    struct e5_http_options options = {.url = "https://nowhere.test/api", .user_agent = "tester/1"};
    struct e5_http *http;
    struct e5_http_call call = {.url = "https://nowhere.test/api/x"};
    CHECK_OK(e5_http_new(&options, &http, err));
    for (int i = 1; i <= 3; i++) {
        struct outcome outcome = run(http, &call);
        CHECK(outcome.status == E5_NETWORK && outcome.temporary == (i < 3));
        CHECK(strstr(outcome.err.what, "unknown host nowhere.test") != NULL);
    }
    e5_http_free(http);
}

TEST(a_name_does_not_lead_data_into_a_private_network) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_options options = {
        .url = "https://far.test/api", .user_agent = "tester/1", .connect_timeout = 0.05};
    struct e5_http_call here = {.url = "https://here.test/x", .sink = &sink};
    struct e5_http_call inside = {.url = "https://inside.test/x", .sink = &sink};
    struct e5_http_call home = {.url = "https://far.test/api/x"};
    struct e5_http *http;
    CHECK_OK(e5_http_new(&options, &http, err));
    struct outcome outcome = run(http, &here);
    CHECK(outcome.status == E5_UNSAFE && !outcome.temporary);
    CHECK(strstr(outcome.err.what, "refused data address on this machine: here.test") != NULL);
    CHECK(run(http, &home).status != E5_UNSAFE);
    outcome = run(http, &inside);
    CHECK(outcome.status == E5_UNSAFE && !outcome.temporary);
    CHECK(strstr(outcome.err.what, "refused data address in a private network: inside.test") != NULL);
    e5_http_free(http);
}

/* What becomes of data in a private network where nobody has connected to the service yet. */
static struct outcome data_inside_of(const char *service, const char *data, double connect_timeout) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_options options = {.url = service, .user_agent = "tester/1", .connect_timeout = connect_timeout};
    struct e5_http_call call = {.url = data, .sink = &sink};
    struct e5_http *http;
    CHECK_OK(e5_http_new(&options, &http, err));
    struct outcome outcome = run(http, &call);
    e5_http_free(http);
    return outcome;
}

TEST(where_the_service_is_counts_before_the_first_call_to_it) {
    turn = "10.255.255.2";
    struct outcome outcome = data_inside_of("https://far.test/api", "https://inside.test/x", 30);
    CHECK(outcome.status == E5_UNSAFE && !outcome.temporary);
    outcome = data_inside_of("https://far.test/api", "https://10.255.255.1/x", 30);
    CHECK(outcome.status == E5_UNSAFE && !outcome.temporary);
    outcome = data_inside_of("https://silent.test/api", "https://inside.test/x", 30);
    CHECK(outcome.status == E5_NETWORK && outcome.temporary);
    CHECK(strstr(outcome.err.what, "cannot look up silent.test") != NULL);
    outcome = data_inside_of("https://turns.test/api", "https://inside.test/x", 1);
    CHECK(outcome.status != E5_OK && outcome.status != E5_UNSAFE); /* it was tried */
    CHECK(strstr(outcome.err.what, "cannot look up") == NULL);
}

/* An engine with a service of that name, which has been connected to. */
static struct e5_http *engine_of(const char *host) {
    char url[64];
    struct e5_http *http = NULL;
    snprintf(url, sizeof url, "https://%s/api", host);
    struct e5_http_options options = {.url = url, .user_agent = "tester/1", .connect_timeout = 0.3};
    CHECK_OK(e5_http_new(&options, &http, err));
    struct e5_http_call home = {.url = url};
    CHECK(run(http, &home).status != E5_UNSAFE);
    return http;
}

TEST(one_private_number_of_several_stands_in_nobodys_way) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_call both = {.url = "https://both.test/x", .sink = &sink};
    struct e5_http *http = engine_of("far.test");
    struct outcome outcome = run(http, &both);
    CHECK(outcome.status != E5_OK && outcome.status != E5_UNSAFE); /* the other one was tried */
    e5_http_free(http);
}

TEST(a_service_with_a_private_number_may_name_private_data) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_call by_name = {.url = "https://inside.test/x", .sink = &sink};
    struct e5_http_call by_number = {.url = "https://10.255.255.2/x", .sink = &sink};
    static const char *const services[] = {"both.test", "inside.test", "far.test"};
    for (size_t i = 0; i < 3; i++) {
        struct e5_error err = E5_ERROR_NONE;
        struct e5_exchange *exchange = NULL;
        struct e5_http *http = engine_of(services[i]);
        bool is_far = strcmp(services[i], "far.test") == 0;
        CHECK((run(http, &by_name).status == E5_UNSAFE) == is_far);
        CHECK((e5_http_start(http, &by_number, &exchange, &err) == E5_UNSAFE) == is_far);
        e5_http_drop(http, exchange);
        e5_http_free(http);
    }
}

/* Over handles of their own, which know nothing of each other's look-ups. */
TEST(a_service_is_as_near_as_the_nearest_of_its_numbers) {
    static const struct {
        const char *number;
        enum e5_reach reach;
    } turns[] = {
        {"198.51.100.1", E5_REACH_PUBLIC}, {"10.255.255.1", E5_REACH_PRIVATE}, {"198.51.100.1", E5_REACH_PRIVATE}};
    struct e5_http_shared shared = {
        .user_agent = "tester/1", .timeout = 5, .connect_timeout = 0.3, .reach = E5_REACH_PRIVATE};
    struct e5_http_call call = {.url = "https://turns.test/api"};
    CHECK_OK(e5_url_check_service(call.url, &shared.service, err));
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct e5_exchange *exchange = NULL;
        turn = turns[i].number;
        CHECK_OK(e5_exchange_new(&shared, &call, &exchange, err));
        curl_easy_perform(e5_exchange_easy(exchange));
        CHECK(shared.reach == turns[i].reach);
        e5_exchange_delete(exchange);
    }
    e5_names_fini(&shared.names);
}

/* Over one handle and without an engine, so that the service can be said to be far away although it answers. */
TEST(a_call_that_goes_abroad_is_not_led_nearer_than_the_service) {
    struct e5_http_shared shared = {.user_agent = "tester/1", .timeout = 5, .connect_timeout = 1};
    struct e5_exchange *exchange = NULL;
    struct e5_error found = E5_ERROR_NONE;
    char url[100];
    int before = atomic_load(&server.requests);
    snprintf(url, sizeof url, "%s/abroad", server.origin);
    struct e5_http_call call = {.url = url, .abroad = true};
    shared.reach = E5_REACH_LOCAL;
    CHECK_OK(e5_url_check_service(server.origin, &shared.service, err));
    CHECK_OK(e5_exchange_new(&shared, &call, &exchange, err));
    CURLcode code = curl_easy_perform(e5_exchange_easy(exchange));
    CHECK(e5_exchange_ended(exchange, (int)code) == E5_EXCHANGE_AGAIN);
    shared.reach = E5_REACH_PUBLIC;
    code = curl_easy_perform(e5_exchange_easy(exchange));
    CHECK(code == CURLE_COULDNT_CONNECT);
    CHECK(e5_exchange_ended(exchange, (int)code) == E5_EXCHANGE_OVER);
    CHECK(e5_exchange_outcome(exchange, &found) == E5_UNSAFE && strstr(found.what, "here.test") != NULL);
    CHECK(atomic_load(&server.requests) == before + 1);
    e5_exchange_delete(exchange);
    e5_names_fini(&shared.names);
}

TEST(a_service_may_name_data_beside_it) {
    size_t received = 0;
    char url[100];
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_options options = {.url = server.origin, .user_agent = "tester/1"};
    snprintf(url, sizeof url, "http://localhost:%s/x", strrchr(server.origin, ':') + 1);
    struct e5_http_call call = {.url = url, .sink = &sink};
    struct e5_http *http;
    CHECK_OK(e5_http_new(&options, &http, err));
    CHECK(run(http, &call).status == E5_OK && received == 2);
    e5_http_free(http);
}

TEST(a_silent_resolver_is_waited_for) {
    struct e5_http_options options = {.url = "https://silent.test/api", .user_agent = "tester/1"};
    struct e5_http *http;
    struct e5_http_call call = {.url = "https://silent.test/api/x"};
    CHECK_OK(e5_http_new(&options, &http, err));
    for (int i = 0; i < 5; i++) {
        struct outcome outcome = run(http, &call);
        CHECK(outcome.status == E5_NETWORK && outcome.temporary);
        CHECK(strstr(outcome.err.what, "cannot resolve silent.test") != NULL);
    }
    struct e5_exchange *exchange; /* dropped while it is asking: nothing is left behind */
    CHECK_OK(e5_http_start(http, &call, &exchange, err));
    for (int i = 0; i < 5; i++) CHECK_OK(e5_http_step(http, 0.001, err));
    e5_http_drop(http, exchange);
    e5_http_free(http);
}

static struct outcome through_proxy(const char *proxy, int code) {
    struct e5_http_options options = {.url = "https://cds.example/api", .proxy = proxy};
    proxy_answer = code;
    last_request[0] = '\0';
    return call_with(&options, NULL, "/x");
}

TEST(a_proxy_is_named_and_gets_no_token) {
    char proxy[100], gone[64];
    const char *host = strstr(server.origin, "://") + 3;
    snprintf(proxy, sizeof proxy, "http://me:pass-word@%s", host);
    struct outcome outcome = through_proxy(proxy, 407);
    CHECK(outcome.status == E5_AUTH && !outcome.temporary && strstr(outcome.err.what, "proxy") != NULL);
    CHECK(strncmp(last_request, "CONNECT cds.example:443 ", 24) == 0);
    CHECK(strstr(last_request, "Proxy-Authorization: Basic") != NULL);
    CHECK(strcasestr(last_request, "private-token") == NULL && atomic_load(&server.tokens) > 0);
    CHECK(strstr(outcome.err.what, "pass-word") == NULL && strstr(outcome.err.hint, "pass-word") == NULL);
    outcome = through_proxy(proxy, 503);
    CHECK(outcome.status == E5_NETWORK && outcome.temporary &&
          strstr(outcome.err.what, "via proxy 127.0.0.1") != NULL);
    outcome = through_proxy(proxy, 403);
    CHECK(outcome.status == E5_NETWORK && !outcome.temporary);
    struct loopback closed = {.origin = ""};
    loopback_start(&closed, answer);
    snprintf(gone, sizeof gone, "%s", closed.origin);
    loopback_stop(&closed);
    outcome = through_proxy(gone, 200);
    CHECK(outcome.status == E5_NETWORK && outcome.temporary &&
          strstr(outcome.err.what, "via proxy 127.0.0.1") != NULL);
    outcome = through_proxy("http://nowhere.test:3128", 200);
    CHECK(outcome.status == E5_NETWORK && strstr(outcome.err.what, "unknown proxy") != NULL);
    CHECK(strstr(outcome.err.what, "via proxy nowhere.test") != NULL);
}

TEST(the_way_to_this_machine_can_be_made_to_use_a_proxy) {
    struct e5_http_options options = {.url = server.origin, .proxy = server.origin};
    proxy_answer = 502;
    struct outcome outcome = call_with(&options, NULL, "/x");
    CHECK(strncmp(last_request, "CONNECT 127.0.0.1:", 18) == 0 && strcasestr(last_request, "private-token") == NULL);
    CHECK(outcome.status == E5_NETWORK && outcome.temporary);
}

static char kept[2000];

static void keep(void *context, enum e5_log_level level, const char *line) {
    (void)context;
    size_t used = strlen(kept);
    snprintf(kept + used, sizeof kept - used, "%d %s\n", (int)level, line);
}

TEST(calls_are_told_to_who_listens) {
    size_t received = 0;
    const struct e5_http_sink sink = {.context = &received, .head = take_head, .body = take_body};
    struct e5_http_options options = {.url = server.origin};
    e5_log_from(E5_LOG_INFO);
    call_with(&options, NULL, "/path?limit=3");
    e5_log_drain(keep, NULL);
    CHECK(strstr(kept, "/path") == NULL);
    e5_log_from(E5_LOG_DEBUG);
    call_with(&options, NULL, "/path?limit=3");
    call_with(&options, &sink, "/data.nc?signature=abc");
    e5_log_drain(keep, NULL);
    e5_log_from(E5_LOG_INFO);
    CHECK(strstr(kept, "0 GET /path?limit=3: 200, 2 bytes, ") != NULL && strstr(kept, " ms\n") != NULL);
    CHECK(strstr(kept, "/data.nc: 200") != NULL && strstr(kept, "signature") == NULL);
    CHECK(strstr(kept, "secret-key") == NULL);
}

int main(void) {
    loopback_start(&server, answer);
    RUN(a_silent_service_is_left);
    RUN(a_slow_transfer_is_cut);
    RUN(a_connection_that_hangs_is_given_up);
    RUN(a_dead_address_family_costs_less_than_a_second);
    RUN(an_unknown_host_is_believed_after_three_tries);
    RUN(a_name_does_not_lead_data_into_a_private_network);
    RUN(where_the_service_is_counts_before_the_first_call_to_it);
    RUN(one_private_number_of_several_stands_in_nobodys_way);
    RUN(a_service_with_a_private_number_may_name_private_data);
    RUN(a_service_is_as_near_as_the_nearest_of_its_numbers);
    RUN(a_call_that_goes_abroad_is_not_led_nearer_than_the_service);
    RUN(a_service_may_name_data_beside_it);
    RUN(a_silent_resolver_is_waited_for);
    RUN(calls_are_told_to_who_listens);
    RUN(a_proxy_is_named_and_gets_no_token);
    RUN(the_way_to_this_machine_can_be_made_to_use_a_proxy);
    loopback_stop(&server);
    return check_summary();
}
