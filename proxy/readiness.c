/* Readiness: see readiness.h. Owns its probe, and the WebSocket that it takes leave of. */
#include "readiness.h"
#include "base/err.h"
#include "base/log.h"
#include "wire/control.h"
#include <string.h>

/* Not more than one: it may have met a server that was just ending. */
#define SILENT_PROBES 2u

static void say(struct readiness *r, const char *why)
{
    const char *address = r->conf->backend.address.text;
    if (r->said)
        return;
    r->said = true;
    if (r->ready)
        log_info("backend_ready", LOG_S("address", address), LOG_S("why", why));
    else
        log_warn("backend_not_ready", LOG_S("address", address), LOG_S("why", why));
}

static void set(struct readiness *r, bool ready)
{
    if (ready != r->ready)
        r->said = false;
    r->ready = ready;
    metric_set(r->lp->metrics, METRIC_BACKEND_READY, ready);
}

/* ---- asking ---- */

static bool asks_root(const struct readiness *r)
{
    return !*r->conf->readiness.http && !*r->conf->readiness.websocket;
}

static void on_probe(void *owner, struct upgrade *u);

static void on_timer(struct timer *t)
{
    struct readiness *r = CONTAINER_OF(t, struct readiness, timer);
    const struct conf *c = r->conf;
    bool websocket = *c->readiness.websocket;
    r->next = r->lp->now + c->readiness.interval;
    buf_clear(&r->head);
    upgrade_ask(c,
                websocket      ? c->readiness.websocket
                : asks_root(r) ? "/"
                               : c->readiness.http,
                "readiness", websocket, "", &r->head);
    r->probe = upgrade_start(r->lp, r->conf, (struct str){(char *)r->head.data, r->head.len},
                             r->conf->backend.handshake_timeout, on_probe, r);
}

static void ask(struct readiness *r)
{
    if (!r->probe)
        loop_timer(r->lp, &r->timer, r->next > r->lp->now ? r->next - r->lp->now : 0);
}

/* ---- what the answer says ---- */

static bool is_good(const struct readiness *r, struct upgrade *u, const char **why)
{
    unsigned status = upgrade_view(u)->head.status;
    if (*r->conf->readiness.websocket)
        return upgrade_switched(u, why);
    if (*r->conf->readiness.http)
        return status >= 200 && status < 300;
    return status != 502 && status != 503 && status != 504; /* others answer so in its place */
}

static bool judge(struct readiness *r, struct upgrade *u, const char **why)
{
    enum upgrade_end end = upgrade_end(u);
    r->silent = end == UPGRADE_SILENT && upgrade_err(u) == 0 ? r->silent + 1 : 0;
    *why = upgrade_why(u);
    switch (end) {
    case UPGRADE_NONE:
    case UPGRADE_UNREACHABLE:
    case UPGRADE_LATE:
        break;
    case UPGRADE_SILENT:
        /* A server of WebSockets alone may drop a plain GET: it lives. A reset is no such sign: it
         * is what a server that crashes leaves of those in its queue. */
        return asks_root(r) && r->silent >= SILENT_PROBES;
    case UPGRADE_GARBAGE:
        /* So may one that speaks its own protocol; that its answers are no HTTP is for the client's
         * 502 to say. */
        return asks_root(r);
    case UPGRADE_ANSWERED:
        return is_good(r, u, why);
    }
    return false;
}

/* ---- leave of a WebSocket ---- */

static void leave(struct readiness *r)
{
    if (!r->leaving.t)
        return;
    timer_stop(&r->lp->wheel, &r->patience);
    conn_close(&r->leaving);
    metric_disconnect(r->lp->metrics, SIDE_BACKEND, REASON_DONE);
    metric_sub(r->lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
}

static void on_leaving(void *owner, unsigned events)
{
    struct readiness *r = owner;
    if (events & CONN_ENDED || !conn_discard(&r->leaving) || r->leaving.broken)
        leave(r);
}

static void on_patience(struct timer *t)
{
    leave(CONTAINER_OF(t, struct readiness, patience));
}

/* So that the application sees a client that leaves, and not one that was lost. */
static void say_goodbye(struct readiness *r, struct upgrade *u)
{
    uint8_t bye[CONTROL_FRAME_MAX];
    struct str rest;
    leave(r);
    conn_open(&r->leaving, r->lp, upgrade_take(u, &rest), NULL);
    conn_owner(&r->leaving, on_leaving, r);
    metric_add(r->lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    conn_write(&r->leaving, bye, control_close(1000, NULL, 0, true, bye));
    conn_flush(&r->leaving);
    loop_timer(r->lp, &r->patience, r->conf->timeouts.close);
}

static void on_probe(void *owner, struct upgrade *u)
{
    struct readiness *r = owner;
    const char *why = NULL;
    bool ready = judge(r, u, &why);
    if (ready && *r->conf->readiness.websocket)
        say_goodbye(r, u);
    set(r, ready);
    say(r, why);
    upgrade_close(u, REASON_NONE);
    r->probe = NULL;
    if (ready)
        r->changed(r->owner);
    else
        ask(r);
}

/* ---- from without ---- */

void readiness_start(struct readiness *r, struct loop *lp, struct conf *conf,
                     void (*changed)(void *owner), void *owner)
{
    *r = (struct readiness){.lp = lp, .conf = conf, .changed = changed, .owner = owner};
    timer_init(&r->timer, on_timer);
    timer_init(&r->patience, on_patience);
    buf_init(&r->head);
    set(r, false);
    ask(r);
}

void readiness_failed(struct readiness *r)
{
    if (!r->ready)
        return;
    set(r, false);
    say(r, "it could not be reached");
    ask(r);
}

void readiness_reload(struct readiness *r, struct conf *conf)
{
    const struct conf *old = r->conf;
    bool same = strcmp(old->backend.address.text, conf->backend.address.text) == 0 &&
                strcmp(old->readiness.http, conf->readiness.http) == 0 &&
                strcmp(old->readiness.websocket, conf->readiness.websocket) == 0;
    r->conf = conf;
    if (same)
        return;
    upgrade_close(r->probe, REASON_DONE);
    r->probe = NULL;
    r->silent = 0;
    r->said = false;
    set(r, false);
    ask(r);
}

void readiness_stop(struct readiness *r)
{
    timer_stop(&r->lp->wheel, &r->timer);
    upgrade_close(r->probe, REASON_DRAIN);
    leave(r);
    buf_fini(&r->head);
}
