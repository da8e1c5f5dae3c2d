/* The transport against scripted peers on a real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/lib/rig.h"
#include "net/faults.h"
#include "net/transport.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- an owner that notes what it hears, and reads while it is told to ---- */

struct witness {
    struct rig rig;
    struct transport *t;
    int peer;
    size_t read_max; /* a read at most so large; 0: does not read */
    struct buf got;
    ptrdiff_t end; /* what reading ended with */
    unsigned heard, calls, ended;
    bool at_end, called, got_ended;
};

static void read_once(struct witness *w)
{
    uint8_t bytes[4096];
    struct iovec v = {bytes, w->read_max < sizeof(bytes) ? w->read_max : sizeof(bytes)};
    ptrdiff_t n = transport_read(w->t, &v, 1);
    if (n > 0) {
        buf_add(&w->got, bytes, (size_t)n);
    } else if (n != UV_EAGAIN) {
        w->end = n;
        w->at_end = true;
    }
}

static void on_event(void *owner, unsigned events)
{
    struct witness *w = owner;
    w->called = true;
    w->calls++;
    w->heard |= events;
    if (events & TRANSPORT_ENDED) {
        w->ended++;
        w->got_ended = true;
    }
    if ((events & TRANSPORT_READ) && w->read_max > 0)
        read_once(w);
}

static void begin(struct witness *w, void pair(int fd[2]), unsigned want)
{
    int fd[2];
    *w = (struct witness){.read_max = 4096};
    rig_open(&w->rig);
    pair(fd);
    w->peer = fd[1];
    assert_int_equal(transport_open(&w->rig.lp, fd[0], &w->t), 0);
    transport_owner(w->t, on_event, w);
    transport_want(w->t, want);
}

static void peer_sends(struct witness *w, const char *text)
{
    assert_int_equal(write(w->peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void peer_closes(struct witness *w)
{
    close(w->peer);
    w->peer = -1;
}

static void peer_resets(struct witness *w)
{
    rig_reset(w->peer);
    w->peer = -1;
}

static void assert_got(const struct witness *w, const char *text)
{
    assert_int_equal(w->got.len, strlen(text));
    assert_memory_equal(w->got.data, text, w->got.len);
}

static void finish(struct witness *w)
{
    transport_close(w->t);
    if (w->peer >= 0)
        close(w->peer);
    buf_fini(&w->got);
    rig_close(&w->rig);
}

static ptrdiff_t write_pieces(struct transport *t, const char *text, int pieces)
{
    char *p = (char *)(uintptr_t)text;
    struct iovec v[] = {{p, pieces == 1 ? strlen(p) : 1}, {p + 1, strlen(p) - 1}};
    return transport_write(t, v, pieces);
}

static ptrdiff_t write_text(struct transport *t, const char *text)
{
    return write_pieces(t, text, 1);
}

/* Nothing more is told, and the loop sleeps. */
static void assert_quiet(struct witness *w)
{
    unsigned calls = w->calls;
    assert_in_range(rig_turns_in(&w->rig, 50), 1, 5);
    assert_int_equal(w->calls, calls);
}

/* ---- reading ---- */

static void bytes_come_in_order_one_at_a_time(void **state)
{
    struct witness w;
    unsigned char sent[3000];
    (void)state;
    rig_number(sent, sizeof(sent));
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    w.read_max = 1;
    assert_int_equal(write(w.peer, sent, sizeof(sent)), sizeof(sent));
    peer_closes(&w);
    rig_until(&w.rig, &w.at_end);
    assert_int_equal(w.got.len, sizeof(sent));
    assert_memory_equal(w.got.data, sent, sizeof(sent));
    assert_int_equal(w.end, UV_EOF);
    finish(&w);
}

static void several_pieces_are_filled_in_order(void **state)
{
    struct witness w;
    char a[2], b[3], c[8];
    struct iovec v[] = {{a, sizeof(a)}, {b, sizeof(b)}, {c, sizeof(c)}};
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    w.read_max = 0;
    peer_sends(&w, "0123456789");
    rig_until(&w.rig, &w.called);
    assert_int_equal(transport_read(w.t, v, 3), 10);
    assert_memory_equal(a, "01", 2);
    assert_memory_equal(b, "234", 3);
    assert_memory_equal(c, "56789", 5);
    assert_int_equal(transport_read(w.t, v, 3), UV_EAGAIN);
    finish(&w);
}

static void the_end_is_told_once_and_read_again_and_again(void **state)
{
    void (*const pairs[])(int[2]) = {rig_tcp_pair, rig_unix_pair};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct witness w;
        begin(&w, pairs[i], TRANSPORT_READ);
        peer_sends(&w, "last words");
        peer_closes(&w);
        rig_until(&w.rig, &w.at_end);
        assert_got(&w, "last words");
        assert_int_equal(w.end, UV_EOF);
        assert_quiet(&w);
        read_once(&w);
        assert_int_equal(w.end, UV_EOF);
        finish(&w);
    }
}

static void a_reset_comes_behind_the_data_and_is_no_eof(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    w.read_max = 3;
    peer_sends(&w, "last words");
    peer_resets(&w);
    rig_until(&w.rig, &w.at_end);
    assert_got(&w, "last words");
    assert_int_equal(w.end, UV_ECONNRESET);
    assert_quiet(&w);
    read_once(&w);
    assert_int_equal(w.end, UV_ECONNRESET);
    finish(&w);
}

static void a_unix_peer_that_leaves_bytes_unread_is_a_reset(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_unix_pair, TRANSPORT_READ);
    assert_int_equal(write_text(w.t, "unread"), 6);
    peer_sends(&w, "last words");
    peer_closes(&w);
    rig_until(&w.rig, &w.at_end);
    assert_got(&w, "last words");
    assert_int_equal(w.end, UV_ECONNRESET);
    finish(&w);
}

/* ---- while reading is off ---- */

static void a_paused_reader_hears_once_that_its_peer_ended(void **state)
{
    const struct {
        void (*end)(struct witness *w);
        ptrdiff_t want;
    } rows[] = {{peer_closes, UV_EOF}, {peer_resets, UV_ECONNRESET}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct witness w;
        begin(&w, rig_tcp_pair, 0);
        w.read_max = 4; /* the rest takes several turns */
        peer_sends(&w, "unread so far");
        rows[i].end(&w);
        rig_until(&w.rig, &w.got_ended);
        assert_quiet(&w);
        assert_int_equal(w.heard, TRANSPORT_ENDED);
        assert_int_equal(w.ended, 1);
        assert_int_equal(w.got.len, 0);

        transport_want(w.t, TRANSPORT_READ);
        rig_until(&w.rig, &w.at_end);
        assert_got(&w, "unread so far");
        assert_int_equal(w.end, rows[i].want);
        assert_int_equal(w.ended, 1);
        assert_quiet(&w);
        finish(&w);
    }
}

static void a_reader_that_pauses_again_and_again_after_a_reset_reads_it_all(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    w.read_max = 1;
    peer_sends(&w, "0123456789");
    peer_resets(&w);
    rig_until(&w.rig, &w.got_ended);
    for (size_t want = 1; want <= 10; want++) {
        transport_want(w.t, TRANSPORT_READ);
        w.called = false;
        rig_until(&w.rig, &w.called);
        assert_int_equal(w.got.len, want);
        transport_want(w.t, 0);
        rig_turn(&w.rig, 3);
        assert_int_equal(w.got.len, want);
    }
    assert_got(&w, "0123456789");
    assert_int_equal(w.ended, 1);
    finish(&w);
}

static void bytes_alone_do_not_wake_a_paused_reader(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    peer_sends(&w, "unread");
    assert_quiet(&w);
    assert_int_equal(w.heard, 0);
    finish(&w);
}

static void a_new_owner_is_told_of_the_end_anew(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    peer_closes(&w);
    rig_until(&w.rig, &w.got_ended);
    transport_owner(w.t, on_event, &w);
    transport_want(w.t, 0);
    w.got_ended = false;
    rig_until(&w.rig, &w.got_ended);
    assert_int_equal(w.ended, 2);
    finish(&w);
}

static void without_an_owner_nothing_is_polled(void **state)
{
    struct witness w;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ | TRANSPORT_WRITE);
    transport_owner(w.t, NULL, NULL);
    assert_int_equal(transport_wanted(w.t), 0);
    peer_resets(&w);
    assert_quiet(&w);
    finish(&w);
}

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
    assert_int_equal(rig_epoll_calls() - before, 2);
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

/* ---- ends ---- */

static void a_closed_transport_is_silent(void **state)
{
    struct witness w;
    char byte;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    peer_sends(&w, "x");
    transport_wake(w.t);
    transport_close(w.t);
    w.t = NULL;
    rig_turn(&w.rig, 3);
    assert_int_equal(w.calls, 0);
    assert_true(read(w.peer, &byte, 1) <= 0);
    finish(&w);
}

static void close_in_event(void *owner, unsigned events)
{
    struct witness *w = owner;
    (void)events;
    transport_close(w->t);
    w->t = NULL;
    w->called = true;
}

static void a_transport_may_be_closed_in_its_own_event(void **state)
{
    void (*const ends[])(struct witness *) = {peer_closes, peer_resets};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct witness w;
        begin(&w, rig_tcp_pair, TRANSPORT_READ);
        transport_owner(w.t, close_in_event, &w);
        ends[i](&w);
        rig_until(&w.rig, &w.called);
        finish(&w);
    }
}

static void a_reset_reaches_the_peer(void **state)
{
    struct witness w;
    char byte;
    (void)state;
    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    transport_reset(w.t);
    w.t = NULL;
    rig_turn(&w.rig, 1);
    assert_int_equal(read(w.peer, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
    finish(&w);
}

static void nothing_is_closed_where_there_is_nothing(void **state)
{
    (void)state;
    transport_close(NULL);
    transport_reset(NULL);
}

static void a_descriptor_that_cannot_be_polled_is_closed(void **state)
{
    struct rig rig;
    struct transport *t = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    rig_open(&rig);
    assert_int_equal(transport_open(&rig.lp, fd, &t), UV_EPERM);
    assert_null(t);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    rig_close(&rig);
}

/* ---- moving to another loop ---- */

struct move {
    struct letter letter;
    struct witness there; /* on the other loop */
    int fd;
    bool sent;
    uv_sem_t ready;
};

static void on_moved(struct letter *l)
{
    struct move *m = CONTAINER_OF(l, struct move, letter);
    assert_int_equal(transport_open(&m->there.rig.lp, m->fd, &m->there.t), 0);
    transport_owner(m->there.t, on_event, &m->there);
    transport_want(m->there.t, TRANSPORT_READ);
}

static void *other_thread(void *arg)
{
    struct move *m = arg;
    rig_open(&m->there.rig);
    uv_sem_post(&m->ready);
    rig_until(&m->there.rig, &m->there.at_end);
    transport_close(m->there.t);
    rig_close(&m->there.rig);
    return NULL;
}

static void on_detached(void *arg, int fd)
{
    struct move *m = arg;
    m->fd = fd;
    m->letter.fn = on_moved;
    assert_int_equal(mailbox_send(&m->there.rig.lp.mail, &m->letter), 0);
    m->sent = true;
}

static void a_detached_socket_goes_on_with_its_unread_bytes_on_another_loop(void **state)
{
    struct witness w;
    struct move m = {.there = {.read_max = 2, .peer = -1}};
    pthread_t other;
    (void)state;
    assert_int_equal(uv_sem_init(&m.ready, 0), 0);
    assert_int_equal(pthread_create(&other, NULL, other_thread, &m), 0);
    uv_sem_wait(&m.ready);

    begin(&w, rig_tcp_pair, TRANSPORT_READ);
    w.read_max = 0;
    peer_sends(&w, "before, ");
    rig_until(&w.rig, &w.called);
    transport_detach(w.t, on_detached, &m);
    w.t = NULL;
    unsigned calls = w.calls;
    rig_until(&w.rig, &m.sent);
    peer_sends(&w, "after");
    peer_closes(&w);
    pthread_join(other, NULL);
    assert_int_equal(w.calls, calls);
    assert_got(&m.there, "before, after");
    assert_int_equal(m.there.end, UV_EOF);
    buf_fini(&m.there.got);
    uv_sem_destroy(&m.ready);
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

static void a_unix_peer_has_taken_all_or_nothing(void **state)
{
    struct witness w;
    char bytes[16];
    (void)state;
    begin(&w, rig_unix_pair, 0);
    assert_int_equal(transport_unacked(w.t), 0);
    assert_int_equal(write_text(w.t, "ten bytes."), 10);
    assert_true(transport_unacked(w.t) == SIZE_MAX);
    assert_int_equal(read(w.peer, bytes, sizeof(bytes)), 10);
    assert_int_equal(transport_unacked(w.t), 0);
    finish(&w);
}

static void the_peer_is_named_by_its_address(void **state)
{
    struct witness w;
    char ip[ADDRESS_IP_MAX];
    (void)state;
    begin(&w, rig_tcp_pair, 0);
    assert_string_equal(transport_peer(w.t, ip), "127.0.0.1");
    finish(&w);
    begin(&w, rig_unix_pair, 0);
    assert_string_equal(transport_peer(w.t, ip), "");
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
    transport_options(fd[0]);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(fd[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPINTVL), 15);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT), 131072);
    assert_int_equal(option(fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_in_order_one_at_a_time),
        cmocka_unit_test(several_pieces_are_filled_in_order),
        cmocka_unit_test(the_end_is_told_once_and_read_again_and_again),
        cmocka_unit_test(a_reset_comes_behind_the_data_and_is_no_eof),
        cmocka_unit_test(a_unix_peer_that_leaves_bytes_unread_is_a_reset),
        cmocka_unit_test(a_paused_reader_hears_once_that_its_peer_ended),
        cmocka_unit_test(a_reader_that_pauses_again_and_again_after_a_reset_reads_it_all),
        cmocka_unit_test(bytes_alone_do_not_wake_a_paused_reader),
        cmocka_unit_test(a_new_owner_is_told_of_the_end_anew),
        cmocka_unit_test(without_an_owner_nothing_is_polled),
        cmocka_unit_test(a_write_to_a_closed_peer_fails_and_its_last_words_are_read),
        cmocka_unit_test(a_writer_that_does_not_read_hears_of_a_reset),
        cmocka_unit_test(short_writes_lose_and_swap_nothing),
        cmocka_unit_test(a_half_closed_transport_still_reads),
        cmocka_unit_test(wanting_the_same_again_costs_no_system_call),
        cmocka_unit_test(a_wake_tells_read_once_in_the_next_turn),
        cmocka_unit_test(a_wake_waits_until_reading_is_wanted),
        cmocka_unit_test(a_closed_transport_is_silent),
        cmocka_unit_test(a_transport_may_be_closed_in_its_own_event),
        cmocka_unit_test(a_reset_reaches_the_peer),
        cmocka_unit_test(nothing_is_closed_where_there_is_nothing),
        cmocka_unit_test(a_descriptor_that_cannot_be_polled_is_closed),
        cmocka_unit_test(a_detached_socket_goes_on_with_its_unread_bytes_on_another_loop),
        cmocka_unit_test(unacked_bytes_are_counted_until_the_peer_has_them),
        cmocka_unit_test(a_unix_peer_has_taken_all_or_nothing),
        cmocka_unit_test(the_peer_is_named_by_its_address),
        cmocka_unit_test(options_are_those_that_heartbeats_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
