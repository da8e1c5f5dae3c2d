/* Reads and writes the heads of frames. Strict: what RFC 6455 forbids a peer is a breach. Owns
 * nothing, keeps no payload. */
#include "ws.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a key's first byte is its lowest");

#define MASKED 0x80u
#define RSV    0x70u

void ws_frame_init(struct ws_frame *f, bool masked)
{
    *f = (struct ws_frame){.masked = masked};
}

static size_t length_bytes(uint8_t second)
{
    uint8_t length = second & 0x7F;

    return length < 126 ? 0 : length == 126 ? 2 : 8;
}

static size_t head_len(const uint8_t *head)
{
    return 2 + length_bytes(head[1]) + (head[1] & MASKED ? 4 : 0);
}

static uint64_t payload_len(const uint8_t *head)
{
    size_t n = length_bytes(head[1]);
    uint64_t len = n ? 0 : head[1] & 0x7F;

    for (size_t i = 0; i < n; i++)
        len = len << 8 | head[2 + i];
    return len;
}

static bool shortest(const struct ws_frame *f)
{
    size_t n = length_bytes(f->head[1]);

    return n == 0 || f->left > (n == 2 ? 125 : 65535);
}

static bool allowed(const struct ws_frame *f)
{
    if (f->head[0] & RSV || !(f->head[1] & MASKED) != !f->masked || !shortest(f))
        return false;
    switch (f->opcode) {
    case WS_CONT:
        return f->message;
    case WS_TEXT:
    case WS_BINARY:
        return !f->message;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return f->fin && f->left <= WS_CONTROL_MAX;
    default:
        return false;
    }
}

static bool head_read(struct ws_frame *f)
{
    f->opcode = f->head[0] & 0x0F;
    f->fin = f->head[0] & WS_FIN;
    f->left = payload_len(f->head);
    f->key = 0;
    if (f->masked)
        memcpy(&f->key, f->head + f->have - sizeof f->key, sizeof f->key);
    f->whole = allowed(f);
    return f->whole;
}

int ws_frame_head(struct ws_frame *f, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        f->head[f->have++] = p[i++];
        if (f->have >= 2 && f->have == head_len(f->head))
            return head_read(f) ? (int)i : -1;
    }
    return (int)n;
}

void ws_frame_end(struct ws_frame *f)
{
    if (!ws_is_control(f))
        f->message = !f->fin;
    f->whole = false;
    f->have = 0;
}

size_t ws_head_write(uint8_t *out, uint8_t first, uint64_t payload, const uint32_t *key)
{
    size_t n = payload <= 125 ? 0 : payload <= 65535 ? 2 : 8, len = 2 + n;

    out[0] = first;
    out[1] = (uint8_t)((n == 0 ? payload : n == 2 ? 126u : 127u) | (key ? MASKED : 0));
    for (size_t i = 0; i < n; i++)
        out[2 + i] = (uint8_t)(payload >> 8 * (n - 1 - i));
    if (key) {
        memcpy(out + len, key, sizeof *key);
        len += sizeof *key;
    }
    return len;
}

uint32_t ws_mask(uint8_t *to, const uint8_t *from, size_t n, uint32_t key)
{
    typedef uint64_t words __attribute__((vector_size(32)));
    uint64_t twice = (uint64_t)key << 32 | key;
    words many = {twice, twice, twice, twice}, some;
    unsigned turn = 8 * (n & 3);

    for (; n >= sizeof some; n -= sizeof some, to += sizeof some, from += sizeof some) {
        memcpy(&some, from, sizeof some);
        some ^= many;
        memcpy(to, &some, sizeof some);
    }
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] ^ (uint8_t)(key >> 8 * (i & 3));
    return turn ? key >> turn | key << (32 - turn) : key;
}
