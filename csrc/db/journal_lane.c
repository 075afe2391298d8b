#include "db/journal.h"
#include "db/journal_base.h"

static enum e5_status load_lane(struct e5_journal *journal, const char *dataset, bool *found,
                                struct e5_journal_lane *out, struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_LANE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, dataset);
    status = e5_journal_step(journal, row, found, err);
    if (status != E5_OK || !*found) return status;
    out->limit = sqlite3_column_double(row->stmt, 0);
    out->hold_until = sqlite3_column_double(row->stmt, 1);
    out->rejected = (unsigned)sqlite3_column_int64(row->stmt, 2);
    e5_journal_reset(row);
    return E5_OK;
}

enum e5_status e5_journal_lane_load(struct e5_journal *journal, const char *dataset, bool *found,
                                    struct e5_journal_lane *out, struct e5_error *err) {
    *found = false;
    *out = (struct e5_journal_lane){0};
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, load_lane(journal, dataset, found, out, err), err) : status;
}

static enum e5_status save_lane(struct e5_journal *journal, const char *dataset, const struct e5_journal_lane *lane,
                                struct e5_error *err) {
    struct e5_row *row;
    enum e5_status status = e5_journal_row(journal, E5_DO_SET_LANE, &row, err);
    if (status != E5_OK) return status;
    e5_row_text(row, dataset);
    e5_row_real(row, lane->limit);
    e5_row_real(row, lane->hold_until);
    e5_row_integer(row, lane->rejected);
    return e5_row_run(&journal->db, row, err);
}

enum e5_status e5_journal_lane_save(struct e5_journal *journal, const char *dataset,
                                    const struct e5_journal_lane *lane, struct e5_error *err) {
    enum e5_status status = e5_journal_enter(journal, false, err);
    return status == E5_OK ? e5_journal_leave(journal, save_lane(journal, dataset, lane, err), err) : status;
}
