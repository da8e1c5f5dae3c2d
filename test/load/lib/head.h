/* Gathers an HTTP head that comes in pieces, and finds its lines. */
#ifndef LOAD_LIB_HEAD_H
#define LOAD_LIB_HEAD_H

#include "base/buf.h"

#define HEAD_MAX 32768u

/* Adds bytes to the head up to its empty line, which is its end; returns how many were taken: all,
 * unless it is whole, or grew by HEAD_MAX. */
size_t head_take(struct buf *head, const uint8_t *p, size_t n, bool *whole);

/* Of a whole head. The line that begins at *at, which moves to the next; false: the empty one. */
bool head_line(const struct buf *head, size_t *at, struct str *line);
/* A field's value, trimmed; .p is NULL where there is none of that name. */
struct str head_field(const struct buf *head, const char *name);

#endif
