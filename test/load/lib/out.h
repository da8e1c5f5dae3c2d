/* Bytes on their way out that the socket has not taken yet. */
#ifndef LOAD_LIB_OUT_H
#define LOAD_LIB_OUT_H

#include "base/buf.h"

struct out {
    struct buf bytes;
    size_t sent; /* of them */
};

void out_fini(struct out *o);
/* n writable bytes at the end; they count by out_added. */
uint8_t *out_room(struct out *o, size_t n);
static inline void out_added(struct out *o, size_t n)
{
    o->bytes.len += n;
}
static inline size_t out_pending(const struct out *o)
{
    return o->bytes.len - o->sent;
}
/* Write what the socket takes. False: the connection is broken. */
bool out_flush(struct out *o, int fd);
/* Bytes for the end: copied only where the socket does not take them at once. */
bool out_write(struct out *o, int fd, const void *p, size_t n);

#endif
