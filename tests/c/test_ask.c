#include "drive/ask.h"

#include "base/clock.h"
#include "check.h"
#include "loopback.h"

static struct loopback api, store;
static char last_request[4000];
static int failures, fail_with, then_with, asked; /* the next answers; calls since they were set */
static const char *more_headers = "";

static void answer_api(const char *request, struct loopback_reply *reply) {
    char location[200];
    snprintf(last_request, sizeof last_request, "%s", request);
    asked++;
    if (failures > 0) {
        failures--;
        if (fail_with > 0) {
            loopback_head(reply, fail_with, 24, more_headers);
            loopback_write(reply, "{\"detail\":\"secret-key x\"}", 24);
        }
    } else if (then_with > 0) {
        loopback_text(reply, then_with, "{\"title\":\"job not found\"}");
    } else if (strstr(request, "/form.json") != NULL) {
        snprintf(location, sizeof location, "Location: %s/form.json?signature=1\r\n", store.origin);
        loopback_head(reply, 307, 0, location);
    } else if (strstr(request, " /api/page") != NULL) {
        loopback_text(reply, 200, "<html>log in first</html>");
    } else if (strstr(request, " /api/receipt") != NULL) {
        loopback_head(reply, 200, 5, "Content-Type: text/plain; charset=utf-8\r\n");
        loopback_write(reply, "hello", 5);
    } else if (strncmp(request, "DELETE ", 7) == 0 || strncmp(request, "PUT ", 4) == 0) {
        loopback_text(reply, 200, "");
    } else {
        loopback_text(reply, 200, "{\"a\": 1}");
    }
}

static void answer_store(const char *request, struct loopback_reply *reply) {
    if (strstr(request, " /gone") != NULL) {
        loopback_text(reply, 404, "<Error/>");
    } else if (strncmp(request, "HEAD ", 5) == 0) {
        loopback_head(reply, 200, 123456, "ETag: \"e\"\r\nContent-Type: application/x-grib\r\n");
    } else {
        loopback_text(reply, 200, "[1, 2]");
    }
}

static struct e5_fetch_options options;
static struct e5_buffer reply;
static struct e5_error failure;

static void next_answers(int count, int status) {
    failures = count;
    fail_with = status;
    then_with = 0;
    asked = 0;
    more_headers = "";
}

static enum e5_status ask(const char *method, const char *path, const char *body) {
    struct e5_ask call = {.method = method, .path = path, .body = body};
    failure = E5_ERROR_NONE;
    e5_buffer_clear(&reply);
    return e5_ask(&options, &call, &reply, NULL, &failure);
}

TEST(a_call_brings_its_reply) {
    next_answers(0, 0);
    CHECK(ask("GET", "/x?limit=3", NULL) == E5_OK && strcmp(reply.bytes, "{\"a\": 1}") == 0);
    CHECK(strncmp(last_request, "GET /api/x?limit=3 ", 19) == 0 &&
          strstr(last_request, "PRIVATE-TOKEN: secret-key") != NULL);
    CHECK(ask("POST", "/y", "{\"b\":2}") == E5_OK && strstr(last_request, "\r\n\r\n{\"b\":2}") != NULL);
    CHECK(ask("PUT", "/licences/a", "{}") == E5_OK && reply.size == 0);
    CHECK(ask("DELETE", "/jobs/1", NULL) == E5_OK && reply.size == 0);
    CHECK(ask("GET", "/receipt", NULL) == E5_OK && strcmp(reply.bytes, "hello") == 0);
}

TEST(temporary_faults_are_ridden_out) {
    static const int codes[] = {500, 502, 503, 504, 408, 0};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        next_answers(3, codes[i]);
        CHECK(ask("GET", "/x", NULL) == E5_OK && asked == 4);
    }
}

TEST(permanent_ones_are_told_at_once) {
    static const struct {
        int code;
        enum e5_status status;
    } rows[] = {{400, E5_REQUEST}, {401, E5_AUTH},    {403, E5_AUTH},
                {404, E5_REQUEST}, {422, E5_REQUEST}, {501, E5_SERVER}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        next_answers(1, rows[i].code);
        CHECK(ask("GET", "/x", NULL) == rows[i].status && asked == 1);
        CHECK(failure.status == rows[i].status && failure.http_status == rows[i].code && failure.attempts == 1);
        CHECK(strstr(failure.what, "***") != NULL && strstr(failure.what, "secret-key") == NULL);
    }
}

TEST(patience_ends) {
    next_answers(1000000, 503);
    options.settings.patience = 0.1;
    CHECK(ask("GET", "/x", NULL) == E5_SERVER && asked > 1);
    CHECK(failure.attempts == (unsigned)asked && failure.elapsed > 0 && failure.http_status == 503);
    options.settings.patience = 10;
}

TEST(a_wait_that_the_service_names_is_kept) {
    next_answers(1, 429);
    more_headers = "Retry-After: 1\r\n";
    double begun = e5_clock_monotonic();
    CHECK(ask("GET", "/x", NULL) == E5_OK && asked == 2);
    CHECK(e5_clock_monotonic() - begun >= 0.99);
    next_answers(1, 429);
    more_headers = "Retry-After: 3600\r\n"; /* more than our patience */
    CHECK(ask("GET", "/x", NULL) == E5_THROTTLED && failure.retry_after == 3600);
}

TEST(a_page_is_no_reply) {
    next_answers(0, 0);
    CHECK(ask("GET", "/page", NULL) == E5_SERVER && asked == 3 && strstr(failure.what, "unreadable reply") != NULL);
}

TEST(what_an_earlier_try_deleted_is_deleted) {
    next_answers(1, 404);
    CHECK(ask("DELETE", "/jobs/1", NULL) == E5_REQUEST && asked == 1);
    next_answers(2, 0); /* two replies are lost */
    then_with = 404;
    CHECK(ask("DELETE", "/jobs/1", NULL) == E5_OK && asked == 3);
    next_answers(2, 0);
    then_with = 404;
    CHECK(ask("GET", "/jobs/1", NULL) == E5_JOB_LOST && asked == 3);
}

TEST(forms_are_followed_to_the_store_without_the_token) {
    next_answers(0, 0);
    CHECK(ask("GET", "/catalogue/form.json", NULL) == E5_OK && strcmp(reply.bytes, "[1, 2]") == 0);
    CHECK(atomic_load(&store.tokens) == 0 && atomic_load(&store.requests) > 0);
    int before = atomic_load(&store.requests);
    CHECK(ask("GET", "/form.json", NULL) == E5_REQUEST && strstr(failure.what, "refused") != NULL);
    CHECK(ask("DELETE", "/catalogue/form.json", NULL) == E5_REQUEST && atomic_load(&store.requests) == before);
}

TEST(what_must_not_be_repeated_is_refused) {
    next_answers(0, 0);
    CHECK(ask("POST", "/retrieve/v1/processes/d/execution", "{}") == E5_INPUT);
    CHECK(ask("POST", "/retrieve/v1/processes/d/execute", "{}") == E5_INPUT);
    CHECK(ask("PATCH", "/x", NULL) == E5_INPUT && ask("get", "/x", NULL) == E5_INPUT);
    CHECK(ask("GET", "x", NULL) == E5_INPUT && ask("GET", "", NULL) == E5_INPUT);
    CHECK(ask("GET", "/x y", NULL) == E5_INPUT && ask("GET", "/x\r\nA: b", NULL) == E5_INPUT);
    CHECK(ask("GET", "@elsewhere.example/x", NULL) == E5_INPUT && asked == 0);
}

TEST(it_can_be_stopped) {
    struct e5_watch watch = {.cancel = true};
    struct e5_ask call = {.method = "GET", .path = "/x"};
    next_answers(1000000, 503);
    CHECK_STATUS(E5_CANCELLED, e5_ask(&options, &call, &reply, &watch, err));
}

TEST(data_are_looked_at_without_the_token) {
    char url[200];
    struct e5_http_head head;
    snprintf(url, sizeof url, "%s/file.grib", store.origin);
    CHECK_OK(e5_ask_data(&options, url, &head, NULL, err));
    CHECK(head.status == 200 && head.length == 123456 && strcmp(head.etag, "\"e\"") == 0);
    CHECK(strcmp(head.type, "application/x-grib") == 0 && atomic_load(&store.tokens) == 0);
    snprintf(url, sizeof url, "%s/gone", store.origin);
    CHECK_STATUS(E5_RESULTS_EXPIRED, e5_ask_data(&options, url, &head, NULL, err));
    CHECK_STATUS(E5_NETWORK, e5_ask_data(&options, "http://example.org/x", &head, NULL, err));
}

int main(void) {
    char url[100];
    loopback_start(&api, answer_api);
    loopback_start(&store, answer_store);
    snprintf(url, sizeof url, "%s/api/", api.origin);
    options.http = (struct e5_http_options){.url = url, .key = "secret-key", .user_agent = "tester/1"};
    e5_fetch_settings_init(&options.settings);
    options.settings.pace = 0.001;
    options.settings.patience = 10;
    RUN(a_call_brings_its_reply);
    RUN(temporary_faults_are_ridden_out);
    RUN(permanent_ones_are_told_at_once);
    RUN(patience_ends);
    RUN(a_wait_that_the_service_names_is_kept);
    RUN(a_page_is_no_reply);
    RUN(what_an_earlier_try_deleted_is_deleted);
    RUN(forms_are_followed_to_the_store_without_the_token);
    RUN(what_must_not_be_repeated_is_refused);
    RUN(it_can_be_stopped);
    RUN(data_are_looked_at_without_the_token);
    e5_buffer_fini(&reply);
    loopback_stop(&api);
    loopback_stop(&store);
    return check_summary();
}
