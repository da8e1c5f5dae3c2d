/* The transport against scripted peers on a real loop: what is read, what is told, how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/net/witness.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

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
    m.fd = transport_detach(w.t);
    m.letter.fn = on_moved;
    w.t = NULL;
    unsigned calls = w.calls;
    assert_int_equal(mailbox_send(&m.there.rig.lp.mail, &m.letter), 0);
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
        cmocka_unit_test(a_closed_transport_is_silent),
        cmocka_unit_test(a_transport_may_be_closed_in_its_own_event),
        cmocka_unit_test(a_reset_reaches_the_peer),
        cmocka_unit_test(nothing_is_closed_where_there_is_nothing),
        cmocka_unit_test(a_descriptor_that_cannot_be_polled_is_closed),
        cmocka_unit_test(a_detached_socket_goes_on_with_its_unread_bytes_on_another_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
