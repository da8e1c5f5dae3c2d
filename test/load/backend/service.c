/* Frames in, frames out. Nothing is gathered: payload goes back in the pieces that it comes in.
 * Owns the buffer in which what goes out is put together; the timers are the connections'. */
#include "service.h"

#include "target.h"

#include "lib/clock.h"
#include "lib/message.h"

#include "base/token.h"

#include <stdio.h>

#define MAX_SIZE   (16u << 20)
#define TURN_BYTES 262144 /* pushed in a turn, before others have theirs */

struct service {
    const char *path;
    enum { ECHO, SINK, SOURCE, TICK } kind;
};
static const struct service services[] = {
    {"/echo", ECHO}, {"/sink", SINK}, {"/source", SOURCE}, {"/tick", TICK}};

static struct buf made; /* empty between two calls */

/* ---- what comes in ---- */

static void frame_begin(struct conn *c)
{
    const struct ws_frame *f = &c->frame;
    uint8_t first = f->head[0];

    if (f->opcode == WS_PING)
        first = WS_FIN | WS_PONG;
    if (ws_is_control(f))
        c->returns = f->opcode == WS_PING || (f->opcode == WS_CLOSE && !c->close_sent);
    else
        c->returns = c->service->kind == ECHO;
    if (c->returns)
        made.len += ws_head_write(made.data + made.len, first, f->left, NULL);
}

static void frame_end(struct conn *c)
{
    ws_frame_end(&c->frame);
    if (c->frame.opcode == WS_CLOSE)
        c->ending = true;
}

static size_t part_of_head(struct conn *c, const uint8_t *p, size_t n)
{
    int took = ws_frame_head(&c->frame, p, n);

    if (took < 0) {
        c->over = true;
        return n;
    }
    if (c->frame.whole)
        frame_begin(c);
    return (size_t)took;
}

static size_t part_of_payload(struct conn *c, const uint8_t *p, size_t n)
{
    struct ws_frame *f = &c->frame;

    if (n > f->left)
        n = f->left;
    if (c->returns) {
        f->key = ws_mask(made.data + made.len, p, n, f->key);
        made.len += n;
    }
    f->left -= n;
    return n;
}

/* A server's heads are shorter than a client's: what goes back is longer than what came by no more
 * than a head that came before. */
void service_take(struct conn *c, const uint8_t *p, size_t n)
{
    buf_room(&made, n + WS_HEAD_MAX);
    for (size_t at = 0; at < n && !c->over && !c->ending;) {
        if (c->frame.whole)
            at += part_of_payload(c, p + at, n - at);
        else
            at += part_of_head(c, p + at, n - at);
        if (c->frame.whole && !c->frame.left)
            frame_end(c);
    }
    conn_put(c, made.data, made.len);
    buf_clear(&made);
}

/* ---- what goes out unasked ---- */

static void push(struct conn *c, uint64_t now)
{
    uint8_t *p = buf_room(&made, WS_HEAD_MAX + c->size);
    size_t n = ws_head_write(p, WS_FIN | WS_BINARY, c->size, NULL);

    message_write(p + n, c->size, c->number++, now, 0);
    made.len += n + c->size;
}

bool service_pushes(const struct conn *c)
{
    return c->service->kind == SOURCE || c->service->kind == TICK;
}

bool service_has_more(const struct conn *c)
{
    return c->service->kind == SOURCE && !c->close_sent;
}

static void push_batch(struct conn *c)
{
    uint64_t now = clock_ns();

    for (uint64_t i = 0; i < c->batch && made.len < TURN_BYTES; i++) {
        if (c->count && c->number == c->count)
            break;
        push(c, now);
    }
    if (c->number == c->count) {
        buf_add(&made, "\x88\x02\x03\xE8", 4); /* Close, 1000 */
        c->close_sent = true;
    }
}

void service_fill(struct conn *c)
{
    size_t pushed = 0;

    while (pushed < TURN_BYTES && !c->over && !c->close_sent && !out_pending(&c->out)) {
        push_batch(c);
        pushed += made.len;
        conn_put(c, made.data, made.len);
        buf_clear(&made);
    }
}

/* A peer that has not taken the last one is spared this one. */
static void on_tick(struct timer *t)
{
    struct conn *c = CONTAINER_OF(t, struct conn, tick);

    timer_set(&wheel, t, t->due + c->ms);
    if (!c->close_sent && !out_pending(&c->out)) {
        push_batch(c);
        conn_put(c, made.data, made.len);
        buf_clear(&made);
    }
    conn_settle(c);
}

/* ---- beginning ---- */

static uint64_t at_least(uint64_t least, uint64_t n)
{
    return n < least ? least : n;
}

static void read_query(struct conn *c, struct str target)
{
    uint64_t total = target_number(target, "total", 0);

    c->size = at_least(MESSAGE_MIN, target_number(target, "size", 64));
    if (c->size > MAX_SIZE)
        c->size = MAX_SIZE;
    c->batch = at_least(1, target_number(target, "batch", c->service->kind == SOURCE ? 16 : 1));
    c->ms = at_least(1, target_number(target, "ms", 1000));
    c->count = total ? (total + c->size - 1) / c->size : target_number(target, "n", 0);
}

static const struct service *service_of(struct str target)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (target_is(target, services[i].path))
            return &services[i];
    return services;
}

/* Spread over the period: sessions that began together would all be due together. */
static void tick_begin(struct conn *c)
{
    static uint64_t begun;

    timer_init(&c->tick, on_tick);
    timer_set(&wheel, &c->tick, now_ms() + 1 + begun++ * 7919 % c->ms);
}

void service_open(struct conn *c, struct str target, struct str key)
{
    char accept[TOKEN_ACCEPT_LEN + 1], text[256];

    token_accept(key.p, key.n, accept);
    snprintf(text, sizeof text,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    conn_puts(c, text);
    ws_frame_init(&c->frame, true);
    c->service = service_of(target);
    read_query(c, target);
    if (c->service->kind == TICK)
        tick_begin(c);
}
