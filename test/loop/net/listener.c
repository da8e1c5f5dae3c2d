/* A listener on a real loop: storms, limits, want of descriptors, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/rig.h"
#include "net/listener.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_all(const int *fds, unsigned n)
{
    while (n > 0)
        close(fds[--n]);
}

static int connect_to(int listening)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof(sa);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&sa, &n), 0);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, n), 0);
    return fd;
}

#define CLIENTS 200

struct desk {
    struct rig rig;
    struct listener *l;
    int fd; /* the listener's */
    int clients[CLIENTS], accepted[CLIENTS];
    unsigned waiting, taken, room, in_turn, turn, most_in_turn, wanted;
    bool enough, close_at_first;
    struct sockaddr_storage peer; /* of the newest */
};

static void on_connection(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct desk *d = owner;
    d->peer = *peer;
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    d->in_turn = d->turn == d->rig.turns ? d->in_turn + 1 : 1;
    d->turn = d->rig.turns;
    d->most_in_turn = d->in_turn > d->most_in_turn ? d->in_turn : d->most_in_turn;
    d->accepted[d->taken++] = fd;
    d->enough = d->taken == d->wanted;
    if (d->close_at_first) {
        d->close_at_first = false;
        listener_close(d->l);
        d->l = NULL;
    }
}

static bool has_room(void *owner)
{
    const struct desk *d = owner;
    return d->taken < d->room;
}

static void begin(struct desk *d)
{
    struct address a = {.text = "127.0.0.1:0", .host = "127.0.0.1"};
    struct buf why;
    *d = (struct desk){.room = CLIENTS};
    rig_open(&d->rig);
    buf_init(&why);
    assert_int_equal(listener_sockets(&a, 1, &d->fd, &why), 0);
    buf_fini(&why);
    assert_int_equal(listener_open(&d->rig.lp, d->fd, on_connection, has_room, d, &d->l), 0);
}

static void clients_come(struct desk *d, unsigned n)
{
    while (n-- > 0)
        d->clients[d->waiting++] = connect_to(d->fd);
}

static void run_until_taken(struct desk *d, unsigned n)
{
    d->wanted = n;
    d->enough = d->taken >= n;
    rig_until(&d->rig, &d->enough);
}

static uint64_t pauses(struct desk *d)
{
    return d->rig.metrics.cell[METRIC_ACCEPT_PAUSES];
}

static void finish(struct desk *d)
{
    listener_close(d->l);
    close_all(d->accepted, d->taken);
    close_all(d->clients, d->waiting);
    rig_close(&d->rig);
}

static void a_storm_is_accepted_64_an_event(void **state)
{
    struct desk d;
    (void)state;
    begin(&d);
    clients_come(&d, CLIENTS);
    run_until_taken(&d, CLIENTS);
    assert_int_equal(d.most_in_turn, 64);
    finish(&d);
}

/* A load balancer's probe: the kernel hands over what is gone already. */
static void the_peer_is_named_though_it_was_reset_while_it_waited(void **state)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in name;
    socklen_t n = sizeof(name);
    struct desk d;
    (void)state;
    begin(&d);
    clients_come(&d, 1);
    assert_int_equal(getsockname(d.clients[0], (struct sockaddr *)&name, &n), 0);
    setsockopt(d.clients[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(d.clients[--d.waiting]);
    run_until_taken(&d, 1);
    assert_memory_equal(&d.peer, &name, sizeof(name));
    finish(&d);
}

static void at_the_limit_it_sleeps_until_it_is_resumed(void **state)
{
    struct desk d;
    (void)state;
    begin(&d);
    d.room = 3;
    clients_come(&d, 5);
    run_until_taken(&d, 3);
    assert_in_range(rig_turns_in(&d.rig, 200), 1, 20);
    assert_int_equal(d.taken, 3);
    assert_in_range(pauses(&d), 2, 4); /* at the limit, and after each 100 ms */
    d.room = 4;
    listener_resume(d.l);
    unsigned turns = d.rig.turns;
    run_until_taken(&d, 4);
    assert_in_range(d.rig.turns - turns, 1, 2);
    finish(&d);
}

static void resuming_what_is_not_paused_changes_nothing(void **state)
{
    struct desk d;
    (void)state;
    begin(&d);
    rig_turn(&d.rig, 1);
    unsigned before = rig_epoll_calls();
    listener_resume(d.l);
    assert_in_range(rig_turns_in(&d.rig, 50), 1, 5);
    assert_int_equal(rig_epoll_calls() - before, 0);
    clients_come(&d, 1);
    run_until_taken(&d, 1);
    assert_int_equal(pauses(&d), 0);
    finish(&d);
}

static void without_descriptors_it_sleeps_and_tries_again(void **state)
{
    struct desk d;
    struct rlimit old, none;
    (void)state;
    begin(&d);
    rig_turn(&d.rig, 1); /* libuv has all that it needs */
    clients_come(&d, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next = dup(0);
    close(next);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    unsigned turns = rig_turns_in(&d.rig, 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_in_range(turns, 1, 20);
    assert_int_equal(d.taken, 0);
    assert_in_range(pauses(&d), 2, 4);
    run_until_taken(&d, 2);
    finish(&d);
}

static void closing_takes_what_the_kernel_has_queued(void **state)
{
    struct desk d;
    char byte;
    (void)state;
    begin(&d);
    clients_come(&d, 100);
    listener_close(d.l);
    d.l = NULL;
    assert_int_equal(d.taken, 100);
    rig_turn(&d.rig, 2);
    assert_int_equal(recv(d.clients[99], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    finish(&d);
}

static void closing_at_the_limit_takes_no_more(void **state)
{
    struct desk d;
    char byte;
    (void)state;
    begin(&d);
    d.room = 2;
    clients_come(&d, 3);
    listener_close(d.l);
    d.l = NULL;
    assert_int_equal(d.taken, 2);
    rig_turn(&d.rig, 2);
    assert_int_equal(recv(d.clients[2], &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    rig_turns_in(&d.rig, 150); /* its pause would be over by then */
    finish(&d);
}

static void it_may_be_closed_by_the_connection_that_it_tells_of(void **state)
{
    struct desk d;
    (void)state;
    begin(&d);
    d.close_at_first = true;
    d.room = 10;
    clients_come(&d, 10);
    run_until_taken(&d, 10);
    assert_null(d.l);
    rig_turns_in(&d.rig, 150);
    finish(&d);
}

/* A Unix path has one queue, and each loop a duplicate of its socket. */
static void what_has_been_closed_hears_nothing_while_another_loop_still_listens(void **state)
{
    struct desk d;
    struct buf why;
    char path[] = "/tmp/wskeep-test-XXXXXX";
    int fds[2];
    (void)state;
    close(mkstemp(path));
    unlink(path);
    const struct address a = {.text = path, .host = path, .unix_path = true};
    d = (struct desk){.room = CLIENTS};
    rig_open(&d.rig);
    buf_init(&why);
    assert_int_equal(listener_sockets(&a, 2, fds, &why), 0);
    buf_fini(&why);
    d.fd = fds[1];
    assert_int_equal(listener_open(&d.rig.lp, fds[0], on_connection, has_room, &d, &d.l), 0);
    listener_close(d.l);
    d.l = NULL;
    clients_come(&d, 1);
    assert_in_range(rig_turns_in(&d.rig, 50), 1, 5);
    assert_int_equal(d.taken, 0);
    close(fds[1]);
    listener_unlink(&a);
    finish(&d);
}

static void a_descriptor_that_cannot_be_polled_stays_the_callers(void **state)
{
    struct rig rig;
    struct listener *l = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    rig_open(&rig);
    assert_int_equal(listener_open(&rig.lp, fd, on_connection, has_room, NULL, &l), UV_EPERM);
    assert_null(l);
    assert_int_equal(close(fd), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_is_accepted_64_an_event),
        cmocka_unit_test(the_peer_is_named_though_it_was_reset_while_it_waited),
        cmocka_unit_test(at_the_limit_it_sleeps_until_it_is_resumed),
        cmocka_unit_test(resuming_what_is_not_paused_changes_nothing),
        cmocka_unit_test(without_descriptors_it_sleeps_and_tries_again),
        cmocka_unit_test(closing_takes_what_the_kernel_has_queued),
        cmocka_unit_test(closing_at_the_limit_takes_no_more),
        cmocka_unit_test(it_may_be_closed_by_the_connection_that_it_tells_of),
        cmocka_unit_test(what_has_been_closed_hears_nothing_while_another_loop_still_listens),
        cmocka_unit_test(a_descriptor_that_cannot_be_polled_stays_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
