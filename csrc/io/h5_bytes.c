#include "io/h5_bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define PAGE ((size_t)16 << 10)
#define FAR_PAGE ((size_t)4 << 10) /* … of what lies apart: nodes of an index, among the chunks, a few KB each */
#define FAR ((uint64_t)128 << 10)  /* headers lie together before it, as far as any do */
#define WALK_SLACK ((uint64_t)1 << 20)
#define WALK_MAX ((uint64_t)1 << 30) /* more than the index of 2^24 chunks takes */
#define BLOCK_MAX ((uint64_t)256 << 20)

/* --- judgements --- */

enum e5_status e5_h5_corrupt(const struct e5_h5 *h5, struct e5_error *err, const char *format, ...) {
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return e5_probe_fail(err, E5_CORRUPT, h5->path, "the file is damaged; download it again", "%s", text);
}

enum e5_status e5_h5_unsafe(const struct e5_h5 *h5, struct e5_error *err, const char *what) {
    return e5_probe_fail(err, E5_UNSAFE, h5->path, "do not trust this file", "%s", what);
}

enum e5_status e5_h5_not_known(struct e5_h5 *h5, struct e5_error *err, const char *clause) {
    h5->unknown = clause;
    return e5_probe_fail(err, E5_INPUT, h5->path, "", "%s", clause);
}

/* --- reading --- */

void e5_h5_begin_walk(struct e5_h5 *h5) {
    h5->left = h5->size < WALK_MAX / 4 - WALK_SLACK ? h5->size * 4 + WALK_SLACK : WALK_MAX;
}

bool e5_h5_holds(const struct e5_h5 *h5, uint64_t address, uint64_t size) {
    return size <= h5->size && address <= h5->size - size;
}

static size_t page_size(uint64_t address) { return address < FAR ? PAGE : FAR_PAGE; }

/* The page in which an address lies: one that is there, or the one that has rested longest, read anew. */
static enum e5_status find_page(struct e5_h5 *h5, uint64_t address, struct e5_error *err) {
    struct e5_h5_page *oldest = &h5->page[0];
    size_t whole = page_size(address);
    uint64_t start = address - address % whole;
    for (size_t i = 0; i < E5_H5_PAGES; i++) {
        struct e5_h5_page *page = &h5->page[i];
        if (page->bytes != NULL && page->size > 0 && page->start == start) {
            h5->last = page;
            return E5_OK;
        }
        if (page->used < oldest->used) oldest = page;
    }
    if (oldest->bytes == NULL) {
        enum e5_status status = e5_alloc_plain(PAGE, &oldest->bytes, err);
        if (status != E5_OK) return status;
    }
    oldest->start = start;
    oldest->size = 0; /* until it has been read */
    size_t size = h5->size - start < whole ? (size_t)(h5->size - start) : whole;
    enum e5_status status = e5_probe_read(h5->path, h5->descriptor, h5->base + start, oldest->bytes, size, err);
    if (status != E5_OK) return status;
    oldest->size = size;
    h5->last = oldest;
    return E5_OK;
}

static enum e5_status copy_from_pages(struct e5_h5 *h5, uint64_t address, size_t size, uint8_t *out,
                                      struct e5_error *err) {
    while (size > 0) {
        struct e5_h5_page *page = h5->last;
        if (page == NULL || address < page->start || address - page->start >= page->size) {
            enum e5_status status = find_page(h5, address, err);
            if (status != E5_OK) return status;
            page = h5->last;
        }
        size_t skip = (size_t)(address - page->start);
        size_t part = page->size - skip < size ? page->size - skip : size;
        memcpy(out, page->bytes + skip, part);
        page->used = ++h5->reads;
        out += part;
        address += part;
        size -= part;
    }
    return E5_OK;
}

static enum e5_status charge(struct e5_h5 *h5, uint64_t address, uint64_t size, struct e5_error *err) {
    if (!e5_h5_holds(h5, address, size))
        return e5_h5_corrupt(h5, err, "a part of its structure lies outside the file");
    if (size > h5->left) return e5_h5_unsafe(h5, err, "its structure leads in circles");
    h5->left -= size;
    return e5_watch_check(h5->watch, err);
}

static enum e5_status fetch(struct e5_h5 *h5, uint64_t address, size_t size, void *out, struct e5_error *err) {
    if (size <= page_size(address)) return copy_from_pages(h5, address, size, out, err);
    return e5_probe_read(h5->path, h5->descriptor, h5->base + address, out, size, err);
}

enum e5_status e5_h5_get(struct e5_h5 *h5, uint64_t address, size_t size, void *out, struct e5_error *err) {
    enum e5_status status = charge(h5, address, size, err);
    return status == E5_OK ? fetch(h5, address, size, out, err) : status;
}

enum e5_status e5_h5_load(struct e5_h5 *h5, uint64_t address, uint64_t size, uint8_t **out, struct e5_error *err) {
    *out = NULL;
    enum e5_status status = charge(h5, address, size, err);
    if (status == E5_OK && size > BLOCK_MAX) status = e5_h5_unsafe(h5, err, "a part of its structure over 256 MiB");
    if (status == E5_OK) status = e5_alloc((size_t)size, 1, out, err);
    if (status == E5_OK) status = fetch(h5, address, (size_t)size, *out, err);
    if (status == E5_OK) return E5_OK;
    free(*out);
    *out = NULL;
    return status;
}

enum e5_status e5_h5_load_checked(struct e5_h5 *h5, uint64_t address, uint64_t size, const char *mark, uint8_t **out,
                                  struct e5_error *err) {
    enum e5_status status = e5_h5_load(h5, address, size, out, err);
    if (status != E5_OK) return status;
    if (size < 9 || memcmp(*out, mark, 4) != 0)
        status = e5_h5_corrupt(h5, err, "no '%s' block where one should be", mark);
    else if (!e5_h5_is_sound(*out, (size_t)size))
        status = e5_h5_corrupt(h5, err, "the checksum of a '%s' block is wrong", mark);
    if (status == E5_OK) return E5_OK;
    free(*out);
    *out = NULL;
    return status;
}

enum e5_status e5_h5_load_first(struct e5_h5 *h5, uint64_t address, uint64_t size, const char *mark, uint8_t **out,
                                struct e5_error *err) {
    enum e5_status status = e5_h5_load_checked(h5, address, size, mark, out, err);
    if (status != E5_OK || (*out)[4] == 0) return status;
    free(*out);
    *out = NULL;
    return e5_h5_not_known(h5, err, "it uses structures of a newer version of HDF5");
}

/* --- checksums: Bob Jenkins' lookup3, read byte by byte so that alignment does not matter --- */

static inline uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

static inline uint32_t word(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

static inline void mix(uint32_t *to, uint32_t *next, uint32_t *other, int by) {
    *to -= *other;
    *to ^= rotate(*other, by);
    *other += *next;
}

static inline void mix_last(uint32_t *to, const uint32_t *from, int by) {
    *to ^= *from;
    *to -= rotate(*from, by);
}

uint32_t e5_h5_checksum(const uint8_t *bytes, size_t size) {
    uint32_t a, b, c;
    a = b = c = 0xDEADBEEFu + (uint32_t)size;
    for (; size > 12; bytes += 12, size -= 12) {
        a += word(bytes), b += word(bytes + 4), c += word(bytes + 8);
        mix(&a, &b, &c, 4), mix(&b, &c, &a, 6), mix(&c, &a, &b, 8);
        mix(&a, &b, &c, 16), mix(&b, &c, &a, 19), mix(&c, &a, &b, 4);
    }
    if (size == 0) return c;
    uint8_t tail[12] = {0};
    memcpy(tail, bytes, size);
    a += word(tail), b += word(tail + 4), c += word(tail + 8);
    mix_last(&c, &b, 14), mix_last(&a, &c, 11), mix_last(&b, &a, 25), mix_last(&c, &b, 16);
    mix_last(&a, &c, 4), mix_last(&b, &a, 14), mix_last(&c, &b, 24);
    return c;
}

/* The usual name of the switch for builds that are fed nonsense: there a checksum would keep out all of it. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
static const bool fed_nonsense = true;
#else
static const bool fed_nonsense = false;
#endif

bool e5_h5_same_checksum(const uint8_t *bytes, size_t size, uint32_t noted) {
    return fed_nonsense || e5_h5_checksum(bytes, size) == noted;
}

bool e5_h5_is_sound(const uint8_t *bytes, size_t size) {
    return size >= 4 && e5_h5_same_checksum(bytes, size - 4, (uint32_t)e5_h5_number(bytes + size - 4, 4));
}

/* --- numbers --- */

uint64_t e5_h5_take_address(const struct e5_h5 *h5, struct e5_h5_cursor *cursor) {
    uint64_t value = e5_h5_take(cursor, h5->address_bytes);
    bool undefined = value == UINT64_MAX >> (64 - 8 * h5->address_bytes);
    return undefined ? E5_NOWHERE : value;
}

uint64_t e5_h5_take_length(const struct e5_h5 *h5, struct e5_h5_cursor *cursor) {
    return e5_h5_take(cursor, h5->length_bytes);
}

unsigned e5_h5_log2(uint64_t value) { return value == 0 ? 0 : 63u - (unsigned)__builtin_clzll(value); }

unsigned e5_h5_bytes_for(uint64_t greatest) { return e5_h5_log2(greatest) / 8 + 1; }
