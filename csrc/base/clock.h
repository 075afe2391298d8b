/* clock: time for waiting (monotonic) and for stamping (wall).
 *
 * Waits and deadlines use e5_clock_monotonic() only: the wall clock may jump.  Any thread; nothing blocks but
 * e5_clock_wait(). */
#ifndef E5_BASE_CLOCK_H
#define E5_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

double e5_clock_monotonic(void); /* seconds since some fixed moment */
double e5_clock_wall(void);      /* seconds since 1970-01-01 UTC */
/* "2026-02-03T10:11:12.131Z", the DATETIME form of GeoPackage. */
#define E5_CLOCK_STAMP_SIZE 32
void e5_clock_stamp(double wall_seconds, char out[E5_CLOCK_STAMP_SIZE]);

/* A condition whose waits heed the monotonic clock; pthread_cond_destroy() ends it. */
void e5_clock_condition_init(pthread_cond_t *condition);
/* Wait until `moment`; false: it has come. */
bool e5_clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, double moment);

#endif
