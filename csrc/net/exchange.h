/* exchange: one request and its reply over one libcurl handle.
 *
 * Made, moved and ended by net/http; users read outcome, head and body.  Belongs to the thread of its engine; nothing
 * here blocks.  All rules about what may be sent where are in exchange.c. */
#ifndef E5_NET_EXCHANGE_H
#define E5_NET_EXCHANGE_H

#include <stdint.h>

#include "base/buffer.h"
#include "net/gather.h"
#include "net/http_head.h"
#include "net/lookup.h"
#include "net/reach.h"
#include "net/url.h"

struct e5_exchange;

/* Where the bytes of a data call go.  Both run on the engine's thread; any status but E5_OK ends the exchange. */
struct e5_http_sink {
    void *context;
    enum e5_status (*head)(void *context, const struct e5_http_head *head, struct e5_error *err);
    enum e5_status (*body)(void *context, const char *bytes, size_t size, struct e5_error *err);
};

struct e5_http_call {
    const char *url;
    const char *method;              /* "GET", "HEAD", "POST", "PUT", "DELETE"; NULL: POST with a body, else GET */
    const char *post;                /* JSON body, or NULL */
    const struct e5_http_sink *sink; /* NULL: a service call */
    bool abroad; /* service calls with GET: redirects to other hosts are followed, without token */
    int64_t range_from;              /* data calls: first byte wanted */
    int64_t range_to;                /* data calls: last byte wanted; 0: all that follow */
    const char *if_range;            /* data calls: ETag, "" or NULL */
    int64_t expected;                /* data calls: bytes that will come, 0: not known */
    void *owner;
};

/* What all exchanges of an engine share; owned by net/http. */
struct e5_http_shared {
    struct e5_url service;
    char *user_agent, *ca_file, *proxy, *no_proxy; /* all but the first may be NULL */
    bool ca_is_folder, insecure;
    int ip_version;
    double timeout, connect_timeout, low_speed_time, low_speed_limit;
    void *call_headers, *data_headers; /* struct curl_slist */
    struct e5_names names;
    enum e5_reach reach; /* of the service, as far as is known; of a mere name it could be a private one */
    bool is_reach_seen;  /* a connection to it has told */
    struct e5_gather gather;    /* bytes of data calls, until the step ends */
    struct e5_exchange *broken; /* whose sinks have refused such bytes: they are to end */
};

enum e5_exchange_next {
    E5_EXCHANGE_OVER,  /* its outcome stands */
    E5_EXCHANGE_AGAIN, /* it was redirected and its handle is ready to run again */
    E5_EXCHANGE_ASKING /* a name is being looked up: see e5_exchange_asked() */
};

void *e5_exchange_owner(const struct e5_exchange *exchange);
/* E5_OK: a whole reply, of whatever HTTP status, is here.  Else *err tells why not. */
E5_MUST_USE enum e5_status e5_exchange_outcome(const struct e5_exchange *exchange, struct e5_error *err);
bool e5_exchange_is_temporary(const struct e5_exchange *exchange); /* a failure that may pass */
bool e5_exchange_was_sent(const struct e5_exchange *exchange);     /* the request may have arrived */
bool e5_exchange_was_short(const struct e5_exchange *exchange);    /* it ended before the length it had announced */
const struct e5_http_head *e5_exchange_head(const struct e5_exchange *exchange);
const struct e5_buffer *e5_exchange_body(const struct e5_exchange *exchange);

/* Bytes per second it may receive from now on, 0: as many as come.  Any time while it runs. */
void e5_exchange_limit(struct e5_exchange *exchange, int64_t bytes_per_second);

/* For net/http only. */
E5_MUST_USE enum e5_status e5_exchange_new(struct e5_http_shared *shared, const struct e5_http_call *call,
                                           struct e5_exchange **out, struct e5_error *err);
void *e5_exchange_easy(const struct e5_exchange *exchange); /* the CURL handle */
struct e5_exchange *e5_exchange_of(void *easy);
/* Gathered bytes of an exchange go to its sink; where it does not want them the exchange is among the broken ones. */
bool e5_exchange_give(void *exchange, const char *bytes, size_t size);
/* libcurl has ended it with this CURLcode. */
enum e5_exchange_next e5_exchange_ended(struct e5_exchange *exchange, int curl_code);
/* Not E5_EXCHANGE_ASKING: the answer is here, or was waited for long enough. */
enum e5_exchange_next e5_exchange_asked(struct e5_exchange *exchange);
struct e5_exchange **e5_exchange_link(struct e5_exchange *exchange); /* for the lists of those that are asking, and of
                                                                        the broken ones */
void e5_exchange_delete(struct e5_exchange *exchange);

#endif
