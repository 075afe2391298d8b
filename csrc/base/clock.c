#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

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
