/* When a leg pings, what a pong proves, and when its peer is taken for dead.
 *
 * A ping's payload is its number. Its pong proves that the peer's endpoint has parsed all that was
 * written before it, with any peer: so pings are asked for acks, too. Those ride in the write of
 * the data that they are to prove. */
#include "base/err.h"
#include "base/log.h"
#include "session/leg_write.h"
#include <string.h>

/* An ack is asked for after so many messages, bytes, or ms since the first byte without one. With
 * 24 messages, pings were a third of the cost of a server's stream of small ones; more bytes would
 * leave the caches before they are freed: of 4 KiB messages 256 KiB made each take 4 % longer than
 * 64 KiB do. */
enum { ACK_MESSAGES = 256, ACK_BYTES = 65536, ACK_MS = 50 };

/* ms before that at which an ack rides with data: a write of its own costs ten times as much. */
enum { ACK_RIDE = 15 };

/* A peer that talks, but has answered no ping for so many times heartbeat.timeout, never will. It
 * is long: an application that is busy with its first message answers none either. */
enum { MUTE = 12 };

static const struct {
    enum metric pings, delivered, unproven;
    enum histogram rtt;
    const char *name;
} tally[] = {
    [SIDE_CLIENT] = {METRIC_PINGS_CLIENT, METRIC_DOWN_DELIVERED, METRIC_DOWN_UNPROVEN,
                     HISTOGRAM_HEARTBEAT_RTT_CLIENT, "client"},
    [SIDE_BACKEND] = {METRIC_PINGS_BACKEND, METRIC_UP_DELIVERED, METRIC_UP_UNPROVEN,
                      HISTOGRAM_HEARTBEAT_RTT_BACKEND, "backend"},
};

static bool may_ping(const struct leg *l)
{
    return l->side == SIDE_CLIENT ? l->conf->heartbeat.client : l->conf->heartbeat.backend;
}

/* ---- what is proven ---- */

/* What a ping that is sent now stands behind. Of a torn journal, and where nothing is kept, there
 * is no mark within a message. */
struct mark leg_sent(const struct leg *l)
{
    const struct journal *out = l->out;
    uint64_t messages = journal_sent_messages(out);
    if (!journal_open(out))
        return (struct mark){out->sent, messages};
    return out->keep && !journal_torn(out) ? journal_whole(out) : (struct mark){0, messages};
}

/* How many of the first so many had not been counted; they have been now. */
static uint64_t settle(struct leg *l, enum metric as, uint64_t messages)
{
    if (messages <= l->settled)
        return 0;
    uint64_t more = messages - l->settled;
    metric_add(l->lp->metrics, as, more);
    l->settled = messages;
    return more;
}

static void settle_delivered(struct leg *l, uint64_t messages)
{
    l->told.delivered += settle(l, tally[l->side].delivered, messages);
}

static void settle_unproven(struct leg *l, uint64_t messages)
{
    l->told.unproven += (uint32_t)settle(l, tally[l->side].unproven, messages);
}

void leg_proven(struct leg *l, struct mark m)
{
    l->proved = l->proved || m.messages > l->settled;
    settle_delivered(l, m.messages);
    journal_ack(l->out, m);
    if (m.off >= l->given_up)
        l->given_up = 0;
    l->owed = l->out->sent > l->out->acked.off ? l->lp->now : 0;
}

/* How much of `out` the peer's TCP has, at least. */
static uint64_t taken(const struct leg *l)
{
    size_t unacked = transport_unacked(l->t);
    return unacked < l->out->sent ? l->out->sent - unacked : 0;
}

/* What is kept never stops the source: two journals that wait for acks behind each other's unread
 * data would wait for ever. So the oldest of it is given up, once the peer's TCP has it. Some of it
 * may have been proven from within a message, where no mark can stand. */
void leg_relieve(struct leg *l, uint64_t limit)
{
    struct journal *out = l->out;
    uint64_t before = out->base;
    if (leg_dead(l) || !out->keep || out->sent - out->acked.off <= limit)
        return;
    journal_relieve(out, limit, taken(l));
    settle_unproven(l, out->acked.messages);
    if (out->base > before)
        l->given_up = out->base;
}

void leg_concede(struct leg *l)
{
    struct mark m = leg_sent(l);
    l->proved = l->proved || m.messages > l->settled;
    settle_unproven(l, m.messages);
    journal_ack(l->out, m);
}

/* ---- pings ---- */

static void beat_by(struct leg *l, uint64_t due)
{
    if (!l->finishing && (!timer_is_set(&l->timer) || l->timer.due > due))
        timer_set(&l->lp->wheel, &l->timer, due);
}

/* 0: it has no limit. A busy application does not read, and answers no ping until it does: to cut a
 * backend would kill the very run that is to be kept. */
static uint64_t patience_of(const struct leg *l)
{
    const struct conf *c = l->conf;
    return !may_ping(l)             ? 0
           : l->side == SIDE_CLIENT ? c->heartbeat.timeout
                                    : c->heartbeat.backend_timeout;
}

/* From here on what is in flight may be answered. */
void leg_handed_over(struct leg *l)
{
    uint64_t silence = patience_of(l);
    if (l->asked || !l->in_flight)
        return;
    l->asked = l->lp->now;
    if (silence)
        beat_by(l, l->asked + silence);
}

/* The next beat is not to come later than the peer can be known to be gone. */
void leg_filled(struct leg *l)
{
    beat_by(l, l->lp->now);
}

/* The newest ping's mark is not known before the first byte of it is written: what goes in the same
 * write goes before it. */
void leg_ping_written(struct leg *l)
{
    if (!l->unmarked)
        return;
    l->unmarked = false;
    l->flight[l->in_flight - 1].mark = leg_sent(l);
    l->behind = (struct mark){l->out->sent, journal_sent_messages(l->out)};
    l->ack_due = 0;
}

/* Where as many as may be are on their way, the newest gives its place: a pong of either proves
 * what the older stands behind. */
static void ping(struct leg *l)
{
    if (l->in_flight < LEG_FLIGHT)
        l->in_flight++;
    l->flight[l->in_flight - 1] =
        (struct flight){.number = ++l->pings, .made = (uint32_t)l->lp->now};
    l->unmarked = true;
    l->owes = false;
    if (l->control && l->written)
        leg_ping_written(l);
    leg_control(l, FRAME_PING, &l->pings, sizeof(l->pings));
    metric_add(l->lp->metrics, tally[l->side].pings, 1);
}

/* Whether an ack could be asked for now; where control frames wait the socket is full. */
static bool may_ask(const struct leg *l)
{
    return l->out->keep && may_ping(l) && !l->mute && l->in_flight < LEG_FLIGHT && !l->control &&
           !l->finishing && !l->broken;
}

static bool lacks_ack(const struct leg *l, struct mark m)
{
    return m.messages - l->behind.messages >= ACK_MESSAGES || m.off - l->behind.off >= ACK_BYTES ||
           (l->ack_due && l->lp->now + ACK_RIDE >= l->ack_due);
}

/* Half of a message has been sent whose end has not come, and which a ping may not part (see
 * control_edge): queued, it would hold pongs up for as long as that takes. */
static bool is_within(const struct leg *l)
{
    struct mark end;
    return l->deflate && journal_open(l->out) && !journal_edge(l->out, true, &end);
}

/* Control frames go before a long queue: there the ping must wait until that is written. */
void leg_ask(struct leg *l)
{
    const struct journal *out = l->out;
    bool owes = l->owes && !l->control && !l->finishing && !is_within(l);
    bool asks = out->last.off == out->ready && out->ready - out->sent <= FRAME_CUT && may_ask(l) &&
                lacks_ack(l, out->last);
    if (owes || asks)
        ping(l);
}

bool leg_ask_behind(struct leg *l)
{
    const struct journal *out = l->out;
    bool asks = may_ask(l) && !journal_open(out) && lacks_ack(l, leg_sent(l));
    if (asks)
        ping(l);
    return asks;
}

static void soon(struct leg *l)
{
    if (!l->out->keep || l->mute || l->ack_due || l->unmarked || l->finishing || !may_ping(l) ||
        l->out->sent <= l->behind.off)
        return;
    l->ack_due = l->lp->now + ACK_MS;
    beat_by(l, l->ack_due);
}

/* What its owner has heard of the end it judges by what is kept: from there on nothing of that
 * goes.
 */
void leg_sent_more(struct leg *l)
{
    if (l->mute) /* it never answers */
        leg_concede(l);
    if (!leg_over(l))
        leg_relieve(l, l->conf->buffer.session);
    if (l->owed == 0 && l->out->sent > l->out->acked.off)
        l->owed = l->lp->now;
    soon(l);
}

void leg_pong(struct leg *l, const uint8_t *payload, size_t n)
{
    uint32_t number;
    unsigned done = 0, written = l->in_flight - (l->unmarked ? 1u : 0u);
    if (n != sizeof(number))
        return;
    memcpy(&number, payload, n);
    while (done < written && l->flight[done].number <= number)
        done++;
    if (done == 0 || number > l->pings)
        return;
    const struct flight f = l->flight[done - 1];
    l->in_flight = (uint8_t)(l->in_flight - done);
    memmove(l->flight, l->flight + done, l->in_flight * sizeof(f));
    l->answered = true;
    l->mute = false;
    l->asked = l->in_flight ? l->lp->now : 0;
    if (f.number == number)
        metric_observe(l->lp->metrics, tally[l->side].rtt, (uint32_t)l->lp->now - f.made);
    leg_proven(l, f.mark);
    soon(l);
}

/* ---- life and death ---- */

void leg_heard(struct leg *l)
{
    l->heard = l->alive = l->lp->now;
    if (l->asked)
        l->asked = l->lp->now;
}

/* Time in which we stood still, or were stopped, is nobody's silence. */
void leg_stood_still(struct leg *l, uint64_t ms)
{
    uint64_t now = l->lp->now;
    l->alive = l->alive + ms < now ? l->alive + ms : now;
    if (l->asked)
        l->asked = l->asked + ms < now ? l->asked + ms : now;
}

bool leg_moves(struct leg *l)
{
    uint64_t now_taken = taken(l);
    bool moves = now_taken > l->taken;
    if (moves)
        l->taken = now_taken;
    return moves;
}

/* Pings cannot be handed over: a full socket takes none, and one waits for a message's end. */
static bool is_stuck(const struct leg *l)
{
    return leg_full(l) || (l->control && !l->broken);
}

static uint64_t vanishes_in(const struct leg *l)
{
    return transport_vanishes_in(l->t, l->conf->heartbeat.timeout);
}

/* The clock of silence does not run while pings cannot be handed over, and begins anew while we do
 * not read, and while the peer's TCP takes bytes: a slow reader is not dead. One that has vanished
 * behind a full socket is known by the acknowledgements that TCP waits for. */
static bool is_dead(struct leg *l)
{
    uint64_t now = l->lp->now, silence = patience_of(l), any = l->conf->timeouts.connection;
    bool moves = leg_moves(l);
    if (moves || l->paused)
        l->alive = now;
    if (is_stuck(l))
        l->asked = 0;
    else if (l->asked && (moves || l->paused))
        l->asked = now;
    return (any && now - l->alive >= any) || (silence && l->asked && now - l->asked >= silence) ||
           (is_stuck(l) && vanishes_in(l) == 0);
}

/* Up to a tenth of the interval early, so that sessions which began together do not ping together.
 */
static uint64_t jitter(const struct leg *l, uint64_t interval)
{
    uint64_t x = (uint64_t)(uintptr_t)l ^ (l->lp->now << 20);
    x *= 0x9e3779b97f4a7c15u;
    return (x >> 33) % (interval / 10 + 1);
}

/* Some balancers keep one idle clock for each direction: silence in either is enough to ping. */
static uint64_t quiet_since(const struct leg *l)
{
    uint64_t since = l->heard < l->said ? l->heard : l->said;
    return l->beaten > since ? l->beaten : since;
}

static void earliest(uint64_t *due, uint64_t at)
{
    if (at < *due)
        *due = at;
}

void leg_schedule(struct leg *l)
{
    uint64_t due = UINT64_MAX, interval = l->conf->heartbeat.interval, silence = patience_of(l);
    if (may_ping(l))
        earliest(&due, quiet_since(l) + interval - jitter(l, interval));
    if (silence && l->asked)
        earliest(&due, l->asked + silence);
    if (l->conf->timeouts.connection)
        earliest(&due, l->alive + l->conf->timeouts.connection);
    if (l->ack_due)
        earliest(&due, l->ack_due);
    if (is_stuck(l))
        earliest(&due, l->lp->now + vanishes_in(l));
    if (due != UINT64_MAX)
        timer_set(&l->lp->wheel, &l->timer, due);
}

/* An application that never answers would have all kept until the journal is full. */
static void notice_mute(struct leg *l)
{
    static _Thread_local struct log_limit limit;
    uint64_t more, now = l->lp->now;
    if (!l->out->keep || l->answered || l->mute || !l->in_flight ||
        (uint32_t)now - l->flight[0].made < MUTE * l->conf->heartbeat.timeout ||
        (int32_t)((uint32_t)l->heard - l->flight[0].made) <= 0)
        return;
    l->mute = true;
    l->in_flight = 0;
    l->unmarked = false;
    leg_concede(l);
    if (log_allow(&limit, now, &more))
        log_warn("pings_unanswered", LOG_S("side", tally[l->side].name), LOG_U("suppressed", more));
}

bool leg_beat(struct leg *l)
{
    uint64_t now = l->lp->now, interval = l->conf->heartbeat.interval;
    if (is_dead(l))
        return false;
    notice_mute(l);
    bool quiet = may_ping(l) && now + interval / 10 >= quiet_since(l) + interval;
    bool asks = l->ack_due && now >= l->ack_due;
    bool within = is_within(l);
    if (asks)
        l->ack_due = 0;
    if (quiet)
        l->beaten = now;
    l->owes = l->owes || (quiet && within);
    if (!l->control && !l->broken && !within && (quiet || (asks && may_ask(l)))) {
        ping(l);
        leg_push(l);
    }
    leg_schedule(l);
    return true;
}
