/* fuzz: what the targets share.  Each is one file tests/fuzz/fuzz_<name>.c with seeds in tests/fuzz/corpus/<name>/;
 * `make fuzz` builds and runs them all.  A target feeds its bytes to one reader of text from outside, and stops with
 * __builtin_trap() where a promise of that reader is broken. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                     \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

/* A copy that ends with NUL and has no other; free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (text == NULL) abort();
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0') text[i] = '0';
    return text;
}

/* A copy of exactly these bytes, so that one read too many is noticed; free() it. */
static inline char *fuzz_bytes(const uint8_t *data, size_t size) {
    char *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL) abort();
    if (size > 0) memcpy(bytes, data, size);
    return bytes;
}

/* Nothing that could move a terminal's cursor. */
static inline bool fuzz_is_clean(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7F) return false;
    return true;
}

#endif
