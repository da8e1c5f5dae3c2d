/* Accepts connections on one loop.
 *
 * Owns the listening descriptor, its poll handle, and the timer of a pause. Never keeps a
 * connection, and never polls while it could not accept: level-triggered, that would spin. */
#include "net/listener.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* An event, so that a storm of connects does not starve who is connected already. */
#define ACCEPTS 64
/* Descriptors may be given back by another thread, which tells nobody. */
#define PAUSE_MS 100

struct listener {
    struct loop *lp;
    struct watch watch;
    struct timer resume; /* set: paused */
    struct log_limit limit;
    listener_fn *fn;
    listener_room_fn *room;
    void *owner;
    bool telling, closed; /* closed while it tells: it is freed behind that */
};

static void pause_for(struct listener *l, const char *why)
{
    struct loop *lp = l->lp;
    uint64_t suppressed;

    watch_mask(&lp->poller, &l->watch, 0);
    loop_timer(lp, &l->resume, PAUSE_MS);
    metric_add(lp->metrics, METRIC_ACCEPT_PAUSES, 1);
    if (log_allow(&l->limit, lp->now, &suppressed))
        log_warn("accept_paused", LOG_S("why", why), LOG_U("suppressed", suppressed));
}

/* accept(2): Linux hands errors of the new connection on to accept; they say nothing of the next
 * one. */
static bool passes(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM: /* a firewall's rule */
    case EPROTO:
        return true;
    default:
        return false;
    }
}

static void accept_some(struct listener *l, unsigned most)
{
    for (unsigned i = 0; i < most && !l->closed; i++) {
        if (!l->room(l->owner)) {
            pause_for(l, "limit");
            return;
        }
        struct sockaddr_storage peer = {0};
        socklen_t n = sizeof(peer);
        int fd = accept4(l->watch.fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->fn(l->owner, fd, &peer);
        } else if (errno == EAGAIN) {
            return;
        } else if (!passes(errno)) {
            pause_for(l, err_name(-errno));
            return;
        }
    }
}

static void on_watch(struct watch *w, uint32_t events)
{
    struct listener *l = CONTAINER_OF(w, struct listener, watch);

    (void)events; /* what is wrong, accept says more exactly */
    loop_enter(l->lp);
    l->telling = true;
    accept_some(l, ACCEPTS);
    l->telling = false;
    if (l->closed)
        free(l);
}

static void on_resume(struct timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, resume);
    watch_mask(&l->lp->poller, &l->watch, EPOLLIN);
}

int listener_open(struct loop *lp, int fd, listener_fn *fn, listener_room_fn *room, void *owner,
                  struct listener **out)
{
    struct listener *l = mem_zalloc(sizeof(*l));
    int err = watch_open(&lp->poller, &l->watch, fd, EPOLLIN, on_watch);
    if (err < 0) {
        free(l);
        return err;
    }
    l->lp = lp;
    l->fn = fn;
    l->room = room;
    l->owner = owner;
    timer_init(&l->resume, on_resume);
    *out = l;
    return 0;
}

void listener_resume(struct listener *l)
{
    if (!timer_is_set(&l->resume))
        return;
    timer_stop(&l->lp->wheel, &l->resume);
    on_resume(&l->resume);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    accept_some(l, LISTENER_BACKLOG);
    timer_stop(&l->lp->wheel, &l->resume);
    /* A Unix path's socket has a duplicate in each loop: the kernel would go on telling of it. */
    close(watch_release(&l->lp->poller, &l->watch));
    l->closed = true;
    if (!l->telling)
        free(l);
}
