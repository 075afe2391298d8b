/* make_zip: zip archives for tests, honest and otherwise, byte by byte into memory.
 *
 * zip_add() writes a member, zip_end() directory and end; what an archive is to lie about stands in struct zip_how or
 * is changed in zip.bytes afterwards.  zip_clear() begins anew. */
#ifndef MAKE_ZIP_H
#define MAKE_ZIP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct zip_how { /* zero: deflated, sizes before the data, as the service writes it */
    int level;          /* 0: stored in blocks; 1 to 9 */
    bool plain;         /* method "stored" */
    bool follows;       /* sizes behind the data, … */
    bool unmarked;      /* … without the mark before them */
    bool wide;          /* zip64 */
    bool unlisted;      /* not in the directory */
    unsigned flags, method; /* added to the honest flags; instead of the honest method */
    uint32_t attributes;
    const char *listed; /* under this name */
    long size_lie;      /* added to the size in the records */
    uint32_t crc_lie;
};

struct zip_entry {
    char name[600];
    size_t offset, stored, size;
    uint32_t crc;
    struct zip_how how;
};

static struct {
    unsigned char *bytes;
    size_t size, capacity, directory;
    struct zip_entry *entries;
    size_t count;
} zip;

static inline void zip_put(const void *bytes, size_t size) {
    if (zip.size + size > zip.capacity) {
        zip.capacity = (zip.size + size) * 2;
        zip.bytes = realloc(zip.bytes, zip.capacity);
        if (zip.bytes == NULL) abort();
    }
    if (size > 0) memcpy(zip.bytes + zip.size, bytes, size);
    zip.size += size;
}

static inline void zip_number(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) zip_put(&(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static inline void zip_clear(void) {
    free(zip.bytes);
    free(zip.entries);
    memset(&zip, 0, sizeof zip);
}

static inline void *zip_deflate(const void *bytes, size_t size, int level, size_t *out_size) {
    z_stream z = {0};
    if (deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    size_t most = deflateBound(&z, size) + 64;
    unsigned char *out = malloc(most);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)most;
    if (out == NULL || deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    *out_size = z.total_out;
    deflateEnd(&z);
    return out;
}

/* Flags, method, time, CRC and sizes: what a local and a central record share. */
static inline void zip_common(const struct zip_entry *e, bool central) {
    bool follows = e->how.follows && !central, wide = e->how.wide;
    zip_number(e->how.flags | (e->how.follows ? 8 : 0) | 1 << 11, 2);
    zip_number(e->how.method > 0 ? e->how.method : e->how.plain ? 0 : 8, 2);
    zip_number(0, 4);
    zip_number(follows ? 0 : e->crc, 4);
    zip_number(wide ? UINT32_MAX : follows ? 0 : e->stored, 4);
    zip_number(wide ? UINT32_MAX : follows ? 0 : e->size, 4);
}

static inline void zip_wide_field(const struct zip_entry *e, bool central) {
    if (!e->how.wide) return;
    bool follows = e->how.follows && !central;
    zip_number(0x5455, 2); /* some other field before it */
    zip_number(1, 2);
    zip_number(0, 1);
    zip_number(1, 2);
    zip_number(central ? 24 : 16, 2);
    zip_number(follows ? 0 : e->size, 8);
    zip_number(follows ? 0 : e->stored, 8);
    if (central) zip_number(e->offset, 8);
}

static inline size_t zip_wide_size(const struct zip_entry *e, bool central) {
    return !e->how.wide ? 0 : central ? 33 : 25;
}

static inline void zip_local(const struct zip_entry *e) {
    zip_number(0x04034b50, 4);
    zip_number(20, 2);
    zip_common(e, false);
    zip_number(strlen(e->name), 2);
    zip_number(zip_wide_size(e, false), 2);
    zip_put(e->name, strlen(e->name));
    zip_wide_field(e, false);
}

static inline void zip_descriptor(const struct zip_entry *e) {
    if (!e->how.follows) return;
    if (!e->how.unmarked) zip_number(0x08074b50, 4);
    zip_number(e->crc, 4);
    zip_number(e->stored, e->how.wide ? 8 : 4);
    zip_number(e->size, e->how.wide ? 8 : 4);
}

static inline void zip_add(const char *name, const void *bytes, size_t size, struct zip_how how) {
    zip.entries = realloc(zip.entries, (zip.count + 1) * sizeof *zip.entries);
    if (zip.entries == NULL) abort();
    struct zip_entry *e = &zip.entries[zip.count++];
    size_t stored = size;
    void *packed = how.plain ? NULL : zip_deflate(bytes, size, how.level, &stored);
    *e = (struct zip_entry){.offset = zip.size, .stored = stored, .how = how};
    e->size = size + (size_t)how.size_lie;
    e->crc = (uint32_t)crc32(0, bytes, (uInt)size) ^ how.crc_lie;
    strncpy(e->name, name, sizeof e->name - 1);
    zip_local(e);
    zip_put(packed != NULL ? packed : bytes, stored);
    zip_descriptor(e);
    free(packed);
}

static inline void zip_central(const struct zip_entry *e) {
    const char *name = e->how.listed != NULL ? e->how.listed : e->name;
    zip_number(0x02014b50, 4);
    zip_number(3 << 8 | 20, 2);
    zip_number(20, 2);
    zip_common(e, true);
    zip_number(strlen(name), 2);
    zip_number(zip_wide_size(e, true), 2);
    zip_number(4, 2); /* of comment */
    zip_number(0, 4);
    zip_number(e->how.attributes, 4);
    zip_number(e->how.wide ? UINT32_MAX : e->offset, 4);
    zip_put(name, strlen(name));
    zip_wide_field(e, true);
    zip_put("PK\5\6", 4); /* a comment that looks like an end */
}

static inline void zip_wide_end(size_t listed, size_t size) {
    size_t at = zip.size;
    zip_number(0x06064b50, 4);
    zip_number(44 + 6, 8);
    zip_number(45, 2);
    zip_number(45, 2);
    zip_number(0, 8);
    zip_number(listed, 8);
    zip_number(listed, 8);
    zip_number(size, 8);
    zip_number(zip.directory, 8);
    zip_put("extras", 6);
    zip_number(0x07064b50, 4);
    zip_number(0, 4);
    zip_number(at, 8);
    zip_number(1, 4);
}

static inline void zip_end(bool wide, const char *comment) {
    size_t listed = 0;
    zip.directory = zip.size;
    for (size_t i = 0; i < zip.count; i++) {
        if (zip.entries[i].how.unlisted) continue;
        zip_central(&zip.entries[i]);
        listed++;
    }
    size_t size = zip.size - zip.directory;
    if (wide) zip_wide_end(listed, size);
    zip_number(0x06054b50, 4);
    zip_number(0, 4);
    zip_number(wide ? UINT16_MAX : listed, 2);
    zip_number(wide ? UINT16_MAX : listed, 2);
    zip_number(wide ? UINT32_MAX : size, 4);
    zip_number(wide ? UINT32_MAX : zip.directory, 4);
    zip_number(strlen(comment), 2);
    zip_put(comment, strlen(comment));
}

#endif
