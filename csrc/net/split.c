#include "net/split.h"

#define WARMING 0.5 /* windows that a connection needs to get going: slow start, TLS */
#define WORTH 4.0   /* windows that the piece would still take: less, and it is here before anything is known */

static void begin_window(struct e5_split *split, double now, int64_t bytes, bool counting) {
    split->begun = now;
    split->begun_at = bytes;
    split->counting = counting;
}

void e5_split_init(struct e5_split *split, double now, int64_t bytes, unsigned connections) {
    *split = (struct e5_split){.connections = connections};
    begin_window(split, now, bytes, false);
}

/* Somebody else's connection came or went: what was measured before cannot be compared. */
static void begin_anew(struct e5_split *split, double now, int64_t bytes, unsigned connections) {
    split->connections = connections;
    split->rate = 0;
    begin_window(split, now, bytes, false);
}

static enum e5_split_advice no_more(struct e5_split *split) {
    split->over = true;
    return E5_SPLIT_NO_MORE;
}

static enum e5_split_advice judge(struct e5_split *split, const struct e5_split_policy *policy, double now,
                                  int64_t bytes, double rate, unsigned idle, int64_t left) {
    bool gained = split->rate <= 0 || rate >= split->rate * (1 + policy->gain);
    if (!gained || left < E5_SPLIT_LEAST) return no_more(split);
    double seconds_left = (double)left * split->connections / rate;
    split->rate = 0;
    if (idle == 0 || seconds_left < WORTH * policy->window) {
        begin_window(split, now, bytes, true);
        return E5_SPLIT_KEEP;
    }
    split->rate = rate;
    split->connections++;
    begin_window(split, now, bytes, false);
    return E5_SPLIT_ADD;
}

enum e5_split_advice e5_split_advise(struct e5_split *split, const struct e5_split_policy *policy, double now,
                                     int64_t bytes, unsigned connections, unsigned idle, int64_t left) {
    double seconds = now - split->begun;
    if (split->over) return E5_SPLIT_NO_MORE;
    if (connections != split->connections) {
        begin_anew(split, now, bytes, connections);
        return E5_SPLIT_KEEP;
    }
    if (!split->counting) {
        if (seconds >= WARMING * policy->window) begin_window(split, now, bytes, true);
        return E5_SPLIT_KEEP;
    }
    if (seconds < policy->window) return E5_SPLIT_KEEP;
    double rate = (double)(bytes - split->begun_at) / seconds;
    if (rate <= 0) { /* stalled, or begun again */
        begin_window(split, now, bytes, true);
        return E5_SPLIT_KEEP;
    }
    return judge(split, policy, now, bytes, rate, idle, left);
}
