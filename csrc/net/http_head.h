/* http_head: what the header lines of a reply say.
 *
 * The caller owns the struct; lines come one by one as they arrive; a status line begins anew, so that of several
 * heads in one exchange (100 Continue, then the reply) the last one stays.  One thread at a time; nothing blocks. */
#ifndef E5_NET_HTTP_HEAD_H
#define E5_NET_HTTP_HEAD_H

#include <stdint.h>

#include "base/error.h"
#include "net/checksum.h"

struct e5_http_head { /* texts are "" and numbers −1 where nothing is said */
    int status;
    char type[80], encoding[32], etag[E5_ETAG_SIZE];
    char location[512];
    int64_t length, range_start, range_total;
    double retry_after; /* seconds; 0: not said */
    double date;        /* the server's wall clock; 0: not said */
};

void e5_http_head_init(struct e5_http_head *head);
/* One line as it came, with or without its line end. */
void e5_http_head_line(struct e5_http_head *head, const char *line, size_t size, double wall_now);
/* To another address, which is to be asked instead. */
bool e5_http_head_redirects(const struct e5_http_head *head);

#endif
