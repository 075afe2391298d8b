/* wait: the one place that waits for native work.
 *
 * Runs `body` in a job of its own, drops the GIL, and wakes at most every 50 ms to look for signals (ctrl-C), to
 * report progress and to pass on log lines.  When a signal handler or the progress callback raises, the work is
 * cancelled, waited for, and that exception stands. */
#ifndef E5PY_WAIT_H
#define E5PY_WAIT_H

#include "pool/job.h"
#include "python/state.h"

/* 0, or −1 with an exception set.  `progress` is a callable (done, total, stage) or None. */
int e5py_run(PyObject *module, e5_job_fn body, void *context, PyObject *progress);
/* The same for work in many parts: `progress` is a callable (done, total, stage, counts), the last a dict of the
 * watch's counts by name. */
int e5py_run_counted(PyObject *module, e5_job_fn body, void *context, PyObject *progress);

#endif
