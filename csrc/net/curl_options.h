/* curl_options: what every handle of libcurl is told, whatever it is for.
 *
 * libcurl's own defaults are not good enough: everything that matters is set here or in
 * exchange.c.  One thread per handle; nothing blocks. */
#ifndef E5_NET_CURL_OPTIONS_H
#define E5_NET_CURL_OPTIONS_H

#include "net/exchange.h"

/* Times, certificates, addresses, and what is never used: signals, netrc, redirects of libcurl's own. */
void e5_curl_set_shared(void *easy, const struct e5_http_shared *shared);
long e5_curl_milliseconds(double seconds); /* at least 1: 0 would mean libcurl's default */

#endif
