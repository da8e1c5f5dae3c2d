/* The sweep: see sweep.h. Journals' chunks go back by themselves (pool_trim); what is left is the
 * heap's. */
#include "sweep.h"
#include "base/log.h"
#include "config/conf.h"
#include <malloc.h>

void sweep_sum_up(const struct sweep *s)
{
#define SUM(id) metrics_sum(s->loops, s->n, METRIC_##id)
    log_info(
        "summary", LOG_U("sessions", SUM(SESSIONS_LIVE)), LOG_U("clients", SUM(CONNECTIONS_CLIENT)),
        LOG_U("backends", SUM(CONNECTIONS_BACKEND)), LOG_U("up_accepted", SUM(UP_ACCEPTED)),
        LOG_U("up_delivered", SUM(UP_DELIVERED)), LOG_U("up_unproven", SUM(UP_UNPROVEN)),
        LOG_U("up_lost", SUM(UP_LOST)), LOG_U("down_accepted", SUM(DOWN_ACCEPTED)),
        LOG_U("down_delivered", SUM(DOWN_DELIVERED)), LOG_U("down_unproven", SUM(DOWN_UNPROVEN)),
        LOG_U("down_lost", SUM(DOWN_LOST)), LOG_U("journal_bytes", SUM(JOURNAL_BYTES)));
#undef SUM
}

static void on_sweep(struct timer *t)
{
    struct sweep *s = CONTAINER_OF(t, struct sweep, timer);
    malloc_trim(0);
    sweep_sum_up(s);
    loop_timer(s->lp, t, s->lp->conf->timeouts.cleanup);
}

void sweep_start(struct sweep *s, struct loop *lp, struct metrics *const *loops, unsigned n)
{
    if (s->lp)
        sweep_stop(s);
    *s = (struct sweep){.lp = lp, .loops = loops, .n = n};
    timer_init(&s->timer, on_sweep);
    loop_timer(lp, &s->timer, lp->conf->timeouts.cleanup);
}

void sweep_stop(struct sweep *s)
{
    timer_stop(&s->lp->wheel, &s->timer);
}
