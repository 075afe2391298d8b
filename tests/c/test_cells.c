/* The cells of an event as bytes, and back. */
#include <stdlib.h>

#include "check.h"
#include "db/cells.h"

static bool same_runs(const struct e5_run *a, const struct e5_run *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i].row != b[i].row || a[i].first != b[i].first || a[i].count != b[i].count || a[i].blob != b[i].blob)
            return false;
    return true;
}

static void check_there_and_back(const struct e5_run *runs, size_t n) {
    struct e5_buffer bytes = {0};
    struct e5_run *back;
    size_t found;
    CHECK_OK(e5_cells_encode(runs, n, &bytes, err));
    CHECK_OK(e5_cells_decode(bytes.bytes, bytes.size, &back, &found, err));
    CHECK(found == n && same_runs(runs, back, n));
    free(back);
    e5_buffer_fini(&bytes);
}

TEST(bytes_are_as_documented) {
    static const struct e5_run runs[] = {{7, 300, 1000, 5, 0}, {7, 300, 1020, 1, 1}, {7, 301, 998, 200, 0}};
    static const unsigned char expected[] = {2, 0xAC, 0x02, 0xD0, 0x0F, 5, /* two runs; row 300, column 1000 */
                                             1, 3,    0xC8, 0x01,          /* a row further, two columns back */
                                             1, 0xAC, 0x02, 0xF8, 0x0F, 1}; /* the other blob begins anew */
    struct e5_buffer bytes = {0};
    CHECK_OK(e5_cells_encode(runs, 3, &bytes, err));
    CHECK(bytes.size == sizeof expected && memcmp(bytes.bytes, expected, sizeof expected) == 0);
    e5_buffer_fini(&bytes);
    check_there_and_back(runs, 3);
}

TEST(extremes_come_back) {
    static const struct e5_run far[] = {
        {0, 0, 0, 1, 0}, {0, 0, INT32_MAX - 1, 1, 1}, {0, INT32_MAX, 0, INT32_MAX, 0}, {0, INT32_MAX, 5, 9, 0}};
    check_there_and_back(far, 2);
    check_there_and_back(far + 2, 1);
    check_there_and_back(far, 3);
    check_there_and_back(NULL, 0);
}

TEST(noise_comes_back) {
    enum { MOST_RUNS = 3000 };
    static struct e5_run runs[MOST_RUNS];
    uint64_t state = 1;
    for (int round = 0; round < 50; round++) {
        size_t n = 0;
        int32_t blobs = 1 + round % 7;
        for (int32_t row = 0; row < 60; row++)
            for (int32_t column = 0; column < 300 && n < MOST_RUNS;) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                int32_t gap = 1 + (int32_t)(state >> 60), count = 1 + (int32_t)(state >> 56 & 15);
                column += gap;
                runs[n++] = (struct e5_run){0, row, column, count,
                                            (int32_t)n < blobs ? (int32_t)n : (int32_t)(state >> 40) % blobs};
                runs[n - 1].blob = runs[n - 1].blob < 0 ? 0 : runs[n - 1].blob;
                column += count;
            }
        for (size_t i = 0; i < (size_t)blobs; i++) runs[i].blob = (int32_t)i;
        check_there_and_back(runs, n);
    }
}

/* Bytes from outside: never more memory than they are worth, never a number that is no place on a grid. */
TEST(damage_is_told) {
    static const struct {
        const char *bytes;
        size_t size;
    } damaged[] = {
        {"\x00", 1},                                       /* a blob without runs */
        {"\x01\x00\x00", 3},                               /* cut off */
        {"\x01\x00\x00\x00", 4},                           /* a run without cells */
        {"\x01\x00\x01\x01", 4},                           /* a column before the first one */
        {"\xff\xff\xff\xff\x0f\x00\x00\x01", 8},           /* more runs than there are bytes */
        {"\x01\xff\xff\xff\xff\xff\x01\x00\x01", 9},       /* a number of more than 32 bits */
        {"\x02\xff\xff\xff\xff\x07\x00\x01\x01\x00\x01", 11}, /* a row beyond all */
        {"\x80", 1},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct e5_run *run;
        size_t n;
        CHECK_STATUS(E5_DATABASE, e5_cells_decode(damaged[i].bytes, damaged[i].size, &run, &n, err));
        CHECK(run == NULL && n == 0);
    }
}

int main(void) {
    RUN(bytes_are_as_documented);
    RUN(extremes_come_back);
    RUN(noise_comes_back);
    RUN(damage_is_told);
    return check_summary();
}
