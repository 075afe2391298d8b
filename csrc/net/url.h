/* url: addresses taken apart, compared and made safe to print.
 *
 * An origin is scheme + host + port; the token goes to one origin only.  Any thread; nothing blocks or is kept. */
#ifndef E5_NET_URL_H
#define E5_NET_URL_H

#include "base/buffer.h"
#include "net/reach.h"

#define E5_URL_SIZE 4096 /* longer addresses are refused; signed ones have some 1,500 characters */

struct e5_url {
    char scheme[8];
    char host[256]; /* lower case; IPv6 in brackets */
    unsigned port;
    bool has_user;  /* a user name or password stands in it */
};

/* http and https only; anything else is E5_UNSAFE. */
E5_MUST_USE enum e5_status e5_url_parse(const char *text, struct e5_url *out, struct e5_error *err);
bool e5_url_same_origin(const struct e5_url *a, const struct e5_url *b);
bool e5_url_is_loopback(const struct e5_url *url); /* this machine, by name or number */
bool e5_url_is_secure(const char *text);           /* https, or this machine */

/* The address of a service: https, or http on this machine; without user name.  E5_CONFIG otherwise. */
E5_MUST_USE enum e5_status e5_url_check_service(const char *text, struct e5_url *out, struct e5_error *err);
/* May data be fetched from there?  https, or this machine when the service itself is on it; without user name; by
 * number only where that is no nearer than the service, whose reach is `reach`. */
E5_MUST_USE enum e5_status e5_url_check_data(const char *text, const struct e5_url *service, enum e5_reach reach,
                                             struct e5_error *err);
/* The refusal of a service call that leads to another origin. */
enum e5_status e5_url_refuse(const struct e5_url *url, struct e5_error *err);

/* `reference`, which may be relative, as seen from `base`. */
E5_MUST_USE enum e5_status e5_url_join(const char *base, const char *reference, char out[E5_URL_SIZE],
                                       struct e5_error *err);
/* Append one path segment, percent-encoded; "." and ".." are refused, since they would change the path. */
E5_MUST_USE enum e5_status e5_url_escape(struct e5_buffer *out, const char *segment, struct e5_error *err);
/* Without user name, query and fragment: what may stand in logs, errors and files. */
void e5_url_redact(const char *text, char *out, size_t size);

#endif
