/* Owns the bytes; never the descriptor. */
#include "out.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void out_fini(struct out *o)
{
    buf_fini(&o->bytes);
    o->sent = 0;
}

/* What is left moves to the front only where there is no room behind it: large messages go out in
 * many writes, and moving the rest after each would cost more than the writes. */
uint8_t *out_room(struct out *o, size_t n)
{
    if (o->sent && n > o->bytes.cap - o->bytes.len) {
        buf_drop(&o->bytes, o->sent);
        o->sent = 0;
    }
    return buf_room(&o->bytes, n);
}

bool out_flush(struct out *o, int fd)
{
    while (out_pending(o)) {
        ssize_t n = write(fd, o->bytes.data + o->sent, out_pending(o));

        if (n < 0)
            return errno == EAGAIN;
        o->sent += (size_t)n;
    }
    buf_clear(&o->bytes);
    o->sent = 0;
    return true;
}

bool out_write(struct out *o, int fd, const void *p, size_t n)
{
    ssize_t put = out_pending(o) ? 0 : write(fd, p, n);
    size_t rest = put > 0 ? n - (size_t)put : n;

    if (put < 0 && errno != EAGAIN)
        return false;
    if (rest) {
        memcpy(out_room(o, rest), (const uint8_t *)p + n - rest, rest);
        out_added(o, rest);
    }
    return true;
}
