#include "net/flow.h"

#include <math.h>

void e5_flow_begin(struct e5_flow *flow, double window, double bytes_per_second) {
    *flow = (struct e5_flow){.window = window};
    e5_flow_ask(flow, bytes_per_second);
}

void e5_flow_ask(struct e5_flow *flow, double bytes_per_second) {
    flow->quota = fmax(1, bytes_per_second * flow->window);
}

bool e5_flow_too_slow(struct e5_flow *flow, double now, int64_t bytes) {
    if (flow->moving && (double)(bytes - flow->from) < flow->quota) return now - flow->since > flow->window;
    flow->moving = true;
    flow->since = now;
    flow->from = bytes;
    return false;
}
