/* The journal: what it promises to one process, to several, and after the worst. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "db/journal.h"
#include "db/journal_base.h"
#include "db/journal_disk.h"
#include "db/journal_holder.h"
#include "folder.h"

#define DATASET "reanalysis-era5-single-levels"
#define MANY 1e6 /* more slots than any test takes */

static const char *file;

static void fresh(void) {
    static char path[400];
    folder_make();
    snprintf(path, sizeof path, "%s", folder_path("journal.sqlite"));
    file = path;
}

static struct e5_journal *open_as(const char *service, const char *owner) {
    struct e5_journal *journal;
    CHECK_OK(e5_journal_open(file, service, owner, 5, &journal, err));
    return journal;
}

static struct e5_journal *open_one(void) { return open_as("https://cds.example/api", "me"); }

static struct e5_journal *in_memory(void) {
    struct e5_journal *journal;
    CHECK_OK(e5_journal_open(NULL, "https://cds.example/api", "me", 1, &journal, err));
    return journal;
}

static bool intend(struct e5_journal *journal, const char *fingerprint, double limit, struct e5_journal_job *out) {
    bool granted;
    struct e5_journal_job job;
    CHECK_OK(e5_journal_intend(journal, fingerprint, DATASET, "{\"year\": \"2003\"}", limit, false, &granted,
                               out != NULL ? out : &job, err));
    return granted;
}

static struct e5_journal_job find(struct e5_journal *journal, const char *fingerprint) {
    struct e5_journal_job job;
    CHECK_OK(e5_journal_find(journal, fingerprint, &job, err));
    return job;
}

static void created(struct e5_journal *journal, const char *fingerprint, const char *job_id) {
    CHECK_OK(e5_journal_created(journal, fingerprint, NULL, NULL, job_id, err));
}

static void status_is(struct e5_journal *journal, const char *job_id, const char *word) {
    CHECK_OK(e5_journal_status(journal, job_id, word, err));
}

/* Jobs of the dataset that are intended or queued by anybody, as the journal itself counts them; 99 for a failure. */
static unsigned queued(struct e5_journal *journal) {
    struct e5_row *row;
    int64_t count = 99;
    if (e5_journal_enter(journal, false, NULL) != E5_OK) return 99;
    enum e5_status status = e5_journal_row(journal, E5_DO_COUNT, &row, NULL);
    if (status == E5_OK) {
        e5_row_text(row, DATASET);
        e5_row_real(row, e5_clock_wall() - E5_JOURNAL_QUEUED);
        e5_row_real(row, e5_clock_wall() + E5_JOURNAL_QUEUED);
        e5_row_integer(row, UINT32_MAX);
        status = e5_row_look_up(&journal->db, row, &count, NULL);
    }
    return e5_journal_leave(journal, status, NULL) == E5_OK ? (unsigned)count : 99;
}

static int wait_for(pid_t child) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

/* SQL behind the journal's back, from a process of its own: closing the file here would drop our locks on it. */
static void change(const char *sql) {
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        bool good = sqlite3_open(file, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
        if (!good) printf("  %s\n", sqlite3_errmsg(db));
        sqlite3_close(db);
        fflush(stdout);
        CHECK_LEAVE(!good);
    }
    CHECK(wait_for(child) == 0);
}

/* --- one request --- */

TEST(a_request_goes_from_nothing_to_its_result) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_job job = find(journal, "aa");
    CHECK(job.state == E5_JOURNAL_NONE && job.job_id[0] == '\0' && job.status[0] == '\0');
    CHECK(intend(journal, "aa", 2, &job) && job.state == E5_JOURNAL_NONE);
    job = find(journal, "aa");
    CHECK(job.state == E5_JOURNAL_BUSY && job.job_id[0] == '\0' && job.status[0] == '\0');
    CHECK(fabs(job.begun - e5_clock_wall()) < 5 && job.age >= 0 && job.age < 5);
    created(journal, "aa", "job-1");
    job = find(journal, "aa");
    CHECK(job.state == E5_JOURNAL_ALIVE && strcmp(job.job_id, "job-1") == 0 && strcmp(job.status, "accepted") == 0);
    status_is(journal, "job-1", "running");
    job = find(journal, "aa");
    CHECK(job.state == E5_JOURNAL_ALIVE && strcmp(job.status, "running") == 0);
    status_is(journal, "job-1", "successful");
    CHECK(find(journal, "aa").state == E5_JOURNAL_ENDED);
    status_is(journal, "job-1", "running"); /* a replica that lags behind */
    CHECK(find(journal, "aa").state == E5_JOURNAL_ENDED);
    e5_journal_close(journal);
}

TEST(a_job_that_is_no_more_is_forgotten) {
    static const char *const ends[] = {"failed", "rejected", "dismissed", "deleted", "gone"};
    struct e5_journal *journal = in_memory();
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        CHECK(intend(journal, "aa", MANY, NULL));
        created(journal, "aa", "job-1");
        if (i % 2 == 0) status_is(journal, "job-1", "successful");
        status_is(journal, "job-1", ends[i]);
        CHECK(find(journal, "aa").state == E5_JOURNAL_NONE);
        CHECK(queued(journal) == 0);
    }
    status_is(journal, "never-heard-of", "successful");
    status_is(journal, "never-heard-of", "gone");
    e5_journal_close(journal);
}

TEST(a_word_that_nobody_knows_means_still_working) {
    struct e5_journal *journal = in_memory();
    CHECK(intend(journal, "aa", MANY, NULL));
    created(journal, "aa", "job-1");
    status_is(journal, "job-1", "pondering");
    CHECK(find(journal, "aa").state == E5_JOURNAL_ALIVE && queued(journal) == 0);
    e5_journal_close(journal);
}

TEST(an_equal_request_is_not_granted_twice) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_job job;
    CHECK(intend(journal, "aa", MANY, NULL));
    CHECK(!intend(journal, "aa", MANY, &job) && job.state == E5_JOURNAL_BUSY);
    created(journal, "aa", "job-1");
    CHECK(!intend(journal, "aa", MANY, &job) && job.state == E5_JOURNAL_ALIVE && strcmp(job.job_id, "job-1") == 0);
    status_is(journal, "job-1", "successful");
    CHECK(!intend(journal, "aa", MANY, &job) && job.state == E5_JOURNAL_ENDED);
    CHECK(intend(journal, "bb", MANY, NULL));
    e5_journal_close(journal);
}

TEST(a_withdrawn_request_leaves_nothing) {
    struct e5_journal *journal = in_memory();
    CHECK(intend(journal, "aa", 1, NULL) && queued(journal) == 1);
    CHECK_OK(e5_journal_withdraw(journal, "aa", err));
    CHECK(find(journal, "aa").state == E5_JOURNAL_NONE && queued(journal) == 0);
    CHECK(intend(journal, "bb", 1, NULL));
    created(journal, "bb", "job-2");
    CHECK_OK(e5_journal_withdraw(journal, "bb", err)); /* too late: there is a job */
    CHECK_OK(e5_journal_abandon(journal, "bb", err));
    CHECK(find(journal, "bb").state == E5_JOURNAL_ALIVE);
    e5_journal_close(journal);
}

TEST(an_abandoned_request_is_looked_for_first) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_job job;
    CHECK(intend(journal, "aa", 1, NULL));
    double begun = find(journal, "aa").begun;
    CHECK_OK(e5_journal_abandon(journal, "aa", err));
    CHECK(find(journal, "aa").state == E5_JOURNAL_INTENDED && queued(journal) == 0);
    CHECK(intend(journal, "bb", 1, NULL));
    CHECK(!intend(journal, "aa", 1, &job) && job.state == E5_JOURNAL_INTENDED); /* no slot */
    CHECK(intend(journal, "aa", 2, &job) && job.state == E5_JOURNAL_INTENDED);  /* taken over */
    job = find(journal, "aa");
    CHECK(job.state == E5_JOURNAL_BUSY && job.begun == begun);
    created(journal, "aa", "found");
    CHECK(find(journal, "aa").state == E5_JOURNAL_ALIVE);
    e5_journal_close(journal);
}

TEST(a_fresh_job_takes_the_place_of_the_old_one_which_goes_on_counting) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_job job;
    bool granted;
    CHECK(intend(journal, "aa", MANY, NULL));
    CHECK_OK(e5_journal_intend(journal, "aa", DATASET, "{}", MANY, true, &granted, &job, err));
    CHECK(!granted && job.state == E5_JOURNAL_BUSY);
    created(journal, "aa", "old");
    CHECK_OK(e5_journal_intend(journal, "aa", DATASET, "{}", MANY, true, &granted, &job, err));
    CHECK(granted && job.state == E5_JOURNAL_ALIVE && strcmp(job.job_id, "old") == 0);
    CHECK(find(journal, "aa").state == E5_JOURNAL_BUSY && queued(journal) == 2);
    created(journal, "aa", "new");
    CHECK(strcmp(find(journal, "aa").job_id, "new") == 0 && queued(journal) == 2);
    status_is(journal, "old", "successful");
    CHECK(find(journal, "aa").state == E5_JOURNAL_ALIVE && queued(journal) == 1);
    e5_journal_close(journal);
}

TEST(a_job_that_was_found_is_entered_without_an_intention) {
    struct e5_journal *journal = in_memory();
    CHECK_OK(e5_journal_created(journal, "aa", DATASET, "{}", "found", err));
    CHECK(strcmp(find(journal, "aa").job_id, "found") == 0 && queued(journal) == 1);
    status_is(journal, "found", "running");
    created(journal, "aa", "found"); /* again: nothing new */
    CHECK(strcmp(find(journal, "aa").status, "running") == 0);
    created(journal, "aa", "other");
    CHECK(strcmp(find(journal, "aa").job_id, "other") == 0);
    CHECK_OK(e5_journal_created(journal, NULL, NULL, NULL, "by-hand", err)); /* attached by its id */
    CHECK_OK(e5_journal_created(journal, NULL, NULL, NULL, "by-hand", err));
    CHECK(intend(journal, "cc", MANY, NULL));
    created(journal, "cc", "by-hand"); /* and now its request is known */
    CHECK(strcmp(find(journal, "cc").job_id, "by-hand") == 0);
    e5_journal_close(journal);
}

/* --- slots --- */

TEST(only_queued_jobs_take_slots) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_job job;
    bool granted;
    CHECK(intend(journal, "a", 2, NULL) && intend(journal, "b", 2.9, NULL));
    CHECK(!intend(journal, "c", 2.9, &job) && job.state == E5_JOURNAL_NONE);
    CHECK(!intend(journal, "c", 0, NULL) && !intend(journal, "c", NAN, NULL));
    CHECK_OK(e5_journal_intend(journal, "c", "another-dataset", "{}", 1, false, &granted, &job, err));
    CHECK(granted && queued(journal) == 2);
    created(journal, "a", "job-a");
    CHECK(queued(journal) == 2 && !intend(journal, "d", 2, NULL));
    status_is(journal, "job-a", "running");
    CHECK(queued(journal) == 1 && intend(journal, "d", 2, NULL));
    e5_journal_close(journal);
}

TEST(services_and_accounts_do_not_mix) {
    fresh();
    struct e5_journal *mine = open_one(), *other = open_as("https://cds.example/api", "somebody"),
                      *elsewhere = open_as("https://ads.example/api", "me");
    CHECK(intend(mine, "aa", 1, NULL));
    CHECK(find(other, "aa").state == E5_JOURNAL_NONE && queued(other) == 0 && intend(other, "aa", 1, NULL));
    CHECK(find(elsewhere, "aa").state == E5_JOURNAL_NONE && intend(elsewhere, "aa", 1, NULL));
    created(mine, "aa", "job");
    created(other, "aa", "job");
    status_is(other, "job", "gone");
    CHECK(find(mine, "aa").state == E5_JOURNAL_ALIVE);
    struct e5_journal_lane lane = {1, 2, 3};
    bool found;
    CHECK_OK(e5_journal_lane_save(mine, DATASET, &lane, err));
    CHECK_OK(e5_journal_lane_load(other, DATASET, &found, &lane, err));
    CHECK(!found && lane.limit == 0);
    e5_journal_close(mine);
    e5_journal_close(other);
    e5_journal_close(elsewhere);
    folder_remove();
}

TEST(old_entries_lose_their_meaning) {
    fresh();
    struct e5_journal *journal = open_one();
    for (int i = 0; i < 4; i++) {
        const char *name = (const char *[]){"a", "b", "c", "d"}[i];
        CHECK(intend(journal, name, MANY, NULL));
        created(journal, name, name);
    }
    status_is(journal, "c", "successful");
    status_is(journal, "d", "successful");
    e5_journal_close(journal);
    change("UPDATE job SET seen = seen - 86500 WHERE job_id = 'a';"
           "UPDATE job SET seen = seen + 864000 WHERE job_id = 'b';" /* the clock was wrong */
           "UPDATE job SET changed = changed - 40 * 86400, seen = seen - 40 * 86400 WHERE job_id = 'c';"
           "UPDATE job SET changed = changed - 1000, seen = seen - 1000 WHERE job_id = 'd'");
    journal = open_one();
    CHECK(queued(journal) == 0 && find(journal, "a").state == E5_JOURNAL_ALIVE);
    CHECK(find(journal, "c").state == E5_JOURNAL_NONE);
    struct e5_journal_job job = find(journal, "d");
    CHECK(job.state == E5_JOURNAL_ENDED && fabs(job.age - 1000) < 60);
    status_is(journal, "a", "accepted"); /* seen again, with the same word */
    CHECK(queued(journal) == 1);
    e5_journal_close(journal);
    folder_remove();
}

TEST(lanes_come_back_as_they_were_saved) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_lane lane = {3.5, 1.7e9, 2}, read;
    bool found;
    CHECK_OK(e5_journal_lane_load(journal, DATASET, &found, &read, err));
    CHECK(!found);
    CHECK_OK(e5_journal_lane_save(journal, DATASET, &lane, err));
    lane.rejected = 4;
    CHECK_OK(e5_journal_lane_save(journal, DATASET, &lane, err));
    CHECK_OK(e5_journal_lane_load(journal, DATASET, &found, &read, err));
    CHECK(found && read.limit == 3.5 && read.hold_until == 1.7e9 && read.rejected == 4);
    e5_journal_close(journal);
}

/* --- files and tables --- */

static const struct e5_journal_file sample = {.fingerprint = "aa",
                                              .job_id = "job-1",
                                              .size = 5000000000,
                                              .mtime_ns = 1700000000123456789,
                                              .inode = 42,
                                              .checksum = "d41d8cd98f00b204e9800998ecf8427e",
                                              .checksum_kind = "md5",
                                              .verified = 2};

static const char *text_of(const struct e5_journal_table *table, size_t row, const char *name) {
    for (size_t i = 0; i < table->columns; i++) {
        const struct e5_journal_cell *cell = &table->cells[row * table->columns + i];
        if (strcmp(table->names[i], name) != 0) continue;
        return cell->kind == E5_JOURNAL_TEXT ? table->text.bytes + cell->integer : "(none)";
    }
    return "(no such column)";
}

TEST(files_come_back_as_they_were_saved) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_file read;
    bool found;
    CHECK_OK(e5_journal_file_find(journal, "/data/a.nc", &found, &read, err));
    CHECK(!found);
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &sample, NULL, NULL, err));
    CHECK_OK(e5_journal_file_find(journal, "/data/a.nc", &found, &read, err));
    CHECK(found && read.size == sample.size && read.mtime_ns == sample.mtime_ns && read.inode == 42);
    CHECK(strcmp(read.fingerprint, "aa") == 0 && strcmp(read.job_id, "job-1") == 0 && read.verified == 2);
    CHECK(strcmp(read.checksum, sample.checksum) == 0 && strcmp(read.checksum_kind, "md5") == 0);
    CHECK(fabs(read.finished - e5_clock_wall()) < 5);
    struct e5_journal_file newer = sample;
    newer.size = 7;
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &newer, NULL, NULL, err));
    CHECK_OK(e5_journal_file_find(journal, "/data/a.nc", &found, &read, err));
    CHECK(found && read.size == 7);
    e5_journal_close(journal);
}

TEST(files_know_their_request) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_table table;
    CHECK(intend(journal, "aa", MANY, NULL));
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &sample, NULL, NULL, err)); /* from its job */
    struct e5_journal_file other = sample;
    strcpy(other.fingerprint, "bb");
    CHECK_OK(e5_journal_file_save(journal, "/data/b\xff.nc", &other, "set", "{}", err));
    CHECK_OK(e5_journal_file_save(journal, "/data/c.nc", &other, NULL, NULL, err));
    CHECK_OK(e5_journal_files(journal, NULL, &table, err));
    CHECK(table.rows == 3);
    CHECK(strcmp(text_of(&table, 0, "dataset"), DATASET) == 0);
    CHECK(strcmp(text_of(&table, 0, "request"), "{\"year\": \"2003\"}") == 0);
    CHECK(strcmp(text_of(&table, 0, "verified"), "checksum") == 0);
    CHECK(strcmp(text_of(&table, 1, "path"), "/data/b\xff.nc") == 0);
    CHECK(strcmp(text_of(&table, 1, "dataset"), "set") == 0 && strcmp(text_of(&table, 1, "request"), "{}") == 0);
    CHECK(strcmp(text_of(&table, 2, "request"), "(none)") == 0);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
}

TEST(what_was_counted_is_kept_with_the_file_that_was_counted) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_table table;
    struct e5_journal_file read;
    bool found;
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &sample, NULL, NULL, err));
    CHECK_OK(e5_journal_file_find(journal, "/data/a.nc", &found, &read, err));
    CHECK_OK(e5_journal_files(journal, NULL, &table, err));
    CHECK(strcmp(text_of(&table, 0, "missing"), "(none)") == 0); /* nobody has counted */
    e5_journal_table_fini(&table);
    CHECK_OK(e5_journal_file_counted(journal, "/data/a.nc", read.finished - 1, "of another file", 0, err));
    CHECK_OK(e5_journal_file_counted(journal, "/data/a.nc", read.finished, "[{}]", 12.5, err));
    CHECK_OK(e5_journal_files(journal, NULL, &table, err));
    CHECK(strcmp(text_of(&table, 0, "missing"), "[{}]") == 0);
    CHECK(table.cells[table.columns - 1].kind == E5_JOURNAL_REAL && table.cells[table.columns - 1].real == 12.5);
    e5_journal_table_fini(&table);
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &sample, NULL, NULL, err)); /* fetched once more */
    CHECK_OK(e5_journal_files(journal, NULL, &table, err));
    CHECK(strcmp(text_of(&table, 0, "missing"), "(none)") == 0);
    CHECK(table.cells[table.columns - 1].kind == E5_JOURNAL_NOTHING);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
}

TEST(files_below_a_directory_are_those_and_no_others) {
    static const char *const paths[] = {"/data",          "/data-2/a.nc", "/data/a.nc",
                                        "/data/sub/b.nc", "/data0",       "/e/data/a"};
    static const struct {
        const char *directory;
        size_t rows;
    } rows[] = {{"/data", 2}, {"/data/", 2}, {"/data/sub", 1}, {"/dat", 0}, {"/", 6}, {"", 6}, {NULL, 6}, {"/e", 1}};
    struct e5_journal *journal = in_memory();
    struct e5_journal_table table;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK_OK(e5_journal_file_save(journal, paths[i], &sample, NULL, NULL, err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_OK(e5_journal_files(journal, rows[i].directory, &table, err));
        if (table.rows != rows[i].rows) printf("  %s: %zu files\n", rows[i].directory, table.rows);
        CHECK(table.rows == rows[i].rows);
        e5_journal_table_fini(&table);
    }
    e5_journal_close(journal);
}

TEST(files_beside_targets_are_found_by_their_job) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_table table;
    struct e5_journal_file beside = sample, other = sample;
    beside.fingerprint[0] = other.fingerprint[0] = '\0';
    strcpy(other.job_id, "job-2");
    CHECK_OK(e5_journal_file_save(journal, "/data/a.nc", &sample, NULL, NULL, err));
    CHECK_OK(e5_journal_file_save(journal, "/data/a.waves.nc", &beside, NULL, NULL, err));
    CHECK_OK(e5_journal_file_save(journal, "/data/b.waves.nc", &other, NULL, NULL, err));
    CHECK_OK(e5_journal_files_beside(journal, "job-1", &table, err));
    CHECK(table.rows == 1 && table.columns == 4 && strcmp(text_of(&table, 0, "path"), "/data/a.waves.nc") == 0);
    CHECK(table.cells[1].integer == sample.size && table.cells[2].integer == sample.mtime_ns);
    CHECK(table.cells[3].integer == sample.inode);
    e5_journal_table_fini(&table);
    CHECK_OK(e5_journal_file_forget(journal, "/data/a.waves.nc", err));
    CHECK_OK(e5_journal_files_beside(journal, "job-1", &table, err));
    CHECK(table.rows == 0);
    e5_journal_table_fini(&table);
    CHECK_OK(e5_journal_files(journal, NULL, &table, err));
    CHECK(table.rows == 2);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
}

TEST(jobs_are_listed_in_their_order) {
    struct e5_journal *journal = in_memory();
    struct e5_journal_table table;
    char name[16];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%d", i);
        CHECK(intend(journal, name, MANY, NULL));
        if (i % 2 == 0) created(journal, name, name);
    }
    CHECK_OK(e5_journal_jobs(journal, false, &table, err));
    CHECK(table.rows == 200);
    CHECK(strcmp(text_of(&table, 0, "job_id"), "0") == 0 && strcmp(text_of(&table, 198, "job_id"), "198") == 0);
    CHECK(strcmp(text_of(&table, 199, "job_id"), "(none)") == 0);
    CHECK(strcmp(text_of(&table, 199, "status"), "intended") == 0);
    CHECK(strcmp(text_of(&table, 199, "dataset"), DATASET) == 0);
    e5_journal_table_fini(&table);
    status_is(journal, "0", "successful");
    status_is(journal, "2", "running");
    CHECK_OK(e5_journal_jobs(journal, true, &table, err));
    CHECK(table.rows == 99 && strcmp(text_of(&table, 0, "job_id"), "2") == 0);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
}

/* --- several at one file --- */

TEST(two_handles_see_each_other) {
    fresh();
    struct e5_journal *one = open_one(), *two = open_one();
    struct e5_journal_job job;
    CHECK(intend(one, "aa", 1, NULL));
    CHECK(!intend(two, "aa", MANY, &job) && job.state == E5_JOURNAL_BUSY);
    CHECK(!intend(two, "bb", 1, &job) && job.state == E5_JOURNAL_NONE);
    CHECK_OK(e5_journal_withdraw(two, "aa", err)); /* not two's to withdraw */
    CHECK(find(two, "aa").state == E5_JOURNAL_BUSY);
    e5_journal_close(one); /* and never settled it */
    CHECK(find(two, "aa").state == E5_JOURNAL_INTENDED && queued(two) == 0);
    CHECK(intend(two, "aa", 1, &job) && job.state == E5_JOURNAL_INTENDED);
    e5_journal_close(two);
    folder_remove();
}

TEST(the_file_is_for_its_owner_only) {
    fresh();
    struct e5_journal *journal = open_one();
    struct stat info;
    CHECK(intend(journal, "aa", 1, NULL));
    static const char *const names[] = {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"};
    for (size_t i = 0; i < 3; i++) CHECK(stat(folder_path(names[i]), &info) == 0 && (info.st_mode & 0777) == 0600);
    e5_journal_close(journal);
    CHECK(folder_count() == 1); /* one file at rest */
    folder_remove();
}

/* Takes slots and gives them back, and notes when there were ever more than the limit. */
static int compete(int worker, int rounds, unsigned limit) {
    struct e5_journal *journal;
    struct e5_journal_job job;
    struct e5_error err = E5_ERROR_NONE;
    char name[32];
    int taken = 0, bad = e5_journal_open(file, "https://cds.example/api", "me", 20, &journal, &err) != E5_OK;
    while (!bad && taken < rounds) {
        bool granted;
        snprintf(name, sizeof name, "%d-%d", worker, taken);
        bad = e5_journal_intend(journal, name, DATASET, "{}", limit, false, &granted, &job, &err) != E5_OK;
        bad = bad || queued(journal) > limit;
        if (bad || !granted) continue;
        bad = e5_journal_created(journal, name, NULL, NULL, name, &err) != E5_OK ||
              e5_journal_status(journal, name, "running", &err) != E5_OK;
        taken++;
    }
    if (bad) fprintf(stderr, "worker %d, round %d: %s\n", worker, taken, err.what);
    e5_journal_close(journal);
    return bad;
}

TEST(processes_together_keep_to_one_limit) {
    fresh();
    pid_t child[8];
    for (int i = 0; i < 8; i++)
        if ((child[i] = fork()) == 0) CHECK_LEAVE(compete(i, 40, 3)); /* they also make the file all at once */
    for (int i = 0; i < 8; i++) CHECK(wait_for(child[i]) == 0);
    struct e5_journal *journal = open_one();
    struct e5_journal_table table;
    CHECK_OK(e5_journal_jobs(journal, false, &table, err));
    CHECK(table.rows == 8 * 40);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
    folder_remove();
}

static struct e5_journal *common;

static void *work_in_thread(void *worker) {
    char name[32];
    intptr_t bad = 0;
    for (int i = 0; i < 100; i++) {
        struct e5_journal_job job;
        bool granted;
        snprintf(name, sizeof name, "%d-%d", (int)(intptr_t)worker, i);
        bad += e5_journal_intend(common, name, DATASET, "{}", MANY, false, &granted, &job, NULL) != E5_OK || !granted;
        bad += e5_journal_created(common, name, NULL, NULL, name, NULL) != E5_OK;
        bad += e5_journal_find(common, name, &job, NULL) != E5_OK || job.state != E5_JOURNAL_ALIVE;
    }
    return (void *)bad;
}

TEST(threads_share_one_handle) {
    fresh();
    common = open_one();
    pthread_t thread[4];
    void *bad;
    for (intptr_t i = 0; i < 4; i++) CHECK(pthread_create(&thread[i], NULL, work_in_thread, (void *)i) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(thread[i], &bad) == 0 && bad == NULL);
    CHECK(queued(common) == 400);
    e5_journal_close(common);
    folder_remove();
}

TEST(a_process_that_holds_the_file_too_long_is_told_of) {
    fresh();
    struct e5_journal *journal;
    struct e5_journal_job job;
    struct e5_error err = E5_ERROR_NONE;
    bool granted;
    int ready[2], end[2];
    char byte;
    e5_journal_close(open_one());
    CHECK(pipe(ready) == 0 && pipe(end) == 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        close(end[1]);
        bool good = sqlite3_open(file, &db) == SQLITE_OK && sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0) == SQLITE_OK;
        good = good && write(ready[1], "", 1) == 1 && read(end[0], &byte, 1) == 0;
        CHECK_LEAVE(!good);
    }
    close(end[0]);
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(e5_journal_open(file, "https://cds.example/api", "me", 0.05, &journal, &err) == E5_OK);
    CHECK(find(journal, "aa").state == E5_JOURNAL_NONE); /* reading goes on */
    CHECK(e5_journal_intend(journal, "aa", DATASET, "{}", 1, false, &granted, &job, &err) == E5_DATABASE_BUSY);
    CHECK(!granted && strstr(err.what, "journal.sqlite") != NULL && strstr(err.what, "event") == NULL);
    CHECK(err.hint[0] != '\0');
    close(end[1]);
    CHECK(wait_for(child) == 0);
    CHECK(intend(journal, "aa", 1, NULL));
    e5_journal_close(journal);
    close(ready[0]);
    close(ready[1]);
    folder_remove();
}

/* --- processes that end --- */

static void pause_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

TEST(a_killed_process_gives_its_slot_back) {
    fresh();
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct e5_journal *journal = open_one();
        bool good = intend(journal, "aa", 1, NULL) && intend(journal, "bb", 2, NULL);
        created(journal, "bb", "job-b");
        good = good && write(ready[1], "", 1) == 1;
        for (;;) pause(); /* until it is killed */
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    struct e5_journal *journal = open_one();
    struct e5_journal_job job;
    CHECK(find(journal, "aa").state == E5_JOURNAL_BUSY && queued(journal) == 2);
    kill(child, SIGKILL);
    for (int i = 0; i < 2000 && find(journal, "aa").state == E5_JOURNAL_BUSY; i++) pause_ms(1);
    CHECK(find(journal, "aa").state == E5_JOURNAL_INTENDED); /* although nobody has reaped it */
    CHECK(wait_for(child) != 0);
    CHECK(find(journal, "aa").state == E5_JOURNAL_INTENDED && queued(journal) == 1);
    CHECK(find(journal, "bb").state == E5_JOURNAL_ALIVE);
    CHECK(intend(journal, "aa", 2, &job) && job.state == E5_JOURNAL_INTENDED);
    e5_journal_close(journal);
    close(ready[0]);
    close(ready[1]);
    folder_remove();
}

/* Intends and creates job after job, and tells of each. */
static void intend_for_ever(int tell, int round) {
    struct e5_journal *journal = open_one();
    for (int i = 0;; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d-%d", round, i);
        if (!intend(journal, name, MANY, NULL) || write(tell, "i", 1) != 1) _exit(1);
        created(journal, name, name);
        if (write(tell, "c", 1) != 1) _exit(1);
    }
}

TEST(killed_at_any_moment_loses_nothing) {
    fresh();
    int intended = 0, made = 0;
    for (int round = 0; round < 12; round++) {
        int ends[2];
        char byte;
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) intend_for_ever(ends[1], round);
        close(ends[1]);
        if (round % 2 == 1 && read(ends[0], &byte, 1) == 1) intended++;
        pause_ms(1 + 2 * round);
        kill(child, SIGKILL);
        CHECK(WIFSIGNALED(wait_for(child)));
        while (read(ends[0], &byte, 1) == 1) *(byte == 'i' ? &intended : &made) += 1;
        close(ends[0]);
        struct e5_journal *journal = open_one(); /* at once: the dead hold no lock */
        struct e5_journal_table table;
        CHECK_OK(e5_journal_jobs(journal, false, &table, err));
        CHECK((int)table.rows >= intended && (int)table.rows <= intended + round + 1);
        CHECK((int)queued(journal) >= made && (int)queued(journal) <= made + round + 1);
        e5_journal_table_fini(&table);
        e5_journal_close(journal);
    }
    CHECK(intended > 20);
    folder_remove();
}

TEST(a_forked_child_is_told_and_can_have_its_own) {
    fresh();
    struct e5_journal *journal = open_one(), *memory = in_memory();
    CHECK(intend(journal, "aa", MANY, NULL));
    CHECK(intend(memory, "aa", MANY, NULL));
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        struct e5_journal_job job;
        bool told = e5_journal_find(journal, "aa", &job, NULL) == E5_FORKED &&
                    e5_journal_find(memory, "aa", &job, NULL) == E5_FORKED;
        e5_journal_close(journal);
        struct e5_journal *own = open_one();
        told = told && find(own, "aa").state == E5_JOURNAL_BUSY && intend(own, "bb", MANY, NULL);
        created(own, "bb", "of-the-child");
        CHECK_LEAVE(!told || check_failures > 0); /* without closing: the parent's closing must not lose it */
    }
    CHECK(intend(journal, "cc", MANY, NULL));
    CHECK(wait_for(child) == 0);
    e5_journal_close(journal);
    journal = open_one();
    CHECK(strcmp(find(journal, "bb").job_id, "of-the-child") == 0);
    CHECK(find(journal, "aa").state == E5_JOURNAL_INTENDED && find(journal, "cc").state == E5_JOURNAL_INTENDED);
    CHECK(find(memory, "aa").state == E5_JOURNAL_BUSY);
    e5_journal_close(journal);
    e5_journal_close(memory);
    folder_remove();
}

/* SQLite in a child that inherited a connection would take the parent's locks for its own, and write to a log that
 * the parent removes. */
TEST(what_a_child_writes_when_the_parent_has_closed_is_kept) {
    fresh();
    int opened[2], closed[2];
    char byte;
    struct e5_journal *journal = open_one();
    CHECK(intend(journal, "aa", MANY, NULL));
    CHECK(pipe(opened) == 0 && pipe(closed) == 0);
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        struct e5_journal *own = open_one();
        CHECK(find(own, "aa").state == E5_JOURNAL_BUSY);
        CHECK(write(opened[1], "", 1) == 1 && read(closed[0], &byte, 1) == 1);
        CHECK(intend(own, "bb", MANY, NULL));
        created(own, "bb", "of-the-child");
        CHECK_LEAVE(check_failures > 0);
    }
    CHECK(read(opened[0], &byte, 1) == 1);
    e5_journal_close(journal);
    CHECK(write(closed[1], "", 1) == 1);
    CHECK(wait_for(child) == 0);
    journal = open_one();
    CHECK(strcmp(find(journal, "bb").job_id, "of-the-child") == 0);
    e5_journal_close(journal);
    for (int i = 0; i < 2; i++) close(opened[i]), close(closed[i]);
    folder_remove();
}

TEST(children_and_parent_write_at_once) {
    fresh();
    struct e5_journal *journal = open_one();
    pid_t child[4];
    CHECK(intend(journal, "before", MANY, NULL));
    for (int i = 0; i < 4; i++)
        if ((child[i] = fork()) == 0) CHECK_LEAVE(compete(i, 20, 1000));
    for (int i = 0; i < 80; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        CHECK(intend(journal, name, MANY, NULL));
    }
    for (int i = 0; i < 4; i++) CHECK(wait_for(child[i]) == 0);
    e5_journal_close(journal);
    journal = open_one();
    struct e5_journal_table table;
    CHECK_OK(e5_journal_jobs(journal, false, &table, err));
    CHECK(table.rows == 1 + 80 + 80);
    e5_journal_table_fini(&table);
    e5_journal_close(journal);
    folder_remove();
}

TEST(who_lives_is_told_from_who_is_gone) {
    struct e5_holder self, other;
    double now = e5_clock_wall();
    e5_holder_self(&self);
    CHECK(self.pid == getpid() && e5_holder_alive(&self, now - 1e6, now));
    other = self;
    other.born[0] = other.born[0] == 'x' ? 'y' : 'x'; /* the number was given to somebody else */
    CHECK(e5_holder_alive(&other, now, now) == (self.born[0] == '\0'));
    other = self;
    other.pid = 0;
    CHECK(!e5_holder_alive(&other, now, now));
    other = self;
    snprintf(other.host, sizeof other.host, "another computer");
    CHECK(e5_holder_alive(&other, now - 599, now) && !e5_holder_alive(&other, now - 601, now));
    pid_t child = fork();
    if (child == 0) _exit(0);
    CHECK(wait_for(child) == 0);
    other = self;
    other.pid = child;
    CHECK(!e5_holder_alive(&other, now, now));
}

/* --- files that are not as they should be --- */

static long slurp(char **out) {
    *out = malloc(1 << 20);
    return folder_read("journal.sqlite", *out, 1 << 20);
}

static void check_refused(enum e5_status expected) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_journal *journal;
    char *before, *after;
    long size = slurp(&before);
    CHECK(e5_journal_open(file, "https://cds.example/api", "me", 0.05, &journal, &err) == expected);
    CHECK(journal == NULL && strstr(err.what, "journal") != NULL && err.hint[0] != '\0');
    if (err.status != expected) printf("  %s\n", err.what);
    CHECK(size == slurp(&after) && memcmp(before, after, (size_t)size) == 0);
    CHECK(folder_count() == 1);
    free(before);
    free(after);
}

TEST(what_is_not_ours_is_refused_and_untouched) {
    static const char notes[] =
        "these are notes, not a database; they are longer than the header of SQLite, which is "
        "one hundred bytes long";
    fresh();
    folder_write("journal.sqlite", notes, sizeof notes);
    check_refused(E5_DATABASE);
    unlink(file);
    change("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
    check_refused(E5_DATABASE);
    unlink(file);
    e5_journal_close(open_one());
    change("PRAGMA journal_mode = DELETE; CREATE TRIGGER sly AFTER INSERT ON job BEGIN DELETE FROM file; END");
    check_refused(E5_DATABASE);
    folder_remove();
}

TEST(newer_files_are_refused_and_untouched) {
    fresh();
    e5_journal_close(open_one());
    change("PRAGMA journal_mode = DELETE; PRAGMA user_version = 999");
    check_refused(E5_DATABASE);
    change("PRAGMA user_version = -1");
    check_refused(E5_DATABASE);
    folder_remove();
}

TEST(an_empty_file_is_the_remains_of_a_beginning) {
    fresh();
    folder_write("journal.sqlite", "", 0);
    struct e5_journal *journal = open_one();
    CHECK(intend(journal, "aa", 1, NULL));
    e5_journal_close(journal);
    folder_remove();
}

TEST(damaged_files_never_crash_and_are_not_repaired) {
    fresh();
    struct e5_journal *journal = open_one();
    char name[16], *good;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "%d", i);
        CHECK(intend(journal, name, MANY, NULL));
        created(journal, name, name);
    }
    e5_journal_close(journal);
    change("PRAGMA journal_mode = DELETE");
    long size = slurp(&good);
    int refused = 0;
    for (long at = 100; at < size; at += size / 40) {
        char *bad = malloc((size_t)size);
        struct e5_journal_table table = {0};
        memcpy(bad, good, (size_t)size);
        memset(bad + at, 0xA5, at + 64 < size ? 64 : (size_t)(size - at));
        folder_write("journal.sqlite", bad, (size_t)size);
        enum e5_status status = e5_journal_open(file, "https://cds.example/api", "me", 0.05, &journal, NULL);
        CHECK(status == E5_OK || status == E5_DATABASE);
        refused += status != E5_OK;
        if (status == E5_OK) CHECK(e5_journal_jobs(journal, false, &table, NULL) != E5_INTERNAL);
        e5_journal_table_fini(&table);
        e5_journal_close(journal);
        free(bad);
    }
    CHECK(refused > 5);
    folder_write("journal.sqlite", good, (size_t)size / 2);
    check_refused(E5_DATABASE);
    free(good);
    folder_remove();
}

TEST(places_that_cannot_hold_a_file_are_refused) {
    fresh();
    struct e5_journal *journal;
    CHECK_STATUS(E5_INPUT, e5_journal_open("", "s", "o", 1, &journal, err));
    CHECK_STATUS(E5_INPUT, e5_journal_open(file, "s", "o", -1, &journal, err));
    CHECK_STATUS(E5_STORAGE, e5_journal_open(folder, "s", "o", 1, &journal, err));
    CHECK_STATUS(E5_STORAGE, e5_journal_open(folder_path("none/journal"), "s", "o", 1, &journal, err));
    CHECK_STATUS(E5_STORAGE, e5_journal_open("/dev/null", "s", "o", 1, &journal, err));
    CHECK(journal == NULL);
    folder_remove();
}

/* A child without the rights of root looks at a file that it may only read. */
TEST(a_file_that_cannot_be_written_is_refused_and_untouched) {
    fresh();
    e5_journal_close(open_one());
    change("PRAGMA journal_mode = DELETE");
    CHECK(chmod(folder, 0555) == 0 && chmod(file, 0444) == 0);
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
        check_refused(E5_STORAGE);
        fflush(stdout);
        _exit(check_failures == 0 ? 0 : 1);
    }
    CHECK(wait_for(child) == 0);
    CHECK(chmod(folder, 0700) == 0);
    folder_remove();
}

/* The same told by SQLite, which opens such a file all the same. */
static bool opened_for_reading;

int sqlite3_db_readonly(sqlite3 *db, const char *name) {
    static __typeof__(&sqlite3_db_readonly) next;
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_db_readonly");
    return opened_for_reading ? 1 : next(db, name);
}

TEST(a_file_that_is_opened_for_reading_only_says_what_to_do) {
    struct e5_error said = E5_ERROR_NONE;
    struct e5_journal *journal = NULL;
    fresh();
    e5_journal_close(open_one());
    opened_for_reading = true;
    CHECK(e5_journal_open(file, "https://cds.example/api", "me", 5, &journal, &said) == E5_STORAGE &&
          journal == NULL);
    opened_for_reading = false;
    CHECK(strstr(said.what, "cannot write to the journal") != NULL && said.sys_errno == EACCES);
    CHECK(strstr(said.hint, "ERA5FAST_JOURNAL") != NULL);
    folder_remove();
}

/* A limit on the size of files stands for a full disk. */
TEST(a_full_disk_is_told_and_keeps_what_was_there) {
    fresh();
    struct e5_journal *journal = open_one();
    CHECK(intend(journal, "aa", 1, NULL));
    created(journal, "aa", "job-a");
    e5_journal_close(journal);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {65536, RLIM_INFINITY};
        struct e5_journal_job job;
        struct e5_error err = E5_ERROR_NONE;
        enum e5_status status = E5_OK;
        char name[16];
        bool granted = true;
        signal(SIGXFSZ, SIG_IGN);
        journal = open_one();
        setrlimit(RLIMIT_FSIZE, &limit);
        for (int i = 0; i < 1000 && status == E5_OK; i++) {
            snprintf(name, sizeof name, "%d", i);
            status = e5_journal_intend(journal, name, DATASET, "{}", MANY, false, &granted, &job, &err);
        }
        bool told = status == E5_STORAGE && !granted && err.hint[0] != '\0';
        _exit(told && find(journal, "aa").state == E5_JOURNAL_ALIVE ? 0 : 1);
    }
    CHECK(wait_for(child) == 0);
    journal = open_one();
    CHECK(find(journal, "aa").state == E5_JOURNAL_ALIVE && find(journal, "0").state == E5_JOURNAL_INTENDED);
    CHECK(intend(journal, "bb", MANY, NULL));
    e5_journal_close(journal);
    folder_remove();
}

TEST(a_file_that_was_removed_is_made_anew) {
    fresh();
    struct e5_journal *journal = open_one();
    CHECK(intend(journal, "aa", 1, NULL));
    CHECK(unlink(file) == 0);
    CHECK(intend(journal, "bb", 1, NULL));
    created(journal, "bb", "job-b");
    e5_journal_close(journal);
    journal = open_one();
    CHECK(find(journal, "bb").state == E5_JOURNAL_ALIVE && find(journal, "aa").state == E5_JOURNAL_NONE);
    e5_journal_close(journal);
    folder_remove();
}

static void note_line(void *context, enum e5_log_level level, const char *line) {
    int *warnings = context;
    *warnings += level == E5_LOG_WARNING && strstr(line, "journal.sqlite") != NULL;
}

TEST(on_a_shared_file_system_there_is_no_write_ahead_log) {
    fresh();
    int warnings = 0;
    struct e5_journal *journal = open_one();
    CHECK(intend(journal, "aa", 1, NULL));
    CHECK(access(folder_path("journal.sqlite-wal"), F_OK) == 0);
    e5_journal_close(journal);
    e5_log_drain(note_line, &warnings);
    CHECK(warnings == 0);
    e5_disk_pretend(0x6969); /* as if it had been moved to NFS */
    for (int i = 0; i < 2; i++) {
        journal = open_one();
        CHECK(find(journal, "aa").state == (i == 0 ? E5_JOURNAL_INTENDED : E5_JOURNAL_ALIVE));
        if (i == 0) created(journal, "aa", "job-a");
        CHECK(folder_count() == 1);
        e5_journal_close(journal);
    }
    e5_disk_pretend(0);
    e5_log_drain(note_line, &warnings);
    CHECK(warnings == 1);
    folder_remove();
}

TEST(without_memory_nothing_leaks) {
    int failures = 0;
    for (long n = 1; n < 12; n++) {
        struct e5_journal *journal;
        struct e5_journal_table table;
        e5_alloc_fail_after(n);
        enum e5_status status = e5_journal_open(NULL, "s", "o", 1, &journal, NULL);
        if (status == E5_OK) {
            status = e5_journal_file_save(journal, "/data/a", &sample, NULL, NULL, NULL);
            if (status == E5_OK) status = e5_journal_files(journal, "/data", &table, NULL);
            if (status == E5_OK) CHECK(table.rows == 1);
            if (status != E5_DATABASE) e5_journal_table_fini(&table);
        }
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failures += status != E5_OK;
        e5_journal_close(journal);
    }
    CHECK(failures > 3);
}

TEST(a_submission_that_goes_on_is_confirmed_by_its_own_handle) {
    sqlite3 *handle;
    sqlite3_stmt *row;
    fresh();
    struct e5_journal *mine = open_one(), *other = open_one();
    CHECK(intend(mine, "a", MANY, NULL));
    CHECK(sqlite3_open(file, &handle) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(handle, "SELECT seen FROM job", -1, &row, NULL) == SQLITE_OK);
    for (int own = 0; own < 2; own++) {
        CHECK(sqlite3_exec(handle, "UPDATE job SET seen = 1", NULL, NULL, NULL) == SQLITE_OK);
        CHECK_OK(e5_journal_confirm(own ? mine : other, "a", err));
        CHECK(sqlite3_step(row) == SQLITE_ROW && (sqlite3_column_double(row, 0) > 1) == own);
        CHECK(sqlite3_reset(row) == SQLITE_OK);
    }
    CHECK(find(other, "a").state == E5_JOURNAL_BUSY);
    sqlite3_finalize(row);
    sqlite3_close(handle);
    e5_journal_close(mine);
    e5_journal_close(other);
    folder_remove();
}

int main(void) {
    RUN(a_request_goes_from_nothing_to_its_result);
    RUN(a_job_that_is_no_more_is_forgotten);
    RUN(a_word_that_nobody_knows_means_still_working);
    RUN(an_equal_request_is_not_granted_twice);
    RUN(a_withdrawn_request_leaves_nothing);
    RUN(an_abandoned_request_is_looked_for_first);
    RUN(a_fresh_job_takes_the_place_of_the_old_one_which_goes_on_counting);
    RUN(a_job_that_was_found_is_entered_without_an_intention);
    RUN(only_queued_jobs_take_slots);
    RUN(services_and_accounts_do_not_mix);
    RUN(old_entries_lose_their_meaning);
    RUN(lanes_come_back_as_they_were_saved);
    RUN(files_come_back_as_they_were_saved);
    RUN(files_know_their_request);
    RUN(what_was_counted_is_kept_with_the_file_that_was_counted);
    RUN(files_below_a_directory_are_those_and_no_others);
    RUN(files_beside_targets_are_found_by_their_job);
    RUN(jobs_are_listed_in_their_order);
    RUN(two_handles_see_each_other);
    RUN(the_file_is_for_its_owner_only);
    RUN(processes_together_keep_to_one_limit);
    RUN(threads_share_one_handle);
    RUN(a_process_that_holds_the_file_too_long_is_told_of);
    RUN(a_killed_process_gives_its_slot_back);
    RUN(killed_at_any_moment_loses_nothing);
    RUN(a_forked_child_is_told_and_can_have_its_own);
    RUN(what_a_child_writes_when_the_parent_has_closed_is_kept);
    RUN(children_and_parent_write_at_once);
    RUN(who_lives_is_told_from_who_is_gone);
    RUN(what_is_not_ours_is_refused_and_untouched);
    RUN(newer_files_are_refused_and_untouched);
    RUN(an_empty_file_is_the_remains_of_a_beginning);
    RUN(damaged_files_never_crash_and_are_not_repaired);
    RUN(places_that_cannot_hold_a_file_are_refused);
    RUN(a_file_that_cannot_be_written_is_refused_and_untouched);
    RUN(a_file_that_is_opened_for_reading_only_says_what_to_do);
    RUN(a_full_disk_is_told_and_keeps_what_was_there);
    RUN(a_file_that_was_removed_is_made_anew);
    RUN(on_a_shared_file_system_there_is_no_write_ahead_log);
    RUN(without_memory_nothing_leaks);
    RUN(a_submission_that_goes_on_is_confirmed_by_its_own_handle);
    return check_summary();
}
