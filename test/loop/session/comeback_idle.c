/* What timeouts.idle means to a session that loses its backend: a reconnect is no message, and one
 * that waits for the backend is not the want of one. Time stands still but where a test lets it
 * pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/play.h"
#include <string.h>

enum { IDLE = 60 * 1000 };

static void begin(struct play *p, const struct setting_text *more)
{
    struct setting_text all[12] = {
        {"timeouts.idle", "1m"}, {"reconnect.window", "10m"}, {"heartbeat.client", "false"}};
    size_t n = 3;
    while (more && more->path)
        all[n++] = *more++;
    all[n] = (struct setting_text){NULL, NULL};
    rig_freeze();
    play_begin(p, all);
}

static void pass(struct play *p, uint64_t ms)
{
    rig_turn(&p->s.rig, 1);
    rig_leap(ms);
    rig_turn(&p->s.rig, 20);
}

static void says(struct play *p, struct wspeer *w, const char *text)
{
    wspeer_send(w, 1, text, strlen(text));
    rig_turn(&p->s.rig, 10);
}

/* It is back 10 ms later. */
static void lose_and_find(struct play *p)
{
    play_lose(p);
    pass(p, 10);
    assert_int_equal(p->server.switched, 1);
}

/* It is away for so long, and then back at once. */
static void lose_for(struct play *p, uint64_t ms)
{
    play_lose_for_long(p);
    pass(p, ms);
    assert_true(play_headless(p));
    server_listen(&p->server, true);
    pass(p, 10);
    assert_int_equal(p->server.switched, 1);
}

static void must_end_in(struct play *p, uint64_t ms)
{
    pass(p, ms - 1);
    assert_false(p->s.client.got_close);
    pass(p, 1);
    assert_true(p->s.client.got_close);
    assert_int_equal(p->s.client.code, 1001);
    play_end(p);
    assert_int_equal(play_ends(p, SIDE_CLIENT, REASON_SESSION_IDLE), 1);
}

static void a_reconnect_is_no_message(void **state)
{
    (void)state;
    struct play p;
    begin(&p, NULL);
    pass(&p, 30000);
    says(&p, &p.s.backend, "the last");
    pass(&p, 40000);
    lose_and_find(&p);
    must_end_in(&p, IDLE - 40010);
}

static void it_ends_a_session_that_waits_with_nothing_to_say(void **state)
{
    (void)state;
    struct play p;
    begin(&p, NULL);
    pass(&p, 40000);
    play_lose_for_long(&p);
    must_end_in(&p, IDLE - 40000);
}

static void what_waits_for_the_backend_passes_when_that_is_there(void **state)
{
    (void)state;
    for (int headless = 0; headless < 2; headless++) {
        struct play p;
        begin(&p, NULL);
        if (!headless)
            says(&p, &p.s.client, "a"); /* and it is not proven */
        play_lose_for_long(&p);
        if (headless)
            says(&p, &p.s.client, "a");
        pass(&p, 3 * IDLE);
        assert_true(play_headless(&p));
        server_listen(&p.server, true);
        pass(&p, 10);
        assert_int_equal(server_visit(&p.server, 0)->peer.messages, 1);
        must_end_in(&p, IDLE);
    }
}

static void so_does_what_waits_for_an_answer(void **state)
{
    (void)state;
    struct play p;
    begin(&p, (const struct setting_text[]){{"answer.of.field", "type"},
                                            {"answer.of.values", "ask"},
                                            {"answer.by.field", "type"},
                                            {"answer.by.values", "done"},
                                            {NULL, NULL}});
    p.s.backend.deaf = false;
    says(&p, &p.s.client, "{\"type\": \"ask\"}");
    pass(&p, 50);
    assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 1);
    lose_for(&p, 3 * IDLE);
    assert_int_equal(server_visit(&p.server, 0)->peer.messages, 1);
    must_end_in(&p, IDLE);
}

static void a_greeting_is_a_message_to_whom_it_is_told(void **state)
{
    (void)state;
    for (int swallowed = 0; swallowed < 2; swallowed++) {
        struct play p;
        begin(&p, (const struct setting_text[]){{"reconnect.greeting", swallowed ? "1" : "pass"},
                                                {NULL, NULL}});
        says(&p, &p.s.backend, "hello");
        pass(&p, 40000);
        lose_and_find(&p);
        says(&p, &server_visit(&p.server, 0)->peer, "hello");
        must_end_in(&p, swallowed ? IDLE - 40010 : IDLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reconnect_is_no_message),
        cmocka_unit_test(it_ends_a_session_that_waits_with_nothing_to_say),
        cmocka_unit_test(what_waits_for_the_backend_passes_when_that_is_there),
        cmocka_unit_test(so_does_what_waits_for_an_answer),
        cmocka_unit_test(a_greeting_is_a_message_to_whom_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
