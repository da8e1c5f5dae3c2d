/* Text from outside: what may be kept, logged and printed again. Internal to config/. */
#ifndef WSKEEP_CONFIG_TEXT_H
#define WSKEEP_CONFIG_TEXT_H

#include "base/buf.h"
#include <stdbool.h>

#define TEXT_FOUND_MAX 120 /* bytes of a value that an error message shows: a Unix path fits */

/* The length of the longest beginning that is UTF-8 without control characters; where `lines`, line
 * breaks and tabs pass. */
size_t text_clean(struct str s, bool lines);
char *text_copy(struct str s); /* on the heap, with a NUL */
/* A value that was found and is not allowed, as a message shows it: in quotes, at most
 * TEXT_FOUND_MAX bytes, and without what may be a credential: such messages go to logs. That is
 * what stands before an "@", but for a scheme, and behind a "?". */
void text_found(struct str s, struct buf *out);
/* Control characters, line breaks among them, become "?". */
void text_one_line(struct buf *b);

#endif
