#include "net/fault.h"

#include "check.h"

static const char *const service = "https://cds.example.org/api";

struct row {
    int http_status;
    const char *body;
    enum e5_event event;
    enum e5_status status;
};

static const struct row rows[] = {
    {400, "{\"title\":\"invalid request\",\"detail\":\"no valid combination\"}", E5_EVENT_PERMANENT, E5_REQUEST},
    {401, "{\"title\":\"permission denied\"}", E5_EVENT_PERMANENT, E5_AUTH},
    {403, "{\"title\":\"permission denied\",\"detail\":\"operation not allowed\"}", E5_EVENT_PERMANENT, E5_AUTH},
    {403, "{\"title\":\"cost limits exceeded\",\"detail\":\"too large\"}", E5_EVENT_PERMANENT, E5_REQUEST},
    {403, "{\"title\":\"required licences not accepted\"}", E5_EVENT_PERMANENT, E5_LICENCE},
    {404, "{\"title\":\"process not found\",\"detail\":\"dataset X not found\"}", E5_EVENT_PERMANENT, E5_REQUEST},
    {404, "{\"type\":\"http://x/1.0/no-such-job\",\"detail\":\"job X not found\"}", E5_EVENT_MISSING, E5_JOB_LOST},
    {404, "{\"title\":\"job not found\",\"detail\":\"job X dismissed\"}", E5_EVENT_DISMISSED, E5_JOB_LOST},
    {404, "{\"type\":\"http://x/1.0/result-not-ready\"}", E5_EVENT_EARLY, E5_SERVER},
    {404, "{\"title\":\"results expired\"}", E5_EVENT_EXPIRED, E5_RESULTS_EXPIRED},
    {404, "<html>not here</html>", E5_EVENT_PERMANENT, E5_REQUEST},
    {410, "", E5_EVENT_EXPIRED, E5_RESULTS_EXPIRED},
    {422, "{\"detail\":[{\"msg\":\"bad limit\",\"loc\":[\"query\"]}]}", E5_EVENT_PERMANENT, E5_REQUEST},
    {429, "{\"detail\":\"Please wait 17 seconds.\"}", E5_EVENT_TEMPORARY, E5_THROTTLED},
    {407, "", E5_EVENT_PERMANENT, E5_AUTH},
    {408, "", E5_EVENT_TEMPORARY, E5_SERVER},
    {500, "{\"title\":\"internal server error\"}", E5_EVENT_TEMPORARY, E5_SERVER},
    {502, "<html><h1>502 Bad Gateway</h1></html>", E5_EVENT_TEMPORARY, E5_SERVER},
    {503, "", E5_EVENT_TEMPORARY, E5_SERVER},
    {504, "not json", E5_EVENT_TEMPORARY, E5_SERVER},
    {507, "", E5_EVENT_TEMPORARY, E5_SERVER},
    {520, "", E5_EVENT_TEMPORARY, E5_SERVER},
    {524, "<html>A timeout occurred</html>", E5_EVENT_TEMPORARY, E5_SERVER},
    {501, "", E5_EVENT_PERMANENT, E5_SERVER},
    {505, "", E5_EVENT_PERMANENT, E5_SERVER},
    {302, "", E5_EVENT_PERMANENT, E5_REQUEST},
    {418, "", E5_EVENT_PERMANENT, E5_REQUEST},
};

TEST(every_status_has_its_meaning) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct e5_error err = E5_ERROR_NONE;
        const struct row *row = &rows[i];
        CHECK(e5_fault_reply(row->http_status, row->body, strlen(row->body), service, "era5", &err) == row->event);
        CHECK(err.status == row->status && err.http_status == row->http_status && err.what[0] != '\0');
    }
}

static enum e5_event ended(const char *traceback, struct e5_error *err) {
    json_t *object = json_pack("{s:s, s:s, s:s}", "type", "job results failed", "title", "The job has failed",
                               "traceback", traceback);
    *err = E5_ERROR_NONE;
    enum e5_event event = e5_fault_object(400, object, NULL, NULL, err);
    json_decref(object);
    return event;
}

TEST(a_failed_job_is_judged_by_its_last_line) {
    struct e5_error err;
    CHECK(ended("MARS returned no data\n\nThe job failed with: MarsNoDataError", &err) == E5_EVENT_BROKEN);
    CHECK(err.status == E5_JOB_FAILED && strstr(err.what, "MarsNoDataError") != NULL);
    CHECK(strstr(err.hint, "MarsNoDataError") == NULL && strstr(err.hint, "log()") != NULL); /* once is enough */
    char lengthy[400];
    memset(lengthy, 'x', sizeof lengthy);
    strcpy(lengthy + 300, "\nThe job failed with: ValueError");
    CHECK(ended(lengthy, &err) == E5_EVENT_BROKEN && strstr(err.what, "ValueError") == NULL);
    CHECK(strcmp(err.hint, "the service says: The job failed with: ValueError") == 0);
    CHECK(ended("x\nThe job failed with: MarsSystemError \n", &err) == E5_EVENT_SHAKY);
    CHECK(ended("MarsSystemError was seen before\nThe job failed with: InvalidRequest", &err) == E5_EVENT_BROKEN);
    CHECK(ended("", &err) == E5_EVENT_BROKEN && err.status == E5_JOB_FAILED);
    CHECK(ended("Number of queued requests using the API is limited to 200", &err) == E5_EVENT_CROWDED);
    CHECK(ended("Number of API queued requests for this dataset is temporally limited. ", &err) == E5_EVENT_CROWDED);
    CHECK(err.status == E5_THROTTLED);
}

TEST(the_licence_page_is_named) {
    struct e5_error err = E5_ERROR_NONE;
    const char *given = "{\"title\":\"required licences not accepted\",\"detail\":\"see https://p.org/d?tab=x now\"}";
    e5_fault_reply(403, given, strlen(given), service, "era5", &err);
    CHECK(strcmp(err.hint, "accept it at https://p.org/d?tab=x") == 0);
    CHECK(strcmp(err.what, "a licence of era5 has not been accepted") == 0 && err.http_status == 403);
    err = E5_ERROR_NONE;
    const char *stopped = "{\"title\":\"required licences not accepted\",\"detail\":\"at https://p.org/d#x).\"}";
    e5_fault_reply(403, stopped, strlen(stopped), service, NULL, &err);
    CHECK(strcmp(err.hint, "accept it at https://p.org/d#x") == 0);
    err = E5_ERROR_NONE;
    const char *built = "{\"title\":\"required licences not accepted\"}";
    e5_fault_reply(403, built, strlen(built), service, "era5", &err);
    CHECK(strstr(err.hint, "https://cds.example.org/datasets/era5?tab=download#manage-licences") != NULL);
}

TEST(refusals_say_what_to_do) {
    struct e5_error err = E5_ERROR_NONE;
    const char *dear = "{\"title\":\"cost limits exceeded\",\"detail\":\"Your request is too large, reduce it. \"}";
    e5_fault_reply(403, dear, strlen(dear), service, "era5", &err);
    CHECK(strcmp(err.what, "the request is too large: Your request is too large, reduce it") == 0);
    err = E5_ERROR_NONE;
    e5_fault_reply(401, "{}", 2, service, "era5", &err);
    CHECK(strstr(err.hint, "https://cds.example.org/profile") != NULL);
    err = E5_ERROR_NONE;
    e5_fault_reply(401, "{}", 2, NULL, NULL, &err);
    CHECK(strstr(err.hint, "profile page") != NULL);
}

TEST(a_closed_dataset_is_no_fault_of_the_token) {
    struct e5_error err = E5_ERROR_NONE;
    const char *closed = "{\"title\":\"permission denied\",\"detail\":\"Down for maintenance\"}";
    CHECK(e5_fault_reply(403, closed, strlen(closed), service, "era5", &err) == E5_EVENT_PERMANENT);
    CHECK(strcmp(err.what, "the service gives no access to the dataset era5: Down for maintenance") == 0);
    CHECK(err.status == E5_AUTH && strstr(err.hint, "not your token") != NULL && strstr(err.hint, "profile") == NULL);
    const char *refused = "{\"title\":\"Authentication failed\",\"detail\":\"operation not allowed\"}";
    err = E5_ERROR_NONE;
    e5_fault_reply(403, refused, strlen(refused), service, "era5", &err);
    CHECK(strstr(err.hint, "check that your token") != NULL);
    err = E5_ERROR_NONE;
    e5_fault_reply(403, closed, strlen(closed), service, NULL, &err);
    CHECK(strstr(err.hint, "check that your token") != NULL);
}

TEST(what_is_gone_and_unknown_brings_a_next_step) {
    struct e5_error err = E5_ERROR_NONE;
    const char *gone = "{\"title\":\"job not found\",\"detail\":\"job X dismissed\"}";
    e5_fault_reply(404, gone, strlen(gone), service, NULL, &err);
    CHECK(strstr(err.hint, "files stay") != NULL);
    err = E5_ERROR_NONE;
    const char *unknown = "{\"title\":\"job not found\",\"detail\":\"job X not found\"}";
    e5_fault_reply(404, unknown, strlen(unknown), service, NULL, &err);
    CHECK(strstr(err.hint, "Client.jobs()") != NULL);
    err = E5_ERROR_NONE;
    const char *dataset = "{\"title\":\"process not found\",\"detail\":\"dataset X not found\"}";
    e5_fault_reply(404, dataset, strlen(dataset), service, "X", &err);
    CHECK(strstr(err.hint, "Client.datasets(") != NULL);
    CHECK(ended("Your request is too large\nThe job failed with: ValueError", &err) == E5_EVENT_BROKEN);
    CHECK(strstr(err.hint, "split") != NULL);
}

TEST(text_from_outside_is_cleaned_and_cut) {
    char body[1000] = "{\"title\":\"invalid\",\"detail\":\"\\u001b[31mred";
    size_t length = strlen(body);
    memset(body + length, 'x', 600);
    strcpy(body + length + 600, "\"}");
    struct e5_error err = E5_ERROR_NONE;
    e5_fault_reply(400, body, strlen(body), NULL, NULL, &err);
    CHECK(strchr(err.what, '\033') == NULL && strlen(err.what) < 255 && strstr(err.what, "[31mred") != NULL);
    err = E5_ERROR_NONE;
    const char *page = "<html><head><title>Oops</title></head>\n<body>Try later</body></html>";
    e5_fault_reply(502, page, strlen(page), NULL, NULL, &err);
    CHECK(strchr(err.what, '<') == NULL && strstr(err.what, "Try later") != NULL);
}

int main(void) {
    RUN(every_status_has_its_meaning);
    RUN(a_failed_job_is_judged_by_its_last_line);
    RUN(the_licence_page_is_named);
    RUN(refusals_say_what_to_do);
    RUN(a_closed_dataset_is_no_fault_of_the_token);
    RUN(what_is_gone_and_unknown_brings_a_next_step);
    RUN(text_from_outside_is_cleaned_and_cut);
    return check_summary();
}
