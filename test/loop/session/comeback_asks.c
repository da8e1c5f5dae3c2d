/* How a session asks for a backend again: when, how often, what answer it takes; and when it asks
 * no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include <stdlib.h>

#define COUNT(of) (sizeof(of) / sizeof(*(of)))

/* ---- not there in time ---- */

static const struct setting_text hasty[] = {{"reconnect.window", "200ms"}, {NULL, NULL}};

static void a_backend_that_is_not_back_in_time_is_1013(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, hasty);
    play_say_there(&p, "a");
    play_lose_for_long(&p);
    play_say(&p, "b");
    play_over(&p, 1013, REASON_RECONNECT_WINDOW);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 2);
    assert_true(play_count(&p, METRIC_DIAL_REFUSED) > 1);
}

static void what_a_client_that_is_gone_had_said_is_lost_then(void **state)
{
    (void)state;
    for (int says_close = 0; says_close < 2; says_close++) {
        struct play p;
        play_begin(&p, hasty);
        play_say_there(&p, "a");
        play_lose_for_long(&p);
        play_say(&p, "b");
        if (says_close)
            wspeer_say_close(&p.s.client, 1000, "");
        else
            wspeer_close(&p.s.client);
        WAIT(&p, p.s.ended || p.s.client.eof);
        if (says_close)
            assert_int_equal(p.s.client.code, 1013);
        play_end(&p);
        assert_int_equal(play_ends(&p, SIDE_CLIENT, REASON_RECONNECT_WINDOW), 1);
        assert_int_equal(play_count(&p, METRIC_UP_LOST), 2);
    }
}

static void a_backend_whose_name_is_known_no_more_is_not_there(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    struct address *a = &p.s.conf->backend.address;
    free(a->host);
    a->host = mem_strdup("nowhere.test");
    play_say_there(&p, "a");
    play_lose(&p);
    play_say(&p, "b");
    WAIT(&p, play_count(&p, METRIC_DIAL_RESOLVE) > 0);
    rig_leap(60000); /* the next attempt is not made: no look-up is left to run */
    play_over(&p, 1013, REASON_RECONNECT_WINDOW);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 2);
}

static void the_window_ends_an_attempt_that_is_under_way(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, hasty);
    p.server.reply.what = REPLY_SILENCE;
    play_lose(&p);
    play_over(&p, 1013, REASON_RECONNECT_WINDOW);
    assert_int_equal(p.server.came, 1);
}

/* ---- attempts ---- */

static void attempts_come_ever_later_up_to_a_limit(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"reconnect.backoff_min", "10ms"},
                                                 {"reconnect.backoff_max", "1s"},
                                                 {NULL, NULL}});
    play_lose_for_long(&p);
    uint64_t since = p.s.rig.lp.now;
    WAIT(&p, play_count(&p, METRIC_DIAL_REFUSED) == 12);
    /* 10, 20, … 640 ms and five times 1 s at most, half of that on the average. */
    assert_true(p.s.rig.lp.now - since <= 1270 + 5 * 1000 + 200);
    assert_true(p.s.rig.lp.now - since >= 500);
    play_leave(&p);
}

static void no_more_than_half_of_limits_connecting_ask_at_once(void **state)
{
    (void)state;
    struct play p;
    struct wspeer client, backend;
    play_begin(&p, (const struct setting_text[]){
                       {"limits.connecting", "1"}, {"timeouts.close", "1s"}, {NULL, NULL}});
    p.server.reply.what = REPLY_SILENCE;
    scene_join(&p.s.sessions, &p.s.rig, rig_tcp_pair, p.s.conf,
               &(struct session_setup){.keep_up = true, .opening = scene_opening(NULL)}, &client,
               &backend);
    play_lose(&p);
    wspeer_close(&backend);
    WAIT(&p, play_count(&p, METRIC_WAITING) == 1 && p.server.came == 1);
    assert_int_equal(play_count(&p, METRIC_SESSIONS_HEADLESS), 2);
    p.server.reply.what = REPLY_SWITCH;
    wspeer_say_close(&p.s.client, 1000, "");
    wspeer_say_close(&client, 1000, "");
    WAIT(&p, p.s.client.eof && client.eof);
    wspeer_close(&client);
    WAIT(&p, p.s.sessions.count <= 1);
    p.s.ended = p.s.sessions.count == 0;
    play_end(&p);
}

static void one_that_waits_for_another_goes_when_that_is_done(void **state)
{
    (void)state;
    struct play p;
    struct wspeer client, backend;
    play_begin(&p, (const struct setting_text[]){{"limits.connecting", "1"},
                                                 {"backend.handshake_timeout", "100ms"},
                                                 {NULL, NULL}});
    p.server.reply.what = REPLY_SILENCE;
    scene_join(&p.s.sessions, &p.s.rig, rig_tcp_pair, p.s.conf,
               &(struct session_setup){.keep_up = true, .opening = scene_opening(NULL)}, &client,
               &backend);
    play_lose(&p);
    wspeer_close(&backend);
    WAIT(&p, play_count(&p, METRIC_WAITING) == 1);
    p.server.reply.what = REPLY_SWITCH;
    WAIT(&p, play_count(&p, METRIC_SESSIONS_LIVE) == 2);
    assert_int_equal(p.server.switched, 2);
    wspeer_say_close(&client, 1000, "");
    while (p.s.sessions.count > 1) {
        uv_run(&p.s.rig.lp.uv, UV_RUN_ONCE);
        server_part(&p.server);
    }
    wspeer_close(&client);
    p.s.ended = false;
    wspeer_say_close(&p.s.client, 1000, "");
    WAIT(&p, p.s.client.eof);
    play_end(&p);
}

static const struct {
    struct reply reply;
    uint16_t code; /* 0: it is asked again */
    enum reason reason;
} replies[] = {
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"},
     1012,
     REASON_BACKEND_REFUSED},
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
     1012,
     REASON_BACKEND_REFUSED},
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"},
     1012,
     REASON_BACKEND_REFUSED},
    {{.what = REPLY_TEXT, .text = "SSH-2.0-OpenSSH\r\n\r\n"}, 1012, REASON_BACKEND_CHANGED},
    {{.accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="}, 1012, REASON_BACKEND_CHANGED},
    {{.fields = "Sec-WebSocket-Protocol: chat\r\n"}, 1012, REASON_BACKEND_CHANGED},
    {{.fields = "Sec-WebSocket-Extensions: permessage-deflate\r\n"}, 1012, REASON_BACKEND_CHANGED},
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"},
     0,
     REASON_NONE},
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
     0,
     REASON_NONE},
    {{.what = REPLY_TEXT, .text = "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n"},
     0,
     REASON_NONE},
    {{.what = REPLY_EOF}, 0, REASON_NONE},
    {{.what = REPLY_RESET}, 0, REASON_NONE},
    {{.what = REPLY_SILENCE}, 0, REASON_NONE},
};

static void an_answer_that_is_no_welcome_ends_it_or_is_asked_for_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct play p;
        play_begin(
            &p, (const struct setting_text[]){{"backend.handshake_timeout", "50ms"}, {NULL, NULL}});
        p.server.reply = replies[i].reply;
        play_say_there(&p, "a");
        play_lose(&p);
        if (replies[i].code) {
            play_over(&p, replies[i].code, replies[i].reason);
            assert_int_equal(p.server.came, 1);
            assert_int_equal(play_count(&p, METRIC_UP_LOST), 1);
            continue;
        }
        WAIT(&p, p.server.came == 3);
        assert_true(play_headless(&p));
        p.server.reply.what = REPLY_SWITCH;
        play_got(&p, 0, "a|");
        play_leave(&p);
    }
}

static void what_was_agreed_on_must_be_agreed_on_again(void **state)
{
    (void)state;
    static const struct {
        const char *first, *then;
        bool deflate, same;
    } rows[] = {
        {"Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Protocol: chat\r\n", false, true},
        {"Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Protocol: Chat\r\n", false, false},
        {"Sec-WebSocket-Protocol: chat\r\n", NULL, false, false},
        {NULL, "Sec-WebSocket-Extensions: permessage-deflate\r\n", true, true},
        {NULL, NULL, true, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play p;
        const struct scene_first first = {
            .fields = rows[i].first, .agreed = {.on = rows[i].deflate, .client_no_context = true}};
        play_begin_as(&p, &first, NULL);
        p.server.reply.fields = rows[i].then;
        play_lose(&p);
        if (rows[i].same) {
            play_back(&p, 0);
            WAIT(&p, play_count(&p, METRIC_SESSIONS_LIVE) == 1);
            play_leave(&p);
        } else {
            play_over(&p, 1012, REASON_BACKEND_CHANGED);
        }
    }
}

/* ---- loops ---- */

static void a_message_upon_which_two_backends_in_a_row_died_is_poison(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_say_there(&p, "a");
    play_lose(&p);
    play_got(&p, 0, "a|");
    wspeer_close(play_back(&p, 0));
    play_over(&p, 1011, REASON_POISON);
    assert_int_equal(play_count(&p, METRIC_UP_UNPROVEN) + play_count(&p, METRIC_UP_LOST), 1);
    assert_int_equal(p.server.came, 1);
}

static void a_close_or_an_end_much_later_is_not_blamed_on_it(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct play p;
        play_begin(&p, NULL);
        play_say_there(&p, "a");
        play_lose(&p);
        struct wspeer *b = play_back(&p, 0);
        b->deaf = true;
        play_got(&p, 0, "a|");
        if (later) {
            rig_leap(5100);
            rig_turn(&p.s.rig, 1);
            wspeer_close(b);
        } else {
            wspeer_say_close(b, 1012, "");
        }
        play_got(&p, 1, "a|");
        play_leave(&p);
    }
}

static void a_fifth_brief_life_in_a_row_ends_it(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_lose(&p);
    for (unsigned i = 0; i < 3; i++) {
        wspeer_close(play_back(&p, i));
        WAIT(&p, play_headless(&p) || p.server.switched > i + 1);
    }
    wspeer_close(play_back(&p, 3));
    play_over(&p, 1011, REASON_BACKEND_UNSTABLE);
    assert_int_equal(p.server.came, 4);
}

static void a_life_of_ten_seconds_begins_the_count_anew(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, NULL);
    play_lose(&p);
    for (unsigned i = 0; i < 8; i++) {
        struct wspeer *b = play_back(&p, i);
        rig_turn(&p.s.rig, 2);
        if (i % 4 == 3) {
            rig_leap(10001);
            rig_turn(&p.s.rig, 2);
        }
        wspeer_close(b);
    }
    play_back(&p, 8);
    rig_turn(&p.s.rig, 2);
    play_leave(&p);
}

/* ---- what a fresh connection could not be told ---- */

struct stateful {
    struct scene_first first;
    uint8_t opcode;
    const char *path, *value; /* a setting */
};

static const struct stateful stateful[] = {
    {{.fields = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"}, 1, NULL, NULL},
    {{.target = "/socket.io/?EIO=4"}, 1, NULL, NULL},
    {{NULL}, 2, NULL, NULL},
    {{NULL}, 1, "reconnect.state", "connection"},
    {{.target = "/mine/1"}, 1, "reconnect.stateful", "/mine"},
};

static void begin_stateful(struct play *p, const struct stateful *of)
{
    play_begin_as(
        p, &of->first,
        (const struct setting_text[]){
            {of->path ? of->path : "reconnect.window", of->path ? of->value : "1m"}, {NULL, NULL}});
    p->server.reply.fields = of->first.fields;
    wspeer_send(&p->s.client, of->opcode, "a", 1);
    play_has(p, &p->first, "a|");
}

static void with_what_a_backend_knew_of_it_a_session_ends_in_one_1012(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(stateful); i++) {
        struct play p;
        begin_stateful(&p, &stateful[i]);
        p.s.backend.deaf = false;
        rig_leap(26000);
        WAIT(&p, play_count(&p, METRIC_UP_DELIVERED) == 1);
        wspeer_send(&p.s.backend, 1, "last", 4);
        WAIT(&p, p.s.backend.out.len == 0);
        wspeer_close(&p.s.backend);
        play_has(&p, &p.heard, "last|");
        play_over(&p, 1012, REASON_STATE_LOST);
        assert_int_equal(p.server.came, 0);
    }
}

static void where_nothing_was_proven_it_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(stateful); i++) {
        struct play p;
        begin_stateful(&p, &stateful[i]);
        play_lose(&p);
        play_got(&p, 0, "a|");
        assert_false(p.s.client.got_close);
        WAIT(&p, play_count(&p, METRIC_UP_DELIVERED) == 1);
        wspeer_close(play_back(&p, 0)); /* there it is proven */
        play_over(&p, 1012, REASON_STATE_LOST);
    }
}

/* What a lost backend has seen, and the next one will not. */
static void what_does_not_go_again_may_have_been_such_knowledge(void **state)
{
    (void)state;
    static const struct setting_text settings[][3] = {
        {{"reconnect.replay", "unsent"}, {"reconnect.state", "connection"}, {NULL, NULL}},
        {{"heartbeat.backend", "false"}, {"reconnect.state", "connection"}, {NULL, NULL}},
    };
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct play p;
        play_begin(&p, settings[i]);
        play_say_there(&p, "a");
        wspeer_close(&p.s.backend);
        play_over(&p, 1012, REASON_STATE_LOST);
    }
}

static void a_stateless_session_goes_on_whatever_it_sends(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"reconnect.state", "stateless"}, {NULL, NULL}});
    p.s.backend.deaf = false;
    wspeer_send(&p.s.client, 2, "a", 1);
    WAIT(&p, play_count(&p, METRIC_UP_DELIVERED) == 1);
    play_lose(&p);
    play_got(&p, 0, "");
    play_leave(&p);
}

static void without_pings_what_was_sent_is_gone_and_what_was_not_follows(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"heartbeat.backend", "false"}, {NULL, NULL}});
    play_say_there(&p, "a");
    play_lose_for_long(&p);
    play_say(&p, "b");
    server_listen(&p.server, true);
    play_got(&p, 0, "b|");
    play_leave(&p);
    assert_int_equal(play_count(&p, METRIC_UP_LOST), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_that_is_not_back_in_time_is_1013),
        cmocka_unit_test(what_a_client_that_is_gone_had_said_is_lost_then),
        cmocka_unit_test(a_backend_whose_name_is_known_no_more_is_not_there),
        cmocka_unit_test(the_window_ends_an_attempt_that_is_under_way),
        cmocka_unit_test(attempts_come_ever_later_up_to_a_limit),
        cmocka_unit_test(no_more_than_half_of_limits_connecting_ask_at_once),
        cmocka_unit_test(one_that_waits_for_another_goes_when_that_is_done),
        cmocka_unit_test(an_answer_that_is_no_welcome_ends_it_or_is_asked_for_again),
        cmocka_unit_test(what_was_agreed_on_must_be_agreed_on_again),
        cmocka_unit_test(a_message_upon_which_two_backends_in_a_row_died_is_poison),
        cmocka_unit_test(a_close_or_an_end_much_later_is_not_blamed_on_it),
        cmocka_unit_test(a_fifth_brief_life_in_a_row_ends_it),
        cmocka_unit_test(a_life_of_ten_seconds_begins_the_count_anew),
        cmocka_unit_test(with_what_a_backend_knew_of_it_a_session_ends_in_one_1012),
        cmocka_unit_test(where_nothing_was_proven_it_goes_on),
        cmocka_unit_test(what_does_not_go_again_may_have_been_such_knowledge),
        cmocka_unit_test(a_stateless_session_goes_on_whatever_it_sends),
        cmocka_unit_test(without_pings_what_was_sent_is_gone_and_what_was_not_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
