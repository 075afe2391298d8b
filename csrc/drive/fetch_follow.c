#include "drive/fetch_follow.h"

#define STEP 0.02 /* seconds between looks at the watch */
#define MEMBERS_STEP ((int64_t)8 << 20) /* bytes of an archive worth beginning to unpack */

void e5_follow_sweep(struct e5_load *load) {
    e5_fetch_unpack_drop(load->given_up);
    load->given_up = NULL;
}

/* Members are unpacked as they come.  What fails here fails again at the end, where the reason is told. */
static void follow_members(struct e5_load *load, struct e5_watch *watch) {
    int fd = load->part.fd;
    bool packed = false;
    if (!load->follows_members) return;
    e5_follow_sweep(load);
    if (load->members == NULL)
        load->follows_members = e5_fetch_is_archive(fd, load->part.path, &packed, NULL) == E5_OK && packed &&
                                e5_fetch_unpack_begin(&load->place, load->part.size, &load->members, NULL) == E5_OK;
    load->members_seen = e5_pieces_prefix(&load->followed);
    if (load->members == NULL || e5_fetch_unpack_follow(load->members, fd, load->members_seen, watch, NULL) == E5_OK)
        return;
    e5_fetch_unpack_drop(load->members);
    load->members = NULL;
    load->follows_members = false;
}

static enum e5_status follow(void *context, struct e5_watch *watch, struct e5_error *err) {
    struct e5_load *load = context;
    enum e5_status status = e5_hash_follow(&load->hash, load->part.fd, load->part.path, &load->followed, watch, err);
    if (status == E5_OK) follow_members(load, watch);
    struct e5_http *http = load->http;
    atomic_store(&load->follower_over, true);
    e5_http_wake(http);
    return status;
}

/* What was learnt about bytes that are gone, or could not be read, is worth nothing. */
static void forget_hash(struct e5_load *load) {
    e5_hash_fini(&load->hash);
    load->is_hashing = false;
}

static void forget(struct e5_load *load) {
    forget_hash(load);
    if (load->members != NULL) load->given_up = load->members; /* they are begun only once the last ones are gone */
    load->members = NULL;
    load->members_seen = 0;
    load->follows_members = load->wants_members;
}

static bool is_behind(const struct e5_load *load) {
    int64_t here = e5_pieces_prefix(&load->part.pieces);
    return e5_hash_is_behind(&load->hash, &load->part.pieces) ||
           (load->follows_members && here - load->members_seen >= MEMBERS_STEP);
}

static void join(struct e5_load *load) {
    struct e5_job *job = load->follower;
    load->follower = NULL;
    if (job != NULL && e5_job_finish(job, NULL) != E5_OK) forget(load); /* the end finds out why */
}

static enum e5_status begin(struct e5_load *load, struct e5_error *err) {
    if (load->is_hashing && load->hashed_generation == load->part.generation) return E5_OK;
    forget(load);
    enum e5_checksum_want want = e5_checksum_wanted(load->part.size, load->state.checksum, load->part.etag);
    enum e5_status status = e5_hash_init(&load->hash, load->crew, want, load->part.size, err);
    load->is_hashing = status == E5_OK;
    load->hashed_generation = load->part.generation;
    return status;
}

void e5_follow_tend(struct e5_load *load) {
    if (load->follower != NULL && !atomic_load(&load->follower_over)) return;
    join(load);
    if (e5_part_here(&load->part) == 0 || begin(load, NULL) != E5_OK) return;
    if (!is_behind(load)) return;
    load->followed = load->part.pieces;
    atomic_store(&load->follower_over, false);
    if (e5_job_start(follow, load, &load->follower, NULL) != E5_OK) load->follower = NULL;
}

enum e5_status e5_follow_finish(struct e5_load *load, struct e5_watch *watch, struct e5_error *err) {
    while (load->follower != NULL && !e5_job_wait(load->follower, STEP))
        if (e5_watch_cancelled(watch)) e5_watch_cancel(e5_job_watch(load->follower));
    join(load);
    enum e5_status status = begin(load, err);
    if (status == E5_OK)
        status = e5_hash_finish(&load->hash, load->part.fd, load->part.path, e5_part_here(&load->part),
                                load->state.checksum, watch, &load->checksum, err);
    forget_hash(load);
    return status;
}

void e5_follow_stop(struct e5_load *load) {
    if (load->follower != NULL) e5_watch_cancel(e5_job_watch(load->follower));
    join(load);
    forget(load);
}
