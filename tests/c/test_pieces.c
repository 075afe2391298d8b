#include "net/pieces.h"

#include "check.h"

static struct e5_pieces three(void) { /* 0–10 whole, 10–20 half here, 20–30 empty */
    return (struct e5_pieces){3, {{0, 10, 10}, {10, 20, 15}, {20, 30, 20}}};
}

TEST(what_is_here_is_counted) {
    struct e5_pieces pieces = three();
    CHECK(e5_pieces_good(&pieces, 30) && !e5_pieces_good(&pieces, 31) && !e5_pieces_good(&pieces, -1));
    CHECK(e5_pieces_here(&pieces) == 15 && e5_pieces_reach(&pieces) == 15 && e5_pieces_prefix(&pieces) == 15);
    CHECK(e5_pieces_run(&pieces, 0, 15) == 15 && e5_pieces_run(&pieces, 9, 11) == 2);
    CHECK(e5_pieces_run(&pieces, 0, 16) == 15 && e5_pieces_run(&pieces, 20, 21) == 0);
    CHECK(e5_pieces_run(&pieces, 25, 25) == 0);
    pieces.piece[2].position = 23;
    CHECK(e5_pieces_reach(&pieces) == 23 && e5_pieces_prefix(&pieces) == 15);
    CHECK(e5_pieces_run(&pieces, 20, 30) == 3 && e5_pieces_run(&pieces, 14, 21) == 1);
    CHECK(e5_pieces_find(&pieces, 20) == &pieces.piece[2] && e5_pieces_find(&pieces, 19) == NULL);
}

TEST(an_unknown_size_has_one_piece) {
    struct e5_pieces pieces;
    e5_pieces_init(&pieces, -1);
    CHECK(e5_pieces_good(&pieces, -1) && !e5_pieces_good(&pieces, 5) && !e5_piece_whole(&pieces.piece[0]));
    pieces.piece[0].position = 7;
    CHECK(e5_pieces_good(&pieces, -1) && e5_pieces_here(&pieces) == 7 && !e5_pieces_split(&pieces, 0, 9));
}

TEST(pieces_are_split_and_rejoined) {
    struct e5_pieces pieces;
    e5_pieces_init(&pieces, 100);
    pieces.piece[0].position = 10;
    CHECK(!e5_pieces_split(&pieces, 0, 10) && !e5_pieces_split(&pieces, 0, 100));
    CHECK(e5_pieces_split(&pieces, 0, 50) && e5_pieces_split(&pieces, 0, 20) && pieces.count == 3);
    CHECK(e5_pieces_good(&pieces, 100) && pieces.piece[1].start == 20 && pieces.piece[2].start == 50);
    pieces.piece[2].position = 60;
    CHECK(!e5_pieces_rejoin(&pieces, 2) && !e5_pieces_rejoin(&pieces, 0));
    CHECK(e5_pieces_rejoin(&pieces, 1) && pieces.count == 2 && pieces.piece[0].end == 50);
    CHECK(e5_pieces_good(&pieces, 100) && e5_pieces_here(&pieces) == 20);
}

TEST(there_is_room_for_so_many) {
    struct e5_pieces pieces;
    e5_pieces_init(&pieces, 1000);
    for (int i = 1; i < E5_PIECES_MOST; i++) CHECK(e5_pieces_split(&pieces, (unsigned)i - 1, 10 * i));
    CHECK(!e5_pieces_split(&pieces, 0, 5) && e5_pieces_good(&pieces, 1000));
}

TEST(whole_pieces_become_one) {
    struct e5_pieces pieces = three();
    e5_pieces_tidy(&pieces);
    CHECK(pieces.count == 2 && pieces.piece[0].start == 0 && pieces.piece[0].position == 15);
    CHECK(e5_pieces_good(&pieces, 30) && e5_pieces_here(&pieces) == 15);
    pieces = (struct e5_pieces){3, {{0, 10, 10}, {10, 20, 20}, {20, 30, 30}}};
    e5_pieces_tidy(&pieces);
    CHECK(pieces.count == 1 && e5_piece_whole(&pieces.piece[0]) && pieces.piece[0].end == 30);
}

TEST(nonsense_is_noticed) {
    static const struct e5_pieces bad[] = {
        {0, {{0}}},
        {E5_PIECES_MOST + 1, {{0}}},
        {1, {{0, 10, 11}}},
        {1, {{0, 10, -1}}},
        {1, {{1, 10, 1}}},
        {1, {{0, 9, 0}}},
        {1, {{0, -1, 3}}},
        {2, {{0, 5, 5}, {6, 10, 6}}},
        {2, {{0, 5, 5}, {4, 10, 6}}},
        {2, {{0, 5, 5}, {5, 10, 4}}},
        {2, {{0, -1, 5}, {-1, 10, 4}}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) CHECK(!e5_pieces_good(&bad[i], 10));
}

int main(void) {
    RUN(what_is_here_is_counted);
    RUN(an_unknown_size_has_one_piece);
    RUN(pieces_are_split_and_rejoined);
    RUN(there_is_room_for_so_many);
    RUN(whole_pieces_become_one);
    RUN(nonsense_is_noticed);
    return check_summary();
}
