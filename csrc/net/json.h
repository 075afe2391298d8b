/* json: text from outside → a tree, strictly.
 *
 * Refused: more than 64 levels, duplicate keys, NaN and infinities, NUL in strings, anything behind the value.  The
 * caller owns the tree (json_decref).  Any thread; nothing blocks. */
#ifndef E5_NET_JSON_H
#define E5_NET_JSON_H

#include <jansson.h>

#include "base/error.h"

#define E5_JSON_CEILING (10u << 20) /* bytes */

/* An unreadable text is reported as `refused`: E5_SERVER for replies, E5_INPUT for what a caller gave. */
E5_MUST_USE enum e5_status e5_json_parse(const char *bytes, size_t size, enum e5_status refused, json_t **out,
                                         struct e5_error *err);
/* One text for equal trees: sorted keys, no blanks.  Free with free(). */
E5_MUST_USE enum e5_status e5_json_canonical(const json_t *tree, char **out, struct e5_error *err);

/* Members of an object; "" or NULL where the member is missing or of another type, also when `object` is NULL. */
const char *e5_json_text(const json_t *object, const char *key);
const json_t *e5_json_object(const json_t *object, const char *key);

#endif
