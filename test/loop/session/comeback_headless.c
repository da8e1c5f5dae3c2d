/* A session that looks for its backend, and ends meanwhile for other reasons: wskeep stops, time is
 * up. And what goes on while it looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/play.h"

static void a_drain_says_1012_and_what_waits_is_lost(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    play_lose_for_long(&p);
    play_say(&p, "b");
    sessions_drain(&p.s.sessions, 1000);
    play_over(&p, 1012, REASON_DRAIN);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 2);
}

static void so_it_does_of_a_client_that_is_gone_or_has_said_close(void **state)
{
    (void)state;
    for (int says_close = 0; says_close < 2; says_close++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_there(&p, "a");
        play_lose_for_long(&p);
        if (says_close)
            wspeer_say_close(&p.s.client, 1000, "");
        else
            wspeer_close(&p.s.client);
        rig_turn(&p.s.rig, 20);
        assert_true(play_headless(&p));
        sessions_drain(&p.s.sessions, 1000);
        WAIT(&p, p.s.ended || p.s.client.eof);
        if (says_close)
            assert_int_equal(p.s.client.code, 1012);
        play_end(&p);
        assert_int_equal(play_ends(&p, SIDE_CLIENT, REASON_DRAIN), 1);
        assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
    }
}

static void a_backend_lost_in_a_drain_is_not_looked_for(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    p.s.client.close_back = false;
    sessions_drain(&p.s.sessions, 1000);
    wspeer_reset(&p.s.backend);
    WAIT(&p, p.s.client.got_close);
    wspeer_say_close(&p.s.client, 1012, "");
    play_over(&p, 1012, REASON_DRAIN);
    assert_int_equal(p.server.came, 0);
}

static void wait_for_handshake(struct play *p)
{
    WAIT(p, p->server.came == 1 && p->server.visits[0].head.len > 0);
}

static void wskeep_stops(struct play *p)
{
    sessions_kill(&p->s.sessions);
    p->s.ended = true;
}

static void a_kill_ends_it_at_any_point_of_an_attempt(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_there(&p, "a");
        p.server.reply.what = REPLY_SILENCE;
        if (at == 0)
            play_lose_for_long(&p);
        else
            play_lose(&p);
        if (at == 2)
            wait_for_handshake(&p);
        wskeep_stops(&p);
        play_end(&p);
        assert_int_equal(play_ends(&p, SIDE_CLIENT, REASON_KILLED), 1);
        assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
    }
}

static void client_says_close(struct play *p)
{
    wspeer_say_close(&p->s.client, 1000, "");
    WAIT(p, p->s.client.got_close);
}

static void client_ends(struct play *p)
{
    wspeer_close(&p->s.client);
}

static void wskeep_drains(struct play *p)
{
    sessions_drain(&p->s.sessions, 1000);
}

static void time_is_up(struct play *p)
{
    rig_leap(60 * 1000);
    WAIT(p, p->s.client.got_close);
}

static void an_attempt_that_is_cut_ends_for_what_cut_it(void **state)
{
    (void)state;
    static const struct {
        void (*how)(struct play *p);
        enum reason reason;
    } rows[] = {
        {client_says_close, REASON_CLIENT_CLOSE},
        {client_ends, REASON_CLIENT_EOF},
        {wskeep_drains, REASON_DRAIN},
        {wskeep_stops, REASON_KILLED},
        {time_is_up, REASON_RECONNECT_WINDOW},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct play p;
        play_begin(&p, (const struct setting_text[]){{"backend.handshake_timeout", "2m"},
                                                     {"heartbeat.client", "false"},
                                                     {NULL, NULL}});
        p.server.reply.what = REPLY_SILENCE;
        play_lose(&p);
        wait_for_handshake(&p);
        rows[i].how(&p);
        play_end(&p);
        for (int r = 0; r < REASON_COUNT; r++) {
            bool own = r == (int)rows[i].reason;
            assert_int_equal(play_ends(&p, SIDE_CLIENT, (enum reason)r), own);
            assert_int_equal(play_ends(&p, SIDE_BACKEND, (enum reason)r),
                             own || r == REASON_BACKEND_EOF);
        }
    }
}

static void the_clients_heartbeats_go_on_while_headless(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){
                       {"heartbeat.interval", "1s"}, {"heartbeat.timeout", "3s"}, {NULL, NULL}});
    play_lose_for_long(&p);
    for (int i = 0; i < 40; i++) {
        rig_leap(500);
        rig_turn(&p.s.rig, 6);
    }
    assert_true(p.s.client.pings >= 15);
    wspeer_frame(&p.s.client, true, 9, "?", 1);
    WAIT(&p, p.s.client.pongs == 1);
    assert_true(play_headless(&p));
    p.s.client.deaf = true;
    p.s.client.close_back = false;
    for (int i = 0; i < 20 && !p.s.client.got_close; i++) {
        rig_leap(500);
        rig_turn(&p.s.rig, 6);
    }
    play_over(&p, 1001, REASON_CLIENT_TIMEOUT);
}

static void an_idle_headless_session_holds_no_buffer(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_proven(&p, "a");
    wspeer_send(&p.s.backend, 1, "b", 1);
    play_has(&p, &p.heard, "b|");
    play_lose_for_long(&p);
    assert_int_equal(p.s.rig.lp.pool.held, 0);
    play_leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_says_1012_and_what_waits_is_lost),
        cmocka_unit_test(so_it_does_of_a_client_that_is_gone_or_has_said_close),
        cmocka_unit_test(a_backend_lost_in_a_drain_is_not_looked_for),
        cmocka_unit_test(a_kill_ends_it_at_any_point_of_an_attempt),
        cmocka_unit_test(an_attempt_that_is_cut_ends_for_what_cut_it),
        cmocka_unit_test(the_clients_heartbeats_go_on_while_headless),
        cmocka_unit_test(an_idle_headless_session_holds_no_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
