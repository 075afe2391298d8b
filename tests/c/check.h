/* check: a test in C is a function that checks things; a file is a list of them.
 *
 *     TEST(adds) { CHECK(1 + 1 == 2); }
 *     int main(void) { RUN(adds); return check_summary(); }
 *
 * A failed check prints file, line and condition, and the test goes on; the summary line is the runner's verdict. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static int check_failures, check_tests, check_bad_tests;

#define TEST(name) static void test_##name(void)
#define RUN(name)                         \
    do {                                  \
        int before = check_failures;      \
        test_##name();                    \
        check_tests++;                    \
        if (check_failures > before) {    \
            check_bad_tests++;            \
            printf("FAILED %s\n", #name); \
        }                                 \
    } while (0)
#define CHECK(condition)                                                     \
    do {                                                                     \
        if (!(condition)) {                                                  \
            check_failures++;                                                \
            printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                    \
    } while (0)
#define CHECK_OK(call)                                                       \
    do {                                                                     \
        struct e5_error check_err = E5_ERROR_NONE, *err = &check_err;        \
        if ((call) != E5_OK) {                                               \
            check_failures++;                                                \
            printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, err->what); \
        }                                                                    \
    } while (0)
#define CHECK_STATUS(expected, call)                                                                   \
    do {                                                                                               \
        struct e5_error check_err = E5_ERROR_NONE, *err = &check_err;                                  \
        enum e5_status check_status = (call);                                                          \
        (void)err;                                                                                     \
        if (check_status != (expected)) {                                                              \
            check_failures++;                                                                          \
            printf("%s:%d: %s gave %s: %s\n", __FILE__, __LINE__, #call, e5_status_name(check_status), \
                   check_err.what);                                                                    \
        }                                                                                              \
    } while (0)

/* How a forked child ends: at once, but the lines that it has reached are counted. */
#ifdef E5_COUNTED
void __gcov_dump(void);
#define CHECK_LEAVE(code)                \
    do {                                 \
        int check_code = (code) ? 1 : 0; \
        __gcov_dump();                   \
        _exit(check_code);               \
    } while (0)
#else
#define CHECK_LEAVE(code) _exit((code) ? 1 : 0)
#endif

static int check_summary(void) {
    printf("%d passed, %d failed\n", check_tests - check_bad_tests, check_bad_tests);
    return check_bad_tests > 0;
}

#endif
