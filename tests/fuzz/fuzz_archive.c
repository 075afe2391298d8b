/* fuzz_archive: zip archives in blocks of any size: no crash, a bounded sink, members that begin and end in turn, and
 * the same outcome however the bytes are cut. */
#include "fuzz.h"
#include "io/archive.h"

#define MOST ((uint64_t)1 << 20) /* bytes that a run may unpack, so that it is over soon */

struct seen {
    int open;
    uint64_t members, bytes, sum;
};

static enum e5_status begin(void *context, const char *name, int64_t size, struct e5_error *err) {
    struct seen *s = context;
    (void)err;
    MUST(s->open++ == 0 && size >= -1 && name[0] != '\0' && name[0] != '/' && strchr(name, '\\') == NULL);
    MUST(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && strstr(name, "/../") == NULL);
    s->members++;
    return E5_OK;
}

static enum e5_status data(void *context, const void *bytes, size_t size, struct e5_error *err) {
    struct seen *s = context;
    MUST(s->open == 1 && size > 0);
    for (size_t i = 0; i < size; i++) s->sum = s->sum * 31 + ((const uint8_t *)bytes)[i];
    s->bytes += size;
    return s->bytes < MOST ? E5_OK : e5_fail(err, E5_STORAGE, "full");
}

static enum e5_status end(void *context, struct e5_error *err) {
    struct seen *s = context;
    (void)err;
    MUST(s->open-- == 1);
    return E5_OK;
}

static enum e5_status run(struct seen *seen, const uint8_t *bytes, size_t size, size_t block) {
    const struct e5_archive_sink sink = {seen, begin, data, end};
    struct e5_error err = E5_ERROR_NONE;
    struct e5_archive *archive = NULL;
    enum e5_status status = e5_archive_new(&sink, -1, &archive, &err);
    while (size > 0 && status == E5_OK) {
        size_t n = size < block ? size : block;
        status = e5_archive_feed(archive, bytes, n, &err);
        bytes += n;
        size -= n;
    }
    if (status == E5_OK) status = e5_archive_finish(archive, &err);
    MUST((status == E5_OK) == (err.status == E5_OK) && (status != E5_OK || seen->open == 0));
    e5_archive_free(archive);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct seen whole = {0}, pieces = {0};
    if (size < 1) return 0;
    enum e5_status first = run(&whole, bytes + 1, size - 1, SIZE_MAX);
    enum e5_status second = run(&pieces, bytes + 1, size - 1, bytes[0] + 1u);
    MUST(first == second && whole.members == pieces.members);
    MUST(first != E5_OK || (whole.bytes == pieces.bytes && whole.sum == pieces.sum));
    return 0;
}
