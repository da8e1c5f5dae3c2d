/* A leg's life and its reading. Writing: leg_write.c. Heartbeats and acks: leg_beat.c. */
#include "session/leg.h"
#include "base/err.h"
#include "base/mem.h"
#include "session/leg_write.h"
#include "wire/control.h"
#include <stdlib.h>
#include <string.h>

/* A socket that always has more may not starve the others: so many reads an event, of at most
 * LOOP_SCRATCH each. */
enum { LEG_READS = 4 };

/* A timer that is so late (ms) was not late by its own fault: we stood still, or were stopped. */
enum { LEG_STALL = 2000 };

/* From this size on the next read goes straight into the journal; below, copying costs less than
 * handling room. */
enum { LEG_BULK = 4096 };

/* Segments of one read in place: LOOP_SCRATCH over large chunks, and what is left in the tail. */
enum { LEG_SEGMENTS = 6 };

static const struct {
    enum metric accepted, delivered, lost, bytes, silent;
} tally[] = {
    [SIDE_CLIENT] = {METRIC_UP_ACCEPTED, METRIC_UP_DELIVERED, METRIC_UP_LOST, METRIC_UP_BYTES,
                     METRIC_HEARTBEATS_LOST_CLIENT},
    [SIDE_BACKEND] = {METRIC_DOWN_ACCEPTED, METRIC_DOWN_DELIVERED, METRIC_DOWN_LOST,
                      METRIC_DOWN_BYTES, METRIC_HEARTBEATS_LOST_BACKEND},
};

static void release(struct leg *l, struct chunk **c)
{
    if (*c)
        pool_put(&l->lp->pool, *c);
    *c = NULL;
}

static void lose(struct leg *l, uint64_t messages)
{
    metric_add(l->lp->metrics, tally[l->side].lost, messages);
    l->told.lost += (uint32_t)messages;
}

/* One that was accepted before its end is lost with that. */
void leg_drop_begun(struct leg *l)
{
    bool begun = l->in->ready > l->in->last.off;
    journal_cut(l->in);
    if (!begun || l->in->ready > l->in->last.off)
        return;
    l->accepted--;
    lose(l, 1);
}

/* The first end wins: what comes after a Close or a fault is its consequence. */
static unsigned reading_over(struct leg *l, enum leg_end end, uint16_t code)
{
    if (leg_over(l))
        return 0;
    l->end = (uint8_t)end;
    l->code = code;
    leg_drop_begun(l);
    return LEG_OVER;
}

static unsigned die(struct leg *l, enum leg_end end)
{
    unsigned events = reading_over(l, end, CLOSE_NONE);
    leg_close(l);
    return events | LEG_DEAD;
}

static void count(const struct leg *l, const struct frame_run *run)
{
    metric_add(l->lp->metrics, tally[l->side].accepted, run->accepted);
    metric_add(l->lp->metrics, tally[l->side].bytes, run->head_len + run->len);
}

static void swallow(struct leg *l, const struct frame_run *run)
{
    if (!l->through) {
        count(l, run);
        metric_add(l->lp->metrics, tally[l->side].delivered, run->accepted);
    }
    l->swallow -= run->messages;
    if (l->swallow == 0)
        frame_single(&l->frame, false);
}

static unsigned take_data(struct leg *l, const uint8_t *in, const struct frame_run *run)
{
    if (l->swallow > 0) {
        swallow(l, run);
        return 0;
    }
    count(l, run);
    l->spoke = l->lp->now;
    if (l->discard) {
        lose(l, run->accepted);
        return 0;
    }
    l->accepted += run->accepted;
    journal_append(l->in, in, run);
    return run->has_edge ? LEG_DATA : 0;
}

static unsigned take_close(struct leg *l, const struct frame_run *run)
{
    uint16_t fault;
    int code = control_read_close(run->payload, run->len, &fault);
    if (code < 0)
        return reading_over(l, LEG_END_FAULT, fault);
    if (!l->through)
        metric_close(l->lp->metrics, l->side, (uint16_t)code);
    /* An answer to ours gives its code back (RFC 6455 §5.5.1), and all that went before has
     * arrived. What has another code, or comes while ours is on its way, has crossed it, and proves
     * nothing. */
    if (l->said_close && !l->control && code == l->word && transport_unacked(l->t) == 0)
        leg_proven(l, leg_sent(l));
    if (run->len > 2) {
        l->why = pool_get(&l->lp->pool, run->len - 2);
        l->why->len = (uint32_t)run->len - 2;
        memcpy(l->why->data, run->payload + 2, run->len - 2);
    }
    return reading_over(l, LEG_END_CLOSE, (uint16_t)code);
}

/* Pings wait for nothing and in no number: one that finds others waiting is dropped. Of pongs the
 * newest goes. */
static unsigned pass_on(struct leg *to, const struct frame_run *run)
{
    if (!to || (to->control && run->opcode == FRAME_PING))
        return 0;
    leg_control(to, run->opcode, run->payload, run->len);
    return LEG_DATA;
}

static unsigned take_control(struct leg *l, const struct frame_run *run)
{
    switch (run->opcode) {
    case FRAME_PING:
        if (l->through)
            return pass_on(l->through, run);
        leg_control(l, FRAME_PONG, run->payload, run->len);
        return 0;
    case FRAME_PONG:
        leg_pong(l, run->payload, run->len);
        return pass_on(l->through, run);
    default:
        return take_close(l, run);
    }
}

static unsigned take(struct leg *l, const uint8_t *p, size_t n)
{
    unsigned events = 0;
    while (n > 0 && !leg_over(l)) {
        struct frame_run run;
        size_t used = frame_next(&l->frame, p, n, &run);
        switch (run.kind) {
        case FRAME_NONE:
            break;
        case FRAME_DATA:
            events |= take_data(l, p, &run);
            break;
        case FRAME_CONTROL:
            events |= take_control(l, &run);
            break;
        case FRAME_BAD:
            events |= reading_over(l, LEG_END_FAULT, run.code);
            break;
        }
        p += used;
        n -= used;
    }
    return events;
}

/* Whatever made room in `out`, or shows that there will be none, its source is to hear of it. */
static unsigned with_room(const struct leg *l, unsigned events, uint64_t sent_before)
{
    return events | (l->broken || l->out->sent != sent_before ? LEG_ROOM : 0);
}

unsigned leg_take(struct leg *l, const uint8_t *p, size_t n)
{
    uint64_t sent = l->out->sent;
    unsigned events = take(l, p, n);
    if (l->control)
        leg_push(l);
    return with_room(l, events, sent);
}

/* The head of a cut frame's next fragment goes into the journal before its payload is read there.
 */
static void begin_fragment(struct leg *l)
{
    struct frame_run run;
    frame_next(&l->frame, NULL, 0, &run);
    if (run.kind == FRAME_DATA)
        take_data(l, NULL, &run);
}

static ptrdiff_t read_in_place(struct leg *l, unsigned *events, size_t *asked)
{
    struct iovec v[LEG_SEGMENTS];
    if (frame_room(&l->frame) == 0)
        begin_fragment(l);
    size_t want = frame_room(&l->frame);
    *asked = want < LOOP_SCRATCH ? want : LOOP_SCRATCH;
    int segments = journal_room(l->in, v, LEG_SEGMENTS, *asked);
    ptrdiff_t n = transport_read(l->t, v, segments);
    size_t left = n > 0 ? (size_t)n : 0;
    for (int i = 0; left > 0; i++) {
        size_t k = left < v[i].iov_len ? left : v[i].iov_len;
        *events |= take(l, v[i].iov_base, k);
        left -= k;
    }
    journal_append(l->in, NULL, NULL);
    return n;
}

static ptrdiff_t read_copied(struct leg *l, unsigned *events, size_t *asked)
{
    struct iovec v = {l->lp->scratch, LOOP_SCRATCH};
    *asked = LOOP_SCRATCH;
    ptrdiff_t n = transport_read(l->t, &v, 1);
    if (n > 0)
        *events |= take(l, l->lp->scratch, (size_t)n);
    return n;
}

/* A peer that ends its side behind its Close is still owed ours. What its end has crossed has not
 * arrived. */
static unsigned at_eof(struct leg *l)
{
    if (l->parted && l->end != LEG_END_CLOSE)
        l->parted = transport_unacked(l->t) == 0;
    if (l->end != LEG_END_CLOSE || l->half_closed || l->broken)
        return die(l, LEG_END_EOF);
    l->eof = true;
    transport_want(l->t, transport_wanted(l->t) & TRANSPORT_WRITE);
    return 0;
}

static unsigned read_event(struct leg *l)
{
    unsigned events = 0;
    for (int i = 0; i < LEG_READS; i++) {
        size_t asked;
        bool in_place =
            l->bulk && !leg_over(l) && !l->discard && l->swallow == 0 && !frame_aside(&l->frame);
        ptrdiff_t n =
            in_place ? read_in_place(l, &events, &asked) : read_copied(l, &events, &asked);
        if (n == UV_EAGAIN)
            break;
        if (n == UV_EOF)
            return events | at_eof(l);
        if (n <= 0)
            return events | die(l, LEG_END_RESET);
        l->bulk = n >= LEG_BULK;
        leg_heard(l);
        if (journal_full(l->in, l->conf->buffer.session))
            return events | LEG_DATA;
        /* What ended reading is told before what comes of it: with the leg its Close's reason would
         * be gone. */
        if ((size_t)n < asked || (events & LEG_OVER))
            break;
    }
    return events;
}

unsigned leg_read(struct leg *l)
{
    uint64_t sent = l->out->sent;
    unsigned events = 0;
    if (!l->paused && !leg_over(l))
        events = read_event(l);
    if (!leg_dead(l))
        leg_push(l);
    return with_room(l, events, sent);
}

/* The last statement of every entry. */
static void tell(struct leg *l, unsigned events, uint64_t sent_before)
{
    events = with_room(l, events, sent_before);
    if (events)
        l->fn(l->owner, l, events);
}

static void on_transport(void *owner, unsigned what)
{
    struct leg *l = owner;
    unsigned events = 0;
    uint64_t sent = l->out->sent;
    if (what & TRANSPORT_WRITE)
        leg_writable(l);
    if (what & TRANSPORT_READ)
        events = read_event(l);
    if (!leg_dead(l) && (l->control || leg_over(l)))
        leg_push(l);
    tell(l, events, sent);
}

/* What the peer has said meanwhile is read before it is judged. */
static unsigned beat(struct leg *l)
{
    if (leg_beat(l))
        return 0;
    unsigned events = leg_read(l);
    if (leg_dead(l) || leg_over(l) || leg_beat(l))
        return events;
    if (!l->through)
        metric_add(l->lp->metrics, tally[l->side].silent, 1);
    return events | reading_over(l, LEG_END_SILENT, 1001);
}

static void on_timer(struct timer *t)
{
    struct leg *l = CONTAINER_OF(t, struct leg, timer);
    unsigned events = 0;
    uint64_t sent = l->out->sent;
    if (l->lp->now - t->due > LEG_STALL) {
        leg_stood_still(l, l->lp->now - t->due);
        loop_timer(l->lp, t, LEG_STALL);
        return;
    }
    if (l->finishing && !leg_seen_off(l) && leg_moves(l))
        loop_timer(l->lp, t, l->patience); /* a slow reader gets what is queued for it */
    else if (l->finishing)
        events = die(l, LEG_END_LATE);
    else
        events = beat(l);
    tell(l, events, sent);
}

void leg_open(struct leg *l, const struct leg_setup *setup)
{
    *l = (struct leg){
        .lp = setup->lp,
        .conf = setup->conf,
        .t = setup->t,
        .in = setup->in,
        .out = setup->out,
        .fn = setup->fn,
        .owner = setup->owner,
        .through = setup->through,
        .side = (uint8_t)setup->side,
        .deflate = setup->deflate,
        .heard = setup->lp->now,
        .said = setup->lp->now,
        .alive = setup->lp->now,
        .spoke = setup->spoke,
        .code = CLOSE_NONE,
        .accepted = setup->accepted,
        .settled = setup->settled,
        .told = setup->told,
        .swallow = setup->swallow,
        .taken = setup->out->sent,
        .behind = {setup->out->sent, journal_sent_messages(setup->out)},
    };
    frame_init(&l->frame, setup->side == SIDE_CLIENT, setup->deflate);
    frame_single(&l->frame, l->swallow > 0);
    timer_init(&l->timer, on_timer);
    leg_schedule(l);
    transport_owner(l->t, on_transport, l);
    transport_want(l->t, TRANSPORT_READ);
}

bool leg_insert(struct leg *l, uint64_t off, const void *frames, size_t n)
{
    BUG_ON(off < l->out->sent);
    if (leg_dead(l) || l->insert)
        return false;
    l->insert = mem_alloc(sizeof(*l->insert) + n);
    *l->insert = (struct insert){.off = off, .len = (uint32_t)n};
    memcpy(l->insert->frames, frames, n);
    return true;
}

void leg_pause(struct leg *l, bool on)
{
    if (leg_dead(l) || l->paused == on)
        return;
    l->paused = on;
    metric_hold_back(l->lp->metrics, l->side, on, l->lp->now);
    if (!on)
        leg_heard(l);
    unsigned write = transport_wanted(l->t) & TRANSPORT_WRITE;
    transport_want(l->t, write | (on ? 0 : TRANSPORT_READ));
}

void leg_finish(struct leg *l, uint16_t code, const void *why, size_t n, uint64_t ms)
{
    if (leg_dead(l) || l->finishing)
        return;
    l->finishing = true;
    l->word = code;
    l->patience = ms;
    leg_moves(l);
    l->farewell = pool_get(&l->lp->pool, CONTROL_FRAME_MAX);
    l->farewell->len =
        (uint32_t)control_close(code, why, n, l->side == SIDE_BACKEND, l->farewell->data);
    loop_timer(l->lp, &l->timer, leg_seen_off(l) ? 0 : ms);
    leg_push(l);
}

void leg_close(struct leg *l)
{
    if (leg_dead(l))
        return;
    if (l->paused)
        metric_hold_back(l->lp->metrics, l->side, false, l->lp->now);
    timer_stop(&l->lp->wheel, &l->timer);
    frame_fini(&l->frame);
    release(l, &l->control);
    release(l, &l->farewell);
    release(l, &l->why);
    free(l->insert);
    l->insert = NULL;
    transport_close(l->t);
    l->t = NULL;
}
