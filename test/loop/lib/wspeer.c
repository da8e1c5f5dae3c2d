/* A scripted WebSocket peer: see wspeer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/wspeer.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};

static void want(struct wspeer *p);

static uint64_t fnv(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

uint64_t wspeer_hash(uint64_t h, uint8_t opcode, const void *payload, size_t n)
{
    uint64_t len = n;
    h = fnv(h ? h : 0xcbf29ce484222325u, &opcode, 1);
    h = fnv(h, &len, sizeof(len));
    return fnv(h, payload, n);
}

void wspeer_frame(struct wspeer *p, bool fin, uint8_t opcode, const void *payload, size_t n)
{
    uint8_t head[14], len = 2;
    head[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
    head[1] = (uint8_t)(n < 126 ? n : n < 65536 ? 126 : 127);
    for (int i = n < 126 ? 0 : n < 65536 ? 2 : 8; i > 0; i--)
        head[len++] = (uint8_t)((uint64_t)n >> (8 * (i - 1)));
    if (p->masks) {
        head[1] |= 0x80;
        memcpy(head + len, key, 4);
        len += 4;
    }
    buf_add(&p->out, head, len);
    uint8_t *room = buf_room(&p->out, n);
    for (size_t i = 0; i < n; i++)
        room[i] = ((const uint8_t *)payload)[i] ^ (p->masks ? key[i & 3] : 0);
    p->out.len += n;
    want(p);
}

void wspeer_send(struct wspeer *p, uint8_t opcode, const void *payload, size_t n)
{
    wspeer_frame(p, true, opcode, payload, n);
}

void wspeer_raw(struct wspeer *p, const void *bytes, size_t n)
{
    buf_add(&p->out, bytes, n);
    want(p);
}

void wspeer_say_close(struct wspeer *p, uint16_t code, const char *why)
{
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t n = strlen(why);
    memcpy(payload + 2, why, n);
    p->sent_close = true;
    wspeer_frame(p, true, 8, payload, code == 1005 ? 0 : n + 2);
}

/* ---- what comes ---- */

static void on_close_frame(struct wspeer *p, const uint8_t *payload, size_t n)
{
    assert_false(p->got_close);
    assert_true(n != 1);
    p->got_close = true;
    p->code = 1005;
    if (n > 0)
        p->code = (uint16_t)(payload[0] << 8 | payload[1]);
    if (n > 2)
        memcpy(p->why, payload + 2, n - 2);
    if (p->close_back && !p->sent_close)
        wspeer_say_close(p, p->code, "");
}

static void on_message(struct wspeer *p)
{
    p->hash = wspeer_hash(p->hash, p->opcode, p->message.data, p->message.len);
    p->messages++;
    p->bytes += p->message.len;
    if (p->heard)
        p->heard(p);
    if (p->echoes)
        wspeer_send(p, p->opcode, p->message.data, p->message.len);
    buf_clear(&p->message);
    p->opcode = 0;
}

static void on_frame(struct wspeer *p, bool fin, uint8_t opcode, const uint8_t *payload, size_t n)
{
    assert_false(p->got_close);
    switch (opcode) {
    case 8:
        on_close_frame(p, payload, n);
        return;
    case 9:
        p->pings++;
        if (!p->deaf)
            wspeer_frame(p, true, 10, payload, n);
        return;
    case 10:
        p->pongs++;
        return;
    }
    assert_true(opcode <= 2 && (opcode == 0) == (p->opcode != 0));
    if (opcode)
        p->opcode = opcode;
    buf_add(&p->message, payload, n);
    if (fin)
        on_message(p);
}

/* Takes one whole frame from raw; false: there is none. */
static bool take_frame(struct wspeer *p)
{
    uint8_t *b = p->raw.data;
    size_t have = p->raw.len, at = 2;
    if (have < 2)
        return false;
    uint64_t n = b[1] & 127;
    unsigned more = n == 126 ? 2 : n == 127 ? 8 : 0;
    if (have < 2 + more + (p->masks ? 0 : 4))
        return false;
    for (n = more ? 0 : n; more > 0; more--)
        n = n << 8 | b[at++];
    bool masked = b[1] & 0x80;
    assert_int_equal(b[0] & 0x70, 0);
    assert_true(masked != p->masks);
    const uint8_t *mask = b + at;
    at += masked ? 4 : 0;
    if (have - at < n)
        return false;
    for (size_t i = 0; masked && i < n; i++)
        b[at + i] ^= mask[i & 3];
    on_frame(p, b[0] & 0x80, b[0] & 15, b + at, n);
    buf_drop(&p->raw, at + n);
    return true;
}

static void read_some(struct wspeer *p)
{
    size_t most = p->most ? p->most : 65536;
    uint8_t *room = buf_room(&p->raw, most);
    ssize_t n = recv(p->fd, room, most, 0);
    if (n > 0) {
        p->raw.len += (size_t)n;
        while (take_frame(p))
            ;
    } else if (n == 0) {
        p->eof = true;
    } else if (errno != EAGAIN) {
        p->reset = true;
    }
}

static void write_some(struct wspeer *p)
{
    ssize_t n = send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL);
    if (n > 0)
        buf_drop(&p->out, (size_t)n);
    else if (errno != EAGAIN)
        p->reset = true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wspeer *p = CONTAINER_OF(poll, struct wspeer, poll);
    if (status < 0)
        p->reset = true;
    if (!p->reset && events & UV_WRITABLE && p->out.len > 0)
        write_some(p);
    if (!p->reset && events & UV_READABLE)
        read_some(p);
    if (!p->closed)
        want(p);
}

static void want(struct wspeer *p)
{
    bool waits = p->echoes && p->out.len > 65536;
    int events = (p->eof || p->reset || p->stopped || waits ? 0 : UV_READABLE) |
                 (p->out.len > 0 && !p->reset ? UV_WRITABLE : 0);
    if (events)
        uv_poll_start(&p->poll, events, on_poll);
    else
        uv_poll_stop(&p->poll);
}

void wspeer_open(struct wspeer *p, struct rig *r, int fd, bool client)
{
    *p = (struct wspeer){.rig = r, .fd = fd, .masks = client, .close_back = true};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    uv_poll_init(&r->lp.uv, &p->poll, fd);
    want(p);
}

void wspeer_stop(struct wspeer *p, bool on)
{
    p->stopped = on;
    want(p);
}

void wspeer_shutdown(struct wspeer *p)
{
    assert_int_equal(p->out.len, 0);
    shutdown(p->fd, SHUT_WR);
}

static void release(struct wspeer *p)
{
    p->closed = true;
    uv_close((uv_handle_t *)&p->poll, NULL);
    rig_turn(p->rig, 1);
    buf_fini(&p->out);
    buf_fini(&p->raw);
    buf_fini(&p->message);
}

void wspeer_close(struct wspeer *p)
{
    release(p);
    close(p->fd);
}

void wspeer_reset(struct wspeer *p)
{
    release(p);
    rig_reset(p->fd);
}
