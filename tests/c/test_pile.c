/* Piles of records: what goes in comes out in order, from memory and from disk. */
#include <stdlib.h>

#include "base/pile.h"
#include "check.h"

struct record {
    uint64_t number, square, tag;
};

static struct record record_of(uint64_t i) { return (struct record){i, i * i, ~i}; }

/* Append n records in portions of changing size. */
static void fill(struct e5_pile *pile, size_t n) {
    enum { MOST = 5000 };
    static struct record portion[MOST];
    for (size_t at = 0, size; at < n; at += size) {
        size = at % (MOST - 7) + 1 < n - at ? at % (MOST - 7) + 1 : n - at;
        for (size_t i = 0; i < size; i++) portion[i] = record_of(at + i);
        CHECK_OK(e5_pile_append(pile, portion, size, err));
    }
}

static size_t count_right(struct e5_pile *pile) {
    size_t right = 0, at = 0;
    for (size_t layer = 0; layer < e5_pile_layers(pile); layer++) {
        const void *records;
        size_t n;
        CHECK_OK(e5_pile_read(pile, layer, &records, &n, err));
        for (size_t i = 0; i < n; i++, at++) {
            struct record wanted = record_of(at);
            right += memcmp((const struct record *)records + i, &wanted, sizeof wanted) == 0;
        }
    }
    return right;
}

static void check_pile(size_t n, size_t budget, bool on_disk) {
    struct e5_pile pile;
    e5_pile_init(&pile, sizeof(struct record), budget, "/tmp");
    fill(&pile, n);
    CHECK(pile.count == n && pile.held * E5_PILE_LAYER <= (budget > E5_PILE_LAYER ? budget : E5_PILE_LAYER));
    CHECK(count_right(&pile) == n);
    CHECK(count_right(&pile) == n); /* as often as one likes */
    CHECK(pile.scratch.open == on_disk);
    e5_pile_fini(&pile);
}

TEST(records_come_back_in_order) {
    size_t layer = E5_PILE_LAYER / sizeof(struct record);
    check_pile(0, 0, false);
    check_pile(1, 0, false);
    check_pile(layer, 0, false);
    check_pile(layer + 1, 0, true);
    check_pile(4 * layer + 3, 2 * E5_PILE_LAYER, true);
    check_pile(3 * layer, 2 * E5_PILE_LAYER, true);
    check_pile(4 * layer + 3, 5 * E5_PILE_LAYER, false);
}

TEST(layers_are_given_back_one_by_one) {
    struct e5_pile pile;
    size_t n = 4 * (E5_PILE_LAYER / sizeof(struct record)) + 3, seen = 0;
    e5_pile_init(&pile, sizeof(struct record), 2 * E5_PILE_LAYER, "/tmp"); /* two in memory, the rest on disk */
    fill(&pile, n);
    for (size_t layer = 0; layer < e5_pile_layers(&pile); layer++) {
        const void *records;
        size_t count;
        CHECK_OK(e5_pile_read(&pile, layer, &records, &count, err));
        struct record wanted = record_of(seen);
        CHECK(memcmp(records, &wanted, sizeof wanted) == 0);
        seen += count;
        e5_pile_drop(&pile, layer);
        e5_pile_drop(&pile, layer); /* of a layer that is gone, or on disk, nothing */
    }
    CHECK(seen == n && pile.layer[0] == NULL && pile.layer[1] == NULL);
    e5_pile_fini(&pile);
}

TEST(a_directory_that_is_not_there) {
    struct e5_pile pile;
    struct record record = record_of(0);
    enum e5_status status = E5_OK;
    e5_pile_init(&pile, sizeof record, 0, "/nowhere/at/all");
    for (size_t i = 0; status == E5_OK && i < 3 * pile.per_layer; i++)
        status = e5_pile_append(&pile, &record, 1, NULL);
    CHECK(status == E5_STORAGE);
    e5_pile_fini(&pile);
}

int main(void) {
    RUN(records_come_back_in_order);
    RUN(layers_are_given_back_one_by_one);
    RUN(a_directory_that_is_not_there);
    return check_summary();
}
