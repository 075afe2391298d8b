#include "pool/queue.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

static int items[1000];

TEST(empty_queue_has_nothing_due) {
    struct e5_queue queue = {0};
    CHECK(e5_queue_take(&queue, INFINITY) == NULL);
    CHECK(isinf(e5_queue_next(&queue)) && e5_queue_next(&queue) > 0);
    e5_queue_fini(&queue);
}

TEST(nothing_is_taken_before_its_time) {
    struct e5_queue queue = {0};
    CHECK_OK(e5_queue_put(&queue, 5, &items[0], err));
    CHECK(e5_queue_next(&queue) == 5);
    CHECK(e5_queue_take(&queue, 4.999) == NULL);
    CHECK(e5_queue_take(&queue, 5) == &items[0]);
    CHECK(e5_queue_take(&queue, INFINITY) == NULL);
    e5_queue_fini(&queue);
}

TEST(equal_times_keep_their_order) {
    struct e5_queue queue = {0};
    for (int i = 0; i < 100; i++) CHECK_OK(e5_queue_put(&queue, i % 3, &items[i], err));
    for (int due = 0; due < 3; due++)
        for (int i = due; i < 100; i += 3) CHECK(e5_queue_take(&queue, 10) == &items[i]);
    CHECK(queue.count == 0);
    e5_queue_fini(&queue);
}

/* Puts and takes mixed, against the plainest queue there is: look at all entries. */
TEST(always_gives_the_earliest) {
    struct e5_queue queue = {0};
    double due[1000];
    bool inside[1000] = {false};
    unsigned random = 12345;
    for (int i = 0; i < 1000; i++) {
        random = random * 1103515245u + 12345u;
        due[i] = random >> 16 & 255;
        inside[i] = true;
        CHECK_OK(e5_queue_put(&queue, due[i], &items[i], err));
        if (i % 3 != 0) continue;
        int first = -1;
        for (int k = 0; k <= i; k++)
            if (inside[k] && (first < 0 || due[k] < due[first])) first = k;
        CHECK(e5_queue_next(&queue) == due[first]);
        CHECK(e5_queue_take(&queue, INFINITY) == &items[first]);
        inside[first] = false;
    }
    e5_queue_fini(&queue);
    CHECK(queue.heap == NULL && queue.count == 0);
}

TEST(refuses_an_entry_without_time) {
    struct e5_queue queue = {0};
    CHECK_STATUS(E5_INTERNAL, e5_queue_put(&queue, NAN, &items[0], err));
    CHECK(queue.count == 0);
    e5_queue_fini(&queue);
}

TEST(keeps_what_it_has_when_memory_ends) {
    struct e5_queue queue = {0};
    for (int i = 0; i < 16; i++) CHECK_OK(e5_queue_put(&queue, i, &items[i], err));
    e5_alloc_fail_after(1);
    CHECK_STATUS(E5_MEMORY, e5_queue_put(&queue, -1, &items[16], err));
    e5_alloc_fail_after(0);
    for (int i = 0; i < 16; i++) CHECK(e5_queue_take(&queue, 100) == &items[i]);
    e5_queue_fini(&queue);
}

int main(void) {
    RUN(empty_queue_has_nothing_due);
    RUN(nothing_is_taken_before_its_time);
    RUN(equal_times_keep_their_order);
    RUN(always_gives_the_earliest);
    RUN(refuses_an_entry_without_time);
    RUN(keeps_what_it_has_when_memory_ends);
    return check_summary();
}
