/* Dials on a real loop: to what answers, refuses and is silent, by one address or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/net/dial_rig.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- places to dial to ---- */

struct place {
    int fd;
    uint16_t port;
};

/* port 0: any */
static struct place open_place(const char *ip, uint16_t port, int backlog)
{
    struct sockaddr_in sa;
    socklen_t n = sizeof(sa);
    int on = 1;
    assert_int_equal(uv_ip4_addr(ip, port, &sa), 0);
    struct place p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(p.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(p.fd, (struct sockaddr *)&sa, n), 0);
    if (backlog >= 0)
        assert_int_equal(listen(p.fd, backlog), 0);
    getsockname(p.fd, (struct sockaddr *)&sa, &n);
    p.port = ntohs(sa.sin_port);
    return p;
}

#define FILLERS 8

/* A listening socket whose queue is full: Linux drops every further SYN. */
struct silence {
    struct place place;
    int fillers[FILLERS];
};

static void silence_open(struct silence *s, const char *ip, uint16_t port)
{
    struct sockaddr_in sa;
    s->place = open_place(ip, port, 0);
    assert_int_equal(uv_ip4_addr(ip, s->place.port, &sa), 0);
    for (int i = 0; i < FILLERS; i++) {
        s->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(s->fillers[i], (struct sockaddr *)&sa, sizeof(sa));
    }
}

static void silence_close(struct silence *s)
{
    for (int i = 0; i < FILLERS; i++)
        close(s->fillers[i]);
    close(s->place.fd);
}

static void note_event(void *owner, unsigned events)
{
    struct caller *c = owner;
    (void)events;
    c->called = true;
}

/* The transport works, and its peer is that place. */
static void assert_connected_to(struct caller *c, int listening)
{
    char bytes[4];
    struct iovec v = {bytes, sizeof(bytes)};
    int peer = accept(listening, NULL, NULL);
    assert_int_equal(transport_wanted(c->t), 0);
    assert_true(peer >= 0);
    assert_int_equal(write(peer, "here", 4), 4);
    transport_owner(c->t, note_event, c);
    transport_want(c->t, TRANSPORT_READ);
    c->called = false;
    rig_until(c->rig, &c->called);
    assert_int_equal(transport_read(c->t, &v, 1), 4);
    assert_memory_equal(bytes, "here", 4);
    close(peer);
    transport_close(c->t);
}

/* ---- without a name ---- */

static void a_dial_to_an_open_port_gives_a_transport(void **state)
{
    struct rig r;
    struct caller c;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &c, "127.0.0.1", p.port, FOREVER);
    assert_int_equal(c.err, 0);
    assert_connected_to(&c, p.fd);
    assert_int_equal(look_ups(), 0);
    close(p.fd);
    finish(&r);
}

static void what_was_dialed_has_the_options(void **state)
{
    struct rig r;
    struct caller c;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    begin(&r);
    int fd = dup(0); /* the number that the socket will have */
    close(fd);
    dial_to_the_end(&r, &c, "127.0.0.1", p.port, FOREVER);
    int on = 0;
    socklen_t n = sizeof(on);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
    assert_int_equal(on, 1);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
    assert_int_equal(on, 0); /* the peer is on this machine */
    transport_close(c.t);
    close(p.fd);
    finish(&r);
}

static void a_port_where_nobody_listens_refuses(void **state)
{
    struct rig r;
    struct caller c;
    struct place p = open_place("127.0.0.1", 0, -1);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &c, "127.0.0.1", p.port, FOREVER);
    assert_int_equal(c.err, UV_ECONNREFUSED);
    close(p.fd);
    finish(&r);
}

static void a_port_that_never_answers_times_out(void **state)
{
    struct rig r;
    struct caller c;
    struct silence s;
    (void)state;
    silence_open(&s, "127.0.0.1", 0);
    begin(&r);
    uv_update_time(&r.lp.uv);
    uint64_t start = uv_now(&r.lp.uv);
    dial_to_the_end(&r, &c, "127.0.0.1", s.place.port, 50);
    assert_int_equal(c.err, UV_ETIMEDOUT);
    assert_in_range(r.lp.now - start, 50, 1000);
    silence_close(&s);
    finish(&r);
}

/* The SYN that was dropped is sent again after a second: by then the queue has room. */
static void a_connect_that_takes_its_time_is_waited_for(void **state)
{
    struct rig r;
    struct caller c;
    struct silence s;
    (void)state;
    silence_open(&s, "127.0.0.1", 0);
    begin(&r);
    dial(&r, &c, "127.0.0.1", s.place.port, FOREVER);
    rig_turn(&r, 2);
    assert_int_equal(c.calls, 0);
    for (int i = 0; i < FILLERS; i++)
        close(s.fillers[i]);
    assert_int_equal(listen(s.place.fd, 64), 0);
    rig_until(&r, &c.called);
    assert_int_equal(c.err, 0);
    assert_int_equal(transport_wanted(c.t), 0);
    assert_in_range(rig_turns_in(&r, 50), 1, 5);
    transport_close(c.t);
    close(s.place.fd);
    finish(&r);
}

static void a_connect_that_is_refused_late_is_told(void **state)
{
    struct rig r;
    struct caller c;
    struct silence s;
    (void)state;
    silence_open(&s, "127.0.0.1", 0);
    begin(&r);
    dial(&r, &c, "127.0.0.1", s.place.port, FOREVER);
    rig_turn(&r, 2);
    assert_int_equal(c.calls, 0);
    silence_close(&s);
    rig_until(&r, &c.called);
    assert_int_equal(c.err, UV_ECONNREFUSED);
    finish(&r);
}

static void without_descriptors_the_dial_fails_with_emfile(void **state)
{
    struct rig r;
    struct caller c;
    struct rlimit old, none;
    (void)state;
    begin(&r);
    rig_turn(&r, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next = dup(0);
    close(next);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    dial(&r, &c, "127.0.0.1", 1, FOREVER);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    rig_until(&r, &c.called);
    assert_int_equal(c.err, UV_EMFILE);
    finish(&r);
}

static void a_dial_whose_socket_cannot_be_watched_fails_with_enospc(void **state)
{
    struct rig r;
    struct caller c;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    begin(&r);
    int next = dup(0);
    close(next);
    rig_full(&r, true);
    dial_to_the_end(&r, &c, "127.0.0.1", p.port, FOREVER);
    rig_full(&r, false);
    assert_int_equal(c.err, UV_ENOSPC);
    assert_int_equal(fcntl(next, F_GETFD), -1);
    close(p.fd);
    finish(&r);
}

/* ---- Unix paths ---- */

static char directory[] = "/tmp/wskeep-test-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/socket", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int open_path(int backlog)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(un.sun_path, path, strlen(path) + 1);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void a_unix_path_is_dialed(void **state)
{
    struct rig r;
    struct caller c;
    int fd = open_path(8);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &c, path, 0, FOREVER);
    assert_int_equal(c.err, 0);
    assert_connected_to(&c, fd);
    close(fd);
    dial_to_the_end(&r, &c, path, 0, FOREVER);
    assert_int_equal(c.err, UV_ECONNREFUSED);
    unlink(path);
    dial_to_the_end(&r, &c, path, 0, FOREVER);
    assert_int_equal(c.err, UV_ENOENT);
    finish(&r);
}

static void a_unix_path_whose_queue_is_full_fails_at_once(void **state)
{
    struct rig r;
    struct caller first, second;
    int fd = open_path(0);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &first, path, 0, FOREVER);
    assert_int_equal(first.err, 0);
    dial_to_the_end(&r, &second, path, 0, FOREVER);
    assert_int_equal(second.err, UV_EAGAIN);
    transport_close(first.t);
    close(fd);
    finish(&r);
}

static void a_unix_path_that_is_too_long_fails(void **state)
{
    struct rig r;
    struct caller c;
    char longest[200];
    (void)state;
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    begin(&r);
    dial_to_the_end(&r, &c, longest, 0, FOREVER);
    assert_int_equal(c.err, UV_ENAMETOOLONG);
    finish(&r);
}

/* ---- names ---- */

static void the_second_address_is_tried_where_the_first_refuses(void **state)
{
    struct rig r;
    struct caller c;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    begin(&r);
    const char *const hosts[] = {"two.test", "both.test"};
    for (int i = 0; i < 2; i++) {
        dial_to_the_end(&r, &c, hosts[i], p.port, FOREVER);
        assert_int_equal(c.err, 0);
        assert_connected_to(&c, p.fd);
    }
    close(p.fd);
    finish(&r);
}

static void a_silent_first_address_takes_half_of_the_time(void **state)
{
    struct rig r;
    struct caller c;
    struct silence s;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    silence_open(&s, "127.0.0.2", p.port);
    begin(&r);
    uv_update_time(&r.lp.uv);
    uint64_t start = uv_now(&r.lp.uv);
    dial_to_the_end(&r, &c, "two.test", p.port, 600);
    assert_int_equal(c.err, 0);
    assert_in_range(r.lp.now - start, 300, 599);
    assert_connected_to(&c, p.fd);

    close(p.fd);
    dial_to_the_end(&r, &c, "two.test", p.port, 100);
    assert_int_equal(c.err, UV_ECONNREFUSED); /* the last word */
    silence_close(&s);
    finish(&r);
}

static void two_silent_addresses_time_out_at_the_limit(void **state)
{
    struct rig r;
    struct caller c;
    struct silence s[2];
    (void)state;
    silence_open(&s[0], "127.0.0.1", 0);
    silence_open(&s[1], "127.0.0.2", s[0].place.port);
    begin(&r);
    uv_update_time(&r.lp.uv);
    uint64_t start = uv_now(&r.lp.uv);
    dial_to_the_end(&r, &c, "two.test", s[0].place.port, 60);
    assert_int_equal(c.err, UV_ETIMEDOUT);
    assert_in_range(r.lp.now - start, 60, 1000);
    silence_close(&s[0]);
    silence_close(&s[1]);
    finish(&r);
}

/* ---- how it is counted ---- */

static void what_a_dial_came_to_has_one_row(void **state)
{
    (void)state;
    static const struct {
        int err;
        enum metric want;
        const char *why;
    } rows[] = {
        {0, METRIC_DIAL_OK, "connected"},
        {UV_ECONNREFUSED, METRIC_DIAL_REFUSED, "nobody listens"},
        {UV_ENOENT, METRIC_DIAL_REFUSED, "no such Unix socket: nobody listens"},
        {UV_ETIMEDOUT, METRIC_DIAL_TIMEOUT, "time is up"},
        {UV_EAI_ADDRFAMILY, METRIC_DIAL_RESOLVE, "the first of the look-up's"},
        {UV_EAI_NONAME, METRIC_DIAL_RESOLVE, "no such name"},
        {UV_EAI_SOCKTYPE, METRIC_DIAL_RESOLVE, "the last of the look-up's"},
        {UV_EMFILE, METRIC_DIAL_ERROR, "no descriptors"},
        {UV_EAGAIN, METRIC_DIAL_ERROR, "a Unix socket whose queue is full"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (dial_metric(rows[i].err) != rows[i].want)
            fail_msg("%s", rows[i].why);
}

static uint64_t counted(struct rig *r, enum metric id)
{
    struct metrics *m = &r->metrics;
    return metrics_sum(&m, 1, id);
}

/* Whether it connects at once, later, or is given up before. */
static void every_dial_is_counted_once(void **state)
{
    struct rig r;
    struct caller done, refused, cancelled;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &done, "127.0.0.1", p.port, FOREVER);
    transport_close(done.t);
    dial(&r, &refused, "127.0.0.3", 1, FOREVER);
    dial(&r, &cancelled, "127.0.0.3", 1, FOREVER);
    dial_cancel(cancelled.dial);
    rig_until(&r, &refused.called);
    dial_to_the_end(&r, &done, "one.test", p.port, FOREVER);
    transport_close(done.t);
    assert_int_equal(counted(&r, METRIC_DIAL_OK), 2);
    assert_int_equal(counted(&r, METRIC_DIAL_REFUSED), 1);
    assert_int_equal(counted(&r, METRIC_DIAL_CANCELLED), 1);
    close(p.fd);
    finish(&r);
}

/* ---- cancelling ---- */

static void a_cancelled_dial_is_never_heard_of_again(void **state)
{
    struct rig r;
    struct caller looking, waiting, connecting, refused;
    struct silence s;
    struct place p = open_place("127.0.0.1", 0, 8);
    (void)state;
    silence_open(&s, "127.0.0.2", 0);
    begin(&r);
    hold(true);
    dial(&r, &looking, "one.test", p.port, FOREVER);
    dial(&r, &waiting, "one.test", p.port, FOREVER);
    dial(&r, &connecting, "127.0.0.2", s.place.port, 20);
    dial(&r, &refused, "127.0.0.3", 1, FOREVER);
    dial_cancel(looking.dial);
    dial_cancel(connecting.dial);
    dial_cancel(refused.dial);
    dial_cancel(NULL);
    hold(false);
    rig_until(&r, &waiting.called);
    assert_int_equal(waiting.err, 0);
    transport_close(waiting.t);
    rig_turns_in(&r, 40);
    assert_int_equal(looking.calls + connecting.calls + refused.calls, 0);
    silence_close(&s);
    close(p.fd);
    finish(&r);
}

static void on_dialed_dials_again(void *owner, int err, struct transport *t)
{
    struct caller *c = owner;
    struct address to = at("127.0.0.1", 1);
    (void)err, (void)t;
    start(c, &to, FOREVER);
}

static void a_dial_may_be_started_in_the_call_that_ends_another(void **state)
{
    struct rig r;
    struct caller c = {.rig = &r};
    struct address to = at("127.0.0.1", 1);
    (void)state;
    begin(&r);
    struct transport *now;
    assert_non_null(dial_start(&r.lp, &to, FOREVER, true, on_dialed_dials_again, &c, &now));
    rig_until(&r, &c.called);
    assert_int_equal(c.err, UV_ECONNREFUSED);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dial_to_an_open_port_gives_a_transport),
        cmocka_unit_test(what_was_dialed_has_the_options),
        cmocka_unit_test(a_port_where_nobody_listens_refuses),
        cmocka_unit_test(a_port_that_never_answers_times_out),
        cmocka_unit_test(a_connect_that_takes_its_time_is_waited_for),
        cmocka_unit_test(a_connect_that_is_refused_late_is_told),
        cmocka_unit_test(without_descriptors_the_dial_fails_with_emfile),
        cmocka_unit_test(a_dial_whose_socket_cannot_be_watched_fails_with_enospc),
        cmocka_unit_test(a_unix_path_is_dialed),
        cmocka_unit_test(a_unix_path_whose_queue_is_full_fails_at_once),
        cmocka_unit_test(a_unix_path_that_is_too_long_fails),
        cmocka_unit_test(the_second_address_is_tried_where_the_first_refuses),
        cmocka_unit_test(a_silent_first_address_takes_half_of_the_time),
        cmocka_unit_test(two_silent_addresses_time_out_at_the_limit),
        cmocka_unit_test(what_a_dial_came_to_has_one_row),
        cmocka_unit_test(every_dial_is_counted_once),
        cmocka_unit_test(a_cancelled_dial_is_never_heard_of_again),
        cmocka_unit_test(a_dial_may_be_started_in_the_call_that_ends_another),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
