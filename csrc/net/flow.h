/* flow: do bytes come fast enough?
 *
 * Within every window of time a quota of bytes has to come; as soon as it is met the next window begins, so that
 * silence is noticed one window after the last quota.  libcurl's own check counts whole seconds only.  Pure: the
 * holder owns the struct and gives the time.  One thread at a time; nothing blocks. */
#ifndef E5_NET_FLOW_H
#define E5_NET_FLOW_H

#include <stdbool.h>
#include <stdint.h>

struct e5_flow {
    double window, quota; /* seconds; bytes */
    bool moving;          /* the first window has begun */
    double since;         /* when the window began, */
    int64_t from;         /* and at which byte */
};

/* Nothing is asked for before e5_flow_too_slow() is called.  At least one byte has to come in `window` seconds. */
void e5_flow_begin(struct e5_flow *flow, double window, double bytes_per_second);
void e5_flow_ask(struct e5_flow *flow, double bytes_per_second); /* another speed from now on; the window goes on */
/* `bytes` so far; true: fewer than must.  The first call begins the first window. */
bool e5_flow_too_slow(struct e5_flow *flow, double now, int64_t bytes);

#endif
