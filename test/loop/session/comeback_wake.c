/* Sessions that wait for their backend when it is found ready: who goes then, and when. Time stands
 * still but where a test lets it pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/play.h"

enum { MEMBERS = 6 };

/* Sessions that have lost their backend in the order of their numbers. By themselves they would
 * wait for 5 s on the average. */
struct crowd {
    struct play p; /* the first member, and what all have in common */
    struct member {
        struct wspeer client, backend;
    } more[MEMBERS - 1];
};

static const struct setting_text slow[] = {
    {"reconnect.backoff_min", "10s"},
    {"reconnect.backoff_max", "10s"},
    {"limits.connecting", "2"},
    {"reconnect.window", "1m"},
    {NULL, NULL},
};

static void crowd_open(struct crowd *c, const struct setting_text *settings)
{
    rig_freeze();
    play_begin(&c->p, settings);
    for (struct member *m = c->more; m < c->more + MEMBERS - 1; m++)
        scene_join(&c->p.s.sessions, &c->p.s.rig, rig_tcp_pair, c->p.s.conf,
                   &(struct session_setup){.keep_up = true, .opening = scene_opening(NULL)},
                   &m->client, &m->backend);
    play_lose(&c->p);
    for (unsigned i = 1; i < MEMBERS; i++) {
        wspeer_close(&c->more[i - 1].backend);
        WAIT(&c->p, play_count(&c->p, METRIC_SESSIONS_HEADLESS) == i + 1);
    }
}

static void crowd_close(struct crowd *c)
{
    sessions_kill(&c->p.s.sessions);
    c->p.s.ended = true;
    for (struct member *m = c->more; m < c->more + MEMBERS - 1; m++)
        wspeer_close(&m->client);
    play_end(&c->p);
}

static void wake(struct play *p)
{
    loop_enter(&p->s.rig.lp);
    sessions_wake(&p->s.sessions);
    rig_turn(&p->s.rig, 1);
}

/* How many are back when so many ms have passed. */
static unsigned after(struct play *p, uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&p->s.rig, 20);
    return p->server.switched;
}

static void they_go_as_many_in_100_ms_as_may_connect_at_once(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, slow);
    wake(&c.p);
    assert_int_equal(c.p.server.came, 0);
    assert_int_equal(after(&c.p, 1), 1);
    for (unsigned i = 1; i < MEMBERS; i++) {
        assert_int_equal(after(&c.p, 48), i);
        assert_int_equal(after(&c.p, 2), i + 1);
    }
    assert_int_equal(play_count(&c.p, METRIC_SESSIONS_LIVE), MEMBERS);
    crowd_close(&c);
}

static void the_first_to_have_lost_its_backend_goes_first(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, slow);
    play_say(&c.p, "first");
    wake(&c.p);
    assert_int_equal(after(&c.p, 1), 1);
    assert_int_equal(server_visit(&c.p.server, 0)->peer.messages, 1);
    crowd_close(&c);
}

static void nobody_waits_longer_than_backoff_max(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, (const struct setting_text[]){{"reconnect.backoff_max", "100ms"},
                                                 {"limits.connecting", "1"},
                                                 {NULL, NULL}});
    wake(&c.p);
    assert_int_equal(after(&c.p, 100), MEMBERS);
    crowd_close(&c);
}

/* As where it died again. */
static void who_finds_nobody_waits_by_its_backoff_again_and_is_woken_again(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, slow);
    server_listen(&c.p.server, false);
    wake(&c.p);
    assert_int_equal(after(&c.p, 251), 0);
    assert_int_equal(play_count(&c.p, METRIC_DIAL_REFUSED), MEMBERS);
    server_listen(&c.p.server, true);
    assert_int_equal(after(&c.p, 0), 0);
    wake(&c.p);
    assert_int_equal(after(&c.p, 251), MEMBERS);
    crowd_close(&c);
}

static void none_goes_once_its_window_has_ended(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, (const struct setting_text[]){{"reconnect.backoff_min", "10s"},
                                                 {"reconnect.backoff_max", "10s"},
                                                 {"limits.connecting", "1"},
                                                 {"reconnect.window", "250ms"},
                                                 {NULL, NULL}});
    wake(&c.p);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(after(&c.p, i == 1 ? 1 : 100), i);
    assert_int_equal(after(&c.p, 1000), 3);
    assert_int_equal(play_count(&c.p, METRIC_SESSIONS_HEADLESS), 0);
    crowd_close(&c);
}

static void one_that_was_told_to_come_later_does(void **state)
{
    (void)state;
    struct play p;
    rig_freeze();
    play_begin(&p, slow);
    wspeer_say_close(&p.s.backend, 1013, "later");
    WAIT(&p, play_headless(&p));
    wake(&p);
    assert_int_equal(after(&p, 4999), 0);
    assert_int_equal(after(&p, 5002), 1);
    play_leave(&p);
}

static void an_attempt_that_is_under_way_goes_on(void **state)
{
    (void)state;
    struct play p;
    rig_freeze();
    play_begin(&p, slow);
    p.server.reply.what = REPLY_SILENCE;
    play_lose(&p);
    wake(&p);
    assert_int_equal(after(&p, 1), 0);
    assert_int_equal(p.server.came, 1);
    p.server.reply.what = REPLY_SWITCH;
    wake(&p);
    assert_int_equal(after(&p, 1000), 0);
    assert_int_equal(p.server.came, 1);
    assert_int_equal(after(&p, 29001), 0); /* backend.handshake_timeout */
    wake(&p);
    assert_int_equal(after(&p, 1), 1);
    play_leave(&p);
}

static void one_that_is_live_hears_nothing_of_it(void **state)
{
    (void)state;
    struct play p;
    rig_freeze();
    play_begin(&p, slow);
    wake(&p);
    assert_int_equal(after(&p, 1000), 0);
    assert_int_equal(play_count(&p, METRIC_SESSIONS_LIVE), 1);
    play_leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_as_many_in_100_ms_as_may_connect_at_once),
        cmocka_unit_test(the_first_to_have_lost_its_backend_goes_first),
        cmocka_unit_test(nobody_waits_longer_than_backoff_max),
        cmocka_unit_test(who_finds_nobody_waits_by_its_backoff_again_and_is_woken_again),
        cmocka_unit_test(none_goes_once_its_window_has_ended),
        cmocka_unit_test(one_that_was_told_to_come_later_does),
        cmocka_unit_test(an_attempt_that_is_under_way_goes_on),
        cmocka_unit_test(one_that_is_live_hears_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
