/* The admin listener between scripted clients: its answers, and that nobody can occupy or confuse
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "loop/lib/site.h"
#include "net/faults.h"
#include <string.h>
#include <sys/socket.h>

struct scene {
    struct rig rig;
    struct admin admin;
    struct admin_source source;
    struct metrics *loops[1];
    union peer_address address;
    struct message m;
};

static int listen_anywhere(union peer_address *address)
{
    struct conf *conf = site_conf("127.0.0.1:0", "unix:/nowhere", NULL);
    socklen_t n = sizeof(*address);
    struct buf why;
    int fd;
    buf_init(&why);
    assert_int_equal(listener_sockets(&conf->listen.address, 1, &fd, &why), 0);
    buf_fini(&why);
    conf_unref(conf);
    assert_int_equal(getsockname(fd, &address->sa, &n), 0);
    return fd;
}

static void set(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    rig_open(&s->rig);
    int fd = listen_anywhere(&s->address);
    s->loops[0] = &s->rig.metrics;
    s->source = (struct admin_source){.loops = s->loops, .n = 1, .ready = true};
    admin_init(&s->admin, &s->rig.lp, &s->source);
    assert_int_equal(admin_listen(&s->admin, fd), 0);
}

static void strike(struct scene *s)
{
    UNTIL(s, s->admin.count == 0);
    assert_int_equal(wheel_next(&s->rig.lp.wheel), WHEEL_NEVER);
    admin_close(&s->admin);
    message_fini(&s->m);
    rig_close(&s->rig);
}

static void next(struct scene *s, struct peer *c, bool to_head)
{
    message_fini(&s->m);
    UNTIL(s, peer_take(c, &s->m, to_head) || c->reset);
    assert_false(c->reset);
}

static const struct {
    const char *request, *status;
    bool to_head, lives;
} asks[] = {
    {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", " 200 ", false, true},
    {"GET /readyz?now HTTP/1.1\r\nHost: a\r\n\r\n", " 200 ", false, true},
    {"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", " 200 ", true, true},
    {"GET /metrics HTTP/1.0\r\n\r\n", " 200 ", false, false},
    {"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", " 200 ", false, false},
    {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", " 404 ", false, false},
    {"DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", " 405 ", false, false},
    {"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", " 413 ", false, false},
    {"GET /metrics HTTP/1.1\r\n\r\n", " 400 ", false, false},
    {"\x16\x03\x01\x02\r\n\r\n", " 400 ", false, false},
};

static void every_question_has_its_answer_and_none_is_eaten_by_a_reset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
        struct scene s;
        struct peer c;
        set(&s);
        peer_connect(&c, &s.rig, &s.address);
        peer_say(&c, asks[i].request);
        if (!asks[i].lives)
            peer_say(&c, "and what nobody will read\r\n\r\n");
        next(&s, &c, asks[i].to_head);
        assert_true(message_has(&s.m, asks[i].status));
        if (asks[i].lives) {
            peer_say(&c, asks[0].request);
            next(&s, &c, false);
            assert_memory_equal(s.m.body.data, "ok\n", 3);
        } else {
            UNTIL(&s, c.eof || c.reset);
            assert_false(c.reset);
        }
        peer_close(&c);
        strike(&s);
    }
}

static void a_client_that_reads_late_gets_all_and_may_ask_again(void **state)
{
    (void)state;
    struct scene s;
    struct peer c;
    set(&s);
    peer_connect(&c, &s.rig, &s.address);
    peer_stop(&c, true);
    for (int i = 0; i < 2000; i++)
        peer_say(&c, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    while (rig_turns_in(&s.rig, 50) > 20)
        ;
    peer_stop(&c, false);
    for (int i = 0; i < 2000; i++)
        next(&s, &c, false);
    peer_say(&c, asks[0].request);
    next(&s, &c, false);
    assert_memory_equal(s.m.body.data, "ok\n", 3);
    peer_close(&c);
    strike(&s);
}

static void who_never_ends_a_head_does_not_stay(void **state)
{
    (void)state;
    struct scene s;
    struct peer c;
    set(&s);
    peer_connect(&c, &s.rig, &s.address);
    for (int i = 0; i < 4;
         i++) { /* a byte now and then, each within what a connection may be idle */
        peer_say(&c, "x");
        rig_turn(&s.rig, 16);
        rig_leap(40000);
        rig_turn(&s.rig, 16);
    }
    UNTIL(&s, c.eof || c.reset);
    peer_close(&c);
    strike(&s);
}

static void more_than_it_takes_wait_and_are_served(void **state)
{
    (void)state;
    struct scene s;
    struct peer c[40];
    set(&s);
    for (int i = 0; i < 40; i++) {
        peer_connect(&c[i], &s.rig, &s.address);
        peer_say(&c[i], asks[0].request);
    }
    for (int i = 0; i < 40; i++) {
        next(&s, &c[i], false);
        assert_true(s.admin.count <= 32);
        peer_close(&c[i]);
    }
    strike(&s);
}

static void half_requests_in_any_number_keep_nobody_out(void **state)
{
    (void)state;
    struct scene s;
    struct peer half[40], c, regular;
    set(&s);
    peer_connect(&regular, &s.rig, &s.address);
    UNTIL(&s, s.admin.count == 1);
    for (int i = 0; i < 40; i++) {
        peer_connect(&half[i], &s.rig, &s.address);
        peer_send(&half[i], asks[0].request, 9);
    }
    UNTIL(&s, s.admin.count == 32);
    rig_leap(900);
    peer_say(&regular, asks[0].request);
    next(&s, &regular, false);
    rig_leap(200);
    peer_connect(&c, &s.rig, &s.address);
    peer_say(&c, asks[0].request);
    next(&s, &c, false);
    assert_true(s.admin.count <= 32);
    peer_say(&regular, asks[0].request);
    next(&s, &regular, false);
    for (int i = 0; i < 40; i++)
        peer_close(&half[i]);
    peer_close(&c);
    peer_close(&regular);
    strike(&s);
}

static void closing_ends_what_is_open(void **state)
{
    (void)state;
    struct scene s;
    struct peer c;
    set(&s);
    peer_connect(&c, &s.rig, &s.address);
    peer_send(&c, asks[0].request, 9);
    UNTIL(&s, s.admin.count == 1);
    admin_close(&s.admin);
    UNTIL(&s, c.eof || c.reset);
    peer_close(&c);
    strike(&s);
}

/* One that waits in the old queue, one that has asked and one in the middle of its head: none is
 * cut, each is answered, and told to come again. */
static void moving_it_answers_whoever_came_before(void **state)
{
    (void)state;
    struct scene s;
    struct peer waits, asked, asks_on, late;
    for (int off = 0; off < 2; off++) {
        set(&s);
        peer_connect(&asked, &s.rig, &s.address);
        peer_connect(&asks_on, &s.rig, &s.address);
        peer_say(&asked, asks[0].request);
        next(&s, &asked, false);
        assert_false(message_has(&s.m, "close"));
        peer_send(&asks_on, asks[0].request, 9);
        UNTIL(&s, s.admin.count == 2);
        peer_connect(&waits, &s.rig, &s.address);
        assert_int_equal(admin_listen(&s.admin, off ? -1 : listen_anywhere(&s.address)), 0);
        peer_say(&asks_on, asks[0].request + 9);
        peer_say(&asked, asks[0].request);
        peer_say(&waits, asks[0].request);
        struct peer *before[] = {&asks_on, &asked, &waits};
        for (int i = 0; i < 3; i++) {
            next(&s, before[i], false);
            assert_true(message_has(&s.m, "close"));
            UNTIL(&s, before[i]->eof);
            peer_close(before[i]);
        }
        if (!off) {
            peer_connect(&late, &s.rig, &s.address);
            peer_say(&late, asks[0].request);
            next(&s, &late, false);
            assert_false(message_has(&s.m, "close"));
            peer_close(&late);
        }
        strike(&s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_has_its_answer_and_none_is_eaten_by_a_reset),
        cmocka_unit_test(a_client_that_reads_late_gets_all_and_may_ask_again),
        cmocka_unit_test(who_never_ends_a_head_does_not_stay),
        cmocka_unit_test(more_than_it_takes_wait_and_are_served),
        cmocka_unit_test(half_requests_in_any_number_keep_nobody_out),
        cmocka_unit_test(closing_ends_what_is_open),
        cmocka_unit_test(moving_it_answers_whoever_came_before),
    };
    int failed = cmocka_run_group_tests_name("admin", tests, NULL, NULL);
    faults_set(&(struct faults){.seed = 1, .eagain = 20, .cut = 50, .read = 7});
    return failed + cmocka_run_group_tests_name("admin, bad network", tests, NULL, NULL);
}
