/* retry: when to try again, and when to give up.
 *
 * Pure functions over a small struct; the holder owns it; the caller supplies the time and the seed.  Patience counts
 * from the first failure since the last progress.  One thread at a time; nothing blocks. */
#ifndef E5_NET_RETRY_H
#define E5_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct e5_retry {
    uint64_t random;  /* state of the generator that spreads the waits */
    unsigned row;     /* failures since the last progress */
    unsigned tries;   /* failures in all */
    double since;     /* time of the first failure since the last progress */
};

struct e5_retry_policy {
    double patience; /* seconds without progress */
    double pace;     /* factor on all waits; 1 in use, less in tests */
    double first, longest; /* seconds: the first wait is at most `first`, each further one twice as long */
};

void e5_retry_init(struct e5_retry *retry, uint64_t seed);
void e5_retry_progress(struct e5_retry *retry);
/* A failure at `now`: false when patience is over; else *wait until the next try.  `asked` is what the service asked
 * for in seconds, 0 for nothing; the wait is never shorter. */
bool e5_retry_again(struct e5_retry *retry, const struct e5_retry_policy *policy, double now, double asked,
                    double *wait);
double e5_retry_random(struct e5_retry *retry); /* uniform in [0, 1) */

/* Retry-After, as seconds or as a date, clamped to 1 s … 6 h; 0 where it says nothing useful. */
double e5_retry_after(const char *text, double wall_now);

#endif
