/* provider_net: which copies of libcurl and jansson serve us; see base/provider.h. */
#ifndef E5_NET_PROVIDER_NET_H
#define E5_NET_PROVIDER_NET_H

#include "base/provider.h"

size_t e5_provider_net(struct e5_provider out[E5_PROVIDER_MOST]);
/* What libcurl uses for https, such as "OpenSSL/3.0.17"; any thread. */
const char *e5_provider_tls(void);

#endif
