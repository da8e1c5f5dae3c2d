/* Transports whose owners and peers do anything at all, against what poll(2) says of their sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/chance.h"
#include "loop/lib/rig.h"
#include "net/transport.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENDS = 6, STEPS = 400, ROUNDS = 30 };

struct end {
    struct transport *t;
    int fd, peer;  /* fd: the transport's; peer -1: gone */
    unsigned want; /* what it has asked for */
    bool owned, told, ended, failed, due;
    unsigned born; /* in which turn: what poll tells in that turn was not of it */
    unsigned heard;
};

static struct rig rig;
static struct end ends[ENDS];
static bool acting; /* what is told makes its owner do something */

/* ---- what they do ---- */

static void act(struct end *e);

static void on_event(void *owner, unsigned events)
{
    struct end *e = owner;
    assert_non_null(e->t);
    assert_true(e->owned);
    assert_true(events != 0);
    assert_true(e->due || e->born != rig.turns);
    assert_int_equal(events & ~(e->want | TRANSPORT_ENDED), 0);
    assert_false((events & (TRANSPORT_READ | TRANSPORT_ENDED)) && e->ended);
    assert_false((events & TRANSPORT_WRITE) && e->failed);
    assert_false((events & TRANSPORT_ENDED) && (e->told || (e->want & TRANSPORT_READ)));
    e->told = e->told || (events & TRANSPORT_ENDED);
    e->due = e->due && !(events & TRANSPORT_READ);
    e->heard |= events;
    if (acting)
        act(draw(3) ? e : &ends[draw(ENDS)]);
}

static void wants(struct end *e, unsigned want)
{
    e->want = want;
    transport_want(e->t, want);
}

static void owns(struct end *e, bool on)
{
    e->owned = on;
    e->told = false;
    transport_owner(e->t, on ? on_event : NULL, on ? e : NULL);
    if (on)
        wants(e, (unsigned)draw(4));
    else
        e->want = 0;
}

static void end_open(struct end *e)
{
    rig_pair *const pairs[] = {rig_tcp_pair, rig_unix_pair, rig_narrow_pair};
    int fd[2];
    pairs[draw(3)](fd);
    *e = (struct end){.fd = fd[0], .peer = fd[1], .born = rig.turns};
    assert_int_equal(transport_open(&rig.lp, fd[0], &e->t), 0);
    if (draw(4))
        owns(e, true);
}

static void end_close(struct end *e)
{
    if (draw(2))
        transport_close(e->t);
    else
        transport_reset(e->t);
    e->t = NULL;
    if (e->peer >= 0)
        close(e->peer);
}

static void reads(struct end *e)
{
    static char bytes[1 << 20];
    struct iovec v = {bytes, draw(2) ? 1 + draw(9) : sizeof(bytes)};
    ptrdiff_t n = transport_read(e->t, &v, 1);
    e->ended = e->ended || (n <= 0 && n != UV_EAGAIN);
}

static void writes(struct end *e)
{
    static char bytes[1 << 20];
    struct iovec v = {bytes, draw(2) ? 1 + draw(9) : sizeof(bytes)};
    e->failed = transport_write(e->t, &v, 1) < 0 || e->failed;
}

static void peer_acts(struct end *e)
{
    static char bytes[1 << 20];
    if (e->peer < 0)
        return;
    switch (draw(7)) {
    case 0:
        shutdown(e->peer, SHUT_WR);
        return;
    case 1:
        close(e->peer);
        e->peer = -1;
        return;
    case 2:
        rig_reset(e->peer);
        e->peer = -1;
        return;
    case 3:
        send(e->peer, "!", 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    case 4:
        recv(e->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
        return;
    default:
        send(e->peer, bytes, 1 + draw(9), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void act(struct end *e)
{
    switch (draw(16)) {
    case 0:
        end_close(e);
        end_open(e); /* the number and the memory are likely to be the same */
        return;
    case 1:
        owns(e, draw(4));
        return;
    case 2:
        transport_wake(e->t);
        e->due = true;
        return;
    case 3:
        transport_shutdown(e->t);
        return;
    case 4:
    case 5:
        writes(e);
        return;
    case 6:
    case 7:
    case 8:
        reads(e);
        return;
    case 9:
    case 10:
    case 11:
        if (e->owned)
            wants(e, (unsigned)draw(4));
        return;
    default:
        peer_acts(e);
    }
}

/* ---- what is to be told ---- */

static short ready(const struct end *e)
{
    struct pollfd p = {.fd = e->fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    assert_true(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static unsigned due(const struct end *e, short is)
{
    const short over = POLLERR | POLLHUP;
    bool reading = e->want & TRANSPORT_READ;
    unsigned what = 0;
    if (!e->owned)
        return 0;
    if (!e->ended && reading && (e->due || (is & (POLLIN | POLLRDHUP | over))))
        what |= TRANSPORT_READ;
    if (!e->ended && !reading && !e->told && (is & (POLLRDHUP | over)))
        what |= TRANSPORT_ENDED;
    if (!e->failed && (e->want & TRANSPORT_WRITE) && (is & (POLLOUT | over)))
        what |= TRANSPORT_WRITE;
    return what;
}

/* Nobody does anything for some turns: what holds is told, and where nothing does the loop sleeps.
 */
static void look(void)
{
    short before[ENDS];
    unsigned want[ENDS], all = 0;
    rig_turn(&rig, 1); /* the tasks of those who were woken, and have heard since */
    for (int i = 0; i < ENDS; i++) {
        before[i] = ready(&ends[i]);
        want[i] = due(&ends[i], before[i]);
        ends[i].heard = 0;
        all |= want[i];
    }
    rig_turn(&rig, 3);
    for (int i = 0; i < ENDS; i++) {
        bool stood = ready(&ends[i]) == before[i];
        assert_int_equal(want[i] & ~ends[i].heard, 0);
        assert_false(stood && (ends[i].heard & ~want[i]));
        all |= stood ? 0 : 1;
    }
    struct pollfd p = {.fd = rig.lp.poller.fd, .events = POLLIN};
    if (all == 0)
        assert_int_equal(poll(&p, 1, 0), 0);
}

static void what_holds_is_told_and_nothing_else(void **state)
{
    (void)state;
    rig_open(&rig);
    for (int i = 0; i < ENDS; i++)
        end_open(&ends[i]);
    for (int i = 0; i < STEPS; i++) {
        for (uint64_t n = draw(4); n > 0; n--)
            act(&ends[draw(ENDS)]);
        acting = true;
        rig_turn(&rig, (unsigned)draw(3));
        acting = false;
        look();
    }
    for (int i = 0; i < ENDS; i++)
        end_close(&ends[i]);
    rig_close(&rig);
}

int main(void)
{
    return CHANCE_ROUNDS(what_holds_is_told_and_nothing_else, ROUNDS);
}
