/* curl_options: what every handle of libcurl is told, whatever it is for.
 *
 * libcurl's own defaults are not good enough: everything that matters is set here or in
 * exchange.c.  One thread per handle; nothing blocks. */
#ifndef E5_NET_CURL_OPTIONS_H
#define E5_NET_CURL_OPTIONS_H

#include "net/exchange.h"

struct curl_slist;

/* Times, certificates, addresses, and what is never used: signals, netrc, redirects of libcurl's own. */
void e5_curl_set_shared(void *easy, const struct e5_http_shared *shared);
E5_MUST_USE enum e5_status e5_curl_add_header(struct curl_slist **list, const char *line, struct e5_error *err);
/* Of a service call; `body` is copied, NULL: none. */
E5_MUST_USE enum e5_status e5_curl_set_method(void *easy, const char *method, const char *body, struct e5_error *err);
long e5_curl_milliseconds(double seconds); /* at least 1: 0 would mean libcurl's default */

#endif
