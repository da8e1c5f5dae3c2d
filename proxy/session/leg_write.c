/* What a leg writes: control frames at frame edges, its journal, its Close. When it pings, and what
 * a pong proves: leg_beat.c. */
#include "session/leg_write.h"
#include "base/err.h"
#include "wire/control.h"
#include <stdlib.h>
#include <string.h>

/* Segments of one writev: 64 large chunks are 1 MiB, more than a socket takes at once. */
enum { LEG_IOV = 64 };

/* Control frames wait in one chunk: the one that is half written, a ping of ours, a pong. */
enum { LEG_CONTROL = 3 * CONTROL_FRAME_MAX };

/* Of a peer that pings faster than it reads only the newest ping is answered (RFC 6455 §5.5.3):
 * what has been written makes room, and so do pongs that have not begun to be. */
static void make_room(struct leg *l)
{
    struct chunk *c = l->control;
    uint32_t kept = 0, gone = 0, len;
    for (uint32_t at = 0; at < c->len; at += len) {
        struct frame_head h;
        len = (uint32_t)frame_head(c->data + at, c->len - at, &h);
        len += (uint32_t)h.payload;
        if (at + len <= l->written) {
            gone += len;
        } else if (at < l->written || h.opcode != FRAME_PONG) {
            memmove(c->data + kept, c->data + at, len);
            kept += len;
        }
    }
    c->len = kept;
    l->written = (uint16_t)(l->written - gone);
}

void leg_control(struct leg *l, uint8_t opcode, const void *payload, size_t n)
{
    if (leg_dead(l) || l->broken || l->said_close)
        return;
    if (!l->control) {
        l->control = pool_get(&l->lp->pool, LEG_CONTROL);
        l->written = 0;
    }
    if (l->control->cap - l->control->len < CONTROL_FRAME_MAX)
        make_room(l);
    BUG_ON(l->control->cap - l->control->len < CONTROL_FRAME_MAX);
    uint8_t *end = l->control->data + l->control->len;
    l->control->len += (uint32_t)control_make(opcode, payload, n, l->side == SIDE_BACKEND, end);
}

/* One turn's writev: data, and control frames at a frame edge of it. Behind a long queue they go at
 * its first edge, so that a pong does not wait for megabytes. Or what is inserted, alone. */
struct batch {
    struct iovec v[LEG_IOV];
    int n;
    size_t data, total; /* bytes of data, which go first; of all */
    bool insert;
};

static bool insert_is_due(const struct leg *l)
{
    return l->insert && l->insert->off == l->out->sent && !(l->control && l->written);
}

static void gather_insert(const struct leg *l, struct batch *b)
{
    b->total = l->insert->len - l->insert->at;
    b->v[0] = (struct iovec){l->insert->frames + l->insert->at, b->total};
    b->n = 1;
    b->data = 0;
}

static void account_insert(struct leg *l, size_t n)
{
    l->insert->at += (uint32_t)n;
    l->inserted += (uint32_t)n;
    if (l->insert->at < l->insert->len)
        return;
    free(l->insert);
    l->insert = NULL;
}

/* Where the control frames that wait may go: behind all that is ready, or, where that is much, at
 * its first edge. False: not in this write. Our own pings never part a compressed message: wsproto
 * (1.2) takes what follows a control frame for uncompressed, and the sender had not parted it. */
static bool control_edge(struct leg *l, uint64_t *upto)
{
    struct journal *out = l->out;
    bool whole = l->unmarked && l->deflate && !l->finishing;
    struct mark edge;
    *upto = out->ready;
    if (l->written) {
        *upto = out->sent;
        return true;
    }
    if (out->ready - out->sent <= FRAME_CUT && (!whole || out->last.off == out->ready))
        return true;
    if (!journal_edge(out, whole, &edge))
        return false;
    *upto = edge.off;
    return true;
}

static void gather(struct leg *l, struct batch *b)
{
    struct journal *out = l->out;
    uint64_t upto = out->ready;
    b->insert = insert_is_due(l);
    if (b->insert) {
        gather_insert(l, b);
        return;
    }
    bool control = l->control && control_edge(l, &upto);
    if (l->insert && l->insert->off < upto)
        upto = l->insert->off;
    b->n = 0;
    b->data = 0;
    if (upto > out->sent)
        b->n = journal_peek(out, b->v, LEG_IOV - 1, upto);
    for (int i = 0; i < b->n; i++)
        b->data += b->v[i].iov_len;
    b->total = b->data;
    if (control && b->data == upto - out->sent) {
        size_t left = l->control->len - l->written;
        b->v[b->n++] = (struct iovec){l->control->data + l->written, left};
        b->total += left;
    }
}

static void account(struct leg *l, const struct batch *b, size_t n)
{
    size_t data = n < b->data ? n : b->data;
    if (b->insert) {
        account_insert(l, n);
        return;
    }
    if (data > 0)
        journal_sent(l->out, data);
    n -= data;
    if (n == 0)
        return;
    leg_ping_written(l);
    l->written = (uint16_t)(l->written + n);
    if (l->written == l->control->len) {
        pool_put(&l->lp->pool, l->control);
        l->control = NULL;
        leg_handed_over(l);
        l->parted = l->said_close;
    }
}

/* Our Close goes when all that was queued has gone. */
static void take_leave(struct leg *l)
{
    if (l->farewell && !l->control && !l->insert && l->out->sent == l->out->ready) {
        l->control = l->farewell;
        l->farewell = NULL;
        l->written = 0;
        l->said_close = true;
    }
}

/* A browser waits for the end of the connection after both Closes: so at once. */
static void half_close(struct leg *l)
{
    if (l->parted && !l->half_closed && leg_over(l)) {
        l->half_closed = true;
        transport_shutdown(l->t);
    }
}

static void want_write(struct leg *l, bool on)
{
    unsigned others = transport_wanted(l->t) & ~(unsigned)TRANSPORT_WRITE;
    transport_want(l->t, others | (on ? TRANSPORT_WRITE : 0));
}

/* Writes until all is out or the socket is full. Bytes written, or a negative err. */
static ptrdiff_t write_out(struct leg *l)
{
    ptrdiff_t sum = 0;
    for (;;) {
        struct batch b;
        take_leave(l);
        gather(l, &b);
        if (b.n == 0)
            break;
        ptrdiff_t n = transport_write(l->t, b.v, b.n);
        if (n < 0)
            return n;
        account(l, &b, (size_t)n);
        sum += n;
        if ((size_t)n < b.total) {
            want_write(l, true);
            return sum;
        }
    }
    want_write(l, false);
    half_close(l);
    return sum;
}

bool leg_full(const struct leg *l)
{
    return transport_wanted(l->t) & TRANSPORT_WRITE;
}

bool leg_seen_off(const struct leg *l)
{
    return l->eof && (l->half_closed || l->broken);
}

static int write_event(struct leg *l)
{
    bool was_full = leg_full(l);
    leg_ask(l);
    ptrdiff_t n = write_out(l);
    if (n > 0 && !leg_full(l) && leg_ask_behind(l)) {
        ptrdiff_t more = write_out(l);
        n = more < 0 ? more : n + more;
    }
    if (n < 0) {
        l->broken = true;
        want_write(l, false);
    } else if (n > 0) {
        l->said = l->lp->now;
        leg_sent_more(l);
    }
    if (leg_full(l) && !was_full)
        leg_filled(l);
    if (l->finishing && leg_seen_off(l))
        loop_timer(l->lp, &l->timer, 0);
    return n < 0 ? (int)n : 0;
}

int leg_push(struct leg *l)
{
    if (leg_dead(l) || l->broken)
        return ERR_CLOSED;
    return leg_full(l) ? 0 : write_event(l);
}

void leg_writable(struct leg *l)
{
    if (!leg_dead(l) && !l->broken)
        write_event(l);
}
