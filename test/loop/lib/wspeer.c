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
    if (p->mute)
        return;
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
    if (p->mute)
        return;
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

static void on_close_frame(struct wspeer *p)
{
    p->got_close = true;
    p->code = p->in.code;
    if (p->in.len > 2)
        memcpy(p->why, p->in.payload + 2, p->in.len - 2);
    if (p->close_back && !p->sent_close)
        wspeer_say_close(p, p->code, "");
}

static void on_message(struct wspeer *p)
{
    const struct buf *m = &p->in.message;
    p->hash = wspeer_hash(p->hash, p->in.opcode, m->data, m->len);
    p->messages++;
    p->bytes += m->len;
    if (p->texts) {
        buf_add(p->texts, m->data, m->len);
        buf_adds(p->texts, "|");
    }
    if (p->heard)
        p->heard(p);
    if (p->echoes)
        wspeer_send(p, p->in.opcode, m->data, m->len);
}

/* Takes what has come; false: no more. */
static bool take(struct wspeer *p)
{
    switch (wsread_next(&p->in)) {
    case WSREAD_NONE:
        return false;
    case WSREAD_MESSAGE:
        on_message(p);
        break;
    case WSREAD_PING:
        p->pings++;
        if (p->pinged)
            p->pinged(p);
        if (!p->deaf)
            wspeer_frame(p, true, 10, p->in.payload, p->in.len);
        break;
    case WSREAD_PONG:
        p->pongs++;
        break;
    case WSREAD_CLOSE:
        on_close_frame(p);
        break;
    case WSREAD_FAULT:
        fail_msg("what came breaks RFC 6455: %u", p->in.code);
    }
    return true;
}

static void read_some(struct wspeer *p)
{
    size_t most = p->most ? p->most : 65536;
    uint8_t *room = buf_room(&p->in.raw, most);
    ssize_t n = recv(p->fd, room, most, 0);
    if (n > 0) {
        assert_false(p->got_close);
        p->in.raw.len += (size_t)n;
        while (take(p))
            assert_true(!p->got_close || p->in.at == p->in.raw.len);
    } else if (n == 0) {
        p->eof = true;
    } else if (errno != EAGAIN) {
        p->reset = true;
    }
}

static void write_some(struct wspeer *p)
{
    size_t most = p->slice && p->slice < p->out.len ? p->slice : p->out.len;
    ssize_t n = send(p->fd, p->out.data, most, MSG_NOSIGNAL);
    if (n > 0) {
        if (p->wrote)
            p->wrote(p, p->out.data, (size_t)n);
        buf_drop(&p->out, (size_t)n);
    } else if (errno != EAGAIN) {
        p->reset = true;
    }
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
    p->in.masked = !client;
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
    p->mute = true;
    shutdown(p->fd, SHUT_WR);
}

static void release(struct wspeer *p)
{
    p->closed = true;
    uv_close((uv_handle_t *)&p->poll, NULL);
    rig_turn(p->rig, 1);
    buf_fini(&p->out);
    wsread_fini(&p->in);
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
