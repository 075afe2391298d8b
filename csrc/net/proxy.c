#include "net/proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define SEPARATORS ", \t\r\n"

/* "10.0.0.0/8": the host must be a number itself. */
static bool in_network(const char *entry, const char *host) {
    char network[32];
    struct in_addr base, address;
    const char *slash = strchr(entry, '/');
    if (slash == NULL || (size_t)(slash - entry) >= sizeof network) return false;
    snprintf(network, sizeof network, "%.*s", (int)(slash - entry), entry);
    long bits = strtol(slash + 1, NULL, 10);
    if (bits < 0 || bits > 32 || inet_pton(AF_INET, network, &base) != 1 || inet_pton(AF_INET, host, &address) != 1)
        return false;
    uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    return ((ntohl(base.s_addr) ^ ntohl(address.s_addr)) & mask) == 0;
}

/* The host itself, or one below it: "org" and ".org" both mean "cds.example.org". */
static bool is_below(const char *entry, const char *host) {
    size_t length = strlen(entry), all = strlen(host);
    if (length == 0 || length > all || strcasecmp(host + all - length, entry) != 0) return false;
    return length == all || host[all - length - 1] == '.';
}

static bool names(char *entry, const struct e5_url *url) {
    char host[sizeof url->host];
    char *colon = strchr(entry, ':');
    snprintf(host, sizeof host, "%s", url->host[0] == '[' ? url->host + 1 : url->host);
    host[strcspn(host, "]")] = '\0';
    if (strcmp(entry, "*") == 0 || in_network(entry, host)) return true;
    if (colon != NULL && strchr(colon + 1, ':') == NULL) { /* one colon: a port, not an IPv6 number */
        if (strtoul(colon + 1, NULL, 10) != url->port) return false;
        *colon = '\0';
    }
    if (entry[0] == '*') entry++;
    if (entry[0] == '.') entry++;
    if (entry[0] == '[') entry[strcspn(entry, "]")] = '\0', entry++;
    return is_below(entry, host);
}

bool e5_proxy_excepts(const char *list, const struct e5_url *url) {
    char entry[256];
    for (const char *at = list + strspn(list, SEPARATORS); *at != '\0'; at += strspn(at, SEPARATORS)) {
        size_t length = strcspn(at, SEPARATORS);
        if (length < sizeof entry) {
            snprintf(entry, sizeof entry, "%.*s", (int)length, at);
            if (names(entry, url)) return true;
        }
        at += length;
    }
    return false;
}

/* The usual spelling has no scheme: "proxy.example.org:3128". */
static bool take_host(const char *text, char *out, size_t size) {
    CURLU *handle = curl_url();
    char *host = NULL;
    unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME;
    bool good = handle != NULL && curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK &&
                curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0' &&
                e5_text_copy(out, size, host);
    if (good) e5_text_clean(out);
    curl_free(host);
    curl_url_cleanup(handle);
    return good;
}

enum e5_status e5_proxy_for(const char *chosen, const char *excepted, const struct e5_url *url, struct e5_proxy *out,
                            struct e5_error *err) {
    bool direct = excepted != NULL && (e5_url_is_loopback(url) || e5_proxy_excepts(excepted, url));
    *out = (struct e5_proxy){.url = ""};
    if (chosen == NULL || chosen[0] == '\0' || direct) return E5_OK;
    if (e5_text_copy(out->url, sizeof out->url, chosen) && take_host(chosen, out->host, sizeof out->host))
        return E5_OK;
    explicit_bzero(out, sizeof *out);
    enum e5_status status =
        e5_fail(err, E5_CONFIG, "the address of the proxy cannot be read"); /* a password may stand in it */
    e5_error_hint(err, "it has the form http://host:port, in the argument proxy or the environment variable %s",
                  "https_proxy");
    return status;
}
