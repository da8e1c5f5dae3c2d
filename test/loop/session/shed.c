/* What goes first when all sessions of all loops together hold buffer.total, and what never does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/play.h"
#include "session/session_body.h"
#include <string.h>

enum { KIB = 1024, SOME = 40 * KIB, MEMBERS = 4 };

static const struct setting_text small[] = {
    {"buffer.session", "256KiB"}, {"buffer.total", "512KiB"}, {NULL, NULL}};

/* Sessions of one loop beside another one, whose gauges say what the test wants. */
struct crowd {
    struct play p; /* the first member, and what all have in common */
    struct member {
        struct wspeer client, backend;
    } more[MEMBERS - 1];
    unsigned members;
    struct metrics other, *loops[2];
};

static struct wspeer *client_of(struct crowd *c, unsigned i)
{
    return i == 0 ? &c->p.s.client : &c->more[i - 1].client;
}

static struct wspeer *backend_of(struct crowd *c, unsigned i)
{
    return i == 0 ? &c->p.s.backend : &c->more[i - 1].backend;
}

static void crowd_open(struct crowd *c, unsigned members)
{
    *c = (struct crowd){.members = members, .loops = {&c->p.s.rig.metrics, &c->other}};
    play_begin(&c->p, small);
    for (unsigned i = 1; i < members; i++) {
        scene_join(&c->p.s.sessions, &c->p.s.rig, rig_tcp_pair, c->p.s.conf,
                   &(struct session_setup){.keep_up = true, .opening = scene_opening(NULL)},
                   client_of(c, i), backend_of(c, i));
        backend_of(c, i)->deaf = true;
    }
    sessions_among(&c->p.s.sessions, c->loops, 2);
}

static uint64_t own(const struct crowd *c)
{
    return c->p.s.rig.lp.pool.held + play_count(&c->p, METRIC_KEPT_BYTES);
}

/* The other loop holds what leaves this one so many bytes more than it has. */
static void leave_room(struct crowd *c, uint64_t bytes)
{
    metric_set(&c->other, METRIC_JOURNAL_BYTES, 512 * KIB - own(c) - bytes);
}

static void says(struct crowd *c, unsigned i, size_t n)
{
    static const char text[SOME];
    uint64_t before = play_count(&c->p, METRIC_UP_ACCEPTED);
    wspeer_send(client_of(c, i), 2, text, n);
    WAIT(&c->p, play_count(&c->p, METRIC_UP_ACCEPTED) > before);
}

/* Until what all hold has been looked at. */
static void wait(struct crowd *c)
{
    WAIT(&c->p, !timer_is_set(&c->p.s.sessions.shed));
}

static void says_there(struct crowd *c, unsigned i, size_t n)
{
    unsigned before = backend_of(c, i)->messages;
    says(c, i, n);
    WAIT(&c->p, backend_of(c, i)->messages > before);
}

static void lose(struct crowd *c, unsigned i)
{
    uint64_t before = play_count(&c->p, METRIC_SESSIONS_HEADLESS);
    server_listen(&c->p.server, false);
    wspeer_close(backend_of(c, i));
    WAIT(&c->p, play_count(&c->p, METRIC_SESSIONS_HEADLESS) > before);
}

static void is_over(struct crowd *c, unsigned i, uint16_t code)
{
    struct wspeer *p = client_of(c, i);
    WAIT(&c->p, p->eof || p->reset);
    assert_int_equal(p->code, code);
}

static void turn(struct crowd *c)
{
    uv_run(&c->p.s.rig.lp.uv, UV_RUN_ONCE);
    server_part(&c->p.server);
    for (unsigned i = 0; i < c->members; i++) {
        struct wspeer *b = backend_of(c, i);
        if (!b->closed && (b->eof || b->reset))
            wspeer_close(b);
    }
}

/* Those that are left leave. */
static void crowd_close(struct crowd *c)
{
    struct play *p = &c->p;
    metric_set(&c->other, METRIC_JOURNAL_BYTES, 0);
    for (unsigned i = 0; i < c->members; i++) {
        struct wspeer *w = client_of(c, i);
        if (!w->closed && !w->got_close)
            wspeer_say_close(w, 1000, "");
        while (!w->closed && !w->eof && !w->reset)
            turn(c);
        if (!w->closed)
            wspeer_close(w);
    }
    while (p->s.sessions.count > 0)
        turn(c);
    p->s.ended = true;
    for (unsigned i = 1; i < c->members; i++)
        if (!backend_of(c, i)->closed)
            wspeer_close(backend_of(c, i));
    play_end(p);
    assert_int_equal(play_count(p, METRIC_KEPT_BYTES), 0);
}

/* ---- what is kept ---- */

static void what_is_kept_goes_first_and_a_loss_is_1012_then(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct crowd c;
        crowd_open(&c, 2);
        says_there(&c, 0, 1000);
        says_there(&c, 0, 1000);
        lose(&c, 1);
        leave_room(&c, SOME);
        says_there(&c, 0, over ? SOME : 1000);
        wait(&c);
        assert_int_equal(play_count(&c.p, METRIC_UP_UNPROVEN), over ? 3 : 0);
        assert_int_equal(play_count(&c.p, METRIC_SESSIONS_HEADLESS), 1);
        server_listen(&c.p.server, true);
        wspeer_close(&c.p.s.backend);
        if (over)
            is_over(&c, 0, 1012);
        else
            WAIT(&c.p, c.p.server.switched == 2);
        crowd_close(&c);
        assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_BACKEND_EOF), over);
        assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_SHED), 0);
        assert_int_equal(play_count(&c.p, METRIC_UP_LOST), 0);
    }
}

/* More than buffer.session was on its way, and when all that could be given up had arrived the
 * backend said Close: that is answered, and what fate has judged by is still there. */
static void nothing_is_given_up_once_the_backend_is_lost(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    struct session *s = CONTAINER_OF(p.s.sessions.state[SESSION_LIVE].next, struct session, node);
    p.s.backend.texts = NULL;
    p.s.backend.most = 4 * KIB;
    wspeer_stop(&p.s.backend, true);
    play_say_bulk(&p, 200 * KIB, 1);
    play_say_bulk(&p, 100 * KIB, 1);
    play_rest(&p);
    wspeer_stop(&p.s.backend, false);
    while (s->up.last.messages < 2 || s->up.sent < s->up.end)
        rig_turn(&p.s.rig, 1);
    wspeer_stop(&p.s.backend, true);
    assert_int_equal(s->up.acked.off, 0);
    p.s.backend.most = 0;
    wspeer_stop(&p.s.backend, false);
    WAIT(&p, p.s.backend.messages == 2);
    wspeer_say_close(&p.s.backend, 1001, "");
    WAIT(&p, play_headless(&p));
    struct wspeer *b = play_back(&p, 0);
    WAIT(&p, play_count(&p, METRIC_UP_REPLAYED) > 0);
    assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 2);
    WAIT(&p, b->messages == 2);
    assert_int_equal(b->hash, p.s.backend.hash);
    play_leave(&p);
}

/* ---- who ends ---- */

static void the_one_that_was_headless_longest_is_1013_and_no_more_than_needed(void **state)
{
    (void)state;
    for (unsigned needed = 0; needed <= 3; needed++) {
        static const unsigned order[] = {1, 0, 2};
        struct crowd c;
        crowd_open(&c, 4);
        for (unsigned i = 0; i < 3; i++)
            lose(&c, order[i]);
        for (unsigned i = 0; i < 3; i++)
            says(&c, i, SOME);
        says_there(&c, 3, 10); /* one that lives */
        wait(&c);
        leave_room(&c, needed == 0 ? 2 * SOME : 0);
        if (needed > 0)
            metric_add(&c.other, METRIC_KEPT_BYTES, (needed - 1) * 48 * KIB);
        says(&c, 2, SOME / 2);
        for (unsigned i = 0; i < needed; i++)
            is_over(&c, order[i], 1013);
        wait(&c);
        assert_int_equal(play_count(&c.p, METRIC_SESSIONS_HEADLESS), 3 - needed);
        assert_int_equal(play_count(&c.p, METRIC_SESSIONS_LIVE), 1);
        server_listen(&c.p.server, true);
        WAIT(&c.p, c.p.server.switched == 3 - needed);
        metric_set(&c.other, METRIC_KEPT_BYTES, 0);
        crowd_close(&c);
        assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_SHED), needed);
        assert_int_equal(play_count(&c.p, METRIC_UP_LOST), needed < 3 ? needed : needed + 1);
    }
}

static void a_live_one_never_ends_whatever_it_holds(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, 1);
    wspeer_stop(backend_of(&c, 0), true);
    while (c.p.s.rig.lp.pool.held < 128 * KIB)
        says(&c, 0, SOME);
    leave_room(&c, 0);
    says(&c, 0, SOME);
    says(&c, 0, SOME);
    rig_turns_in(&c.p.s.rig, 50);
    assert_int_equal(play_count(&c.p, METRIC_SESSIONS_LIVE), 1);
    backend_of(&c, 0)->deaf = false;
    wspeer_stop(backend_of(&c, 0), false);
    WAIT(&c.p, backend_of(&c, 0)->messages == play_count(&c.p, METRIC_UP_ACCEPTED));
    crowd_close(&c);
    assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_CLIENT_CLOSE), 1);
    assert_int_equal(play_count(&c.p, METRIC_UP_LOST), 0);
}

static void what_a_client_that_is_gone_had_said_goes_too(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, 2);
    lose(&c, 0);
    says(&c, 0, SOME);
    wspeer_close(client_of(&c, 0));
    rig_turn(&c.p.s.rig, 5);
    assert_int_equal(c.p.s.sessions.count, 2);
    metric_set(&c.other, METRIC_JOURNAL_BYTES, 512 * KIB - SOME);
    says(&c, 1, 10);
    WAIT(&c.p, c.p.s.sessions.count == 1);
    crowd_close(&c);
    assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_SHED), 1);
    assert_int_equal(play_count(&c.p, METRIC_UP_LOST), 1);
}

static void it_ends_for_what_other_loops_hold_though_nothing_comes_here(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, 1);
    lose(&c, 0);
    says(&c, 0, 10);
    wait(&c);
    metric_set(&c.other, METRIC_JOURNAL_BYTES, 512 * KIB);
    is_over(&c, 0, 1013);
    crowd_close(&c);
    assert_int_equal(play_ends(&c.p, SIDE_CLIENT, REASON_SHED), 1);
}

/* A frame of which the first fragment has been accepted; what follows is of nobody's interest. */
static void one_in_the_middle_of_a_message_is_lost_once(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, 1);
    lose(&c, 0);
    says(&c, 0, 10);
    uint8_t head[FRAME_HEAD_MAX];
    size_t n = frame_head_write(
        &(struct frame_head){.fin = true, .opcode = 2, .masked = true, .payload = 3 * FRAME_CUT},
        head);
    static const char part[FRAME_CUT];
    wspeer_raw(client_of(&c, 0), head, n);
    wspeer_raw(client_of(&c, 0), part, sizeof(part));
    WAIT(&c.p, play_count(&c.p, METRIC_UP_ACCEPTED) == 2);
    leave_room(&c, 0);
    wspeer_raw(client_of(&c, 0), part, sizeof(part));
    client_of(&c, 0)->close_back = false;
    WAIT(&c.p, client_of(&c, 0)->got_close);
    assert_int_equal(c.p.s.rig.lp.pool.held, 0);
    wspeer_raw(client_of(&c, 0), part, sizeof(part));
    wspeer_say_close(client_of(&c, 0), 1013, "");
    is_over(&c, 0, 1013);
    crowd_close(&c);
    assert_int_equal(play_count(&c.p, METRIC_UP_LOST), 2);
}

static void the_limit_in_force_is_that_of_the_last_reload(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, 1);
    lose(&c, 0);
    struct conf *more =
        settings_conf((const struct setting_text[]){{"buffer.total", "1MiB"}, {NULL, NULL}}, NULL);
    leave_room(&c, 0);
    c.p.s.rig.lp.conf = more;
    says(&c, 0, SOME);
    wait(&c);
    assert_true(play_headless(&c.p));
    c.p.s.rig.lp.conf = c.p.s.conf;
    says(&c, 0, 10);
    is_over(&c, 0, 1013);
    crowd_close(&c);
    conf_unref(more);
    assert_int_equal(play_count(&c.p, METRIC_UP_LOST), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_goes_first_and_a_loss_is_1012_then),
        cmocka_unit_test(nothing_is_given_up_once_the_backend_is_lost),
        cmocka_unit_test(the_one_that_was_headless_longest_is_1013_and_no_more_than_needed),
        cmocka_unit_test(a_live_one_never_ends_whatever_it_holds),
        cmocka_unit_test(what_a_client_that_is_gone_had_said_goes_too),
        cmocka_unit_test(it_ends_for_what_other_loops_hold_though_nothing_comes_here),
        cmocka_unit_test(one_in_the_middle_of_a_message_is_lost_once),
        cmocka_unit_test(the_limit_in_force_is_that_of_the_last_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
