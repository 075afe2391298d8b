/* http: many exchanges at once over libcurl, in steps of the caller's thread.
 *
 * Two kinds of exchange.  A service call goes to the configured origin, carries the token, follows redirects only
 * for GET and only within that origin (or, where the call says so, out of it and without the token), and keeps its
 * reply (at most 10 MiB).  A data call carries no token, follows at most ten redirects to addresses that
 * e5_url_check_data() allows, and hands its bytes to a sink.  A proxy is only ever asked for a tunnel.
 *
 * e5_http_new() … e5_http_free() and everything between belong to one thread; only e5_http_wake() may be called from
 * others.  e5_http_step() blocks for at most the time it is given; nothing else blocks.  Sinks are called from
 * inside _step.  Retrying is not done here. */
#ifndef E5_NET_HTTP_H
#define E5_NET_HTTP_H

#include "net/exchange.h"

struct e5_http;

struct e5_http_options {
    const char *url;        /* of the service */
    const char *key;        /* its token; NULL: none */
    const char *user_agent;
    const char *ca_file;    /* certificates to trust, or NULL: libcurl's own default */
    const char *proxy;      /* NULL or "": none */
    const char *no_proxy;   /* hosts that are reached without it, and then this machine as well; NULL: none */
    bool insecure;          /* do not check certificates: only because the user asked for it */
    int ip_version;         /* 0: either; 4 or 6: only that */
    /* As in drive/fetch_settings.def; 0: default.  low_speed_limit counts where low_speed_time is given. */
    double timeout, connect_timeout, low_speed_time, low_speed_limit;
};

E5_MUST_USE enum e5_status e5_http_new(const struct e5_http_options *options, struct e5_http **out,
                                       struct e5_error *err);
void e5_http_free(struct e5_http *http); /* after its exchanges; NULL is allowed */
E5_MUST_USE enum e5_status e5_http_start(struct e5_http *http, const struct e5_http_call *call,
                                         struct e5_exchange **out, struct e5_error *err);
/* Move bytes; wait for at most `seconds` for something to happen. */
E5_MUST_USE enum e5_status e5_http_step(struct e5_http *http, double seconds, struct e5_error *err);
void e5_http_wake(struct e5_http *http);
/* The next exchange that has ended, or NULL. */
struct e5_exchange *e5_http_ended(struct e5_http *http);

/* Ends it at once if it still runs; NULL is allowed. */
void e5_http_drop(struct e5_http *http, struct e5_exchange *exchange);

#endif
