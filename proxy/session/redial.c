/* How a session comes by a backend again: see redial.h. */
#include "session/redial.h"
#include "base/mem.h"
#include "base/token.h"
#include "net/gate.h"
#include <stdlib.h>

struct redial {
    struct loop *lp;
    struct conf *conf;
    const struct opening *opening;
    redial_fn *fn;
    void *owner;
    uint64_t until;
    unsigned attempts, failures;
    bool waits;         /* for the next attempt */
    bool late;          /* it was asked to */
    struct timer timer; /* then for that; else for `until` */
    struct pass pass;
    struct upgrade *upgrade; /* NULL: none under way */
};

static void stop(struct redial *r, enum reason why)
{
    timer_stop(&r->lp->wheel, &r->timer);
    gate_leave(r->lp->gate, &r->pass);
    upgrade_close(r->upgrade, why);
    r->upgrade = NULL;
    r->waits = false;
}

static void on_upgrade(void *owner, struct upgrade *u)
{
    struct redial *r = owner;
    timer_stop(&r->lp->wheel, &r->timer);
    gate_leave(r->lp->gate, &r->pass);
    if (upgrade_end(u) == UPGRADE_UNREACHABLE)
        gate_blame(r->lp->gate, r->conf, upgrade_err(u));
    r->fn(r->owner, u);
}

static void attempt(struct redial *r)
{
    r->attempts++;
    r->upgrade = upgrade_start(r->lp, r->conf, opening_request(r->opening),
                               r->conf->backend.handshake_timeout, on_upgrade, r);
}

static void on_pass(struct pass *p)
{
    attempt(CONTAINER_OF(p, struct redial, pass));
}

static void on_timer(struct timer *t)
{
    struct redial *r = CONTAINER_OF(t, struct redial, timer);
    if (!r->waits || r->lp->now >= r->until) {
        stop(r, REASON_RECONNECT_WINDOW);
        r->fn(r->owner, NULL);
        return;
    }
    r->waits = false;
    timer_set(&r->lp->wheel, t, r->until);
    if (gate_enter(r->lp->gate, &r->pass, GATE_RECONNECT))
        attempt(r);
}

struct redial *redial_new(struct loop *lp, struct conf *conf, const struct opening *o,
                          uint64_t until, unsigned failures, redial_fn *fn, void *owner)
{
    struct redial *r = mem_zalloc(sizeof(*r));
    *r = (struct redial){.lp = lp,
                         .conf = conf,
                         .opening = o,
                         .fn = fn,
                         .owner = owner,
                         .until = until,
                         .failures = failures};
    timer_init(&r->timer, on_timer);
    pass_init(&r->pass, on_pass);
    return r;
}

/* Full jitter: thousands that lost their backend together come back spread over all of the time. */
static uint64_t delay(const struct redial *r)
{
    uint64_t x, most = r->conf->reconnect.backoff_max;
    token_random(&x, sizeof(x));
    if (r->late)
        return most / 2 + x % (most / 2 + 1);
    uint64_t grown = r->conf->reconnect.backoff_min << (r->failures < 32 ? r->failures : 32);
    return x % ((grown < most ? grown : most) + 1);
}

static void wait_for(struct redial *r, uint64_t ms)
{
    uint64_t due = r->lp->now + ms;
    timer_set(&r->lp->wheel, &r->timer, due < r->until ? due : r->until);
}

void redial_again(struct redial *r, bool late)
{
    stop(r, REASON_NONE); /* the attempt has ended by itself */
    r->waits = true;
    r->late = late;
    wait_for(r, delay(r));
    r->failures++;
}

void redial_wake(struct redial *r, uint64_t ms)
{
    if (r->waits && !r->late)
        wait_for(r, ms);
}

unsigned redial_attempts(const struct redial *r)
{
    return r->attempts;
}

void redial_close(struct redial *r, enum reason why)
{
    if (!r)
        return;
    stop(r, why);
    free(r);
}
