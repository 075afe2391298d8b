/* curl_options: what every handle of libcurl is told, whatever it is for.
 *
 * libcurl's own defaults are not good enough: everything that matters is set here or in
 * exchange.c.  One thread per handle; nothing blocks. */
#ifndef E5_NET_CURL_OPTIONS_H
#define E5_NET_CURL_OPTIONS_H

#include "net/exchange.h"

struct curl_slist;

struct e5_curl_guard { /* where an exchange may connect to; filled in before it begins, and kept until it ends */
    struct e5_http_shared *shared;
    const struct e5_url *address; /* which may change meanwhile, as may: */
    const char *proxy;            /* "": none */
    bool has_allowed, has_refused; /* some number that the name stands for */
    enum e5_reach refused;
};

/* Times, certificates, addresses, and what is never used: signals, netrc, redirects of libcurl's own. */
void e5_curl_set_shared(void *easy, const struct e5_http_shared *shared);
/* A name is judged by the numbers it stands for, when a connection is about to be made: the service's tell where the
 * service is, and nobody else is asked who is nearer than that. */
void e5_curl_set_guard(void *easy, struct e5_curl_guard *guard);
/* An exchange has ended with this CURLcode: E5_UNSAFE where it could not connect because no number was allowed,
 * unless *err tells already why it ended. */
void e5_curl_guard_judge(const struct e5_curl_guard *guard, int curl_code, struct e5_error *err);
E5_MUST_USE enum e5_status e5_curl_add_header(struct curl_slist **list, const char *line, struct e5_error *err);
long e5_curl_milliseconds(double seconds); /* at least 1: 0 would mean libcurl's default */

#endif
