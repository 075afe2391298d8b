#include "net/checksum.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PART_SIZE (50 << 20)
#define IN_PARTS_FROM (2 * PART_SIZE)

enum e5_status e5_checksum_init(struct e5_checksum *checksum, int64_t size, struct e5_error *err) {
    *checksum = (struct e5_checksum){.in_parts = size >= IN_PARTS_FROM};
    enum e5_status status = e5_digest_init(&checksum->whole, E5_MD5, err);
    if (status == E5_OK && checksum->in_parts) status = e5_digest_init(&checksum->joined, E5_MD5, err);
    if (status == E5_OK && checksum->in_parts) status = e5_digest_init(&checksum->part, E5_MD5, err);
    return status;
}

/* End the part going on: its 16 raw bytes go into `joined`. */
static void end_part(struct e5_checksum *checksum) {
    char hex[E5_DIGEST_HEX];
    unsigned char raw[16];
    e5_digest_hex(&checksum->part, hex);
    for (size_t i = 0; i < sizeof raw; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        raw[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    e5_digest_add(&checksum->joined, raw, sizeof raw);
    e5_digest_fini(&checksum->part);
    checksum->parts++;
    checksum->part_filled = 0;
}

static enum e5_status add_in_parts(struct e5_checksum *checksum, const char *bytes, size_t size,
                                   struct e5_error *err) {
    while (size > 0) {
        size_t room = (size_t)(PART_SIZE - checksum->part_filled), now = size < room ? size : room;
        e5_digest_add(&checksum->part, bytes, now);
        checksum->part_filled += (int64_t)now;
        bytes += now;
        size -= now;
        if (checksum->part_filled < PART_SIZE) continue;
        end_part(checksum);
        enum e5_status status = e5_digest_init(&checksum->part, E5_MD5, err);
        if (status != E5_OK) return status;
    }
    return E5_OK;
}

enum e5_status e5_checksum_add(struct e5_checksum *checksum, const void *bytes, size_t size, struct e5_error *err) {
    e5_digest_add(&checksum->whole, bytes, size);
    return checksum->in_parts ? add_in_parts(checksum, bytes, size, err) : E5_OK;
}

enum e5_status e5_checksum_result(struct e5_checksum *checksum, struct e5_checksum_result *out,
                                  struct e5_error *err) {
    char hex[E5_DIGEST_HEX];
    *out = (struct e5_checksum_result){.parts = 0};
    if (checksum->whole.context == NULL) return e5_fail(err, E5_INTERNAL, "checksum asked for twice");
    e5_digest_hex(&checksum->whole, hex);
    memcpy(out->whole, hex, E5_CHECKSUM_SIZE - 1);
    if (checksum->in_parts) {
        if (checksum->part_filled > 0) end_part(checksum);
        e5_digest_hex(&checksum->joined, hex);
        memcpy(out->joined, hex, E5_CHECKSUM_SIZE - 1);
        out->parts = checksum->parts;
    }
    e5_checksum_fini(checksum);
    return E5_OK;
}

void e5_checksum_fini(struct e5_checksum *checksum) {
    e5_digest_fini(&checksum->whole);
    e5_digest_fini(&checksum->part);
    e5_digest_fini(&checksum->joined);
}

bool e5_checksum_normal(const char *text, char out[E5_CHECKSUM_SIZE]) {
    size_t length = strlen(text);
    if (length < 1 || length > 32) return false;
    memset(out, '0', 32);
    out[32] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i])) return false;
        out[32 - length + i] = (char)tolower((unsigned char)text[i]);
    }
    return true;
}

/* "\"9b1c…-12\"" → hex and number of parts (0: stored in one piece); false for tags of another make. */
static bool read_etag(const char *etag, char hex[E5_CHECKSUM_SIZE], unsigned *parts) {
    char text[E5_ETAG_SIZE], *end;
    size_t length = strlen(etag);
    *parts = 0;
    if (length < 34 || length >= sizeof text || etag[0] != '"' || etag[length - 1] != '"') return false;
    memcpy(text, etag + 1, length - 2);
    text[length - 2] = '\0';
    char *dash = strchr(text, '-');
    if (dash != NULL) {
        *parts = (unsigned)strtoul(dash + 1, &end, 10);
        if (*parts == 0 || *end != '\0') return false;
        *dash = '\0';
    }
    return strlen(text) == 32 && e5_checksum_normal(text, hex);
}

enum e5_checksum_verdict e5_checksum_judge(const struct e5_checksum_result *found, const char *declared,
                                           const char *etag) {
    char wanted[E5_CHECKSUM_SIZE], tag[E5_CHECKSUM_SIZE];
    unsigned parts;
    if (!e5_checksum_normal(declared, wanted)) return E5_CHECKSUM_UNKNOWN;
    if (strcmp(wanted, found->whole) == 0 || strcmp(wanted, found->joined) == 0) return E5_CHECKSUM_PROVEN;
    if (!read_etag(etag, tag, &parts)) return E5_CHECKSUM_UNKNOWN;
    if (parts == 0) return strcmp(tag, found->whole) == 0 ? E5_CHECKSUM_UNKNOWN : E5_CHECKSUM_DAMAGED;
    bool same_rule = strcmp(tag, wanted) == 0 && found->joined[0] != '\0' && parts == found->parts;
    return same_rule ? E5_CHECKSUM_DAMAGED : E5_CHECKSUM_UNKNOWN;
}
