#include "net/retry.h"

#include <ctype.h>
#include <curl/curl.h>
#include <math.h>
#include <stdlib.h>

#define SHORTEST 0.5 /* of the first wait */
#define AFTER_LONGEST (6 * 3600.0)

void e5_retry_init(struct e5_retry *retry, uint64_t seed) { *retry = (struct e5_retry){.random = seed}; }

void e5_retry_progress(struct e5_retry *retry) { retry->row = 0; }

/* SplitMix64: good enough to keep clients out of step, and small. */
double e5_retry_random(struct e5_retry *retry) {
    uint64_t z = retry->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

bool e5_retry_again(struct e5_retry *retry, const struct e5_retry_policy *policy, double now, double asked,
                    double *wait) {
    if (retry->row == 0) retry->since = now;
    double left = policy->patience - (now - retry->since);
    retry->tries++;
    if (left <= 0 || asked > left) return false;
    unsigned n = retry->row < 30 ? retry->row : 30;
    double longest = fmin(policy->longest, ldexp(policy->first, (int)n)),
           shortest = SHORTEST * fmin(policy->first, longest);
    double drawn = policy->pace * (shortest + (longest - shortest) * e5_retry_random(retry));
    retry->row++;
    *wait = fmax(asked, fmin(drawn, left));
    return true;
}

static bool all_digits(const char *text) {
    if (*text == '\0') return false;
    while (isdigit((unsigned char)*text)) text++;
    return *text == '\0';
}

double e5_retry_after(const char *text, double wall_now) {
    double seconds = 0;
    if (all_digits(text)) {
        seconds = strtod(text, NULL);
    } else if (isalpha((unsigned char)*text)) {
        time_t date = curl_getdate(text, NULL);
        if (date != (time_t)-1) seconds = (double)date - wall_now;
    }
    return seconds > 0 ? fmin(fmax(seconds, 1.0), AFTER_LONGEST) : 0;
}
