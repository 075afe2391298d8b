#include "net/cds.h"

#include <stdlib.h>

#include "check.h"

#define ID "6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21"
#define URL "https://cds.example.org/api"
#define ASSET(size)                                                                                 \
    "{\"asset\":{\"value\":{\"type\":\"application/netcdf\",\"href\":\"https://s.org/x.nc?sig=1\"," \
    "\"file:checksum\":\"b1c0de4f7a85236e0b1c2d3a4f59687\",\"file:size\":" size "}}}"

static struct e5_cds_news news;

TEST(addresses_are_built_from_checked_parts) {
    struct e5_buffer out = {0};
    CHECK_OK(e5_cds_submit_url(URL, "reanalysis-era5", &out, err));
    CHECK(strcmp(out.bytes, URL "/retrieve/v1/processes/reanalysis-era5/execution") == 0);
    e5_buffer_clear(&out);
    CHECK_OK(e5_cds_submit_url(URL, "../jobs/x", &out, err));
    CHECK(strcmp(out.bytes, URL "/retrieve/v1/processes/..%2Fjobs%2Fx/execution") == 0);
    e5_buffer_clear(&out);
    CHECK_OK(e5_cds_job_url(URL, ID, "/results", &out, err));
    CHECK(strcmp(out.bytes, URL "/retrieve/v1/jobs/" ID "/results") == 0);
    e5_buffer_clear(&out);
    CHECK_OK(e5_cds_list_url(URL, "a b", 7, &out, err));
    CHECK(strcmp(out.bytes, URL "/retrieve/v1/jobs?limit=7&sortby=-created&processID=a%20b") == 0);
    e5_buffer_fini(&out);
}

TEST(job_ids_are_plain) {
    CHECK(e5_cds_good_id(ID));
    CHECK(!e5_cds_good_id("") && !e5_cds_good_id("--------") && !e5_cds_good_id("../../../../etc"));
    CHECK(!e5_cds_good_id("6f0c1c1e/results") && !e5_cds_good_id("6f0c1c1e?x=1"));
    char longer[80];
    memset(longer, 'a', 79);
    longer[79] = '\0';
    CHECK(!e5_cds_good_id(longer));
}

TEST(fingerprint_depends_on_content_only) {
    json_t *a = json_pack("{s:s, s:[i,i]}", "x", "1", "y", 1, 2);
    json_t *b = json_pack("{s:[i,i], s:s}", "y", 1, 2, "x", "1");
    char one[E5_DIGEST_HEX], two[E5_DIGEST_HEX], other[E5_DIGEST_HEX];
    CHECK_OK(e5_cds_fingerprint("d", a, one, err));
    CHECK_OK(e5_cds_fingerprint("d", b, two, err));
    CHECK_OK(e5_cds_fingerprint("e", a, other, err));
    CHECK(strcmp(one, two) == 0 && strcmp(one, other) != 0 && strlen(one) == 64);
    char *body = NULL;
    CHECK_OK(e5_cds_submit_body(a, &body, err));
    CHECK(strcmp(body, "{\"inputs\":{\"x\":\"1\",\"y\":[1,2]}}") == 0);
    free(body);
    json_decref(a);
    json_decref(b);
}

static enum e5_event submitted(int status, const char *body, const char *location) {
    e5_cds_read_submitted(status, body, strlen(body), location, URL, "d", &news);
    return news.event;
}

TEST(submission_is_created_refused_or_lost) {
    CHECK(submitted(201, "{\"jobID\":\"" ID "\",\"status\":\"accepted\"}", "") == E5_EVENT_CREATED);
    CHECK(strcmp(news.job_id, ID) == 0 && news.error.status == E5_OK);
    CHECK(submitted(201, "cut off", URL "/retrieve/v1/jobs/" ID) == E5_EVENT_CREATED);
    CHECK(strcmp(news.job_id, ID) == 0 && news.error.status == E5_OK);
    CHECK(submitted(201, "{\"jobID\":5}", "") == E5_EVENT_LOST);
    CHECK(submitted(201, "{\"jobID\":\"../x\"}", "/x") == E5_EVENT_LOST && news.error.status == E5_SERVER);
    CHECK(submitted(504, "", "") == E5_EVENT_LOST);
    CHECK(submitted(502, "", "") == E5_EVENT_LOST);
    static const int of_proxies[] = {408, 500, 507, 508, 520, 522, 524, 530, 599};
    for (size_t i = 0; i < sizeof of_proxies / sizeof *of_proxies; i++)
        CHECK(submitted(of_proxies[i], "", "") == E5_EVENT_LOST);
    CHECK(submitted(501, "", "") == E5_EVENT_PERMANENT && submitted(505, "", "") == E5_EVENT_PERMANENT);
    CHECK(submitted(503, "", "") == E5_EVENT_TEMPORARY); /* not accepted, so it can be sent again */
    CHECK(submitted(429, "", "") == E5_EVENT_TEMPORARY);
    CHECK(submitted(400, "{}", "") == E5_EVENT_PERMANENT && news.error.status == E5_REQUEST);
}

static enum e5_event status_of(const char *word) {
    char body[200];
    snprintf(body, sizeof body, "{\"jobID\":\"" ID "\",\"status\":%s}", word);
    e5_cds_read_status(200, body, strlen(body), &news);
    return news.event;
}

static double created(const char *text) {
    json_t *entry = json_pack("{s:s, s:s, s:s}", "jobID", ID, "status", "running", "created", text);
    CHECK(e5_cds_read_entry(entry, URL, &news));
    json_decref(entry);
    return news.created;
}

TEST(moments_are_read) {
    CHECK(created("1970-01-02T00:00:01.131415") == 86401 && created("2026-02-03T10:11:12") == 1770113472);
    CHECK(created("1970-01-02T00:00:01Z") == 86401 && created("1970-01-02T00:00:01+00:00") == 86401);
    CHECK(created("") == 0 && created("soon") == 0 && created("1970-01-02") == 0);
    CHECK(created("1970-01-02T00:00:01.5+02:00") == 0 && created("0000-00-00T00:00:00") == 0);
}

TEST(states_are_read) {
    CHECK(status_of("\"accepted\"") == E5_EVENT_WORKING && status_of("\"running\"") == E5_EVENT_WORKING);
    CHECK(status_of("\"successful\"") == E5_EVENT_ENDED && status_of("\"failed\"") == E5_EVENT_ENDED);
    CHECK(status_of("\"rejected\"") == E5_EVENT_ENDED);
    CHECK(status_of("\"dismissed\"") == E5_EVENT_DISMISSED && news.error.status == E5_JOB_LOST);
    CHECK(status_of("\"paused\"") == E5_EVENT_WORKING && strcmp(news.status, "paused") == 0);
    CHECK(status_of("7") == E5_EVENT_WORKING);
}

static enum e5_event results(int status, const char *body) {
    e5_cds_read_results(status, body, strlen(body), URL "/retrieve/v1/jobs/" ID "/results", &news);
    return news.event;
}

TEST(assets_are_read_with_suspicion) {
    CHECK(results(200, ASSET("4153176")) == E5_EVENT_LOCATED);
    CHECK(strcmp(news.asset.href, "https://s.org/x.nc?sig=1") == 0 && news.asset.size == 4153176);
    CHECK(strcmp(news.asset.checksum, "0b1c0de4f7a85236e0b1c2d3a4f59687") == 0);
    CHECK(results(200, "{\"asset\":{\"value\":{\"href\":\"/d/x.nc\"}}}") == E5_EVENT_LOCATED);
    CHECK(strcmp(news.asset.href, "https://cds.example.org/d/x.nc") == 0);
    CHECK(news.asset.size == -1 && news.asset.checksum[0] == '\0' && news.asset.media_type[0] == '\0');
    static const char *const bad[] = {ASSET("-5"),
                                      ASSET("1e3"),
                                      ASSET("\"7\""),
                                      ASSET("9000000000000000000"),
                                      "{}",
                                      "[]",
                                      "",
                                      "{\"asset\":3}",
                                      "{\"asset\":{\"value\":{\"href\":7}}}",
                                      "{\"asset\":{\"value\":{}}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(results(200, bad[i]) == E5_EVENT_UNREADABLE);
        CHECK(news.error.status == E5_SERVER && strstr(news.error.what, "unreadable reply") != NULL);
    }
    CHECK(results(404, "{\"title\":\"results expired\"}") == E5_EVENT_EXPIRED);
}

#define ENTRY(status, results) \
    "{\"jobID\":\"" ID "\",\"status\":\"" status "\",\"metadata\":{\"results\":" results "}}"

TEST(one_list_tells_everything) {
    static const struct {
        const char *entry;
        enum e5_event event;
    } cases[] = {
        {ENTRY("running", "{\"type\":\"x/result-not-ready\",\"status\":404}"), E5_EVENT_WORKING},
        {ENTRY("successful", ASSET("5")), E5_EVENT_LOCATED},
        {ENTRY("successful", "{\"title\":\"results expired\",\"status\":404}"), E5_EVENT_EXPIRED},
        {ENTRY("successful", "{\"type\":\"x/result-not-ready\",\"status\":404}"), E5_EVENT_ENDED},
        {ENTRY("failed", "{\"type\":\"job results failed\",\"status\":400,\"traceback\":\"no\"}"), E5_EVENT_BROKEN},
        {ENTRY("failed", "7"), E5_EVENT_ENDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[800];
        snprintf(body, sizeof body, "{\"jobs\":[%s, 5, {\"jobID\":\"/\"}]}", cases[i].entry);
        json_t *jobs = e5_cds_read_list(200, body, strlen(body), &news);
        CHECK(jobs != NULL && e5_cds_read_entry(json_array_get(jobs, 0), URL, &news));
        CHECK(news.event == cases[i].event && strcmp(news.job_id, ID) == 0);
        CHECK(!e5_cds_read_entry(json_array_get(jobs, 1), URL, &news));
        CHECK(!e5_cds_read_entry(json_array_get(jobs, 2), URL, &news));
        json_decref(jobs);
    }
    CHECK(e5_cds_read_list(200, "{\"jobs\":7}", 10, &news) == NULL && news.event == E5_EVENT_UNREADABLE);
    CHECK(e5_cds_read_list(500, "", 0, &news) == NULL && news.event == E5_EVENT_TEMPORARY);
}

TEST(own_requests_are_recognised) {
    json_t *inputs = json_pack("{s:[s], s:i}", "variable", "t", "n", 1);
    const char *same = "{\"metadata\":{\"request\":{\"ids\":{\"n\":1,\"variable\":[\"t\"]}}}}";
    const char *other = "{\"metadata\":{\"request\":{\"ids\":{\"n\":2,\"variable\":[\"t\"]}}}}";
    bool is_told = false;
    CHECK(e5_cds_same_request(same, strlen(same), inputs, &is_told) && is_told);
    CHECK(!e5_cds_same_request(other, strlen(other), inputs, &is_told) && is_told);
    CHECK(!e5_cds_same_request("{}", 2, inputs, &is_told) && !is_told);
    CHECK(!e5_cds_same_request("", 0, inputs, &is_told) && !is_told);
    json_decref(inputs);
}

int main(void) {
    RUN(addresses_are_built_from_checked_parts);
    RUN(job_ids_are_plain);
    RUN(fingerprint_depends_on_content_only);
    RUN(submission_is_created_refused_or_lost);
    RUN(moments_are_read);
    RUN(states_are_read);
    RUN(assets_are_read_with_suspicion);
    RUN(one_list_tells_everything);
    RUN(own_requests_are_recognised);
    return check_summary();
}
