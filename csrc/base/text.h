/* text: small, allocation-free helpers for C strings.
 *
 * Any thread; nothing blocks; the caller owns all memory. */
#ifndef E5_BASE_TEXT_H
#define E5_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Make text from outside safe to print, in place: control characters become blanks, broken UTF-8 and
 * marks that change the direction of writing become '?'. */
void e5_text_clean(char *text);
/* Copy `from` into out[size], cut at a whole UTF-8 character; true if all of it fitted. */
bool e5_text_copy(char *out, size_t size, const char *from);
bool e5_text_starts(const char *text, const char *prefix);
bool e5_text_ends(const char *text, const char *suffix);

#endif
