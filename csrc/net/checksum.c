#include "net/checksum.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PART_SIZE E5_CHECKSUM_PART
#define IN_PARTS_FROM (2 * PART_SIZE)

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
    if (parts == 0 && found->whole[0] == '\0') return E5_CHECKSUM_UNKNOWN;
    if (parts == 0) return strcmp(tag, found->whole) == 0 ? E5_CHECKSUM_UNKNOWN : E5_CHECKSUM_DAMAGED;
    bool same_rule = strcmp(tag, wanted) == 0 && found->joined[0] != '\0' && parts == found->parts;
    return same_rule ? E5_CHECKSUM_DAMAGED : E5_CHECKSUM_UNKNOWN;
}

enum e5_checksum_want e5_checksum_wanted(int64_t size, const char *declared, const char *etag) {
    char wanted[E5_CHECKSUM_SIZE], tag[E5_CHECKSUM_SIZE];
    unsigned parts;
    if (!e5_checksum_normal(declared, wanted)) return E5_CHECKSUM_NOTHING;
    bool readable = read_etag(etag, tag, &parts);
    if (readable && parts == 0) return E5_CHECKSUM_WHOLE;
    if (readable && strcmp(tag, wanted) == 0) { /* with parts of another size nobody can say */
        bool fits = size > 0 && (size + PART_SIZE - 1) / PART_SIZE == (int64_t)parts;
        return fits ? E5_CHECKSUM_JOINED : E5_CHECKSUM_NOTHING;
    }
    return size >= IN_PARTS_FROM ? E5_CHECKSUM_EITHER : E5_CHECKSUM_WHOLE;
}

const char *e5_checksum_telling(const struct e5_checksum_result *found, const char *declared, const char **kind) {
    bool is_joined = found->joined[0] != '\0' && (found->whole[0] == '\0' || strcmp(found->joined, declared) == 0);
    const char *text = is_joined ? found->joined : found->whole;
    *kind = text[0] == '\0' ? "" : is_joined ? "composite" : "md5";
    return text;
}
