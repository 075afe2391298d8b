#include "net/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "net/json.h"

#define FORMAT 2      /* 1 had "durable", one number, instead of "pieces" */
#define LARGEST 16384 /* bytes */
#define NOTE_AT LARGEST
#define NOTE_MAGIC "e5note1"

/* Behind the text, overwritten in place and never synced: it is good for as long as the machine runs, since what a
 * process has written stays in the kernel's memory when the process dies.  Read by nobody but this machine, so it may
 * have this machine's form. */
struct note {
    char magic[8], boot[E5_BOOT_SIZE], checksum[40], etag[E5_ETAG_SIZE];
    int64_t size;
    struct e5_pieces pieces;
    uint64_t check; /* of all before: one that was half written counts as none */
};

/* Another boot may be another machine's memory, so the bytes it has written need not be here. */
static void read_boot(char out[E5_BOOT_SIZE]) {
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, E5_BOOT_SIZE - 1) : 0;
    if (fd >= 0) close(fd);
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void e5_state_init(struct e5_state *state, const char *fingerprint) {
    *state = (struct e5_state){.size = -1};
    e5_text_copy(state->fingerprint, sizeof state->fingerprint, fingerprint);
    read_boot(state->boot);
}

/* Notes. */

static uint64_t check_of(const struct note *note) {
    const unsigned char *byte = (const unsigned char *)note;
    uint64_t sum = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < offsetof(struct note, check); i++) sum = (sum ^ byte[i]) * 1099511628211u;
    return sum;
}

static void make_note(const struct e5_state *state, struct note *note) {
    memset(note, 0, sizeof *note); /* also what lies between the fields: it is in the sum */
    memcpy(note->magic, NOTE_MAGIC, sizeof note->magic);
    memcpy(note->boot, state->boot, strlen(state->boot));
    memcpy(note->checksum, state->checksum, strlen(state->checksum));
    memcpy(note->etag, state->etag, strlen(state->etag));
    note->size = state->size;
    note->pieces.count = state->pieces.count;
    memcpy(note->pieces.piece, state->pieces.piece, state->pieces.count * sizeof note->pieces.piece[0]);
    note->check = check_of(note);
}

bool e5_state_note(const struct e5_state *state, const struct e5_place *place) {
    struct note note;
    if (state->boot[0] == '\0') return true;
    int fd = openat(place->directory, place->state, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    make_note(state, &note);
    bool written = pwrite(fd, &note, sizeof note, NOTE_AT) == (ssize_t)sizeof note;
    close(fd);
    return written;
}

static bool read_note(int fd, struct note *note) {
    char boot[E5_BOOT_SIZE];
    bool whole = pread(fd, note, sizeof *note, NOTE_AT) == (ssize_t)sizeof *note && note->check == check_of(note) &&
                 memcmp(note->magic, NOTE_MAGIC, sizeof note->magic) == 0;
    read_boot(boot);
    return whole && boot[0] != '\0' && strcmp(note->boot, boot) == 0 && e5_pieces_good(&note->pieces, note->size);
}

static void trust_note(struct e5_state *state, const struct note *note) {
    e5_text_copy(state->checksum, sizeof state->checksum, note->checksum);
    e5_text_copy(state->etag, sizeof state->etag, note->etag);
    state->size = note->size;
    state->pieces = note->pieces;
}

/* The text. */

static enum e5_status write_all(int fd, const char *text, const char *path, struct e5_error *err) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return e5_fail_errno(err, errno, path, "cannot write the state file of");
        text += written;
        left -= (size_t)written;
    }
    return E5_OK;
}

static int open_state(const struct e5_place *place) {
    struct stat info;
    int fd = openat(place->directory, place->state, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid()) return fd;
    close(fd);
    return -1;
}

/* What has been noted up to this moment goes over to the file that is about to take the old one's place. */
static void take_over_note(const struct e5_place *place, int fd) {
    struct note note;
    int old = open_state(place);
    bool found = old >= 0 && read_note(old, &note);
    if (old >= 0) close(old);
    if (found && pwrite(fd, &note, sizeof note, NOTE_AT) < 0) return; /* then the mark counts */
}

/* The text, and room for a note, so that notes can be written when the disk is full. */
static enum e5_status fill(int fd, const struct e5_place *place, const char *text, struct e5_error *err) {
    static const struct note none;
    enum e5_status status = write_all(fd, text, place->path, err);
    if (status == E5_OK && pwrite(fd, &none, sizeof none, NOTE_AT) < 0)
        status = e5_fail_errno(err, errno, place->path, "cannot write the state file of");
    return status;
}

static int open_new(const struct e5_place *place, const char *name) {
    return openat(place->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* A new file with a name of its own, never one that somebody put there. */
static enum e5_status write_new(const struct e5_place *place, const char *name, const char *text, bool keep_note,
                                struct e5_error *err) {
    unlinkat(place->directory, name, 0);
    int fd = open_new(place, name);
    if (fd < 0) return e5_fail_errno(err, errno, place->path, "cannot make the state file of");
    enum e5_status status = fill(fd, place, text, err);
    if (status == E5_OK && fsync(fd) != 0)
        status = e5_fail_errno(err, errno, place->path, "cannot sync the state file of");
    if (status == E5_OK && keep_note) take_over_note(place, fd);
    if (close(fd) != 0 && status == E5_OK)
        status = e5_fail_errno(err, errno, place->path, "cannot close the state file of");
    return status;
}

static json_t *pieces_to_tree(const struct e5_pieces *pieces) {
    json_t *list = json_array();
    for (unsigned i = 0; i < pieces->count; i++) {
        const struct e5_piece *piece = &pieces->piece[i];
        json_array_append_new(list, json_pack("[I, I, I]", (json_int_t)piece->start, (json_int_t)piece->end,
                                              (json_int_t)piece->position));
    }
    return list;
}

static char *to_text(const struct e5_state *state) {
    json_t *tree = json_pack("{s:i, s:s, s:b, s:s, s:s, s:I, s:s, s:s, s:o}", "era5fast", FORMAT, "fingerprint",
                             state->fingerprint, "pending", state->pending, "job", state->job_id, "url", state->url,
                             "size", (json_int_t)state->size, "checksum", state->checksum, "etag", state->etag,
                             "pieces", pieces_to_tree(&state->pieces));
    char *text = json_dumps(tree, JSON_INDENT(1));
    json_decref(tree);
    return text;
}

static enum e5_status replace(const struct e5_place *place, const char *text, bool keep_note, struct e5_error *err) {
    char temporary[272];
    snprintf(temporary, sizeof temporary, "%s~", place->state);
    enum e5_status status = write_new(place, temporary, text, keep_note, err);
    if (status == E5_OK && renameat(place->directory, temporary, place->directory, place->state) != 0)
        status = e5_fail_errno(err, errno, place->path, "cannot rename the state file of");
    if (status == E5_OK && fsync(place->directory) != 0 && errno != EINVAL)
        status = e5_fail_errno(err, errno, place->path, "cannot sync the directory of");
    if (status != E5_OK) unlinkat(place->directory, temporary, 0);
    return status;
}

static enum e5_status save(const struct e5_state *state, const struct e5_place *place, bool keep_note,
                           struct e5_error *err) {
    char *text = to_text(state);
    if (text == NULL) return e5_fail(err, E5_MEMORY, "cannot write the state of %s", place->path);
    enum e5_status status = replace(place, text, keep_note, err);
    free(text);
    return status;
}

enum e5_status e5_state_save(const struct e5_state *state, const struct e5_place *place, struct e5_error *err) {
    return save(state, place, false, err);
}

enum e5_status e5_state_mark(const struct e5_state *state, const struct e5_place *place, struct e5_error *err) {
    return save(state, place, true, err);
}

bool e5_state_begin(const struct e5_state *state, const struct e5_place *place) {
    if (state->boot[0] == '\0') return true; /* there are no notes */
    int fd = open_new(place, place->state);
    if (fd < 0) return errno == EEXIST;
    char *text = to_text(state);
    bool written = text != NULL && fill(fd, place, text, NULL) == E5_OK;
    free(text);
    close(fd);
    if (!written) unlinkat(place->directory, place->state, 0);
    return written;
}

static bool read_text(int fd, char text[LARGEST], size_t *size) {
    ssize_t got = pread(fd, text, LARGEST, 0);
    *size = got > 0 ? strnlen(text, (size_t)got) : 0; /* zeros stand between the text and a note */
    return *size > 0 && *size < LARGEST;
}

static bool copy_text(const json_t *tree, const char *key, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(tree, key));
    return text != NULL && e5_text_copy(out, size, text);
}

static bool copy_number(const json_t *tree, const char *key, int64_t lowest, int64_t *out) {
    const json_t *number = json_object_get(tree, key);
    *out = json_integer_value(number);
    return json_is_integer(number) && *out >= lowest;
}

static bool read_piece(const json_t *triple, struct e5_piece *piece) {
    int64_t *const numbers[] = {&piece->start, &piece->end, &piece->position};
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_array_get(triple, i);
        if (!json_is_integer(number)) return false;
        *numbers[i] = json_integer_value(number);
    }
    return true;
}

/* An empty list: nothing is here.  A list that makes no sense is as bad as no list. */
static bool copy_pieces(const json_t *tree, int64_t format, struct e5_state *state) {
    const json_t *list = json_object_get(tree, "pieces");
    size_t n = json_array_size(list);
    int64_t durable = 0;
    state->pieces.count = (unsigned)n;
    if (format == 1) {
        if (!copy_number(tree, "durable", 0, &durable)) return false;
        if (durable > 0) state->pieces = (struct e5_pieces){1, {{0, state->size, durable}}};
        return durable == 0 || e5_pieces_good(&state->pieces, state->size);
    }
    if (!json_is_array(list) || n > E5_PIECES_MOST) return false;
    for (size_t i = 0; i < n; i++)
        if (!read_piece(json_array_get(list, i), &state->pieces.piece[i])) return false;
    return n == 0 || e5_pieces_good(&state->pieces, state->size);
}

static bool from_tree(const json_t *tree, struct e5_state *state) {
    int64_t format;
    state->pending = json_is_true(json_object_get(tree, "pending"));
    return copy_number(tree, "era5fast", 1, &format) && format <= FORMAT &&
           copy_text(tree, "fingerprint", state->fingerprint, sizeof state->fingerprint) &&
           copy_text(tree, "job", state->job_id, sizeof state->job_id) &&
           copy_text(tree, "url", state->url, sizeof state->url) && copy_number(tree, "size", -1, &state->size) &&
           copy_text(tree, "checksum", state->checksum, sizeof state->checksum) &&
           copy_text(tree, "etag", state->etag, sizeof state->etag) && copy_pieces(tree, format, state);
}

static bool load(struct e5_state *found, int fd) {
    char text[LARGEST];
    size_t size;
    json_t *tree = NULL;
    struct note note;
    bool good = read_text(fd, text, &size) && e5_json_parse(text, size, E5_INPUT, &tree, NULL) == E5_OK &&
                from_tree(tree, found);
    json_decref(tree);
    if (good && read_note(fd, &note)) trust_note(found, &note);
    return good;
}

bool e5_state_load(struct e5_state *state, const struct e5_place *place) {
    struct e5_state found;
    int fd = open_state(place);
    if (fd < 0) return false;
    e5_state_init(&found, "");
    bool good = load(&found, fd);
    close(fd);
    if (good) *state = found;
    return good;
}
