/* A session's life: see session.h. What it pumps it never looks into; what a leg does on its socket
 * is the leg's own. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/session_body.h"
#include "wire/control.h"
#include <stdlib.h>

/* An idle session is to cost no more than 1,536 bytes beside its handshake: this, two transports,
 * and the allocator's share. */
_Static_assert(sizeof(struct session) <= 1280, "an idle session stays small");

static const struct {
    enum metric gauge;
    const char *name;
} states[SESSION_STATES] = {
    [SESSION_LIVE] = {METRIC_SESSIONS_LIVE, "live"},
    [SESSION_HEADLESS] = {METRIC_SESSIONS_HEADLESS, "headless"},
    [SESSION_CLOSING] = {METRIC_SESSIONS_CLOSING, "closing"},
};

/* What a leg's end means for the session. Where leg_finish's time was up there is a reason already.
 */
static const enum reason reason_of[2][LEG_END_LATE + 1] = {
    [SIDE_CLIENT] = {[LEG_END_CLOSE] = REASON_CLIENT_CLOSE,
                     [LEG_END_FAULT] = REASON_CLIENT_PROTOCOL,
                     [LEG_END_SILENT] = REASON_CLIENT_TIMEOUT,
                     [LEG_END_EOF] = REASON_CLIENT_EOF,
                     [LEG_END_RESET] = REASON_CLIENT_RESET},
    [SIDE_BACKEND] = {[LEG_END_CLOSE] = REASON_BACKEND_CLOSE,
                      [LEG_END_FAULT] = REASON_BACKEND_PROTOCOL,
                      [LEG_END_SILENT] = REASON_BACKEND_TIMEOUT,
                      [LEG_END_EOF] = REASON_BACKEND_EOF,
                      [LEG_END_RESET] = REASON_BACKEND_RESET},
};

static struct leg *other(struct session *s, const struct leg *l)
{
    return l == &s->client ? &s->backend : &s->client;
}

static bool is_gone(const struct session *s)
{
    return leg_dead(&s->client) && leg_dead(&s->backend);
}

#ifdef WSKEEP_CHECK
#define CHECK(s) BUG_ON(!session_check(s))
#else
#define CHECK(s) ((void)0)
#endif

/* The list is in the order in which they lost their backends. */
static void tell_oldest(struct sessions *set)
{
    const struct list *headless = &set->state[SESSION_HEADLESS];
    bool none = list_empty(headless);
    uint64_t since = none ? 0 : CONTAINER_OF(headless->next, struct session, node)->since;
    metric_headless(set->lp->metrics, since);
}

/* The one place where a state is set. */
void session_state(struct session *s, enum session_state to)
{
    static const uint8_t next[SESSION_STATES] = {
        [SESSION_LIVE] = 1 << SESSION_HEADLESS | 1 << SESSION_CLOSING,
        [SESSION_HEADLESS] = 1 << SESSION_LIVE | 1 << SESSION_CLOSING,
        [SESSION_CLOSING] = 1 << SESSION_HEADLESS,
    };
    BUG_ON(!(next[s->state] >> to & 1));
    list_del(&s->node);
    metric_sub(s->set->lp->metrics, states[s->state].gauge, 1);
    log_debug("session_state", LOG_S("from", states[s->state].name), LOG_S("to", states[to].name));
    s->state = to;
    metric_add(s->set->lp->metrics, states[to].gauge, 1);
    list_add(&s->set->state[to], &s->node);
    tell_oldest(s->set);
}

void session_end(struct session *s, enum reason r)
{
    if (s->reason == REASON_NONE || s->state == SESSION_HEADLESS)
        s->reason = r;
    if (s->state == SESSION_CLOSING)
        return;
    comeback_stop(s);
    timer_stop(&s->set->lp->wheel, &s->idle);
    session_state(s, SESSION_CLOSING);
}

/* In a drain, for the side that ends second: a slow reader may need all the time that there is; who
 * only has to answer a Close needs little. */
enum { REST_MS = 1000 };

uint64_t session_patience(const struct session *s)
{
    const struct sessions *set = s->set;
    uint64_t now = set->lp->now, most = s->conf->timeouts.close;
    if (!set->draining)
        return most;
    uint64_t left = set->until > now ? set->until - now : 0;
    uint64_t share = left - (left / 2 < REST_MS ? left / 2 : REST_MS);
    return share < most ? share : most;
}

/* Its own breach is answered with what RFC 6455 names for it; otherwise the reason says, or the
 * other side's word is relayed; where the other side died without one, the peer's own Close is
 * answered in kind. */
static void finish(struct session *s, struct leg *l)
{
    const struct leg *o = other(s, l);
    const struct reason_row *row = &reasons[s->reason];
    uint16_t code = l->side == SIDE_CLIENT ? row->to_client : row->to_backend;
    const struct chunk *why = NULL;
    if (l->end == LEG_END_FAULT || l->end == LEG_END_SILENT)
        code = l->code;
    else if (code == 0 && o->end == LEG_END_CLOSE) {
        code = o->code;
        why = o->why;
    } else if (code == 0)
        code = l->end == LEG_END_CLOSE ? l->code : CLOSE_NONE;
    leg_finish(l, code, why ? why->data : NULL, why ? why->len : 0, session_patience(s));
}

static bool may_finish(struct session *s, const struct leg *l)
{
    return (leg_over(other(s, l)) && s->state != SESSION_HEADLESS) || l->end == LEG_END_FAULT ||
           l->end == LEG_END_SILENT;
}

/* Where nobody takes it, what comes is dropped; where it cannot go on, it is not read. */
static void regulate(struct session *s, struct leg *from)
{
    from->discard = is_leaving(s, other(s, from));
    leg_pause(from, !from->discard && journal_full(from->in, s->conf->buffer.session));
    shed_look(s->set);
}

static void pump(struct session *s, struct leg *from)
{
    struct leg *to = other(s, from);
    if (!leg_dead(to))
        leg_push(to);
    regulate(s, from);
}

static void settle(struct metrics *m, const struct journal *j, struct leg *from, struct leg *to,
                   enum metric unproven, enum metric lost)
{
    uint64_t sent = journal_sent_messages(j);
    metric_add(m, unproven, sent - to->settled);
    metric_add(m, lost, from->accepted - sent);
    to->told.unproven += (uint32_t)(sent - to->settled);
    from->told.lost += (uint32_t)(from->accepted - sent);
}

/* Its connections are gone. */
static void count_end(struct session *s)
{
    struct metrics *m = s->set->lp->metrics;
    uint64_t lived = s->set->lp->now - s->begun;
    metric_disconnect(m, SIDE_CLIENT, s->reason);
    if (s->away)
        comeback_waited(s);
    else
        metric_disconnect(m, SIDE_BACKEND, s->reason);
    metric_observe(m, HISTOGRAM_SESSION_DURATION, lived);
    session_tell(s, lived);
}

static void settle_up(struct session *s)
{
    settle(s->set->lp->metrics, &s->up, &s->client, &s->backend, METRIC_UP_UNPROVEN,
           METRIC_UP_LOST);
}

/* What another connection to the backend would need. */
static void forget(struct session *s)
{
    recall_free(s->recall);
    s->recall = NULL;
    if (s->opening)
        metric_sub(s->set->lp->metrics, METRIC_KEPT_BYTES, opening_charge(s->opening));
    opening_free(s->opening);
    s->opening = NULL;
}

/* Its client's connection ends; what that had said may still wait for a backend. */
static void client_gone(const struct session *s)
{
    if (s->probe)
        return;
    enum histogram id =
        reasons[s->reason].clean ? HISTOGRAM_CONNECTION_CLEAN : HISTOGRAM_CONNECTION_UNCLEAN;
    metric_observe(s->set->lp->metrics, id, s->set->lp->now - s->begun);
}

static void session_free(struct session *s)
{
    struct metrics *m = s->set->lp->metrics;
    timer_stop(&s->set->lp->wheel, &s->idle);
    comeback_stop(s);
    if (!leg_dead(&s->client))
        client_gone(s);
    leg_close(&s->client);
    leg_close(&s->backend);
    settle_up(s);
    settle(m, &s->down, &s->backend, &s->client, METRIC_DOWN_UNPROVEN, METRIC_DOWN_LOST);
    metric_sub(m, states[s->state].gauge, 1);
    metric_sub(m, METRIC_CONNECTIONS_CLIENT, 1);
    if (!s->away)
        metric_sub(m, METRIC_CONNECTIONS_BACKEND, 1);
    if (!s->probe)
        count_end(s);
    list_del(&s->node);
    tell_oldest(s->set);
    if (--s->set->count == 0)
        timer_stop(&s->set->lp->wheel, &s->set->shed);
    journal_fini(&s->up);
    journal_fini(&s->down);
    forget(s);
    conf_unref(s->conf);
    free(s);
}

/* Also where it is the client that has left: what it said is still to be delivered. */
static bool may_come_back(const struct session *s)
{
    return s->state == SESSION_LIVE ||
           (s->state == SESSION_CLOSING && leg_over(&s->client) &&
            s->up.last.off > s->up.acked.off &&
            s->reason == reason_of[SIDE_CLIENT][s->client.end] && s->backend.end != LEG_END_LATE);
}

static void leg_is_over(struct session *s, struct leg *l)
{
    enum reason r = reason_of[l->side][l->end];
    if (l == &s->backend && may_come_back(s) && comeback_begin(s))
        return;
    if (l == &s->client && s->state == SESSION_HEADLESS && s->up.ready > s->up.sent)
        s->reason = r;
    else
        session_end(s, r);
}

bool session_go_on(struct session *s)
{
    struct sessions *set = s->set;
    if (may_finish(s, &s->client))
        finish(s, &s->client);
    if (may_finish(s, &s->backend))
        finish(s, &s->backend);
    pump(s, &s->client);
    pump(s, &s->backend);
    if (s->state == SESSION_HEADLESS || !is_gone(s)) {
        CHECK(s);
        return true;
    }
    session_free(s);
    set->ended(set->owner);
    return false;
}

/* What the application has answered it has, though its pong may not have come yet. */
static void read_what_came(struct session *s, struct leg *l)
{
    if (l == &s->client) {
        recall_up(s->recall);
        return;
    }
    struct mark had = recall_down(s->recall, l->inserted);
    if (had.off > 0)
        leg_proven(l, had);
}

bool session_heard(struct session *s, struct leg *l, unsigned events)
{
    if (events & LEG_DATA)
        read_what_came(s, l);
    if (events & LEG_OVER)
        leg_is_over(s, l);
    if (l == &s->client && events & LEG_DEAD)
        client_gone(s);
    if (s->state != SESSION_LIVE)
        return session_go_on(s);
    if (events & LEG_DATA)
        pump(s, l);
    if (events & LEG_ROOM)
        pump(s, other(s, l));
    CHECK(s);
    return true;
}

static void on_leg(void *owner, struct leg *l, unsigned events)
{
    session_heard(owner, l, events);
}

static void close_live(struct session *s, enum reason r)
{
    session_end(s, r);
    finish(s, &s->client);
    regulate(s, &s->client);
    regulate(s, &s->backend);
    if (is_gone(s))
        loop_timer(s->set->lp, &s->idle, 0);
    CHECK(s);
}

/* What it holds for the backend is lost now, and not once the client has said its Close: it is for
 * that memory that it ends. */
void session_shed(struct session *s)
{
    struct journal *up = &s->up;
    close_live(s, REASON_SHED);
    leg_drop_begun(&s->client);
    settle_up(s);
    s->backend.settled = s->client.accepted;
    journal_sent(up, up->ready - up->sent);
    journal_ack(up, up->last);
    forget(s);
    CHECK(s);
}

/* A client that stands in the middle of a message would have begun it in vain: the backend may say
 * its end, while that leaves both the time for their Closes. One that comes in parts for ever is
 * not waited for, and streams of long ones are not all cut at once, at the end. */
enum { TURN_LOOK_MS = 50, TURN_LOOKS = 20 };

static bool puts_off_turn(struct session *s)
{
    struct sessions *set = s->set;
    if (s->down.end == s->down.last.off || set->lp->now + 2 * REST_MS >= set->until ||
        s->looks == TURN_LOOKS)
        return false;
    s->looks++;
    loop_timer(set->lp, &s->idle, TURN_LOOK_MS);
    return true;
}

/* What stands in a socket was said before, though a loop that is late has not come to it. False:
 * the session has ended, s is gone. */
static bool hear_out(struct session *s, struct leg *l)
{
    return s->state != SESSION_LIVE || session_heard(s, l, leg_read(l));
}

static void take_turn(struct session *s)
{
    if (hear_out(s, &s->backend) && s->state == SESSION_LIVE && !puts_off_turn(s))
        close_live(s, REASON_DRAIN);
}

/* A message that waits for a backend is not the want of one. */
static uint64_t idle_due(const struct session *s)
{
    uint64_t last = s->client.spoke > s->backend.spoke ? s->client.spoke : s->backend.spoke;
    if (s->state == SESSION_HEADLESS && is_owed(s))
        last = s->set->lp->now;
    return last + s->conf->timeouts.idle;
}

static void on_idle(struct timer *t)
{
    struct session *s = CONTAINER_OF(t, struct session, idle);
    uint64_t now = s->set->lp->now;
    if (is_gone(s)) {
        session_go_on(s);
        return;
    }
    if (s->set->draining) {
        take_turn(s);
        return;
    }
    if (idle_due(s) <= now && !(hear_out(s, &s->client) && hear_out(s, &s->backend)))
        return;
    if (s->state == SESSION_CLOSING)
        return;
    if (idle_due(s) > now)
        timer_set(&s->set->lp->wheel, t, idle_due(s));
    else
        close_live(s, REASON_SESSION_IDLE);
}

void sessions_init(struct sessions *set, struct loop *lp, void (*ended)(void *owner), void *owner)
{
    *set = (struct sessions){.lp = lp, .ended = ended, .owner = owner};
    for (int i = 0; i < SESSION_STATES; i++)
        list_init(&set->state[i]);
    sessions_among(set, &lp->metrics, 1);
    shed_init(set);
}

void sessions_among(struct sessions *set, struct metrics *const *loops, unsigned n)
{
    set->loops = loops;
    set->n = n;
}

void sessions_drain(struct sessions *set, uint64_t ms)
{
    struct list *live = &set->state[SESSION_LIVE], *headless = &set->state[SESSION_HEADLESS];
    uint64_t n = metrics_sum(&set->lp->metrics, 1, METRIC_SESSIONS_LIVE), i = 0;
    set->draining = true;
    set->until = set->lp->now + ms;
    for (struct list *at = live->next; at != live; at = at->next)
        loop_timer(set->lp, &CONTAINER_OF(at, struct session, node)->idle, ms / 2 * i++ / n);
    while (!list_empty(headless))
        close_live(CONTAINER_OF(headless->next, struct session, node), REASON_DRAIN);
}

void sessions_kill(struct sessions *set)
{
    for (int i = 0; i < SESSION_STATES; i++)
        while (!list_empty(&set->state[i])) {
            struct session *s = CONTAINER_OF(set->state[i].next, struct session, node);
            s->reason = REASON_KILLED;
            session_free(s);
        }
}

static void open_leg(struct session *s, struct leg *l, enum side side,
                     const struct session_setup *setup)
{
    const struct session_end *end = side == SIDE_CLIENT ? &setup->client : &setup->backend;
    leg_open(l, &(struct leg_setup){.lp = s->set->lp,
                                    .conf = s->conf,
                                    .t = end->t,
                                    .side = side,
                                    .spoke = s->begun,
                                    .deflate = setup->deflate,
                                    .in = side == SIDE_CLIENT ? &s->up : &s->down,
                                    .out = side == SIDE_CLIENT ? &s->down : &s->up,
                                    .swallow = s->probe && side == SIDE_BACKEND ? UINT32_MAX : 0,
                                    .through = s->probe ? other(s, l) : NULL,
                                    .fn = on_leg,
                                    .owner = s});
}

void session_new(struct sessions *set, const struct session_setup *setup)
{
    struct session *s = mem_zalloc(sizeof(*s));
    s->set = set;
    s->conf = conf_ref(setup->conf);
    s->probe = setup->probe;
    s->begun = s->since = set->lp->now;
    s->trace = setup->trace;
    s->opening = setup->opening;
    if (s->opening)
        metric_add(set->lp->metrics, METRIC_KEPT_BYTES, opening_charge(s->opening));
    set->count++;
    list_add(&set->state[SESSION_LIVE], &s->node);
    metric_add(set->lp->metrics, states[SESSION_LIVE].gauge, 1);
    metric_add(set->lp->metrics, METRIC_CONNECTIONS_CLIENT, 1);
    metric_add(set->lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    journal_init(&s->up, &set->lp->pool, setup->keep_up && s->conf->heartbeat.backend);
    journal_init(&s->down, &set->lp->pool, setup->keep_down && s->conf->heartbeat.client);
    if (s->opening)
        s->recall = recall_new(s->conf, set->lp->metrics, &s->up, &s->down);
    timer_init(&s->idle, on_idle);
    if (set->draining)
        loop_timer(set->lp, &s->idle, 0);
    else if (s->conf->timeouts.idle)
        loop_timer(set->lp, &s->idle, s->conf->timeouts.idle);
    open_leg(s, &s->client, SIDE_CLIENT, setup);
    open_leg(s, &s->backend, SIDE_BACKEND, setup);
    on_leg(s, &s->client, leg_take(&s->client, setup->client.rest, setup->client.rest_len));
    on_leg(s, &s->backend, leg_take(&s->backend, setup->backend.rest, setup->backend.rest_len));
}
