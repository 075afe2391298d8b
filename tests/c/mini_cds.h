/* mini_cds: a service and an object store for one test, with switches for what goes wrong.
 *
 * Jobs are successful at once unless told otherwise.  Every job has the same data, one file of DATA_SIZE bytes that
 * looks like HDF5.  The switches are set while no request is on its way. */
#ifndef MINI_CDS_H
#define MINI_CDS_H

#include "base/digest.h"
#include "check.h"
#include "loopback.h"

#define DATA_SIZE 200000

static struct {
    struct loopback api, store;
    char data[DATA_SIZE], md5[33];
    char inputs[64][200]; /* of each job */
    int jobs, posts, polls, lists, ranges;
    /* switches; counts are used up */
    int refuse_with;       /* HTTP status of the answer to a submission */
    int refusals;          /* that many submissions; 0: all of them */
    int lose_replies;      /* submissions that make a job but get no reply */
    int fail_jobs, reject_jobs, keep_running;
    int pages, flips, cut_at; /* data: an HTML page; a wrong byte; silence after so many bytes, until hung up on */
    bool ignore_ranges, dead_links;
} cds;

static inline void cds_make_data(void) {
    struct e5_digest digest;
    char hex[E5_DIGEST_HEX];
    for (int i = 0; i < DATA_SIZE; i++) cds.data[i] = (char)(i * 2654435761u >> 13);
    memset(cds.data, 0, 64);
    memcpy(cds.data, "\x89HDF\r\n\x1a\n", 8);
    cds.data[13] = 8;
    for (int i = 0; i < 4; i++) cds.data[40 + i] = (char)(DATA_SIZE >> (8 * i));
    if (e5_digest_init(&digest, E5_MD5, NULL) != E5_OK) abort();
    e5_digest_add(&digest, cds.data, DATA_SIZE);
    e5_digest_hex(&digest, hex);
    e5_digest_fini(&digest);
    memcpy(cds.md5, hex, 33);
}

static inline const char *cds_status(int job) {
    (void)job;
    if (cds.keep_running > 0) return "running";
    return cds.fail_jobs > 0 ? "failed" : cds.reject_jobs > 0 ? "rejected" : "successful";
}

static inline void cds_results(char *out, size_t size) {
    const char *failure = "{\"type\":\"job results failed\",\"title\":\"no\",\"status\":400,\"traceback\":\"%s\"}";
    if (cds.fail_jobs > 0)
        snprintf(out, size, failure, "bad\\nThe job failed with: MarsNoDataError");
    else if (cds.reject_jobs > 0)
        snprintf(out, size, failure, "Number of queued requests is limited");
    else
        snprintf(out, size,
                 "{\"asset\":{\"value\":{\"type\":\"application/netcdf\",\"href\":\"%s/data.nc\","
                 "\"file:checksum\":\"%s\",\"file:size\":%d}}}",
                 cds.store.origin, cds.md5, DATA_SIZE);
}

static inline void cds_id(int job, char out[40]) { snprintf(out, 40, "%08x-0000-4000-8000-000000000000", job); }

static inline void cds_submit(const char *request, struct loopback_reply *reply) {
    char text[200], id[40];
    cds.posts++;
    if (cds.refuse_with > 0 && (cds.refusals == 0 || cds.posts <= cds.refusals)) {
        loopback_text(reply, cds.refuse_with, "{\"title\":\"denied\",\"detail\":\"token secret-key is bad\"}");
        return;
    }
    const char *body = strstr(request, "{\"inputs\":");
    int length = body != NULL ? (int)strlen(body) - 11 : 0;
    snprintf(cds.inputs[cds.jobs], sizeof cds.inputs[0], "%.*s", length, body != NULL ? body + 10 : "");
    cds_id(cds.jobs++, id);
    snprintf(text, sizeof text, "{\"jobID\":\"%s\",\"status\":\"accepted\"}", id);
    if (cds.lose_replies > 0)
        cds.lose_replies--;
    else
        loopback_text(reply, 201, text);
}

static inline void cds_list(struct loopback_reply *reply) {
    static char text[65536];
    char results[600], id[40];
    size_t used = (size_t)snprintf(text, sizeof text, "{\"jobs\":[");
    cds.lists++;
    cds_results(results, sizeof results);
    for (int job = cds.jobs - 1; job >= 0; job--) {
        cds_id(job, id);
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "{\"jobID\":\"%s\",\"status\":\"%s\",\"metadata\":{\"results\":%s}}%s", id,
                                 cds_status(job), cds.keep_running > 0 ? "{}" : results, job > 0 ? "," : "");
    }
    snprintf(text + used, sizeof text - used, "]}");
    loopback_text(reply, 200, text);
}

static inline void cds_job(const char *request, struct loopback_reply *reply) {
    char text[1000], id[40];
    int job = (int)strtol(strstr(request, "/jobs/") + 6, NULL, 16);
    if (job >= cds.jobs) {
        loopback_text(reply, 404, "{\"title\":\"job not found\",\"detail\":\"job not found\"}");
    } else if (strstr(request, "/results ") != NULL) {
        cds_results(text, sizeof text);
        loopback_text(reply, cds.fail_jobs + cds.reject_jobs > 0 ? 400 : 200, text);
        if (cds.fail_jobs > 0)
            cds.fail_jobs--;
        else if (cds.reject_jobs > 0)
            cds.reject_jobs--;
    } else {
        cds.polls++;
        cds_id(job, id);
        snprintf(text, sizeof text, "{\"jobID\":\"%s\",\"status\":\"%s\",\"metadata\":{\"request\":{\"ids\":%s}}}",
                 id, cds_status(job), cds.inputs[job]);
        loopback_text(reply, 200, text);
    }
}

static inline void cds_answer_api(const char *request, struct loopback_reply *reply) {
    if (strncmp(request, "POST ", 5) == 0)
        cds_submit(request, reply);
    else if (strstr(request, "/jobs/") != NULL)
        cds_job(request, reply);
    else
        cds_list(reply);
}

static inline void cds_send(struct loopback_reply *reply, const char *bytes, size_t from) {
    char rest;
    size_t size = DATA_SIZE - from, now = cds.cut_at > 0 && (size_t)cds.cut_at < size ? (size_t)cds.cut_at : size;
    loopback_write(reply, bytes + from, now);
    if (now < size) recv(reply->socket, &rest, 1, 0); /* until the client hangs up */
}

static inline void cds_answer_store(const char *request, struct loopback_reply *reply) {
    static char copy[DATA_SIZE];
    char more[200], etag[60];
    const char *range = strstr(request, "Range: bytes=");
    size_t from = range != NULL && !cds.ignore_ranges ? strtoul(range + 13, NULL, 10) : 0;
    cds.ranges += range != NULL;
    snprintf(etag, sizeof etag, "ETag: \"%s\"\r\n", cds.md5);
    memcpy(copy, cds.data, DATA_SIZE);
    if (cds.flips > 0) copy[DATA_SIZE - 1] ^= 1;
    if (cds.flips > 0) cds.flips--;
    if (cds.dead_links) {
        loopback_text(reply, 404, "<Error/>");
    } else if (cds.pages > 0) {
        cds.pages--;
        loopback_text(reply, 200, "<!DOCTYPE html><html>Please log in</html>");
    } else {
        snprintf(more, sizeof more, "%sContent-Range: bytes %zu-%d/%d\r\n", etag, from, DATA_SIZE - 1, DATA_SIZE);
        loopback_head(reply, from > 0 ? 206 : 200, DATA_SIZE - from, from > 0 ? more : etag);
        cds_send(reply, copy, from);
    }
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
