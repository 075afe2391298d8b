/* fetch_load: what an entry for a file has while it is worked on: target, part, connections, marks, verdict.
 *
 * Made when the entry is claimed, freed when it ends, so that thousands of entries that wait cost little.  Belongs to
 * the engine's thread; while entry->job is set the fields between the two marks are the disk task's, but for what
 * e5_part_write() needs, and while `follower` is set `hash`, `followed` and `members` are that thread's. While `room`
 * is set its thread reads part.fd and part.size. */
#ifndef E5_DRIVE_FETCH_LOAD_H
#define E5_DRIVE_FETCH_LOAD_H

#include "drive/fetch_engine.h"
#include "drive/fetch_unpack.h"
#include "net/hash.h"
#include "net/split.h"
#include "net/statefile.h"
#include "net/transfer.h"

struct e5_wire { /* one connection for a file */
    struct e5_call call; /* first: the engine hands over its address */
    struct e5_transfer transfer;
    int64_t limit; /* bytes per second it was told to keep to, 0: none */
};

struct e5_load {
    bool was_busy; /* somebody else wrote the target for the same request */
    bool is_waiting; /* for somebody else who writes the target */
    ino_t busy_target; /* the file that was there when waiting began, 0: none */
    double marked_at;
    int64_t expected; /* bytes counted in the watch's total */

    struct e5_wire wires[E5_PIECES_MOST];
    double looked_at; /* at the connections */
    double pause;     /* until then no further connection is made */
    struct e5_split split;
    unsigned cuts;          /* of connections that had brought something */
    bool is_single;         /* the store does not send stretches of a file */
    int64_t seen, received; /* bytes here at the last look; bytes received since the load began */
    int64_t noted;          /* bytes here when that was noted, −1: not yet */
    unsigned noted_generation, marked_generation; /* of the part */
    bool needs_mark; /* there is no state on disk to note anything in */

    struct e5_hash hash;
    struct e5_pieces followed;  /* what the follower may read */
    unsigned hashed_generation; /* of the part */
    bool is_hashing;            /* `hash` is begun */
    bool wants_members;         /* netCDF is wanted: an archive is to be opened */
    bool follows_members;       /* … and its members may be unpacked as they come */
    struct e5_fetch_unpack *members; /* NULL: not begun */
    struct e5_fetch_unpack *given_up; /* members that are worth nothing: e5_follow_sweep() removes them */
    int64_t members_seen;       /* bytes of the archive that were looked at */
    struct e5_job *follower;    /* NULL: none runs */
    atomic_bool follower_over;
    struct e5_http *http; /* which the follower wakes */
    struct e5_hash_crew *crew;

    /* The disk task's while it runs: from here … */
    struct e5_place place;
    struct e5_state state, mark; /* state.pieces: what is durable */
    struct e5_part part;
    struct e5_checksum_result checksum;
    enum e5_checksum_verdict verdict;
    struct stat published; /* the finished file: size, modification time, inode */
    struct e5_fetch_unpacked unpacked; /* where it came out of an archive */
    bool is_unpacked;
    bool kept, unsaved;    /* unsaved: the state on disk lacks the job */
    bool is_useful;        /* what is here is of use to the next call */
    bool restart;          /* what the part holds is worthless */
    /* … to here. */
};

E5_MUST_USE enum e5_status e5_load_new(const struct e5_engine *engine, struct e5_load **out, struct e5_error *err);
/* Write into the state what the entry knows of its job: before every disk task that saves it. */
void e5_load_note_job(struct e5_load *load, const struct e5_entry *entry);

#endif
