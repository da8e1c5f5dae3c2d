/* A session's life, and what it sends; what it receives is receive.c's.
 *
 * A session that breaks while it sends is found out when it reads, so that there is one place where
 * sessions end: behind their own events. Owns socket and queue. */
#include "client.h"

#include "handshake.h"
#include "load.h"
#include "receive.h"

#include "lib/clock.h"
#include "lib/mix.h"
#include "lib/net.h"

#include "base/token.h"

static void client_state(struct client *c, enum client_state to)
{
    c->load->in_state[c->state]--;
    c->state = to;
    c->load->in_state[to]++;
}

/* ---- sending ---- */

static uint32_t new_mask(void)
{
    static uint64_t drawn;

    return (uint32_t)mix64(++drawn);
}

void client_send(struct client *c, uint64_t messages, uint64_t at)
{
    size_t size = c->load->set.size;

    for (uint64_t i = 0; i < messages; i++) {
        uint32_t key = new_mask();
        uint8_t *p = out_room(&c->out, WS_HEAD_MAX + size);
        size_t n = ws_head_write(p, WS_FIN | WS_BINARY, size, &key);

        message_write(p + n, size, c->number++, at, c->id);
        ws_mask(p + n, p + n, size, key);
        out_added(&c->out, n + size);
    }
    c->inflight += messages;
    c->load->outstanding += messages;
}

void client_control(struct client *c, enum ws_opcode opcode, const void *p, size_t n)
{
    uint32_t key = new_mask();
    uint8_t *to = out_room(&c->out, WS_HEAD_MAX + WS_CONTROL_MAX);
    size_t head = ws_head_write(to, (uint8_t)(WS_FIN | opcode), n, &key);

    ws_mask(to + head, p, n, key);
    out_added(&c->out, head + n);
}

void client_close(struct client *c, const void *p, size_t n)
{
    client_control(c, WS_CLOSE, p, n);
    client_state(c, CLIENT_CLOSING);
}

void client_flush(struct client *c)
{
    if (!out_flush(&c->out, c->watch.fd))
        out_fini(&c->out);
    watch_for(&c->watch, (c->allowed ? EPOLLIN : 0u) | (out_pending(&c->out) ? EPOLLOUT : 0u));
}

void client_allow(struct client *c, uint64_t bytes)
{
    c->allowed = bytes;
    if (c->state > CLIENT_CONNECTING)
        watch_for(&c->watch, c->watch.events | EPOLLIN);
}

/* ---- its life ---- */

static void client_over(struct client *c, enum client_end end)
{
    struct load *l = c->load;

    l->counts.ends[end]++;
    l->counts.order.lost += c->inflight;
    l->outstanding -= c->inflight;
    if (l->measuring && l->mode->cycles && end == CLIENT_DONE) {
        l->counts.cycles++;
        hist_add(&l->latency, clock_ns() - c->begun);
    }
    watch_close(&c->watch);
    out_fini(&c->out);
    buf_fini(&c->head);
    client_state(c, CLIENT_NONE);
    if (l->mode->over)
        l->mode->over(c);
}

static enum client_end connected(struct client *c)
{
    if (net_error(c->watch.fd) != 0)
        return CLIENT_FAILED;
    token_key(c->key);
    handshake_ask(&c->out, c->load->set.path, c->key);
    client_state(c, CLIENT_ASKING);
    return CLIENT_GOES_ON;
}

void client_opened(struct client *c)
{
    struct load *l = c->load;

    l->counts.opened++;
    hist_add(&l->handshakes, l->now - c->begun);
    client_state(c, CLIENT_OPEN);
    if (l->mode->opened)
        l->mode->opened(c);
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct client *c = CONTAINER_OF(w, struct client, watch);
    enum client_end end = CLIENT_GOES_ON;

    if (c->state == CLIENT_CONNECTING)
        end = connected(c);
    else if (events & ~(uint32_t)EPOLLOUT)
        end = receive(c);
    if (end != CLIENT_GOES_ON)
        client_over(c, end);
    else if (events & EPOLLOUT || !(w->events & EPOLLOUT)) /* else it would be in vain */
        client_flush(c);
}

void client_open(struct client *c)
{
    struct load *l = c->load;
    uint64_t begun = clock_ns();
    int fd = load_connect(l);

    *c = (struct client){.load = l, .id = c->id, .begun = begun};
    c->allowed = l->set.read_rate ? 0 : UINT64_MAX;
    ws_frame_init(&c->frame, false);
    if (fd < 0) {
        l->counts.ends[CLIENT_FAILED]++;
        return;
    }
    client_state(c, CLIENT_CONNECTING);
    watch_open(&c->watch, fd, EPOLLOUT, on_ready);
}
