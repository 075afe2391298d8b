#include "net/curl_options.h"

#include <curl/curl.h>
#include <math.h>
#include <string.h>

#define HAPPY_EYEBALLS_MS 200L /* then the other address family is tried as well */

/* Whom to trust: for the service, the data and a proxy that is spoken to in https. */
static void set_trust(CURL *easy, const struct e5_http_shared *shared) {
    const char *file = shared->ca_is_folder ? NULL : shared->ca_file;
    const char *folder = shared->ca_is_folder ? shared->ca_file : NULL;
    if (file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
    }
    if (folder != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, folder);
    }
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or newer */
    if (shared->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

enum e5_status e5_curl_add_header(struct curl_slist **list, const char *line, struct e5_error *err) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) return e5_fail(err, E5_MEMORY, "cannot keep a header");
    *list = longer;
    return E5_OK;
}

long e5_curl_milliseconds(double seconds) { return (long)fmin(fmax(1, ceil(seconds * 1e3)), 1e9); }

void e5_curl_set_shared(void *easy, const struct e5_http_shared *shared) {
    static const long resolve[] = {[0] = CURL_IPRESOLVE_WHATEVER, [4] = CURL_IPRESOLVE_V4, [6] = CURL_IPRESOLVE_V6};
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, shared->user_agent);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* redirects are judged one by one, in exchange.c */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, e5_curl_milliseconds(shared->connect_timeout));
    curl_easy_setopt(easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, HAPPY_EYEBALLS_MS);
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, resolve[shared->ip_version]);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* no token to a proxy */
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set_trust(easy, shared);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* cancel does not wait for a name lookup */
#endif
}

enum e5_status e5_curl_set_method(void *easy, const char *method, const char *body, struct e5_error *err) {
    bool posts = strcmp(method, "POST") == 0, deletes = strcmp(method, "DELETE") == 0;
    bool heads = strcmp(method, "HEAD") == 0;
    if (heads) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (heads || strcmp(method, "GET") == 0) return E5_OK;
    if (posts)
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* libcurl repeats what a used connection cuts off */
    if (!deletes || body != NULL)
        if (curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body != NULL ? body : "") != CURLE_OK)
            return e5_fail(err, E5_MEMORY, "cannot keep the body of a request");
    if (!posts) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    return E5_OK;
}
