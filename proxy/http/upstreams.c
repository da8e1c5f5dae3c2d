/* Kept-alive connections to the backend: see upstreams.h. */
#include "http/upstreams.h"
#include "base/mem.h"
#include <stdlib.h>

void upstreams_init(struct upstreams *set, struct loop *lp)
{
    set->lp = lp;
    list_init(&set->idle);
}

void upstreams_close(struct upstreams *set)
{
    while (!list_empty(&set->idle))
        upstream_close(CONTAINER_OF(set->idle.next, struct upstream, node), REASON_DRAIN);
}

/* An EOF, or bytes that nobody asked for: either way no answer could be told from them. */
static void on_idle(void *owner, unsigned events)
{
    (void)events;
    upstream_close(owner, REASON_BACKEND_EOF);
}

static void on_timer(struct timer *t)
{
    upstream_close(CONTAINER_OF(t, struct upstream, timer), REASON_IDLE);
}

struct upstream *upstream_new(struct upstreams *set, struct transport *t, struct conf *conf)
{
    struct upstream *u = mem_zalloc(sizeof(*u));
    u->set = set;
    u->conf = conf_ref(conf);
    list_init(&u->node);
    timer_init(&u->timer, on_timer);
    conn_open(&u->conn, set->lp, t, http1_new(false, conf->limits.head));
    metric_add(set->lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    return u;
}

struct upstream *upstreams_take(struct upstreams *set, const struct conf *conf)
{
    for (struct list *n = set->idle.prev, *older; n != &set->idle; n = older) {
        struct upstream *u = CONTAINER_OF(n, struct upstream, node);
        older = n->prev;
        if (u->conf != conf)
            continue;
        list_del(&u->node);
        timer_stop(&set->lp->wheel, &u->timer);
        if (conn_silent(&u->conn))
            return u;
        upstream_close(u, REASON_BACKEND_EOF);
    }
    return NULL;
}

void upstream_keep(struct upstream *u)
{
    list_add(&u->set->idle, &u->node);
    http1_clear(u->conn.parser);
    conn_owner(&u->conn, on_idle, u);
    conn_want(&u->conn, true);
    loop_timer(u->set->lp, &u->timer, u->conf->backend.keepalive_timeout);
}

void upstream_close(struct upstream *u, enum reason r)
{
    if (!u)
        return;
    struct loop *lp = u->set->lp;
    timer_stop(&lp->wheel, &u->timer);
    list_del(&u->node);
    if (r != REASON_NONE)
        metric_disconnect(lp->metrics, SIDE_BACKEND, r);
    metric_sub(lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
    conn_close(&u->conn);
    conf_unref(u->conf);
    free(u);
}
