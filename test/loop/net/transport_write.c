/* The transport against scripted peers on a real loop: writing, what it costs, what it knows of its
 * peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/net/witness.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- writing ---- */

static void a_write_to_a_closed_peer_fails_and_its_last_words_are_read(void **state)
{
    const struct {
        void (*pair)(int fd[2]);
        void (*end)(struct witness *w);
        int pieces; /* each is a system call of its own, which might raise SIGPIPE */
        ptrdiff_t write, read;
        const char *why;
    } rows[] = {
        {rig_unix_pair, peer_closes, 1, UV_EPIPE, UV_EOF, "nothing was unread there"},
        {rig_unix_pair, peer_closes, 2, UV_EPIPE, UV_EOF, "the same"},
        {rig_tcp_pair, peer_resets, 1, UV_ECONNRESET, UV_ECONNRESET, "the write took the error"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct witness w;
        begin(&w, rows[i].pair, TRANSPORT_READ);
        peer_sends(&w, "last words");
        rows[i].end(&w);
        assert_int_equal(write_pieces(w.t, "hello", rows[i].pieces), rows[i].write);
        assert_int_equal(write_pieces(w.t, "hello", rows[i].pieces), rows[i].write);
        transport_want(w.t, TRANSPORT_READ | TRANSPORT_WRITE);
        rig_until(&w.rig, &w.at_end);
        assert_got(&w, "last words");
        assert_int_equal(w.end, rows[i].read);
        assert_int_equal(w.heard & TRANSPORT_WRITE, 0);
        assert_quiet(&w);
        finish(&w);
    }
}

static void a_writer_that_does_not_read_hears_of_a_reset(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_WRITE);
    peer_resets(&w);
    rig_until(&w.rig, &w.got_ended);
    w.called = false;
    rig_until(&w.rig, &w.called);
    assert_int_equal(w.heard, TRANSPORT_WRITE | TRANSPORT_ENDED);
    assert_int_equal(write_text(w.t, "hello"), UV_ECONNRESET);
    rig_turn(&w.rig, 1); /* the turn that was posted before the write */
    assert_quiet(&w);
    finish(&w);
}

struct sink {
    int fd;
    uv_sem_t stalled; /* reads from then on only, so that the writer meets a full socket */
    unsigned char *got;
    size_t want, len;
};

static void *sink_reads(void *arg)
{
    struct sink *s = arg;
    uv_sem_wait(&s->stalled);
    while (s->len < s->want) {
        ssize_t n = read(s->fd, s->got + s->len, s->want - s->len);
        if (n <= 0)
            break;
        s->len += (size_t)n;
    }
    return NULL;
}

/* Sends n bytes through short writes to a peer that reads them all, and compares. */
static void send_all(struct witness *w, size_t n)
{
    unsigned char *sent = mem_alloc(n);
    struct sink sink = {.fd = w->peer, .got = mem_alloc(n), .want = n};
    pthread_t reader;
    size_t done = 0;

    rig_number(sent, n);
    uv_sem_init(&sink.stalled, 0);
    assert_int_equal(pthread_create(&reader, NULL, sink_reads, &sink), 0);
    while (done < n) {
        size_t half = (n - done) / 2;
        struct iovec v[] = {{sent + done, half}, {sent + done + half, n - done - half}};
        ptrdiff_t took = transport_write(w->t, v, 2);
        assert_true(took >= 0);
        done += (size_t)took;
        if (took > 0)
            continue;
        uv_sem_post(&sink.stalled);
        w->called = false;
        transport_want(w->t, TRANSPORT_WRITE);
        rig_until(&w->rig, &w->called);
        transport_want(w->t, 0);
    }
    pthread_join(reader, NULL);
    assert_int_equal(sink.len, n);
    assert_memory_equal(sink.got, sent, n);
    uv_sem_destroy(&sink.stalled);
    free(sent);
    free(sink.got);
}

static void short_writes_lose_and_swap_nothing(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    send_all(&w, 8u << 20);
    finish(&w);
}

static void a_half_closed_transport_still_reads(void **state)
{
    struct witness w;
    char byte;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    assert_int_equal(transport_shutdown(w.t), 0);
    assert_int_equal(read(w.peer, &byte, 1), 0);
    peer_sends(&w, "answer");
    peer_closes(&w);
    rig_until(&w.rig, &w.at_end);
    assert_got(&w, "answer");
    assert_int_equal(write_text(w.t, "more"), UV_EPIPE);
    finish(&w);
}

/* ---- cost ---- */

static void wanting_the_same_again_costs_no_system_call(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    rig_turn(&w.rig, 1);
    unsigned before = rig_epoll_calls();
    for (int i = 0; i < 10; i++) {
        transport_want(w.t, TRANSPORT_READ);
        rig_turn(&w.rig, 1);
    }
    assert_int_equal(rig_epoll_calls() - before, 0);
    transport_want(w.t, TRANSPORT_READ | TRANSPORT_WRITE);
    rig_turn(&w.rig, 1);
    assert_int_equal(rig_epoll_calls() - before, 1);
    finish(&w);
}

static void a_short_pause_costs_no_system_call(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    rig_turn(&w.rig, 1);
    unsigned before = rig_epoll_calls();
    for (int i = 0; i < 10; i++) {
        transport_want(w.t, 0);
        rig_turn(&w.rig, 1);
        transport_want(w.t, TRANSPORT_READ);
        rig_turn(&w.rig, 1);
    }
    assert_int_equal(rig_epoll_calls() - before, 0);
    transport_want(w.t, 0);
    peer_sends(&w, "unread");
    assert_quiet(&w);
    assert_int_equal(w.heard, 0);
    assert_int_equal(rig_epoll_calls() - before, 1);
    finish(&w);
}

/* ---- turns without poll ---- */

static void a_wake_tells_read_once_in_the_next_turn(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    transport_wake(w.t);
    assert_int_equal(w.calls, 0);
    rig_turn(&w.rig, 3);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.heard, TRANSPORT_READ);
    finish(&w);
}

static void a_wake_waits_until_reading_is_wanted(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    transport_wake(w.t);
    assert_quiet(&w);
    transport_want(w.t, TRANSPORT_READ);
    assert_int_equal(w.calls, 0);
    rig_turn(&w.rig, 3);
    assert_int_equal(w.calls, 1);
    finish(&w);
}

static void behind_the_end_a_wake_tells_nothing(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    transport_wake(w.t); /* due when the end is read */
    peer_closes(&w);
    read_once(&w);
    assert_int_equal(w.end, UV_EOF);
    assert_quiet(&w);
    transport_wake(w.t);
    assert_quiet(&w);
    finish(&w);
}

/* ---- what it knows of its peer ---- */

static void unacked_bytes_are_counted_until_the_peer_has_them(void **state)
{
    struct witness w;
    static char bytes[1u << 20];
    struct iovec v = {bytes, sizeof(bytes)};
    size_t sent = 0;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    for (ptrdiff_t n; (n = transport_write(w.t, &v, 1)) > 0;)
        sent += (size_t)n;
    assert_in_range(transport_unacked(w.t), 1, sent);
    while (sent > 0) {
        ssize_t n = read(w.peer, bytes, sizeof(bytes));
        assert_true(n > 0);
        sent -= (size_t)n;
    }
    assert_int_equal(transport_unacked(w.t), 0);
    finish(&w);
}

static void what_a_unix_peer_has_not_taken_is_never_counted_too_low(void **state)
{
    struct witness w;
    char bytes[16];
    (void)state;
    begin(&w, rig_unix_pair, 0);
    assert_int_equal(transport_unacked(w.t), 0);
    assert_int_equal(write_text(w.t, "ten bytes."), 10);
    assert_true(transport_unacked(w.t) >= 10); /* the kernel's own overhead is in it */
    assert_int_equal(read(w.peer, bytes, sizeof(bytes)), 10);
    assert_int_equal(transport_unacked(w.t), 0);
    finish(&w);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static void options_are_those_that_heartbeats_need(void **state)
{
    int fd[2];
    (void)state;
    rig_tcp_pair(fd);
    transport_options(fd[0], false);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(fd[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPINTVL), 15);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT), 131072);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    transport_options(fd[1], true);
    assert_int_equal(option(fd[1], IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(fd[1], IPPROTO_TCP, TCP_NOTSENT_LOWAT), 131072);
    assert_int_equal(option(fd[1], SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_to_a_closed_peer_fails_and_its_last_words_are_read),
        cmocka_unit_test(a_writer_that_does_not_read_hears_of_a_reset),
        cmocka_unit_test(short_writes_lose_and_swap_nothing),
        cmocka_unit_test(a_half_closed_transport_still_reads),
        cmocka_unit_test(wanting_the_same_again_costs_no_system_call),
        cmocka_unit_test(a_short_pause_costs_no_system_call),
        cmocka_unit_test(a_wake_tells_read_once_in_the_next_turn),
        cmocka_unit_test(a_wake_waits_until_reading_is_wanted),
        cmocka_unit_test(behind_the_end_a_wake_tells_nothing),
        cmocka_unit_test(unacked_bytes_are_counted_until_the_peer_has_them),
        cmocka_unit_test(what_a_unix_peer_has_not_taken_is_never_counted_too_low),
        cmocka_unit_test(options_are_those_that_heartbeats_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
