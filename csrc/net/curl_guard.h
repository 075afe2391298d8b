/* curl_guard: where an exchange may connect to, judged by the numbers that a name stands for.
 *
 * The service's numbers tell where the service is, and nobody else is asked who is nearer to us than that.  Where no
 * connection to the service has told yet, its name is looked up before anything private is connected to.  Belongs to
 * the thread of its engine; nothing blocks. */
#ifndef E5_NET_CURL_GUARD_H
#define E5_NET_CURL_GUARD_H

#include "net/exchange.h"

struct e5_curl_guard { /* filled in before the exchange begins, and kept until it ends */
    struct e5_http_shared *shared;
    const struct e5_url *address; /* which may change meanwhile, as may: */
    const char *proxy;            /* "": none */
    bool has_allowed, has_refused; /* some number that the name stands for */
    bool is_open;                 /* the refused one may be as near as the service, of which nothing is known yet */
    enum e5_reach refused;        /* the nearest of them */
};

void e5_curl_set_guard(void *easy, struct e5_curl_guard *guard);
/* An exchange has ended with this CURLcode: E5_UNSAFE where it could not connect because no number was allowed,
 * unless *err tells already why it ended. */
void e5_curl_guard_judge(const struct e5_curl_guard *guard, int curl_code, struct e5_error *err);
/* The same, before: must the service's name be looked up to know that? */
bool e5_curl_guard_asks(const struct e5_curl_guard *guard, int curl_code);
/* It was looked up.  True: the exchange may begin anew; else *err tells why not, and *temporary whether that may
 * pass. */
bool e5_curl_guard_answer(struct e5_curl_guard *guard, const struct e5_lookup *lookup, bool *temporary,
                          struct e5_error *err);

#endif
