#include "net/checksum.h"

#include "check.h"

#define MIB ((int64_t)1 << 20)

TEST(leading_zeros_are_put_back) {
    char out[E5_CHECKSUM_SIZE];
    CHECK(e5_checksum_normal("aBc", out) && strcmp(out, "00000000000000000000000000000abc") == 0);
    CHECK(!e5_checksum_normal("", out) && !e5_checksum_normal("xyz", out));
    CHECK(!e5_checksum_normal("123456789012345678901234567890123", out));
}

#define A "0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccc"

TEST(verdict_follows_the_evidence) {
    static const struct {
        const char *declared, *etag;
        enum e5_checksum_verdict verdict;
    } cases[] = {
        {A, "", E5_CHECKSUM_PROVEN},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", E5_CHECKSUM_PROVEN}, /* the zero in front is dropped */
        {B, "", E5_CHECKSUM_PROVEN},                                 /* in parts */
        {C, "", E5_CHECKSUM_UNKNOWN},
        {"", "\"" A "\"", E5_CHECKSUM_UNKNOWN},
        {C, "\"" C "\"", E5_CHECKSUM_DAMAGED},     /* stored in one piece, so the sum is of the content */
        {C, "\"" A "\"", E5_CHECKSUM_UNKNOWN}, /* the store's own sum fits: the declared one is no content sum */
        {C, "\"" C "-3\"", E5_CHECKSUM_DAMAGED}, /* stored in just the parts we looked at */
        {C, "\"" C "-7\"", E5_CHECKSUM_UNKNOWN}, /* parts of another size */
        {C, "\"" A "-3\"", E5_CHECKSUM_UNKNOWN},
        {C, "W/\"" C "\"", E5_CHECKSUM_UNKNOWN},
        {C, "\"5f3e-1a2b\"", E5_CHECKSUM_UNKNOWN},
        {C, "\"" C "-x\"", E5_CHECKSUM_UNKNOWN},
    };
    struct e5_checksum_result found = {.whole = A, .joined = B, .parts = 3};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(e5_checksum_judge(&found, cases[i].declared, cases[i].etag) == cases[i].verdict);
}

TEST(what_was_not_computed_proves_nothing) {
    struct e5_checksum_result found = {.parts = 0};
    CHECK(e5_checksum_judge(&found, C, "\"" C "\"") == E5_CHECKSUM_UNKNOWN);
    CHECK(e5_checksum_judge(&found, C, "\"" C "-3\"") == E5_CHECKSUM_UNKNOWN);
}

TEST(the_telling_text_is_the_one_that_was_declared) {
    static const struct {
        const char *whole, *joined, *declared, *text, *kind;
    } rows[] = {
        {"aa", "bb", "bb", "bb", "composite"}, {"aa", "bb", "aa", "aa", "md5"},     {"aa", "bb", "", "aa", "md5"},
        {"aa", "", "", "aa", "md5"},           {"", "bb", "cc", "bb", "composite"}, {"", "", "cc", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct e5_checksum_result found = {0};
        const char *kind;
        strcpy(found.whole, rows[i].whole);
        strcpy(found.joined, rows[i].joined);
        CHECK(strcmp(e5_checksum_telling(&found, rows[i].declared, &kind), rows[i].text) == 0);
        CHECK(strcmp(kind, rows[i].kind) == 0);
    }
}

TEST(only_what_tells_is_computed) {
    static const struct {
        int64_t size;
        const char *declared, *etag;
        enum e5_checksum_want want;
    } cases[] = {
        {99 * MIB, "", "\"" A "\"", E5_CHECKSUM_NOTHING}, /* nothing to compare with */
        {99 * MIB, A, "", E5_CHECKSUM_WHOLE},
        {100 * MIB, A, "", E5_CHECKSUM_EITHER},
        {-1, A, "", E5_CHECKSUM_WHOLE},
        {500 * MIB, A, "\"" A "\"", E5_CHECKSUM_WHOLE}, /* the tag has no dash: stored in one piece */
        {500 * MIB, A, "\"" B "\"", E5_CHECKSUM_WHOLE},
        {500 * MIB, A, "\"" A "-10\"", E5_CHECKSUM_JOINED},
        {500 * MIB + 1, A, "\"" A "-11\"", E5_CHECKSUM_JOINED},
        {500 * MIB, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\"" A "-10\"", E5_CHECKSUM_JOINED},
        {60 * MIB, A, "\"" A "-2\"", E5_CHECKSUM_JOINED},
        {500 * MIB, A, "\"" A "-63\"", E5_CHECKSUM_NOTHING}, /* parts of another size */
        {-1, A, "\"" A "-2\"", E5_CHECKSUM_NOTHING},
        {500 * MIB, A, "\"" B "-10\"", E5_CHECKSUM_EITHER}, /* the tag is not what was declared */
        {500 * MIB, A, "W/\"" A "\"", E5_CHECKSUM_EITHER},
        {500 * MIB, A, "\"5f3e-1a2b\"", E5_CHECKSUM_EITHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(e5_checksum_wanted(cases[i].size, cases[i].declared, cases[i].etag) == cases[i].want);
}

int main(void) {
    RUN(leading_zeros_are_put_back);
    RUN(verdict_follows_the_evidence);
    RUN(what_was_not_computed_proves_nothing);
    RUN(the_telling_text_is_the_one_that_was_declared);
    RUN(only_what_tells_is_computed);
    return check_summary();
}
