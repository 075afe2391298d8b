#include "net/json.h"

#include <stdlib.h>

#define DEEPEST 64

/* Counted before parsing, so that hostile text never recurses deeper than we allow. */
static bool too_deep(const char *bytes, size_t size) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (quoted) {
            if (c == '\\') i++;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEEPEST) return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

enum e5_status e5_json_parse(const char *bytes, size_t size, enum e5_status refused, json_t **out,
                             struct e5_error *err) {
    const char *whose = refused == E5_SERVER ? "unreadable reply" : "unreadable JSON";
    *out = NULL;
    if (size > E5_JSON_CEILING) return e5_fail(err, refused, "%s: %zu bytes are too many", whose, size);
    if (size > 0 && too_deep(bytes, size)) return e5_fail(err, refused, "%s: nested too deeply", whose);
    json_error_t where;
    *out = size > 0 ? json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where) : NULL;
    if (*out != NULL) return E5_OK;
    if (size == 0) return e5_fail(err, refused, "%s: empty", whose);
    return e5_fail(err, refused, "%s: %s at line %d", whose, where.text, where.line);
}

enum e5_status e5_json_canonical(const json_t *tree, char **out, struct e5_error *err) {
    *out = json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
    return *out != NULL ? E5_OK : e5_fail(err, E5_MEMORY, "cannot write JSON");
}

const char *e5_json_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

const json_t *e5_json_object(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}
