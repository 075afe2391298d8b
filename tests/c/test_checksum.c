#include "net/checksum.h"

#include <stdlib.h>

#include "check.h"

#define MIB ((size_t)1 << 20)

TEST(small_files_have_one_sum) {
    struct e5_checksum sum = {0};
    struct e5_checksum_result out;
    CHECK_OK(e5_checksum_init(&sum, 3, err));
    CHECK_OK(e5_checksum_add(&sum, "ab", 2, err));
    CHECK_OK(e5_checksum_add(&sum, "c", 1, err));
    CHECK_OK(e5_checksum_result(&sum, &out, err));
    CHECK(strcmp(out.whole, "900150983cd24fb0d6963f7d28e17f72") == 0 && out.joined[0] == '\0');
    CHECK_STATUS(E5_INTERNAL, e5_checksum_result(&sum, &out, err)); /* only once */
    e5_checksum_fini(&sum);
}

/* The rule for objects stored in parts, in the plainest way. */
static void joined_of(const char *bytes, size_t size, char out[E5_CHECKSUM_SIZE]) {
    struct e5_digest all, part;
    char hex[E5_DIGEST_HEX];
    CHECK_OK(e5_digest_init(&all, E5_MD5, err));
    for (size_t at = 0; at < size; at += 50 * MIB) {
        unsigned char raw[16];
        CHECK_OK(e5_digest_init(&part, E5_MD5, err));
        e5_digest_add(&part, bytes + at, size - at < 50 * MIB ? size - at : 50 * MIB);
        e5_digest_hex(&part, hex);
        e5_digest_fini(&part);
        for (int i = 0; i < 16; i++) sscanf(hex + 2 * i, "%2hhx", &raw[i]);
        e5_digest_add(&all, raw, sizeof raw);
    }
    e5_digest_hex(&all, hex);
    e5_digest_fini(&all);
    memcpy(out, hex, 32);
    out[32] = '\0';
}

TEST(large_files_are_summed_in_parts_too) {
    size_t size = 100 * MIB + 12345;
    char *bytes = calloc(size, 1), expected[E5_CHECKSUM_SIZE];
    for (size_t i = 0; i < size; i += 4096) bytes[i] = (char)(i >> 12);
    joined_of(bytes, size, expected);
    struct e5_checksum sum = {0};
    struct e5_checksum_result out;
    CHECK_OK(e5_checksum_init(&sum, (int64_t)size, err));
    for (size_t at = 0; at < size; at += 3 * MIB + 1)
        CHECK_OK(e5_checksum_add(&sum, bytes + at, size - at < 3 * MIB + 1 ? size - at : 3 * MIB + 1, err));
    CHECK_OK(e5_checksum_result(&sum, &out, err));
    CHECK(strcmp(out.joined, expected) == 0 && out.parts == 3);
    free(bytes);
}

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

int main(void) {
    RUN(small_files_have_one_sum);
    RUN(large_files_are_summed_in_parts_too);
    RUN(leading_zeros_are_put_back);
    RUN(verdict_follows_the_evidence);
    return check_summary();
}
