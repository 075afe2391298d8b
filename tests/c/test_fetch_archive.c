/* Results that come as archives and become the files in them, while they come and afterwards. */
#include "fetch_room.h"
#include "make_nc.h"
#include "make_zip.h"

/* Two netCDF files of noise that does not shrink; following the large one while it comes is worth while. */
enum { SMALL_DATA = 100000, LARGE_DATA = 20 << 20 };
struct member {
    unsigned char *bytes;
    size_t size;
};
static struct member small, large;

static struct member make_member(const char *name, size_t data) {
    struct member made;
    int id, dim, var;
    unsigned random = 9;
    signed char *noise = malloc(data);
    for (size_t i = 0; i < data; i++) noise[i] = (signed char)((random = random * 1664525u + 1013904223u) >> 24);
    NC(nc_create(make_path(name), NC_64BIT_OFFSET | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "x", data, &dim));
    NC(nc_def_var(id, "noise", NC_BYTE, 1, &dim, &var));
    NC(nc_enddef(id));
    NC(nc_put_var_schar(id, var, noise));
    NC(nc_close(id));
    free(noise);
    made.bytes = make_slurp(make_path(name), &made.size);
    return made;
}

static void serve_zip(const struct member *member, struct zip_how how) {
    zip_clear();
    zip_add("deep/below/data.nc", member->bytes, member->size, how);
    zip_end(false, "");
    cds_serve(zip.bytes, zip.size);
}

static void begin_archive(const struct member *member, struct zip_how how) {
    begin();
    items[0].unpack = true;
    serve_zip(member, how);
}

static bool became(const struct member *member) {
    size_t size;
    if (access(folder_path("0.nc"), R_OK) != 0 || folder_count() != 1) return false;
    unsigned char *there = make_slurp(folder_path("0.nc"), &size);
    bool same = size == member->size && memcmp(there, member->bytes, size) == 0;
    free(there);
    return same && results[0].size == (int64_t)size && results[0].files == NULL;
}

static void end_archive(void) {
    end();
    zip_clear();
}

TEST(an_archive_becomes_what_is_in_it) {
    begin_archive(&small, (struct zip_how){.level = 6});
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && became(&small));
    CHECK(results[0].verified == E5_VERIFIED_CHECKSUM && strcmp(results[0].checksum.whole, cds.md5) == 0);
    end_archive();
}

TEST(an_archive_stays_one_where_that_is_wanted) {
    begin_archive(&small, (struct zip_how){.plain = true});
    items[0].unpack = false;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK);
    CHECK(became(&(struct member){zip.bytes, zip.size}));
    end_archive();
}

/* The store tells no checksum, so the members' own decide. */
TEST(an_archive_that_stays_one_is_sound_in_itself) {
    begin_archive(&small, (struct zip_how){.level = 6});
    items[0].unpack = false;
    cds.md5[0] = '\0';
    cds.flips = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && results[0].verified == E5_VERIFIED_SIZE);
    CHECK(cds.flips == 0 && became(&(struct member){zip.bytes, zip.size})); /* the second time */
    end_archive();
    begin_archive(&small, (struct zip_how){.plain = true, .crc_lie = 1});
    items[0].unpack = false;
    cds.md5[0] = '\0';
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT && access(folder_path("0.nc"), F_OK) != 0);
    CHECK(strstr(results[0].error.what, "data.nc") != NULL);
    end_archive();
}

/* Nobody has asked us to open it. */
TEST(an_archive_that_stays_one_may_hold_what_is_unsafe_to_open) {
    begin_archive(&small, (struct zip_how){.method = 12}); /* bzip2 */
    items[0].unpack = false;
    cds.md5[0] = '\0';
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK);
    CHECK(became(&(struct member){zip.bytes, zip.size}));
    end_archive();
}

/* It has no mark at its end, but the sizes in its header. */
TEST(classic_netcdf_that_no_checksum_proves_must_be_whole) {
    begin();
    cds_serve((const char *)small.bytes, small.size);
    cds.md5[0] = '\0';
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && became(&small));
    end();
    begin();
    cds_serve((const char *)small.bytes, small.size - 1000);
    cds.md5[0] = '\0';
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT && access(folder_path("0.nc"), F_OK) != 0);
    CHECK(strstr(results[0].error.what, "cut short") != NULL && strstr(results[0].error.target, "0.nc") != NULL);
    end();
}

TEST(a_large_archive_is_unpacked_while_it_comes) {
    begin_archive(&large, (struct zip_how){.plain = true});
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && became(&large));
    end_archive();
}

TEST(an_archive_that_was_cut_is_gone_on_with) {
    struct fetch_call call;
    double seconds;
    begin_archive(&large, (struct zip_how){.plain = true});
    cds.cut_at = 12 << 20;
    start_fetch(&call, 1);
    WAIT_UNTIL(&call, atomic_load(&e5_job_watch(call.job)->done) >= 12 << 20);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && seconds < PROMPT);
    CHECK(access(folder_path("0.nc"), F_OK) != 0);
    cds.cut_at = 0;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && became(&large));
    CHECK(cds.ranges == 1 && cds.posts == 1);
    end_archive();
}

/* Its members are right, but not the bytes behind them: what was unpacked on the way is thrown away. */
TEST(a_large_archive_that_was_damaged_on_the_way_is_fetched_again) {
    begin_archive(&large, (struct zip_how){.plain = true});
    cds.flips = 1;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && became(&large));
    CHECK(strstr(log_text, "checksum differs") != NULL);
    end_archive();
}

TEST(damaged_archives_leave_the_old_target) {
    const struct member *members[] = {&small, &large};
    for (int i = 0; i < 2; i++) {
        char old[8] = "";
        begin_archive(members[i], (struct zip_how){.plain = true, .crc_lie = 1});
        folder_write("0.nc", "old", 4);
        CHECK(fetch(1) == E5_OK && results[0].error.status == E5_CORRUPT);
        CHECK(strstr(results[0].error.what, "data.nc") != NULL && strstr(results[0].error.target, "0.nc") != NULL);
        CHECK(folder_read("0.nc", old, sizeof old) == 4 && strcmp(old, "old") == 0);
        end_archive();
    }
}

TEST(hosts_that_ask_to_wait_are_waited_for) {
    begin();
    cds.refuse_with = 429;
    cds.refusals = 1;
    cds.retry_after = 1;
    cds.busy = 1;
    double begun = e5_clock_monotonic();
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && results[1].error.status == E5_OK);
    CHECK(e5_clock_monotonic() - begun >= 2 && strstr(log_text, "asks to wait 1 s") != NULL);
    CHECK(cds.jobs == 2 && cds.posts == 3);
    end();
}

int main(void) {
    small = make_member("small.nc", SMALL_DATA);
    large = make_member("large.nc", LARGE_DATA);
    RUN(an_archive_becomes_what_is_in_it);
    RUN(an_archive_stays_one_where_that_is_wanted);
    RUN(an_archive_that_stays_one_is_sound_in_itself);
    RUN(an_archive_that_stays_one_may_hold_what_is_unsafe_to_open);
    RUN(classic_netcdf_that_no_checksum_proves_must_be_whole);
    RUN(a_large_archive_is_unpacked_while_it_comes);
    RUN(an_archive_that_was_cut_is_gone_on_with);
    RUN(a_large_archive_that_was_damaged_on_the_way_is_fetched_again);
    RUN(damaged_archives_leave_the_old_target);
    RUN(hosts_that_ask_to_wait_are_waited_for);
    free(small.bytes);
    free(large.bytes);
    return check_summary();
}
