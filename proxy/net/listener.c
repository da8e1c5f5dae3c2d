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
    uv_poll_t poll;
    struct timer resume; /* set: paused */
    struct log_limit limit;
    listener_fn *fn;
    listener_room_fn *room;
    void *owner;
    int fd;
};

static struct loop *loop_of(const struct listener *l)
{
    return CONTAINER_OF(l->poll.loop, struct loop, uv);
}

static void pause_for(struct listener *l, const char *why)
{
    struct loop *lp = loop_of(l);
    uint64_t suppressed;

    uv_poll_stop(&l->poll);
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
    for (unsigned i = 0; i < most && !uv_is_closing((uv_handle_t *)&l->poll); i++) {
        if (!l->room(l->owner)) {
            pause_for(l, "limit");
            return;
        }
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->fn(l->owner, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!passes(errno)) {
            pause_for(l, err_name(-errno));
            return;
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct listener *l = CONTAINER_OF(poll, struct listener, poll);

    (void)status, (void)events; /* what is wrong, accept says more exactly */
    loop_enter(loop_of(l));
    accept_some(l, ACCEPTS);
}

static void on_resume(struct timer *t)
{
    uv_poll_start(&CONTAINER_OF(t, struct listener, resume)->poll, UV_READABLE, on_poll);
}

int listener_open(struct loop *lp, int fd, listener_fn *fn, listener_room_fn *room, void *owner,
                  struct listener **out)
{
    struct listener *l = mem_zalloc(sizeof(*l));
    int err = uv_poll_init(&lp->uv, &l->poll, fd);
    if (err < 0) {
        free(l);
        return err;
    }
    l->fd = fd;
    l->fn = fn;
    l->room = room;
    l->owner = owner;
    timer_init(&l->resume, on_resume);
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
    *out = l;
    return 0;
}

void listener_resume(struct listener *l)
{
    if (!timer_is_set(&l->resume))
        return;
    timer_stop(&loop_of(l)->wheel, &l->resume);
    on_resume(&l->resume);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = CONTAINER_OF((uv_poll_t *)handle, struct listener, poll);
    close(l->fd);
    free(l);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    accept_some(l, LISTENER_BACKLOG);
    timer_stop(&loop_of(l)->wheel, &l->resume);
    uv_close((uv_handle_t *)&l->poll, on_closed);
}
