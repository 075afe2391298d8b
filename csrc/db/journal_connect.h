/* journal_connect: the connection behind a journal: its file, how it is written, who is waited for.
 *
 * For journal_base.c and journal_open.c; the others take turns through db/journal_base.h.  Whoever calls has the
 * journal for itself.  Nothing of SQLite may be open while a process forks: the child would inherit its belief to
 * hold locks, and its writes could be lost.  So every journal is disconnected before a fork, and connects again when
 * it is next used. */
#ifndef E5_DB_JOURNAL_CONNECT_H
#define E5_DB_JOURNAL_CONNECT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "db/journal_holder.h"
#include "db/sql.h"

enum e5_journal_sql {
#define E5_JOURNAL_SQL(name, text) E5_DO_##name,
#include "db/journal_sql.def"
#undef E5_JOURNAL_SQL
    E5_DO_COUNT_OF_ROWS
};

struct e5_journal {
    struct e5_database db; /* handle NULL: not connected */
    bool in_memory;
    struct e5_row rows[E5_DO_COUNT_OF_ROWS]; /* prepared when first used */
    char *service, *owner;
    struct e5_holder self;
    int64_t handle;        /* tells the journals of a process apart */
    bool intends;          /* there may be entries that name us */
    double busy_seconds, deadline;
    double hurried;        /* the deadline of a caller whose watch is cancelled */
    dev_t device;          /* which file it is: somebody may remove it */
    ino_t inode;
    pthread_mutex_t mutex;
    struct e5_journal *next; /* of this process */
};

/* Connect a journal that is not: make the file where there is none, bring it to the newest schema.  Waits for others
 * until `deadline`. */
E5_MUST_USE enum e5_status e5_journal_connect(struct e5_journal *journal, struct e5_error *err);
void e5_journal_disconnect(struct e5_journal *journal); /* one that is not connected is allowed */

#endif
