#include "net/curl_options.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

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

/* A service may have several numbers: what any of them may name, it may name. */
static void note_reach(struct e5_http_shared *shared, enum e5_reach reach) {
    if (!shared->is_reach_seen || reach > shared->reach) shared->reach = reach;
    shared->is_reach_seen = true;
}

static bool is_allowed(const struct e5_curl_guard *guard, enum e5_reach reach) {
    bool home = strcmp(guard->address->host, guard->shared->service.host) == 0;
    if (guard->proxy[0] != '\0') return true; /* which is where the user says it is */
    if (home) note_reach(guard->shared, reach);
    return home || reach <= guard->shared->reach;
}

static int make_socket(const struct curl_sockaddr *address) {
#ifdef SOCK_CLOEXEC
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    int made = socket(address->family, address->socktype, address->protocol);
    if (made >= 0) fcntl(made, F_SETFD, FD_CLOEXEC);
    return made;
#endif
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    struct e5_curl_guard *guard = context;
    enum e5_reach reach = e5_reach_of(&address->addr);
    (void)purpose;
    if (!is_allowed(guard, reach)) {
        guard->has_refused = true;
        guard->refused = reach;
        return CURL_SOCKET_BAD;
    }
    guard->has_allowed = true;
    int made = make_socket(address);
    return made >= 0 ? made : CURL_SOCKET_BAD;
}

void e5_curl_set_guard(void *easy, struct e5_curl_guard *guard) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
}

void e5_curl_guard_judge(const struct e5_curl_guard *guard, int curl_code, struct e5_error *err) {
    bool shut = curl_code == CURLE_COULDNT_CONNECT && guard->has_refused && !guard->has_allowed;
    const char *where = guard->refused == E5_REACH_LOCAL ? "on this machine" : "in a private network";
    if (shut && err->status == E5_OK)
        err->status = e5_fail(err, E5_UNSAFE, "refused data address %s: %s", where, guard->address->host);
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
