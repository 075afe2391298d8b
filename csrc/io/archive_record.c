#include "io/archive_record.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#define NONE16 0xffffu
#define NONE32 0xffffffffu
#define WIDE_FIELD 1u
#define ENCRYPTED (1u | 1u << 6 | 1u << 13)
#define SIZE_FOLLOWS (1u << 3)
#define PATCH (1u << 5)

#define DEFLATE_RATIO 1032u /* the most that deflate can reach */
#define USUAL_RATIO 100u    /* for what is large */
#define LARGE ((uint64_t)1 << 30)
#define SIZE_LIMIT ((uint64_t)1 << 60)

uint16_t e5_zip_u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

uint32_t e5_zip_u32(const uint8_t *bytes) { return e5_zip_u16(bytes) | (uint32_t)e5_zip_u16(bytes + 2) << 16; }

uint64_t e5_zip_u64(const uint8_t *bytes) { return e5_zip_u32(bytes) | (uint64_t)e5_zip_u32(bytes + 4) << 32; }

/* The block that local and central records share, from the flags on. */
static void read_common(const uint8_t *at, struct e5_zip_member *out) {
    out->flags = e5_zip_u16(at);
    out->method = e5_zip_u16(at + 2);
    out->crc = e5_zip_u32(at + 8);
    out->stored = e5_zip_u32(at + 12);
    out->size = e5_zip_u32(at + 16);
    out->name_size = e5_zip_u16(at + 20);
    out->extra_size = e5_zip_u16(at + 22);
}

void e5_zip_read_local(const uint8_t *record, struct e5_zip_member *out) {
    *out = (struct e5_zip_member){0};
    read_common(record + 6, out);
}

void e5_zip_read_central(const uint8_t *record, struct e5_zip_member *out) {
    *out = (struct e5_zip_member){0};
    read_common(record + 8, out);
    out->comment_size = e5_zip_u16(record + 32);
    out->disk = e5_zip_u16(record + 34);
    out->attributes = e5_zip_u32(record + 38);
    out->offset = e5_zip_u32(record + 42);
}

/* Take the next 8 bytes for a number that did not fit its narrow place. */
static bool take_wide(const uint8_t **at, const uint8_t *end, bool wanted, uint64_t *number) {
    if (!wanted) return true;
    if (end - *at < 8) return false;
    *number = e5_zip_u64(*at);
    *at += 8;
    return true;
}

static bool read_wide(const uint8_t *at, const uint8_t *end, bool central, struct e5_zip_member *member) {
    bool both = !central && (member->size == NONE32 || member->stored == NONE32); /* a local record has the pair */
    if (member->wide) return false;
    member->wide = true;
    return take_wide(&at, end, both || member->size == NONE32, &member->size) &&
           take_wide(&at, end, both || member->stored == NONE32, &member->stored) &&
           take_wide(&at, end, central && member->offset == NONE32, &member->offset);
}

bool e5_zip_read_extra(const uint8_t *extra, size_t size, bool central, struct e5_zip_member *member) {
    const uint8_t *end = extra + size;
    bool needs_wide = member->size == NONE32 || member->stored == NONE32 || (central && member->offset == NONE32);
    while (end - extra >= 4) {
        unsigned id = e5_zip_u16(extra);
        size_t length = e5_zip_u16(extra + 2);
        extra += 4;
        if (length > (size_t)(end - extra)) return false;
        if (id == WIDE_FIELD && !read_wide(extra, extra + length, central, member)) return false;
        extra += length;
    }
    return extra == end && (member->wide || !needs_wide);
}

void e5_zip_read_end(const uint8_t *record, struct e5_zip_end *out) {
    unsigned here = e5_zip_u16(record + 8);
    *out = (struct e5_zip_end){.count = e5_zip_u16(record + 10),
                               .size = e5_zip_u32(record + 12),
                               .offset = e5_zip_u32(record + 16),
                               .comment_size = e5_zip_u16(record + 20)};
    unsigned disk = e5_zip_u16(record + 4), directory_disk = e5_zip_u16(record + 6);
    out->split =
        (disk != 0 && disk != NONE16) || (directory_disk != 0 && directory_disk != NONE16) || here != out->count;
}

void e5_zip_read_wide_end(const uint8_t *record, struct e5_zip_end *out) {
    *out = (struct e5_zip_end){
        .count = e5_zip_u64(record + 32), .size = e5_zip_u64(record + 40), .offset = e5_zip_u64(record + 48)};
    out->split =
        e5_zip_u32(record + 16) != 0 || e5_zip_u32(record + 20) != 0 || e5_zip_u64(record + 24) != out->count;
}

bool e5_zip_has_descriptor(const struct e5_zip_member *member) { return (member->flags & SIZE_FOLLOWS) != 0; }

bool e5_zip_size_follows(const struct e5_zip_member *member) {
    return e5_zip_has_descriptor(member) && member->stored == 0;
}

bool e5_zip_is_directory(const char *name) {
    size_t size = strlen(name);
    return size > 0 && name[size - 1] == '/';
}

enum e5_status e5_zip_fail(struct e5_error *err, enum e5_status status, const char *name, const char *what) {
    status = e5_fail(err, status, "archive member '%.100s' %s", name, what);
    e5_error_hint(err, "%s",
                  status == E5_UNSAFE ? "do not trust this file" : "the archive is damaged; download it again");
    return status;
}

static bool leads_out(const char *name) {
    if (name[0] == '/' || strchr(name, '\\') != NULL) return true;
    if (isalpha((unsigned char)name[0]) && name[1] == ':') return true;
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        if (part[0] == '/') part++;
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0')) return true;
    }
    return false;
}

enum e5_status e5_zip_check_name(const char *name, size_t size, struct e5_error *err) {
    if (size == 0 || size > E5_ZIP_NAME_MAX) return e5_zip_fail(err, E5_UNSAFE, name, "has no usable name");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return e5_zip_fail(err, E5_UNSAFE, name, "has control characters in its name");
    if (leads_out(name)) return e5_zip_fail(err, E5_UNSAFE, name, "would lie outside the archive's directory");
    return E5_OK;
}

static bool is_file(const struct e5_zip_member *member, const char *name) {
    unsigned kind = member->attributes >> 16 & S_IFMT;
    return kind == 0 || kind == S_IFREG || (kind == S_IFDIR && e5_zip_is_directory(name));
}

static bool is_claim_absurd(const struct e5_zip_member *member) {
    uint64_t most = member->size > LARGE ? USUAL_RATIO : DEFLATE_RATIO;
    if (member->size > SIZE_LIMIT || member->stored > SIZE_LIMIT) return true;
    return !e5_zip_size_follows(member) && member->size / most > member->stored;
}

enum e5_status e5_zip_check_member(const struct e5_zip_member *member, const char *name, struct e5_error *err) {
    bool known = member->method == E5_ZIP_STORED || member->method == E5_ZIP_DEFLATED;
    if ((member->flags & ENCRYPTED) != 0) return e5_zip_fail(err, E5_UNSAFE, name, "is encrypted");
    if (!known || (member->flags & PATCH) != 0)
        return e5_zip_fail(err, E5_UNSAFE, name, "is compressed by a method other than deflate");
    if (member->method == E5_ZIP_STORED && e5_zip_size_follows(member) && !e5_zip_is_directory(name))
        return e5_zip_fail(err, E5_UNSAFE, name, "is stored without saying how long it is");
    if (!is_file(member, name)) return e5_zip_fail(err, E5_UNSAFE, name, "is a link or a device");
    if (is_claim_absurd(member)) return e5_zip_fail(err, E5_UNSAFE, name, "claims a size that no honest archive has");
    if (member->method == E5_ZIP_STORED && member->stored != member->size)
        return e5_zip_fail(err, E5_CORRUPT, name, "is stored with two sizes");
    if (e5_zip_is_directory(name) && member->size > 0)
        return e5_zip_fail(err, E5_UNSAFE, name, "is a directory with content");
    return E5_OK;
}
