/* journal_schema: the tables of a journal's file: whether they are ours, and how they become the newest.
 *
 * Whoever has the connection calls; blocks on the disk. */
#ifndef E5_DB_JOURNAL_SCHEMA_H
#define E5_DB_JOURNAL_SCHEMA_H

#include "db/sql.h"

/* E5_DATABASE for a file that is damaged, foreign or newer; `*out_version` 0: empty.  Nothing is written. */
E5_MUST_USE enum e5_status e5_journal_schema_check(struct e5_database *db, int64_t *out_version,
                                                   struct e5_error *err);
/* Bring the file to the newest schema, inside a transaction of the caller's. */
E5_MUST_USE enum e5_status e5_journal_schema_migrate(struct e5_database *db, struct e5_error *err);
int64_t e5_journal_schema_newest(void);

#endif
