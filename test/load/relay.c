/* relay LISTEN TARGET [BYTES]: the floor that proxies are measured against. It passes bytes between
 * 127.0.0.1:LISTEN and 127.0.0.1:TARGET and looks at none of them.
 *
 * One read (of BYTES at most) and one write for each event. What the other side does not take at
 * once is kept, and until it is gone nothing more is read for it. Once both sides have ended, what
 * one of them has not taken is dropped. */
#include "lib/clock.h"
#include "lib/net.h"
#include "lib/out.h"
#include "lib/watch.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS 64 /* at a time, before those that are there have their turn again */

/* The two sides of a connection lie one behind the other: who came, and whom we went to. */
struct side {
    struct watch watch;
    struct out out; /* bytes for this side */
    bool connected;
    bool ended; /* it sends no more */
    struct side *other;
};

static struct sockaddr_in target;
static size_t read_max = 65536;
static uint8_t *input;

static void pair_close(struct side *s)
{
    struct side *o = s->other;

    watch_close(&s->watch);
    watch_close(&o->watch);
    out_fini(&s->out);
    out_fini(&o->out);
    free(s < o ? s : o);
}

static void side_watch(struct side *s)
{
    const struct side *o = s->other;
    bool reads = s->connected && !s->ended && o->connected && !out_pending(&o->out);
    bool writes = !s->connected || out_pending(&s->out);

    watch_for(&s->watch, (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u));
}

/* False: the pair is done with. An end that is seen a second time was no polite one. */
static bool side_read(struct side *s)
{
    ssize_t n = read(s->watch.fd, input, read_max);

    if (n > 0)
        return out_write(&s->other->out, s->other->watch.fd, input, (size_t)n);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n < 0 || s->ended)
        return false;
    s->ended = true;
    shutdown(s->other->watch.fd, SHUT_WR);
    return !s->other->ended;
}

static bool side_turn(struct side *s, uint32_t events)
{
    if (events & EPOLLOUT) {
        if (!s->connected && net_error(s->watch.fd) != 0)
            return false;
        s->connected = true;
        if (!out_flush(&s->out, s->watch.fd))
            return false;
    }
    return !(events & ~(uint32_t)EPOLLOUT) || side_read(s);
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct side *s = CONTAINER_OF(w, struct side, watch);

    if (!side_turn(s, events)) {
        pair_close(s);
        return;
    }
    side_watch(s);
    side_watch(s->other);
}

static void pair_open(int fd)
{
    int on = net_connect(&target, NULL);
    struct side *side;

    if (on < 0) {
        close(fd);
        return;
    }
    side = mem_zalloc(2 * sizeof *side);
    side[0].connected = true;
    side[0].other = &side[1];
    side[1].other = &side[0];
    watch_open(&side[0].watch, fd, 0, on_ready);
    watch_open(&side[1].watch, on, EPOLLOUT, on_ready);
}

static void on_accept(struct watch *w, uint32_t events)
{
    int fd;

    (void)events;
    for (int i = 0; i < ACCEPTS && (fd = net_accept(w->fd)) >= 0; i++)
        pair_open(fd);
}

int main(int argc, char **argv)
{
    struct watch listener;

    if (argc < 3) {
        fputs("usage: relay LISTEN TARGET [BYTES]\n", stderr);
        return 2;
    }
    net_init();
    watch_init();
    target = net_local((uint16_t)atoi(argv[2]));
    if (argc > 3)
        read_max = (size_t)atol(argv[3]);
    input = mem_alloc(read_max);
    watch_open(&listener, net_listen((uint16_t)atoi(argv[1])), EPOLLIN, on_accept);
    for (;;)
        watch_turn(SECOND);
}
