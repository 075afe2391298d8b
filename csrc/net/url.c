#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool get(CURLU *handle, CURLUPart part, unsigned flags, char *out, size_t size) {
    char *text = NULL;
    bool fits = curl_url_get(handle, part, &text, flags) == CURLUE_OK && e5_text_copy(out, size, text);
    curl_free(text);
    return fits;
}

static bool has(CURLU *handle, CURLUPart part) {
    char *text = NULL;
    bool found = curl_url_get(handle, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
}

static bool take_apart(CURLU *handle, const char *text, struct e5_url *out) {
    char port[16];
    *out = (struct e5_url){.port = 0};
    if (handle == NULL || strlen(text) >= E5_URL_SIZE) return false;
    if (curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) return false;
    if (!get(handle, CURLUPART_SCHEME, 0, out->scheme, sizeof out->scheme)) return false;
    if (strcmp(out->scheme, "https") != 0 && strcmp(out->scheme, "http") != 0) return false;
    if (!get(handle, CURLUPART_HOST, 0, out->host, sizeof out->host) || out->host[0] == '\0') return false;
    if (!get(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port)) return false;
    for (char *p = out->host; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    out->port = (unsigned)strtoul(port, NULL, 10);
    out->has_user = has(handle, CURLUPART_USER) || has(handle, CURLUPART_PASSWORD);
    return true;
}

enum e5_status e5_url_parse(const char *text, struct e5_url *out, struct e5_error *err) {
    CURLU *handle = curl_url();
    bool good = take_apart(handle, text, out);
    curl_url_cleanup(handle);
    if (good) return E5_OK;
    char shown[160];
    e5_url_redact(text, shown, sizeof shown);
    return e5_fail(err, E5_UNSAFE, "not an http or https address: '%s'", shown);
}

bool e5_url_same_origin(const struct e5_url *a, const struct e5_url *b) {
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

bool e5_url_is_loopback(const struct e5_url *url) {
    struct in_addr v4;
    if (inet_pton(AF_INET, url->host, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0;
}

bool e5_url_is_secure(const char *text) {
    struct e5_url url;
    return e5_url_parse(text, &url, NULL) == E5_OK && (strcmp(url.scheme, "https") == 0 || e5_url_is_loopback(&url));
}

enum e5_status e5_url_refuse(const struct e5_url *url, struct e5_error *err) {
    enum e5_status status =
        e5_fail(err, E5_REQUEST, "refused to take a service call to %s://%s", url->scheme, url->host);
    e5_error_hint(err, "is the configured service address right, and does no portal or proxy stand in the way?");
    return status;
}

enum e5_status e5_url_check_service(const char *text, struct e5_url *out, struct e5_error *err) {
    if (e5_url_parse(text, out, NULL) != E5_OK) {
        char shown[160];
        e5_url_redact(text, shown, sizeof shown);
        return e5_fail(err, E5_CONFIG, "the service address '%s' is not an https address", shown);
    }
    if (out->has_user) return e5_fail(err, E5_CONFIG, "the service address must not contain a user name");
    if (strcmp(out->scheme, "https") == 0 || e5_url_is_loopback(out)) return E5_OK;
    return e5_fail(err, E5_CONFIG, "the service address http://%s would send the token in clear text; use https",
                   out->host);
}

enum e5_status e5_url_check_data(const char *text, const struct e5_url *service, enum e5_reach reach,
                                 struct e5_error *err) {
    struct e5_url url;
    enum e5_status status = e5_url_parse(text, &url, err);
    if (status != E5_OK) return status;
    if (url.has_user) return e5_fail(err, E5_UNSAFE, "refused data address with a user name at %s", url.host);
    enum e5_reach there = e5_reach_of_host(url.host);
    if (there > reach && strcmp(url.host, service->host) != 0)
        return e5_fail(err, E5_UNSAFE, "refused data address %s: %s://%s",
                       there == E5_REACH_LOCAL ? "on this machine" : "in a private network", url.scheme, url.host);
    if (e5_url_is_loopback(&url) || strcmp(url.scheme, "https") == 0) return E5_OK;
    return e5_fail(err, E5_NETWORK, "refused insecure data address %s://%s", url.scheme, url.host);
}

enum e5_status e5_url_join(const char *base, const char *reference, char out[E5_URL_SIZE], struct e5_error *err) {
    CURLU *handle = curl_url();
    bool good = handle != NULL && reference[0] != '\0' && strlen(reference) < E5_URL_SIZE &&
                curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK &&
                curl_url_set(handle, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                get(handle, CURLUPART_URL, 0, out, E5_URL_SIZE);
    curl_url_cleanup(handle);
    if (good) return E5_OK;
    char shown[160];
    e5_url_redact(reference, shown, sizeof shown);
    return e5_fail(err, E5_UNSAFE, "unusable address '%s'", shown);
}

enum e5_status e5_url_escape(struct e5_buffer *out, const char *segment, struct e5_error *err) {
    enum e5_status status = E5_OK;
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0 || segment[0] == '\0')
        return e5_fail(err, E5_INPUT, "'%s' cannot be a name at the service", segment);
    for (const unsigned char *p = (const unsigned char *)segment; *p != '\0' && status == E5_OK; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("-._~", *p) != NULL;
        status = plain ? e5_buffer_append(out, p, 1, err) : e5_buffer_printf(out, err, "%%%02X", *p);
    }
    return status;
}

void e5_url_redact(const char *text, char *out, size_t size) {
    const char *rest = strstr(text, "://");
    size_t head = rest != NULL ? (size_t)(rest - text) + 3 : 0;
    size_t length = strcspn(text, "?#");
    if (head > length) head = 0;
    size_t authority = head + strcspn(text + head, "/?#\\");
    size_t start = head;
    for (size_t i = head; i < authority; i++)
        if (text[i] == '@') start = i + 1; /* the last @ ends the user name */
    snprintf(out, size, "%.*s%.*s", (int)head, text, (int)(length - start), text + start);
    e5_text_clean(out);
}
