/* The event database under attack: strange files, other writers, full disks, sudden death. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "db/geometry.h"
#include "store_sample.h"

static void write_file(const char *content) {
    FILE *f = fopen(file, "wb");
    fputs(content, f);
    fclose(f);
}

static void change(const char *sql) {
    sqlite3 *db;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(e5_geometry_register(db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

/* --- files that are not as they should be --- */

static void check_refused(enum e5_status expected) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_store *store;
    struct bytes before = slurp();
    CHECK(e5_store_open(file, 0.05, NULL, &store, &err) == expected);
    CHECK(store == NULL && strstr(err.what, "events.gpkg") != NULL && err.hint[0] != '\0');
    if (err.status != expected) printf("  %s\n", err.what);
    CHECK(same_and_free(before, slurp()));
}

TEST(what_is_not_ours_is_refused_and_untouched) {
    fresh();
    write_file("these are notes, not a database; they are longer than the header of SQLite, which is 100 bytes "
               "long.");
    check_refused(E5_DATABASE);
    struct e5_error said = E5_ERROR_NONE;
    struct e5_store *none;
    CHECK(e5_store_open(file, 0.05, NULL, &none, &said) == E5_DATABASE);
    CHECK(strstr(said.hint, "no file of SQLite") != NULL && strstr(said.hint, ".recover") == NULL);
    write_file("");
    check_refused(E5_DATABASE);
    unlink(file);
    change("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
    check_refused(E5_DATABASE);
    change("PRAGMA application_id = 0x47504B47"); /* a GeoPackage of somebody else */
    check_refused(E5_DATABASE);
    clean();
}

TEST(newer_files_are_refused_and_untouched) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    change("INSERT INTO era5fast_schema (version, description, applied_at) VALUES (999, 'from the future', '')");
    check_refused(E5_DATABASE);
    change("DELETE FROM era5fast_schema");
    check_refused(E5_DATABASE);
    drop(s);
    clean();
}

TEST(foreign_triggers_are_refused) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    change("CREATE TABLE notes (text); CREATE TRIGGER harmless AFTER INSERT ON notes BEGIN SELECT 1; END");
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    change("CREATE TRIGGER sly AFTER INSERT ON \"EVENT\" BEGIN DELETE FROM run; END");
    check_refused(E5_DATABASE);
    drop(s);
    clean();
}

TEST(damaged_files_are_refused_and_untouched) {
    fresh();
    struct sample *s = make(100, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    struct bytes whole = slurp();
    CHECK(truncate(file, whole.size / 2) == 0);
    check_refused(E5_DATABASE);
    FILE *f = fopen(file, "wb");
    fwrite(whole.data, 1, (size_t)whole.size, f);
    fseek(f, 4096, SEEK_SET);
    for (long i = 4096; i < whole.size; i++) fputc(0xA5, f);
    fclose(f);
    check_refused(E5_DATABASE);
    free(whole.data);
    drop(s);
    clean();
}

/* Damage in one place that SQLite does not meet while it opens the file. */
TEST(damage_is_told_before_anything_is_written) {
    fresh();
    struct sample *s = make(3, 12000, E5_STANDARD), *more = make(3, 40000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_error index = E5_ERROR_NONE, number = E5_ERROR_NONE;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    struct bytes whole = slurp();
    int64_t page = ask("SELECT rootpage FROM sqlite_schema WHERE name = 'event_by_key'");
    int fd = open(file, O_RDWR);
    CHECK(page > 0 && pwrite(fd, "\2\0\0\xff\xff", 5, (page - 1) * ask("PRAGMA page_size")) == 5 && close(fd) == 0);
    CHECK(add(s, &batch, 1, NULL, &added, &index) == E5_DATABASE);
    CHECK(strstr(index.what, "event database is damaged") != NULL && strstr(index.hint, ".recover") != NULL);
    FILE *f = fopen(file, "wb");
    fwrite(whole.data, 1, (size_t)whole.size, f);
    fclose(f);
    change("UPDATE sqlite_sequence SET seq = 9000000000000000000 WHERE name = 'event'");
    CHECK(add(more, &batch, 1, NULL, &added, &number) == E5_DATABASE);
    CHECK(strstr(number.what, "event database") != NULL && ask("SELECT count(*) FROM event") == 3);
    free(whole.data);
    drop(s);
    drop(more);
    clean();
}

TEST(places_that_cannot_hold_a_file) {
    fresh();
    struct e5_store *store;
    CHECK_STATUS(E5_STORAGE, e5_store_open(folder, 0.05, NULL, &store, err));
    CHECK_STATUS(E5_STORAGE, e5_store_open("/nonexistent/events.gpkg", 0.05, NULL, &store, err));
    CHECK_STATUS(E5_INPUT, e5_store_open("", 0.05, NULL, &store, err));
    CHECK_STATUS(E5_INPUT, e5_store_open(file, NAN, NULL, &store, err));
    CHECK(symlink("nowhere.gpkg", file) == 0);
    CHECK_STATUS(E5_STORAGE, e5_store_open(file, 0.05, NULL, &store, err));
    clean();
}

/* A link and the file behind it are one database with one lock. */
TEST(links_lead_to_one_lock) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    snprintf(file, sizeof file, "%s/link.gpkg", folder);
    CHECK(symlink("events.gpkg", file) == 0);
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.known == 1);
    CHECK(!exists(".lock"));
    drop(s);
    clean();
}

/* --- others at the same file --- */

static int hold_lock(void) {
    char path[128];
    beside(".lock", path);
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    CHECK(flock(fd, LOCK_EX) == 0);
    return fd;
}

TEST(a_writer_that_takes_too_long_is_named) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    int fd = hold_lock();
    CHECK_STATUS(E5_DATABASE_BUSY, add(s, &batch, 0.05, NULL, &added, err)); /* cannot even be made */
    close(fd);
    CHECK_OK(add(s, &batch, 0, NULL, &added, err));
    fd = hold_lock();
    struct e5_error told = E5_ERROR_NONE;
    CHECK(add(s, &batch, 0.05, NULL, &added, &told) == E5_DATABASE_BUSY);
    CHECK(strstr(told.what, "events.gpkg") != NULL && strstr(told.target, "events.gpkg") != NULL &&
          told.hint[0] != '\0');
    close(fd);
    sqlite3 *db; /* a program that knows nothing of our lock */
    CHECK(sqlite3_open(file, &db) == SQLITE_OK && sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0) == SQLITE_OK);
    CHECK_STATUS(E5_DATABASE_BUSY, add(s, &batch, 0.05, NULL, &added, err));
    CHECK(sqlite3_exec(db, "ROLLBACK; BEGIN EXCLUSIVE", 0, 0, 0) == SQLITE_OK);
    CHECK_STATUS(E5_DATABASE_BUSY, add(s, &batch, 0.05, NULL, &added, err));
    sqlite3_close(db);
    drop(s);
    clean();
}

static void *cancel_soon(void *watch) {
    pause_ms(60);
    e5_watch_cancel(watch);
    return NULL;
}

TEST(waiting_can_be_cancelled) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 0, NULL, &added, err));
    for (int round = 0; round < 2; round++) {
        struct e5_watch watch = {0};
        sqlite3 *db = NULL;
        int fd = round == 0 ? hold_lock() : -1;
        if (round == 1)
            CHECK(sqlite3_open(file, &db) == SQLITE_OK && sqlite3_exec(db, "BEGIN EXCLUSIVE", 0, 0, 0) == SQLITE_OK);
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, cancel_soon, &watch) == 0);
        CHECK_STATUS(E5_CANCELLED, add(s, &batch, 60, &watch, &added, err));
        pthread_join(thread, NULL);
        sqlite3_close(db);
        if (fd >= 0) close(fd);
    }
    drop(s);
    clean();
}

TEST(a_cancelled_batch_leaves_no_trace) {
    fresh();
    struct sample *s = make(5, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store *store;
    struct e5_watch watch = {0};
    CHECK_OK(e5_store_open(file, 1, NULL, &store, err));
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_store_add(store, &s->events, &batch, NULL, &watch, &added, err));
    CHECK(ask("SELECT count(*) FROM diagnostic") == 0);
    CHECK_OK(e5_store_add(store, &s->events, &batch, NULL, NULL, &added, err));
    CHECK(added.added == 5);
    e5_store_close(store);
    drop(s);
    clean();
}

TEST(progress_counts_events) {
    fresh();
    struct sample *s = make(9, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_watch watch = {0};
    CHECK_OK(add(s, &batch, 1, &watch, &added, err));
    CHECK(watch.done == 9 && watch.total == 9);
    drop(s);
    clean();
}

/* Adds `batches` times 5 events that no other worker adds; 0 when all went well. */
static int work(int worker, int batches) {
    int bad = 0;
    for (int i = 0; i < batches; i++) {
        struct sample *s = make(5, 12000 + 1000 * worker + 10 * i, E5_STANDARD);
        struct e5_store_added added;
        bad += add(s, &batch, 20, NULL, &added, NULL) != E5_OK || added.added != 5;
        drop(s);
    }
    return bad;
}

TEST(processes_add_at_once_and_lose_nothing) {
    fresh();
    pid_t child[3];
    for (int i = 0; i < 3; i++)
        if ((child[i] = fork()) == 0) _exit(work(i, 8));
    for (int i = 0; i < 3; i++) {
        int status;
        CHECK(waitpid(child[i], &status, 0) == child[i] && status == 0);
    }
    CHECK(ask("SELECT count(*) FROM event") == 3 * 8 * 5);
    check_whole();
    clean();
}

static void *work_in_thread(void *worker) { return (void *)(intptr_t)work((int)(intptr_t)worker, 6); }

TEST(threads_add_at_once_and_lose_nothing) {
    fresh();
    pthread_t thread[3];
    for (intptr_t i = 0; i < 3; i++) CHECK(pthread_create(&thread[i], NULL, work_in_thread, (void *)i) == 0);
    for (int i = 0; i < 3; i++) {
        void *bad;
        CHECK(pthread_join(thread[i], &bad) == 0 && bad == NULL);
    }
    CHECK(ask("SELECT count(*) FROM event") == 3 * 6 * 5);
    check_whole();
    clean();
}

/* --- processes that end --- */

/* Adds batch after batch and tells of each that is in. */
static void add_for_ever(int tell, int round) {
    for (int64_t i = 0;; i++) {
        struct sample *s = make(MOST, 1000000 * round + i * (MOST + 10), E5_STANDARD);
        struct e5_store_added added;
        if (add(s, &batch, 5, NULL, &added, NULL) != E5_OK || write(tell, "", 1) != 1) _exit(1);
        drop(s);
    }
}

TEST(killed_at_any_moment_leaves_whole_batches) {
    fresh();
    int64_t told = 0;
    for (int round = 0; round < 8; round++) {
        int ends[2], status;
        char byte;
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) add_for_ever(ends[1], round);
        close(ends[1]);
        if (round % 2 == 1) told += read(ends[0], &byte, 1); /* odd rounds: in a later batch than the first */
        pause_ms(3 + 7 * round);
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        while (read(ends[0], &byte, 1) == 1) told++;
        close(ends[0]);
        struct e5_store *store;
        CHECK_OK(e5_store_open(file, 1, NULL, &store, err)); /* at once: the dead hold no lock */
        e5_store_close(store);
        int64_t count = ask("SELECT count(*) FROM event");
        CHECK(count >= told * MOST && count % MOST == 0); /* what was told is there, and no half of anything */
        CHECK(ask("SELECT count(*) FROM event_state") == 2 * count);
        check_whole();
    }
    CHECK(told >= 4);
    clean();
}

TEST(a_forked_child_is_told) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store *store;
    CHECK_OK(e5_store_open(file, 1, NULL, &store, err));
    pid_t child = fork();
    if (child == 0) {
        bool told = e5_store_add(store, &s->events, &batch, NULL, NULL, &added, NULL) == E5_FORKED;
        e5_store_close(store);
        CHECK_LEAVE(!told);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_OK(e5_store_add(store, &s->events, &batch, NULL, NULL, &added, err));
    e5_store_close(store);
    drop(s);
    clean();
}

/* The program's own calls stand in for those of the C library that the core makes: the n-th of them fails. */
static long calls_left;
static bool call_failed;

static bool call_fails(void) {
    call_failed = calls_left > 0 && calls_left-- == 1;
    if (call_failed) errno = EIO;
    return call_failed;
}

#define FAILING(name, parameters, arguments)                         \
    int name parameters {                                            \
        static int(*next) parameters;                                \
        if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, #name); \
        return call_fails() ? -1 : next arguments;                   \
    }
FAILING(fsync, (int fd), (fd))
FAILING(rename, (const char *from, const char *to), (from, to))
FAILING(unlink, (const char *path), (path))
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33) /* before that it is no function */
FAILING(stat, (const char *path, struct stat *out), (path, out))
#endif

TEST(every_call_to_the_disk_may_fail_while_a_file_is_made_or_opened) {
    for (int made = 0; made < 2; made++) {
        int failures = 0;
        long n = 0;
        do {
            struct e5_error said = E5_ERROR_NONE;
            struct e5_store *store = NULL;
            fresh();
            if (made) CHECK_OK(e5_store_open(file, 1, NULL, &store, err));
            e5_store_close(store);
            calls_left = ++n;
            enum e5_status status = e5_store_open(file, 1, NULL, &store, &said);
            bool over = calls_left > 0; /* there are fewer calls */
            calls_left = over ? 0 : -1;
            bool told = status == E5_OK || (status == E5_STORAGE && said.sys_errno == EIO && store == NULL &&
                                            strstr(said.what, folder) != NULL);
            if (!told) printf("call %ld: %s: %s\n", n, e5_status_name(status), said.what);
            CHECK(told);
            failures += status != E5_OK;
            e5_store_close(store);
            clean();
            if (over) n = -1;
        } while (n > 0 && n < 100);
        CHECK(n == -1 && failures >= (made ? 1 : 4));
    }
}

/* A limit on the size of files stands for a full disk. */
TEST(a_full_disk_keeps_the_last_commit) {
    fresh();
    struct sample *s = make(5, 12000, E5_STANDARD), *large = make(MOST, 20000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    struct bytes before = slurp();
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {(rlim_t)before.size + 8192, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        struct e5_error err = E5_ERROR_NONE;
        bool told = add(large, &batch, 1, NULL, &added, &err) == E5_STORAGE && err.hint[0] != '\0';
        _exit(told ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(ask("SELECT count(*) FROM event") == 5);
    check_whole();
    CHECK(same_and_free(before, slurp()));
    CHECK_OK(add(large, &batch, 1, NULL, &added, err));
    CHECK(added.added == MOST);
    drop(s);
    drop(large);
    clean();
}

TEST(a_disk_too_full_to_begin_leaves_nothing) {
    fresh();
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {8192, RLIM_INFINITY};
        struct e5_store *store;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(e5_store_open(file, 1, NULL, &store, NULL) == E5_STORAGE ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(!exists("") && !exists(".new"));
    clean();
}

TEST(without_memory_nothing_leaks) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    int failures = 0;
    for (long n = 1; n < 120; n++) {
        e5_alloc_fail_after(n);
        enum e5_status status = add(s, &batch, 1, NULL, &added, NULL);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failures += status != E5_OK;
    }
    e5_alloc_fail_after(0);
    CHECK(failures > 5);
    CHECK(ask("SELECT count(*) FROM event") == 2);
    check_whole();
    drop(s);
    clean();
}

/* Files that others left in write-ahead mode become one file again. */
TEST(write_ahead_files_come_back_to_one_file) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    change("PRAGMA journal_mode = WAL; UPDATE run SET program = program");
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT journal_mode = 'delete' FROM pragma_journal_mode") == 1);
    CHECK(!exists("-wal"));
    drop(s);
    clean();
}

int main(void) {
    RUN(what_is_not_ours_is_refused_and_untouched);
    RUN(newer_files_are_refused_and_untouched);
    RUN(foreign_triggers_are_refused);
    RUN(damaged_files_are_refused_and_untouched);
    RUN(damage_is_told_before_anything_is_written);
    RUN(places_that_cannot_hold_a_file);
    RUN(links_lead_to_one_lock);
    RUN(a_writer_that_takes_too_long_is_named);
    RUN(waiting_can_be_cancelled);
    RUN(a_cancelled_batch_leaves_no_trace);
    RUN(progress_counts_events);
    RUN(processes_add_at_once_and_lose_nothing);
    RUN(threads_add_at_once_and_lose_nothing);
    RUN(killed_at_any_moment_leaves_whole_batches);
    RUN(a_forked_child_is_told);
    RUN(every_call_to_the_disk_may_fail_while_a_file_is_made_or_opened);
    RUN(a_full_disk_keeps_the_last_commit);
    RUN(a_disk_too_full_to_begin_leaves_nothing);
    RUN(without_memory_nothing_leaks);
    RUN(write_ahead_files_come_back_to_one_file);
    return check_summary();
}
