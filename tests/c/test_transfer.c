#include "net/transfer.h"

#include "check.h"
#include "folder.h"

struct row {
    int status;
    int64_t length, range_start, range_total;
    const char *encoding, *etag;
    int64_t position, size;
    enum e5_transfer_use use;
};

/* −1: the header does not say.  The part's own tag is "a". */
static const struct row rows[] = {
    {200, -1, -1, -1, "", "", 0, 100, E5_TRANSFER_BEGIN},
    {200, 100, -1, -1, "", "", 50, 100, E5_TRANSFER_BEGIN}, /* the range was ignored */
    {200, 90, -1, -1, "", "", 0, 100, E5_TRANSFER_BEGIN},   /* too short: seen at the end */
    {200, 101, -1, -1, "", "", 0, 100, E5_TRANSFER_FOREIGN},
    {200, 0, -1, -1, "", "", 0, 100, E5_TRANSFER_FOREIGN},
    {200, 101, -1, -1, "", "", 0, -1, E5_TRANSFER_BEGIN},
    {200, -1, -1, -1, "gzip", "", 0, 100, E5_TRANSFER_FOREIGN},
    {200, -1, -1, -1, "identity", "", 0, 100, E5_TRANSFER_BEGIN},
    {206, 50, 50, 100, "", "", 50, 100, E5_TRANSFER_APPEND},
    {206, 50, 50, -1, "", "", 50, 100, E5_TRANSFER_APPEND},
    {206, 60, 40, 100, "", "", 50, 100, E5_TRANSFER_FOREIGN},
    {206, 49, 50, 99, "", "", 50, 100, E5_TRANSFER_FOREIGN},
    {206, 50, 50, 100, "", "\"a\"", 50, 100, E5_TRANSFER_APPEND},
    {206, 50, 50, 100, "", "\"b\"", 50, 100, E5_TRANSFER_FOREIGN},
    {206, 100, 0, 100, "", "", 0, 100, E5_TRANSFER_FOREIGN},
    {416, -1, -1, 100, "", "", 100, 100, E5_TRANSFER_COMPLETE},
    {416, -1, -1, 100, "", "", 100, -1, E5_TRANSFER_COMPLETE},
    {416, -1, -1, 80, "", "", 90, 100, E5_TRANSFER_FOREIGN},
    {416, -1, -1, -1, "", "", 0, 100, E5_TRANSFER_FOREIGN},
    {204, -1, -1, -1, "", "", 0, 100, E5_TRANSFER_FOREIGN},
    {404, -1, -1, -1, "", "", 0, 100, E5_TRANSFER_NOTHING},
    {503, -1, -1, -1, "gzip", "", 50, 100, E5_TRANSFER_NOTHING},
};

static struct e5_http_head head_of(const struct row *row) {
    struct e5_http_head head = {.status = row->status,
                                .length = row->length,
                                .range_start = row->range_start,
                                .range_total = row->range_total};
    strcpy(head.encoding, row->encoding);
    strcpy(head.etag, row->etag);
    return head;
}

TEST(heads_are_judged) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum e5_transfer_use use;
        struct e5_error err = E5_ERROR_NONE;
        struct e5_http_head head = head_of(&rows[i]);
        enum e5_status status =
            e5_transfer_use_of(&head, rows[i].position > 0, rows[i].position, rows[i].size, "\"a\"", &use, &err);
        CHECK(use == rows[i].use);
        CHECK(status == (use == E5_TRANSFER_FOREIGN ? E5_CORRUPT : E5_OK) && status == err.status);
    }
}

/* A store may pause wherever it likes: what a file is, is judged once enough of it is here. */

static struct e5_place place;
static struct e5_part part;
static struct e5_transfer transfer;
static struct e5_http_call call;
static const struct e5_pieces nothing = {.count = 0};

static void begin(int64_t size) {
    static const struct e5_http_head head = {.status = 200, .length = -1, .range_start = -1, .range_total = -1};
    CHECK_OK(e5_part_open(&part, &place, size, &nothing, err));
    transfer = (struct e5_transfer){.part = &part, .media_type = "application/x-grib", .alone = true};
    call = (struct e5_http_call){0};
    e5_transfer_prepare(&transfer, &call);
    CHECK_OK(call.sink->head(call.sink->context, &head, err));
}

/* Bytes that come `step` at a time; how many were taken before one was refused. */
static size_t feed(const char *bytes, size_t size, size_t step, struct e5_error *err) {
    size_t at = 0;
    for (; at < size; at += step)
        if (call.sink->body(call.sink->context, bytes + at, step < size - at ? step : size - at, err) != E5_OK) break;
    return at < size ? at : size;
}

TEST(a_file_that_begins_slowly_is_judged_when_its_beginning_is_here) {
    char data[2000] = "GRIB", page[2000];
    memset(data + 4, 'x', sizeof data - 4);
    memset(page, 'p', sizeof page);
    for (size_t step = 1; step <= 8; step++) {
        struct e5_error err = E5_ERROR_NONE;
        begin(sizeof data);
        CHECK(feed(data, sizeof data, step, &err) == sizeof data && err.status == E5_OK);
        e5_part_close(&part);
        begin(sizeof page);
        size_t taken = feed(page, sizeof page, step, &err);
        CHECK(err.status == E5_CORRUPT && strstr(err.what, "expected GRIB, got text: 'ppp") != NULL);
        CHECK(taken < 512 && taken + step >= 512);
        e5_part_close(&part);
    }
}

TEST(a_short_file_is_judged_with_its_last_byte) {
    struct e5_error err = E5_ERROR_NONE;
    begin(8);
    CHECK(feed("GRIB7777", 8, 1, &err) == 8 && err.status == E5_OK);
    e5_part_close(&part);
    begin(8);
    CHECK(feed("no grib!", 8, 1, &err) == 7 && err.status == E5_CORRUPT);
    e5_part_close(&part);
}

int main(void) {
    RUN(heads_are_judged);
    folder_make();
    CHECK_OK(e5_place_open(&place, folder_path("x.grib"), err));
    RUN(a_file_that_begins_slowly_is_judged_when_its_beginning_is_here);
    RUN(a_short_file_is_judged_with_its_last_byte);
    e5_place_clean(&place);
    e5_place_close(&place);
    folder_remove();
    return check_summary();
}
