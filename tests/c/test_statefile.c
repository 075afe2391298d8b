#include "net/statefile.h"

#include "check.h"
#include "folder.h"

static struct e5_place place;

static struct e5_state example(void) {
    struct e5_state state;
    e5_state_init(&state, "abc");
    strcpy(state.job_id, "6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21");
    strcpy(state.etag, "\"x\"");
    strcpy(state.checksum, "00000000000000000000000000000abc");
    state.size = 123456789012;
    state.pieces = (struct e5_pieces){2, {{0, 67108864, 67108864}, {67108864, state.size, 70000000}}};
    state.pending = true;
    return state;
}

static bool same_pieces(const struct e5_pieces *a, const struct e5_pieces *b) {
    return a->count == b->count && memcmp(a->piece, b->piece, a->count * sizeof a->piece[0]) == 0;
}

TEST(what_is_saved_is_loaded) {
    struct e5_state state = example(), back;
    struct stat info;
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK_OK(e5_state_save(&state, &place, err)); /* a second time, over the first */
    CHECK(e5_state_load(&back, &place));
    CHECK(strcmp(back.fingerprint, "abc") == 0 && strcmp(back.job_id, state.job_id) == 0 && back.pending);
    CHECK(strcmp(back.etag, state.etag) == 0 && strcmp(back.checksum, state.checksum) == 0);
    CHECK(back.size == state.size && same_pieces(&back.pieces, &state.pieces));
    CHECK(stat(folder_path(place.state), &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK(folder_count() == 1);
}

static bool loads(const char *text, size_t size) {
    struct e5_state state;
    folder_write(place.state, text, size);
    return e5_state_load(&state, &place);
}

TEST(damaged_files_count_as_none) {
    struct e5_state state = example();
    static char text[40000];
    CHECK_OK(e5_state_save(&state, &place, err));
    folder_read(place.state, text, sizeof text);
    size_t size = strlen(text);
    CHECK(size > 100 && size < 2000 && loads(text, size));
    for (size_t cut = 0; cut < size - 2; cut++) CHECK(!loads(text, cut));
    char *version = strstr(text, "\"era5fast\": 2");
    CHECK(version != NULL);
    version[12] = '3';
    CHECK(!loads(text, size));
    version[12] = '2';
    memset(text + size, ' ', sizeof text - size);
    CHECK(!loads(text, sizeof text)); /* too long */
    CHECK(!loads("{\"era5fast\": 1, \"durable\": -4}", 31) && !loads("[]", 2));
}

#define HEAD \
    "{\"era5fast\": %d, \"fingerprint\": \"abc\", \"pending\": false, \"job\": \"\", \"url\": \"\", \"size\": %d, "
#define TAIL "\"checksum\": \"\", \"etag\": \"\", %s}"

static bool loads_with(int version, int size, const char *progress, struct e5_state *state) {
    char text[1000];
    int length = snprintf(text, sizeof text, HEAD TAIL, version, size, progress);
    folder_write(place.state, text, (size_t)length);
    return e5_state_load(state, &place);
}

TEST(the_first_version_is_still_read) {
    struct e5_state state;
    CHECK(loads_with(1, 100, "\"durable\": 60", &state) && state.pieces.count == 1);
    CHECK(e5_pieces_here(&state.pieces) == 60 && e5_pieces_good(&state.pieces, 100));
    CHECK(loads_with(1, -1, "\"durable\": 60", &state) && e5_pieces_good(&state.pieces, -1));
    CHECK(loads_with(1, 100, "\"durable\": 0", &state) && state.pieces.count == 0);
    CHECK(!loads_with(1, 100, "\"durable\": 101", &state) && !loads_with(1, 100, "\"pieces\": []", &state));
}

TEST(pieces_that_make_no_sense_are_refused) {
    struct e5_state state;
    CHECK(loads_with(2, 100, "\"pieces\": []", &state) && state.pieces.count == 0);
    CHECK(loads_with(2, 100, "\"pieces\": [[0, 40, 40], [40, 100, 50]]", &state) && state.pieces.count == 2);
    CHECK(!loads_with(2, 100, "\"pieces\": [[0, 40, 41], [40, 100, 50]]", &state));
    CHECK(!loads_with(2, 100, "\"pieces\": [[0, 40, 40]]", &state));
    CHECK(!loads_with(2, 100, "\"pieces\": [[0, 100]]", &state));
    CHECK(!loads_with(2, 100, "\"pieces\": [[0, 100, 0.5]]", &state));
    CHECK(!loads_with(2, 100, "\"pieces\": {}", &state) && !loads_with(2, 100, "\"durable\": 60", &state));
    CHECK(!loads_with(2, 100, "\"pieces\": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", &state));
}

/* Notes: what was written, believed in the same run of the machine only. */

static bool believed(void) {
    struct e5_state state = example(), back;
    CHECK(e5_state_load(&back, &place));
    return !same_pieces(&back.pieces, &state.pieces);
}

static struct e5_state further(void) {
    struct e5_state state = example();
    state.pieces = (struct e5_pieces){1, {{0, 1000, 900}}};
    state.size = 1000;
    strcpy(state.etag, "\"y\"");
    return state;
}

TEST(a_note_of_this_boot_is_believed) {
    struct e5_state state = example(), back, written = further();
    CHECK(state.boot[0] != '\0'); /* the system of these tests has one */
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK(!believed());
    CHECK(e5_state_note(&written, &place) && e5_state_load(&back, &place));
    CHECK(same_pieces(&back.pieces, &written.pieces) && back.size == 1000 && strcmp(back.etag, "\"y\"") == 0);
    CHECK(strcmp(back.job_id, state.job_id) == 0 && back.pending); /* of the file itself */
    CHECK_OK(e5_state_mark(&state, &place, err)); /* a mark keeps what was noted … */
    CHECK(believed());
    CHECK_OK(e5_state_save(&state, &place, err)); /* … while another state knows nothing of it */
    CHECK(!believed());
}

TEST(a_note_of_another_boot_is_not_believed) {
    struct e5_state state = example(), written = further();
    CHECK_OK(e5_state_save(&state, &place, err));
    written.boot[3] ^= 1;
    CHECK(e5_state_note(&written, &place) && !believed());
    written.boot[0] = '\0'; /* a machine that does not tell */
    CHECK(e5_state_note(&written, &place) && !believed());
}

TEST(a_note_half_written_counts_as_none) {
    struct e5_state state = example(), written = further();
    static char text[20000];
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK(e5_state_note(&written, &place) && believed());
    long size = folder_read(place.state, text, sizeof text);
    for (long at = 16384; at < size; at += 7) {
        text[at] ^= 1;
        folder_write(place.state, text, (size_t)size);
        text[at] ^= 1;
        CHECK(!believed());
    }
    folder_write(place.state, text, (size_t)size - 1);
    CHECK(!believed());
    folder_write(place.state, text, (size_t)size);
    CHECK(believed());
}

TEST(without_a_state_there_is_no_note) {
    struct e5_state written = further(), back;
    unlink(folder_path(place.state));
    CHECK(!e5_state_note(&written, &place) && !e5_state_load(&back, &place));
}

TEST(a_file_to_note_in_is_made_where_there_is_none) {
    struct e5_state state = example(), back;
    struct e5_pieces pieces = state.pieces;
    e5_place_clean(&place);
    state.pieces.count = 0;
    CHECK(e5_state_begin(&state, &place) && e5_state_load(&back, &place) && back.pieces.count == 0);
    CHECK(strcmp(back.job_id, state.job_id) == 0 && folder_count() == 1);
    state.pieces = pieces;
    CHECK(e5_state_note(&state, &place));
    state.job_id[0] = '\0';
    CHECK(e5_state_begin(&state, &place)); /* there is one: it stays as it is */
    CHECK(e5_state_load(&back, &place) && same_pieces(&back.pieces, &pieces) && back.job_id[0] != '\0');
}

TEST(links_are_not_followed) {
    struct e5_state state = example(), back;
    unlink(folder_path(place.state));
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK(rename(folder_path(place.state), folder_path("elsewhere")) == 0);
    CHECK(symlink("elsewhere", folder_path(place.state)) == 0);
    CHECK(!e5_state_load(&back, &place));
    state.size = 5;
    state.pieces.count = 0;
    CHECK_OK(e5_state_save(&state, &place, err)); /* takes the link's place */
    char text[2000] = "";
    folder_read("elsewhere", text, sizeof text - 1);
    CHECK(strstr(text, "123456789012") != NULL);
    CHECK(e5_state_load(&back, &place) && back.size == 5);
}

int main(void) {
    folder_make();
    CHECK_OK(e5_place_open(&place, folder_path("x.nc"), err));
    RUN(what_is_saved_is_loaded);
    RUN(damaged_files_count_as_none);
    RUN(the_first_version_is_still_read);
    RUN(pieces_that_make_no_sense_are_refused);
    RUN(a_note_of_this_boot_is_believed);
    RUN(a_note_of_another_boot_is_not_believed);
    RUN(a_note_half_written_counts_as_none);
    RUN(without_a_state_there_is_no_note);
    RUN(a_file_to_note_in_is_made_where_there_is_none);
    RUN(links_are_not_followed);
    e5_place_close(&place);
    folder_remove();
    return check_summary();
}
