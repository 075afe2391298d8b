#include "net/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"

#define PART ((int64_t)E5_CHECKSUM_PART)
#define LANES ((size_t)E5_MD5_LANES)
#define LAST (LANES / 2) /* parts of the last round: its end is waited for, so it is to be a short one */
#define BLOCK (LANES * E5_HASH_BLOCK)
#define WORTH_WHILE ((int64_t)16 << 20)
#define LEAST ((int64_t)1 << 20) /* less of a part is not begun with, unless it is all that is left of it */
#define STEP ((int64_t)4 << 20) /* towards the end of the file lanes go on together by no more than this */

struct e5_hash_part {
    struct e5_md5 md5;
    int64_t position; /* bytes of it in `md5`, whole blocks */
    bool done;
    unsigned char sum[E5_MD5_SIZE];
};

enum e5_status e5_hash_init(struct e5_hash *hash, struct e5_hash_crew *crew, enum e5_checksum_want want, int64_t size,
                            struct e5_error *err) {
    *hash = (struct e5_hash){.want = want, .size = size, .crew = crew};
    bool in_parts = want == E5_CHECKSUM_JOINED || want == E5_CHECKSUM_EITHER;
    e5_md5_init(&hash->whole.md5);
    if (!in_parts) return E5_OK;
    hash->count = (size_t)((size + PART - 1) / PART);
    enum e5_status status = e5_alloc(hash->count, sizeof *hash->parts, &hash->parts, err);
    for (size_t i = 0; i < hash->count && status == E5_OK; i++) e5_md5_init(&hash->parts[i].md5);
    return status;
}

void e5_hash_fini(struct e5_hash *hash) {
    free(hash->parts);
    free(hash->block);
    *hash = (struct e5_hash){.want = E5_CHECKSUM_NOTHING};
}

/* Parts. */

struct lane { /* a part that can go on */
    size_t part;
    int64_t usable; /* bytes */
    bool to_end;    /* they are all that is left of it */
};

static int64_t part_left(const struct e5_hash *hash, size_t part) {
    int64_t begin = (int64_t)part * PART, size = hash->size - begin < PART ? hash->size - begin : PART;
    return size - hash->parts[part].position;
}

static bool find_usable(const struct e5_hash *hash, const struct e5_pieces *here, size_t part, struct lane *lane) {
    int64_t from = (int64_t)part * PART + hash->parts[part].position, left = part_left(hash, part);
    if (hash->parts[part].done) return false;
    int64_t usable = e5_pieces_run(here, from, from + left);
    *lane = (struct lane){part, usable, usable == left};
    return usable == left || usable >= LEAST;
}

/* The next parts that can go on, as many as there are lanes; `whole`: only those that can be ended. */
static size_t choose(const struct e5_hash *hash, const struct e5_pieces *here, bool whole, struct lane lanes[LANES]) {
    size_t n = 0;
    for (size_t i = 0; i < hash->count && n < LANES; i++)
        if (find_usable(hash, here, i, &lanes[n]) && (lanes[n].to_end || !whole)) n++;
    return n;
}

struct source {
    int fd;
    const char *path;
    struct e5_watch *watch;
};

/* The same number of bytes of every part, whole blocks. */
static enum e5_status advance(struct e5_hash *hash, const struct source *source, const struct lane *chosen, size_t n,
                              int64_t step, struct e5_error *err) {
    struct e5_md5 *md5[LANES];
    const void *bytes[LANES];
    enum e5_status status = hash->block != NULL ? E5_OK : e5_alloc(BLOCK, 1, &hash->block, err);
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        md5[i] = &hash->parts[chosen[i].part].md5;
        bytes[i] = hash->block + i * E5_HASH_BLOCK;
    }
    for (int64_t done = 0; status == E5_OK && done < step; done += (int64_t)E5_HASH_BLOCK) {
        size_t now = step - done < (int64_t)E5_HASH_BLOCK ? (size_t)(step - done) : E5_HASH_BLOCK;
        status = e5_watch_check(source->watch, err);
        for (size_t i = 0; i < n && status == E5_OK; i++) {
            int64_t from = (int64_t)chosen[i].part * PART + hash->parts[chosen[i].part].position + done;
            status = e5_hash_read(source->fd, source->path, hash->block + i * E5_HASH_BLOCK, now, from, err);
        }
        if (status == E5_OK) e5_md5_lanes_add(md5, bytes, n, now / E5_MD5_BLOCK);
    }
    for (size_t i = 0; i < n && status == E5_OK; i++) hash->parts[chosen[i].part].position += step;
    return status;
}

/* Less than a block is left of the part. */
static enum e5_status end_part(struct e5_hash *hash, const struct source *source, size_t number,
                               struct e5_error *err) {
    struct e5_hash_part *part = &hash->parts[number];
    unsigned char tail[E5_MD5_BLOCK];
    int64_t left = part_left(hash, number), from = (int64_t)number * PART + part->position;
    enum e5_status status = e5_hash_read(source->fd, source->path, tail, (size_t)left, from, err);
    if (status != E5_OK) return status;
    e5_md5_end(&part->md5, tail, (uint64_t)(part->position + left), part->sum);
    part->done = true;
    hash->summed++;
    return E5_OK;
}

/* As far as the chosen ones can go together, at most `most` bytes. */
static enum e5_status go_on(struct e5_hash *hash, const struct source *source, const struct lane *chosen, size_t n,
                            int64_t most, struct e5_error *err) {
    int64_t step = most;
    for (size_t i = 0; i < n; i++) step = chosen[i].usable < step ? chosen[i].usable : step;
    step -= step % E5_MD5_BLOCK;
    enum e5_status status = advance(hash, source, chosen, n, step, err);
    for (size_t i = 0; i < n && status == E5_OK; i++)
        if (chosen[i].to_end && chosen[i].usable - step < E5_MD5_BLOCK)
            status = end_part(hash, source, chosen[i].part, err);
    return status;
}

/* Whatever is left fits into one round: that is best begun when the last part of it begins to arrive, and ends soon
 * after it. */
static bool is_last_round(const struct e5_hash *hash) { return hash->count - hash->summed <= LAST; }

/* A round takes the same time however many lanes are in use, so as many parts as possible should be here.  Of more
 * than the last round's, half of what is left makes a round, so that the first does not wait for the last parts. */
static size_t choose_round(const struct e5_hash *hash, const struct e5_pieces *here, struct lane lanes[LANES]) {
    size_t half = (hash->count - hash->summed + 1) / 2;
    if (is_last_round(hash)) return hash->size - e5_pieces_here(here) <= PART ? choose(hash, here, false, lanes) : 0;
    size_t n = choose(hash, here, true, lanes);
    return n >= (half < LANES ? half : LANES) ? n : 0;
}

/* One round, since more may be here after it. */
static enum e5_status follow_parts(struct e5_hash *hash, const struct source *source, const struct e5_pieces *here,
                                   struct e5_error *err) {
    struct lane lanes[LANES];
    size_t n = choose_round(hash, here, lanes);
    return n > 0 ? go_on(hash, source, lanes, n, is_last_round(hash) ? STEP : PART, err) : E5_OK;
}

static enum e5_status finish_parts(struct e5_hash *hash, const struct source *source, const struct e5_pieces *all,
                                   struct e5_error *err) {
    enum e5_status status = E5_OK;
    struct lane lanes[LANES];
    size_t n;
    while (status == E5_OK && (n = choose(hash, all, true, lanes)) > 0)
        status = go_on(hash, source, lanes, n, PART, err);
    return status;
}

bool e5_hash_is_behind(const struct e5_hash *hash, const struct e5_pieces *here) {
    struct lane lanes[LANES];
    if (hash->want == E5_CHECKSUM_NOTHING) return false;
    if (hash->parts != NULL) return choose_round(hash, here, lanes) > 0;
    return e5_pieces_prefix(here) - hash->whole.position >= WORTH_WHILE;
}

enum e5_status e5_hash_follow(struct e5_hash *hash, int fd, const char *path, const struct e5_pieces *here,
                              struct e5_watch *watch, struct e5_error *err) {
    if (hash->want == E5_CHECKSUM_NOTHING) return E5_OK;
    if (hash->parts != NULL) return follow_parts(hash, &(struct source){fd, path, watch}, here, err);
    return e5_hash_crew_add(hash->crew, &hash->whole, fd, path, e5_pieces_prefix(here), true, watch, err);
}

/* The sum of the parts' sums. */
static enum e5_status join(struct e5_hash *hash, struct e5_checksum_result *out, struct e5_error *err) {
    struct e5_digest joined;
    char hex[E5_DIGEST_HEX];
    enum e5_status status = e5_digest_init(&joined, E5_MD5, err);
    if (status != E5_OK) return status;
    if (hash->summed != hash->count) status = e5_fail(err, E5_INTERNAL, "checksum of a file that is not whole");
    for (size_t i = 0; i < hash->count; i++) e5_digest_add(&joined, hash->parts[i].sum, E5_MD5_SIZE);
    e5_digest_hex(&joined, hex);
    e5_digest_fini(&joined);
    memcpy(out->joined, hex, E5_CHECKSUM_SIZE - 1);
    out->parts = (unsigned)hash->count;
    return status;
}

static enum e5_status finish_whole(struct e5_hash *hash, int fd, const char *path, int64_t size,
                                   struct e5_watch *watch, struct e5_checksum_result *out, struct e5_error *err) {
    unsigned char tail[E5_MD5_BLOCK], sum[E5_MD5_SIZE];
    int64_t rest = size % E5_MD5_BLOCK;
    enum e5_status status = e5_watch_check(watch, err);
    if (status == E5_OK) status = e5_hash_crew_add(hash->crew, &hash->whole, fd, path, size, false, watch, err);
    if (status == E5_OK) status = e5_hash_read(fd, path, tail, (size_t)rest, size - rest, err);
    if (status != E5_OK) return status;
    e5_md5_end(&hash->whole.md5, tail, (uint64_t)size, sum);
    for (size_t i = 0; i < E5_MD5_SIZE; i++) snprintf(out->whole + 2 * i, 3, "%02x", sum[i]);
    return E5_OK;
}

enum e5_status e5_hash_finish(struct e5_hash *hash, int fd, const char *path, int64_t size, const char *declared,
                              struct e5_watch *watch, struct e5_checksum_result *out, struct e5_error *err) {
    struct e5_pieces all = {.count = 1, .piece[0] = {0, size, size}};
    enum e5_status status = E5_OK;
    bool in_parts = hash->parts != NULL, whole = hash->want == E5_CHECKSUM_WHOLE;
    *out = (struct e5_checksum_result){.parts = 0};
    if (in_parts) status = finish_parts(hash, &(struct source){fd, path, watch}, &all, err);
    if (status == E5_OK && in_parts) status = join(hash, out, err);
    if (hash->want == E5_CHECKSUM_EITHER) whole = e5_checksum_judge(out, declared, "") != E5_CHECKSUM_PROVEN;
    return status == E5_OK && whole ? finish_whole(hash, fd, path, size, watch, out, err) : status;
}
