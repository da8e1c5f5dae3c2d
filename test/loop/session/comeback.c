/* A session that outlives its backend: what goes again and what does not, messages that were cut in
 * the middle, and what the client hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(of) (sizeof(of) / sizeof(*(of)))

/* ---- what goes again ---- */

static void replay_after(void (*how)(struct wspeer *p), enum reason r)
{
    struct play p;
    play_begin(&p, NULL);
    play_say_proven(&p, "a");
    play_say_proven(&p, "b");
    play_say_there(&p, "c");
    play_say_there(&p, "d");
    how(&p.s.backend);
    WAIT(&p, play_headless(&p));
    play_say(&p, "e");
    struct wspeer *b = play_back(&p, 0);
    play_say(&p, "f");
    play_got(&p, 0, "c|d|e|f|");
    assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 2);
    play_has(&p, &p.first, "a|b|c|d|");
    WAIT(&p, play_count(&p, METRIC_UP_DELIVERED) == 6);
    wspeer_send(b, 1, "hi", 2);
    play_has(&p, &p.heard, "hi|");
    assert_int_equal(p.s.rig.lp.pool.held, 0);
    play_leave(&p);
    assert_int_equal(play_ends(&p, SIDE_BACKEND, r), 1);
    assert_int_equal(play_ends(&p, SIDE_BACKEND, REASON_CLIENT_CLOSE), 1);
    assert_int_equal(play_count(&p, METRIC_UP_UNPROVEN) + play_count(&p, METRIC_UP_LOST), 0);
}

static void what_is_not_proven_goes_again_in_order_and_once_before_what_is_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAY_WAYS; i++)
        replay_after(play_ways[i].how, play_ways[i].reason);
}

static void a_silent_backend_is_lost_too(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"heartbeat.interval", "1s"},
                                                 {"heartbeat.timeout", "3s"},
                                                 {"heartbeat.backend_timeout", "3s"},
                                                 {NULL, NULL}});
    play_say_there(&p, "a");
    while (!play_headless(&p)) {
        rig_leap(200);
        rig_turn(&p.s.rig, 4);
    }
    play_got(&p, 0, "a|");
    play_leave(&p);
    assert_int_equal(play_ends(&p, SIDE_BACKEND, REASON_BACKEND_TIMEOUT), 1);
}

static void the_handshake_is_asked_for_with_the_same_head(void **state)
{
    (void)state;
    struct play p;
    play_begin_as(&p, &(struct scene_first){.target = "/ws?token=1"}, NULL);
    play_lose(&p);
    play_back(&p, 0);
    struct opening *o = scene_opening(&(struct scene_first){.target = "/ws?token=1"});
    struct str want = opening_request(o);
    const struct buf *head = &server_visit(&p.server, 0)->head;
    assert_int_equal(head->len, want.n + 1);
    assert_memory_equal(head->data, want.p, want.n);
    opening_free(o);
    play_leave(&p);
}

/* Lost again before it has proven anything. */
static void a_second_loss_sends_all_of_it_again(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    p.server.reply.what = REPLY_SWITCH;
    play_lose(&p);
    play_got(&p, 0, "a|");
    struct wspeer *b = play_back(&p, 0);
    b->deaf = true;
    play_say(&p, "b");
    play_got(&p, 0, "a|b|");
    wspeer_say_close(b, 1012, "");
    play_got(&p, 1, "a|b|");
    assert_true(play_count(&p, METRIC_UP_REPLAYED) == 3);
    play_leave(&p);
}

static void what_comes_while_headless_waits_and_stops_the_client_at_the_limit(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    play_lose_for_long(&p);
    uint64_t hash = play_say_bulk(&p, 20000, 600);
    play_rest(&p);
    assert_true(p.s.client.out.len > 0);
    assert_true(p.s.rig.lp.pool.held >= 256 << 10);
    assert_true(p.s.rig.lp.pool.held < (256 << 10) + LOOP_SCRATCH + 2 * POOL_LARGE);
    server_listen(&p.server, true);
    struct wspeer *b = play_back(&p, 0);
    WAIT(&p, b->messages == 600);
    assert_true(b->hash == hash);
    assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 0);
    WAIT(&p, p.s.rig.lp.pool.held == 0);
    play_leave(&p);
}

static void what_the_backend_had_not_taken_follows(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    wspeer_stop(&p.s.backend, true);
    uint64_t hash = play_say_bulk(&p, 1000, 100);
    WAIT(&p, play_count(&p, METRIC_UP_ACCEPTED) == 100);
    wspeer_reset(&p.s.backend);
    struct wspeer *b = play_back(&p, 0);
    WAIT(&p, b->messages == 100);
    assert_true(b->hash == hash);
    play_leave(&p);
}

static void replay_unsent_doubles_nothing_and_counts_what_is_not_proven(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"reconnect.replay", "unsent"}, {NULL, NULL}});
    play_say_proven(&p, "a");
    play_say_there(&p, "b");
    play_say_there(&p, "c");
    play_lose_for_long(&p);
    play_say(&p, "d");
    server_listen(&p.server, true);
    play_got(&p, 0, "d|");
    assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 0);
    assert_int_equal(play_count(&p, METRIC_UP_UNPROVEN), 2);
    WAIT(&p, play_count(&p, METRIC_UP_DELIVERED) == 2);
    play_leave(&p);
}

/* ---- cut in the middle ---- */

static void cut_up(size_t size, size_t part)
{
    struct play p;
    play_begin(&p, NULL);
    uint8_t *payload = mem_alloc(size);
    rig_number(payload, size);
    play_say_there(&p, "a");
    wspeer_frame(&p.s.client, true, 2, payload, size);
    size_t kept = p.s.client.out.len - part;
    struct buf rest;
    buf_init(&rest);
    buf_add(&rest, p.s.client.out.data + part, kept);
    p.s.client.out.len = part;
    WAIT(&p, p.s.client.out.len == 0);
    play_rest(&p);
    play_lose(&p);
    wspeer_raw(&p.s.client, rest.data, rest.len);
    struct wspeer *b = play_back(&p, 0);
    b->deaf = true;
    WAIT(&p, b->messages == 2);
    assert_int_equal(b->bytes, size + 1);
    uint64_t want = wspeer_hash(wspeer_hash(0, 1, "a", 1), 2, payload, size);
    assert_true(b->hash == want);
    buf_fini(&rest);
    free(payload);
    play_leave(&p);
}

static void a_message_of_the_client_that_was_half_sent_goes_again_from_its_beginning(void **state)
{
    (void)state;
    static const size_t sizes[] = {30000, 65536, 65537, 300000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        cut_up(sizes[i], 1);
        cut_up(sizes[i], 10);
        cut_up(sizes[i], sizes[i] / 2);
        cut_up(sizes[i], sizes[i] - 1);
    }
}

/* Begins a message of the backend's of this size, without its last byte. */
static void begin_down(struct play *p, size_t size)
{
    uint8_t *payload = mem_zalloc(size);
    wspeer_frame(&p->s.backend, true, 2, payload, size);
    p->s.backend.out.len--;
    WAIT(p, p->s.backend.out.len == 0);
    free(payload);
}

static void
a_message_of_the_backend_that_the_client_has_seen_half_of_ends_it_with_1012(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    begin_down(&p, 200000);
    WAIT(&p, p.s.client.in.opcode != 0);
    wspeer_close(&p.s.backend);
    play_over(&p, 1012, REASON_BACKEND_EOF);
    assert_int_equal(play_count(&p, METRIC_DOWN_LOST), 1);
    assert_int_equal(p.server.came, 0);
    assert_int_equal(p.s.client.messages, 0);
}

static void
one_that_was_not_long_enough_to_be_begun_is_dropped_and_the_session_goes_on(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    begin_down(&p, 60000);
    play_lose(&p);
    wspeer_send(play_back(&p, 0), 1, "new", 3);
    play_has(&p, &p.heard, "new|");
    assert_int_equal(play_count(&p, METRIC_DOWN_LOST), 0);
    play_leave(&p);
}

/* The client's socket is full of what came before. */
static void one_that_waits_behind_others_is_dropped_and_the_session_goes_on(void **state)
{
    (void)state;
    struct play p;
    uint8_t *payload = mem_zalloc(60000);
    play_begin(&p, (const struct setting_text[]){{"buffer.session", "64MiB"}, {NULL, NULL}});
    wspeer_stop(&p.s.client, true);
    unsigned n = 0;
    for (; p.s.rig.lp.pool.held < 200000; n++) {
        wspeer_send(&p.s.backend, 2, payload, 60000);
        WAIT(&p, p.s.backend.out.len == 0 && play_count(&p, METRIC_DOWN_ACCEPTED) == n + 1);
    }
    begin_down(&p, 200000);
    WAIT(&p, play_count(&p, METRIC_DOWN_ACCEPTED) == n + 1);
    play_lose(&p);
    assert_int_equal(play_count(&p, METRIC_DOWN_LOST), 1);
    wspeer_send(play_back(&p, 0), 1, "new", 3);
    WAIT(&p, play_count(&p, METRIC_DOWN_ACCEPTED) == n + 2);
    wspeer_stop(&p.s.client, false);
    WAIT(&p, p.s.client.messages == n + 1);
    assert_int_equal(p.s.client.bytes, (uint64_t)n * 60000 + 3);
    free(payload);
    play_leave(&p);
}

/* ---- what the client hears of it ---- */

static void a_greeting_is_passed_on_or_its_messages_are_swallowed(void **state)
{
    (void)state;
    for (int swallowed = 0; swallowed <= 3; swallowed++) {
        static const char *const counts[] = {"pass", "1", "2", "3"};
        static const char *const heard[] = {"one|two|three|four|", "two|three|four|", "three|four|",
                                            "four|"};
        struct play p;
        play_begin(&p, (const struct setting_text[]){{"reconnect.greeting", counts[swallowed]},
                                                     {NULL, NULL}});
        for (int i = 0; i < 3; i++)
            wspeer_send(&p.s.backend, 1, "zero", 4);
        play_has(&p, &p.heard, "zero|zero|zero|");
        buf_clear(&p.heard);
        play_lose(&p);
        struct wspeer *b = play_back(&p, 0);
        wspeer_send(b, 1, "one", 3);
        wspeer_frame(b, false, 1, "t", 1); /* in fragments, with a ping between */
        wspeer_frame(b, true, 9, "?", 1);
        wspeer_frame(b, true, 0, "wo", 2);
        wspeer_send(b, 1, "three", 5);
        wspeer_send(b, 1, "four", 4);
        play_has(&p, &p.heard, heard[swallowed]);
        assert_int_equal(b->pongs, 1);
        assert_int_equal(play_count(&p, METRIC_DOWN_ACCEPTED), 7);
        play_leave(&p);
        assert_int_equal(
            play_count(&p, METRIC_DOWN_DELIVERED) + play_count(&p, METRIC_DOWN_UNPROVEN), 7);
    }
}

static void of_a_greeting_the_client_gets_what_it_has_not_had(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"reconnect.greeting", "2"}, {NULL, NULL}});
    wspeer_send(&p.s.backend, 1, "welcome", 7);
    play_has(&p, &p.heard, "welcome|");
    play_lose(&p);
    wspeer_send(play_back(&p, 0), 1, "welcome", 7);
    wspeer_send(play_back(&p, 0), 1, "news", 4);
    play_has(&p, &p.heard, "welcome|news|");
    play_leave(&p);
}

static void a_backend_that_says_that_it_goes_is_answered(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    wspeer_say_close(&p.s.backend, 1012, "restart");
    WAIT(&p, p.s.backend.got_close);
    assert_int_equal(p.s.backend.code, 1012);
    play_got(&p, 0, "a|");
    play_leave(&p);
}

static void a_long_greeting_that_is_compressed_is_swallowed_too(void **state)
{
    (void)state;
    struct play p;
    const struct scene_first first = {
        .agreed = {.on = true, .client_no_context = true, .server_no_context = true}};
    play_begin_as(&p, &first,
                  (const struct setting_text[]){{"reconnect.greeting", "1"}, {NULL, NULL}});
    p.server.reply.fields =
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
    p.s.client.in.deflate = true;
    wspeer_frame(&p.s.backend, true, 0x41, "hello", 5);
    play_has(&p, &p.heard, "hello|");
    play_lose(&p);
    struct wspeer *b = play_back(&p, 0);
    uint8_t *payload = mem_zalloc(300000);
    wspeer_frame(b, true, 0x41, payload, 300000);
    wspeer_frame(b, true, 0x41, "next", 4);
    play_has(&p, &p.heard, "hello|next|");
    free(payload);
    play_leave(&p);
}

#define NOTICE "{\"type\":\"reconnected\"}"

static void a_notice_comes_once_behind_what_the_lost_backend_said(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"reconnect.notice", NOTICE}, {NULL, NULL}});
    wspeer_send(&p.s.backend, 1, "a", 1);
    play_has(&p, &p.heard, "a|");
    play_lose(&p);
    struct wspeer *b = play_back(&p, 0);
    play_has(&p, &p.heard, "a|" NOTICE "|");
    wspeer_send(b, 1, "b", 1);
    play_has(&p, &p.heard, "a|" NOTICE "|b|");
    play_leave(&p);
    assert_int_equal(play_count(&p, METRIC_DOWN_ACCEPTED), 2);
}

static void a_notice_waits_for_what_is_queued_before_it(void **state)
{
    (void)state;
    struct play p;
    uint8_t *payload = mem_zalloc(60000);
    play_begin(&p, (const struct setting_text[]){
                       {"reconnect.notice", NOTICE}, {"buffer.session", "64MiB"}, {NULL, NULL}});
    wspeer_stop(&p.s.client, true);
    unsigned n = 0;
    for (; p.s.rig.lp.pool.held < 200000; n++) {
        wspeer_send(&p.s.backend, 2, payload, 60000);
        WAIT(&p, p.s.backend.out.len == 0 && play_count(&p, METRIC_DOWN_ACCEPTED) == n + 1);
    }
    p.s.client.texts = NULL;
    play_lose(&p);
    wspeer_send(play_back(&p, 0), 1, "b", 1);
    WAIT(&p, play_count(&p, METRIC_DOWN_ACCEPTED) == n + 1);
    wspeer_stop(&p.s.client, false);
    WAIT(&p, p.s.client.messages >= n);
    p.s.client.texts = &p.heard;
    WAIT(&p, p.s.client.messages == n + 2);
    assert_int_equal(p.s.client.bytes, (uint64_t)n * 60000 + strlen(NOTICE) + 1);
    free(payload);
    play_leave(&p);
}

/* ---- right behind the 101 ---- */

static void bytes_behind_the_101_reach_the_client(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    p.server.reply.rest = "\x81\x02hi\x89\x01?\x81\x05there";
    p.server.reply.rest_len = 14;
    play_say_there(&p, "a");
    play_lose(&p);
    play_has(&p, &p.heard, "hi|there|");
    play_got(&p, 0, "a|");
    WAIT(&p, play_back(&p, 0)->pongs == 1);
    play_leave(&p);
}

static void a_close_behind_the_101_is_relayed_or_the_backend_is_lost_once_more(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    p.server.reply.rest = "\x88\x02\x03\xf4"; /* 1012 */
    p.server.reply.rest_len = 4;
    play_say_there(&p, "a");
    play_lose(&p);
    play_back(&p, 0);
    p.server.reply.rest = "\x81\x03"
                          "bye\x88\x02\x0f\xa1"; /* 4001 */
    p.server.reply.rest_len = 9;
    WAIT(&p, p.s.client.got_close);
    play_has(&p, &p.heard, "bye|");
    play_over(&p, 4001, REASON_BACKEND_CLOSE);
    assert_true(p.server.came >= 2);
}

static void a_close_1008_soon_after_a_reconnect_is_a_refusal(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_lose(&p);
    wspeer_say_close(play_back(&p, 0), 1008, "token expired");
    play_over(&p, 1012, REASON_BACKEND_REFUSED);
}

static void a_bad_frame_of_the_next_backend_is_1014(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_lose(&p);
    wspeer_raw(play_back(&p, 0), "\x81\x82\0\0\0\0hi", 8);
    play_over(&p, 1014, REASON_BACKEND_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_proven_goes_again_in_order_and_once_before_what_is_new),
        cmocka_unit_test(a_silent_backend_is_lost_too),
        cmocka_unit_test(the_handshake_is_asked_for_with_the_same_head),
        cmocka_unit_test(a_second_loss_sends_all_of_it_again),
        cmocka_unit_test(what_comes_while_headless_waits_and_stops_the_client_at_the_limit),
        cmocka_unit_test(what_the_backend_had_not_taken_follows),
        cmocka_unit_test(replay_unsent_doubles_nothing_and_counts_what_is_not_proven),
        cmocka_unit_test(a_message_of_the_client_that_was_half_sent_goes_again_from_its_beginning),
        cmocka_unit_test(
            a_message_of_the_backend_that_the_client_has_seen_half_of_ends_it_with_1012),
        cmocka_unit_test(
            one_that_was_not_long_enough_to_be_begun_is_dropped_and_the_session_goes_on),
        cmocka_unit_test(one_that_waits_behind_others_is_dropped_and_the_session_goes_on),
        cmocka_unit_test(a_greeting_is_passed_on_or_its_messages_are_swallowed),
        cmocka_unit_test(of_a_greeting_the_client_gets_what_it_has_not_had),
        cmocka_unit_test(a_backend_that_says_that_it_goes_is_answered),
        cmocka_unit_test(a_long_greeting_that_is_compressed_is_swallowed_too),
        cmocka_unit_test(a_notice_comes_once_behind_what_the_lost_backend_said),
        cmocka_unit_test(a_notice_waits_for_what_is_queued_before_it),
        cmocka_unit_test(bytes_behind_the_101_reach_the_client),
        cmocka_unit_test(a_close_behind_the_101_is_relayed_or_the_backend_is_lost_once_more),
        cmocka_unit_test(a_close_1008_soon_after_a_reconnect_is_a_refusal),
        cmocka_unit_test(a_bad_frame_of_the_next_backend_is_1014),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
