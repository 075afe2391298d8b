/* log: messages from native threads, kept in a ring until somebody drains them.
 *
 * Native threads never print.  They leave a line here; the thread that waits for them (csrc/python/wait.c, or a test)
 * drains the ring and hands the lines on.  When the ring is full the oldest line is dropped and counted.  Any thread
 * may call; a short internal lock; `take` is called without that lock held.  Debug lines are kept only when somebody
 * wants them, so that they never push out the others. */
#ifndef E5_BASE_LOG_H
#define E5_BASE_LOG_H

#include <stddef.h>

enum e5_log_level { E5_LOG_DEBUG, E5_LOG_INFO, E5_LOG_WARNING };

#define E5_LOG_LINE_SIZE 320

void e5_log(enum e5_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines below `level` are not kept from now on; E5_LOG_INFO to begin with. */
void e5_log_from(enum e5_log_level level);
/* Hand every kept line to `take`, oldest first; returns how many lines were lost since the last call. */
size_t e5_log_drain(void (*take)(void *context, enum e5_log_level level, const char *line), void *context);

#endif
