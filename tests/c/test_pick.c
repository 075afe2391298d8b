#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "io/cut.h"
#include "io/touched.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a pick says, one line an index: position `to[i]` is filled from index got[to[i]]. */
static void expand(const struct e5_pick *pick, int64_t *got) {
    const struct e5_stretch *s = e5_pick_stretches(pick);
    for (size_t i = 0; i < pick->stretches; i++)
        for (size_t k = 0; k < s[i].count; k++) got[s[i].to + k] = (int64_t)(s[i].from + k);
}

static void check_list(const int64_t *index, size_t n, size_t length, size_t stretches) {
    int64_t got[64];
    struct e5_pick pick;
    for (size_t i = 0; i < n; i++) got[i] = -1;
    CHECK_OK(e5_pick_list(index, n, length, &pick, err));
    CHECK(pick.count == n && pick.stretches == stretches);
    CHECK(e5_pick_fits(&pick, length));
    expand(&pick, got);
    CHECK(memcmp(got, index, n * sizeof *index) == 0);
    e5_pick_fini(&pick);
    CHECK(pick.stretch == NULL && pick.count == 0);
}

TEST(a_range_is_one_stretch) {
    struct e5_pick pick = e5_pick_range(3, 4), none = e5_pick_range(3, 0);
    int64_t got[4];
    size_t first, last;
    expand(&pick, got);
    CHECK(pick.count == 4 && pick.stretches == 1 && got[0] == 3 && got[3] == 6);
    e5_pick_bounds(&pick, &first, &last);
    CHECK(first == 3 && last == 6);
    CHECK(none.count == 0 && none.stretches == 0);
    CHECK(e5_pick_fits(&pick, 7) && !e5_pick_fits(&pick, 6) && e5_pick_fits(&none, 0));
    pick = e5_pick_range(SIZE_MAX, 2);
    CHECK(!e5_pick_fits(&pick, 100));
}

TEST(a_list_may_have_any_order) {
    const int64_t ascending[] = {4, 5, 6, 7}, meridian[] = {8, 9, 0, 1, 2}, descending[] = {3, 2, 1, 0};
    const int64_t strided[] = {0, 4, 8}, repeated[] = {2, 2, 3, 3, 2}, single[] = {9},
                  mixed[] = {5, 6, 1, 2, 7, 0, 6};
    check_list(ascending, 4, 10, 1);
    check_list(meridian, 5, 10, 2);
    check_list(descending, 4, 10, 4);
    check_list(strided, 3, 10, 3);
    check_list(repeated, 5, 10, 5);
    check_list(single, 1, 10, 1);
    check_list(mixed, COUNT(mixed), 10, 5);
    check_list(single, 0, 10, 0);
}

TEST(bounds_are_those_of_the_file) {
    const int64_t index[] = {5, 9, 2, 9, 3};
    struct e5_pick pick;
    size_t first, last;
    CHECK_OK(e5_pick_list(index, COUNT(index), 10, &pick, err));
    e5_pick_bounds(&pick, &first, &last);
    CHECK(first == 2 && last == 9);
    e5_pick_fini(&pick);
}

TEST(indices_outside_are_refused) {
    const int64_t negative[] = {0, -1}, far[] = {0, 10};
    struct e5_pick pick;
    CHECK_STATUS(E5_INPUT, e5_pick_list(negative, 2, 10, &pick, err));
    CHECK(pick.stretch == NULL);
    CHECK_STATUS(E5_INPUT, e5_pick_list(far, 2, 10, &pick, err));
    CHECK_STATUS(E5_INPUT, e5_pick_list(far, 1, 0, &pick, err));
}

TEST(stretches_that_do_not_fit_are_noticed) {
    static const struct {
        struct e5_stretch stretch[2];
        bool fits;
    } cases[] = {
        {{{0, 0, 3}, {3, 3, 2}}, true},  {{{0, 2, 3}, {2, 0, 2}}, true}, /* meets the last index of the first */
        {{{0, 0, 3}, {1, 3, 2}}, false}, {{{3, 0, 1}, {2, 1, 1}}, false}, {{{0, 0, 3}, {8, 3, 3}}, false},
        {{{0, 0, 3}, {4, 4, 2}}, false}, {{{0, 0, 0}, {4, 0, 2}}, false}, {{{0, 0, 3}, {4, SIZE_MAX, 2}}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct e5_pick pick = {.count = 5, .stretches = 2, .stretch = cases[i].stretch};
        CHECK(e5_pick_fits(&pick, 10) == cases[i].fits);
    }
}

/* Everything that lies in [low, high), for all such intervals. */
static void check_within(const int64_t *index, size_t n) {
    struct e5_pick pick;
    CHECK_OK(e5_pick_list(index, n, 10, &pick, err));
    for (size_t low = 0; low < 10; low++)
        for (size_t high = low + 1; high <= 10; high++) {
            struct e5_cut_part part = {.low = low, .high = high};
            size_t first, wanted = 0;
            part.stretches = e5_pick_within(&pick, low, high, &first);
            part.stretch = e5_pick_stretches(&pick) + first;
            for (size_t i = 0; i < n; i++) wanted += (size_t)index[i] >= low && (size_t)index[i] < high;
            CHECK(e5_cut_count(&part) == wanted);
            CHECK((part.stretches > 0) == (wanted > 0));
        }
    e5_pick_fini(&pick);
}

TEST(what_lies_within_is_found) {
    const int64_t some[] = {8, 9, 0, 1, 4, 4, 5, 4}, all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, back[] = {6, 5, 4};
    check_within(some, COUNT(some));
    check_within(all, COUNT(all));
    check_within(back, COUNT(back));
    check_within(back, 0);
}

TEST(touched_boxes_are_met_once_and_in_order) {
    const int64_t index[] = {9, 0, 1, 9, 5, 0};
    const size_t dim[] = {10, 7}, box[] = {2, 3};
    const uint64_t numbers[] = {1, 2, 7, 8, 13, 14};
    struct e5_pick pick[2] = {{0}, e5_pick_range(5, 2)};
    struct e5_touched touched;
    CHECK_OK(e5_pick_list(index, COUNT(index), dim[0], &pick[0], err));
    CHECK_OK(e5_touched_make(2, pick, dim, box, &touched, err));
    CHECK(touched.count == 6 && touched.along[0] == 3 && touched.along[1] == 2);
    for (size_t i = 0; i < touched.count; i++) {
        struct e5_box at;
        CHECK(e5_touched_box(&touched, i, &at) == numbers[i]);
        CHECK(at.start[0] == numbers[i] / 3 * 2 && at.start[1] == numbers[i] % 3 * 3 && at.count[1] == 3);
    }
    e5_touched_fini(&touched);
    e5_pick_fini(&pick[0]);
}

int main(void) {
    RUN(a_range_is_one_stretch);
    RUN(a_list_may_have_any_order);
    RUN(bounds_are_those_of_the_file);
    RUN(indices_outside_are_refused);
    RUN(stretches_that_do_not_fit_are_noticed);
    RUN(what_lies_within_is_found);
    RUN(touched_boxes_are_met_once_and_in_order);
    return check_summary();
}
