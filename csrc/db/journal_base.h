/* journal_base: taking turns with a journal: transactions and statements.
 *
 * For the files of the journal only.  Between _enter and _leave the calling thread has the journal for itself; after
 * fork() the child gets E5_FORKED. */
#ifndef E5_DB_JOURNAL_BASE_H
#define E5_DB_JOURNAL_BASE_H

#include "db/journal_connect.h"

/* Take the journal; only on E5_OK it must be left.  With `writing` inside a transaction. */
E5_MUST_USE enum e5_status e5_journal_enter(struct e5_journal *journal, bool writing, struct e5_error *err);
/* Keep (on E5_OK) or undo what was written, give the journal back, pass `status` on. */
E5_MUST_USE enum e5_status e5_journal_leave(struct e5_journal *journal, enum e5_status status, struct e5_error *err);
/* A statement with service and owner filled in. */
E5_MUST_USE enum e5_status e5_journal_row(struct e5_journal *journal, enum e5_journal_sql which, struct e5_row **out,
                                          struct e5_error *err);
/* Its first or next row to read: `*found`; otherwise it is ready for the next values. */
E5_MUST_USE enum e5_status e5_journal_step(struct e5_journal *journal, struct e5_row *row, bool *found,
                                           struct e5_error *err);
void e5_journal_reset(struct e5_row *row); /* after reading */
/* A text of the row that is being read; NULL as "". */
void e5_journal_text(const struct e5_row *row, int column, char *out, size_t size);

#endif
