/* A strict reader of WebSocket frames: see wsread.h. */
#include "loop/lib/wsread.h"
#include "base/utf8.h"

enum { FIN = 0x80, RSV1 = 0x40, RSV23 = 0x30, MASK = 0x80 };

struct head {
    bool fin, control;
    uint8_t opcode; /* with RSV1 */
    size_t len;     /* of the head itself */
    uint64_t payload;
    const uint8_t *key; /* NULL: not masked */
};

/* What the first two bytes show already. */
static bool may_begin(const struct wsread *r, const uint8_t *b)
{
    uint8_t opcode = b[0] & 15;
    bool first = opcode == 1 || opcode == 2;
    if ((b[0] & RSV23) || !(b[1] & MASK) == r->masked)
        return false;
    if (opcode >= 8)
        return opcode <= 10 && (b[0] & FIN) && !(b[0] & RSV1) && (b[1] & 127) <= 125;
    return opcode <= 2 && first == (r->opcode == 0) && (!(b[0] & RSV1) || (first && r->deflate));
}

/* 1, 0: more bytes are needed, -1: a fault. */
static int read_head(const struct wsread *r, struct head *h)
{
    const uint8_t *b = r->raw.data + r->at;
    size_t have = r->raw.len - r->at;
    if (have < 2)
        return 0;
    if (!may_begin(r, b))
        return -1;
    h->fin = b[0] & FIN;
    h->opcode = b[0] & (RSV1 | 15);
    h->control = b[0] & 8;
    h->payload = b[1] & 127;
    size_t more = h->payload == 126 ? 2 : h->payload == 127 ? 8 : 0;
    h->len = 2 + more + (r->masked ? 4 : 0);
    if (have < h->len)
        return 0;
    for (size_t i = 0; i < more; i++)
        h->payload = (i ? h->payload << 8 : 0) | b[2 + i];
    h->key = r->masked ? b + 2 + more : NULL;
    return (more == 2 && h->payload < 126) || (more == 8 && h->payload < 65536) || h->payload >> 63
               ? -1
               : 1;
}

static bool may_be_code(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
           (code >= 3000 && code <= 4999);
}

static enum wsread_what fault(struct wsread *r, uint16_t code)
{
    r->code = code;
    return WSREAD_FAULT;
}

static enum wsread_what read_close(struct wsread *r)
{
    const uint8_t *p = r->payload;
    uint16_t code = 1005;
    if (r->len > 1)
        code = (uint16_t)(p[0] << 8 | p[1]);
    if (r->len > 0 && !may_be_code(code))
        return fault(r, 1002);
    if (r->len > 2 && !utf8_valid(p + 2, r->len - 2))
        return fault(r, 1007);
    r->code = code;
    return WSREAD_CLOSE;
}

static enum wsread_what read_data(struct wsread *r, const struct head *h)
{
    if (r->opcode == 0)
        r->opcode = h->opcode;
    buf_add(&r->message, r->payload, r->len);
    r->wire += h->len + r->len;
    r->whole = h->fin;
    return h->fin ? WSREAD_MESSAGE : WSREAD_NONE;
}

static enum wsread_what read_frame(struct wsread *r, const struct head *h)
{
    uint8_t *p = r->raw.data + r->at + h->len;
    for (size_t i = 0; h->key && i < h->payload; i++)
        p[i] ^= h->key[i & 3];
    r->payload = p;
    r->len = h->payload;
    r->at += h->len + h->payload;
    switch (h->opcode) {
    case 8:
        return read_close(r);
    case 9:
        return WSREAD_PING;
    case 10:
        return WSREAD_PONG;
    default:
        return read_data(r, h);
    }
}

static void forget(struct wsread *r)
{
    if (r->whole) {
        buf_clear(&r->message);
        r->opcode = 0;
        r->wire = 0;
        r->whole = false;
    }
}

enum wsread_what wsread_next(struct wsread *r)
{
    struct head h;
    enum wsread_what what = WSREAD_NONE;
    int ok = 0;
    forget(r);
    while (what == WSREAD_NONE && r->code == 0 && (ok = read_head(r, &h)) > 0) {
        size_t have = r->raw.len - r->at - h.len;
        size_t come = h.control ? 0 : h.len + (have < h.payload ? have : h.payload);
        if (r->wire + come > r->longest)
            r->longest = r->wire + come;
        if (have < h.payload)
            break;
        what = read_frame(r, &h);
    }
    if (what == WSREAD_NONE && ok < 0 && r->code == 0)
        what = fault(r, 1002);
    if (what == WSREAD_NONE) {
        buf_drop(&r->raw, r->code == 0 ? r->at : r->raw.len);
        r->at = 0;
    }
    return what;
}

bool wsread_open(const struct wsread *r)
{
    return r->opcode != 0 || r->raw.len > 0;
}

void wsread_fini(struct wsread *r)
{
    buf_fini(&r->raw);
    buf_fini(&r->message);
}
