#include "drive/fetch_mark.h"

#include "check.h"
#include "drive/fetch_note.h"
#include "folder.h"

static struct e5_engine engine;
static struct e5_load *load;
static struct e5_entry entry = {.engine = &engine};

static void write_some(size_t size) {
    static const char bytes[4096];
    CHECK_OK(e5_part_write(&load->part, &load->part.pieces.piece[0], bytes, size, err));
}

static void begin(void) {
    static const struct e5_pieces nothing = {.count = 0};
    CHECK_OK(e5_load_new(&engine, &load, err));
    entry.load = load;
    CHECK_OK(e5_place_open(&load->place, folder_path("x.nc"), err));
    e5_state_init(&load->state, "fingerprint");
    load->state.size = 4096;
    CHECK_OK(e5_part_open(&load->part, &load->place, 4096, &nothing, err));
    e5_mark_begin(load);
}

static void end(void) {
    e5_part_close(&load->part);
    e5_place_clean(&load->place);
    e5_place_close(&load->place);
    free(load);
}

/* Where the next process would go on. */
static int64_t known(void) {
    struct e5_state state;
    return e5_state_load(&state, &load->place) ? e5_pieces_here(&state.pieces) : -1;
}

TEST(what_is_written_while_a_mark_is_made_is_known) {
    begin();
    write_some(1000);
    e5_mark_prepare(&entry);
    CHECK_OK(e5_mark_write(&entry, NULL, err));
    write_some(500); /* noted, let us say, in the file that the mark has just replaced */
    e5_mark_made(load);
    CHECK(known() == 1500 && e5_pieces_here(&load->state.pieces) == 1000);
    end();
}

TEST(a_mark_of_bytes_that_are_gone_is_not_believed) {
    begin();
    write_some(3000);
    e5_mark_prepare(&entry);
    CHECK_OK(e5_mark_write(&entry, NULL, err));
    CHECK(known() == 3000);
    CHECK_OK(e5_part_restart(&load->part, err)); /* meanwhile */
    write_some(10);
    e5_mark_made(load);
    CHECK(known() == 10 && load->state.pieces.count == 0);
    end();
}

int main(void) {
    folder_make();
    RUN(what_is_written_while_a_mark_is_made_is_known);
    RUN(a_mark_of_bytes_that_are_gone_is_not_believed);
    folder_remove();
    return check_summary();
}
