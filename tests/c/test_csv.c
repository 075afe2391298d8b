#include <sys/stat.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "check.h"
#include "folder.h"
#include "io/csv.h"

static bool writes(double value, const char *expected) {
    char text[E5_DECIMAL_MAX + 1];
    text[e5_decimal_double(value, text)] = '\0';
    if (strcmp(text, expected) != 0) printf("%s, not %s\n", text, expected);
    return strcmp(text, expected) == 0;
}

TEST(doubles_are_short) {
    CHECK(writes(0.1, "0.1"));
    CHECK(writes(-0.0, "-0.0"));
    CHECK(writes(100, "100.0"));
    CHECK(writes(1.0 / 3, "0.3333333333333333"));
    CHECK(writes(1e15, "1000000000000000.0"));
    CHECK(writes(1e16, "1e+16"));
    CHECK(writes(1.25e-4, "0.000125"));
    CHECK(writes(1.25e-5, "1.25e-05"));
    CHECK(writes(-1.7976931348623157e308, "-1.7976931348623157e+308"));
    CHECK(writes(5e-324, "5e-324"));
    CHECK(writes(1e-323, "1e-323"));
    CHECK(writes(9007199254740993.0, "9007199254740992.0"));
    CHECK(writes(2.2250738585072014e-308, "2.2250738585072014e-308"));
    CHECK(writes(INFINITY, "inf"));
    CHECK(writes(NAN, "nan"));
}

/* Every exponent of a single, with its neighbours: the text reads as the same number. */
TEST(singles_come_back) {
    for (uint32_t step = 0; step < 3 * 255; step++) {
        uint32_t bits = (step / 3 << 23) + step % 3 - (step % 3 == 2 ? 3 : 0);
        if (bits >= 0x7F800000u) continue;
        float value, back;
        char text[E5_DECIMAL_MAX + 1];
        memcpy(&value, &bits, sizeof value);
        text[e5_decimal_single(value, text)] = '\0';
        back = strtof(text, NULL);
        CHECK(memcmp(&back, &value, sizeof value) == 0);
    }
}

TEST(integers) {
    const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"}, {-1, "-1"}, {10, "10"}, {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[E5_DECIMAL_MAX + 1];
        text[e5_decimal_integer(cases[i].value, text)] = '\0';
        CHECK(strcmp(text, cases[i].text) == 0);
    }
}

/* Two files of two columns, the first of which lies with its rows together. */
static const float values[] = {1.5f, NAN, -2, 0.1f};
static const int64_t counts[] = {1, 2, 3, 4};
static const struct e5_csv_column columns[] = {{(const char *)values, 2 * sizeof *values, sizeof *values, E5_F32},
                                               {(const char *)counts, sizeof *counts, 2 * sizeof *counts, E5_I64}};
static const size_t ends[] = {1, 3};

static struct e5_csv tables(const char *const *path) {
    return (struct e5_csv){.header = "k,x,n\n",
                           .keys = "abb",
                           .key_end = ends,
                           .rows = 2,
                           .column = columns,
                           .columns = 2,
                           .path = path,
                           .files = 2};
}

static bool holds(const char *name, const char *text) {
    char found[256];
    long size = folder_read(name, found, sizeof found);
    return size == (long)strlen(text) && memcmp(found, text, (size_t)size) == 0;
}

TEST(files_are_written) {
    folder_make();
    const char *path[] = {folder_path("1.csv"), folder_path("2.csv")};
    struct e5_csv csv = tables(path);
    CHECK_OK(e5_csv_write(&csv, NULL, NULL, err));
    CHECK(holds("1.csv", "k,x,n\na,1.5,1\nbb,,3\n"));
    CHECK(holds("2.csv", "k,x,n\na,-2.0,2\nbb,0.1,4\n"));
    CHECK(folder_count() == 2);
    folder_remove();
}

TEST(faults_leave_no_part) {
    folder_make();
    const char *path[] = {folder_path("1.csv"), folder_path("2.csv")};
    struct e5_csv csv = tables(path);
    CHECK(mkdir(path[1], 0700) == 0);
    CHECK_STATUS(E5_STORAGE, e5_csv_write(&csv, NULL, NULL, err));
    CHECK(folder_count() == 2);
    struct e5_watch watch = {.cancel = true};
    CHECK_STATUS(E5_CANCELLED, e5_csv_write(&csv, NULL, &watch, err));
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_csv_write(&csv, NULL, NULL, err));
    e5_alloc_fail_after(0);
    path[0] = folder_path("none/1.csv");
    CHECK_STATUS(E5_STORAGE, e5_csv_write(&csv, NULL, NULL, err));
    CHECK(folder_count() == 2);
    folder_remove();
}

int main(void) {
    RUN(doubles_are_short);
    RUN(singles_come_back);
    RUN(integers);
    RUN(files_are_written);
    RUN(faults_leave_no_part);
    return check_summary();
}
