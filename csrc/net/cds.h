/* cds: what is said to the Climate Data Store and how its answers are read; no I/O.
 *
 * Paths are built from the configured address and checked names only, never from links in replies.  Replies are
 * untrusted: whatever does not fit becomes E5_EVENT_UNREADABLE with E5_SERVER.  Results are plain structs that the
 * caller owns.  Any thread; nothing blocks. */
#ifndef E5_NET_CDS_H
#define E5_NET_CDS_H

#include <stdint.h>

#include "base/buffer.h"
#include "net/asset.h"
#include "net/json.h"
#include "net/lifecycle.h"

/* What a reply means for one job. */
struct e5_cds_news {
    enum e5_event event;
    char job_id[E5_CDS_ID_SIZE];
    char status[32];           /* the service's own word, cleaned */
    bool has_status;           /* the reply is about the job's state; `status` may be "" even so */
    double created;            /* wall clock of the service, in the list; 0: not said */
    struct e5_cds_asset asset; /* with E5_EVENT_LOCATED */
    struct e5_error error;     /* with events that are failures */
};

/* Job ids are UUIDs: hexadecimal digits and dashes, 8 to 63 of them. */
bool e5_cds_good_id(const char *id);

E5_MUST_USE enum e5_status e5_cds_submit_url(const char *service, const char *dataset, struct e5_buffer *out,
                                             struct e5_error *err);
/* `what`: "", "/results" or "?request=True". */
E5_MUST_USE enum e5_status e5_cds_job_url(const char *service, const char *job_id, const char *what,
                                          struct e5_buffer *out, struct e5_error *err);
/* The newest `limit` jobs, of one dataset or (NULL) of all. */
E5_MUST_USE enum e5_status e5_cds_list_url(const char *service, const char *dataset, unsigned limit,
                                           struct e5_buffer *out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_cds_add_cursor(struct e5_buffer *list_url, const char *cursor, struct e5_error *err);
E5_MUST_USE enum e5_status e5_cds_delete_url(const char *service, struct e5_buffer *out, struct e5_error *err);
E5_MUST_USE enum e5_status e5_cds_submit_body(const json_t *inputs, char **out, struct e5_error *err);
/* SHA-256 of dataset and canonical inputs. */
E5_MUST_USE enum e5_status e5_cds_fingerprint(const char *dataset, const json_t *inputs, char out[E5_DIGEST_HEX],
                                              struct e5_error *err);

/* Read a reply of the service.  `service` and `dataset` are for hints; `location` is the header of that name. */
void e5_cds_read_submitted(int http_status, const char *body, size_t size, const char *location, const char *service,
                           const char *dataset, struct e5_cds_news *out);
void e5_cds_read_status(int http_status, const char *body, size_t size, struct e5_cds_news *out);
void e5_cds_read_results(int http_status, const char *body, size_t size, const char *results_url,
                         struct e5_cds_news *out);
/* The whole list; NULL and a report in *out where it cannot be read.  json_decref() it. */
json_t *e5_cds_read_list(int http_status, const char *body, size_t size, struct e5_cds_news *out);
/* The same, with where the next page begins, "" where that is not said. */
#define E5_CDS_CURSOR_SIZE 200
json_t *e5_cds_read_page(int http_status, const char *body, size_t size, char cursor[E5_CDS_CURSOR_SIZE],
                         struct e5_cds_news *out);
/* What an entry of the list says; entries without a good id give false. */
bool e5_cds_read_entry(const json_t *entry, const char *service, struct e5_cds_news *out);
/* The service's words for the state of a job. */
enum e5_cds_state {
    E5_CDS_OTHER, /* a word that nobody knows */
    E5_CDS_ACCEPTED,
    E5_CDS_RUNNING,
    E5_CDS_SUCCESSFUL,
    E5_CDS_FAILED,
    E5_CDS_REJECTED,
    E5_CDS_DISMISSED
};
enum e5_cds_state e5_cds_state_of(const char *word);
/* Does this reply to a "?request=True" call describe a job made from `inputs`?  `*is_told`: it describes a request.
 */
bool e5_cds_same_request(const char *body, size_t size, const json_t *inputs, bool *is_told);

#endif
