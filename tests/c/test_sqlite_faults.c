/* An SQLite that is not ours, or that refuses what it is asked for: the journal is not opened, and says why. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <string.h>

#include "check.h"
#include "db/journal.h"
#include "folder.h"

/* What stands in for SQLite's own; 0 and NULL: the truth. */
static int refusal;          /* of a change of the journal's mode */
static const char *stranger; /* the text of another copy */

const char *sqlite3_libversion(void) {
    static const char *(*next)(void);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_libversion");
    return stranger != NULL ? stranger : next();
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *with, char **text) {
    static __typeof__(&sqlite3_exec) next;
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_exec");
    return refusal != 0 && strstr(sql, "journal_mode") != NULL ? refusal : next(db, sql, row, with, text);
}

static enum e5_status open_fresh(double busy_seconds, struct e5_error *err) {
    struct e5_journal *journal = NULL;
    folder_make();
    enum e5_status status =
        e5_journal_open(folder_path("journal.sqlite"), "https://cds.example/api", "me", busy_seconds, &journal, err);
    e5_journal_close(journal);
    folder_remove();
    return status;
}

TEST(two_copies_of_sqlite_are_refused) {
    struct e5_error err = E5_ERROR_NONE;
    stranger = "1.2.3";
    CHECK(open_fresh(1, &err) == E5_DATABASE);
    stranger = NULL;
    CHECK(strstr(err.what, "SQLite 1.2.3 of another package stands in the way of SQLite 3") != NULL);
    CHECK(strstr(err.hint, "era5fast doctor") != NULL);
}

TEST(a_mode_that_is_refused_is_told_or_waited_for) {
    static const struct {
        int code;
        double patience;
        enum e5_status status;
    } rows[] = {
        {SQLITE_IOERR, 1, E5_STORAGE},
        {SQLITE_BUSY, 0, E5_DATABASE_BUSY},
        {SQLITE_BUSY, 0.01, E5_DATABASE_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct e5_error err = E5_ERROR_NONE;
        refusal = rows[i].code;
        CHECK(open_fresh(rows[i].patience, &err) == rows[i].status);
        CHECK(strstr(err.what, "cannot open the journal") != NULL);
    }
    refusal = 0;
    struct e5_error err = E5_ERROR_NONE;
    CHECK(open_fresh(1, &err) == E5_OK);
}

int main(void) {
    RUN(two_copies_of_sqlite_are_refused);
    RUN(a_mode_that_is_refused_is_told_or_waited_for);
    return check_summary();
}
