#include "io/shuffle.h"

#include <string.h>

#include "check.h"

enum { COUNT = 203, EXTRA = 3, STRIDE = COUNT + EXTRA, WIDEST = 8, LINE = 64 };

static uint8_t plain[COUNT * WIDEST], planes[STRIDE * WIDEST];
static _Alignas(LINE) uint8_t got[LINE + COUNT * WIDEST + LINE];

static void shuffle(size_t element) {
    for (size_t i = 0; i < COUNT * element; i++) plain[i] = (uint8_t)(i * 31 + 7);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < element; k++) planes[k * STRIDE + i] = plain[i * element + k];
}

/* Are these the elements, and is nothing else touched? */
static bool is_right(size_t element, size_t first, size_t n, size_t offset) {
    for (size_t i = 0; i < sizeof got; i++) {
        bool inside = i >= offset && i < offset + n * element;
        if (got[i] != (inside ? plain[first * element + i - offset] : 0xAA)) return false;
    }
    return true;
}

TEST(the_order_is_restored) {
    for (size_t element = 1; element <= WIDEST; element++)
        for (size_t first = 0; first < 40; first += 13) {
            shuffle(element);
            memset(got, 0xAA, sizeof got);
            e5_shuffle_undo(planes, STRIDE, element, first, COUNT - first, got);
            CHECK(is_right(element, first, COUNT - first, 0));
        }
}

TEST(past_the_caches_it_is_the_same_wherever_the_output_begins) {
    for (size_t element = 1; element <= WIDEST; element++) {
        shuffle(element);
        for (size_t offset = 0; offset < LINE; offset++)
            for (size_t n = 0; n < COUNT; n += n < 40 ? 1 : 29) {
                memset(got, 0xAA, sizeof got);
                e5_shuffle_undo_past(planes, STRIDE, element, 2, n, got + offset);
                e5_shuffle_settle();
                CHECK(is_right(element, 2, n, offset));
            }
    }
}

int main(void) {
    RUN(the_order_is_restored);
    RUN(past_the_caches_it_is_the_same_wherever_the_output_begins);
    return check_summary();
}
