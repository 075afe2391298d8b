/* proxy: which proxy, if any, stands on the way to an address.
 *
 * Chosen here and not by libcurl, so that errors can name it.  What the user asked for holds for every address.
 * Otherwise the environment decides: https_proxy, then all_proxy, each in lower and upper case, but for the hosts of
 * no_proxy and for this machine.  http_proxy has no say: nothing but this machine is spoken to in plain http.  (Its
 * upper-case form is dangerous besides: a web server's CGI programs get it from a header that anybody can send.)
 * Any thread; nothing blocks; reads the environment. */
#ifndef E5_NET_PROXY_H
#define E5_NET_PROXY_H

#include "net/url.h"

struct e5_proxy {
    char url[1024]; /* for libcurl, with user name and password; "": none.  To be wiped after use. */
    char host[256]; /* what may be shown; "": none */
};

/* `chosen`: an address; "": none; NULL: as the environment says.  E5_CONFIG where it is no address. */
E5_MUST_USE enum e5_status e5_proxy_for(const char *chosen, const struct e5_url *url, struct e5_proxy *out,
                                        struct e5_error *err);
/* Does a list as in no_proxy name this host?  Names with their subdomains, numbers, IPv4 networks "10.0.0.0/8", "*".
 */
bool e5_proxy_excepts(const char *list, const struct e5_url *url);

#endif
