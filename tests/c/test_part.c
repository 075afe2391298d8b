#include "net/part.h"

#include <errno.h>

#include "check.h"
#include "folder.h"

static struct e5_place place;

static void append(struct e5_part *part, const char *text) {
    CHECK_OK(e5_part_append(part, text, strlen(text), err));
}

static void check_md5(struct e5_part *part, const char *md5) {
    struct e5_checksum_result sum;
    CHECK_OK(e5_checksum_result(&part->checksum, &sum, err));
    CHECK(strcmp(sum.whole, md5) == 0);
}

#define MD5_ABC "900150983cd24fb0d6963f7d28e17f72"

TEST(bytes_are_appended_and_hashed) {
    struct e5_part part;
    char text[8];
    CHECK_OK(e5_part_open(&part, &place, 3, 0, NULL, err));
    append(&part, "a");
    append(&part, "bc");
    CHECK(part.position == 3 && folder_read(place.part, text, sizeof text) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK_OK(e5_part_sync(&part, err));
    check_md5(&part, MD5_ABC);
    e5_part_close(&part);
}

TEST(more_than_declared_is_refused) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 3, 0, NULL, err));
    append(&part, "ab");
    CHECK_STATUS(E5_CORRUPT, e5_part_append(&part, "cd", 2, err));
    CHECK(part.position == 2);
    append(&part, "c");
    CHECK_STATUS(E5_CORRUPT, e5_part_append(&part, "d", 1, err));
    e5_part_close(&part);
}

TEST(resuming_cuts_at_the_mark_and_hashes_again) {
    struct e5_part part;
    folder_write(place.part, "abXXXX", 6);
    CHECK_OK(e5_part_open(&part, &place, 3, 2, NULL, err));
    CHECK(part.position == 2);
    append(&part, "c");
    check_md5(&part, MD5_ABC);
    e5_part_close(&part);
}

TEST(a_part_that_is_too_short_is_begun_anew) {
    struct e5_part part;
    folder_write(place.part, "a", 1);
    CHECK_OK(e5_part_open(&part, &place, 3, 2, NULL, err));
    CHECK(part.position == 0);
    append(&part, "abc");
    check_md5(&part, MD5_ABC);
    e5_part_close(&part);
}

TEST(restart_forgets_everything) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 3, 0, NULL, err));
    append(&part, "xy");
    CHECK_OK(e5_part_restart(&part, err));
    append(&part, "abc");
    check_md5(&part, MD5_ABC);
    e5_part_close(&part);
}

TEST(links_are_not_followed) {
    struct e5_part part;
    char text[8];
    folder_write("victim", "keep", 4);
    unlink(folder_path(place.part));
    CHECK(symlink("victim", folder_path(place.part)) == 0);
    CHECK_OK(e5_part_open(&part, &place, 3, 2, NULL, err));
    append(&part, "abc");
    e5_part_close(&part);
    unlink(folder_path(place.part));
    CHECK(link(folder_path("victim"), folder_path(place.part)) == 0);
    CHECK_OK(e5_part_open(&part, &place, 3, 2, NULL, err));
    CHECK(part.position == 0);
    append(&part, "abc");
    e5_part_close(&part);
    CHECK(folder_read("victim", text, sizeof text) == 4 && memcmp(text, "keep", 4) == 0);
}

TEST(a_disk_that_is_too_small_is_noticed_at_once) {
    struct e5_part part;
    struct e5_error err = E5_ERROR_NONE;
    CHECK(e5_part_open(&part, &place, (int64_t)1 << 49, 0, NULL, &err) == E5_STORAGE);
    CHECK(err.sys_errno == ENOSPC || err.sys_errno == EFBIG);
    CHECK(part.fd == -1);
}

TEST(cancel_stops_reading_again) {
    struct e5_part part;
    struct e5_watch watch = {0};
    folder_write(place.part, "abc", 3);
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_part_open(&part, &place, 3, 3, &watch, err));
    CHECK(part.fd == -1);
}

int main(void) {
    folder_make();
    CHECK_OK(e5_place_open(&place, folder_path("x.nc"), err));
    RUN(bytes_are_appended_and_hashed);
    RUN(more_than_declared_is_refused);
    RUN(resuming_cuts_at_the_mark_and_hashes_again);
    RUN(a_part_that_is_too_short_is_begun_anew);
    RUN(restart_forgets_everything);
    RUN(links_are_not_followed);
    RUN(a_disk_that_is_too_small_is_noticed_at_once);
    RUN(cancel_stops_reading_again);
    e5_place_close(&place);
    folder_remove();
    return check_summary();
}
