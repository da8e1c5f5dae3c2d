/* A leg's clocks and control frames, in the time that a leap takes; and what it proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/scene.h"
#include "net/faults.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* In steps that are no stall, and turns enough for a ping and its pong: what is written to a Unix
 * socket has arrived, while TCP takes its own time, which is none of the leaps'. */
static void pass_time(struct scene *s, uint64_t ms)
{
    for (uint64_t step; ms > 0; ms -= step) {
        step = ms < 1000 ? ms : 1000;
        rig_leap(step);
        rig_turn(&s->rig, 8);
    }
}

static void send_zeros(struct wspeer *p, size_t size)
{
    uint8_t *payload = mem_zalloc(size);
    wspeer_send(p, 2, payload, size);
    free(payload);
}

/* ---- heartbeats ---- */

/* Some balancers keep one idle clock for each direction, and data in the other does not move it. */
static void neither_direction_of_a_leg_is_silent_for_longer_than_the_interval(void **state)
{
    (void)state;
    for (int who = 0; who < 4; who++) {
        struct scene s;
        scene_open(&s, rig_unix_pair, NULL, NULL);
        struct wspeer *peers[] = {&s.client, &s.backend};
        unsigned before[2] = {0, 0}, quiet[2] = {0, 0};
        for (int second = 0; second < 500; second++) {
            if (who & 1)
                wspeer_send(&s.client, 1, "tick", 4);
            if (who & 2)
                wspeer_send(&s.backend, 1, "tock", 4);
            pass_time(&s, 1000);
            for (int i = 0; i < 2; i++) {
                /* A ping is what makes the peer speak, too. */
                bool talks = who == 3 || peers[i]->pings != before[i];
                before[i] = peers[i]->pings;
                quiet[i] = talks ? 0 : quiet[i] + 1;
                assert_true(quiet[i] <= 26); /* the last leap may go beyond it */
            }
        }
        assert_true(who == 3 || (s.client.pings < 40 && s.backend.pings < 40));
        assert_int_equal(s.rig.lp.pool.held, 0);
        assert_false(s.ended);
        scene_close(&s);
    }
}

static void a_client_that_answers_no_ping_is_closed_and_the_backend_told(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    s.client.deaf = true;
    pass_time(&s, 90000);
    assert_false(s.client.got_close);
    pass_time(&s, 15000);
    assert_int_equal(s.client.code, 1001);
    assert_int_equal(s.backend.code, 1001);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

static void a_client_that_answers_no_ping_but_speaks_is_not_cut(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    s.client.deaf = true;
    for (int i = 0; i < 10; i++) {
        wspeer_send(&s.client, 1, "tick", 4);
        pass_time(&s, 60000);
    }
    assert_int_equal(s.backend.messages, 10);
    assert_false(s.client.got_close);
    scene_close(&s);
}

static void a_backend_that_answers_no_ping_is_not_cut(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    s.backend.deaf = true;
    pass_time(&s, 600000);
    assert_true(s.backend.pings > 20);
    assert_false(s.backend.got_close || s.backend.eof);
    scene_close(&s);
}

static void who_is_not_to_be_pinged_is_not(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL,
               (const struct setting_text[]){
                   {"heartbeat.client", "false"}, {"heartbeat.backend", "false"}, {NULL, NULL}});
    pass_time(&s, 600000);
    assert_int_equal(s.client.pings + s.backend.pings, 0);
    assert_false(s.client.got_close || s.backend.got_close);
    scene_close(&s);
}

static void who_answers_does_not_die_of_a_stall_of_our_own(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    pass_time(&s, 20000);
    do {
        rig_leap(10);
        rig_turn(&s.rig, 1);
    } while (s.client.pings == 0 || s.client.out.len > 0);
    rig_leap(600000); /* its pong waits in the socket */
    rig_turn(&s.rig, 8);
    pass_time(&s, 3000);
    pass_time(&s, 3000);
    assert_false(s.client.got_close || s.ended);
    scene_close(&s);
}

static void a_stall_of_our_own_is_added_to_the_deadline_of_who_does_not_answer(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    s.client.deaf = true;
    pass_time(&s, 25000);
    assert_int_equal(s.client.pings, 1);
    rig_leap(600000);
    pass_time(&s, 3000);
    assert_int_equal(s.client.code, 0); /* it has as much time left as it had before */
    pass_time(&s, 76000);
    assert_int_equal(s.client.code, 1001);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

static void what_came_during_a_stall_is_read_before_a_closing_leg_is_given_up(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    s.client.close_back = false;
    sessions_drain(&s.sessions, 1000);
    UNTIL(&s, s.client.got_close);
    wspeer_send(&s.client, 1, "late", 4);
    wspeer_say_close(&s.client, 1012, "");
    do
        rig_turn(&s.rig, 1);
    while (s.client.out.len > 0);
    rig_leap(600000);
    UNTIL(&s, s.backend.eof);
    assert_int_equal(s.backend.messages, 1);
    scene_close(&s);
}

static size_t read_by(const struct wspeer *p)
{
    return p->bytes + p->in.message.len + p->in.raw.len;
}

/* All is in the socket, and a ping waits for minutes behind it. */
static void a_slow_reader_is_not_dead_while_its_tcp_takes_bytes(void **state)
{
    (void)state;
    int little = 65536;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    setsockopt(s.client.fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    wspeer_stop(&s.client, true);
    for (int i = 0; i < 20; i++)
        send_zeros(&s.backend, 60000);
    UNTIL(&s, s.backend.out.len == 0);
    s.client.most = 32768;
    for (int i = 0; i < 20; i++) {
        size_t before = read_by(&s.client);
        wspeer_stop(&s.client, false);
        UNTIL(&s, read_by(&s.client) > before);
        wspeer_stop(&s.client, true);
        rig_turns_in(&s.rig, 5); /* TCP's own time */
        pass_time(&s, 20000);
    }
    assert_true(read_by(&s.client) < 20 * 60000 && s.client.pings == 0);
    assert_false(s.ended || scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
    wspeer_reset(&s.client);
    scene_close(&s);
}

/* What is queued takes many times timeouts.close to be read. */
static void a_slow_reader_gets_all_that_was_queued_before_its_close(void **state)
{
    (void)state;
    rig_pair *const pairs[] = {rig_narrow_pair, rig_unix_pair};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s, pairs[i], NULL, NULL);
        int little = 65536;
        setsockopt(s.client.fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
        wspeer_stop(&s.client, true);
        for (int n = 0; n < 20; n++)
            send_zeros(&s.backend, 60000);
        wspeer_say_close(&s.backend, 1000, "");
        UNTIL(&s, s.backend.out.len == 0);
        s.client.most = 65536;
        while (!s.client.got_close) {
            size_t before = read_by(&s.client);
            wspeer_stop(&s.client, false);
            UNTIL(&s, read_by(&s.client) > before || s.client.got_close);
            wspeer_stop(&s.client, true);
            rig_turns_in(&s.rig, 5); /* TCP's own time */
            pass_time(&s, 3000);
        }
        assert_int_equal(s.client.messages, 20);
        assert_int_equal(s.client.code, 1000);
        wspeer_stop(&s.client, false);
        scene_close(&s);
    }
}

static void a_client_that_we_do_not_read_is_not_dead(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL,
               (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    wspeer_stop(&s.backend, true);
    for (int i = 0; i < 40; i++)
        send_zeros(&s.client, 60000);
    pass_time(&s, 600000);
    assert_true(s.client.out.len > 0);
    assert_false(s.ended || scene_count(&s.rig, METRIC_SESSIONS_CLOSING));
    wspeer_stop(&s.backend, false);
    UNTIL(&s, s.backend.messages == 40);
    pass_time(&s, 100000);
    assert_false(s.client.got_close);
    scene_close(&s);
}

/* ---- control frames ---- */

static void a_ping_behind_the_handshake_is_answered_at_once(void **state)
{
    (void)state;
    struct scene s;
    const struct session_setup with = {
        .backend = {.rest = (const uint8_t *)"\x89\x02hi", .rest_len = 4}};
    scene_open(&s, rig_unix_pair, &with, NULL);
    rig_turn(&s.rig, 8);
    assert_int_equal(s.backend.pongs, 1);
    scene_close(&s);
}

/* Short writes leave a pong half written at any byte of the chunk in which they wait. */
static void of_a_flood_of_pings_of_all_sizes_the_newest_is_answered(void **state)
{
    (void)state;
    uint8_t payload[125] = {0};
    for (unsigned seed = 0; seed < 20; seed++) {
        struct scene s;
        faults_set(&(struct faults){.seed = seed, .cut = 100, .eagain = 50});
        scene_open(&s, rig_unix_pair, NULL, NULL);
        for (unsigned i = 0; i < 4000; i++) {
            wspeer_frame(&s.client, true, 9, payload, i % 2 ? 125 : i * (seed + 7) % 126);
            rig_turn(&s.rig, i % 10 == 0);
        }
        UNTIL(&s, s.client.out.len == 0);
        unsigned pongs = s.client.pongs;
        wspeer_frame(&s.client, true, 9, "last", 4);
        wspeer_send(&s.client, 1, "x", 1);
        UNTIL(&s, s.backend.messages == 1);
        while (s.rig.lp.pool.held > 0)
            uv_run(&s.rig.lp.uv, UV_RUN_ONCE);
        rig_turn(&s.rig, 8);
        assert_true(s.client.pongs > pongs);
        scene_close(&s);
    }
    faults_set(&(struct faults){.seed = 0});
}

static void a_ping_of_ours_that_waits_outlives_a_flood_of_theirs(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    wspeer_stop(&s.client, true);
    for (int i = 0; i < 20; i++)
        send_zeros(&s.backend, 60000);
    pass_time(&s, 25000 * 20); /* one waits for them all */
    for (int i = 0; i < 100; i++)
        wspeer_frame(&s.client, true, 9, (const uint8_t[125]){0}, 125);
    UNTIL(&s, s.client.out.len == 0);
    rig_turn(&s.rig, 8);
    assert_true(s.rig.lp.pool.held < 1200000 + 3 * POOL_LARGE);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.messages == 20);
    rig_turn(&s.rig, 8);
    assert_int_equal(s.client.pings, 1);
    assert_true(s.client.pongs > 0);
    scene_close(&s);
}

/* ---- proof ---- */

static void a_pong_proves_what_was_sent_before_its_ping(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    wspeer_send(&s.client, 1, "a", 1);
    wspeer_send(&s.client, 1, "b", 1);
    pass_time(&s, 20000);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_ACCEPTED), 2);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_DELIVERED), 0);
    pass_time(&s, 10000);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_DELIVERED), 2);
    scene_close(&s);
}

static void what_is_proven_from_within_a_message_is_not_given_up_as_unproven_too(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, &(struct session_setup){.keep_up = true, .keep_down = true},
               (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    uint8_t *payload = mem_zalloc(200000);
    for (int i = 0; i < 100; i++)
        wspeer_send(&s.client, 1, "a", 1);
    wspeer_frame(&s.client, false, 2, payload, 200000);
    UNTIL(&s, s.backend.messages == 100 && s.backend.in.message.len >= 131072);
    for (; scene_count(&s.rig, METRIC_UP_DELIVERED) == 0; rig_turns_in(&s.rig, 1))
        rig_leap(1000);
    assert_int_equal(scene_count(&s.rig, METRIC_UP_DELIVERED), 100);
    wspeer_frame(&s.client, true, 0, payload, 1);
    for (int i = 0; i < 20; i++)
        wspeer_send(&s.client, 2, payload, 60000);
    UNTIL(&s, s.backend.messages == 121);
    assert_true(scene_count(&s.rig, METRIC_UP_UNPROVEN) <= 21);
    scene_close(&s);
    assert_true(scene_count(&s.rig, METRIC_UP_DELIVERED) >= 100);
    free(payload);
}

static void a_close_that_crosses_ours_proves_nothing(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    wspeer_stop(&s.client, true);
    wspeer_send(&s.backend, 1, "unread", 6);
    UNTIL(&s, scene_count(&s.rig, METRIC_DOWN_ACCEPTED) == 1);
    sessions_drain(&s.sessions, 2000);
    rig_turn(&s.rig, 8);
    wspeer_say_close(&s.client, 4000, "");
    UNTIL(&s, s.backend.got_close);
    assert_int_equal(scene_count(&s.rig, METRIC_DOWN_DELIVERED), 0);
    scene_close(&s);
    assert_int_equal(scene_count(&s.rig, METRIC_DOWN_UNPROVEN), 1);
}

/* Messages of 1,000 bytes to a client that reads none: up to `most`, or until one is not taken by
 * the socket. How many there are. */
static unsigned send_unread(struct scene *s, unsigned most)
{
    unsigned n = 0;
    wspeer_stop(&s->client, true);
    while (n < most && s->rig.lp.pool.held == 0) {
        send_zeros(&s->backend, 1000);
        UNTIL(s, scene_count(&s->rig, METRIC_DOWN_ACCEPTED) == n + 1);
        n++;
    }
    return n;
}

/* It has the code of ours, but ours waits in a full socket. */
static void a_close_that_comes_before_ours_has_gone_proves_nothing(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    unsigned most = send_unread(&s, UINT_MAX) - 1;
    wspeer_reset(&s.client);
    scene_close(&s);

    scene_open(&s, rig_unix_pair, NULL, NULL);
    assert_int_equal(send_unread(&s, most), most);
    assert_int_equal(s.rig.lp.pool.held, 0); /* all of it is in the socket, which is full */
    sessions_drain(&s.sessions, 2000);
    UNTIL(&s, s.rig.lp.pool.held > 0); /* our Close is not */
    wspeer_say_close(&s.client, 1012, "");
    UNTIL(&s, s.backend.got_close);
    assert_int_equal(scene_count(&s.rig, METRIC_DOWN_DELIVERED), 0);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.got_close);
    assert_int_equal(s.client.messages, most);
    scene_close(&s);
    assert_int_equal(scene_count(&s.rig, METRIC_DOWN_UNPROVEN), most);
}

static void a_close_in_answer_to_ours_proves_all_that_went_before(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    wspeer_send(&s.backend, 1, "read", 4);
    UNTIL(&s, s.client.messages == 1);
    sessions_drain(&s.sessions, 2000);
    UNTIL(&s, s.client.eof);
    assert_int_equal(scene_count(&s.rig, METRIC_DOWN_DELIVERED), 1);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_direction_of_a_leg_is_silent_for_longer_than_the_interval),
        cmocka_unit_test(a_client_that_answers_no_ping_is_closed_and_the_backend_told),
        cmocka_unit_test(a_client_that_answers_no_ping_but_speaks_is_not_cut),
        cmocka_unit_test(a_backend_that_answers_no_ping_is_not_cut),
        cmocka_unit_test(who_is_not_to_be_pinged_is_not),
        cmocka_unit_test(who_answers_does_not_die_of_a_stall_of_our_own),
        cmocka_unit_test(a_stall_of_our_own_is_added_to_the_deadline_of_who_does_not_answer),
        cmocka_unit_test(what_came_during_a_stall_is_read_before_a_closing_leg_is_given_up),
        cmocka_unit_test(a_client_that_we_do_not_read_is_not_dead),
        cmocka_unit_test(a_slow_reader_is_not_dead_while_its_tcp_takes_bytes),
        cmocka_unit_test(a_slow_reader_gets_all_that_was_queued_before_its_close),
        cmocka_unit_test(a_ping_behind_the_handshake_is_answered_at_once),
        cmocka_unit_test(of_a_flood_of_pings_of_all_sizes_the_newest_is_answered),
        cmocka_unit_test(a_ping_of_ours_that_waits_outlives_a_flood_of_theirs),
        cmocka_unit_test(a_pong_proves_what_was_sent_before_its_ping),
        cmocka_unit_test(what_is_proven_from_within_a_message_is_not_given_up_as_unproven_too),
        cmocka_unit_test(a_close_that_crosses_ours_proves_nothing),
        cmocka_unit_test(a_close_that_comes_before_ours_has_gone_proves_nothing),
        cmocka_unit_test(a_close_in_answer_to_ours_proves_all_that_went_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
