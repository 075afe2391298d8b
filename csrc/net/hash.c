#include "net/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/md5_lanes.h"

#define PART ((int64_t)E5_CHECKSUM_PART)
#define LANES E5_MD5_LANES
#define LANE_BLOCK ((size_t)64 << 10) /* of each lane; all of them fit into the processor's second cache */
#define BLOCK (LANES * LANE_BLOCK)
#define WORTH_WHILE ((int64_t)16 << 20)

struct e5_hash_part {
    bool done;
    unsigned char sum[E5_MD5_SIZE];
};

enum e5_status e5_hash_init(struct e5_hash *hash, enum e5_checksum_want want, int64_t size, struct e5_error *err) {
    *hash = (struct e5_hash){.want = want, .size = size};
    bool in_parts = want == E5_CHECKSUM_JOINED || want == E5_CHECKSUM_EITHER;
    enum e5_status status = E5_OK;
    if (want == E5_CHECKSUM_NOTHING) return E5_OK;
    if (in_parts) hash->count = (size_t)((size + PART - 1) / PART);
    if (in_parts) status = e5_alloc(hash->count, sizeof *hash->parts, &hash->parts, err);
    if (!in_parts) status = e5_digest_init(&hash->whole, E5_MD5, err);
    return status;
}

void e5_hash_fini(struct e5_hash *hash) {
    e5_digest_fini(&hash->whole);
    free(hash->parts);
    free(hash->block);
    *hash = (struct e5_hash){.want = E5_CHECKSUM_NOTHING};
}

static enum e5_status read_all(int fd, const char *path, unsigned char *to, size_t size, int64_t at,
                               struct e5_error *err) {
    while (size > 0) {
        ssize_t got = pread(fd, to, size, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return e5_fail_errno(err, errno, path, "cannot read back");
        if (got == 0) return e5_fail(err, E5_STORAGE, "the part file of %s became shorter", path);
        to += got;
        size -= (size_t)got;
        at += got;
    }
    return E5_OK;
}

/* [from, upto) into one digest. */
static enum e5_status digest_range(struct e5_hash *hash, struct e5_digest *digest, int fd, const char *path,
                                   int64_t from, int64_t upto, struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = hash->block != NULL ? E5_OK : e5_alloc(BLOCK, 1, &hash->block, err);
    while (status == E5_OK && from < upto) {
        size_t now = upto - from < (int64_t)BLOCK ? (size_t)(upto - from) : BLOCK;
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = read_all(fd, path, hash->block, now, from, err);
        if (status == E5_OK) e5_digest_add(digest, hash->block, now);
        from += (int64_t)now;
    }
    return status;
}

static enum e5_status follow_whole(struct e5_hash *hash, int fd, const char *path, int64_t upto,
                                   struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = digest_range(hash, &hash->whole, fd, path, hash->position, upto, watch, err);
    hash->position = upto; /* after a failure nobody asks any more */
    return status;
}

/* Parts. */

static int64_t part_end(const struct e5_hash *hash, size_t part) {
    int64_t end = (int64_t)(part + 1) * PART;
    return end < hash->size ? end : hash->size;
}

static bool is_ready(const struct e5_hash *hash, const struct e5_pieces *here, size_t part) {
    return !hash->parts[part].done && e5_pieces_have(here, (int64_t)part * PART, part_end(hash, part));
}

static enum e5_status sum_one(struct e5_hash *hash, int fd, const char *path, size_t part, struct e5_watch *watch,
                              struct e5_error *err) {
    struct e5_digest digest;
    enum e5_status status = e5_digest_init(&digest, E5_MD5, err);
    if (status != E5_OK) return status;
    status = digest_range(hash, &digest, fd, path, (int64_t)part * PART, part_end(hash, part), watch, err);
    if (status == E5_OK) e5_digest_raw(&digest, hash->parts[part].sum, E5_MD5_SIZE);
    e5_digest_fini(&digest);
    return status;
}

/* Up to eight full parts side by side; lanes that are left over do the work of the first once more. */
static enum e5_status sum_lanes(struct e5_hash *hash, int fd, const char *path, const size_t *parts, size_t n,
                                struct e5_watch *watch, struct e5_error *err) {
    struct e5_md5_lanes lanes;
    const void *at[LANES];
    unsigned char out[LANES][E5_MD5_SIZE];
    enum e5_status status = hash->block != NULL ? E5_OK : e5_alloc(BLOCK, 1, &hash->block, err);
    e5_md5_lanes_init(&lanes);
    for (size_t i = 0; i < LANES && status == E5_OK; i++) at[i] = hash->block + (i < n ? i : 0) * LANE_BLOCK;
    for (int64_t done = 0; status == E5_OK && done < PART; done += (int64_t)LANE_BLOCK) {
        status = e5_watch_check(watch, err);
        for (size_t i = 0; i < n && status == E5_OK; i++)
            status =
                read_all(fd, path, hash->block + i * LANE_BLOCK, LANE_BLOCK, (int64_t)parts[i] * PART + done, err);
        if (status == E5_OK) e5_md5_lanes_add(&lanes, at, LANE_BLOCK / E5_MD5_BLOCK);
    }
    if (status != E5_OK) return status;
    e5_md5_lanes_end(&lanes, at, (uint64_t)PART, out);
    for (size_t i = 0; i < n; i++) memcpy(hash->parts[parts[i]].sum, out[i], E5_MD5_SIZE);
    return E5_OK;
}

static enum e5_status sum_parts(struct e5_hash *hash, int fd, const char *path, const size_t *parts, size_t n,
                                struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status =
        n > 1 ? sum_lanes(hash, fd, path, parts, n, watch, err) : sum_one(hash, fd, path, parts[0], watch, err);
    for (size_t i = 0; i < n && status == E5_OK; i++) hash->parts[parts[i]].done = true;
    hash->summed += status == E5_OK ? n : 0;
    return status;
}

/* The next full parts that are here, at most eight. */
static size_t choose(const struct e5_hash *hash, const struct e5_pieces *here, size_t from, size_t parts[LANES]) {
    size_t n = 0;
    for (size_t i = from; i < hash->count && n < LANES; i++)
        if ((int64_t)(i + 1) * PART <= hash->size && is_ready(hash, here, i)) parts[n++] = i;
    return n;
}

/* How many parts are worth a round.  Towards the end of the file fewer: what is left when the last byte has come is
 * waited for. */
static size_t enough(const struct e5_hash *hash) {
    size_t left = (size_t)(hash->size / PART) - hash->summed;
    return left > LANES ? LANES : left > 1 ? left * 3 / 4 : 1;
}

static enum e5_status follow_parts(struct e5_hash *hash, int fd, const char *path, const struct e5_pieces *here,
                                   bool last, struct e5_watch *watch, struct e5_error *err) {
    enum e5_status status = E5_OK;
    size_t parts[LANES], n, from = 0;
    while (status == E5_OK && (n = choose(hash, here, from, parts)) >= (last ? 1 : enough(hash))) {
        status = sum_parts(hash, fd, path, parts, n, watch, err);
        from = parts[n - 1] + 1;
    }
    for (size_t i = 0; i < hash->count && last && status == E5_OK; i++) /* the last, shorter one */
        if (is_ready(hash, here, i)) status = sum_parts(hash, fd, path, &i, 1, watch, err);
    return status;
}

bool e5_hash_is_behind(const struct e5_hash *hash, const struct e5_pieces *here) {
    size_t parts[LANES];
    if (hash->want == E5_CHECKSUM_NOTHING) return false;
    if (hash->parts != NULL) return choose(hash, here, 0, parts) >= enough(hash);
    return e5_pieces_prefix(here) - hash->position >= WORTH_WHILE;
}

enum e5_status e5_hash_follow(struct e5_hash *hash, int fd, const char *path, const struct e5_pieces *here,
                              struct e5_watch *watch, struct e5_error *err) {
    if (hash->want == E5_CHECKSUM_NOTHING) return E5_OK;
    if (hash->parts != NULL) return follow_parts(hash, fd, path, here, false, watch, err);
    return follow_whole(hash, fd, path, e5_pieces_prefix(here), watch, err);
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
    char hex[E5_DIGEST_HEX];
    enum e5_status status = hash->whole.context != NULL ? E5_OK : e5_digest_init(&hash->whole, E5_MD5, err);
    if (status == E5_OK) status = follow_whole(hash, fd, path, size, watch, err);
    if (status != E5_OK) return status;
    e5_digest_hex(&hash->whole, hex);
    memcpy(out->whole, hex, E5_CHECKSUM_SIZE - 1);
    return E5_OK;
}

enum e5_status e5_hash_finish(struct e5_hash *hash, int fd, const char *path, int64_t size, const char *declared,
                              struct e5_watch *watch, struct e5_checksum_result *out, struct e5_error *err) {
    struct e5_pieces all = {.count = 1, .piece[0] = {0, size, size}};
    enum e5_status status = E5_OK;
    bool in_parts = hash->parts != NULL, whole = hash->want == E5_CHECKSUM_WHOLE;
    *out = (struct e5_checksum_result){.parts = 0};
    if (in_parts) status = follow_parts(hash, fd, path, &all, true, watch, err);
    if (status == E5_OK && in_parts) status = join(hash, out, err);
    if (hash->want == E5_CHECKSUM_EITHER) whole = e5_checksum_judge(out, declared, "") != E5_CHECKSUM_PROVEN;
    return status == E5_OK && whole ? finish_whole(hash, fd, path, size, watch, out, err) : status;
}
