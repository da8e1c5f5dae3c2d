/* A session's backend: what its end means, and how another takes its place.
 *
 * What is to become of the session is for fate to say; here it is told how things stand, and what
 * it says is done. */
#include "base/err.h"
#include "base/log.h"
#include "session/fate.h"
#include "session/session_body.h"
#include "session/stateful.h"
#include "wire/control.h"
#include <string.h>

/* ---- how things stand ---- */

/* Messages that do not go again. */
static uint64_t gone(const struct session *s)
{
    struct mark m =
        s->conf->reconnect.replay == REPLAY_UNSENT ? leg_sent(&s->backend) : s->up.acked;
    return m.messages;
}

/* A connection that its peer ends behind our Close has had all that went before it. */
static bool is_unacked(const struct session *s)
{
    const struct leg *l = &s->backend;
    bool seen_off = l->parted && l->end == LEG_END_EOF;
    return !seen_off && s->up.last.messages > gone(s);
}

static bool is_stateful(const struct session *s)
{
    const struct conf *c = s->conf;
    switch ((enum reconnect_state)c->reconnect.state) {
    case STATE_CONNECTION:
        return true;
    case STATE_STATELESS:
        return false;
    case STATE_PREAMBLE:
        return recall_lacks(s->recall);
    case STATE_AUTO:
        break;
    }
    return s->binary || recall_lacks(s->recall) || frame_binary(&s->client.frame) ||
           frame_binary(&s->backend.frame) ||
           (s->opening && stateful_is(opening_target(s->opening), opening_protocol(s->opening),
                                      &c->reconnect.stateful));
}

/* The message that would be the first to go again: was it the last thing that this one ever got,
 * and the one before it too? */
static void blame(struct session *s)
{
    const struct leg *l = &s->backend;
    uint64_t first = s->up.acked.messages + 1;
    bool soon = l->owed > 0 && s->set->lp->now - l->owed < FATE_BLAME;
    if (l->end == LEG_END_CLOSE || !soon)
        s->poisoned = 0;
    else
        s->poisoned = (uint8_t)(s->blamed == first ? s->poisoned + 1 : 1);
    s->blamed = first;
}

static struct fate fate_of_leg(struct session *s)
{
    const struct leg *l = &s->backend;
    uint64_t now = s->set->lp->now, lived = now - s->since;
    s->brief = (uint8_t)(lived < FATE_BRIEF ? s->brief + 1 : 0);
    if (s->brief == 0 || s->reconnects == 0)
        s->window = now + s->conf->reconnect.window;
    blame(s);
    return fate(&(struct fate_of){
        .conf = s->conf,
        .what = FATE_LEG,
        .end = (enum leg_end)l->end,
        .code = l->code,
        .why = l->why ? (struct str){(const char *)l->why->data, l->why->len} : STR(""),
        .lived = lived,
        .reconnected = s->reconnects > 0,
        .draining = s->set->draining,
        .no_head = !s->opening,
        .torn = s->up.keep ? journal_torn(&s->up) : journal_open(&s->up),
        .given_up = l->given_up > 0,
        .client_mid = s->down.ready > s->down.last.off && !is_leaving(s, &s->client),
        .client_closed = leg_over(&s->client),
        .unacked = is_unacked(s),
        .stateful = is_stateful(s),
        .acked_here = l->proved || gone(s) > l->settled,
        .poisoned = s->poisoned,
        .brief = s->brief,
    });
}

static struct fate fate_of_attempt(const struct session *s, struct upgrade *u, const char **why)
{
    struct fate_of f = {.conf = s->conf, .draining = s->set->draining};
    enum upgrade_end end = u ? upgrade_end(u) : UPGRADE_LATE;
    f.window_over = !u || s->set->lp->now >= s->window;
    switch (end) {
    case UPGRADE_NONE:
    case UPGRADE_UNREACHABLE:
    case UPGRADE_LATE:
    case UPGRADE_SILENT:
        f.what = FATE_UNANSWERED;
        break;
    case UPGRADE_GARBAGE:
        f.what = FATE_MISMATCHED;
        *why = "no HTTP";
        break;
    case UPGRADE_ANSWERED:
        f.status = upgrade_view(u)->head.status;
        f.what = f.status == 101 ? FATE_MISMATCHED : FATE_ANSWERED;
        break;
    }
    return fate(&f);
}

/* ---- back ---- */

static void tell_client(struct session *s)
{
    const char *notice = s->conf->reconnect.notice;
    size_t n = notice ? strlen(notice) : 0;
    if (n == 0 || is_leaving(s, &s->client))
        return;
    struct buf text;
    uint8_t head[FRAME_HEAD_MAX];
    buf_init(&text);
    buf_add(&text, head,
            frame_head_write(&(struct frame_head){.fin = true, .opcode = FRAME_TEXT, .payload = n},
                             head));
    buf_add(&text, notice, n);
    leg_insert(&s->client, s->down.ready, text.data, text.len);
    buf_fini(&text);
}

/* What the client has had of it already. Where the next message would need what a swallowed one
 * said, none can be: the backend did not agree to do without. */
static uint32_t greeting_of(const struct session *s)
{
    const struct deflate *d = opening_deflate(s->opening);
    uint64_t most = s->conf->reconnect.greeting, had = s->backend.accepted;
    return d->on && !d->server_no_context ? 0 : (uint32_t)(had < most ? had : most);
}

static void introduce(struct session *s)
{
    struct str first = recall_first(s->recall);
    if (first.n > 0)
        leg_insert(&s->backend, s->up.sent, first.p, first.n);
}

static void attach(struct session *s, struct upgrade *u)
{
    struct loop *lp = s->set->lp;
    struct redial *r = s->redial;
    struct str rest;
    struct leg_setup setup = {
        .lp = lp,
        .conf = s->conf,
        .t = upgrade_take(u, &rest),
        .side = SIDE_BACKEND,
        .deflate = opening_deflate(s->opening)->on,
        .in = &s->down,
        .out = &s->up,
        /* What waited passes now; else it is idle as it was. */
        .spoke = is_owed(s) ? lp->now : s->backend.spoke,
        .accepted = s->backend.accepted,
        .settled = s->backend.settled,
        .told = s->backend.told,
        .swallow = greeting_of(s),
        .fn = s->backend.fn,
        .owner = s,
    };
    log_info("backend_back", LOG_MS("after", lp->now - s->since),
             LOG_U("attempts", redial_attempts(r)), LOG_U("again", s->again),
             LOG_TRACE(&s->trace, lp->conf->log.project));
    metric_add(lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    metric_add(lp->metrics, METRIC_UP_REPLAYED, s->again);
    metric_reconnect(lp->metrics, REASON_NONE, lp->now - s->since);
    comeback_waited(s);
    s->again = 0;
    s->reconnects++;
    s->since = lp->now;
    leg_open(&s->backend, &setup);
    s->away = false;
    s->backend.discard = is_leaving(s, &s->client);
    session_state(s, s->reason == REASON_NONE ? SESSION_LIVE : SESSION_CLOSING);
    tell_client(s);
    introduce(s);
    s->redial = NULL;
    unsigned events = leg_take(&s->backend, (const uint8_t *)rest.p, rest.n);
    redial_close(r, REASON_NONE);
    session_heard(s, &s->backend, events | LEG_DATA | LEG_ROOM);
}

static void on_attempt(void *owner, struct upgrade *u)
{
    struct session *s = owner;
    const char *why = NULL;
    bool answered = u && upgrade_end(u) == UPGRADE_ANSWERED;
    if (answered && opening_check(s->opening, &upgrade_view(u)->head, &why) == 0) {
        attach(s, u);
        return;
    }
    struct fate f = fate_of_attempt(s, u, &why);
    log_debug("reconnect_failed", LOG_S("why", why ? why : reasons[f.reason].label),
              LOG_U("status", answered ? upgrade_view(u)->head.status : 0),
              LOG_TRACE(&s->trace, s->set->lp->conf->log.project));
    if (f.then != FATE_END) {
        redial_again(s->redial, f.then == FATE_RECONNECT_LATER);
        shed_look(s->set);
        return;
    }
    session_end(s, f.reason);
    session_go_on(s);
}

/* ---- lost ---- */

/* A Close is answered, where nothing would have to go before that. */
static void answer_close(struct session *s)
{
    struct leg *l = &s->backend;
    if (l->end == LEG_END_CLOSE && s->up.sent == s->up.ready)
        leg_finish(l, l->code, NULL, 0, session_patience(s));
}

/* What goes again is counted; what shall not is settled. False: it has gone often enough. */
static bool rewind_up(struct session *s)
{
    struct journal *up = &s->up;
    uint64_t sent = journal_sent_messages(up);
    if (s->conf->reconnect.replay == REPLAY_UNSENT)
        leg_concede(&s->backend);
    if (recall_lost(s->recall, s->backend.inserted) < 0)
        return false;
    int err = journal_rewind(up);
    BUG_ON(err);
    if (leg_over(&s->client))
        leg_drop_begun(&s->client);
    s->again = sent - journal_sent_messages(up);
    return true;
}

bool comeback_begin(struct session *s)
{
    struct loop *lp = s->set->lp;
    struct fate f = fate_of_leg(s);
    if (f.then != FATE_END)
        answer_close(s);
    if (f.then != FATE_END && !rewind_up(s))
        f = (struct fate){FATE_END, REASON_UNANSWERED};
    if (f.then == FATE_END) {
        session_end(s, f.reason);
        return false;
    }
    log_info("backend_lost", LOG_S("reason", reasons[f.reason].label),
             LOG_MS("lived", lp->now - s->since), LOG_U("code", s->backend.code),
             LOG_TRACE(&s->trace, lp->conf->log.project));
    s->binary = s->binary || frame_binary(&s->backend.frame);
    leg_close(&s->backend);
    s->backend.end = LEG_END_EOF; /* its word was not for the client */
    s->backend.code = CLOSE_NONE;
    metric_sub(lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    metric_disconnect(lp->metrics, SIDE_BACKEND, f.reason);
    s->away = true;
    s->since = lp->now;
    session_state(s, SESSION_HEADLESS);
    s->redial =
        redial_new(lp, s->conf, s->opening, s->window, s->brief ? s->brief - 1u : 0, on_attempt, s);
    redial_again(s->redial, f.then == FATE_RECONNECT_LATER);
    return true;
}

/* In 100 ms go as many as may connect at once, those first that were lost first: even steps are
 * flatter than chance. No wait is longer than backoff_max, as before. */
void sessions_wake(struct sessions *set)
{
    const struct conf *c = set->lp->conf;
    const struct list *all = &set->state[SESSION_HEADLESS];
    uint64_t n = metrics_sum(&set->lp->metrics, 1, METRIC_SESSIONS_HEADLESS), i = 0;
    uint64_t span = n * 100 / c->limits.connecting;
    if (span > c->reconnect.backoff_max)
        span = c->reconnect.backoff_max;
    for (const struct list *at = all->next; at != all; at = at->next)
        redial_wake(CONTAINER_OF(at, struct session, node)->redial, span * i++ / n);
}

void comeback_stop(struct session *s)
{
    struct loop *lp = s->set->lp;
    if (s->redial)
        metric_reconnect(lp->metrics, s->reason, lp->now - s->since);
    redial_close(s->redial, s->reason);
    s->redial = NULL;
}

void comeback_waited(struct session *s)
{
    s->headless += (uint32_t)(s->set->lp->now - s->since);
}
