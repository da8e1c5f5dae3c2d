/* The answer to the handshake, then frames. Every message is verified: is it what was sent, and is
 * it its turn? Owns one buffer to read into for all sessions. */
#include "receive.h"

#include "handshake.h"
#include "load.h"

#include "lib/clock.h"
#include "lib/head.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_MAX 262144u

/* What is damaged cannot say which one it is: it is taken for the one that is due. */
static void message_end(struct client *c)
{
    struct load *l = c->load;
    const struct message_head *head = &c->message.head;
    bool good = message_good(&c->message, l->set.size, l->mode->listens ? 0 : c->id);
    uint64_t settled = order_note(&c->order, good ? head->number : c->order.next, &l->counts.order);

    settled = settled < c->inflight ? settled : c->inflight;
    c->inflight -= settled;
    l->outstanding -= settled;
    l->counts.total++;
    l->counts.total_bytes += c->message.len;
    l->counts.damaged += !good;
    if (l->measuring) {
        l->counts.messages++;
        l->counts.bytes += c->message.len;
        if (good && !l->mode->cycles)
            hist_add(&l->latency, l->now > head->at ? l->now - head->at : 0);
    }
    c->message = (struct message){0};
}

static enum client_end on_close(struct client *c)
{
    c->closed = true;
    if (c->state == CLIENT_CLOSING)
        return CLIENT_GOES_ON;
    if (!c->load->mode->listens)
        return CLIENT_CUT;
    client_close(c, c->control, c->control_len);
    return CLIENT_GOES_ON;
}

static enum client_end frame_end(struct client *c)
{
    enum client_end end = CLIENT_GOES_ON;

    ws_frame_end(&c->frame);
    if (!ws_is_control(&c->frame)) {
        if (c->frame.fin)
            message_end(c);
        return end;
    }
    if (c->frame.opcode == WS_PING) {
        c->load->counts.pings++;
        client_control(c, WS_PONG, c->control, c->control_len);
    } else if (c->frame.opcode == WS_CLOSE) {
        end = on_close(c);
    }
    c->control_len = 0;
    return end;
}

static size_t payload(struct client *c, const uint8_t *p, size_t n)
{
    if (n > c->frame.left)
        n = c->frame.left;
    c->frame.left -= n;
    if (!ws_is_control(&c->frame)) {
        message_take(&c->message, p, n);
        return n;
    }
    memcpy(c->control + c->control_len, p, n);
    c->control_len = (uint8_t)(c->control_len + n);
    return n;
}

static enum client_end frames(struct client *c, const uint8_t *p, size_t n)
{
    enum client_end end = CLIENT_GOES_ON;

    for (size_t at = 0; at < n && end == CLIENT_GOES_ON;) {
        if (c->frame.whole) {
            at += payload(c, p + at, n - at);
        } else {
            int took = ws_frame_head(&c->frame, p + at, n - at);

            if (took < 0)
                return CLIENT_BREACH;
            at += (size_t)took;
        }
        if (c->frame.whole && !c->frame.left)
            end = frame_end(c);
    }
    return end;
}

static enum client_end take_frames(struct client *c, const uint8_t *p, size_t n)
{
    struct load *l = c->load;
    uint64_t before = l->counts.total;
    enum client_end end = frames(c, p, n);

    if (end == CLIENT_GOES_ON && l->counts.total > before && c->state == CLIENT_OPEN &&
        l->mode->answered)
        l->mode->answered(c);
    return end;
}

static enum client_end take_answer(struct client *c, const uint8_t *p, size_t n)
{
    bool whole;
    size_t took = head_take(&c->head, p, n, &whole);

    if (!whole)
        return c->head.len > HEAD_MAX ? CLIENT_REFUSED : CLIENT_GOES_ON;
    if (!handshake_agreed(&c->head, c->key))
        return CLIENT_REFUSED;
    buf_fini(&c->head);
    client_opened(c);
    return take_frames(c, p + took, n - took);
}

static enum client_end ended(const struct client *c)
{
    if (c->state == CLIENT_ASKING)
        return CLIENT_REFUSED;
    return c->closed ? CLIENT_DONE : CLIENT_CUT;
}

/* Nothing allowed, and called all the same: the connection is broken, which reading will tell. */
static size_t read_max(const struct client *c)
{
    return c->allowed && c->allowed < READ_MAX ? c->allowed : READ_MAX;
}

enum client_end receive(struct client *c)
{
    static uint8_t input[READ_MAX];
    ssize_t n = read(c->watch.fd, input, read_max(c));

    if (n < 0 && errno == EAGAIN)
        return CLIENT_GOES_ON;
    if (n <= 0)
        return ended(c);
    c->load->now = clock_ns();
    c->allowed -= (uint64_t)n < c->allowed ? (uint64_t)n : c->allowed;
    return c->state == CLIENT_ASKING ? take_answer(c, input, (size_t)n)
                                     : take_frames(c, input, (size_t)n);
}
