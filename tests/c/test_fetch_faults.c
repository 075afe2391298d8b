/* A whole fetch in which the disk fails once, at each of its calls, or memory ends, at each allocation: what is told
 * of it, and that no target is anything but absent or whole. */
#include <sys/file.h>

#include "failing_calls.h"
#include "fetch_room.h"
#include "make_nc.h"
#include "make_zip.h"

#include "base/alloc.h"
#include "net/cds.h"
#include "net/place.h"

enum { CALLS = 600 }; /* of one fetch, at most */
enum kind { PLAIN, ARCHIVE, KNOWN, WITH_JOURNAL }; /* KNOWN: the address of the result is */

/* --- somebody who is quicker --- */

static const char *arrives; /* a file that is there as soon as the lock is */

int flock(int fd, int how) {
    static int (*next)(int, int);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "flock");
    if (arrives != NULL && (how & LOCK_EX) != 0) folder_write(arrives, "of another", 10);
    return next(fd, how);
}

TEST(a_target_that_comes_between_look_and_lock_is_kept) {
    char there[20];
    begin();
    options.overwrite = E5_OVERWRITE_NEVER;
    arrives = "0.nc";
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_EXISTS && atomic_load(&cds.api.requests) == 0);
    arrives = NULL;
    CHECK(strstr(results[0].error.what, "'0.nc' exists") != NULL);
    CHECK(folder_read("0.nc", there, sizeof there) == 10 && folder_count() == 1);
    end();
}

/* --- the disk --- */

static void serve_archive(void) {
    static unsigned char bytes[DATA_SIZE];
    size_t size;
    int id, dim, var;
    NC(nc_create(make_path("member.nc"), NC_64BIT_OFFSET | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", 1000, &dim));
    NC(nc_def_var(id, "v", NC_BYTE, 1, &dim, &var));
    NC(nc_close(id));
    unsigned char *member = make_slurp(make_path("member.nc"), &size);
    zip_clear();
    zip_add("member.nc", member, size, (struct zip_how){.level = 1});
    zip_add("of/another/kind.nc", member, size, (struct zip_how){.plain = true});
    zip_end(false, "");
    memcpy(bytes, zip.bytes, zip.size);
    cds_serve(bytes, zip.size);
    free(member);
    zip_clear();
}

/* Whole as it was served, or, of an archive, as its first member. */
static bool is_sound(enum kind kind) {
    return kind == ARCHIVE ? make_same(folder_path("0.nc"), make_path("member.nc")) : is_whole("0.nc");
}

static void begin_fault(enum kind kind) {
    static struct e5_cds_asset asset;
    begin();
    items[0].unpack = kind == ARCHIVE;
    options.settings.patience = 1;
    if (kind == ARCHIVE) serve_archive();
    if (kind == WITH_JOURNAL)
        CHECK_OK(e5_journal_open(folder_path("journal.db"), options.http.url, "tester", 1, &options.journal, err));
    if (kind != KNOWN) return;
    asset = (struct e5_cds_asset){.size = DATA_SIZE, .media_type = "application/netcdf"};
    snprintf(asset.href, sizeof asset.href, "%s/data.nc", cds.store.origin);
    items[0] = (struct e5_fetch_item){.asset = &asset, .target = targets[0], .goal = E5_GOAL_FILE};
}

static void end_fault(void) {
    e5_journal_close(options.journal);
    options.journal = NULL;
    end();
}

/* Told as what it is, with its target; and the target is whole or not there. */
static bool is_told(enum kind kind, enum e5_status expected) {
    const struct e5_error *err = &results[0].error;
    bool whole = is_sound(kind), told = err->status == E5_OK || err->status == expected;
    if (err->status == E5_STORAGE) told = told && err->sys_errno == EIO && strstr(err->target, "0.nc") != NULL;
    return told && (whole || (err->status != E5_OK && access(folder_path("0.nc"), F_OK) != 0));
}

static void check_disk(enum kind kind) {
    int failures = 0;
    long n = 0;
    do {
        begin_fault(kind);
        fail_call(++n, EIO);
        enum e5_status status = fetch(1);
        fail_no_more();
        bool good = status == E5_OK && is_told(kind, E5_STORAGE);
        if (!good)
            printf("%s, call %ld: %s, %s: %s\n", failing_name, n, e5_status_name(status),
                   e5_status_name(results[0].error.status), results[0].error.what);
        CHECK(good);
        failures += results[0].error.status != E5_OK;
        end_fault();
    } while (failing_name != NULL && n < CALLS);
    CHECK(n < CALLS && failures >= 6);
}

TEST(every_call_to_the_disk_may_fail) { check_disk(PLAIN); }
TEST(every_call_to_the_disk_may_fail_while_an_archive_comes) { check_disk(ARCHIVE); }

/* Somebody else has the target, for the same request, and finishes it: what is read of it then may fail. */
static enum e5_status take_from_other(long n) {
    char fingerprint[E5_DIGEST_HEX];
    struct fetch_call call;
    struct e5_place place;
    json_t *inputs = json_loads(requests[0], 0, NULL);
    CHECK_OK(e5_cds_fingerprint("era5", inputs, fingerprint, err));
    json_decref(inputs);
    CHECK_OK(e5_place_open(&place, targets[0], err));
    CHECK_OK(e5_place_lock(&place, fingerprint, err));
    start_fetch(&call, 1);
    CHECK(!e5_job_wait(call.job, 0.1));
    folder_write("0.nc", cds.data, DATA_SIZE);
    fail_call(n, EIO);
    e5_place_close(&place);
    enum e5_status status = e5_job_finish(call.job, NULL);
    fail_no_more();
    e5_log_drain(keep_line, NULL);
    return status;
}

TEST(every_call_to_the_disk_may_fail_while_a_file_of_another_is_taken) {
    int failures = 0;
    long n = 0;
    do {
        begin_fault(PLAIN);
        enum e5_status status = take_from_other(++n);
        const struct e5_error *err = &results[0].error;
        bool good = status == E5_OK && is_whole("0.nc") && atomic_load(&cds.api.requests) == 0 &&
                    (err->status == E5_OK ? results[0].kept : err->status == E5_STORAGE && err->sys_errno == EIO);
        if (!good) printf("%s, call %ld: %s: %s\n", failing_name, n, e5_status_name(err->status), err->what);
        CHECK(good);
        failures += err->status != E5_OK;
        end_fault();
    } while (failing_name != NULL && n < CALLS);
    CHECK(n < CALLS && failures >= 3);
}

/* --- memory --- */

static void check_memory(enum kind kind) {
    int failures = 0;
    bool failed = true;
    for (long n = 1; failed && n < CALLS; n++) {
        begin_fault(kind);
        e5_alloc_fail_after(n);
        enum e5_status status = fetch(1);
        e5_alloc_fail_after(0);
        failed = status != E5_OK || results[0].error.status != E5_OK;
        bool good = (status == E5_OK || status == E5_MEMORY) && is_told(kind, E5_MEMORY);
        if (!good)
            printf("allocation %ld: %s, %s: %s\n", n, e5_status_name(status), e5_status_name(results[0].error.status),
                   results[0].error.what);
        CHECK(good);
        failures += failed;
        end_fault();
    }
    CHECK(!failed && failures >= 10);
}

TEST(memory_may_end_anywhere) { check_memory(PLAIN); }
TEST(memory_may_end_anywhere_in_an_archive) { check_memory(ARCHIVE); }
TEST(memory_may_end_anywhere_where_the_result_is_known) { check_memory(KNOWN); }
TEST(memory_may_end_anywhere_beside_a_journal) { check_memory(WITH_JOURNAL); }

int main(void) {
    RUN(a_target_that_comes_between_look_and_lock_is_kept);
    RUN(every_call_to_the_disk_may_fail);
    RUN(every_call_to_the_disk_may_fail_while_an_archive_comes);
    RUN(every_call_to_the_disk_may_fail_while_a_file_of_another_is_taken);
    RUN(memory_may_end_anywhere);
    RUN(memory_may_end_anywhere_in_an_archive);
    RUN(memory_may_end_anywhere_where_the_result_is_known);
    RUN(memory_may_end_anywhere_beside_a_journal);
    return check_summary();
}
