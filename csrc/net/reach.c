#include "net/reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
    uint32_t network;
    int bits;
    enum e5_reach reach;
} networks[] = {
    {0x00000000u, 8, E5_REACH_LOCAL},    /* 0.0.0.0/8: this network */
    {0x7f000000u, 8, E5_REACH_LOCAL},    /* 127.0.0.0/8 */
    {0xa9fe0000u, 16, E5_REACH_LOCAL},   /* 169.254.0.0/16 */
    {0x0a000000u, 8, E5_REACH_PRIVATE},  /* 10.0.0.0/8 */
    {0xac100000u, 12, E5_REACH_PRIVATE}, /* 172.16.0.0/12 */
    {0xc0a80000u, 16, E5_REACH_PRIVATE}, /* 192.168.0.0/16 */
    {0x64400000u, 10, E5_REACH_PRIVATE}, /* 100.64.0.0/10 */
};

static enum e5_reach of_v4(uint32_t address) {
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if ((address ^ networks[i].network) >> (32 - networks[i].bits) == 0) return networks[i].reach;
    return E5_REACH_PUBLIC;
}

/* An IPv6 address may have one of IPv4 in it: as such (::ffff:0:0/96), or for a gateway (64:ff9b::/96). */
static enum e5_reach of_v6(const unsigned char byte[16]) {
    static const unsigned char zeros[16], mapped[12] = {[10] = 0xff, [11] = 0xff},
                                          gateway[12] = {0, 0x64, 0xff, 0x9b};
    bool is_mapped = memcmp(byte, mapped, 12) == 0, is_gateway = memcmp(byte, gateway, 12) == 0;
    if (is_mapped || is_gateway) {
        uint32_t v4;
        memcpy(&v4, byte + 12, sizeof v4);
        return of_v4(ntohl(v4));
    }
    if (memcmp(byte, zeros, 15) == 0 && byte[15] <= 1) return E5_REACH_LOCAL;
    if (byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80) return E5_REACH_LOCAL;
    return (byte[0] & 0xfe) == 0xfc ? E5_REACH_PRIVATE : E5_REACH_PUBLIC;
}

enum e5_reach e5_reach_of(const struct sockaddr *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return of_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return E5_REACH_LOCAL; /* sockets of this machine */
    memcpy(&v6, address, sizeof v6);
    return of_v6(v6.sin6_addr.s6_addr);
}

bool e5_reach_is_number(const char *host) {
    struct in_addr v4;
    return host[0] == '[' || inet_pton(AF_INET, host, &v4) == 1;
}

enum e5_reach e5_reach_of_host(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    char bare[64];
    if (strcmp(host, "localhost") == 0) return E5_REACH_LOCAL;
    if (inet_pton(AF_INET, host, &v4) == 1) return of_v4(ntohl(v4.s_addr));
    if (host[0] != '[') return E5_REACH_PUBLIC;
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(host + 1, "]%"), host + 1); /* without the name of a link */
    return inet_pton(AF_INET6, bare, &v6) == 1 ? of_v6(v6.s6_addr) : E5_REACH_LOCAL;
}
