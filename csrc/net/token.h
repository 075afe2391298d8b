/* token: the one secret of the service, kept where it leaves no trace.
 *
 * The header line lies in a page of its own that core dumps leave out (where the system can be told so) and that is
 * wiped before it is given back.  The caller owns the token.  Any thread may read; nothing blocks. */
#ifndef E5_NET_TOKEN_H
#define E5_NET_TOKEN_H

#include "base/error.h"

struct e5_token;

/* E5_CONFIG for what could end the header line and begin another one, and for what is empty or too long. */
E5_MUST_USE enum e5_status e5_token_new(const char *key, struct e5_token **out, struct e5_error *err);
void e5_token_free(struct e5_token *token); /* NULL is allowed */
char *e5_token_line(struct e5_token *token); /* "PRIVATE-TOKEN: …"; not to be changed */

/* Put *** in the place of `key` (NULL: none) wherever it stands in `text`. */
void e5_token_mask(const char *key, char *text);

#endif
