#include "base/text.h"

#include <string.h>

/* Length of the well-formed UTF-8 character at `p`, or 0. */
static size_t utf8_length(const unsigned char *p) {
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool no_character = (p[0] == 0xED && p[1] >= 0xA0) || (p[0] == 0xF4 && p[1] >= 0x90); /* surrogates; too large */
    return overlong || no_character ? 0 : length;
}

static bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

/* Characters that are not seen but change what is: 8-bit terminal controls, marks of direction, line separators. */
static bool is_deceptive(const unsigned char *p, size_t length) {
    if (length == 2) return p[0] == 0xC2 && p[1] < 0xA0;
    if (length != 3) return false;
    bool mark = p[1] == 0x80 && ((p[2] >= 0x8B && p[2] <= 0x8F) || (p[2] >= 0xA8 && p[2] <= 0xAE));
    bool isolate = p[1] == 0x81 && p[2] >= 0xA0 && p[2] <= 0xAF;
    return (p[0] == 0xE2 && (mark || isolate)) || (p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF);
}

void e5_text_clean(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p != '\0';) {
        size_t length = utf8_length(p);
        if (length == 0 || is_deceptive(p, length)) {
            *p++ = '?';
        } else {
            if (is_control(*p)) *p = ' ';
            p += length;
        }
    }
}

bool e5_text_copy(char *out, size_t size, const char *from) {
    size_t length = strlen(from);
    bool fits = length < size;
    if (!fits) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80) length--;
    }
    memcpy(out, from, length);
    out[length] = '\0';
    return fits;
}

bool e5_text_starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

bool e5_text_ends(const char *text, const char *suffix) {
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}
