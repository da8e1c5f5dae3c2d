/* What one thread's loop has; passed to everything that lives on it.
 *
 * Calls up begin only in loop entries (poll, timer, mailbox, look-up): each of them calls
 * loop_enter() first, so that `now` is read once a turn. */
#ifndef WSKEEP_BASE_LOOP_H
#define WSKEEP_BASE_LOOP_H

#include "base/mailbox.h"
#include "base/metrics.h"
#include "base/poller.h"
#include "base/pool.h"
#include "base/timer.h"

#define LOOP_SCRATCH 65536u

struct conf;
struct resolver;
struct gate;

/* Work for the next turn of the loop: it runs after the entry that posted it has returned, before
 * the loop waits. */
struct task;
typedef void task_fn(struct task *t);
struct task {
    struct list node; /* linked while it is posted */
    task_fn *fn;
};
static inline void task_init(struct task *t, task_fn *fn)
{
    list_init(&t->node);
    t->fn = fn;
}

struct loop {
    uv_loop_t uv;
    uint64_t now; /* ms, monotonic; of this turn */
    unsigned id;  /* 0 the control loop, 1… the workers */
    struct poller poller;
    struct pool pool;
    struct timer trim; /* of the pool; set while it has spares */
    struct wheel wheel;
    struct mailbox mail;
    const struct conf *conf;   /* in force: what new connections begin with */
    struct metrics *metrics;   /* this loop's cells: it alone writes them */
    struct resolver *resolver; /* net/resolve's; NULL until resolver_open */
    struct gate *gate;         /* net/gate's; NULL until gate_open */
    uint8_t *scratch;          /* LOOP_SCRATCH bytes; their contents last until the entry returns */
    void *blocks; /* a few that were given back: each begins with the next one's address */
    unsigned block_count;
    struct list posted;
    bool stopped;
    uint64_t armed; /* when uv_timer fires, WHEEL_NEVER where it is stopped */
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_idle_t idle;
};

/* m: this loop's alone, and never NULL. */
int loop_open(struct loop *lp, unsigned id, const struct conf *conf, struct metrics *m);
/* Until loop_stop, or nothing is left to wait for. A set timer and a posted task are waited for,
 * the mailbox is not: a loop that lives for its letters says so by uv_ref on mail.async. */
void loop_run(struct loop *lp);
void loop_stop(struct loop *lp);
/* After loop_run: closes the mailbox, the wheel and the loop. 0, or UV_EBUSY: something was left
 * open (a bug, or a name look-up that cannot be cancelled). */
int loop_close(struct loop *lp);

static inline void loop_enter(struct loop *lp)
{
    lp->now = uv_now(&lp->uv);
}

/* A block of LOOP_SCRATCH bytes whose contents last until it is given back. */
uint8_t *loop_block_get(struct loop *lp);
void loop_block_put(struct loop *lp, uint8_t *block);

void loop_post(struct loop *lp, struct task *t); /* of a posted one: nothing */
void loop_unpost(struct loop *lp, struct task *t);
static inline void loop_timer(struct loop *lp, struct timer *t, uint64_t ms) /* fires ms from now */
{
    timer_set(&lp->wheel, t, lp->now + ms);
}

#endif
