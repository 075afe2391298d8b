#include "net/curl_guard.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/* A service may have several numbers: what any of them may name, it may name. */
static void note_reach(struct e5_http_shared *shared, enum e5_reach reach) {
    if (!shared->is_reach_seen || reach > shared->reach) shared->reach = reach;
    shared->is_reach_seen = true;
}

static bool is_allowed(const struct e5_curl_guard *guard, enum e5_reach reach) {
    const struct e5_http_shared *shared = guard->shared;
    bool home = strcmp(guard->address->host, shared->service.host) == 0;
    if (guard->proxy[0] != '\0') return true; /* which is where the user says it is */
    if (home) note_reach(guard->shared, reach);
    return home || reach <= (shared->is_reach_seen ? shared->reach : E5_REACH_PUBLIC);
}

static void note_refusal(struct e5_curl_guard *guard, enum e5_reach reach) {
    const struct e5_http_shared *shared = guard->shared;
    guard->refused = guard->has_refused && guard->refused > reach ? guard->refused : reach;
    guard->has_refused = true;
    guard->is_open = !shared->is_reach_seen && guard->refused <= shared->reach;
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
        note_refusal(guard, reach);
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

static bool is_shut(const struct e5_curl_guard *guard, int curl_code) {
    return curl_code == CURLE_COULDNT_CONNECT && guard->has_refused && !guard->has_allowed;
}

void e5_curl_guard_judge(const struct e5_curl_guard *guard, int curl_code, struct e5_error *err) {
    const char *where = guard->refused == E5_REACH_LOCAL ? "on this machine" : "in a private network";
    if (is_shut(guard, curl_code) && err->status == E5_OK)
        err->status = e5_fail(err, E5_UNSAFE, "refused data address %s: %s", where, guard->address->host);
}

bool e5_curl_guard_asks(const struct e5_curl_guard *guard, int curl_code) {
    return is_shut(guard, curl_code) && guard->is_open;
}

bool e5_curl_guard_answer(struct e5_curl_guard *guard, const struct e5_lookup *lookup, bool *temporary,
                          struct e5_error *err) {
    struct e5_http_shared *shared = guard->shared;
    enum e5_reach reach;
    if (e5_lookup_reach(lookup, &reach)) note_reach(shared, reach);
    *temporary = !shared->is_reach_seen;
    if (*temporary) {
        err->status = e5_fail(err, E5_NETWORK, "cannot look up %s, before data come from a private network",
                              shared->service.host);
    } else if (guard->refused > shared->reach) {
        e5_curl_guard_judge(guard, CURLE_COULDNT_CONNECT, err);
    } else {
        guard->has_refused = guard->is_open = false;
    }
    return err->status == E5_OK;
}
