/* Where a session that has lost its backend ends: there is nothing to go on with, or the client
 * leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- nothing to go on with ---- */

static const struct setting_text narrow[] = {{"buffer.session", "256KiB"}, {NULL, NULL}};

static void a_torn_message_ends_it_with_1012(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, narrow);
    uint8_t *payload = mem_zalloc(1 << 20);
    wspeer_frame(&p.s.client, true, 2, payload, 1 << 20);
    p.s.client.out.len--;
    WAIT(&p, p.s.client.out.len == 0);
    play_rest(&p);
    wspeer_close(&p.s.backend);
    play_over(&p, 1012, REASON_BACKEND_EOF);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
    assert_int_equal(p.server.came, 0);
    free(payload);
}

static void what_was_given_up_and_is_not_proven_since_ends_it_with_1012(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, narrow);
    play_say_bulk(&p, 20000, 40);
    WAIT(&p, p.s.backend.messages == 40);
    WAIT(&p, play_count(&p, METRIC_UP_UNPROVEN) > 0);
    wspeer_close(&p.s.backend);
    play_over(&p, 1012, REASON_BACKEND_EOF);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 0);
    assert_int_equal(play_count(&p, METRIC_UP_UNPROVEN), 40);
}

/* In heartbeat.interval a ping goes whose pong proves all. */
static void what_was_given_up_and_is_proven_since_does_not(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, narrow);
    play_say_bulk(&p, 20000, 40);
    WAIT(&p, p.s.backend.messages == 40);
    p.s.backend.deaf = false;
    rig_leap(26000);
    WAIT(&p, p.s.rig.lp.pool.held == 0);
    play_lose(&p);
    play_say(&p, "a");
    play_got(&p, 0, "a|");
    play_leave(&p);
}

static void without_an_opening_it_is_not_looked_for(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, &(struct session_setup){.keep_up = true}, NULL);
    wspeer_close(&s.backend);
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.code, 1012);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_EOF);
}

/* ---- the client leaves meanwhile ---- */

static void what_a_client_said_before_its_close_is_still_delivered_then_the_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAY_WAYS; i++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_there(&p, "a");
        server_listen(&p.server, false);
        play_ways[i].how(&p.s.backend);
        WAIT(&p, play_headless(&p));
        play_say(&p, "b");
        wspeer_say_close(&p.s.client, 4001, "bye");
        rig_turn(&p.s.rig, 20);
        assert_false(p.s.client.got_close);
        server_listen(&p.server, true);
        struct wspeer *b = play_back(&p, 0);
        WAIT(&p, b->got_close);
        play_got(&p, 0, "a|b|");
        assert_int_equal(b->code, 4001);
        assert_string_equal(b->why, "bye");
        play_over(&p, 4001, REASON_CLIENT_CLOSE);
        assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 2);
    }
}

static void so_is_what_one_said_that_is_gone(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_there(&p, "a");
        play_lose_for_long(&p);
        play_say(&p, "b");
        (reset ? wspeer_reset : wspeer_close)(&p.s.client);
        rig_turn(&p.s.rig, 20);
        assert_true(play_headless(&p));
        server_listen(&p.server, true);
        struct wspeer *b = play_back(&p, 0);
        WAIT(&p, b->got_close);
        play_got(&p, 0, "a|b|");
        assert_int_equal(b->code, 1001);
        play_end(&p);
        assert_int_equal(
            play_ends(&p, SIDE_CLIENT, reset ? REASON_CLIENT_RESET : REASON_CLIENT_EOF), 1);
        assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 2);
    }
}

static void a_client_that_breaks_the_protocol_meanwhile_is_told_so_at_once(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    play_lose_for_long(&p);
    wspeer_raw(&p.s.client, "\xff\xff\xff\xff", 4);
    WAIT(&p, p.s.client.got_close);
    assert_int_equal(p.s.client.code, 1002);
    assert_true(play_headless(&p));
    server_listen(&p.server, true);
    play_got(&p, 0, "a|");
    WAIT(&p, play_back(&p, 0)->got_close);
    assert_int_equal(play_back(&p, 0)->code, 1001);
    play_over(&p, 1002, REASON_CLIENT_PROTOCOL);
}

static void with_nothing_to_deliver_a_close_is_answered_at_once_in_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAY_WAYS; i++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_proven(&p, "a");
        server_listen(&p.server, false);
        play_ways[i].how(&p.s.backend);
        WAIT(&p, play_headless(&p));
        play_leave(&p);
        assert_int_equal(p.server.came, 0);
    }
}

static void with_nothing_to_deliver_the_end_of_a_client_ends_it(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_proven(&p, "a");
    play_lose_for_long(&p);
    wspeer_close(&p.s.client);
    WAIT(&p, p.s.ended);
    play_end(&p);
    assert_int_equal(play_ends(&p, SIDE_CLIENT, REASON_CLIENT_EOF), 1);
}

/* It had sent half of a message, which the first backend has seen. */
static void half_a_message_of_a_client_that_is_gone_is_not_sent_again(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    uint8_t *payload = mem_zalloc(200000);
    play_say_there(&p, "a");
    wspeer_frame(&p.s.client, true, 2, payload, 200000);
    p.s.client.out.len--;
    WAIT(&p, p.s.client.out.len == 0 && p.s.backend.in.message.len >= 131072);
    p.s.backend.close_back = false;
    wspeer_close(&p.s.client);
    WAIT(&p, p.s.backend.got_close);
    wspeer_reset(&p.s.backend);
    struct wspeer *b = play_back(&p, 0);
    WAIT(&p, b->got_close);
    play_got(&p, 0, "a|");
    assert_int_equal(b->in.opcode, 0);
    free(payload);
    play_end(&p);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
    assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 1);
}

/* Nothing of it had been sent: it waited behind others, and answers were looked for in it. */
static void half_a_message_that_waited_is_lost_with_its_client(void **state)
{
    (void)state;
    struct play p;
    uint8_t *payload = mem_zalloc(60000);
    play_begin(&p, (const struct setting_text[]){{"buffer.session", "64MiB"},
                                                 {"answer.of.field", "type"},
                                                 {"answer.of.values", "ask"},
                                                 {"answer.by.field", "type"},
                                                 {"answer.by.values", "done"},
                                                 {NULL, NULL}});
    wspeer_stop(&p.s.backend, true);
    unsigned n = 0;
    do {
        wspeer_send(&p.s.client, 1, payload, 60000);
        WAIT(&p, p.s.client.out.len == 0 && play_count(&p, METRIC_UP_ACCEPTED) == n + 1);
        n++;
    } while (p.s.rig.lp.pool.held < (16u << 20));
    wspeer_frame(&p.s.client, false, 1, payload, 60000);
    wspeer_frame(&p.s.client, false, 0, payload, 60000);
    WAIT(&p, p.s.client.out.len == 0 && play_count(&p, METRIC_UP_ACCEPTED) == n + 1);
    play_rest(&p);
    wspeer_frame(&p.s.client, false, 0, payload, 10);
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, play_count(&p, METRIC_SESSIONS_CLOSING) == 1);
    p.s.backend.deaf = false;
    wspeer_stop(&p.s.backend, false);
    play_over(&p, 1000, REASON_CLIENT_CLOSE);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
    free(payload);
}

/* ---- lost in the middle of the Close exchange ---- */

static void a_backend_that_ends_behind_our_close_has_had_all(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    p.s.backend.close_back = false;
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, p.s.backend.got_close);
    wspeer_close(&p.s.backend);
    play_over(&p, 1000, REASON_CLIENT_CLOSE);
    assert_int_equal(p.server.came, 0);
}

static void one_that_is_reset_there_has_not(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    p.s.backend.close_back = false;
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, p.s.backend.got_close);
    wspeer_reset(&p.s.backend);
    play_got(&p, 0, "a|");
    play_over(&p, 1000, REASON_CLIENT_CLOSE);
}

static void one_that_is_reset_there_and_has_proven_all_is_not_looked_for(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_proven(&p, "a");
    p.s.backend.close_back = false;
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, p.s.backend.got_close);
    wspeer_reset(&p.s.backend);
    play_over(&p, 1000, REASON_CLIENT_CLOSE);
    assert_int_equal(p.server.came, 0);
}

/* What is sent to it gets lost on the way. */
static void hear_no_more(struct wspeer *p)
{
    struct sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog all = {.len = 1, .filter = drop};
    assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)), 0);
}

static void an_end_that_crosses_what_is_sent_proves_nothing(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    hear_no_more(&p.s.backend);
    play_say(&p, "a");
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, play_count(&p, METRIC_SESSIONS_CLOSING) == 1);
    wspeer_shutdown(&p.s.backend);
    play_got(&p, 0, "a|");
    play_over(&p, 1000, REASON_CLIENT_CLOSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_message_ends_it_with_1012),
        cmocka_unit_test(what_was_given_up_and_is_not_proven_since_ends_it_with_1012),
        cmocka_unit_test(what_was_given_up_and_is_proven_since_does_not),
        cmocka_unit_test(without_an_opening_it_is_not_looked_for),
        cmocka_unit_test(what_a_client_said_before_its_close_is_still_delivered_then_the_close),
        cmocka_unit_test(so_is_what_one_said_that_is_gone),
        cmocka_unit_test(a_client_that_breaks_the_protocol_meanwhile_is_told_so_at_once),
        cmocka_unit_test(with_nothing_to_deliver_a_close_is_answered_at_once_in_kind),
        cmocka_unit_test(with_nothing_to_deliver_the_end_of_a_client_ends_it),
        cmocka_unit_test(half_a_message_of_a_client_that_is_gone_is_not_sent_again),
        cmocka_unit_test(half_a_message_that_waited_is_lost_with_its_client),
        cmocka_unit_test(a_backend_that_ends_behind_our_close_has_had_all),
        cmocka_unit_test(one_that_is_reset_there_has_not),
        cmocka_unit_test(one_that_is_reset_there_and_has_proven_all_is_not_looked_for),
        cmocka_unit_test(an_end_that_crosses_what_is_sent_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
