/* Acks by pong: when they are asked for, what they prove, and what becomes of peers that never
 * answer. Time passes by leaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/scene.h"
#include <stdlib.h>
#include <string.h>

#define MANY 256 /* messages: they are asked after */

static const struct session_setup kept = {.keep_up = true, .keep_down = true};

static void begin(struct scene *s, const struct setting_text *settings)
{
    scene_open(s, rig_unix_pair, &kept, settings);
}

static void turn(struct scene *s)
{
    rig_turn(&s->rig, 16);
}

static void pass_time(struct scene *s, uint64_t ms)
{
    for (uint64_t step; ms > 0; ms -= step) {
        step = ms < 1000 ? ms : 1000;
        rig_leap(step);
        turn(s);
    }
}

static void say(struct scene *s, unsigned messages)
{
    for (unsigned i = 0; i < messages; i++)
        wspeer_send(&s->client, 1, "word", 4);
    turn(s);
}

static void answer(struct wspeer *p, uint32_t number)
{
    wspeer_frame(p, true, 10, &number, sizeof(number));
}

static uint64_t delivered(const struct scene *s)
{
    return scene_count(&s->rig, METRIC_UP_DELIVERED);
}

static void so_many_messages_bring_their_ping_along(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    say(&s, MANY - 1);
    assert_int_equal(s.backend.pings, 0);
    assert_true(s.rig.lp.pool.held > 0);
    say(&s, 1);
    assert_int_equal(s.backend.messages, MANY);
    assert_int_equal(s.backend.pings, 1);
    turn(&s);
    assert_int_equal(delivered(&s), MANY);
    assert_int_equal(s.rig.lp.pool.held, 0);
    scene_close(&s);
}

static void so_do_64_kib(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    uint8_t *bytes = mem_zalloc(32768);
    for (int i = 0; i < 2; i++)
        wspeer_send(&s.client, 2, bytes, 32768);
    UNTIL(&s, s.backend.messages == 2);
    turn(&s);
    assert_true(s.backend.pings > 0);
    turn(&s);
    assert_true(delivered(&s) > 0); /* it goes at the first edge of a long queue */
    free(bytes);
    scene_close(&s);
}

static void one_message_is_asked_after_in_50_ms(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    say(&s, 1);
    pass_time(&s, 10);
    say(&s, 1); /* the clock began with the first */
    pass_time(&s, 15);
    assert_int_equal(s.backend.pings, 0);
    pass_time(&s, 26);
    assert_int_equal(s.backend.pings, 1);
    assert_int_equal(delivered(&s), 2);
    assert_int_equal(s.client.pings, 0); /* nothing was sent to it */
    pass_time(&s, 10000);
    assert_int_equal(s.backend.pings, 1);
    scene_close(&s);
}

static void what_is_sent_shortly_before_takes_it_along(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    say(&s, 1);
    pass_time(&s, 40);
    assert_int_equal(s.backend.pings, 0);
    say(&s, 1);
    assert_int_equal(s.backend.pings, 1);
    turn(&s);
    assert_int_equal(delivered(&s), 2);
    pass_time(&s, 1000);
    assert_int_equal(s.backend.pings, 1);
    scene_close(&s);
}

static void where_nothing_is_kept_no_ack_is_asked_for(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    say(&s, 100);
    pass_time(&s, 1000);
    assert_int_equal(s.backend.pings, 0);
    scene_close(&s);
}

static void two_pings_are_on_their_way_at_most(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    for (int i = 0; i < 10; i++)
        say(&s, MANY);
    pass_time(&s, 500);
    assert_int_equal(s.backend.messages, 10 * MANY);
    assert_int_equal(s.backend.pings, 2);
    assert_int_equal(delivered(&s), 0);
    answer(&s.backend, 1);
    turn(&s);
    assert_int_equal(delivered(&s), MANY);
    pass_time(&s, 60); /* and so the next may go */
    assert_int_equal(s.backend.pings, 3);
    answer(&s.backend, 3);
    turn(&s);
    assert_int_equal(delivered(&s), 10 * MANY);
    scene_close(&s);
}

static void a_later_pong_answers_earlier_pings_too(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, MANY);
    say(&s, MANY);
    assert_int_equal(s.backend.pings, 2);
    answer(&s.backend, 2);
    turn(&s);
    assert_int_equal(delivered(&s), 2 * MANY);
    assert_int_equal(s.rig.lp.pool.held, 0);
    scene_close(&s);
}

static void a_pong_that_answers_nothing_proves_nothing(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, MANY);
    answer(&s.backend, 0);
    answer(&s.backend, 2);
    answer(&s.backend, UINT32_MAX);
    wspeer_frame(&s.backend, true, 10, "", 0);
    wspeer_frame(&s.backend, true, 10, "\1\0\0\0\0", 5);
    turn(&s);
    assert_int_equal(delivered(&s), 0);
    answer(&s.backend, 1);
    answer(&s.backend, 1);
    turn(&s);
    assert_int_equal(delivered(&s), MANY);
    scene_close(&s);
}

/* A silent line is pinged all the same, or the balancer would cut it. */
static void heartbeats_go_on_while_acks_are_owed(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, MANY);
    say(&s, MANY);
    pass_time(&s, 100000);
    assert_in_range(s.backend.pings, 2 + 4, 2 + 5);
    answer(&s.backend, s.backend.pings);
    turn(&s);
    assert_int_equal(delivered(&s), 2 * MANY);
    scene_close(&s);
}

static void a_ping_that_is_full_of_data_proves_only_what_went_before_it(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, MANY);
    say(&s, 5); /* behind the ping */
    answer(&s.backend, 1);
    turn(&s);
    assert_int_equal(delivered(&s), MANY);
    scene_close(&s);
}

/* The backend talks, and answers no ping. */
static void stream_for(struct scene *s, int seconds)
{
    for (int i = 0; i < seconds; i += 10) {
        pass_time(s, 10000);
        wspeer_send(&s->backend, 1, "token", 5);
        turn(s);
    }
}

/* uvicorn's wsproto with a handler that awaits: its first pong comes with its next receive. */
static void what_a_busy_backend_has_is_kept_for_minutes(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, 1);
    stream_for(&s, 600);
    assert_int_equal(delivered(&s) + scene_count(&s.rig, METRIC_UP_UNPROVEN), 0);
    answer(&s.backend, s.backend.pings);
    turn(&s);
    assert_int_equal(delivered(&s), 1);
    scene_close(&s);
}

static void of_a_peer_that_never_answers_nothing_is_kept_any_more(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    s.backend.deaf = true;
    say(&s, 1);
    stream_for(&s, 950);
    assert_int_equal(delivered(&s), 0);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_UNPROVEN), 1);
    say(&s, MANY);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_UNPROVEN), MANY + 1);
    s.backend.deaf = false; /* it was not deaf after all */
    pass_time(&s, 30000);
    say(&s, MANY);
    assert_int_equal(delivered(&s), MANY);
    scene_close(&s);
}

/* ---- death ---- */

static const struct setting_text unpinged[] = {
    {"heartbeat.client", "false"}, {"heartbeat.backend", "false"}, {NULL, NULL}};

static void a_side_without_any_sign_of_life_dies_at_timeouts_connection(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct scene s;
        begin(&s, unpinged);
        for (int i = 0; i < 899; i += 29) {
            pass_time(&s, 29000);
            wspeer_send(side == SIDE_CLIENT ? &s.backend : &s.client, 1, "I am here", 9);
            wspeer_stop(side == SIDE_CLIENT ? &s.client : &s.backend, true);
            turn(&s);
            assert_false(s.ended || scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
        }
        pass_time(&s, 2000);
        assert_true(s.ended || scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
        scene_close(&s);
        scene_reason_must_be(&s,
                             side == SIDE_CLIENT ? REASON_CLIENT_TIMEOUT : REASON_BACKEND_TIMEOUT);
    }
}

static void a_quarter_of_an_hour_of_thought_is_life_where_pings_are_answered(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL);
    say(&s, 1);
    pass_time(&s, 1800000);
    assert_false(s.ended || scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
    scene_close(&s);
}

static void a_backend_that_answers_no_ping_dies_where_it_is_so_set(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, (const struct setting_text[]){{"heartbeat.backend_timeout", "90s"}, {NULL, NULL}});
    s.backend.deaf = true;
    pass_time(&s, 110000);
    assert_false(scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
    pass_time(&s, 10000);
    assert_true(s.client.got_close);
    assert_int_equal(s.client.code, 1012);
    assert_int_equal(s.backend.code, 1001);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_TIMEOUT);
}

static void without_messages_a_session_ends_at_timeouts_idle(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, (const struct setting_text[]){{"timeouts.idle", "60s"}, {NULL, NULL}});
    pass_time(&s, 59000);
    wspeer_send(&s.backend, 1, "still here", 10);
    turn(&s);
    pass_time(&s, 59000); /* pings and pongs pass meanwhile */
    rig_leap(500);
    turn(&s);
    assert_false(s.client.got_close);
    rig_leap(500);
    turn(&s);
    assert_true(s.client.got_close);
    assert_int_equal(s.client.code, 1001);
    UNTIL(&s, s.backend.got_close);
    assert_int_equal(s.backend.code, 1001);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_SESSION_IDLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_messages_bring_their_ping_along),
        cmocka_unit_test(so_do_64_kib),
        cmocka_unit_test(one_message_is_asked_after_in_50_ms),
        cmocka_unit_test(what_is_sent_shortly_before_takes_it_along),
        cmocka_unit_test(where_nothing_is_kept_no_ack_is_asked_for),
        cmocka_unit_test(two_pings_are_on_their_way_at_most),
        cmocka_unit_test(a_later_pong_answers_earlier_pings_too),
        cmocka_unit_test(a_pong_that_answers_nothing_proves_nothing),
        cmocka_unit_test(heartbeats_go_on_while_acks_are_owed),
        cmocka_unit_test(a_ping_that_is_full_of_data_proves_only_what_went_before_it),
        cmocka_unit_test(what_a_busy_backend_has_is_kept_for_minutes),
        cmocka_unit_test(of_a_peer_that_never_answers_nothing_is_kept_any_more),
        cmocka_unit_test(a_side_without_any_sign_of_life_dies_at_timeouts_connection),
        cmocka_unit_test(a_quarter_of_an_hour_of_thought_is_life_where_pings_are_answered),
        cmocka_unit_test(a_backend_that_answers_no_ping_dies_where_it_is_so_set),
        cmocka_unit_test(without_messages_a_session_ends_at_timeouts_idle),
    };
    return cmocka_run_group_tests_name("session/acks", tests, NULL, NULL);
}
