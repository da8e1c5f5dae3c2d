/* The drain: whose turn comes when, and what a session does until then and from then on. Time
 * stands still but where a test lets it pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/play.h"
#include <unistd.h>

enum { MEMBERS = 8, TIME = 1600, STEP = TIME / 2 / MEMBERS };

/* Sessions in the order of their numbers. */
struct crowd {
    struct scene s; /* the first, and what all have in common */
    struct member {
        struct wspeer client, backend;
    } more[MEMBERS - 1];
};

static struct wspeer *client(struct crowd *c, unsigned n)
{
    return n == 0 ? &c->s.client : &c->more[n - 1].client;
}

static struct wspeer *backend(struct crowd *c, unsigned n)
{
    return n == 0 ? &c->s.backend : &c->more[n - 1].backend;
}

static void crowd_open(struct crowd *c)
{
    rig_freeze();
    scene_open(&c->s, rig_tcp_pair, NULL, NULL);
    for (struct member *m = c->more; m < c->more + MEMBERS - 1; m++)
        scene_join(&c->s.sessions, &c->s.rig, rig_tcp_pair, c->s.conf, NULL, &m->client,
                   &m->backend);
}

static void crowd_close(struct crowd *c)
{
    for (unsigned i = 1; i < MEMBERS; i++) {
        wspeer_close(client(c, i));
        if (!backend(c, i)->closed)
            wspeer_close(backend(c, i));
    }
    UNTIL(&c->s, c->s.sessions.count == 1);
    c->s.ended = false;
    scene_close(&c->s);
}

static void drain(struct scene *s, uint64_t ms)
{
    loop_enter(&s->rig.lp);
    sessions_drain(&s->sessions, ms);
    rig_turn(&s->rig, 1);
}

static void pass(struct scene *s, uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&s->rig, 20);
}

/* How many clients were told, from the first on, and none behind them. */
static unsigned told(struct crowd *c)
{
    unsigned n = 0;
    while (n < MEMBERS && client(c, n)->got_close)
        n++;
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_int_equal(client(c, i)->got_close, i < n);
        assert_int_equal(client(c, i)->code, i < n ? 1012 : 0);
        assert_int_equal(backend(c, i)->code, i < n ? 1001 : 0);
    }
    return n;
}

static void turns_come_evenly_over_the_first_half_in_the_order_of_beginnings(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c);
    drain(&c.s, TIME);
    pass(&c.s, 1);
    for (unsigned n = 1; n < MEMBERS; n++) {
        assert_int_equal(told(&c), n);
        pass(&c.s, STEP - 2);
        assert_int_equal(told(&c), n);
        pass(&c.s, 2);
    }
    assert_int_equal(told(&c), MEMBERS);
    crowd_close(&c);
}

static void without_time_all_are_told_in_the_next_turn(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c);
    drain(&c.s, 0);
    pass(&c.s, 1);
    assert_int_equal(told(&c), MEMBERS);
    crowd_close(&c);
}

static void until_its_turn_a_session_goes_on_as_before(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c);
    drain(&c.s, TIME);
    pass(&c.s, TIME / 2 - STEP - 2);
    wspeer_send(client(&c, MEMBERS - 1), 1, "up", 2);
    wspeer_send(backend(&c, MEMBERS - 1), 1, "down", 4);
    rig_turn(&c.s.rig, 20);
    assert_int_equal(backend(&c, MEMBERS - 1)->messages, 1);
    assert_int_equal(client(&c, MEMBERS - 1)->messages, 1);
    assert_int_equal(told(&c), MEMBERS - 1);
    crowd_close(&c);
}

/* What it went on to say would be lost. */
static void whose_backend_ends_waits_for_no_turn(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c);
    drain(&c.s, TIME);
    pass(&c.s, 1);
    assert_int_equal(told(&c), 1);
    wspeer_close(backend(&c, MEMBERS - 1));
    rig_turn(&c.s.rig, 20);
    assert_int_equal(client(&c, MEMBERS - 1)->code, 1012);
    assert_int_equal(client(&c, MEMBERS - 2)->code, 0);
    crowd_close(&c);
}

/* A loop that is late comes to the turn first, and then to the sockets. */
static void what_the_backend_said_before_a_turn_goes_before_the_close(void **state)
{
    (void)state;
    static const char last[] = "\x81\x04last\x81\x05words";
    for (int ends = 0; ends < 2; ends++) {
        struct scene s;
        rig_freeze();
        scene_open(&s, rig_tcp_pair, NULL, NULL);
        drain(&s, TIME);
        assert_int_equal(write(s.backend.fd, last, sizeof(last) - 1), sizeof(last) - 1);
        if (ends)
            wspeer_close(&s.backend);
        pass(&s, 1);
        assert_int_equal(s.client.messages, 2);
        assert_int_equal(s.client.code, 1012);
        scene_close(&s);
        assert_int_equal(scene_count(&s.rig, METRIC_DOWN_LOST), 0);
        scene_reason_must_be(&s, REASON_DRAIN);
    }
}

/* Of a long one the client has the first part, of a short one nothing: either the backend has begun
 * to say. */
static void a_message_that_was_begun_before_a_turn_may_end(void **state)
{
    (void)state;
    static const char half[100000];
    for (int part = 0; part < 2; part++) {
        struct scene s;
        size_t n = part ? 100 : sizeof(half);
        rig_freeze();
        scene_open(&s, rig_tcp_pair, NULL, NULL);
        wspeer_frame(&s.backend, false, 2, half, n);
        rig_turn(&s.rig, 20);
        drain(&s, 8000);
        pass(&s, 1);
        pass(&s, 500);
        assert_int_equal(s.client.code, 0);
        wspeer_frame(&s.backend, true, 0, half, n);
        rig_turn(&s.rig, 20);
        pass(&s, 60);
        assert_int_equal(s.client.messages, 1);
        assert_int_equal(s.client.bytes, 2 * n);
        assert_int_equal(s.client.code, 1012);
        scene_close(&s);
        assert_int_equal(scene_count(&s.rig, METRIC_DOWN_LOST), 0);
    }
}

/* A second; where there is less than two, it is not waited for. */
static void a_message_that_does_not_end_is_not_waited_for_long(void **state)
{
    (void)state;
    static const char half[100000];
    for (int little = 0; little < 2; little++) {
        struct scene s;
        unsigned wait = little ? 1 : 1000;
        rig_freeze();
        scene_open(&s, rig_tcp_pair, NULL, NULL);
        wspeer_frame(&s.backend, false, 2, half, sizeof(half));
        rig_turn(&s.rig, 20);
        drain(&s, little ? 2000 : 8000);
        for (unsigned ms = 0; ms < wait; ms++) {
            assert_int_equal(s.client.code, 0);
            pass(&s, 1);
        }
        pass(&s, 1);
        assert_int_equal(s.client.code, 1012);
        scene_close(&s);
        assert_int_equal(scene_count(&s.rig, METRIC_DOWN_LOST), 1);
        scene_reason_must_be(&s, REASON_DRAIN);
    }
}

/* ---- from its turn on ---- */

static void silent_ends_have(const char *close, unsigned time, unsigned client_ms,
                             unsigned backend_ms)
{
    struct scene s;
    rig_freeze();
    scene_open(&s, rig_tcp_pair, NULL,
               (const struct setting_text[]){{"timeouts.close", close}, {NULL, NULL}});
    s.client.close_back = s.backend.close_back = false;
    drain(&s, time);
    pass(&s, 1);
    assert_int_equal(s.client.code, 1012);
    pass(&s, client_ms - 2);
    assert_int_equal(s.backend.code, 0);
    pass(&s, 2);
    assert_int_equal(s.backend.code, 1001);
    pass(&s, backend_ms - 2);
    assert_int_equal(s.sessions.count, 1);
    pass(&s, 2);
    assert_int_equal(s.sessions.count, 0);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_DRAIN);
}

static void
who_does_not_answer_its_close_leaves_the_other_a_second_or_half_of_the_time(void **state)
{
    (void)state;
    silent_ends_have("10s", 1600, 800, 400);
    silent_ends_have("10s", 8000, 7000, 500);
}

static void who_does_not_answer_its_close_is_not_waited_for_longer_than_ever(void **state)
{
    (void)state;
    silent_ends_have("100ms", TIME, 100, 100);
}

/* A slow reader gets what was queued for as long as there is time. Then all is accounted for. */
static void a_slow_reader_is_given_its_queue_until_the_end(void **state)
{
    (void)state;
    static const char text[1000];
    struct scene s;
    rig_freeze();
    scene_open(&s, rig_narrow_pair, NULL, NULL);
    wspeer_stop(&s.client, true);
    for (unsigned i = 0; i < 900; i++)
        wspeer_send(&s.backend, 1, text, sizeof(text));
    UNTIL(&s, scene_count(&s.rig, METRIC_DOWN_ACCEPTED) == 900);
    drain(&s, TIME);
    unsigned had = 0;
    for (unsigned ms = 0; ms < TIME - STEP; ms += STEP) {
        pass(&s, STEP);
        assert_int_equal(s.sessions.count, 1);
        wspeer_stop(&s.client, false);
        UNTIL(&s, s.client.messages > had);
        wspeer_stop(&s.client, true);
        had = s.client.messages;
    }
    assert_true(had < 900);
    sessions_kill(&s.sessions);
    s.ended = true;
    assert_true(scene_count(&s.rig, METRIC_DOWN_LOST) > 0);
    assert_true(scene_count(&s.rig, METRIC_DOWN_UNPROVEN) >= had);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_KILLED);
}

/* ---- who is on its way out already ---- */

static void one_that_is_closing_keeps_its_reason_and_its_close(void **state)
{
    (void)state;
    struct scene s;
    rig_freeze();
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    s.client.close_back = false;
    wspeer_say_close(&s.backend, 4000, "gone");
    UNTIL(&s, s.client.got_close);
    drain(&s, TIME);
    pass(&s, TIME - 1);
    assert_int_equal(s.sessions.count, 1);
    wspeer_say_close(&s.client, 4000, "");
    rig_turn(&s.rig, 20);
    assert_int_equal(s.client.code, 4000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_CLOSE);
}

/* What it had said is still brought to the backend that it has, but no other is looked for. */
static void what_a_client_said_before_it_left_still_arrives(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct play p;
        rig_freeze();
        play_begin(&p, NULL);
        wspeer_stop(&p.s.backend, true);
        play_say(&p, "last words");
        wspeer_say_close(&p.s.client, 1000, "");
        rig_turn(&p.s.rig, 20);
        drain(&p.s, TIME);
        pass(&p.s, TIME - 1);
        if (lost)
            wspeer_reset(&p.s.backend);
        else
            wspeer_stop(&p.s.backend, false);
        rig_turn(&p.s.rig, 20);
        assert_int_equal(p.s.backend.messages, !lost);
        play_end(&p);
        assert_int_equal(p.server.came, 0);
        assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), !lost);
        assert_int_equal(play_ends(&p, SIDE_CLIENT, REASON_CLIENT_CLOSE), 1);
    }
}

/* ---- those without a backend ---- */

static void who_looks_for_a_backend_is_told_in_the_next_turn(void **state)
{
    (void)state;
    struct play p;
    struct wspeer client, backend;
    rig_freeze();
    play_begin(&p, NULL);
    scene_join(&p.s.sessions, &p.s.rig, rig_tcp_pair, p.s.conf, NULL, &client, &backend);
    play_say_there(&p, "a");
    play_lose_for_long(&p);
    play_say(&p, "b");
    drain(&p.s, TIME);
    pass(&p.s, 1);
    assert_int_equal(p.s.client.code, 1012);
    assert_int_equal(client.code, 1012); /* the first of those that have one */
    wspeer_close(&client);
    wspeer_close(&backend);
    WAIT(&p, p.s.sessions.count == 1);
    p.s.ended = false;
    play_end(&p);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 2);
    assert_int_equal(p.server.came, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_come_evenly_over_the_first_half_in_the_order_of_beginnings),
        cmocka_unit_test(without_time_all_are_told_in_the_next_turn),
        cmocka_unit_test(until_its_turn_a_session_goes_on_as_before),
        cmocka_unit_test(whose_backend_ends_waits_for_no_turn),
        cmocka_unit_test(what_the_backend_said_before_a_turn_goes_before_the_close),
        cmocka_unit_test(a_message_that_was_begun_before_a_turn_may_end),
        cmocka_unit_test(a_message_that_does_not_end_is_not_waited_for_long),
        cmocka_unit_test(
            who_does_not_answer_its_close_leaves_the_other_a_second_or_half_of_the_time),
        cmocka_unit_test(who_does_not_answer_its_close_is_not_waited_for_longer_than_ever),
        cmocka_unit_test(a_slow_reader_is_given_its_queue_until_the_end),
        cmocka_unit_test(one_that_is_closing_keeps_its_reason_and_its_close),
        cmocka_unit_test(what_a_client_said_before_it_left_still_arrives),
        cmocka_unit_test(who_looks_for_a_backend_is_told_in_the_next_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
