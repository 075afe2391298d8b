/* curl_fault: what a failure of libcurl means, and whether it may pass.
 *
 * Pure: the caller gathers what is known, here it is judged and told.  Any thread; nothing blocks. */
#ifndef E5_NET_CURL_FAULT_H
#define E5_NET_CURL_FAULT_H

#include "base/error.h"
#include "net/lookup.h"

struct e5_curl_failure {
    int code;                      /* CURLcode */
    const char *reason;            /* libcurl's own words, or "" */
    const char *host;              /* where the call was to go */
    const char *proxy;             /* the host of the proxy on the way, or "" */
    long proxy_status;             /* its HTTP status where it was asked for a tunnel, or 0 */
    long verified;                 /* what the check of the certificate gave (OpenSSL's number), or 0 */
    bool too_slow;                 /* we ended it ourselves: fewer bytes came than must */
    enum e5_lookup_verdict lookup; /* of the name that libcurl could not resolve */
    bool give_up;                  /* the name was unknown often enough */
    bool was_answering;            /* part of a reply had come */
};

/* Did libcurl fail to resolve a name?  Then `lookup` has to be filled in. */
bool e5_curl_is_lookup(int code);
/* True: the failure may pass. */
bool e5_curl_fault(const struct e5_curl_failure *failure, struct e5_error *err);

#endif
