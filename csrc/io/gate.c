#include "io/gate.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static _Thread_local bool quiet;

static void hold(void) { pthread_mutex_lock(&gate); }
static void release(void) { pthread_mutex_unlock(&gate); }

/* fork() waits until nobody is inside, so that a child finds the gate open and the libraries in order. */
static void install(void) { pthread_atfork(hold, release, release); }

void e5_gate_enter(void) {
    pthread_once(&installed, install);
    hold();
    if (quiet) return;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    quiet = true;
}

/* Errors that wait in a thread's list hold what they are made of: HDF5 could not end, and would print that. */
void e5_gate_leave(void) {
    H5Eclear2(H5E_DEFAULT);
    release();
}
