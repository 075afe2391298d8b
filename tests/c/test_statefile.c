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
    state.durable = 67108864;
    state.pending = true;
    return state;
}

TEST(what_is_saved_is_loaded) {
    struct e5_state state = example(), back;
    struct stat info;
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK_OK(e5_state_save(&state, &place, err)); /* a second time, over the first */
    CHECK(e5_state_load(&back, &place));
    CHECK(strcmp(back.fingerprint, "abc") == 0 && strcmp(back.job_id, state.job_id) == 0 && back.pending);
    CHECK(strcmp(back.etag, state.etag) == 0 && strcmp(back.checksum, state.checksum) == 0);
    CHECK(back.size == state.size && back.durable == state.durable);
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
    char text[20000];
    CHECK_OK(e5_state_save(&state, &place, err));
    long size = folder_read(place.state, text, sizeof text);
    CHECK(size > 100 && loads(text, (size_t)size));
    for (long cut = 0; cut < size - 2; cut++) CHECK(!loads(text, (size_t)cut));
    char *version = strstr(text, "\"era5fast\": 1");
    CHECK(version != NULL);
    version[12] = '2';
    CHECK(!loads(text, (size_t)size));
    version[12] = '1';
    memset(text + size, ' ', sizeof text - (size_t)size);
    CHECK(!loads(text, sizeof text)); /* too long */
    CHECK(!loads("{\"era5fast\": 1, \"durable\": -4}", 31) && !loads("[]", 2));
}

TEST(links_are_not_followed) {
    struct e5_state state = example(), back;
    unlink(folder_path(place.state));
    CHECK_OK(e5_state_save(&state, &place, err));
    CHECK(rename(folder_path(place.state), folder_path("elsewhere")) == 0);
    CHECK(symlink("elsewhere", folder_path(place.state)) == 0);
    CHECK(!e5_state_load(&back, &place));
    state.size = 5;
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
    RUN(links_are_not_followed);
    e5_place_close(&place);
    folder_remove();
    return check_summary();
}
