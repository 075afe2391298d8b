#include "net/transfer.h"

#include "check.h"

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

int main(void) {
    RUN(heads_are_judged);
    return check_summary();
}
