#include "net/proxy.h"

#include "check.h"

static struct e5_url url;
static struct e5_proxy proxy;

static void parse(const char *text) { CHECK_OK(e5_url_parse(text, &url, err)); }

static bool excepted(const char *list, const char *address) {
    parse(address);
    return e5_proxy_excepts(list, &url);
}

static const char *proxy_of(const char *chosen, const char *excepted, const char *address) {
    parse(address);
    CHECK_OK(e5_proxy_for(chosen, excepted, &url, &proxy, err));
    return proxy.host;
}

struct row {
    const char *list, *address;
    bool excepted;
};

static const struct row rows[] = {
    {"", "https://a.example.org/", false},
    {"*", "https://a.example.org/", true},
    {"example.org", "https://example.org/", true},
    {"example.org", "https://a.example.org/", true},
    {"example.org", "https://badexample.org/", false},
    {".example.org", "https://a.example.org/", true},
    {"*.example.org", "https://a.example.org/", true},
    {"other.net, EXAMPLE.org", "https://a.example.org/", true},
    {"other.net example.org", "https://a.example.org/", true},
    {"example.org:443", "https://a.example.org/", true},
    {"example.org:8443", "https://a.example.org/", false},
    {"10.0.0.0/8", "https://10.1.2.3/", true},
    {"10.0.0.0/8", "https://11.1.2.3/", false},
    {"0.0.0.0/0", "https://11.1.2.3/", true},
    {"10.1.2.3/32", "https://10.1.2.3/", true},
    {"10.0.0.0/99", "https://10.1.2.3/", false},
    {"10.1.2.3", "https://10.1.2.3/", true},
    {"fd00::1", "https://[fd00::1]/", true},
    {"[fd00::1]", "https://[fd00::1]/", true},
    {"fd00::2", "https://[fd00::1]/", false},
    {",, ,", "https://a.example.org/", false},
};

TEST(exceptions_are_read_as_usual) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is = excepted(rows[i].list, rows[i].address);
        if (is != rows[i].excepted) printf("%s %s\n", rows[i].list, rows[i].address);
        CHECK(is == rows[i].excepted);
    }
}

TEST(what_the_environment_names_has_exceptions) {
    const char *const named = "http://me:secret@lower.example:3128";
    CHECK(strcmp(proxy_of(named, "", "https://example.org/"), "lower.example") == 0);
    CHECK(strcmp(proxy.url, named) == 0);
    CHECK(strcmp(proxy_of("last.example:3128", "", "https://example.org/"), "last.example") == 0);
    CHECK(strcmp(proxy_of(named, "", "http://127.0.0.1:80/"), "") == 0);
    CHECK(strcmp(proxy_of(named, "example.org", "https://example.org/"), "") == 0);
    CHECK(strcmp(proxy_of(named, "example.org", "https://example.net/"), "lower.example") == 0);
}

TEST(what_was_asked_for_holds_everywhere) {
    CHECK(strcmp(proxy_of("socks5h://chosen.example:1080", NULL, "http://127.0.0.1:80/"), "chosen.example") == 0);
    CHECK(strcmp(proxy_of("", NULL, "https://example.org/"), "") == 0 && proxy.url[0] == '\0');
    CHECK(strcmp(proxy_of(NULL, "*", "https://example.org/"), "") == 0 && proxy.url[0] == '\0');
}

TEST(an_unreadable_one_is_not_shown) {
    static char longer[2000];
    memset(longer, 'a', sizeof longer - 1);
    const char *const bad[] = {"http://me:secret@", "http://me:secret@ho st:1", "http://me:secret@x:99999999",
                               longer};
    parse("https://example.org/");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct e5_error err = E5_ERROR_NONE;
        CHECK(e5_proxy_for(bad[i], NULL, &url, &proxy, &err) == E5_CONFIG && proxy.url[0] == '\0');
        CHECK(strstr(err.what, "secret") == NULL && strstr(err.hint, "secret") == NULL);
    }
}

int main(void) {
    RUN(exceptions_are_read_as_usual);
    RUN(what_the_environment_names_has_exceptions);
    RUN(what_was_asked_for_holds_everywhere);
    RUN(an_unreadable_one_is_not_shown);
    return check_summary();
}
