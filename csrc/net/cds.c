#include "net/cds.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/text.h"
#include "net/fault.h"

struct e5_cds_asset *e5_cds_asset_trim(struct e5_cds_asset *asset) {
    struct e5_cds_asset *smaller = realloc(asset, offsetof(struct e5_cds_asset, href) + strlen(asset->href) + 1);
    return smaller != NULL ? smaller : asset;
}

bool e5_cds_good_id(const char *id) {
    size_t length = strlen(id), digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (id[i] != '-' && !isxdigit((unsigned char)id[i])) return false;
        digits += id[i] != '-';
    }
    return length < E5_CDS_ID_SIZE && digits >= 8;
}

enum e5_status e5_cds_submit_url(const char *service, const char *dataset, struct e5_buffer *out,
                                 struct e5_error *err) {
    enum e5_status status = e5_buffer_printf(out, err, "%s/retrieve/v1/processes/", service);
    if (status == E5_OK) status = e5_url_escape(out, dataset, err);
    return status == E5_OK ? e5_buffer_printf(out, err, "/execution") : status;
}

enum e5_status e5_cds_job_url(const char *service, const char *job_id, const char *what, struct e5_buffer *out,
                              struct e5_error *err) {
    if (!e5_cds_good_id(job_id)) return e5_fail(err, E5_SERVER, "unreadable reply: bad job id '%.40s'", job_id);
    return e5_buffer_printf(out, err, "%s/retrieve/v1/jobs/%s%s", service, job_id, what);
}

enum e5_status e5_cds_list_url(const char *service, const char *dataset, unsigned limit, struct e5_buffer *out,
                               struct e5_error *err) {
    enum e5_status status =
        e5_buffer_printf(out, err, "%s/retrieve/v1/jobs?limit=%u&sortby=-created", service, limit);
    if (status != E5_OK || dataset == NULL) return status;
    status = e5_buffer_printf(out, err, "&processID=");
    return status == E5_OK ? e5_url_escape(out, dataset, err) : status;
}

enum e5_status e5_cds_add_cursor(struct e5_buffer *list_url, const char *cursor, struct e5_error *err) {
    enum e5_status status = e5_buffer_printf(list_url, err, "&back=False&cursor=");
    return status == E5_OK ? e5_url_escape(list_url, cursor, err) : status;
}

enum e5_status e5_cds_delete_url(const char *service, struct e5_buffer *out, struct e5_error *err) {
    return e5_buffer_printf(out, err, "%s/retrieve/v1/jobs/delete", service);
}

enum e5_status e5_cds_submit_body(const json_t *inputs, char **out, struct e5_error *err) {
    char *text = NULL;
    struct e5_buffer body = {0};
    enum e5_status status = e5_json_canonical(inputs, &text, err);
    if (status == E5_OK) status = e5_buffer_printf(&body, err, "{\"inputs\":%s}", text);
    free(text);
    *out = body.bytes;
    return status;
}

enum e5_status e5_cds_fingerprint(const char *dataset, const json_t *inputs, char out[E5_DIGEST_HEX],
                                  struct e5_error *err) {
    struct e5_digest digest = {0};
    char *text = NULL;
    enum e5_status status = e5_json_canonical(inputs, &text, err);
    if (status == E5_OK) status = e5_digest_init(&digest, E5_SHA256, err);
    if (status == E5_OK) {
        e5_digest_add(&digest, dataset, strlen(dataset) + 1); /* the NUL keeps the two apart */
        e5_digest_add(&digest, text, strlen(text));
        e5_digest_hex(&digest, out);
    }
    e5_digest_fini(&digest);
    free(text);
    return status;
}

static void begin(struct e5_cds_news *out) {
    out->event = E5_EVENT_UNREADABLE;
    out->has_status = false;
    out->created = 0;
    out->job_id[0] = out->status[0] = '\0';
    out->asset.href[0] = '\0';
    out->error = E5_ERROR_NONE;
}

static void unreadable(struct e5_cds_news *out, const char *why) {
    out->event = E5_EVENT_UNREADABLE;
    out->error.status = e5_fail(&out->error, E5_SERVER, "unreadable reply: %s", why);
}

/* A quota of the day is not a queue: waiting a minute does not help. */
static void judge_quota(struct e5_cds_news *out) {
    static const char *const signs[] = {"quota", "daily limit", "daily request", "per day"};
    const struct e5_error *err = &out->error;
    bool throttled = out->event == E5_EVENT_CROWDED || (out->event == E5_EVENT_TEMPORARY && err->http_status == 429);
    bool refused = throttled || (out->event == E5_EVENT_PERMANENT && err->http_status == 403) ||
                   (out->event == E5_EVENT_BROKEN && e5_text_starts(err->what, "job rejected"));
    for (size_t i = 0; refused && i < sizeof signs / sizeof signs[0]; i++) {
        if (strcasestr(out->error.what, signs[i]) == NULL) continue;
        out->event = E5_EVENT_PERMANENT;
        out->error.status = E5_THROTTLED;
        e5_error_hint(&out->error, "your quota at the service is used up: run it again tomorrow");
        return;
    }
}

/* A 2xx reply as an object, or NULL with the meaning of the reply in *out. */
static json_t *open_reply(int http_status, const char *body, size_t size, const char *service, const char *dataset,
                          struct e5_cds_news *out) {
    json_t *reply = NULL;
    begin(out);
    if (http_status < 200 || http_status > 299) {
        out->event = e5_fault_reply(http_status, body, size, service, dataset, &out->error);
        judge_quota(out);
        return NULL;
    }
    if (size > 0 && body[0] == '<') {
        unreadable(out, "expected JSON, got a web page");
        e5_error_hint(&out->error, "did a login portal or a proxy answer instead of the service?");
        return NULL;
    }
    if (e5_json_parse(body, size, E5_SERVER, &reply, &out->error) != E5_OK) return NULL;
    if (json_is_object(reply)) return reply;
    json_decref(reply);
    unreadable(out, "not an object");
    return NULL;
}

static bool read_id(const json_t *object, char out[E5_CDS_ID_SIZE]) {
    const char *id = e5_json_text(object, "jobID");
    return e5_cds_good_id(id) && e5_text_copy(out, E5_CDS_ID_SIZE, id);
}

/* The job's address names it as well; good where the body was cut off. */
static bool read_location(const char *location, char out[E5_CDS_ID_SIZE]) {
    const char *last = strrchr(location, '/');
    return last != NULL && e5_cds_good_id(last + 1) && e5_text_copy(out, E5_CDS_ID_SIZE, last + 1);
}

/* After these the job may or may not exist: the request was on its way.  Proxies have statuses of their own for
 * that (520, 522, 524, …); 501, 503 and 505 say that nothing was done. */
static bool is_uncertain(int http_status) {
    bool is_refusal = http_status == 501 || http_status == 503 || http_status == 505;
    return http_status == 408 || (http_status >= 500 && !is_refusal);
}

void e5_cds_read_submitted(int http_status, const char *body, size_t size, const char *location, const char *service,
                           const char *dataset, struct e5_cds_news *out) {
    json_t *reply = open_reply(http_status, body, size, service, dataset, out);
    bool success = http_status >= 200 && http_status <= 299;
    if (success) {
        bool known = read_id(reply, out->job_id) || read_location(location, out->job_id);
        out->event = known ? E5_EVENT_CREATED : E5_EVENT_LOST;
        if (known)
            out->error = E5_ERROR_NONE;
        else
            out->error.status = e5_fail(&out->error, E5_SERVER, "unreadable reply: no job id");
    } else if (is_uncertain(http_status)) {
        out->event = E5_EVENT_LOST;
    }
    json_decref(reply);
}

static const struct {
    const char *word;
    enum e5_cds_state state;
    enum e5_event event;
} words[] = {{"accepted", E5_CDS_ACCEPTED, E5_EVENT_WORKING},   {"running", E5_CDS_RUNNING, E5_EVENT_WORKING},
             {"successful", E5_CDS_SUCCESSFUL, E5_EVENT_ENDED}, {"failed", E5_CDS_FAILED, E5_EVENT_ENDED},
             {"rejected", E5_CDS_REJECTED, E5_EVENT_ENDED},     {"dismissed", E5_CDS_DISMISSED, E5_EVENT_DISMISSED},
             {"deleted", E5_CDS_DISMISSED, E5_EVENT_DISMISSED}};

enum e5_cds_state e5_cds_state_of(const char *word) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0) return words[i].state;
    return E5_CDS_OTHER;
}

static enum e5_event event_of(const char *word) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0) return words[i].event;
    return E5_EVENT_WORKING; /* a word of a later service: wait on */
}

static void read_status_word(const json_t *job, struct e5_cds_news *out) {
    e5_text_copy(out->status, sizeof out->status, e5_json_text(job, "status"));
    e5_text_clean(out->status);
    out->has_status = true;
    out->event = event_of(out->status);
    if (out->event == E5_EVENT_DISMISSED)
        out->error.status = e5_fail(&out->error, E5_JOB_LOST, "the job was %s at the service", out->status);
}

void e5_cds_read_status(int http_status, const char *body, size_t size, struct e5_cds_news *out) {
    json_t *reply = open_reply(http_status, body, size, NULL, NULL, out);
    if (reply == NULL) return;
    if (read_id(reply, out->job_id))
        read_status_word(reply, out);
    else
        unreadable(out, "no job id");
    json_decref(reply);
}

static bool read_size(const json_t *value, const char *key, int64_t *out) {
    const json_t *size = json_object_get(value, key);
    *out = -1;
    if (size == NULL) return true;
    if (!json_is_integer(size)) return false;
    *out = json_integer_value(size);
    return *out >= 0 && *out <= E5_ASSET_MOST;
}

/* Old entries carry the checksum as a number, which cannot hold 128 bits: not usable. */
static void read_checksum(const json_t *value, char out[E5_CHECKSUM_SIZE]) {
    if (!e5_checksum_normal(e5_json_text(value, "file:checksum"), out)) out[0] = '\0';
}

static void read_asset(const json_t *results, const char *base, struct e5_cds_news *out) {
    const json_t *value = e5_json_object(e5_json_object(results, "asset"), "value");
    struct e5_cds_asset *asset = &out->asset;
    if (value == NULL) {
        unreadable(out, "no asset");
    } else if (!read_size(value, "file:size", &asset->size)) {
        unreadable(out, "impossible file size");
    } else if (e5_url_join(base, e5_json_text(value, "href"), asset->href, NULL) != E5_OK) {
        unreadable(out, "unusable address of the data");
    } else {
        read_checksum(value, asset->checksum);
        e5_text_copy(asset->media_type, sizeof asset->media_type, e5_json_text(value, "type"));
        e5_text_clean(asset->media_type);
        out->event = E5_EVENT_LOCATED;
    }
}

void e5_cds_read_results(int http_status, const char *body, size_t size, const char *results_url,
                         struct e5_cds_news *out) {
    json_t *reply = open_reply(http_status, body, size, NULL, NULL, out);
    if (reply == NULL) return;
    read_asset(reply, results_url, out);
    json_decref(reply);
}

/* The value of `cursor` in the address of the next page; nothing else of that address is used. */
static void read_cursor(const json_t *reply, char out[E5_CDS_CURSOR_SIZE]) {
    size_t i;
    const json_t *link;
    out[0] = '\0';
    json_array_foreach(json_object_get(reply, "links"), i, link) {
        const char *at = strstr(e5_json_text(link, "href"), "cursor=");
        if (strcmp(e5_json_text(link, "rel"), "next") != 0 || at == NULL) continue;
        size_t used = 0;
        for (at += 7; *at != '\0' && *at != '&' && used < E5_CDS_CURSOR_SIZE - 1; at++) {
            unsigned code;
            if (*at == '%' && sscanf(at + 1, "%2x", &code) == 1 && code > ' ' && code < 127) {
                out[used++] = (char)code;
                at += 2;
            } else {
                out[used++] = *at;
            }
        }
        out[used] = '\0';
    }
}

json_t *e5_cds_read_page(int http_status, const char *body, size_t size, char cursor[E5_CDS_CURSOR_SIZE],
                         struct e5_cds_news *out) {
    json_t *reply = open_reply(http_status, body, size, NULL, NULL, out);
    if (reply == NULL) return NULL;
    json_t *jobs = json_incref(json_object_get(reply, "jobs"));
    read_cursor(reply, cursor);
    json_decref(reply);
    if (json_is_array(jobs)) return jobs;
    json_decref(jobs);
    unreadable(out, "no list of jobs");
    return NULL;
}

json_t *e5_cds_read_list(int http_status, const char *body, size_t size, struct e5_cds_news *out) {
    char cursor[E5_CDS_CURSOR_SIZE];
    return e5_cds_read_page(http_status, body, size, cursor, out);
}

/* An ended job's results stand in the list: the asset, or the error object that asking for the results would give. */
static void read_inner_results(const json_t *entry, const char *service, struct e5_cds_news *out) {
    const json_t *results = e5_json_object(e5_json_object(entry, "metadata"), "results");
    if (results == NULL) return; /* ENDED: ask for them */
    if (strcmp(out->status, "successful") == 0 && json_object_get(results, "asset") != NULL) {
        read_asset(results, service, out);
        return;
    }
    int status = (int)json_integer_value(json_object_get(results, "status"));
    if (status < 400) return;
    out->event = e5_fault_object(status, results, NULL, NULL, &out->error);
    judge_quota(out);
}

/* "2026-02-03T10:11:12.131415": UTC, although it does not say so. */
static double read_moment(const char *text) {
    struct tm day = {0};
    int used = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &day.tm_year, &day.tm_mon, &day.tm_mday, &day.tm_hour, &day.tm_min,
               &day.tm_sec, &used) != 6)
        return 0;
    text += used;
    text += *text == '.' ? 1 + strspn(text + 1, "0123456789") : 0;
    if (*text != '\0' && strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0) return 0;
    day.tm_year -= 1900;
    day.tm_mon--;
    time_t moment = timegm(&day);
    return moment > 0 ? (double)moment : 0;
}

bool e5_cds_read_entry(const json_t *entry, const char *service, struct e5_cds_news *out) {
    begin(out);
    if (!json_is_object(entry) || !read_id(entry, out->job_id)) return false;
    read_status_word(entry, out);
    out->created = read_moment(e5_json_text(entry, "created"));
    if (out->event == E5_EVENT_ENDED) read_inner_results(entry, service, out);
    if (out->event == E5_EVENT_EARLY) out->event = E5_EVENT_ENDED;
    return true;
}

bool e5_cds_same_request(const char *body, size_t size, const json_t *inputs, bool *is_told) {
    json_t *reply = NULL;
    *is_told = false;
    if (e5_json_parse(body, size, E5_SERVER, &reply, NULL) != E5_OK) return false;
    const json_t *request = e5_json_object(e5_json_object(reply, "metadata"), "request");
    const json_t *ids = e5_json_object(request, "ids");
    *is_told = ids != NULL;
    bool same = ids != NULL && json_equal(ids, inputs) == 1;
    json_decref(reply);
    return same;
}
