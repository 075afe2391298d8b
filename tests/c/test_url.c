#include "net/url.h"

#include "check.h"

static struct e5_url parsed(const char *text) {
    struct e5_url url;
    CHECK_OK(e5_url_parse(text, &url, err));
    return url;
}

TEST(parts_are_found) {
    struct e5_url url = parsed("https://CDS.Example.org/api?x=1");
    CHECK(strcmp(url.scheme, "https") == 0 && strcmp(url.host, "cds.example.org") == 0);
    CHECK(url.port == 443 && !url.has_user);
    CHECK(parsed("http://u:p@h.org:81/").has_user);
    CHECK(parsed("http://[::1]:81/").port == 81);
}

TEST(other_schemes_are_refused) {
    static const char *const bad[] = {"ftp://h/x", "file:///etc/passwd", "", "h.org/x", "https://", "gopher://h/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct e5_url url;
        CHECK_STATUS(E5_UNSAFE, e5_url_parse(bad[i], &url, err));
    }
}

TEST(origin_is_scheme_host_and_port) {
    struct e5_url a = parsed("https://h.org/api"), same = parsed("https://H.ORG:443/other");
    struct e5_url port = parsed("https://h.org:8443/api"), scheme = parsed("http://h.org:443/api");
    struct e5_url host = parsed("https://h.org.evil.org/api");
    CHECK(e5_url_same_origin(&a, &same));
    CHECK(!e5_url_same_origin(&a, &port) && !e5_url_same_origin(&a, &scheme) && !e5_url_same_origin(&a, &host));
}

TEST(loopback_is_by_name_or_number) {
    static const char *const local[] = {"http://localhost:1/", "http://127.0.0.1/", "http://127.8.9.1/",
                                        "http://[::1]/"};
    static const char *const remote[] = {"http://127.0.0.1.evil.org/", "http://localhost.evil.org/",
                                         "http://128.0.0.1/"};
    for (size_t i = 0; i < 4; i++) {
        struct e5_url url = parsed(local[i]);
        CHECK(e5_url_is_loopback(&url));
    }
    for (size_t i = 0; i < 3; i++) {
        struct e5_url url = parsed(remote[i]);
        CHECK(!e5_url_is_loopback(&url));
    }
}

TEST(service_must_be_secure_or_here) {
    struct e5_url url;
    CHECK_OK(e5_url_check_service("https://h.org/api", &url, err));
    CHECK_OK(e5_url_check_service("http://127.0.0.1:9/api", &url, err));
    CHECK_STATUS(E5_CONFIG, e5_url_check_service("http://h.org/api", &url, err));
    CHECK_STATUS(E5_CONFIG, e5_url_check_service("https://me:pw@h.org/api", &url, err));
    CHECK_STATUS(E5_CONFIG, e5_url_check_service("nonsense", &url, err));
}

TEST(data_address_is_judged) {
    struct e5_url far = parsed("https://h.org/api"), here = parsed("http://127.0.0.1:9/api");
    CHECK_OK(e5_url_check_data("https://store.org/x?sig=1", &far, E5_REACH_PUBLIC, err));
    CHECK_OK(e5_url_check_data("http://127.0.0.1:10/x", &here, E5_REACH_LOCAL, err));
    CHECK_STATUS(E5_NETWORK, e5_url_check_data("http://store.org/x", &far, E5_REACH_PUBLIC, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://127.0.0.1/x", &far, E5_REACH_PUBLIC, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://u:p@store.org/x", &far, E5_REACH_PUBLIC, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://10.1.2.3/x", &far, E5_REACH_PUBLIC, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://[fd00::1]/x", &far, E5_REACH_PUBLIC, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://169.254.169.254/x", &far, E5_REACH_PUBLIC, err));
    struct e5_url inside = parsed("https://192.168.1.1/api");
    CHECK_OK(e5_url_check_data("https://10.1.2.3/x", &inside, E5_REACH_PRIVATE, err));
    CHECK_OK(e5_url_check_data("https://10.1.2.3/x", &here, E5_REACH_LOCAL, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://169.254.169.254/x", &inside, E5_REACH_PRIVATE, err));
    CHECK_OK(e5_url_check_data("https://10.1.2.3/x", &far, E5_REACH_PRIVATE, err)); /* a name inside */
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("https://127.0.0.1/x", &far, E5_REACH_PRIVATE, err));
    CHECK_STATUS(E5_UNSAFE, e5_url_check_data("file:///etc/passwd", &here, E5_REACH_LOCAL, err));
}

TEST(join_resolves_relative_references) {
    char out[E5_URL_SIZE];
    CHECK_OK(e5_url_join("https://h.org/api/jobs/1/results", "/data/x.nc", out, err));
    CHECK(strcmp(out, "https://h.org/data/x.nc") == 0);
    CHECK_OK(e5_url_join("https://h.org/api", "https://s.org/y?z=1", out, err));
    CHECK(strcmp(out, "https://s.org/y?z=1") == 0);
    CHECK_STATUS(E5_UNSAFE, e5_url_join("https://h.org/api", "", out, err));
}

TEST(segments_cannot_leave_their_place) {
    struct e5_buffer out = {0};
    CHECK_OK(e5_url_escape(&out, "a-b_c.d~e", err));
    CHECK(strcmp(out.bytes, "a-b_c.d~e") == 0);
    e5_buffer_clear(&out);
    CHECK_OK(e5_url_escape(&out, "../jobs?x=\xC3\xA9", err));
    CHECK(strcmp(out.bytes, "..%2Fjobs%3Fx%3D%C3%A9") == 0);
    CHECK_STATUS(E5_INPUT, e5_url_escape(&out, "..", err));
    CHECK_STATUS(E5_INPUT, e5_url_escape(&out, "", err));
    e5_buffer_fini(&out);
}

TEST(redacted_addresses_hold_no_secret) {
    static const struct {
        const char *text, *shown;
    } cases[] = {{"https://me:pw@h.org/p?sig=1#f", "https://h.org/p"},
                 {"https://h.org/a@b", "https://h.org/a@b"},
                 {"https://me:p@w@h.org", "https://h.org"},
                 {"plain?x", "plain"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        e5_url_redact(cases[i].text, out, sizeof out);
        CHECK(strcmp(out, cases[i].shown) == 0);
    }
}

int main(void) {
    RUN(parts_are_found);
    RUN(other_schemes_are_refused);
    RUN(origin_is_scheme_host_and_port);
    RUN(loopback_is_by_name_or_number);
    RUN(service_must_be_secure_or_here);
    RUN(data_address_is_judged);
    RUN(join_resolves_relative_references);
    RUN(segments_cannot_leave_their_place);
    RUN(redacted_addresses_hold_no_secret);
    return check_summary();
}
