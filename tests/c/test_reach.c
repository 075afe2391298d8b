#include "net/reach.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "check.h"

struct sample {
    const char *host;
    enum e5_reach reach;
    bool is_number;
};

static const struct sample samples[] = {
    {"localhost", E5_REACH_LOCAL, false},
    {"127.0.0.1", E5_REACH_LOCAL, true},
    {"127.255.0.9", E5_REACH_LOCAL, true},
    {"0.0.0.0", E5_REACH_LOCAL, true},
    {"169.254.169.254", E5_REACH_LOCAL, true},
    {"[::1]", E5_REACH_LOCAL, true},
    {"[::]", E5_REACH_LOCAL, true},
    {"[fe80::1]", E5_REACH_LOCAL, true},
    {"[fe80::1%25eth0]", E5_REACH_LOCAL, true},
    {"[febf::1]", E5_REACH_LOCAL, true},
    {"[::ffff:127.0.0.1]", E5_REACH_LOCAL, true},
    {"[nonsense]", E5_REACH_LOCAL, true},
    {"10.0.0.1", E5_REACH_PRIVATE, true},
    {"172.16.0.1", E5_REACH_PRIVATE, true},
    {"172.31.255.255", E5_REACH_PRIVATE, true},
    {"192.168.3.4", E5_REACH_PRIVATE, true},
    {"100.64.0.1", E5_REACH_PRIVATE, true},
    {"[fd12::1]", E5_REACH_PRIVATE, true},
    {"[fc00::1]", E5_REACH_PRIVATE, true},
    {"[64:ff9b::10.0.0.1]", E5_REACH_PRIVATE, true},
    {"11.0.0.1", E5_REACH_PUBLIC, true},
    {"172.15.0.1", E5_REACH_PUBLIC, true},
    {"172.32.0.1", E5_REACH_PUBLIC, true},
    {"192.169.0.1", E5_REACH_PUBLIC, true},
    {"100.128.0.1", E5_REACH_PUBLIC, true},
    {"128.0.0.1", E5_REACH_PUBLIC, true},
    {"[2001:db8::1]", E5_REACH_PUBLIC, true},
    {"[fec0::1]", E5_REACH_PUBLIC, true},
    {"[64:ff9b::8.8.8.8]", E5_REACH_PUBLIC, true},
    {"[::2]", E5_REACH_PUBLIC, true},
    {"cds.example", E5_REACH_PUBLIC, false},
};

TEST(hosts_are_where_their_numbers_say) {
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        CHECK(e5_reach_of_host(samples[i].host) == samples[i].reach);
        CHECK(e5_reach_is_number(samples[i].host) == samples[i].is_number);
    }
}

TEST(addresses_are_judged_as_their_numbers_are) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char bare[64];
        const char *host = samples[i].host;
        snprintf(bare, sizeof bare, "%.*s", (int)strcspn(host + 1, "]"), host + 1);
        if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
            CHECK(e5_reach_of((struct sockaddr *)&v4) == samples[i].reach);
        if (host[0] == '[' && inet_pton(AF_INET6, bare, &v6.sin6_addr) == 1)
            CHECK(e5_reach_of((struct sockaddr *)&v6) == samples[i].reach);
    }
    CHECK(e5_reach_of(&other) == E5_REACH_LOCAL);
}

int main(void) {
    RUN(hosts_are_where_their_numbers_say);
    RUN(addresses_are_judged_as_their_numbers_are);
    return check_summary();
}
