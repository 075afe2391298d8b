#include "check.h"
#include "make_zip.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "io/archive.h"

/* --- a sink that writes down what it gets: "name size:bytes;" --- */

struct record {
    struct e5_buffer text;
    int open;
    long fail_at; /* byte at which the sink itself fails; 0: never */
};

static enum e5_status on_begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    struct record *r = context;
    CHECK(r->open++ == 0);
    return e5_buffer_printf(&r->text, err, "%s %lld:", name, (long long)size);
}

static enum e5_status on_data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    struct record *r = context;
    CHECK(r->open == 1 && size > 0);
    if (r->fail_at > 0 && r->text.size + size >= (size_t)r->fail_at) return e5_fail(err, E5_STORAGE, "full");
    return e5_buffer_append(&r->text, bytes, size, err);
}

static enum e5_status on_end(void *context, struct e5_error *err) {
    struct record *r = context;
    CHECK(r->open-- == 1);
    return e5_buffer_append(&r->text, ";", 1, err);
}

static enum e5_status unpack(struct record *r, const void *bytes, size_t size, size_t block, struct e5_error *err) {
    const struct e5_archive_sink sink = {r, on_begin, on_data, on_end};
    const unsigned char *at = bytes;
    struct e5_archive *archive = NULL;
    enum e5_status status = e5_archive_new(&sink, -1, &archive, err);
    while (size > 0 && status == E5_OK) {
        size_t n = size < block ? size : block;
        unsigned char *copy = malloc(n); /* of its own, so that a sanitizer sees who reads beyond it */
        memcpy(copy, at, n);
        status = e5_archive_feed(archive, copy, n, err);
        free(copy);
        at += n;
        size -= n;
    }
    if (status == E5_OK) status = e5_archive_finish(archive, err);
    if (archive != NULL && status != E5_OK) { /* nothing is read on */
        size_t before = r->text.size;
        CHECK(e5_archive_feed(archive, bytes, 1, err) == status || status == E5_MEMORY);
        CHECK(e5_archive_finish(archive, err) == status || status == E5_MEMORY);
        CHECK(r->text.size == before);
    }
    e5_archive_free(archive);
    return status;
}

static const size_t blocks[] = {1, 2, 3, 7, 29, 30, 31, 1000, 65536, SIZE_MAX};

/* The archive in zip gives `expected` whatever the blocks it comes in. */
static void check_text(const char *expected, size_t size) {
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct record r = {0};
        CHECK_OK(unpack(&r, zip.bytes, zip.size, blocks[i], err));
        CHECK(r.text.size == size && memcmp(r.text.bytes, expected, size) == 0);
        e5_buffer_fini(&r.text);
    }
}

static void check_refused(enum e5_status expected, const char *word) {
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct record r = {0};
        struct e5_error err = E5_ERROR_NONE;
        enum e5_status status = unpack(&r, zip.bytes, zip.size, blocks[i], &err);
        CHECK(status == expected && strstr(err.what, word) != NULL && err.hint[0] != '\0');
        if (status != expected || strstr(err.what, word) == NULL)
            printf("    wanted '%s', got %s: %s\n", word, e5_status_name(status), err.what);
        e5_buffer_fini(&r.text);
    }
}

static void add_text(const char *name, struct zip_how how) { zip_add(name, "some text\n", 10, how); }

static void make_one(const char *name, struct zip_how how) {
    zip_clear();
    add_text(name, how);
    zip_end(false, "");
}

static void refuse_one(enum e5_status expected, const char *name, struct zip_how how, const char *word) {
    make_one(name, how);
    check_refused(expected, word);
}

/* --- what is unpacked --- */

TEST(every_way_of_storing) {
    static const struct zip_how hows[] = {
        {.level = 0},
        {.level = 9},
        {.plain = true},
        {.level = 1, .wide = true},
        {.plain = true, .wide = true},
        {.level = 1, .follows = true},
        {.level = 0, .follows = true, .unmarked = true},
        {.level = 1, .follows = true, .wide = true},
        {.level = 1, .follows = true, .wide = true, .unmarked = true},
    };
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        make_one("a.nc", hows[i]);
        const char *expected = hows[i].follows ? "a.nc -1:some text\n;" : "a.nc 10:some text\n;";
        check_text(expected, strlen(expected));
    }
}

TEST(many_members_in_order) {
    const char *expected = "b 10:some text\n;d/c -1:some text\n;a 0:;\xc3\xa9 10:some text\n;P 1:P;";
    zip_clear();
    add_text("b", (struct zip_how){.attributes = 0100644u << 16});
    zip_add("d/", "", 0, (struct zip_how){.plain = true, .attributes = 040755u << 16 | 16});
    add_text("d/c", (struct zip_how){.follows = true});
    zip_add("a", "", 0, (struct zip_how){.plain = true});
    zip_add("e/", "", 0, (struct zip_how){0});
    add_text("\xc3\xa9", (struct zip_how){.wide = true});
    zip_add("P", "P", 1, (struct zip_how){.plain = true});
    zip_end(true, "");
    check_text(expected, strlen(expected));
    zip.size = zip.directory;
    zip_end(false, "a comment PK\5\6 with PK\1\2 marks");
    check_text(expected, strlen(expected));
}

TEST(more_than_one_buffer) {
    enum { SIZE = 300000 };
    char *text = malloc(SIZE), *expected = malloc(SIZE + 32);
    for (size_t i = 0; i < SIZE; i++) text[i] = (char)(i * i >> 7);
    int head = sprintf(expected, "big %d:", SIZE);
    memcpy(expected + head, text, SIZE);
    expected[head + SIZE] = ';';
    for (int level = -1; level < 10; level += 5) {
        zip_clear();
        zip_add("big", text, SIZE, (struct zip_how){.plain = level < 0, .level = level < 0 ? 0 : level});
        zip_end(false, "");
        check_text(expected, (size_t)head + SIZE + 1);
    }
    free(text);
    free(expected);
}

/* --- what is refused --- */

TEST(names_that_lead_out) {
    static const char *const names[] = {"/a", "..", "../a", "a/../b", "a/..", "a\\b", "c:a", "C:/a", "a//../b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        refuse_one(E5_UNSAFE, names[i], (struct zip_how){0}, "would lie outside");
    refuse_one(E5_UNSAFE, "a\nb", (struct zip_how){0}, "control characters");
    refuse_one(E5_UNSAFE, "a\x7f", (struct zip_how){0}, "control characters");
    refuse_one(E5_UNSAFE, "", (struct zip_how){0}, "no usable name");
    char name[514];
    memset(name, 'n', sizeof name - 1);
    name[513] = '\0';
    refuse_one(E5_UNSAFE, name, (struct zip_how){0}, "no usable name");
    name[512] = '\0';
    make_one(name, (struct zip_how){0});
    struct record r = {0};
    CHECK_OK(unpack(&r, zip.bytes, zip.size, 100, err));
    e5_buffer_fini(&r.text);
    make_one("..a/b..c/...", (struct zip_how){0});
    check_text("..a/b..c/... 10:some text\n;", 27);
}

TEST(kinds_and_methods) {
    refuse_one(E5_UNSAFE, "link", (struct zip_how){.attributes = 0120777u << 16}, "'link' is a link or a device");
    refuse_one(E5_UNSAFE, "device", (struct zip_how){.attributes = 020644u << 16}, "is a link or a device");
    refuse_one(E5_UNSAFE, "folder", (struct zip_how){.attributes = 040755u << 16}, "is a link or a device");
    refuse_one(E5_UNSAFE, "secret", (struct zip_how){.flags = 1}, "'secret' is encrypted");
    refuse_one(E5_UNSAFE, "secret", (struct zip_how){.flags = 1 << 6}, "is encrypted");
    refuse_one(E5_UNSAFE, "secret", (struct zip_how){.flags = 1 << 13}, "is encrypted");
    refuse_one(E5_UNSAFE, "patch", (struct zip_how){.flags = 1 << 5}, "other than deflate");
    refuse_one(E5_UNSAFE, "other", (struct zip_how){.method = 12}, "other than deflate");
    refuse_one(E5_UNSAFE, "endless", (struct zip_how){.plain = true, .follows = true}, "without saying how long");
    refuse_one(E5_UNSAFE, "full/", (struct zip_how){0}, "a directory with content");
}

TEST(archives_in_archives) {
    for (int plain = 0; plain < 2; plain++) {
        zip_clear();
        zip_add("inner.zip", "PK\3\4 and so on", 14, (struct zip_how){.plain = plain});
        zip_end(false, "");
        check_refused(E5_UNSAFE, "'inner.zip' is an archive itself");
    }
}

TEST(names_twice_and_too_many) {
    zip_clear();
    add_text("a", (struct zip_how){0});
    add_text("b", (struct zip_how){0});
    add_text("a", (struct zip_how){0});
    zip_end(false, "");
    check_refused(E5_UNSAFE, "'a' comes twice");
    for (int count = 10000; count <= 10001; count++) {
        char name[16];
        struct record r = {0};
        struct e5_error err = E5_ERROR_NONE;
        zip_clear();
        for (int i = 0; i < count; i++) {
            snprintf(name, sizeof name, "%d", i);
            zip_add(name, "", 0, (struct zip_how){.plain = true});
        }
        zip_end(false, "");
        enum e5_status status = unpack(&r, zip.bytes, zip.size, 65536, &err);
        CHECK(status == (count > 10000 ? E5_UNSAFE : E5_OK));
        CHECK(count == 10000 || strstr(err.what, "'10000' is one of more than 10,000") != NULL);
        e5_buffer_fini(&r.text);
    }
}

TEST(directory_and_members_must_be_the_same) {
    refuse_one(E5_UNSAFE, "hidden", (struct zip_how){.unlisted = true}, "'hidden' is not in the archive's directory");
    refuse_one(E5_UNSAFE, "a", (struct zip_how){.listed = "b"}, "'b' is not where the directory names it");
    zip_clear();
    add_text("a", (struct zip_how){.listed = "b"});
    add_text("b", (struct zip_how){.listed = "a"});
    zip_end(false, "");
    check_refused(E5_UNSAFE, "'b' is not where");
    zip_clear();
    add_text("a", (struct zip_how){0});
    zip.directory = zip.size;
    zip_central(&zip.entries[0]);
    zip_central(&zip.entries[0]);
    check_refused(E5_UNSAFE, "'a' is not where");
    make_one("a", (struct zip_how){0});
    zip.bytes[zip.directory + 42] = 1; /* offset: overlapping another */
    check_refused(E5_CORRUPT, "'a' differs from its directory entry");
    make_one("a", (struct zip_how){0});
    zip.bytes[zip.directory + 16] ^= 1; /* CRC */
    check_refused(E5_CORRUPT, "'a' differs from its directory entry");
}

TEST(sizes_and_sums_must_hold) {
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.crc_lie = 1}, "another checksum");
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.follows = true, .crc_lie = 1}, "another checksum");
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.size_lie = 1}, "another size");
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.size_lie = -1}, "longer than its record");
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.follows = true, .size_lie = -1}, "another size");
    refuse_one(E5_CORRUPT, "a", (struct zip_how){.plain = true, .size_lie = 1}, "two sizes");
    refuse_one(E5_UNSAFE, "a", (struct zip_how){.size_lie = 100000}, "no honest archive");
    refuse_one(E5_UNSAFE, "a", (struct zip_how){.wide = true, .size_lie = 1L << 61}, "no honest archive");
    make_one("a", (struct zip_how){0});
    zip.bytes[18]++; /* stored size */
    check_refused(E5_CORRUPT, "'a' ends elsewhere");
    make_one("a", (struct zip_how){0});
    zip.bytes[18]--;
    check_refused(E5_CORRUPT, "'a' ends elsewhere");
    make_one("a", (struct zip_how){0});
    zip.bytes[18] = 0;
    zip.bytes[22] = 0;
    check_refused(E5_CORRUPT, "compressed to nothing");
    make_one("a", (struct zip_how){.level = 9});
    zip.bytes[31] = 0xff;
    check_refused(E5_CORRUPT, "cannot be unpacked");
}

TEST(ends_that_lie) {
    static const size_t places[] = {4, 6, 8, 10, 12, 16}; /* behind the mark: disks, counts, size, place */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        make_one("a", (struct zip_how){0});
        zip.bytes[zip.size - 22 + places[i]] ^= 2;
        check_refused(E5_CORRUPT, "damaged archive");
    }
    static const size_t wide_places[] = {4, 16, 20, 24, 32, 40, 48, 62 + 4, 62 + 8, 62 + 16, 82 + 10};
    for (size_t i = 0; i < sizeof wide_places / sizeof wide_places[0]; i++) {
        zip_clear();
        add_text("a", (struct zip_how){0});
        zip_end(true, "");
        zip.bytes[zip.size - 22 - 20 - 62 + wide_places[i]] ^= 2;
        check_refused(E5_CORRUPT, "damaged archive");
    }
    zip_clear();
    add_text("a", (struct zip_how){0});
    zip_end(true, "");
    memmove(zip.bytes + zip.size - 22 - 20, zip.bytes + zip.size - 22, 22); /* nothing says where the wide end lies */
    zip.size -= 20;
    check_refused(E5_CORRUPT, "a part of its end is missing");
    make_one("a", (struct zip_how){0});
    zip_put("x", 1);
    check_refused(E5_CORRUPT, "bytes behind its end");
    zip_clear();
    zip_end(false, "");
    check_refused(E5_CORRUPT, "it is empty");
    zip_clear();
    zip_put("\x89HDF\r\n\x1a\n", 8);
    check_refused(E5_CORRUPT, "no zip archive");
    zip_clear();
    add_text("a", (struct zip_how){0});
    zip_put("junk", 4);
    zip_end(false, "");
    check_refused(E5_CORRUPT, "something foreign");
}

TEST(cut_anywhere_is_corrupt) {
    zip_clear();
    add_text("a", (struct zip_how){.wide = true});
    add_text("b", (struct zip_how){.follows = true, .level = 1});
    zip_end(true, "bye");
    size_t whole = zip.size;
    for (size_t size = 0; size < whole; size++) {
        struct record r = {0};
        struct e5_error err = E5_ERROR_NONE;
        CHECK(unpack(&r, zip.bytes, size, 16, &err) == E5_CORRUPT);
        e5_buffer_fini(&r.text);
    }
}

TEST(a_flipped_bit_is_noticed_or_does_no_harm) {
    zip_clear();
    add_text("a", (struct zip_how){.wide = true});
    add_text("b", (struct zip_how){.follows = true, .level = 1});
    zip_end(true, "");
    const char *expected = "a 10:some text\n;b -1:some text\n;";
    int refused = 0;
    for (size_t bit = 0; bit < zip.size * 8; bit++) {
        struct record r = {0};
        struct e5_error err = E5_ERROR_NONE;
        zip.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        enum e5_status status = unpack(&r, zip.bytes, zip.size, 64, &err);
        zip.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(status == E5_CORRUPT || status == E5_UNSAFE ||
              (status == E5_OK && strcmp(r.text.bytes, expected) == 0));
        refused += status != E5_OK;
        e5_buffer_fini(&r.text);
    }
    CHECK(refused > 1000);
}

/* --- bombs --- */

struct counter {
    uint64_t bytes;
};

static enum e5_status count_begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    (void)context, (void)name, (void)size, (void)err;
    return E5_OK;
}

static enum e5_status count_data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    (void)bytes, (void)err;
    ((struct counter *)context)->bytes += size;
    return E5_OK;
}

static enum e5_status count_end(void *context, struct e5_error *err) {
    (void)context, (void)err;
    return E5_OK;
}

/* Members of 64 MiB of nothing, each some 64 KiB packed, that do not say so before. */
TEST(bombs_are_defused) {
    enum { SIZE = 64 << 20 };
    struct counter counter = {0};
    const struct e5_archive_sink sink = {&counter, count_begin, count_data, count_end};
    struct e5_archive *archive = NULL;
    struct e5_error err = E5_ERROR_NONE;
    char *nothing = calloc(SIZE, 1), name[8];
    enum e5_status status = e5_archive_new(&sink, -1, &archive, &err);
    zip_clear();
    for (int i = 0; i < 32 && status == E5_OK; i++) {
        size_t before = zip.size;
        snprintf(name, sizeof name, "%d", i);
        zip_add(name, nothing, SIZE, (struct zip_how){.level = 1, .follows = true});
        status = e5_archive_feed(archive, zip.bytes + before, zip.size - before, &err);
    }
    CHECK(status == E5_UNSAFE && strstr(err.what, "'16' unpacks to more than 100 times") != NULL);
    CHECK(counter.bytes == (uint64_t)1 << 30);
    e5_archive_free(archive);
    free(nothing);
    zip_clear();
    add_text("a", (struct zip_how){.wide = true, .level = 1, .size_lie = 2L << 30});
    zip_end(false, "");
    check_refused(E5_UNSAFE, "'a' claims a size");
}

/* --- other faults --- */

TEST(a_member_longer_than_the_archive_is_refused_before_it_begins) {
    struct counter counter = {0};
    const struct e5_archive_sink sink = {&counter, count_begin, count_data, count_end};
    for (int64_t size = -1; size < 12; size++) {
        struct e5_archive *archive = NULL;
        make_one("a", (struct zip_how){.plain = true});
        CHECK_OK(e5_archive_new(&sink, size, &archive, err));
        bool fits = size < 0 || size >= 10;
        CHECK_STATUS(fits ? E5_OK : E5_CORRUPT, e5_archive_feed(archive, zip.bytes, 31, err));
        e5_archive_free(archive);
    }
}

TEST(a_sink_that_fails_ends_it) {
    make_one("a", (struct zip_how){.plain = true});
    for (long at = 1; at < 16; at++) {
        struct record r = {.fail_at = at};
        struct e5_error err = E5_ERROR_NONE;
        enum e5_status status = unpack(&r, zip.bytes, zip.size, 1, &err);
        CHECK(status == (at <= 15 ? E5_STORAGE : E5_OK) && strcmp(err.what, "full") == 0);
        e5_buffer_fini(&r.text);
    }
}

TEST(lack_of_memory_is_passed_on) {
    zip_clear();
    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", i);
        add_text(name, (struct zip_how){0});
    }
    zip_end(false, "");
    int failed = 0;
    for (long n = 1; n < 50; n++) {
        struct record r = {0};
        struct e5_error err = E5_ERROR_NONE;
        e5_alloc_fail_after(n);
        enum e5_status status = unpack(&r, zip.bytes, zip.size, 100, &err);
        e5_alloc_fail_after(0);
        CHECK(status == E5_OK || status == E5_MEMORY);
        failed += status == E5_MEMORY;
        e5_buffer_fini(&r.text);
    }
    CHECK(failed > 20);
    e5_archive_free(NULL);
}

/* For tests/test_archives.py: `test_archive ARCHIVE BLOCK` prints the outcome, then name and content in hex. */

static enum e5_status hex_begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    (void)context, (void)size, (void)err;
    for (; *name != '\0'; name++) printf("%02x", (unsigned char)*name);
    putchar(' ');
    return E5_OK;
}

static enum e5_status hex_data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    (void)context, (void)err;
    for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
    return E5_OK;
}

static enum e5_status hex_end(void *context, struct e5_error *err) {
    (void)context, (void)err;
    putchar('\n');
    return E5_OK;
}

static int print_for_others(const char *path, size_t block) {
    struct record r = {0};
    struct e5_error err = E5_ERROR_NONE;
    FILE *file = fopen(path, "rb");
    for (int c = file != NULL ? getc(file) : EOF; c != EOF; c = getc(file))
        zip_put(&(unsigned char){(unsigned char)c}, 1);
    if (file != NULL) fclose(file);
    enum e5_status status = unpack(&r, zip.bytes, zip.size, block, &err);
    printf("%s\n", e5_status_name(status));
    const struct e5_archive_sink sink = {NULL, hex_begin, hex_data, hex_end};
    struct e5_archive *archive = NULL;
    if (status == E5_OK) status = e5_archive_new(&sink, (int64_t)zip.size, &archive, &err);
    if (status == E5_OK) status = e5_archive_feed(archive, zip.bytes, zip.size, &err);
    e5_archive_free(archive);
    e5_buffer_fini(&r.text);
    zip_clear();
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3) return print_for_others(argv[1], (size_t)atol(argv[2]));
    RUN(every_way_of_storing);
    RUN(many_members_in_order);
    RUN(more_than_one_buffer);
    RUN(names_that_lead_out);
    RUN(kinds_and_methods);
    RUN(archives_in_archives);
    RUN(names_twice_and_too_many);
    RUN(directory_and_members_must_be_the_same);
    RUN(sizes_and_sums_must_hold);
    RUN(ends_that_lie);
    RUN(cut_anywhere_is_corrupt);
    RUN(a_flipped_bit_is_noticed_or_does_no_harm);
    RUN(bombs_are_defused);
    RUN(a_member_longer_than_the_archive_is_refused_before_it_begins);
    RUN(a_sink_that_fails_ends_it);
    RUN(lack_of_memory_is_passed_on);
    zip_clear();
    return check_summary();
}
