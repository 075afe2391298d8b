#include "diag/resampling.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/random.h"

void e5_resamples_free(struct e5_resamples *resamples) {
    free(resamples->start);
    free(resamples->step);
    *resamples = (struct e5_resamples){0};
}

/* Room for `count` lists of at most `most` entries each. */
static enum e5_status make_room(struct e5_resamples *out, size_t count, size_t most, struct e5_error *err) {
    size_t entries, bytes;
    *out = (struct e5_resamples){.count = count};
    enum e5_status status = e5_multiply(count, most, &entries, err);
    if (status == E5_OK) status = e5_multiply(entries + 1, sizeof *out->step, &bytes, err);
    if (status == E5_OK) status = e5_alloc(count + 1, sizeof *out->start, &out->start, err);
    if (status == E5_OK) status = e5_alloc_plain(bytes, &out->step, err);
    if (status != E5_OK) e5_resamples_free(out);
    return status;
}

/* --- with replacement --- */

static void all_but(size_t left_out, size_t n, uint16_t *to) {
    for (size_t i = 0; i < n; i++)
        if (i != left_out) *to++ = (uint16_t)i;
}

enum e5_status e5_resamples_draw(size_t n, size_t count, uint64_t key, struct e5_resamples *out,
                                 struct e5_error *err) {
    enum e5_status status = make_room(out, count + n, n, err);
    if (status != E5_OK) return status;
    for (size_t r = 0; r < count; r++) {
        uint64_t first = (uint64_t)r * n;
        out->start[r] = first;
        for (size_t i = 0; i < n; i++) out->step[first + i] = (uint16_t)e5_random_below(key, first + i, (uint32_t)n);
    }
    for (size_t i = 0; i < n; i++) {
        out->start[count + i] = count * n + i * (n - 1);
        all_but(i, n, out->step + out->start[count + i]);
    }
    out->start[out->count] = count * n + n * (n - 1);
    return E5_OK;
}

/* --- without --- */

/* The next choice of `part` out of n in the order of a dictionary; the last one is followed by the first. */
static void next_choice(uint16_t *choice, size_t part, size_t n) {
    size_t i = part;
    while (i > 0 && choice[i - 1] == n - part + i - 1) i--;
    uint16_t from = i > 0 ? (uint16_t)(choice[i - 1] + 1) : 0;
    for (size_t k = i > 0 ? i - 1 : 0; k < part; k++) choice[k] = from++;
}

/* `part` out of n at random: the first of a shuffled pack. */
static void shuffle(uint16_t *pack, size_t part, size_t n, uint64_t key, uint64_t r) {
    for (size_t i = 0; i < n; i++) pack[i] = (uint16_t)i;
    for (size_t i = 0; i < part; i++) {
        size_t other = i + e5_random_below(key, r * part + i, (uint32_t)(n - i));
        uint16_t kept = pack[i];
        pack[i] = pack[other];
        pack[other] = kept;
    }
}

enum e5_status e5_resamples_choose(size_t n, size_t part, size_t count, bool all, uint64_t key,
                                   struct e5_resamples *out, struct e5_error *err) {
    uint16_t *pack;
    enum e5_status status = make_room(out, count, part, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *pack, &pack, err);
    if (status != E5_OK) return e5_resamples_free(out), status;
    for (size_t i = 0; i < part; i++) pack[i] = (uint16_t)i;
    for (size_t r = 0; r < count; r++) {
        if (!all) shuffle(pack, part, n, key, r);
        out->start[r] = r * part;
        memcpy(out->step + r * part, pack, part * sizeof *pack);
        if (all) next_choice(pack, part, n);
    }
    out->start[count] = count * part;
    free(pack);
    return E5_OK;
}

enum e5_status e5_resamples_toss(size_t n, size_t count, bool all, uint64_t key, struct e5_resamples *out,
                                 struct e5_error *err) {
    enum e5_status status = make_room(out, count, n, err);
    if (status != E5_OK) return status;
    size_t at = 0;
    for (size_t r = 0; r < count; r++) {
        out->start[r] = at;
        for (size_t i = 0; i < n; i++) {
            uint64_t bits = all ? (uint64_t)r : e5_random(key, (uint64_t)r * ((n + 63) / 64) + i / 64);
            out->step[at] = (uint16_t)i; /* kept or written over: no branch to guess */
            at += bits >> (i % 64) & 1;
        }
    }
    out->start[count] = at;
    return E5_OK;
}

/* --- sums --- */

#define LANES E5_RESAMPLE_LANES

/* The sums stay in registers: lanes are a loop of their own around nothing else. */
E5_SIMD_BODY void sum_of_one(const uint16_t *step, size_t length, const double *restrict tile, double *restrict out) {
    double sum[LANES] = {0};
    for (size_t i = 0; i < length; i++) {
        const double *value = tile + (size_t)step[i] * LANES;
        for (int c = 0; c < LANES; c++) sum[c] += value[c];
    }
    for (int c = 0; c < LANES; c++) out[c] = sum[c];
}

/* Of four lists of one length that follow each other: an addition waits for the one before, but not for another's. */
E5_SIMD_BODY void sums_of_four(const uint16_t *step, size_t length, const double *restrict tile,
                               double *restrict out) {
    double a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
    for (size_t i = 0; i < length; i++) {
        const double *of_a = tile + (size_t)step[i] * LANES, *of_b = tile + (size_t)step[length + i] * LANES;
        const double *of_c = tile + (size_t)step[2 * length + i] * LANES;
        const double *of_d = tile + (size_t)step[3 * length + i] * LANES;
        E5_EACH_LANE(k) {
            a[k] += of_a[k];
            b[k] += of_b[k];
            c[k] += of_c[k];
            d[k] += of_d[k];
        }
    }
    for (int k = 0; k < LANES; k++) {
        out[k] = a[k];
        out[LANES + k] = b[k];
        out[2 * LANES + k] = c[k];
        out[3 * LANES + k] = d[k];
    }
}

E5_SIMD_BODY void sums_body(const size_t *start, const uint16_t *step, size_t count, const double *restrict tile,
                            double *restrict out) {
    for (size_t r = 0; r < count; r++, out += LANES) sum_of_one(step + start[r], start[r + 1] - start[r], tile, out);
}
E5_SIMD_VARIANTS(sums, (const size_t *start, const uint16_t *step, size_t count, const double *tile, double *out),
                 (start, step, count, tile, out))

static bool are_alike(const size_t *start, size_t lists) {
    for (size_t r = 1; r < lists; r++)
        if (start[r + 1] - start[r] != start[1] - start[0]) return false;
    return true;
}

E5_SIMD_BODY void fours_body(const size_t *start, const uint16_t *step, size_t count, const double *restrict tile,
                             double *restrict out) {
    for (size_t r = 0; r + 4 <= count; r += 4)
        sums_of_four(step + start[r], start[1] - start[0], tile, out + r * LANES);
}
E5_SIMD_VARIANTS(fours, (const size_t *start, const uint16_t *step, size_t count, const double *tile, double *out),
                 (start, step, count, tile, out))

/* Only AVX-512 has the registers for the sums of four lists. */
void e5_resamples_sums(const struct e5_resamples *resamples, size_t first, size_t count, const double *tile,
                       double *out) {
    const size_t *start = resamples->start + first;
    size_t done = e5_isa() == E5_ISA_AVX512 && are_alike(start, count) ? count / 4 * 4 : 0;
    if (done > 0) fours(start, resamples->step, done, tile, out);
    sums(start + done, resamples->step, count - done, tile, out + done * LANES);
}
