/* reach: from where an address can be reached: from everywhere, inside a private network, on this machine or link.
 *
 * Whoever answers from far away must not send us into the network we are in.  Any thread; nothing blocks. */
#ifndef E5_NET_REACH_H
#define E5_NET_REACH_H

#include <stdbool.h>

struct sockaddr;

/* Whoever can be reached from further away may not name what is nearer to us: the order counts. */
enum e5_reach {
    E5_REACH_PUBLIC,  /* also names, of which nothing is known before they are resolved */
    E5_REACH_PRIVATE, /* RFC 1918, RFC 4193, and the addresses shared behind a provider's gateway */
    E5_REACH_LOCAL    /* loopback, link-local, unspecified */
};

enum e5_reach e5_reach_of(const struct sockaddr *address);
enum e5_reach e5_reach_of_host(const char *host); /* a number, IPv6 in brackets, "localhost", or another name */
bool e5_reach_is_number(const char *host);

#endif
