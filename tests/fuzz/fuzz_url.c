/* Addresses: of the service, of data, of proxies, in redirects. */
#include "fuzz.h"
#include "net/proxy.h"

static void compare(const char *text) {
    struct e5_url url, service;
    if (e5_url_parse("https://cds.example.org/api", &service, NULL) != E5_OK) abort();
    if (e5_url_check_data(text, &service, E5_REACH_PUBLIC, NULL) == E5_OK) {
        MUST(e5_url_parse(text, &url, NULL) == E5_OK && strcmp(url.scheme, "https") == 0);
        MUST(!url.has_user && !e5_url_is_loopback(&url));
    }
    if (e5_url_check_service(text, &url, NULL) == E5_OK)
        MUST(!url.has_user && (strcmp(url.scheme, "https") == 0 || e5_url_is_loopback(&url)));
}

static void show(const char *text) {
    char shown[160];
    e5_url_redact(text, shown, sizeof shown);
    MUST(fuzz_is_clean(shown) && strchr(shown, '#') == NULL); /* a "?" may stand for a broken character */
}

static void join(const char *text) {
    char joined[E5_URL_SIZE];
    struct e5_url base, url;
    static const char *const from = "https://cds.example.org/api/x?y";
    if (e5_url_parse(from, &base, NULL) != E5_OK) abort();
    if (e5_url_join(from, text, joined, NULL) == E5_OK && e5_url_parse(joined, &url, NULL) == E5_OK &&
        text[0] == '/' && text[1] != '/' && text[1] != '\\')
        MUST(e5_url_same_origin(&url, &base)); /* a path stays where it is */
}

static void escape(const char *text) {
    struct e5_buffer out = {0};
    if (e5_url_escape(&out, text, NULL) == E5_OK)
        MUST(strpbrk(out.bytes, "/?#\\ \r\n") == NULL && strcmp(out.bytes, "..") != 0);
    e5_buffer_fini(&out);
}

static void choose_proxy(const char *text) {
    struct e5_url url;
    struct e5_proxy proxy;
    if (e5_url_parse("https://a.example.org:8443/", &url, NULL) != E5_OK) abort();
    e5_proxy_excepts(text, &url);
    if (e5_proxy_for(text, NULL, &url, &proxy, NULL) == E5_OK)
        MUST(fuzz_is_clean(proxy.host) && (text[0] == '\0') == (proxy.host[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    compare(text);
    show(text);
    join(text);
    escape(text);
    choose_proxy(text);
    free(text);
    return 0;
}
