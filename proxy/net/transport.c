/* A stream socket on a loop.
 *
 * Owns the descriptor, its watch, and a task for a turn that poll does not give. Never buffers,
 * never calls up from a call down, never looks at the bytes. */
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

/* A reader's: the end is asked for too, so that one who pauses hears of it. */
#define READING (EPOLLIN | EPOLLRDHUP)

/* No retransmission or window probe comes sooner behind another (Linux's TCP_RTO_MIN). */
enum { RETRANSMIT_MS = 200 };

struct transport {
    struct loop *lp;
    struct watch watch;
    struct task task;
    transport_fn *fn; /* NULL: no owner */
    void *owner;
    int16_t end;    /* how reading ended; 0: it has not */
    int16_t failed; /* how writing did */
    uint8_t wanted; /* of READ and WRITE */
    bool told;      /* ENDED, to this owner */
    bool woken;
};
_Static_assert(sizeof(struct transport) <= 80, "two of them stand behind every idle session");

/* EPOLLRDHUP goes once it has been told: it holds for ever. So do EPOLLERR and EPOLLHUP, which
 * cannot be masked out: where neither reading nor writing would meet them they are to come but
 * once. */
static uint32_t mask(const struct transport *t)
{
    if (t->fn == NULL)
        return EPOLLET;
    uint32_t m = t->failed == 0 && (t->wanted & TRANSPORT_WRITE) ? EPOLLOUT : 0;
    if (t->end == 0 && (t->wanted & TRANSPORT_READ))
        m |= READING;
    else if (t->end == 0 && !t->told)
        m |= EPOLLRDHUP;
    return m & (EPOLLIN | EPOLLOUT) ? m : m | EPOLLET;
}

static void set_mask(struct transport *t, uint32_t m)
{
    if (m != t->watch.mask)
        watch_mask(&t->lp->poller, &t->watch, m);
}

static unsigned heard(const struct transport *t, uint32_t events)
{
    const uint32_t over = EPOLLERR | EPOLLHUP;
    unsigned what = 0;
    if (t->fn == NULL)
        return 0;
    if (t->end == 0 && (t->wanted & TRANSPORT_READ) && (events & (READING | over)))
        what |= TRANSPORT_READ;
    if (t->end == 0 && !(t->wanted & TRANSPORT_READ) && !t->told && (events & (EPOLLRDHUP | over)))
        what |= TRANSPORT_ENDED;
    if (t->failed == 0 && (t->wanted & TRANSPORT_WRITE) && (events & (EPOLLOUT | over)))
        what |= TRANSPORT_WRITE;
    return what;
}

/* A reader that pauses often goes on before anything comes: only an event that nobody wants takes
 * its mask away. */
static void watch(struct transport *t)
{
    uint32_t m = mask(t);
    if (t->watch.mask != READING || (m & EPOLLOUT))
        set_mask(t, m);
    if (t->woken && heard(t, EPOLLIN))
        loop_post(t->lp, &t->task);
}

static void tell(struct transport *t, unsigned what)
{
    if (what & TRANSPORT_READ)
        t->woken = false;
    if (what != 0)
        t->fn(t->owner, what);
}

static void on_watch(struct watch *w, uint32_t events)
{
    struct transport *t = CONTAINER_OF(w, struct transport, watch);
    loop_enter(t->lp);
    unsigned what = heard(t, events);
    if (what & TRANSPORT_ENDED)
        t->told = true;
    set_mask(t, mask(t));
    tell(t, what);
}

static void on_task(struct task *task)
{
    struct transport *t = CONTAINER_OF(task, struct transport, task);
    tell(t, heard(t, EPOLLIN));
}

void transport_options(int fd, bool peer_is_here)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        /* More would stand between a ping and its peer, and count as unacked while the peer lives.
         */
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 131072},
        /* From here on: of no use where one kernel has both ends, and 4 system calls a dial. */
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},
    };
    size_t n = peer_is_here ? 2 : sizeof(options) / sizeof(options[0]);
    for (size_t i = 0; i < n; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}

int transport_open(struct loop *lp, int fd, struct transport **out)
{
    struct transport *t = mem_zalloc(sizeof(*t));
    int err = watch_open(&lp->poller, &t->watch, fd, READING, on_watch);
    if (err < 0) {
        free(t);
        close(fd);
        return err;
    }
    t->lp = lp;
    task_init(&t->task, on_task);
    *out = t;
    return 0;
}

void transport_owner(struct transport *t, transport_fn *fn, void *owner)
{
    t->fn = fn;
    t->owner = owner;
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
    ssize_t got = faults_read(t->watch.fd, v, n, socket_read);
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
    ssize_t sent = faults_write(t->watch.fd, v, n, socket_write);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    t->failed = (int16_t)-errno;
    return t->failed;
}

int transport_shutdown(struct transport *t)
{
    return shutdown(t->watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

int transport_error(const struct transport *t)
{
    int err = 0;
    socklen_t n = sizeof(err);
    return getsockopt(t->watch.fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0 ? -errno : -err;
}

size_t transport_unacked(const struct transport *t)
{
    int queued = 0;
    return ioctl(t->watch.fd, SIOCOUTQ, &queued) < 0 || queued < 0 ? 0 : (size_t)queued;
}

uint64_t transport_vanishes_in(const struct transport *t, uint64_t ms)
{
    struct tcp_info i = {.tcpi_state = 0};
    socklen_t n = sizeof(i);
    if (getsockopt(t->watch.fd, IPPROTO_TCP, TCP_INFO, &i, &n) < 0)
        return ms; /* a Unix socket: its peer cannot vanish */
    if (i.tcpi_last_ack_recv < ms)
        return ms - i.tcpi_last_ack_recv;
    return i.tcpi_retransmits + i.tcpi_probes >= 2 ? 0 : RETRANSMIT_MS;
}

void transport_close(struct transport *t)
{
    if (t == NULL)
        return;
    loop_unpost(t->lp, &t->task);
    watch_close(&t->lp->poller, &t->watch);
    free(t);
}

void transport_reset(struct transport *t)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (t != NULL)
        setsockopt(t->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    transport_close(t);
}

int transport_detach(struct transport *t)
{
    int fd = watch_release(&t->lp->poller, &t->watch);
    loop_unpost(t->lp, &t->task);
    free(t);
    return fd;
}
