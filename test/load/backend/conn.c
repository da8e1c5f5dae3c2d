/* Reads, writes and ends; what the bytes mean is for http and service to say. Owns the connections,
 * and one buffer to read into for all of them. */
#include "conn.h"

#include "http.h"
#include "service.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void conn_free(struct conn *c)
{
    timer_stop(&wheel, &c->tick);
    watch_close(&c->watch);
    out_fini(&c->out);
    buf_fini(&c->head);
    free(c);
}

void conn_put(struct conn *c, const void *p, size_t n)
{
    if (!c->over && !out_write(&c->out, c->watch.fd, p, n))
        c->over = true;
}

void conn_puts(struct conn *c, const char *s)
{
    conn_put(c, s, strlen(s));
}

/* While the peer does not take what it has coming, no more is read that would be answered. */
static bool hears(const struct conn *c)
{
    return !out_pending(&c->out) || (c->service && service_pushes(c));
}

static bool has_more(const struct conn *c)
{
    return c->service ? service_has_more(c) : c->given < c->bytes;
}

static void take(struct conn *c, const uint8_t *p, size_t n)
{
    size_t taken = c->service ? 0 : http_take(c, p, n);

    if (c->service && taken < n)
        service_take(c, p + taken, n - taken);
}

static void conn_read(struct conn *c)
{
    static uint8_t input[READ_MAX];
    ssize_t n = read(c->watch.fd, input, sizeof input);

    if (n > 0)
        take(c, input, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        c->over = true;
}

static bool is_done(const struct conn *c)
{
    return c->over || (c->ending && !http_busy(c) && !out_pending(&c->out));
}

void conn_settle(struct conn *c)
{
    bool writes;

    if (!is_done(c) && has_more(c) && !out_pending(&c->out)) {
        if (c->service)
            service_fill(c);
        else
            http_fill(c);
    }
    writes = out_pending(&c->out) || has_more(c);
    if (is_done(c))
        conn_free(c);
    else
        watch_for(&c->watch, (hears(c) ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u));
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct conn *c = CONTAINER_OF(w, struct conn, watch);

    if ((events & EPOLLOUT) && !out_flush(&c->out, w->fd))
        c->over = true;
    if (!c->over && (events & EPOLLIN))
        conn_read(c);
    else if (events & (EPOLLERR | EPOLLHUP))
        c->over = true;
    conn_settle(c);
}

void conn_open(int fd)
{
    struct conn *c = mem_zalloc(sizeof *c);

    timer_init(&c->tick, NULL);
    watch_open(&c->watch, fd, EPOLLIN, on_ready);
}
