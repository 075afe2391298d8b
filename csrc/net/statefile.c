#include "net/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "net/json.h"

#define FORMAT 1
#define LARGEST 16384 /* bytes */

void e5_state_init(struct e5_state *state, const char *fingerprint) {
    *state = (struct e5_state){.size = -1};
    e5_text_copy(state->fingerprint, sizeof state->fingerprint, fingerprint);
}

static enum e5_status write_all(int fd, const char *text, const char *path, struct e5_error *err) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return e5_fail_errno(err, errno, path, "cannot write the state file of");
        text += written;
        left -= (size_t)written;
    }
    return fsync(fd) == 0 ? E5_OK : e5_fail_errno(err, errno, path, "cannot sync the state file of");
}

/* A new file with a name of its own, never one that somebody put there. */
static enum e5_status write_new(const struct e5_place *place, const char *name, const char *text,
                                struct e5_error *err) {
    unlinkat(place->directory, name, 0);
    int fd = openat(place->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return e5_fail_errno(err, errno, place->path, "cannot make the state file of");
    enum e5_status status = write_all(fd, text, place->path, err);
    if (close(fd) != 0 && status == E5_OK)
        status = e5_fail_errno(err, errno, place->path, "cannot close the state file of");
    return status;
}

static char *to_text(const struct e5_state *state) {
    json_t *tree = json_pack("{s:i, s:s, s:b, s:s, s:s, s:I, s:s, s:s, s:I}", "era5fast", FORMAT, "fingerprint",
                             state->fingerprint, "pending", state->pending, "job", state->job_id, "url", state->url,
                             "size", (json_int_t)state->size, "checksum", state->checksum, "etag", state->etag,
                             "durable", (json_int_t)state->durable);
    char *text = json_dumps(tree, JSON_INDENT(1));
    json_decref(tree);
    return text;
}

enum e5_status e5_state_save(const struct e5_state *state, const struct e5_place *place, struct e5_error *err) {
    char temporary[272];
    char *text = to_text(state);
    if (text == NULL) return e5_fail(err, E5_MEMORY, "cannot write the state of %s", place->path);
    snprintf(temporary, sizeof temporary, "%s~", place->state);
    enum e5_status status = write_new(place, temporary, text, err);
    free(text);
    if (status == E5_OK && renameat(place->directory, temporary, place->directory, place->state) != 0)
        status = e5_fail_errno(err, errno, place->path, "cannot rename the state file of");
    if (status == E5_OK && fsync(place->directory) != 0 && errno != EINVAL)
        status = e5_fail_errno(err, errno, place->path, "cannot sync the directory of");
    if (status != E5_OK) unlinkat(place->directory, temporary, 0);
    return status;
}

static bool read_text(const struct e5_place *place, char *text, size_t *size) {
    struct stat info;
    int fd = openat(place->directory, place->state, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    bool ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid();
    ssize_t got = ours ? read(fd, text, LARGEST) : -1;
    close(fd);
    *size = got > 0 ? (size_t)got : 0;
    return got > 0 && got < LARGEST;
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

static bool from_tree(const json_t *tree, struct e5_state *state) {
    int64_t format;
    state->pending = json_is_true(json_object_get(tree, "pending"));
    return copy_number(tree, "era5fast", FORMAT, &format) && format == FORMAT &&
           copy_text(tree, "fingerprint", state->fingerprint, sizeof state->fingerprint) &&
           copy_text(tree, "job", state->job_id, sizeof state->job_id) &&
           copy_text(tree, "url", state->url, sizeof state->url) && copy_number(tree, "size", -1, &state->size) &&
           copy_text(tree, "checksum", state->checksum, sizeof state->checksum) &&
           copy_text(tree, "etag", state->etag, sizeof state->etag) &&
           copy_number(tree, "durable", 0, &state->durable);
}

bool e5_state_load(struct e5_state *state, const struct e5_place *place) {
    char text[LARGEST];
    size_t size;
    json_t *tree = NULL;
    struct e5_state found = {.size = -1};
    if (!read_text(place, text, &size)) return false;
    bool good = e5_json_parse(text, size, E5_INPUT, &tree, NULL) == E5_OK && from_tree(tree, &found);
    json_decref(tree);
    if (good) *state = found;
    return good;
}
