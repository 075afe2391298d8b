#include "net/gather.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

#define BLOCK ((size_t)16 << 10)
#define PER_GIFT ((size_t)32) /* blocks that are put together */

struct owner {
    size_t gifts, bytes;
    bool refuses;
    char last;
};

static bool take(void *context, const char *bytes, size_t size) {
    struct owner *owner = context;
    owner->gifts++;
    owner->bytes += size;
    owner->last = bytes[size - 1];
    return !owner->refuses;
}

static struct e5_gather gather = {.give = take};
static char block[BLOCK];

static bool add(struct owner *owner, char mark) {
    memset(block, mark, sizeof block);
    return e5_gather_add(&gather, owner, block, sizeof block);
}

TEST(many_blocks_become_one) {
    struct owner owner = {0};
    for (size_t i = 0; i < PER_GIFT; i++) CHECK(add(&owner, 'a'));
    CHECK(owner.gifts == 0 && gather.used == PER_GIFT * BLOCK);
    CHECK(add(&owner, 'b') && owner.gifts == 1 && owner.bytes == PER_GIFT * BLOCK && owner.last == 'a');
    CHECK(e5_gather_flush(&gather) && owner.gifts == 2 && owner.bytes == (PER_GIFT + 1) * BLOCK && owner.last == 'b');
    CHECK(e5_gather_flush(&gather) && owner.gifts == 2); /* nothing is left */
    e5_gather_fini(&gather);
}

TEST(each_owner_gets_its_own) {
    struct owner one = {0}, other = {0};
    CHECK(add(&one, '1') && add(&other, '2') && add(&other, '3'));
    CHECK(one.gifts == 1 && one.last == '1' && other.gifts == 0);
    CHECK(e5_gather_flush(&gather) && other.gifts == 1 && other.bytes == 2 * BLOCK && other.last == '3');
    e5_gather_fini(&gather);
}

TEST(who_refuses_is_told_but_nobody_else) {
    struct owner one = {.refuses = true}, other = {0};
    CHECK(add(&one, '1'));
    CHECK(add(&other, '2') && one.gifts == 1);
    CHECK(add(&one, '1') && other.gifts == 1);
    CHECK(!e5_gather_flush(&gather) && one.gifts == 2);
    for (size_t i = 0; i < PER_GIFT; i++) CHECK(add(&one, '1'));
    CHECK(!add(&one, '1') && one.gifts == 3); /* what came with the answer is not kept */
    CHECK(gather.used == 0);
    e5_gather_fini(&gather);
}

TEST(what_is_forgotten_is_given_to_nobody) {
    struct owner one = {0}, other = {0};
    CHECK(add(&one, '1'));
    e5_gather_forget(&gather, &other);
    CHECK(gather.used == BLOCK);
    e5_gather_forget(&gather, &one);
    CHECK(e5_gather_flush(&gather) && one.gifts == 0);
    e5_gather_fini(&gather);
}

TEST(large_blocks_and_those_without_memory_pass_through) {
    struct owner owner = {0};
    size_t size = (PER_GIFT + 1) * BLOCK;
    char *large = calloc(size, 1);
    CHECK(add(&owner, 'a') && e5_gather_add(&gather, &owner, large, size));
    CHECK(owner.gifts == 2 && owner.bytes == BLOCK + size); /* in their order */
    free(large);
    e5_gather_fini(&gather);
    e5_alloc_fail_after(1);
    CHECK(add(&owner, 'b') && owner.gifts == 3 && owner.last == 'b');
    e5_alloc_fail_after(0);
    e5_gather_fini(&gather);
}

int main(void) {
    RUN(many_blocks_become_one);
    RUN(each_owner_gets_its_own);
    RUN(who_refuses_is_told_but_nobody_else);
    RUN(what_is_forgotten_is_given_to_nobody);
    RUN(large_blocks_and_those_without_memory_pass_through);
    return check_summary();
}
