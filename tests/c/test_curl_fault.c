#include "net/curl_fault.h"

#include <curl/curl.h>

#include "check.h"

struct row {
    struct e5_curl_failure failure;
    enum e5_status status;
    bool temporary;
    const char *what, *hint; /* words that must stand there, or NULL */
};

#define ON_THE_WAY(number, words, by) .code = number, .reason = words, .host = "cds.example", .proxy = by
#define FAILURE(number, words) ON_THE_WAY(number, words, "")
#define PROXIED(number, words) ON_THE_WAY(number, words, "p.example")

static const struct row rows[] = {
    {{FAILURE(CURLE_COULDNT_CONNECT, "refused")}, E5_NETWORK, true, "cannot connect to cds.example: refused", NULL},
    {{PROXIED(CURLE_COULDNT_CONNECT, "refused")}, E5_NETWORK, true, "via proxy p.example", NULL},
    {{FAILURE(CURLE_OPERATION_TIMEDOUT, "")}, E5_TRANSFER_TIMEOUT, true, "cds.example", NULL},
    {{FAILURE(CURLE_ABORTED_BY_CALLBACK, "3 bytes in 30 s"), .too_slow = true},
     E5_TRANSFER_TIMEOUT,
     true,
     "3 bytes",
     NULL},
    {{FAILURE(CURLE_COULDNT_RESOLVE_HOST, ""), .lookup = E5_LOOKUP_SILENT},
     E5_NETWORK,
     true,
     "cannot resolve cds.example",
     NULL},
    {{FAILURE(CURLE_COULDNT_RESOLVE_HOST, ""), .lookup = E5_LOOKUP_FOUND}, E5_NETWORK, true, "cannot resolve", NULL},
    {{FAILURE(CURLE_COULDNT_RESOLVE_HOST, ""), .lookup = E5_LOOKUP_UNKNOWN},
     E5_NETWORK,
     true,
     "unknown host cds.example",
     "address"},
    {{FAILURE(CURLE_COULDNT_RESOLVE_HOST, ""), .lookup = E5_LOOKUP_UNKNOWN, .give_up = true},
     E5_NETWORK,
     false,
     "unknown host",
     NULL},
    {{PROXIED(CURLE_COULDNT_RESOLVE_PROXY, ""), .lookup = E5_LOOKUP_UNKNOWN, .give_up = true},
     E5_NETWORK,
     false,
     "unknown proxy on the way to cds.example via proxy p.example",
     "https_proxy"},
    {{FAILURE(CURLE_SSL_CONNECT_ERROR, "Connection reset by peer")}, E5_NETWORK, true, NULL, NULL},
    {{FAILURE(CURLE_SSL_CONNECT_ERROR, "alert handshake failure")}, E5_TLS, false, "cds.example", "address"},
    {{FAILURE(CURLE_PEER_FAILED_VERIFICATION, "x"), .verified = 10}, E5_TLS, false, "cds.example", "clock says 2"},
    {{FAILURE(CURLE_PEER_FAILED_VERIFICATION, "certificate is not yet valid")}, E5_TLS, false, NULL, "not valid yet"},
    {{FAILURE(CURLE_PEER_FAILED_VERIFICATION, "unable to get local issuer certificate"), .verified = 20},
     E5_TLS,
     false,
     NULL,
     "SSL_CERT_FILE"},
    {{FAILURE(CURLE_PEER_FAILED_VERIFICATION, "no alternative certificate subject name matches")},
     E5_TLS,
     false,
     NULL,
     "another host's"},
    {{FAILURE(CURLE_SSL_CACERT_BADFILE, "error setting certificate file")}, E5_TLS, false, NULL, "CA certificates"},
    {{PROXIED(CURLE_RECV_ERROR, "CONNECT tunnel failed"), .proxy_status = 407},
     E5_AUTH,
     false,
     "proxy",
     "password of the proxy"},
    {{PROXIED(CURLE_RECV_ERROR, "CONNECT tunnel failed"), .proxy_status = 403},
     E5_NETWORK,
     false,
     "via proxy p.example",
     NULL},
    {{PROXIED(CURLE_RECV_ERROR, "CONNECT tunnel failed"), .proxy_status = 503},
     E5_NETWORK,
     true,
     "via proxy p.example",
     NULL},
    {{PROXIED(CURLE_RECV_ERROR, "reset"), .proxy_status = 200}, E5_NETWORK, true, "connection lost", NULL},
    {{FAILURE(CURLE_OUT_OF_MEMORY, "")}, E5_MEMORY, false, NULL, NULL},
    {{FAILURE(CURLE_UNSUPPORTED_PROTOCOL, "")}, E5_SERVER, true, NULL, NULL},
    {{FAILURE(CURLE_BAD_CONTENT_ENCODING, "")}, E5_SERVER, true, "unreadable", NULL},
};

TEST(every_failure_has_its_meaning) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct e5_error err = E5_ERROR_NONE;
        bool temporary = e5_curl_fault(&row->failure, &err);
        bool good = temporary == row->temporary && err.status == row->status &&
                    (row->what == NULL || strstr(err.what, row->what) != NULL) &&
                    (row->hint == NULL || strstr(err.hint, row->hint) != NULL);
        if (!good) printf("row %zu: %s. %s\n", i, err.what, err.hint);
        CHECK(good);
    }
}

TEST(nobody_is_told_to_switch_checks_off) {
    static const char *const words[] = {"insecure", "False", "disable", "switch", "off"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct e5_error err = E5_ERROR_NONE;
        e5_curl_fault(&rows[i].failure, &err);
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++) CHECK(strstr(err.hint, words[j]) == NULL);
    }
}

int main(void) {
    RUN(every_failure_has_its_meaning);
    RUN(nobody_is_told_to_switch_checks_off);
    return check_summary();
}
