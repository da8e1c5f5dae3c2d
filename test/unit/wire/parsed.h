/* A head made by the real parser, for tests of what is done with heads. */
#ifndef WSKEEP_TEST_WIRE_PARSED_H
#define WSKEEP_TEST_WIRE_PARSED_H

#include "wire/http1.h"
#include <string.h>

/* Up to HTTP1_HEAD; http1_free() it. */
static inline struct http1 *parsed(bool request, bool to_head, const char *text)
{
    enum http1_event ev;
    struct http1 *p = http1_new(request, 65536);
    http1_expect(p, to_head);
    http1_next(p, (const uint8_t *)text, strlen(text), &ev);
    if (ev != HTTP1_HEAD)
        fail_msg("no head: %s", text);
    return p;
}

static inline const char *terminated(struct buf *b)
{
    buf_add(b, "", 1);
    b->len--;
    return (const char *)b->data;
}

#endif
