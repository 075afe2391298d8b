/* State files.  The bytes up to the first NUL are the text, those behind it the note, whose frame is put right so
 * that its content is looked at. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "net/statefile.h"

#define NOTE_AT 16384
#define BOOT_AT 8 /* behind the magic */

static struct e5_place place;
static char target[64];
static unsigned char example[8192]; /* a note as it is written */
static size_t note_size;

static void remove_folder(void) {
    char folder[64];
    unlinkat(place.directory, place.state, 0);
    e5_place_close(&place);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(target, '/') - target), target);
    rmdir(folder);
}

static void set_up(void) {
    char folder[] = "/tmp/e5-fuzz-XXXXXX";
    struct e5_state state;
    struct stat info;
    if (mkdtemp(folder) == NULL) abort();
    snprintf(target, sizeof target, "%s/x.nc", folder);
    if (e5_place_open(&place, target, NULL) != E5_OK) abort();
    e5_state_init(&state, "abc");
    if (e5_state_save(&state, &place, NULL) != E5_OK || !e5_state_note(&state, &place)) abort();
    int fd = openat(place.directory, place.state, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) abort();
    note_size = info.st_size > NOTE_AT ? (size_t)(info.st_size - NOTE_AT) : 0;
    if (note_size < 64 || note_size > sizeof example) abort();
    if (pread(fd, example, note_size, NOTE_AT) != (ssize_t)note_size) abort();
    close(fd);
    atexit(remove_folder);
}

/* The frame of a note: magic and boot in front, the sum of all of it (FNV-1a) at its end. */
static void frame(unsigned char *note) {
    uint64_t sum = 14695981039346656037u;
    size_t boot_end = BOOT_AT + strlen((const char *)example + BOOT_AT) + 1;
    memcpy(note, example, boot_end);
    for (size_t i = 0; i < note_size - sizeof sum; i++) sum = (sum ^ note[i]) * 1099511628211u;
    memcpy(note + note_size - sizeof sum, &sum, sizeof sum);
}

static void write_file(const uint8_t *data, size_t size) {
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t text = nul != NULL ? (size_t)(nul - data) : size, rest = nul != NULL ? size - text - 1 : 0;
    unsigned char note[sizeof example] = {0};
    int fd = openat(place.directory, place.state, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, text) != (ssize_t)text) abort();
    if (nul != NULL) {
        size_t front = BOOT_AT + strlen((const char *)example + BOOT_AT) + 1;
        size_t room = note_size - front - sizeof(uint64_t);
        memcpy(note + front, nul + 1, rest < room ? rest : room);
        frame(note);
        if (pwrite(fd, note, note_size, NOTE_AT) != (ssize_t)note_size) abort();
    }
    close(fd);
}

static bool ends(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_state state;
    if (note_size == 0) set_up();
    write_file(data, size);
    if (!e5_state_load(&state, &place)) return 0;
    MUST(ends(state.fingerprint, sizeof state.fingerprint) && ends(state.job_id, sizeof state.job_id));
    MUST(ends(state.url, sizeof state.url) && ends(state.checksum, sizeof state.checksum));
    MUST(ends(state.etag, sizeof state.etag) && state.size >= -1);
    return 0;
}
