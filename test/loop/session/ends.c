/* Every way in which two legs can end, together: a session ends within two times timeouts.close of
 * the first of them, once, and leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/scene.h"
#include <stdlib.h>
#include <unistd.h>

/* ---- what a peer may do to end ---- */

static void does_nothing(struct wspeer *p)
{
    (void)p;
}

static void says_close(struct wspeer *p)
{
    wspeer_say_close(p, 4000 + p->masks, "because");
}

static void says_close_and_goes(struct wspeer *p)
{
    says_close(p);
    rig_turn(p->rig, 5);
    wspeer_close(p);
}

static void goes(struct wspeer *p)
{
    wspeer_close(p);
}

static void half_closes(struct wspeer *p)
{
    if (p->out.len == 0)
        wspeer_shutdown(p);
    else
        wspeer_close(p);
}

static void resets(struct wspeer *p)
{
    wspeer_reset(p);
}

static void breaks_the_protocol(struct wspeer *p)
{
    wspeer_raw(p, "\xff\xff\xff\xff", 4);
}

static void stops_answering(struct wspeer *p)
{
    p->deaf = true;
    p->close_back = false;
}

static void (*const ways[])(struct wspeer *p) = {
    does_nothing, says_close, says_close_and_goes, goes,
    half_closes,  resets,     breaks_the_protocol, stops_answering,
};
enum { WAYS = sizeof(ways) / sizeof(*ways) };

/* ---- what is under way meanwhile ---- */

static void begin_a_long_message(struct wspeer *p)
{
    uint8_t *payload = mem_zalloc(200000);
    wspeer_frame(p, false, 2, payload, 200000);
    free(payload);
}

/* More than both sockets and a journal hold. */
static void fill(struct wspeer *p)
{
    uint8_t *payload = mem_zalloc(60000);
    for (int i = 0; i < 40; i++)
        wspeer_send(p, 2, payload, 60000);
    free(payload);
}

static void nothing(struct scene *s)
{
    wspeer_send(&s->client, 1, "a", 1);
    wspeer_send(&s->backend, 1, "b", 1);
}

static void long_messages(struct scene *s)
{
    begin_a_long_message(&s->client);
    begin_a_long_message(&s->backend);
}

static void a_client_that_does_not_read(struct scene *s)
{
    wspeer_stop(&s->client, true);
    fill(&s->backend);
}

static void a_backend_that_does_not_read(struct scene *s)
{
    wspeer_stop(&s->backend, true);
    fill(&s->client);
}

static void none_that_reads(struct scene *s)
{
    a_client_that_does_not_read(s);
    a_backend_that_does_not_read(s);
}

static void (*const scenes[])(struct scene *s) = {
    nothing,         long_messages, a_client_that_does_not_read, a_backend_that_does_not_read,
    none_that_reads,
};
enum { SCENES = sizeof(scenes) / sizeof(*scenes) };

static void settle(struct scene *s)
{
    size_t before;
    do {
        before = s->client.out.len + s->backend.out.len;
        rig_turn(&s->rig, 20);
    } while (s->client.out.len + s->backend.out.len != before);
}

static bool lasts(const struct scene *s, uint64_t ms)
{
    for (; ms > 0 && !s->ended; ms -= 100) {
        rig_leap(100);
        rig_turn((struct rig *)&s->rig, 10);
    }
    return !s->ended;
}

static void end(rig_pair *pair, bool keep, int scene, int client, int backend, int drain)
{
    struct scene s;
    scene_open(&s, pair, &(struct session_setup){.keep_up = keep, .keep_down = keep},
               (const struct setting_text[]){{"buffer.session", "256KiB"},
                                             {"heartbeat.interval", "200ms"},
                                             {"heartbeat.timeout", "1s"},
                                             {"timeouts.close", "500ms"},
                                             {NULL, NULL}});
    scenes[scene](&s);
    settle(&s);
    if (drain == 1)
        sessions_drain(&s.sessions, 500);
    ways[client](&s.client);
    if (drain == 2)
        rig_turn(&s.rig, 5);
    if (!s.backend.closed)
        ways[backend](&s.backend);
    lasts(&s, 3000);
    /* Who is still there lives on; when both are gone, nothing does. */
    if (!s.client.closed)
        wspeer_reset(&s.client);
    lasts(&s, 3000);
    if (!s.backend.closed)
        wspeer_reset(&s.backend);
    if (lasts(&s, 3000))
        fail_msg("scene %d, client %d, backend %d, drain %d: does not end", scene, client, backend,
                 drain);
    scene_close(&s);
}

static void a_session_ends_whatever_its_peers_do(void **state)
{
    (void)state;
    for (int scene = 0; scene < SCENES; scene++)
        for (int client = 0; client < WAYS; client++)
            for (int backend = 0; backend < WAYS; backend++)
                for (int drain = 0; drain < 3; drain++)
                    end(client % 2 ? rig_narrow_pair : rig_unix_pair, backend % 2, scene, client,
                        backend, drain);
}

/* ---- single ones ---- */

/* Both are paused, each waits for the other to read, and neither ever will. */
static void two_paused_legs_whose_peers_are_gone_end(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct scene s;
        scene_open(&s, rig_narrow_pair, NULL, NULL);
        none_that_reads(&s);
        settle(&s);
        wspeer_reset(order ? &s.client : &s.backend);
        rig_turn(&s.rig, 10);
        wspeer_reset(order ? &s.backend : &s.client);
        assert_false(lasts(&s, 1000));
        scene_close(&s);
    }
}

/* As much as one read takes, the Close its last frame, and the end of the connection behind it. */
static void a_reason_is_relayed_though_the_connection_ends_with_it(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_unix_pair, NULL, NULL);
    uint8_t *payload = mem_zalloc(65536);
    wspeer_send(&s.client, 2, payload, 65536 - 8 - 11);
    wspeer_say_close(&s.client, 4001, "bye");
    assert_int_equal(s.client.out.len, 65536);
    for (size_t sent = 0; sent < 65536;) {
        ssize_t n = write(s.client.fd, s.client.out.data + sent, 65536 - sent);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    s.client.out.len = 0;
    wspeer_shutdown(&s.client);
    UNTIL(&s, s.backend.eof);
    assert_int_equal(s.backend.code, 4001);
    assert_string_equal(s.backend.why, "bye");
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_CLOSE);
    free(payload);
}

/* Nothing of it may be sent before its end, unless what its fragments' heads take counts, too. */
static void a_message_of_tiny_fragments_does_not_stand_still(void **state)
{
    (void)state;
    for (size_t size = 0; size < 2; size++) {
        struct scene s;
        scene_open(&s, rig_tcp_pair, NULL,
                   (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
        wspeer_frame(&s.client, false, 1, "a", 1);
        for (int i = 0; i < 65000; i++)
            wspeer_frame(&s.client, false, 0, "a", size);
        wspeer_frame(&s.client, true, 0, "a", 1);
        UNTIL(&s, s.backend.messages == 1);
        assert_int_equal(s.backend.bytes, 2 + 65000 * size);
        scene_close(&s);
    }
}

/* No time passes: a browser waits for it. */
static void after_both_closes_a_connection_ends_at_once(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct scene s;
        scene_open(&s, rig_unix_pair, NULL, NULL);
        wspeer_say_close(who ? &s.client : &s.backend, 1000, "");
        rig_turn(&s.rig, 20);
        assert_true(s.client.got_close && s.client.eof);
        assert_true(s.backend.got_close && s.backend.eof);
        scene_close(&s);
    }
}

static void a_close_is_answered_though_its_sender_ends_its_side_behind_it(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct scene s;
        scene_open(&s, rig_tcp_pair, NULL, NULL);
        struct wspeer *p = who ? &s.client : &s.backend, *other = who ? &s.backend : &s.client;
        other->close_back = false;
        wspeer_say_close(p, 1000, "");
        UNTIL(&s, other->got_close);
        wspeer_shutdown(p);
        wspeer_send(other, 1, "last words", 10);
        wspeer_say_close(other, 1000, "");
        UNTIL(&s, p->eof && other->eof);
        assert_int_equal(p->messages, 1);
        assert_int_equal(p->code, 1000);
        scene_close(&s);
    }
}

static void a_kill_ends_what_is_already_closing(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_narrow_pair, NULL, NULL);
    s.backend.close_back = false;
    wspeer_say_close(&s.client, 1000, "");
    UNTIL(&s, s.backend.got_close);
    sessions_kill(&s.sessions);
    assert_int_equal(s.sessions.count, 0);
    s.ended = true;
    scene_close(&s);
    scene_reason_must_be(&s, REASON_KILLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_ends_whatever_its_peers_do),
        cmocka_unit_test(two_paused_legs_whose_peers_are_gone_end),
        cmocka_unit_test(a_reason_is_relayed_though_the_connection_ends_with_it),
        cmocka_unit_test(after_both_closes_a_connection_ends_at_once),
        cmocka_unit_test(a_message_of_tiny_fragments_does_not_stand_still),
        cmocka_unit_test(a_close_is_answered_though_its_sender_ends_its_side_behind_it),
        cmocka_unit_test(a_kill_ends_what_is_already_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
