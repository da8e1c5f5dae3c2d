/* A leg's clocks to the millisecond, in time that passes by leaps alone; and heartbeats beside
 * messages that no control frame may part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/scene.h"
#include "wire/frame.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void begin(struct scene *s, const struct session_setup *with,
                  const struct setting_text *settings)
{
    rig_freeze();
    scene_open(s, rig_unix_pair, with, settings);
}

static void turn(struct scene *s)
{
    rig_turn(&s->rig, 16);
}

/* To the next timer, so that none is late. How long that was. */
static uint64_t step(struct scene *s, uint64_t most)
{
    uint64_t now = uv_now(&s->rig.lp.uv), next = wheel_next(&s->rig.lp.wheel);
    uint64_t ms = next > now ? next - now : 1;
    ms = ms < most ? ms : most;
    rig_leap(ms);
    turn(s);
    return ms;
}

static void pass_time(struct scene *s, uint64_t ms)
{
    while (ms > 0)
        ms -= step(s, ms);
}

static bool closes(const struct scene *s)
{
    return s->ended || scene_count(&s->rig, METRIC_SESSIONS_CLOSING) > 0;
}

static void must_close_in(struct scene *s, uint64_t ms)
{
    pass_time(s, ms - 1);
    assert_false(closes(s));
    pass_time(s, 1);
    assert_true(closes(s));
}

static void await_ping(struct scene *s, const struct wspeer *p)
{
    for (unsigned before = p->pings; p->pings == before;)
        step(s, UINT64_MAX);
}

/* ---- deadlines ---- */

static void a_ping_comes_when_the_interval_ends_or_up_to_a_tenth_before(void **state)
{
    (void)state;
    struct scene s;
    bool early = false; /* so that sessions which began together do not ping together */
    begin(&s, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        uint64_t since = uv_now(&s.rig.lp.uv);
        await_ping(&s, i % 2 ? &s.client : &s.backend);
        assert_in_range(uv_now(&s.rig.lp.uv) - since, 1, 25000);
        since = uv_now(&s.rig.lp.uv);
        await_ping(&s, i % 2 ? &s.client : &s.backend);
        assert_in_range(uv_now(&s.rig.lp.uv) - since, 22500, 25000);
        early = early || uv_now(&s.rig.lp.uv) - since < 24900;
    }
    assert_true(early);
    scene_close(&s);
}

static void who_answers_no_ping_dies_when_its_timeout_ends(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum reason reason;
    } rows[] = {{"heartbeat.timeout", REASON_CLIENT_TIMEOUT},
                {"heartbeat.backend_timeout", REASON_BACKEND_TIMEOUT}};
    static const char *const intervals[] = {"25s", "40s", "3m"};
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sizeof(intervals) / sizeof(*intervals); i++) {
            struct scene s;
            begin(&s, NULL,
                  (const struct setting_text[]){{rows[side].path, "90s"},
                                                {"heartbeat.interval", intervals[i]},
                                                {NULL, NULL}});
            struct wspeer *p = side == SIDE_CLIENT ? &s.client : &s.backend;
            p->deaf = true;
            await_ping(&s, p);
            must_close_in(&s, 90000);
            scene_close(&s);
            scene_reason_must_be(&s, rows[side].reason);
        }
}

/* What is said to it, and what it does not take, is no sign of its life. */
static void a_side_without_any_sign_of_life_dies_when_timeouts_connection_ends(void **state)
{
    (void)state;
    static const struct setting_text unpinged[] = {
        {"heartbeat.client", "false"}, {"heartbeat.backend", "false"}, {NULL, NULL}};
    for (int side = 0; side < 2; side++) {
        struct scene s;
        begin(&s, NULL, unpinged);
        struct wspeer *dead = side == SIDE_CLIENT ? &s.client : &s.backend;
        struct wspeer *other = side == SIDE_CLIENT ? &s.backend : &s.client;
        wspeer_stop(dead, true);
        pass_time(&s, 1);
        wspeer_send(other, 1, "are you there?", 14);
        turn(&s);
        must_close_in(&s, 900000 - 1);
        scene_close(&s);
        scene_reason_must_be(&s,
                             side == SIDE_CLIENT ? REASON_CLIENT_TIMEOUT : REASON_BACKEND_TIMEOUT);
    }
}

static void a_backend_that_answers_no_ping_dies_when_timeouts_connection_ends(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL, NULL);
    s.backend.deaf = true;
    pass_time(&s, 12345);
    wspeer_send(&s.backend, 1, "busy", 4);
    turn(&s);
    must_close_in(&s, 900000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_TIMEOUT);
}

static void a_session_ends_when_timeouts_idle_does_behind_its_last_message(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL, (const struct setting_text[]){{"timeouts.idle", "60s"}, {NULL, NULL}});
    pass_time(&s, 12345);
    wspeer_send(&s.backend, 1, "the last", 8);
    turn(&s);
    must_close_in(&s, 60000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_SESSION_IDLE);
}

/* Where the timer is late, by as much as it may be. */
static void a_message_that_came_in_time_counts_though_it_was_not_read(void **state)
{
    (void)state;
    static const uint8_t words[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i'};
    for (int side = 0; side < 2; side++) {
        struct scene s;
        begin(&s, NULL, (const struct setting_text[]){{"timeouts.idle", "60s"}, {NULL, NULL}});
        pass_time(&s, 60000 - 1);
        if (side == SIDE_CLIENT)
            assert_int_equal(send(s.client.fd, words, sizeof(words), 0), sizeof(words));
        else
            assert_int_equal(send(s.backend.fd, "\x81\x02hi", 4, 0), 4);
        rig_leap(10 * 60000);
        turn(&s);
        assert_int_equal(s.client.messages + s.backend.messages, 1);
        must_close_in(&s, 60000);
        scene_close(&s);
        scene_reason_must_be(&s, REASON_SESSION_IDLE);
    }
}

static void a_close_without_an_answer_is_waited_for_until_timeouts_close_ends(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL, NULL);
    s.client.close_back = false;
    pass_time(&s, 12345);
    wspeer_say_close(&s.backend, 1000, "");
    turn(&s);
    assert_true(s.client.got_close);
    pass_time(&s, 10000 - 1);
    assert_false(s.client.eof || s.backend.got_close);
    pass_time(&s, 1);
    assert_true(s.client.eof && s.backend.got_close);
    scene_close(&s);
}

/* Where the timer is late, but not by so much that it counts as a stall. */
static void what_a_silent_peer_says_in_the_end_is_read_before_it_is_judged(void **state)
{
    (void)state;
    static const uint8_t word[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i'};
    struct scene s;
    begin(&s, NULL, NULL);
    s.client.deaf = true;
    await_ping(&s, &s.client);
    pass_time(&s, 75000 - 1);
    assert_int_equal(send(s.client.fd, word, sizeof(word), 0), sizeof(word));
    rig_leap(1900);
    turn(&s);
    assert_int_equal(s.backend.messages, 1);
    must_close_in(&s, 75000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

/* What the client has taken is a sign of its life, of which the leg learns only when it looks: so
 * it may take twice the timeout, but not until the next heartbeat. */
static void must_be_given_up(struct scene *s, uint64_t timeout)
{
    pass_time(s, timeout - 1);
    assert_false(closes(s));
    pass_time(s, timeout + 1);
    assert_true(closes(s));
}

static void a_ping_that_had_to_wait_for_the_socket_is_to_be_answered_in_time(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, NULL,
          (const struct setting_text[]){
              {"heartbeat.interval", "10m"}, {"heartbeat.timeout", "10s"}, {NULL, NULL}});
    const uint8_t payload[1000] = {0};
    wspeer_stop(&s.client, true);
    s.client.deaf = true;
    while (s.rig.lp.pool.held == 0) {
        wspeer_send(&s.backend, 2, payload, sizeof(payload));
        turn(&s);
    }
    pass_time(&s, 700000);
    assert_false(closes(&s));
    assert_int_equal(s.client.pings, 0);
    wspeer_stop(&s.client, false);
    turn(&s);
    assert_int_equal(s.client.pings, 1);
    must_be_given_up(&s, 10000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

static void a_ping_for_an_ack_is_to_be_answered_in_time_too(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct session_setup){.keep_up = true, .keep_down = true},
          (const struct setting_text[]){
              {"heartbeat.interval", "10m"}, {"heartbeat.timeout", "10s"}, {NULL, NULL}});
    s.client.deaf = true;
    for (int i = 0; i < 256; i++)
        wspeer_send(&s.backend, 1, "word", 4);
    turn(&s);
    assert_int_equal(s.client.pings, 1);
    must_be_given_up(&s, 10000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

/* ---- compressed messages ---- */

/* A message is sent on before its end once it is longer than FRAME_CUT. */
enum { LONG = 70000, FIRST = 0x42, MORE = 0 }; /* FIRST: of a compressed binary message */

static void must_be_between_messages(struct wspeer *p)
{
    assert_true(p->in.opcode == 0);
}

static void begin_compressed(struct scene *s, bool keep)
{
    begin(s, &(struct session_setup){.deflate = true, .keep_up = keep, .keep_down = keep}, NULL);
    s->client.in.deflate = s->backend.in.deflate = true;
    s->client.pinged = s->backend.pinged = must_be_between_messages;
}

/* A heartbeat is due within it, and goes behind it without a further wait. */
static void a_heartbeat_waits_for_the_end_of_a_compressed_message_and_no_longer(void **state)
{
    (void)state;
    uint8_t *payload = mem_zalloc(LONG);
    for (int side = 0; side < 2; side++)
        for (int keep = 0; keep < 2; keep++) {
            struct scene s;
            begin_compressed(&s, keep);
            struct wspeer *from = side == SIDE_CLIENT ? &s.client : &s.backend;
            struct wspeer *to = side == SIDE_CLIENT ? &s.backend : &s.client;
            wspeer_frame(from, false, FIRST, payload, LONG);
            turn(&s);
            assert_true(to->in.message.len >= FRAME_CUT);
            pass_time(&s, 60000);
            wspeer_frame(to, true, 9, "hear me", 7); /* nor does an answer wait for it */
            wspeer_frame(from, false, MORE, "b", 1);
            turn(&s);
            assert_int_equal(to->pings, 0);
            assert_int_equal(to->pongs, 1);
            wspeer_frame(from, true, MORE, "c", 1);
            turn(&s);
            assert_int_equal(to->messages, 1);
            assert_int_equal(to->pings, 1);
            pass_time(&s, 22000);
            assert_int_equal(to->pings, 1); /* the next is not due */
            scene_close(&s);
        }
    free(payload);
}

/* Long ones, read slowly: the socket is full again and again, pings wait, and acks are asked for.
 */
static void no_ping_parts_a_compressed_message_in_many_frames(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct scene s;
        begin_compressed(&s, keep);
        uint8_t *payload = mem_zalloc(LONG);
        wspeer_stop(&s.client, true);
        for (int i = 0; i < 20; i++) {
            for (int part = 0; part < 5; part++) {
                wspeer_frame(&s.backend, part == 4, part == 0 ? FIRST : MORE, payload, LONG);
                pass_time(&s, 7000);
            }
            wspeer_send(&s.backend, 2, "between", 7);
        }
        while (s.client.messages < 40) {
            wspeer_stop(&s.client, false);
            rig_turn(&s.rig, 2);
            wspeer_stop(&s.client, true);
            pass_time(&s, 3000);
        }
        wspeer_stop(&s.client, false);
        turn(&s);
        assert_true(s.client.pings >= 5);
        scene_close(&s);
        free(payload);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_comes_when_the_interval_ends_or_up_to_a_tenth_before),
        cmocka_unit_test(who_answers_no_ping_dies_when_its_timeout_ends),
        cmocka_unit_test(a_side_without_any_sign_of_life_dies_when_timeouts_connection_ends),
        cmocka_unit_test(a_backend_that_answers_no_ping_dies_when_timeouts_connection_ends),
        cmocka_unit_test(a_session_ends_when_timeouts_idle_does_behind_its_last_message),
        cmocka_unit_test(a_message_that_came_in_time_counts_though_it_was_not_read),
        cmocka_unit_test(a_close_without_an_answer_is_waited_for_until_timeouts_close_ends),
        cmocka_unit_test(what_a_silent_peer_says_in_the_end_is_read_before_it_is_judged),
        cmocka_unit_test(a_ping_that_had_to_wait_for_the_socket_is_to_be_answered_in_time),
        cmocka_unit_test(a_ping_for_an_ack_is_to_be_answered_in_time_too),
        cmocka_unit_test(a_heartbeat_waits_for_the_end_of_a_compressed_message_and_no_longer),
        cmocka_unit_test(no_ping_parts_a_compressed_message_in_many_frames),
    };
    return cmocka_run_group_tests_name("session/beat", tests, NULL, NULL);
}
