/* libcurl and libcrypto without memory: their calls that can fail do so once, and what is told. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdarg.h>

#include "base/digest.h"
#include "check.h"
#include "loopback.h"
#include "net/http.h"

/* The program's own functions stand in for those of the libraries. */
static bool no_context, no_start, no_handle, no_copy;
static CURLMcode poll_code;

#define NEXT(name)                   \
    static __typeof__(&(name)) next; \
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, #name)

EVP_MD_CTX *EVP_MD_CTX_new(void) {
    NEXT(EVP_MD_CTX_new);
    return no_context ? NULL : next();
}

int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *method, ENGINE *engine) {
    NEXT(EVP_DigestInit_ex);
    return no_start ? 0 : next(context, method, engine);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
    NEXT(curl_multi_add_handle);
    return no_handle ? CURLM_OUT_OF_MEMORY : next(multi, easy);
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd *more, unsigned n, int milliseconds, int *ready) {
    NEXT(curl_multi_poll);
    return poll_code != CURLM_OK ? poll_code : next(multi, more, n, milliseconds, ready);
}

/* Whatever follows the option is as wide as a pointer. */
#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
    NEXT(curl_easy_setopt);
    va_list rest;
    va_start(rest, option);
    void *value = va_arg(rest, void *);
    va_end(rest);
    return no_copy && option == CURLOPT_COPYPOSTFIELDS ? CURLE_OUT_OF_MEMORY : next(easy, option, value);
}

/* --- checksums --- */

TEST(a_checksum_that_cannot_be_started) {
    struct e5_digest digest;
    for (int i = 0; i < 4; i++) {
        struct e5_error said = E5_ERROR_NONE;
        no_context = i < 2;
        no_start = i >= 2;
        CHECK(e5_digest_init(&digest, i % 2 == 0 ? E5_MD5 : E5_SHA256, &said) == E5_MEMORY);
        CHECK(strcmp(said.what, "cannot start a checksum") == 0 && digest.context == NULL);
    }
    no_start = false;
    CHECK_OK(e5_digest_init(&digest, E5_MD5, err));
    struct e5_error said = E5_ERROR_NONE;
    no_start = true;
    CHECK(e5_digest_restart(&digest, &said) == E5_MEMORY && strcmp(said.what, "cannot start a checksum") == 0);
    no_start = false;
    CHECK_OK(e5_digest_restart(&digest, err));
    e5_digest_fini(&digest);
}

/* --- calls --- */

static struct loopback server;

static void answer(const char *request, struct loopback_reply *reply) {
    (void)request;
    loopback_text(reply, 200, "{}");
}

static enum e5_status start(struct e5_http *http, const char *post, struct e5_exchange **out, struct e5_error *err) {
    char url[100];
    snprintf(url, sizeof url, "%s/x", server.origin);
    return e5_http_start(http, &(struct e5_http_call){.url = url, .post = post}, out, err);
}

/* Afterwards the same engine makes the same call. */
TEST(a_call_that_cannot_be_started) {
    const struct e5_http_options options = {.url = server.origin, .key = "secret-key", .user_agent = "tester/1"};
    struct e5_error body = E5_ERROR_NONE, begun = E5_ERROR_NONE;
    struct e5_http *http = NULL;
    struct e5_exchange *exchange = NULL;
    CHECK_OK(e5_http_new(&options, &http, err));
    no_copy = true;
    CHECK(start(http, "{}", &exchange, &body) == E5_MEMORY && exchange == NULL);
    CHECK(strcmp(body.what, "cannot keep the body of a request") == 0);
    no_copy = false;
    no_handle = true;
    CHECK(start(http, "{}", &exchange, &begun) == E5_MEMORY && exchange == NULL);
    CHECK(strcmp(begun.what, "cannot start a call") == 0);
    no_handle = false;
    for (int i = 0; i < 2; i++) {
        struct e5_error said = E5_ERROR_NONE;
        poll_code = i == 0 ? CURLM_OUT_OF_MEMORY : CURLM_INTERNAL_ERROR;
        CHECK(e5_http_step(http, 0.01, &said) == (i == 0 ? E5_MEMORY : E5_INTERNAL));
        CHECK(strncmp(said.what, "libcurl: ", 9) == 0 && strlen(said.what) > 12);
    }
    poll_code = CURLM_OK;
    CHECK_OK(start(http, "{}", &exchange, err));
    for (int i = 0; i < 1000 && e5_http_ended(http) == NULL; i++) CHECK_OK(e5_http_step(http, 0.01, err));
    CHECK_OK(e5_exchange_outcome(exchange, err));
    e5_http_drop(http, exchange);
    e5_http_free(http);
}

int main(void) {
    RUN(a_checksum_that_cannot_be_started);
    loopback_start(&server, answer);
    RUN(a_call_that_cannot_be_started);
    loopback_stop(&server);
    return check_summary();
}
