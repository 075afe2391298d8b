/* idle: threads that wait a moment for the next call before they end.
 *
 * Who reads step by step begins a job for each step, and a new thread takes longer to start than many a step to read.
 * The context is borrowed until the body touches it for the last time; nothing is to be joined, so whoever waits for
 * the end must be told by the body itself.  One thread serves many bodies: what a body keeps in thread-local memory
 * it takes back.  Any thread, but under no lock that fork() takes as well; blocks only while a thread is made.  In a
 * forked child no thread waits. */
#ifndef E5_POOL_IDLE_H
#define E5_POOL_IDLE_H

#include "base/error.h"

/* Run body(context) in a thread that has nothing to do, or in a new one. */
E5_MUST_USE enum e5_status e5_idle_run(void (*body)(void *), void *context, struct e5_error *err);

#endif
