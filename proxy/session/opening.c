/* A session's opening handshake: see opening.h. One block of memory. */
#include "session/opening.h"
#include "base/err.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

struct opening {
    struct deflate agreed;
    uint32_t request_len, protocol_len;
    char text[]; /* the request, the protocol */
};

struct opening *opening_new(struct str request, const struct deflate *agreed,
                            const struct head *answer)
{
    struct buf again;
    struct str protocol = STR("");
    buf_init(&again);
    handshake_again(request, agreed, &again);
    head_get(answer, "Sec-WebSocket-Protocol", &protocol);
    struct opening *o = mem_alloc(sizeof(*o) + again.len + protocol.n);
    *o = (struct opening){*agreed, (uint32_t)again.len, (uint32_t)protocol.n};
    memcpy(o->text, again.data, again.len);
    memcpy(o->text + again.len, protocol.p, protocol.n);
    buf_fini(&again);
    return o;
}

void opening_free(struct opening *o)
{
    free(o);
}

size_t opening_charge(const struct opening *o)
{
    return sizeof(*o) + o->request_len + o->protocol_len;
}

struct str opening_request(const struct opening *o)
{
    return (struct str){o->text, o->request_len};
}

struct str opening_target(const struct opening *o)
{
    const char *from = memchr(o->text, ' ', o->request_len);
    BUG_ON(!from); /* we wrote it */
    from++;
    const char *to = memchr(from, ' ', o->request_len - (size_t)(from - o->text));
    BUG_ON(!to);
    return (struct str){from, (size_t)(to - from)};
}

struct str opening_protocol(const struct opening *o)
{
    return (struct str){o->text + o->request_len, o->protocol_len};
}

const struct deflate *opening_deflate(const struct opening *o)
{
    return &o->agreed;
}

static const char *compare(const struct opening *o, const struct head *answer,
                           const struct deflate *now)
{
    struct str protocol = STR("");
    head_get(answer, "Sec-WebSocket-Protocol", &protocol);
    if (protocol.n != o->protocol_len || memcmp(protocol.p, opening_protocol(o).p, protocol.n) != 0)
        return "another subprotocol";
    return handshake_same(&o->agreed, now) ? NULL : "another extension";
}

int opening_check(const struct opening *o, const struct head *answer, const char **why)
{
    struct http1 *p = http1_new(true, o->request_len);
    enum http1_event ev;
    struct deflate now;
    http1_next(p, (const uint8_t *)o->text, o->request_len, &ev);
    BUG_ON(ev != HTTP1_HEAD);
    int err = handshake_check(&http1_view(p)->head, answer, &now, why);
    if (!err && (*why = compare(o, answer, &now)))
        err = ERR_MISMATCH;
    http1_free(p);
    return err;
}
