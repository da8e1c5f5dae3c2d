/* One epoll within libuv's: see poller.h. */
#include "base/poller.h"

#include "base/err.h"
#include "base/list.h"
#include <errno.h>
#include <unistd.h>

/* Told of at most in one turn of the loop; the others come in the next. */
#define POLLER_EVENTS 256

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct poller *p = poll->data;
    struct epoll_event ready[POLLER_EVENTS];
    (void)status, (void)events;
    int n = epoll_wait(p->fd, ready, POLLER_EVENTS, 0);
    p->next = ready;
    p->end = ready + (n > 0 ? n : 0);
    while (p->next < p->end) {
        const struct epoll_event *e = p->next++;
        struct watch *w = e->data.ptr;
        if (w)
            w->fn(w, e->events);
    }
}

int poller_open(struct poller *p, uv_loop_t *uv)
{
    *p = (struct poller){.fd = epoll_create1(EPOLL_CLOEXEC)};
    if (p->fd < 0)
        return -errno;
    int err = uv_poll_init(uv, &p->poll, p->fd);
    if (err < 0) {
        close(p->fd);
        return err;
    }
    p->poll.data = p;
    uv_poll_start(&p->poll, UV_READABLE, on_poll);
    uv_unref((uv_handle_t *)&p->poll);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    close(CONTAINER_OF((uv_poll_t *)handle, struct poller, poll)->fd);
}

int poller_close(struct poller *p)
{
    uv_close((uv_handle_t *)&p->poll, on_closed);
    return p->count > 0 ? UV_EBUSY : 0;
}

static int control(struct poller *p, int op, struct watch *w)
{
    struct epoll_event e = {.events = w->mask, .data.ptr = w};
    return epoll_ctl(p->fd, op, w->fd, &e) < 0 ? -errno : 0;
}

int watch_open(struct poller *p, struct watch *w, int fd, uint32_t mask, watch_fn *fn)
{
    *w = (struct watch){.fd = fd, .mask = mask, .fn = fn};
    int err = control(p, EPOLL_CTL_ADD, w);
    if (err < 0)
        return err;
    if (p->count++ == 0)
        uv_ref((uv_handle_t *)&p->poll);
    return 0;
}

void watch_mask(struct poller *p, struct watch *w, uint32_t mask)
{
    w->mask = mask;
    BUG_ON(control(p, EPOLL_CTL_MOD, w) < 0);
}

static void withdraw(struct poller *p, const struct watch *w)
{
    for (struct epoll_event *e = p->next; e < p->end; e++)
        if (e->data.ptr == w)
            e->data.ptr = NULL;
    if (--p->count == 0)
        uv_unref((uv_handle_t *)&p->poll);
}

/* With the last descriptor of what an epoll watches the kernel forgets it (epoll(7)), and w is not
 * told of any more: that saves a system call. */
void watch_close(struct poller *p, struct watch *w)
{
    withdraw(p, w);
    close(w->fd);
}

int watch_release(struct poller *p, struct watch *w)
{
    withdraw(p, w);
    BUG_ON(control(p, EPOLL_CTL_DEL, w) < 0);
    return w->fd;
}
