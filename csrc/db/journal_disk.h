/* journal_disk: is a file on a file system that other computers use at the same time?
 *
 * There a write-ahead log, which needs shared memory, would come to grief.  In doubt (file systems in user space) the
 * answer is yes: the other way of writing is slower, not worse.  Any thread; one system call.
 * Tests make every file lie on a file system of a given type with e5_disk_pretend(); 0 switches that off. */
#ifndef E5_DB_JOURNAL_DISK_H
#define E5_DB_JOURNAL_DISK_H

#include <stdbool.h>

bool e5_disk_is_shared(const char *path);
bool e5_disk_is_shared_by(int fd); /* the same of an open file */
void e5_disk_pretend(unsigned long type); /* number as in statfs(2) of Linux */

#endif
