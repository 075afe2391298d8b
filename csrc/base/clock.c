#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define LATEST 1e9 /* seconds: keeps time_t safe on every platform */

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double e5_clock_monotonic(void) { return now(CLOCK_MONOTONIC); }
double e5_clock_wall(void) { return now(CLOCK_REALTIME); }

void e5_clock_stamp(double wall_seconds, char out[E5_CLOCK_STAMP_SIZE]) {
    double whole = floor(wall_seconds);
    time_t seconds = (time_t)whole;
    struct tm utc;
    char date[24];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, E5_CLOCK_STAMP_SIZE, "%s.%03dZ", date, (int)((wall_seconds - whole) * 1000));
}

void e5_clock_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* the wall clock may jump */
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool e5_clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, double moment) {
    double whole = floor(fmin(moment, e5_clock_monotonic() + LATEST));
    double part = moment - whole < 1 ? moment - whole : 0;
    struct timespec until = {.tv_sec = (time_t)whole, .tv_nsec = (long)(part * 1e9)};
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}
