/* Header lines, one after the other. */
#include "fuzz.h"
#include "net/http_head.h"

static bool ends(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct e5_http_head head;
    e5_http_head_init(&head);
    for (const uint8_t *at = data, *end = data + size; at < end;) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = line_end != NULL ? (size_t)(line_end - at) + 1 : (size_t)(end - at);
        char *line = fuzz_bytes(at, length);
        e5_http_head_line(&head, line, length, 1.7e9);
        free(line);
        at += length;
    }
    MUST(ends(head.type, sizeof head.type) && fuzz_is_clean(head.type) && ends(head.encoding, sizeof head.encoding));
    MUST(ends(head.etag, sizeof head.etag) && fuzz_is_clean(head.etag) && ends(head.location, sizeof head.location));
    MUST(head.length >= -1 && head.range_start >= -1 && head.range_total >= -1);
    MUST(head.retry_after == 0 || (head.retry_after >= 1 && head.retry_after <= 6 * 3600));
    return 0;
}
