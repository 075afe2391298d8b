#include "net/curl_fault.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define NOT_YET_VALID 9 /* OpenSSL's X509_V_ERR_… */
#define HAS_EXPIRED 10

static bool tell(const struct e5_curl_failure *failure, enum e5_status status, bool temporary, const char *what,
                 struct e5_error *err) {
    const char *reason = failure->reason[0] != '\0' ? failure->reason : "no reason given";
    const char *via = failure->proxy[0] != '\0' ? " via proxy " : "";
    if (e5_fail(err, status, "%s %s%s%s: %s", what, failure->host, via, failure->proxy, reason) == E5_OK)
        return false;
    return temporary;
}

static bool says(const struct e5_curl_failure *failure, const char *words) {
    return strcasestr(failure->reason, words) != NULL;
}

bool e5_curl_is_lookup(int code) { return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY; }

/* A name that does not exist is most often misspelt; where nobody answers, the network is not there yet. */
static bool lookup(const struct e5_curl_failure *failure, struct e5_error *err) {
    bool proxy = failure->code == CURLE_COULDNT_RESOLVE_PROXY;
    if (failure->lookup != E5_LOOKUP_UNKNOWN) return tell(failure, E5_NETWORK, true, "cannot resolve", err);
    tell(failure, E5_NETWORK, false, proxy ? "unknown proxy on the way to" : "unknown host", err);
    e5_error_hint(err, proxy ? "check the address of the proxy, in the argument proxy or in https_proxy"
                             : "check the address of the service and the network of this computer");
    return !failure->give_up;
}

/* A handshake that was merely cut off may succeed next time; one that was refused will not. */
static bool handshake(const struct e5_curl_failure *failure, struct e5_error *err) {
    bool cut = says(failure, "reset") || says(failure, "SYSCALL") || says(failure, "unexpected eof") ||
               says(failure, "timed out") || says(failure, "broken pipe");
    if (cut) return tell(failure, E5_NETWORK, true, "handshake cut off by", err);
    tell(failure, E5_TLS, false, "handshake refused with", err);
    e5_error_hint(err, "check the address, and any proxy between");
    return false;
}

static void clock_hint(bool expired, struct e5_error *err) {
    char now[E5_CLOCK_STAMP_SIZE];
    e5_clock_stamp(e5_clock_wall(), now);
    e5_error_hint(err, "this computer's clock says %.16s UTC: if that is wrong set it, else the certificate of %s",
                  now, expired ? "the server has run out" : "the server is not valid yet");
}

static bool certificate(const struct e5_curl_failure *failure, struct e5_error *err) {
    bool expired = failure->verified == HAS_EXPIRED || says(failure, "has expired");
    bool early = failure->verified == NOT_YET_VALID || says(failure, "not yet valid");
    tell(failure, E5_TLS, false, "cannot trust", err);
    if (expired || early)
        clock_hint(expired, err);
    else if (says(failure, "subject name") || says(failure, "host name") || says(failure, "hostname"))
        e5_error_hint(err, "the certificate is another host's: check the address, and any proxy between");
    else
        e5_error_hint(err, "name a file with the CA certificates to trust: the argument verify or SSL_CERT_FILE; a "
                           "proxy that opens connections has one of its own");
    return false;
}

/* It was asked for a tunnel and said no. */
static bool refused_by_proxy(const struct e5_curl_failure *failure, struct e5_error *err) {
    long status = failure->proxy_status;
    if (status == 407) {
        tell(failure, E5_AUTH, false, "the proxy refuses access on the way to", err);
        e5_error_hint(err, "give user name and password of the proxy: http://user:password@%s:port", failure->proxy);
    } else {
        tell(failure, E5_NETWORK, true, "the proxy opens no way to", err);
    }
    if (err != NULL) err->http_status = (int)status;
    return status == 408 || status == 429 || status >= 500;
}

bool e5_curl_fault(const struct e5_curl_failure *failure, struct e5_error *err) {
    if (failure->proxy_status >= 400) return refused_by_proxy(failure, err);
    if (failure->too_slow) return tell(failure, E5_TRANSFER_TIMEOUT, true, "too slow or silent:", err);
    if (e5_curl_is_lookup(failure->code)) return lookup(failure, err);
    switch (failure->code) {
    case CURLE_COULDNT_CONNECT: return tell(failure, E5_NETWORK, true, "cannot connect to", err);
    case CURLE_OPERATION_TIMEDOUT: return tell(failure, E5_TRANSFER_TIMEOUT, true, "no progress with", err);
    case CURLE_SSL_CONNECT_ERROR: return handshake(failure, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM: return certificate(failure, err);
    case CURLE_OUT_OF_MEMORY: /* also what libcurl says of a line that is too long */
        if (failure->was_answering) return tell(failure, E5_SERVER, true, "unreadable reply from", err);
        return tell(failure, E5_MEMORY, false, "not enough memory to reach", err);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: return tell(failure, E5_SERVER, true, "no HTTP reply from", err);
    case CURLE_BAD_CONTENT_ENCODING: return tell(failure, E5_SERVER, true, "unreadable reply from", err);
    default: return tell(failure, E5_NETWORK, true, "connection lost to", err);
    }
}
