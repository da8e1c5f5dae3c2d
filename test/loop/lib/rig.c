/* A loop to test on. Owns nothing beyond the rig; every failure is cmocka's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/rig.h"
#include "loop/lib/settings.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PULSE    100 /* ms */
#define PATIENCE 60  /* s, of one test; under a sanitizer, on a busy machine */

static atomic_uint epoll_calls;
static atomic_int full = -1;   /* the epoll that takes no more */
static _Atomic uint64_t leapt; /* ms */
static atomic_bool frozen;

/* In place of libc's: libuv's calls too come here. */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    atomic_fetch_add(&epoll_calls, 1);
    if (epfd == full && op == EPOLL_CTL_ADD) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

/* libuv's clock, likewise. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
    int err = (int)syscall(SYS_clock_gettime, id, ts);
    if (err == 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
        if (frozen)
            *ts = (struct timespec){.tv_sec = 1};
        uint64_t ahead = atomic_load(&leapt);
        ts->tv_sec += (time_t)(ahead / 1000);
        ts->tv_nsec += (long)(ahead % 1000) * 1000000;
        if (ts->tv_nsec >= 1000000000) {
            ts->tv_nsec -= 1000000000;
            ts->tv_sec++;
        }
    }
    return err;
}

void rig_leap(uint64_t ms)
{
    atomic_fetch_add(&leapt, ms);
}

void rig_freeze(void)
{
    frozen = true;
    leapt = 0;
}

void rig_full(struct rig *r, bool on)
{
    full = on ? r->lp.poller.fd : -1;
}

unsigned rig_epoll_calls(void)
{
    return atomic_load(&epoll_calls);
}

static void on_prepare(uv_prepare_t *prepare)
{
    CONTAINER_OF(prepare, struct rig, prepare)->turns++;
}

/* A turn looks for timers first and then waits: for ever, where a timer did what was waited for. */
static void on_pulse(uv_timer_t *pulse)
{
    (void)pulse;
}

void rig_open(struct rig *r)
{
    *r = (struct rig){.turns = 0};
    if (!frozen)
        alarm(PATIENCE);
    r->conf = settings_conf(NULL, NULL);
    assert_int_equal(loop_open(&r->lp, 1, r->conf, &r->metrics), 0);
    uv_prepare_init(&r->lp.uv, &r->prepare);
    /* Left referenced: a loop with nothing but a timer of the wheel's would not turn. */
    uv_prepare_start(&r->prepare, on_prepare);
    uv_timer_init(&r->lp.uv, &r->pulse);
    uv_timer_start(&r->pulse, on_pulse, PULSE, PULSE);
    uv_unref((uv_handle_t *)&r->pulse);
}

void rig_close(struct rig *r)
{
    uv_close((uv_handle_t *)&r->prepare, NULL);
    uv_close((uv_handle_t *)&r->pulse, NULL);
    assert_int_equal(loop_close(&r->lp), 0);
    conf_unref(r->conf);
}

void rig_until(struct rig *r, const bool *done)
{
    while (!*done)
        uv_run(&r->lp.uv, UV_RUN_ONCE);
}

void rig_turn(struct rig *r, unsigned turns)
{
    while (turns-- > 0)
        uv_run(&r->lp.uv, UV_RUN_NOWAIT);
}

struct bell {
    struct timer timer;
    bool rung;
};

static void on_bell(struct timer *t)
{
    CONTAINER_OF(t, struct bell, timer)->rung = true;
}

unsigned rig_turns_in(struct rig *r, unsigned ms)
{
    struct bell bell = {.rung = false};
    unsigned before = r->turns;
    uv_update_time(&r->lp.uv);
    loop_enter(&r->lp);
    timer_init(&bell.timer, on_bell);
    loop_timer(&r->lp, &bell.timer, ms);
    rig_until(r, &bell.rung);
    return r->turns - before;
}

void rig_tcp_pair(int fd[2])
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(sa);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&sa, &n), 0);
    fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd[1], (struct sockaddr *)&sa, n), 0);
    fd[0] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd[0] >= 0);
    close(listening);
}

void rig_narrow_pair(int fd[2])
{
    int size = 65536;
    rig_tcp_pair(fd);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    }
}

void rig_unix_pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
}

void rig_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(fd);
}

void rig_number(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(i ^ (i >> 8) ^ (i >> 16));
}
