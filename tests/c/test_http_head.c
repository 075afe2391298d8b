#include "net/http_head.h"

#include "check.h"

static struct e5_http_head read_lines(const char *const *lines, size_t n) {
    struct e5_http_head head;
    e5_http_head_init(&head);
    for (size_t i = 0; i < n; i++) e5_http_head_line(&head, lines[i], strlen(lines[i]), 0);
    return head;
}

#define READ(...) \
    read_lines((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

TEST(fields_are_read) {
    struct e5_http_head head =
        READ("HTTP/1.1 206 Partial Content\r\n", "content-TYPE:  application/netcdf \r\n", "ETag: \"abc\"\r\n",
             "Content-Length: 42\r\n", "Content-Range: bytes 100-141/142\r\n", "Retry-After: 9\r\n",
             "Date: Fri, 02 Jan 1970 00:00:01 GMT\r\n", "\r\n");
    CHECK(head.status == 206 && strcmp(head.type, "application/netcdf") == 0 && strcmp(head.etag, "\"abc\"") == 0);
    CHECK(head.length == 42 && head.range_start == 100 && head.range_total == 142 && head.retry_after == 9);
    CHECK(head.date == 86401);
}

TEST(a_new_status_line_begins_anew) {
    struct e5_http_head head = READ("HTTP/1.1 100 Continue", "ETag: \"old\"", "HTTP/2 200", "Content-Length: 7");
    CHECK(head.status == 200 && head.etag[0] == '\0' && head.length == 7);
}

TEST(nonsense_says_nothing) {
    struct e5_http_head head = READ("HTTP/1.1 200 OK", "Content-Length: -5", "Content-Range: bytes 5/3", "nonsense",
                                    "Retry-After: soon", "Date: today");
    CHECK(head.date == 0 && head.length == -1 && head.range_start == 5 && head.range_total == -1 &&
          head.retry_after == 0);
    head = READ("HTTP/1.1 200 OK", "Content-Length: 99999999999999999999999", "Content-Range: items 1-2/3");
    CHECK(head.length == -1 && head.range_start == -1);
    head = READ("HTTP/1.1 416 no", "Content-Range: bytes */142");
    CHECK(head.range_start == -1 && head.range_total == 142);
}

TEST(long_tags_are_no_tags) {
    char line[400] = "ETag: \"";
    memset(line + 7, 'a', 300);
    struct e5_http_head head = READ("HTTP/1.1 200 OK", line);
    CHECK(head.etag[0] == '\0');
}

int main(void) {
    RUN(fields_are_read);
    RUN(a_new_status_line_begins_anew);
    RUN(nonsense_says_nothing);
    RUN(long_tags_are_no_tags);
    return check_summary();
}
