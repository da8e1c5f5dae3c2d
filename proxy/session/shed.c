/* What goes first when memory runs out: see shed.h.
 *
 * What all loops hold is the sum of their gauges, which each writes once a turn. */
#include "session/shed.h"
#include "base/log.h"
#include "session/session_body.h"

/* ms after the first bytes that came: meanwhile the peers' TCP takes what may be given up, and even
 * 10 Gbit/s bring no more than 12 MB; while it is still too much: looking at all sessions of a loop
 * takes it a millisecond or so. */
enum { SHED_SOON = 10, SHED_AGAIN = 100 };

static uint64_t held_by_all(const struct sessions *set)
{
    return metrics_sum(set->loops, set->n, METRIC_JOURNAL_BYTES) +
           metrics_sum(set->loops, set->n, METRIC_KEPT_BYTES);
}

bool shed_is_full(const struct sessions *set)
{
    return held_by_all(set) >= set->lp->conf->buffer.total;
}

/* This loop's part as it is now, that of the others as they last said. */
static bool is_over(const struct sessions *set)
{
    const struct loop *lp = set->lp;
    metric_set(lp->metrics, METRIC_JOURNAL_BYTES, lp->pool.held);
    return held_by_all(set) > lp->conf->buffer.total;
}

static void relieve_all(struct sessions *set)
{
    for (int i = 0; i < SESSION_STATES; i++)
        for (struct list *n = set->state[i].next; n != &set->state[i]; n = n->next) {
            struct session *s = CONTAINER_OF(n, struct session, node);
            leg_relieve(&s->backend, 0);
            leg_relieve(&s->client, 0);
        }
}

/* Each ends in a turn of its own. */
static unsigned end_headless(struct sessions *set)
{
    struct list *headless = &set->state[SESSION_HEADLESS];
    unsigned n = 0;
    for (; is_over(set) && !list_empty(headless); n++)
        session_shed(CONTAINER_OF(headless->next, struct session, node));
    return n;
}

static void on_shed(struct timer *t)
{
    struct sessions *set = CONTAINER_OF(t, struct sessions, shed);
    static _Thread_local struct log_limit limit;
    uint64_t more;
    if (!is_over(set))
        return;
    relieve_all(set);
    unsigned ended = end_headless(set);
    if (is_over(set))
        loop_timer(set->lp, t, SHED_AGAIN);
    if (log_allow(&limit, set->lp->now, &more))
        log_warn("buffer_total_reached", LOG_U("held", held_by_all(set)),
                 LOG_U("total", set->lp->conf->buffer.total), LOG_U("headless_ended", ended),
                 LOG_U("suppressed", more));
}

void shed_init(struct sessions *set)
{
    timer_init(&set->shed, on_shed);
}

void shed_look(struct sessions *set)
{
    if (!timer_is_set(&set->shed))
        loop_timer(set->lp, &set->shed, SHED_SOON);
}
