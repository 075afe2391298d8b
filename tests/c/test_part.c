#include "net/part.h"

#include <errno.h>
#include <sys/statvfs.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#include "check.h"
#include "folder.h"

static struct e5_place place;
static const struct e5_pieces nothing = {.count = 0};

static void write_at(struct e5_part *part, int64_t start, const char *text) {
    CHECK_OK(e5_part_write(part, e5_pieces_find(&part->pieces, start), text, strlen(text), err));
}

static bool holds(const char *text) {
    char found[64];
    long size = folder_read(place.part, found, sizeof found);
    return size == (long)strlen(text) && memcmp(found, text, strlen(text)) == 0;
}

static struct e5_pieces kept(int64_t size, int64_t position) { return (struct e5_pieces){1, {{0, size, position}}}; }

TEST(bytes_are_written_one_after_the_other) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 3, &nothing, err));
    write_at(&part, 0, "a");
    CHECK(!e5_part_whole(&part));
    write_at(&part, 0, "bc");
    CHECK(e5_part_here(&part) == 3 && e5_part_whole(&part) && holds("abc"));
    CHECK_OK(e5_part_sync(&part, err));
    e5_part_close(&part);
}

TEST(pieces_are_written_in_their_places) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 9, &nothing, err));
    write_at(&part, 0, "a");
    CHECK(e5_pieces_split(&part.pieces, 0, 6));
    write_at(&part, 6, "gh");
    write_at(&part, 0, "bc");
    write_at(&part, 6, "i");
    CHECK_STATUS(E5_CORRUPT, e5_part_write(&part, &part.pieces.piece[1], "x", 1, err));
    CHECK(e5_part_here(&part) == 6 && !e5_part_whole(&part));
    struct e5_pieces left = part.pieces;
    e5_part_close(&part);
    CHECK_OK(e5_part_open(&part, &place, 9, &left, err)); /* and go on */
    CHECK(e5_part_here(&part) == 6 && part.pieces.count == 2);
    write_at(&part, 0, "def");
    CHECK(e5_part_whole(&part) && holds("abcdefghi"));
    e5_part_close(&part);
}

TEST(more_than_declared_is_refused) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 3, &nothing, err));
    write_at(&part, 0, "ab");
    CHECK_STATUS(E5_CORRUPT, e5_part_write(&part, &part.pieces.piece[0], "cd", 2, err));
    CHECK(e5_part_here(&part) == 2 && holds("ab"));
    write_at(&part, 0, "c");
    CHECK_STATUS(E5_CORRUPT, e5_part_write(&part, &part.pieces.piece[0], "d", 1, err));
    e5_part_close(&part);
}

TEST(an_unknown_size_takes_what_comes) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, -1, &nothing, err));
    write_at(&part, 0, "ab");
    write_at(&part, 0, "cdef");
    CHECK(e5_part_here(&part) == 6 && !e5_part_whole(&part) && holds("abcdef"));
    e5_part_close(&part);
}

TEST(what_lies_beyond_is_cut_off) {
    struct e5_part part;
    struct e5_pieces two = kept(3, 2);
    folder_write(place.part, "abXXXX", 6);
    CHECK_OK(e5_part_open(&part, &place, 3, &two, err));
    CHECK(e5_part_here(&part) == 2 && holds("ab"));
    write_at(&part, 0, "c");
    CHECK(holds("abc"));
    e5_part_close(&part);
}

TEST(a_part_that_is_too_short_is_begun_anew) {
    struct e5_part part;
    struct e5_pieces two = kept(3, 2), apart = {2, {{0, 5, 1}, {5, 9, 8}}};
    folder_write(place.part, "a", 1);
    CHECK_OK(e5_part_open(&part, &place, 3, &two, err));
    CHECK(e5_part_here(&part) == 0 && part.pieces.count == 1 && holds(""));
    e5_part_close(&part);
    folder_write(place.part, "abcdefg", 7);
    CHECK_OK(e5_part_open(&part, &place, 9, &apart, err));
    CHECK(e5_part_here(&part) == 0 && part.pieces.count == 1);
    e5_part_close(&part);
}

TEST(pieces_of_another_size_are_not_believed) {
    struct e5_part part;
    struct e5_pieces two = kept(4, 2);
    folder_write(place.part, "ab", 2);
    CHECK_OK(e5_part_open(&part, &place, 3, &two, err));
    CHECK(e5_part_here(&part) == 0 && part.pieces.piece[0].end == 3);
    e5_part_close(&part);
}

TEST(restart_forgets_everything) {
    struct e5_part part;
    CHECK_OK(e5_part_open(&part, &place, 9, &nothing, err));
    write_at(&part, 0, "xy");
    CHECK(e5_pieces_split(&part.pieces, 0, 6));
    write_at(&part, 6, "z");
    unsigned before = part.generation;
    CHECK_OK(e5_part_restart(&part, err));
    CHECK(part.generation != before && part.pieces.count == 1 && e5_part_here(&part) == 0 && holds(""));
    write_at(&part, 0, "abc");
    CHECK(holds("abc"));
    e5_part_close(&part);
}

TEST(links_are_not_followed) {
    struct e5_part part;
    struct e5_pieces two = kept(3, 2);
    char text[8];
    folder_write("victim", "keep", 4);
    unlink(folder_path(place.part));
    CHECK(symlink("victim", folder_path(place.part)) == 0);
    CHECK_OK(e5_part_open(&part, &place, 3, &two, err));
    write_at(&part, 0, "abc");
    e5_part_close(&part);
    unlink(folder_path(place.part));
    CHECK(link(folder_path("victim"), folder_path(place.part)) == 0);
    CHECK_OK(e5_part_open(&part, &place, 3, &two, err));
    CHECK(e5_part_here(&part) == 0);
    write_at(&part, 0, "abc");
    e5_part_close(&part);
    CHECK(folder_read("victim", text, sizeof text) == 4 && memcmp(text, "keep", 4) == 0);
}

TEST(a_disk_that_is_too_small_is_noticed_at_once) {
    struct e5_part part;
    struct e5_error err = E5_ERROR_NONE;
    CHECK(e5_part_open(&part, &place, (int64_t)1 << 49, &nothing, &err) == E5_STORAGE);
    CHECK(err.sys_errno == ENOSPC || err.sys_errno == EFBIG);
    CHECK(part.fd == -1);
}

/* The disk as the part sees it. */

static int64_t free_blocks = -1; /* −1: as it is */

int fstatvfs(int fd, struct statvfs *out) {
    (void)fd;
    if (free_blocks < 0) return statvfs(folder, out);
    *out = (struct statvfs){.f_bavail = (fsblkcnt_t)free_blocks, .f_frsize = 4096};
    return 0;
}

/* Bytes taken of so many. */
static int64_t take(int64_t size, int64_t upto, struct e5_error *why) {
    static const char block[1 << 20];
    struct e5_part part;
    int64_t here = 0;
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    while (here < upto && e5_part_write(&part, &part.pieces.piece[0], block, sizeof block, why) == E5_OK)
        here = e5_part_here(&part);
    e5_part_close(&part);
    return here;
}

TEST(a_stream_without_end_does_not_fill_the_disk) {
    struct e5_error err = E5_ERROR_NONE;
    int64_t mib = (int64_t)1 << 20;
    CHECK(take(-1, 20 * mib, &err) == 20 * mib && err.status == E5_OK);
    free_blocks = 200 * mib / 4096;
    CHECK(take(-1, 20 * mib, &err) < 9 * mib && err.status == E5_STORAGE && err.sys_errno == ENOSPC);
    err = E5_ERROR_NONE;
    CHECK(take(20 * mib, 20 * mib, &err) == 20 * mib && err.status == E5_OK); /* this one has its room */
    free_blocks = -1;
}

#ifdef __linux__
/* A folder in memory, whose room is that of the disk below. */

static bool in_memory;

int fstatfs(int fd, struct statfs *out) {
    (void)fd;
    *out = (struct statfs){.f_type = in_memory ? 0x01021994 : 0xEF53};
    return 0;
}

static int64_t blocks_of(const struct e5_part *part) {
    struct stat info;
    CHECK(fstat(part->fd, &info) == 0);
    return (int64_t)info.st_blocks * 512;
}

/* It would hold memory until somebody calls again, or for ever. */
TEST(a_part_in_memory_that_waits_gives_its_room_back) {
    const int64_t size = 12 << 20, half = size / 2;
    struct stat info;
    struct e5_part part;
    in_memory = true;
    free_blocks = 2 * size / 4096;
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    CHECK(e5_pieces_split(&part.pieces, 0, half));
    write_at(&part, 0, "abc");
    write_at(&part, half, "def");
    CHECK(blocks_of(&part) >= size);
    struct e5_pieces left = part.pieces;
    e5_part_close(&part);
    in_memory = false;
    free_blocks = -1;
    CHECK(stat(folder_path(place.part), &info) == 0 && (int64_t)info.st_blocks * 512 < size / 10);
    CHECK_OK(e5_part_open(&part, &place, size, &left, err)); /* and what had come is there */
    char found[3];
    CHECK(pread(part.fd, found, 3, 0) == 3 && memcmp(found, "abc", 3) == 0);
    CHECK(pread(part.fd, found, 3, half) == 3 && memcmp(found, "def", 3) == 0);
    e5_part_close(&part);
}

TEST(a_large_file_in_memory_gets_its_room_by_being_written) {
    const int64_t size = (20 << 20) + 1;
    struct e5_part part;
    in_memory = true;
    free_blocks = 100 * size / 4096;
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    write_at(&part, 0, "abc");
    CHECK(blocks_of(&part) < size && holds("abc"));
    e5_part_close(&part);
    free_blocks = 2 * size / 4096; /* not ample: all at once */
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    CHECK(blocks_of(&part) >= size);
    e5_part_close(&part);
    in_memory = false;
    free_blocks = -1;
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    CHECK(blocks_of(&part) >= size);
    e5_part_close(&part);
}
#endif

int main(void) {
    folder_make();
    CHECK_OK(e5_place_open(&place, folder_path("x.nc"), err));
    RUN(bytes_are_written_one_after_the_other);
    RUN(pieces_are_written_in_their_places);
    RUN(more_than_declared_is_refused);
    RUN(an_unknown_size_takes_what_comes);
    RUN(what_lies_beyond_is_cut_off);
    RUN(a_part_that_is_too_short_is_begun_anew);
    RUN(pieces_of_another_size_are_not_believed);
    RUN(restart_forgets_everything);
    RUN(links_are_not_followed);
    RUN(a_disk_that_is_too_small_is_noticed_at_once);
    RUN(a_stream_without_end_does_not_fill_the_disk);
#ifdef __linux__
    RUN(a_large_file_in_memory_gets_its_room_by_being_written);
    RUN(a_part_in_memory_that_waits_gives_its_room_back);
#endif
    e5_place_close(&place);
    folder_remove();
    return check_summary();
}
