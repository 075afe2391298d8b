/* mini_cds: a service and an object store for one test, with switches for what goes wrong.
 *
 * Jobs are successful at once unless told otherwise; with `at_once` they wait in a queue, run for `run_seconds`, and
 * are rejected where more than `queue_limit` are queued.  Every job has the same data, one file of DATA_SIZE bytes
 * that looks like HDF5, or what cds_serve() is given.  The switches are set while no request is on its way. */
#ifndef MINI_CDS_H
#define MINI_CDS_H

#include "base/clock.h"
#include "base/digest.h"
#include "check.h"
#include "loopback.h"

#define DATA_SIZE 200000
#define CDS_MOST 512 /* jobs */

struct cds_job {
    char inputs[200], dataset[40];
    const char *status;
    double created, until; /* when it was submitted, and when it is done */
};

static struct {
    struct loopback api, store;
    char data[DATA_SIZE], md5[33];
    const char *served; /* instead of `data` … */
    size_t size;        /* … so many bytes */
    struct cds_job job[CDS_MOST];
    atomic_int jobs, posts, polls, lists, looks, deletions, ranges, most_queued, rejections;
    /* switches; counts are used up */
    int refuse_with;       /* HTTP status of the answer to a submission */
    int refusals;          /* that many submissions; 0: all of them */
    const char *refusal;   /* what is said then */
    int lose_replies;      /* submissions that make a job but get no reply */
    int stall_replies;     /* the same, and the connection stays open until it is hung up on */
    int others;            /* jobs that somebody else submits with every refused submission */
    int fail_lists;        /* HTTP 502 */
    int fail_looks;        /* questions about one job, with: */
    int fail_with;         /* HTTP status; 200: a page */
    int fail_jobs, reject_jobs, keep_running;
    const char *word;      /* for the status of running jobs */
    int at_once, queue_limit;
    double run_seconds;
    int stall_deletions;   /* no reply until hung up on */
    double clock_ahead;    /* seconds by which the service's clock is */
    int list_most;         /* jobs on a page; 0: as asked */
    int pages, flips;  /* data: an HTML page; a wrong byte */
    int busy;          /* requests for data that are told to wait for a second */
    int retry_after;   /* seconds that a refused submission is told to wait */
    int open_ends, ends_at; /* replies that do not say how long they are, and end after so many bytes */
    atomic_int cut_at; /* silence after so many bytes, until hung up on */
    bool ignore_ranges, dead_links, expired;
} cds;

static pthread_mutex_t cds_lock = PTHREAD_MUTEX_INITIALIZER;

/* What this thread has written is seen by those that call this later; sockets between processes tell nobody. */
static inline void cds_sync(void) {
    pthread_mutex_lock(&cds_lock);
    pthread_mutex_unlock(&cds_lock);
}

/* The data of all jobs from now on; they stay with the caller. */
static inline void cds_serve(const void *bytes, size_t size) {
    struct e5_digest digest;
    char hex[E5_DIGEST_HEX];
    cds.served = bytes;
    cds.size = size;
    if (e5_digest_init(&digest, E5_MD5, NULL) != E5_OK) abort();
    e5_digest_add(&digest, bytes, size);
    e5_digest_hex(&digest, hex);
    e5_digest_fini(&digest);
    memcpy(cds.md5, hex, 33);
}

static inline void cds_make_data(void) {
    for (int i = 0; i < DATA_SIZE; i++) cds.data[i] = (char)(i * 2654435761u >> 13);
    memset(cds.data, 0, 64);
    memcpy(cds.data, "\x89HDF\r\n\x1a\n", 8);
    cds.data[13] = 8;
    for (int i = 0; i < 4; i++) cds.data[40 + i] = (char)(DATA_SIZE >> (8 * i));
    cds_serve(cds.data, DATA_SIZE);
}

static inline bool cds_is(const struct cds_job *job, const char *word) { return strcmp(job->status, word) == 0; }

/* Start what there is room for, as of `time`; reject what is too much. */
static inline void cds_schedule(double time) {
    int running = 0, queued = 0;
    for (int i = 0; i < cds.jobs; i++) running += cds_is(&cds.job[i], "running");
    for (int i = 0; i < cds.jobs; i++) {
        struct cds_job *job = &cds.job[i];
        if (!cds_is(job, "accepted")) continue;
        if (running < cds.at_once) {
            job->status = "running";
            job->until = fmax(time, job->created) + cds.run_seconds;
            running++;
        } else if (++queued > cds.queue_limit && cds.queue_limit > 0) {
            job->status = "rejected";
            cds.rejections++;
            queued--;
        }
    }
    if (queued > cds.most_queued) cds.most_queued = queued;
}

/* Bring all jobs up to now, one end after the other. */
static inline void cds_advance(void) {
    double now = e5_clock_monotonic();
    if (cds.at_once == 0) return;
    for (;;) {
        struct cds_job *first = NULL;
        for (int i = 0; i < cds.jobs; i++)
            if (cds_is(&cds.job[i], "running") && (first == NULL || cds.job[i].until < first->until))
                first = &cds.job[i];
        if (first == NULL || first->until > now) break;
        first->status = "successful";
        cds_schedule(first->until);
    }
    cds_schedule(now);
}

static inline const char *cds_status(int job) {
    if (cds.keep_running > 0) return cds.word != NULL ? cds.word : "running";
    return cds.job[job].status;
}

static inline void cds_results(int job, char *out, size_t size) {
    const char *word = cds_status(job);
    const char *failure = "{\"type\":\"job results failed\",\"title\":\"%s\",\"status\":400,\"traceback\":\"%s\"}";
    if (strcmp(word, "failed") == 0)
        snprintf(out, size, failure, "failed", "bad\\nThe job failed with: MarsNoDataError");
    else if (strcmp(word, "rejected") == 0)
        snprintf(out, size, failure, "rejected",
                 cds.refusal != NULL ? cds.refusal : "Number of queued requests is limited");
    else if (strcmp(word, "successful") != 0)
        snprintf(out, size, "{\"type\":\"result-not-ready\",\"title\":\"job results not ready\",\"status\":404}");
    else if (cds.expired)
        snprintf(out, size, "{\"type\":\"results expired\",\"title\":\"results expired\",\"status\":404}");
    else
        snprintf(out, size,
                 "{\"asset\":{\"value\":{\"type\":\"application/%s\",\"href\":\"%s/data.nc\","
                 "\"file:checksum\":\"%s\",\"file:size\":%zu}}}",
                 cds.served == cds.data ? "netcdf" : "zip", cds.store.origin, cds.md5, cds.size);
}

static inline void cds_id(int job, char out[40]) { snprintf(out, 40, "%08x-0000-4000-8000-000000000000", job); }

static inline int cds_add_job(const char *dataset, const char *inputs) {
    struct cds_job *job = &cds.job[cds.jobs];
    snprintf(job->dataset, sizeof job->dataset, "%s", dataset);
    snprintf(job->inputs, sizeof job->inputs, "%s", inputs);
    job->created = e5_clock_monotonic();
    job->status = cds.at_once > 0 ? "accepted" : "successful";
    if (cds.fail_jobs > 0 && cds.fail_jobs--)
        job->status = "failed";
    else if (cds.reject_jobs > 0 && cds.reject_jobs--)
        job->status = "rejected";
    return cds.jobs++;
}

static inline void cds_submit(const char *request, struct loopback_reply *reply) {
    char text[200], id[40], dataset[40] = "", inputs[200];
    cds.posts++;
    if (cds.refuse_with > 0 && (cds.refusals == 0 || cds.posts <= cds.refusals)) {
        for (int i = 0; i < cds.others; i++) cds_add_job("era5", "{\"of\":\"others\"}");
        snprintf(text, sizeof text, "{\"title\":\"denied\",\"detail\":\"%s\"}",
                 cds.refusal != NULL ? cds.refusal : "token secret-key is bad");
        char more[60] = "";
        if (cds.retry_after > 0) snprintf(more, sizeof more, "Retry-After: %d\r\n", cds.retry_after);
        loopback_head(reply, cds.refuse_with, strlen(text), more);
        loopback_write(reply, text, strlen(text));
        return;
    }
    const char *body = strstr(request, "{\"inputs\":");
    int length = body != NULL ? (int)strlen(body) - 11 : 0;
    const char *name = strstr(request, "/processes/");
    if (name != NULL) snprintf(dataset, sizeof dataset, "%.*s", (int)strcspn(name + 11, "/"), name + 11);
    snprintf(inputs, sizeof inputs, "%.*s", length, body != NULL ? body + 10 : "");
    cds_id(cds_add_job(dataset, inputs), id);
    cds_advance();
    snprintf(text, sizeof text, "{\"jobID\":\"%s\",\"status\":\"accepted\"}", id);
    char rest;
    if (cds.lose_replies > 0)
        cds.lose_replies--;
    else if (cds.stall_replies > 0 && cds.stall_replies--)
        (void)!recv(reply->socket, &rest, 1, 0);
    else
        loopback_text(reply, 201, text);
}

/* A moment of ours by the service's clock, in a format of strftime(3). */
static inline const char *cds_time(double moment, const char *format, char out[60]) {
    struct tm parts;
    time_t seconds = (time_t)(e5_clock_wall() + cds.clock_ahead + moment - e5_clock_monotonic());
    strftime(out, 60, format, gmtime_r(&seconds, &parts));
    return out;
}

/* Newest first, from the cursor (the number of a job) on. */
static inline void cds_list(const char *request, struct loopback_reply *reply) {
    static char text[CDS_MOST * 900];
    char results[600], id[40], created[60], date[60];
    const char *cursor = strstr(request, "cursor="), *limit = strstr(request, "limit=");
    int last = cursor != NULL ? (int)strtol(cursor + 7, NULL, 10) - 1 : cds.jobs - 1;
    int most = limit != NULL ? (int)strtol(limit + 6, NULL, 10) : 10;
    if (cds.list_most > 0 && most > cds.list_most) most = cds.list_most;
    size_t used = (size_t)snprintf(text, sizeof text, "{\"jobs\":[");
    atomic_fetch_add(strstr(request, "processID=") != NULL ? &cds.looks : &cds.lists, 1);
    if (cds.fail_lists > 0) {
        cds.fail_lists--;
        loopback_text(reply, 502, "bad gateway");
        return;
    }
    int job = last;
    for (; job >= 0 && last - job < most; job--) {
        if (strcmp(cds.job[job].status, "dismissed") == 0) continue;
        cds_id(job, id);
        cds_results(job, results, sizeof results);
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%s{\"processID\":\"%s\",\"jobID\":\"%s\",\"status\":\"%s\",\"created\":\"%s\","
                                 "\"metadata\":{\"results\":%s}}",
                                 text[used - 1] == '}' ? "," : "", cds.job[job].dataset, id, cds_status(job),
                                 cds_time(cds.job[job].created, "%Y-%m-%dT%H:%M:%S.123456", created), results);
    }
    used += (size_t)snprintf(text + used, sizeof text - used,
                             "],\"links\":[{\"rel\":\"next\",\"href\":\"/jobs?cursor=%d\"}]}", job + 1);
    cds_time(e5_clock_monotonic(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", date);
    loopback_head(reply, 200, used, date);
    loopback_write(reply, text, used);
}

static inline void cds_job(const char *request, struct loopback_reply *reply) {
    char text[1000], id[40];
    int job = (int)strtol(strstr(request, "/jobs/") + 6, NULL, 16);
    if (cds.fail_looks > 0 && cds.fail_looks--) {
        loopback_text(reply, cds.fail_with, "<html>Please log in</html>");
    } else if (job < 0 || job >= cds.jobs || strcmp(cds.job[job].status, "dismissed") == 0) {
        loopback_text(reply, 404, "{\"title\":\"job not found\",\"detail\":\"job not found\"}");
    } else if (strstr(request, "/results ") != NULL) {
        cds_results(job, text, sizeof text);
        loopback_text(reply, strstr(text, "asset") != NULL ? 200 : strstr(text, "failed") != NULL ? 400 : 404, text);
    } else {
        cds.polls++;
        cds_id(job, id);
        snprintf(text, sizeof text, "{\"jobID\":\"%s\",\"status\":\"%s\",\"metadata\":{\"request\":{\"ids\":%s}}}",
                 id, cds_status(job), cds.job[job].inputs);
        loopback_text(reply, 200, text);
    }
}

static inline void cds_delete(const char *request, struct loopback_reply *reply) {
    char id[40];
    char rest;
    cds.deletions++;
    if (cds.stall_deletions > 0 && cds.stall_deletions--) {
        (void)!recv(reply->socket, &rest, 1, 0);
        return;
    }
    for (int job = 0; job < cds.jobs; job++) {
        cds_id(job, id);
        if (strstr(request, id) != NULL) cds.job[job].status = "dismissed";
    }
    loopback_text(reply, 200, "{\"jobs\":[]}");
}

static inline void cds_answer_api(const char *request, struct loopback_reply *reply) {
    cds_sync();
    cds_advance();
    if (strncmp(request, "POST ", 5) == 0 && strstr(request, "/jobs/delete") != NULL)
        cds_delete(request, reply);
    else if (strncmp(request, "POST ", 5) == 0)
        cds_submit(request, reply);
    else if (strstr(request, "/jobs/") != NULL)
        cds_job(request, reply);
    else
        cds_list(request, reply);
    cds_sync();
}

static inline void cds_send(struct loopback_reply *reply, const char *bytes, size_t from) {
    char rest;
    size_t size = cds.size - from, now = cds.cut_at > 0 && (size_t)cds.cut_at < size ? (size_t)cds.cut_at : size;
    loopback_write(reply, bytes + from, now);
    if (now < size) recv(reply->socket, &rest, 1, 0); /* until the client hangs up */
}

static inline void cds_answer_store(const char *request, struct loopback_reply *reply) {
    cds_sync();
    char more[200], etag[60], *copy = malloc(cds.size);
    const char *range = strstr(request, "Range: bytes=");
    size_t from = range != NULL && !cds.ignore_ranges ? strtoul(range + 13, NULL, 10) : 0;
    cds.ranges += range != NULL;
    snprintf(etag, sizeof etag, "ETag: \"%s\"\r\n", cds.md5);
    memcpy(copy, cds.served, cds.size);
    if (cds.flips > 0) copy[cds.size - 1] ^= 1;
    if (cds.flips > 0) cds.flips--;
    if (cds.busy > 0) {
        cds.busy--;
        loopback_head(reply, 503, 0, "Retry-After: 1\r\n");
    } else if (cds.dead_links) {
        loopback_text(reply, 404, "<Error/>");
    } else if (cds.open_ends > 0) {
        static const char head[] = "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n";
        cds.open_ends--;
        loopback_write(reply, head, sizeof head - 1);
        loopback_write(reply, copy, (size_t)cds.ends_at);
    } else if (cds.pages > 0) {
        cds.pages--;
        loopback_text(reply, 200, "<!DOCTYPE html><html>Please log in</html>");
    } else {
        snprintf(more, sizeof more, "%sContent-Range: bytes %zu-%zu/%zu\r\n", etag, from, cds.size - 1, cds.size);
        loopback_head(reply, from > 0 ? 206 : 200, cds.size - from, from > 0 ? more : etag);
        cds_send(reply, copy, from);
    }
    free(copy);
}

static inline void cds_start(void) {
    memset(&cds, 0, sizeof cds);
    cds_make_data();
    loopback_start(&cds.api, cds_answer_api);
    loopback_start(&cds.store, cds_answer_store);
}

static inline void cds_stop(void) {
    loopback_stop(&cds.api);
    loopback_stop(&cds.store);
    CHECK(atomic_load(&cds.store.tokens) == 0);
}

#endif
