#include "make_h5.h"

#include "base/alloc.h"
#include "io/h5_bytes.h"
#include "io/h5_message.h"

#define H5_PROMISE(condition) CHECK(condition)
#include "h5_walk.h"

#define OBJECTS 200

/* --- files that hold a little of everything --- */

static void put_old(const char *path) {
    hid_t file = h5_create(path, (struct h5_new){0});
    struct h5_set set = {"set", H5T_STD_I16LE, 2, {40, 3}, {H5S_UNLIMITED, 3}, {1, 3}, .every = 1, .filters = 1};
    hid_t id = h5_put(file, &set), group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    h5_put_texts(id, "texts", 4, 5);
    h5_put_references(id, file, "group");
    h5_put_text(id, "text", "words");
    for (int i = 0; i < 5; i++) h5_put_numbers(group, (char[]){(char)('a' + i), '\0'}, H5T_IEEE_F64LE, 2);
    H5Gclose(group);
    H5Dclose(id);
    H5(H5Fclose(file));
}

static void put_new(const char *path) {
    hid_t file = h5_create(path, (struct h5_new){.newest = true, .tracked = true});
    const struct h5_set sets[] = {
        {"fixed", H5T_STD_I16LE, 2, {9, 4}, .chunk = {2, 3}, .every = 1},
        {"fixed in pages", H5T_STD_I8LE, 1, {1100}, .chunk = {1}, .every = 300},
        {"extensible", H5T_STD_I16LE, 1, {120}, {H5S_UNLIMITED}, {1}, .every = 1, .filters = 1},
        {"tree", H5T_STD_I16LE, 2, {20, 2}, {H5S_UNLIMITED, H5S_UNLIMITED}, {1, 2}, .every = 1, .filters = 1},
        {"one", H5T_STD_I16LE, 2, {3, 2}, .chunk = {3, 2}, .every = 1, .filters = 1, .tracked = true},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        hid_t id = h5_put(file, &sets[i]);
        for (int k = 0; i == 4 && k < 12; k++) h5_put_numbers(id, (char[]){(char)('a' + k), '\0'}, H5T_IEEE_F64LE, 2);
        if (i == 4) h5_put_numbers(id, "huge", H5T_IEEE_F64LE, 600);
        H5(H5Dclose(id));
    }
    for (int i = 0; i < 10; i++)
        H5(H5Lcreate_soft("/one", file, (char[]){(char)('a' + i), '\0'}, H5P_DEFAULT, H5P_DEFAULT));
    H5(H5Fclose(file));
}

struct image {
    unsigned char *bytes;
    size_t size;
    size_t seen; /* in it as it was */
};

static struct image make_image(void (*put)(const char *)) {
    struct image image;
    const char *path = make_path("whole.h5");
    put(path);
    image.bytes = make_slurp(path, &image.size);
    CHECK_OK(h5_visit_file(path, OBJECTS, &image.seen, err));
    CHECK(image.seen > 30);
    return image;
}

/* One file that is written over again and again: some file systems wait for the disk when a file is emptied first. */
static const char *overwrite(const struct image *image, size_t size) {
    static char path[128];
    static int descriptor = -1;
    if (descriptor < 0) {
        snprintf(path, sizeof path, "%s", make_path("damaged.h5"));
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    if (pwrite(descriptor, image->bytes, size, 0) != (ssize_t)size || ftruncate(descriptor, (off_t)size) != 0)
        exit(2);
    return path;
}

/* `size` bytes of it; whatever comes, no more is found than there was, and failures say so. */
static enum e5_status visit(const struct image *image, size_t size, struct e5_error *err) {
    size_t seen = 0;
    enum e5_status status = h5_visit_file(overwrite(image, size), OBJECTS, &seen, err);
    CHECK((status == E5_OK) == (err->status == E5_OK));
    CHECK(status == E5_OK || err->what[0] != '\0');
    return status;
}

TEST(files_that_are_cut_short) {
    void (*const put[])(const char *) = {put_old, put_new};
    for (int i = 0; i < 2; i++) {
        struct image image = make_image(put[i]);
        for (size_t size = 0; size < image.size; size += 1 + size / 64) {
            struct e5_error err = E5_ERROR_NONE;
            CHECK(visit(&image, size, &err) == E5_CORRUPT);
        }
        free(image.bytes);
    }
}

TEST(single_bits_that_flipped) {
    void (*const put[])(const char *) = {put_old, put_new};
    for (int i = 0; i < 2; i++) {
        struct image image = make_image(put[i]);
        size_t noticed = 0, tried = 0;
        for (size_t bit = 0; bit < image.size * 8; bit += 13, tried++) {
            struct e5_error err = E5_ERROR_NONE;
            image.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            noticed += visit(&image, image.size, &err) != E5_OK;
            image.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        CHECK(noticed > tried / 20 && noticed < tried);
        free(image.bytes);
    }
}

/* Of the newest format everything but the data themselves has a checksum. */
TEST(bits_that_flipped_in_a_header_are_noticed) {
    struct image image = make_image(put_new);
    size_t headers = 0;
    for (size_t at = 0; at + 200 < image.size; at++) {
        if (memcmp(image.bytes + at, "OHDR", 4) != 0) continue;
        struct e5_error err = E5_ERROR_NONE;
        image.bytes[at + 60] ^= 4;
        CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "checksum") != NULL);
        image.bytes[at + 60] ^= 4;
        headers++;
    }
    CHECK(headers >= 6);
    free(image.bytes);
}

TEST(memory_that_runs_out) {
    void (*const put[])(const char *) = {put_old, put_new};
    for (int i = 0; i < 2; i++) {
        size_t seen;
        struct e5_error err = {.status = E5_MEMORY};
        struct image image = make_image(put[i]);
        const char *path = make_bytes("memory.h5", image.bytes, image.size);
        long n = 1;
        for (; err.status == E5_MEMORY && n < 10000; n++) {
            err = E5_ERROR_NONE;
            e5_alloc_fail_after(n);
            (void)!h5_visit_file(path, OBJECTS, &seen, &err);
            e5_alloc_fail_after(0);
        }
        CHECK(err.status == E5_OK && n > 30);
        free(image.bytes);
    }
}

/* --- lies --- */

static void put_number(unsigned char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (unsigned char)(value >> 8 * i);
}

/* Place of the n-th `mark` in an image; the test ends where there is none. */
static size_t find(const struct image *image, const void *mark, size_t length, int n) {
    const unsigned char *at = image->bytes - 1;
    for (; n >= 0 && at != NULL; n--)
        at = memmem(at + 1, (size_t)(image->bytes + image->size - at - 1), mark, length);
    if (at == NULL) printf("there is no %.*s\n", (int)length, (const char *)mark), exit(2);
    return (size_t)(at - image->bytes);
}

TEST(a_header_that_goes_on_in_itself) {
    struct image image = make_image(put_old);
    struct e5_error err = E5_ERROR_NONE;
    size_t at = find(&image, "\x10\0\x10\0\0\0\0\0", 8, 0); /* a message of 16 bytes: where the header goes on */
    put_number(image.bytes + at + 8, at, 8);
    put_number(image.bytes + at + 16, 24, 8);
    CHECK(visit(&image, image.size, &err) == E5_UNSAFE);
    free(image.bytes);
}

TEST(a_tree_whose_branches_lead_to_itself) {
    struct image image = make_image(put_old);
    struct e5_error err = E5_ERROR_NONE;
    size_t at = find(&image, "TREE\1", 5, 0);
    image.bytes[at + 5] = 1;                      /* no leaf */
    put_number(image.bytes + at + 24 + 32, at, 8); /* behind the first key of 8 + 3 × 8 bytes */
    CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "B-tree") != NULL);
    free(image.bytes);
}

TEST(chunks_outside_the_file_and_in_one_place) {
    struct image image = make_image(put_old);
    struct e5_error err = E5_ERROR_NONE;
    size_t key = find(&image, "TREE\1", 5, 0);
    if (image.bytes[key + 5] > 0) key = find(&image, "TREE\1", 5, 1);
    key += 24;
    put_number(image.bytes + key + 32, image.size - 1, 8);
    CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "outside the file") != NULL);
    put_number(image.bytes + key + 32, 2048, 8);
    put_number(image.bytes + key + 40 + 8, e5_h5_number(image.bytes + key + 8, 8), 8);
    err = E5_ERROR_NONE;
    CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "in one place") != NULL);
    put_number(image.bytes + key + 40 + 8, 40, 8);
    err = E5_ERROR_NONE;
    CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "outside its variable") != NULL);
    free(image.bytes);
}

/* --- lies that somebody has signed: in blocks of the newest format, with the checksum that belongs to them --- */

/* Length of the block that begins there: the least that its last four bytes are the checksum of. */
static size_t signed_length(const struct image *image, size_t at) {
    for (size_t n = 12; n <= 4096 && at + n <= image->size; n++)
        if (e5_h5_is_sound(image->bytes + at, n)) return n;
    printf("no block of its own at %zu\n", at);
    exit(2);
}

static void sign(unsigned char *block, size_t length) {
    put_number(block + length - 4, e5_h5_checksum(block, length - 4), 4);
}

/* What is told of a block in which one byte is another. */
static enum e5_status visit_forged(struct image *image, size_t block, size_t length, size_t byte, unsigned flip,
                                   struct e5_error *err) {
    unsigned char *at = image->bytes + block;
    *err = E5_ERROR_NONE;
    at[byte] ^= (unsigned char)flip;
    sign(at, length);
    enum e5_status status = visit(image, image->size, err);
    at[byte] ^= (unsigned char)flip;
    sign(at, length);
    return status;
}

TEST(a_right_checksum_makes_no_lie_true) {
    static const char *const marks[] = {"OHDR", "BTHD", "BTLF", "FRHP", "FAHD", "FADB", "EAHD", "EAIB"};
    static const unsigned flips[] = {0x01, 0x2f, 0x30};
    static const char *const words[] = {
        "an index of chunks makes no sense",      "a B-tree of its structure makes no sense",
        "a heap of its structure makes no sense", "a heap of links makes no sense",
        "a heap of attributes makes no sense",    "chunks and variable differ in their dimensions"};
    size_t told[sizeof words / sizeof *words] = {0};
    struct image image = make_image(put_new);
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++)
        for (int instance = 0; instance < 2; instance++) {
            size_t block = find(&image, marks[m], 4, 0);
            if (instance == 1 && memmem(image.bytes + block + 4, image.size - block - 4, marks[m], 4) != NULL)
                block = find(&image, marks[m], 4, 1);
            size_t length = signed_length(&image, block), most = m == 0 ? 300 : 60;
            for (size_t i = 4; i < length - 4 && i < most; i++)
                for (size_t k = 0; k < sizeof flips / sizeof *flips; k++) {
                    struct e5_error err;
                    (void)!visit_forged(&image, block, length, i, flips[k], &err);
                    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
                        told[w] += strstr(err.what, words[w]) != NULL;
                }
        }
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        if (told[w] == 0) printf("  never said: %s\n", words[w]);
        CHECK(told[w] > 0);
    }
    free(image.bytes);
}

/* The last pointer of an index leads to a block that would hold more pointers than the file has bytes. */
TEST(an_index_that_claims_the_largest_of_its_blocks) {
    struct image image = make_image(put_new);
    struct e5_error err = E5_ERROR_NONE;
    size_t block = find(&image, "EAIB", 4, 0), length = signed_length(&image, block);
    put_number(image.bytes + block + length - 12, 2048, 8);
    sign(image.bytes + block, length);
    CHECK(visit(&image, image.size, &err) == E5_CORRUPT && strstr(err.what, "index of chunks") != NULL);
    free(image.bytes);
}

/* Chunks without an index lie one behind the other, as many as there can ever be. */
TEST(chunks_beyond_all_addresses) {
    struct image image = make_image(put_old);
    struct e5_error said = E5_ERROR_NONE;
    struct e5_probe probe;
    struct e5_h5 *h5;
    struct e5_chunk *chunk;
    size_t count;
    const struct e5_h5_data data = {.type.size = 8,
                                    .space = {.ndim = 2, .dim = {2, 1}, .most = {2, UINT64_MAX / 2}},
                                    .layout = E5_H5_CHUNKED,
                                    .index = E5_H5_IMPLICIT,
                                    .chunk = {1, 1}};
    CHECK_OK(e5_probe_file(make_bytes("far.h5", image.bytes, image.size), &probe, err));
    CHECK_OK(e5_h5_open(make_path("far.h5"), &probe, &h5, err));
    CHECK(e5_h5_chunks(h5, &data, &chunk, &count, &said) == E5_CORRUPT && chunk == NULL);
    CHECK(strstr(said.what, "a chunk lies outside the file") != NULL);
    e5_h5_close(h5);
    free(image.bytes);
}

/* A few kilobytes of values stored as many megabytes would take these megabytes to read. */
TEST(stored_chunks_far_larger_than_what_they_hold) {
    const size_t sizes[] = {1025 + ((size_t)64 << 10), 1026 + ((size_t)64 << 10)}; /* a chunk holds 1024 bytes */
    for (int i = 0; i < 2; i++) {
        const char *path = make_path("fat.h5");
        hid_t file = h5_create(path, (struct h5_new){0});
        struct h5_set set = {"set", H5T_STD_I32LE, 1, {600}, .chunk = {256}, .filters = 1};
        hid_t id = h5_put(file, &set);
        uint8_t *stored = calloc(sizes[i], 1);
        size_t seen;
        H5(H5Dwrite_chunk(id, H5P_DEFAULT, 0, (hsize_t[]){256}, sizes[i], stored));
        free(stored);
        H5(H5Dclose(id));
        H5(H5Fclose(file));
        CHECK_STATUS(i == 0 ? E5_OK : E5_UNSAFE, h5_visit_file(path, OBJECTS, &seen, err));
    }
}

/* As many links may lead to one object: reading it for each of them comes to an end. */
TEST(one_object_is_not_read_for_ever) {
    const char *path = make_path("again.h5");
    hid_t file = h5_create(path, (struct h5_new){0});
    struct h5_set set = {"set", H5T_STD_I32LE, 1, {3}, .every = 1};
    hid_t id = h5_put(file, &set);
    for (int i = 0; i < 100; i++) {
        char name[] = {(char)('0' + i / 10), (char)('0' + i % 10), '\0'};
        h5_put_numbers(id, name, H5T_IEEE_F64LE, 8000);
    }
    H5(H5Dclose(id));
    H5(H5Fclose(file));
    struct e5_probe probe;
    struct e5_h5 *h5;
    struct e5_h5_link *link;
    struct e5_h5_object object;
    size_t count, times = 0;
    enum e5_status status = E5_OK;
    CHECK_OK(e5_probe_file(path, &probe, err));
    CHECK_OK(e5_h5_open(path, &probe, &h5, err));
    CHECK_OK(e5_h5_links(h5, e5_h5_root(h5), &link, &count, err));
    for (; status == E5_OK && times < 200; times++) {
        status = e5_h5_object_read(h5, link[0].address, &object, NULL);
        if (status == E5_OK) e5_h5_object_fini(&object);
    }
    CHECK(status == E5_UNSAFE && times > 50);
    e5_h5_links_free(link, count);
    e5_h5_close(h5);
}

static void read_text(const char *path, size_t i, size_t *length, char first[4]) {
    struct e5_probe probe;
    struct e5_h5 *h5;
    struct e5_h5_link *link;
    struct e5_h5_object object;
    const uint8_t *bytes;
    size_t count, a = 0;
    CHECK_OK(e5_probe_file(path, &probe, err));
    CHECK_OK(e5_h5_open(path, &probe, &h5, err));
    CHECK_OK(e5_h5_links(h5, e5_h5_root(h5), &link, &count, err));
    CHECK_OK(e5_h5_object_read(h5, link[1].address, &object, err));
    while (a + 1 < object.attrs && strcmp(object.attr[a].name, "texts") != 0) a++;
    CHECK_OK(e5_h5_heap_get(h5, object.attr[a].bytes + i * object.attr[a].type.size, 1, &bytes, length, err));
    memcpy(first, bytes, 4);
    e5_h5_object_fini(&object);
    e5_h5_links_free(link, count);
    e5_h5_close(h5);
}

/* What counts is the number of characters that the element gives, not the size of the object in the heap. */
TEST(a_text_is_as_long_as_its_element_says) {
    struct image image = make_image(put_old);
    uint8_t element[12] = {15};
    size_t length = 0;
    char first[4];
    put_number(element + 4, find(&image, "GCOL", 4, 0), 8);
    size_t at = find(&image, element, sizeof element, 0);
    read_text(make_bytes("text.h5", image.bytes, image.size), 3, &length, first);
    CHECK(length == 15 && memcmp(first, "dddd", 4) == 0);
    put_number(image.bytes + at, 7, 4);
    read_text(make_bytes("text.h5", image.bytes, image.size), 3, &length, first);
    CHECK(length == 7 && memcmp(first, "dddd", 4) == 0);
    free(image.bytes);
}

TEST(shapes_that_overflow) {
    uint8_t bytes[4 + 16] = {2, 2, 0, 1};
    struct e5_h5 h5 = {.path = (char[]){"x"}, .address_bytes = 8, .length_bytes = 8};
    struct e5_h5_space space;
    size_t count;
    struct e5_h5_bytes part = {bytes, sizeof bytes};
    put_number(bytes + 4, (uint64_t)1 << 40, 8);
    put_number(bytes + 12, (uint64_t)1 << 40, 8);
    CHECK_STATUS(E5_UNSAFE, e5_h5_space_read(&h5, part, &space, &count, err));
    put_number(bytes + 12, 3, 8);
    CHECK_OK(e5_h5_space_read(&h5, part, &space, &count, err));
    CHECK(count == (size_t)3 << 40 && space.ndim == 2 && space.most[1] == 3);
    part.size--;
    CHECK_STATUS(E5_CORRUPT, e5_h5_space_read(&h5, part, &space, &count, err));
    bytes[0] = 3;
    CHECK_STATUS(E5_INPUT, e5_h5_space_read(&h5, part, &space, &count, err));
    CHECK(h5.unknown != NULL);
}

TEST(a_newer_superblock_is_left_to_the_library) {
    struct image image = make_image(put_old);
    struct e5_probe probe;
    struct e5_h5 *h5;
    image.bytes[9] = 1; /* version of the groups */
    CHECK_OK(e5_probe_file(make_bytes("newer.h5", image.bytes, image.size), &probe, err));
    CHECK_STATUS(E5_INPUT, e5_h5_open(make_path("newer.h5"), &probe, &h5, err));
    CHECK(e5_h5_unknown(h5) != NULL);
    e5_h5_close(h5);
    free(image.bytes);
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    RUN(files_that_are_cut_short);
    RUN(single_bits_that_flipped);
    RUN(bits_that_flipped_in_a_header_are_noticed);
    RUN(memory_that_runs_out);
    RUN(a_header_that_goes_on_in_itself);
    RUN(a_tree_whose_branches_lead_to_itself);
    RUN(chunks_outside_the_file_and_in_one_place);
    RUN(a_right_checksum_makes_no_lie_true);
    RUN(an_index_that_claims_the_largest_of_its_blocks);
    RUN(chunks_beyond_all_addresses);
    RUN(stored_chunks_far_larger_than_what_they_hold);
    RUN(one_object_is_not_read_for_ever);
    RUN(a_text_is_as_long_as_its_element_says);
    RUN(shapes_that_overflow);
    RUN(a_newer_superblock_is_left_to_the_library);
    return check_summary();
}
