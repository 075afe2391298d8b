#include "net/pieces.h"

#include <stddef.h>
#include <string.h>

void e5_pieces_init(struct e5_pieces *pieces, int64_t size) {
    *pieces = (struct e5_pieces){.count = 1, .piece[0].end = size};
}

bool e5_pieces_good(const struct e5_pieces *pieces, int64_t size) {
    int64_t at = 0;
    if (pieces->count < 1 || pieces->count > E5_PIECES_MOST) return false;
    for (unsigned i = 0; i < pieces->count; i++) {
        const struct e5_piece *piece = &pieces->piece[i];
        bool open = size < 0 && pieces->count == 1 && piece->end == -1;
        if (piece->start != at || piece->position < at) return false;
        if (!open && (piece->end <= at || piece->position > piece->end)) return false;
        at = piece->end;
    }
    return size < 0 ? pieces->count == 1 && at == -1 : at == size;
}

int64_t e5_pieces_here(const struct e5_pieces *pieces) {
    int64_t sum = 0;
    for (unsigned i = 0; i < pieces->count; i++) sum += pieces->piece[i].position - pieces->piece[i].start;
    return sum;
}

int64_t e5_pieces_reach(const struct e5_pieces *pieces) {
    for (unsigned i = pieces->count; i-- > 0;)
        if (pieces->piece[i].position > pieces->piece[i].start) return pieces->piece[i].position;
    return 0;
}

int64_t e5_pieces_prefix(const struct e5_pieces *pieces) {
    unsigned i = 0;
    while (i + 1 < pieces->count && e5_piece_whole(&pieces->piece[i])) i++;
    return pieces->piece[i].position;
}

int64_t e5_pieces_run(const struct e5_pieces *pieces, int64_t from, int64_t upto) {
    int64_t at = from;
    for (unsigned i = 0; i < pieces->count && at < upto; i++) {
        const struct e5_piece *piece = &pieces->piece[i];
        bool holds = piece->start <= at && at < piece->position;
        if (holds) at = piece->position;
    }
    return (at < upto ? at : upto) - from;
}

struct e5_piece *e5_pieces_find(struct e5_pieces *pieces, int64_t start) {
    for (unsigned i = 0; i < pieces->count; i++)
        if (pieces->piece[i].start == start) return &pieces->piece[i];
    return NULL;
}

bool e5_piece_whole(const struct e5_piece *piece) { return piece->end >= 0 && piece->position == piece->end; }

bool e5_pieces_split(struct e5_pieces *pieces, unsigned i, int64_t at) {
    struct e5_piece *piece = &pieces->piece[i];
    if (pieces->count == E5_PIECES_MOST || at <= piece->position || at >= piece->end) return false;
    memmove(piece + 2, piece + 1, (pieces->count - i - 1) * sizeof *piece);
    piece[1] = (struct e5_piece){.start = at, .end = piece->end, .position = at};
    piece->end = at;
    pieces->count++;
    return true;
}

static void take_out(struct e5_pieces *pieces, unsigned i) {
    memmove(&pieces->piece[i], &pieces->piece[i + 1], (pieces->count - i - 1) * sizeof pieces->piece[0]);
    pieces->count--;
}

bool e5_pieces_rejoin(struct e5_pieces *pieces, unsigned i) {
    struct e5_piece *piece = &pieces->piece[i];
    if (i == 0 || piece->position > piece->start) return false;
    piece[-1].end = piece->end;
    take_out(pieces, i);
    return true;
}

void e5_pieces_tidy(struct e5_pieces *pieces) {
    for (unsigned i = 0; i + 1 < pieces->count;) {
        struct e5_piece *piece = &pieces->piece[i];
        if (e5_piece_whole(piece)) {
            piece[1].start = piece->start;
            take_out(pieces, i);
        } else {
            i++;
        }
    }
}
