#include "drive/waiting.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/log.h"
#include "net/token.h"

#define LASTING 5.0     /* seconds: what is not over by then is no passing fault */
#define TELL_EVERY 60.0 /* seconds */

void e5_waiting_tell(struct e5_waiting *waiting, const struct e5_retry *retry, double pace, double now,
                     const char *name, double seconds, const char *why, const char *key) {
    char line[E5_LOG_LINE_SIZE];
    bool lasts = now + seconds - retry->since >= LASTING * pace; /* told before the silence, not after it */
    if (now < (lasts ? waiting->warned_at : waiting->told_at)) return;
    snprintf(line, sizeof line, "%s%swaiting %.1f s: %s", name, name[0] != '\0' ? ": " : "", seconds, why);
    e5_token_mask(key, line);
    e5_log(lasts ? E5_LOG_WARNING : E5_LOG_INFO, "%s", line);
    waiting->told_at = now + TELL_EVERY;
    if (lasts) waiting->warned_at = waiting->told_at;
}
