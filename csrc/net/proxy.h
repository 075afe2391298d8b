/* proxy: which proxy, if any, stands on the way to an address.
 *
 * Chosen here and not by libcurl, so that errors can name it.  What the user asked for holds for every address; what
 * the environment names, but for the hosts of no_proxy and this machine.  The environment is read by the caller,
 * while nobody can change it.  Any thread; nothing blocks. */
#ifndef E5_NET_PROXY_H
#define E5_NET_PROXY_H

#include "net/url.h"

struct e5_proxy {
    char url[1024]; /* for libcurl, with user name and password; "": none.  To be wiped after use. */
    char host[256]; /* what may be shown; "": none */
};

/* `chosen`: an address; NULL or "": none.  `excepted`: a list as in no_proxy, to which this machine belongs; NULL:
 * `chosen` holds everywhere.  E5_CONFIG where it is no address. */
E5_MUST_USE enum e5_status e5_proxy_for(const char *chosen, const char *excepted, const struct e5_url *url,
                                        struct e5_proxy *out, struct e5_error *err);
/* Does a list as in no_proxy name this host?  Names with their subdomains, numbers, IPv4 networks "10.0.0.0/8", "*".
 */
bool e5_proxy_excepts(const char *list, const struct e5_url *url);

#endif
