#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

#define RING_LINES 256 /* at one line a second per job this holds minutes; the drainer comes every 50 ms */

struct line {
    enum e5_log_level level;
    char text[E5_LOG_LINE_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line ring[RING_LINES];
static size_t first, count, lost;
static atomic_int lowest = E5_LOG_INFO;

/* fork() waits until nobody is inside, so that a child finds the ring open and in order. */
static void hold(void) { pthread_mutex_lock(&lock); }
static void release(void) { pthread_mutex_unlock(&lock); }
static void install(void) { pthread_atfork(hold, release, release); }

void e5_log(enum e5_log_level level, const char *format, ...) {
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed)) return;
    pthread_once(&installed, install);
    struct line line = {.level = level};
    va_list args;
    va_start(args, format);
    vsnprintf(line.text, sizeof line.text, format, args);
    va_end(args);
    e5_text_clean(line.text);
    pthread_mutex_lock(&lock);
    if (count == RING_LINES) {
        first = (first + 1) % RING_LINES;
        count--;
        lost++;
    }
    ring[(first + count++) % RING_LINES] = line;
    pthread_mutex_unlock(&lock);
}

void e5_log_from(enum e5_log_level level) { atomic_store(&lowest, (int)level); }

static bool pop(struct line *out) {
    pthread_mutex_lock(&lock);
    bool any = count > 0;
    if (any) {
        *out = ring[first];
        first = (first + 1) % RING_LINES;
        count--;
    }
    pthread_mutex_unlock(&lock);
    return any;
}

size_t e5_log_drain(void (*take)(void *context, enum e5_log_level level, const char *line), void *context) {
    struct line line;
    while (pop(&line)) take(context, line.level, line.text);
    pthread_mutex_lock(&lock);
    size_t missing = lost;
    lost = 0;
    pthread_mutex_unlock(&lock);
    return missing;
}
