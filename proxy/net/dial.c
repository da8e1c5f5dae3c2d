/* One attempt to connect somewhere.
 *
 * Owns, while it lasts, its wait for a name or the socket that is connecting, and the timer of
 * either. Never retries an address, and never calls its owner from a call down. */
#include "net/dial.h"

#include "base/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct dial {
    struct loop *lp;
    struct lookup lookup;
    struct addresses *to; /* NULL: not known yet */
    unsigned next;        /* of `to`: what to try next */
    struct transport *t;  /* NULL: nothing is connecting or connected */
    struct timer timer;   /* the share of the attempt under way, or of the look-up: all */
    struct task task;     /* for what is known before any event */
    uint64_t deadline;    /* ms */
    int err;
    bool counted;
    dial_fn *fn;
    void *owner;
};

static void count(const struct dial *d, enum metric what)
{
    if (d->counted)
        metric_add(d->lp->metrics, what, 1);
}

static void dial_free(struct dial *d)
{
    lookup_cancel(&d->lookup);
    timer_stop(&d->lp->wheel, &d->timer);
    loop_unpost(d->lp, &d->task);
    addresses_unref(d->to);
    free(d);
}

/* Frees it, and gives the transport to whoever is told. */
static struct transport *take(struct dial *d)
{
    struct transport *t = d->t;

    dial_free(d);
    if (t != NULL)
        transport_owner(t, NULL, NULL);
    return t;
}

/* The last thing that happens to a dial. */
static void tell(struct dial *d)
{
    dial_fn *fn = d->fn;
    void *owner = d->owner;
    int err = d->err;

    count(d, dial_metric(err));
    fn(owner, err, take(d));
}

static int connect_to(int fd, const struct sockaddr_storage *sa)
{
    const struct sockaddr *to = (const struct sockaddr *)sa;
    if (connect(fd, to, address_len(sa)) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    /* On the loopback, where the backend is, it is decided by now; to ask costs less than to wait
     * (5 system calls). */
    return connect(fd, to, address_len(sa)) == 0 ? 0 : -errno;
}

/* 0 connected, UV_EALREADY under way: both with d->t. Otherwise why not. */
static int attempt(struct dial *d, const struct sockaddr_storage *sa)
{
    int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (sa->ss_family != AF_UNIX)
        transport_options(fd, address_is_loopback(sa));
    int err = connect_to(fd, sa);
    if (err < 0 && err != UV_EALREADY) {
        close(fd);
        return err;
    }
    int opened = transport_open(d->lp, fd, &d->t);
    return opened < 0 ? opened : err;
}

static void on_event(void *owner, unsigned events);

/* A fair part of what is left of the time, so that one silent address does not use it all up. */
static uint64_t share(const struct dial *d)
{
    uint64_t left = d->lp->now < d->deadline ? d->deadline - d->lp->now : 0;
    return left / (d->to->count - d->next + 1);
}

/* Tries the next addresses until one connects, or waits. False: one waits. True: d->err says how it
 * ended. */
static bool step(struct dial *d)
{
    while (d->to != NULL && d->next < d->to->count) {
        d->err = attempt(d, &d->to->at[d->next++]);
        if (d->err == 0)
            return true;
        if (d->err == UV_EALREADY) {
            transport_owner(d->t, on_event, d);
            transport_want(d->t, TRANSPORT_WRITE);
            loop_timer(d->lp, &d->timer, share(d));
            return false;
        }
    }
    return true;
}

/* What was waited for has come to an end. The last statement of its caller. */
static void settle(struct dial *d, int err)
{
    d->err = err;
    if (err < 0) {
        transport_close(d->t);
        d->t = NULL;
        if (!step(d))
            return;
    }
    tell(d);
}

static void on_event(void *owner, unsigned events)
{
    struct dial *d = owner;
    (void)events; /* whichever: the socket says more exactly what came of it */
    settle(d, transport_error(d->t));
}

static void on_timer(struct timer *timer)
{
    settle(CONTAINER_OF(timer, struct dial, timer), UV_ETIMEDOUT);
}

static void on_task(struct task *task)
{
    tell(CONTAINER_OF(task, struct dial, task));
}

/* Others may wait for the same name: what is known at once is told by a task. */
static void on_lookup(struct lookup *q, int err, struct addresses *found)
{
    struct dial *d = CONTAINER_OF(q, struct dial, lookup);

    timer_stop(&d->lp->wheel, &d->timer);
    d->err = err;
    d->to = found;
    if (err < 0 || step(d))
        loop_post(d->lp, &d->task);
}

struct dial *dial_start(struct loop *lp, const struct address *to, uint64_t timeout_ms,
                        bool counted, dial_fn *fn, void *owner, struct transport **now)
{
    struct dial *d = mem_alloc(sizeof(*d));
    *d = (struct dial){
        .lp = lp, .deadline = lp->now + timeout_ms, .counted = counted, .fn = fn, .owner = owner};
    lookup_init(&d->lookup, on_lookup);
    timer_init(&d->timer, on_timer);
    task_init(&d->task, on_task);
    d->err = resolver_find(lp, to, &d->lookup, &d->to);
    if (d->err == 0 && d->to == NULL)
        loop_timer(lp, &d->timer, timeout_ms);
    else if (d->err < 0 || step(d)) {
        if (d->t != NULL) {
            count(d, METRIC_DIAL_OK);
            *now = take(d);
            return NULL;
        }
        loop_post(lp, &d->task);
    }
    return d;
}

void dial_cancel(struct dial *d)
{
    if (d == NULL)
        return;
    count(d, METRIC_DIAL_CANCELLED);
    transport_close(d->t);
    dial_free(d);
}

enum metric dial_metric(int err)
{
    switch (err) {
    case 0:
        return METRIC_DIAL_OK;
    case UV_ECONNREFUSED:
    case UV_ENOENT:
        return METRIC_DIAL_REFUSED;
    case UV_ETIMEDOUT:
        return METRIC_DIAL_TIMEOUT;
    default:
        return err <= UV_EAI_ADDRFAMILY && err >= UV_EAI_SOCKTYPE ? METRIC_DIAL_RESOLVE
                                                                  : METRIC_DIAL_ERROR;
    }
}
