/* A stream socket on a loop.
 *
 * Owns the descriptor, its poll handle, and a task for turns that poll does not give. Never
 * buffers, never calls up from a call down, never looks at the bytes.
 *
 * After POLLERR libuv 1.44.2 stops the handle and says UV_EBADF; started again it would say so at
 * every turn. From then on (`broken`) what is wanted is told by posted turns: the bytes that came
 * before the error can still be read. */
#include "net/transport.h"

#include "base/mem.h"
#include "net/faults.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct transport {
    uv_poll_t poll; /* its data: the owner, or detach's arg */
    struct task task;
    union {
        transport_fn *fn; /* NULL: no owner */
        void (*detached)(void *arg, int fd);
    };
    int fd;
    int16_t end;    /* how reading ended; 0: it has not */
    int16_t failed; /* how writing did */
    uint8_t wanted; /* of READ and WRITE */
    uint8_t polled; /* what the handle is started for; 0: stopped */
    bool broken;
    bool told; /* ENDED, to this owner */
    bool woken;
};
_Static_assert(sizeof(struct transport) <= 224, "two of them stand behind every idle session");

static struct loop *loop_of(const struct transport *t)
{
    return CONTAINER_OF(t->poll.loop, struct loop, uv);
}

/* What to poll for. UV_DISCONNECT is level-triggered too, so it goes once it has been told. */
static uint8_t mask(const struct transport *t)
{
    if (t->broken || t->fn == NULL)
        return 0;
    unsigned m = t->failed == 0 && (t->wanted & TRANSPORT_WRITE) ? UV_WRITABLE : 0;
    if (t->end != 0)
        return (uint8_t)m;
    if (t->wanted & TRANSPORT_READ)
        m |= UV_READABLE;
    else if (!t->told)
        m |= UV_DISCONNECT;
    return (uint8_t)m;
}

/* What is to be told without poll. */
static unsigned due(const struct transport *t)
{
    unsigned events = 0;
    if (t->woken || (t->broken && t->end == 0))
        events |= TRANSPORT_READ;
    if (t->broken && t->failed == 0)
        events |= TRANSPORT_WRITE;
    events &= t->wanted;
    if (t->broken && t->end == 0 && !t->told && !(t->wanted & TRANSPORT_READ))
        events |= TRANSPORT_ENDED;
    return t->fn != NULL ? events : 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Every start costs two epoll_ctl, changed or not. */
static void watch(struct transport *t)
{
    uint8_t m = mask(t);
    if (m != t->polled) {
        t->polled = m;
        uv_poll_start(&t->poll, m, on_poll);
    }
    if (due(t))
        loop_post(loop_of(t), &t->task);
}

static void tell(struct transport *t, unsigned events)
{
    if (events & TRANSPORT_READ)
        t->woken = false;
    if (events & TRANSPORT_ENDED)
        t->told = true;
    watch(t);
    if (events != 0)
        t->fn(t->poll.data, events);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct transport *t = CONTAINER_OF(poll, struct transport, poll);
    unsigned heard = 0;

    loop_enter(loop_of(t));
    if (status < 0) {
        t->broken = true;
        t->polled = 0;
        heard = due(t);
    } else {
        if ((events & UV_READABLE) && t->end == 0)
            heard |= TRANSPORT_READ;
        if ((events & UV_WRITABLE) && t->failed == 0)
            heard |= TRANSPORT_WRITE;
        if (events & UV_DISCONNECT)
            heard |= TRANSPORT_ENDED;
    }
    tell(t, heard);
}

static void on_task(struct task *task)
{
    struct transport *t = CONTAINER_OF(task, struct transport, task);
    tell(t, due(t));
}

void transport_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},
        /* More would stand between a ping and its peer, and count as unacked while the peer lives.
         */
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 131072},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}

int transport_open(struct loop *lp, int fd, struct transport **out)
{
    struct transport *t = mem_zalloc(sizeof(*t));
    int err = uv_poll_init(&lp->uv, &t->poll, fd);
    if (err < 0) {
        free(t);
        close(fd);
        return err;
    }
    t->fd = fd;
    task_init(&t->task, on_task);
    *out = t;
    return 0;
}

void transport_owner(struct transport *t, transport_fn *fn, void *owner)
{
    t->fn = fn;
    t->poll.data = owner;
    t->told = false;
    if (fn == NULL)
        transport_want(t, 0);
}

void transport_want(struct transport *t, unsigned events)
{
    t->wanted = (uint8_t)events;
    watch(t);
}

unsigned transport_wanted(const struct transport *t)
{
    return t->wanted;
}

void transport_wake(struct transport *t)
{
    t->woken = true;
    watch(t);
}

/* Of one piece recv costs 126 ns where readv costs 167 (measured on an empty socket), send
 * likewise. */
static ssize_t socket_read(int fd, const struct iovec *v, int n)
{
    return n == 1 ? recv(fd, v->iov_base, v->iov_len, 0) : readv(fd, v, n);
}

static ssize_t socket_write(int fd, const struct iovec *v, int n)
{
    if (n == 1)
        return send(fd, v->iov_base, v->iov_len, MSG_NOSIGNAL);
    struct msghdr m = {.msg_iov = (struct iovec *)v, .msg_iovlen = (size_t)n};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* EPIPE says no more than that writing is over. Any other error was the socket's own, which the
 * kernel tells once: to a reader that comes behind the write it would say EOF. */
static int16_t end_of_stream(const struct transport *t)
{
    return t->failed != 0 && t->failed != UV_EPIPE ? t->failed : (int16_t)UV_EOF;
}

ptrdiff_t transport_read(struct transport *t, const struct iovec *v, int n)
{
    if (t->end != 0)
        return t->end;
    ssize_t got = faults_read(t->fd, v, n, socket_read);
    if (got > 0)
        return got;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return UV_EAGAIN;
    t->end = got < 0 ? (int16_t)-errno : end_of_stream(t);
    return t->end;
}

ptrdiff_t transport_write(struct transport *t, const struct iovec *v, int n)
{
    if (t->failed != 0)
        return t->failed;
    ssize_t sent = faults_write(t->fd, v, n, socket_write);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    t->failed = (int16_t)-errno;
    return t->failed;
}

int transport_shutdown(struct transport *t)
{
    return shutdown(t->fd, SHUT_WR) < 0 ? -errno : 0;
}

int transport_error(const struct transport *t)
{
    int err = 0;
    socklen_t n = sizeof(err);
    return getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0 ? -errno : -err;
}

size_t transport_unacked(const struct transport *t)
{
    int queued = 0;
    return ioctl(t->fd, SIOCOUTQ, &queued) < 0 || queued < 0 ? 0 : (size_t)queued;
}

const char *transport_peer(const struct transport *t, char out[ADDRESS_IP_MAX])
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof(sa);
    getpeername(t->fd, (struct sockaddr *)&sa, &n);
    return address_ip(&sa, out);
}

static void stop(struct transport *t, uv_close_cb closed)
{
    loop_unpost(loop_of(t), &t->task);
    uv_close((uv_handle_t *)&t->poll, closed);
}

/* Not before: libuv looks its handles up by descriptor, and the number may be in use again at once.
 */
static void on_closed(uv_handle_t *handle)
{
    struct transport *t = CONTAINER_OF((uv_poll_t *)handle, struct transport, poll);
    close(t->fd);
    free(t);
}

void transport_close(struct transport *t)
{
    if (t != NULL)
        stop(t, on_closed);
}

void transport_reset(struct transport *t)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (t != NULL)
        setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    transport_close(t);
}

static void on_detached(uv_handle_t *handle)
{
    struct transport *t = CONTAINER_OF((uv_poll_t *)handle, struct transport, poll);
    void (*detached)(void *, int) = t->detached;
    void *arg = t->poll.data;
    int fd = t->fd;

    loop_enter(loop_of(t));
    free(t);
    detached(arg, fd);
}

void transport_detach(struct transport *t, void (*done)(void *arg, int fd), void *arg)
{
    t->detached = done;
    t->poll.data = arg;
    stop(t, on_detached);
}
