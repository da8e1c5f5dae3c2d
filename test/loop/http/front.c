/* Client connections from their first byte to their last: heads, handshakes, draining. How the
 * backend is reached: reach.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include "net/faults.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 6455 §1.3 */
static const char handshake[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char welcome[] = "\x81\x07welcome"; /* a text, from a server */
static const char hello[] =
    "\x81\x85\0\0\0\0hello"; /* and from a client; its mask changes nothing */
static const char bye[] = "\x88\x82\0\0\0\0\x03\xe8"; /* a client's Close, 1000 */

/* A handshake that the backend has. */
static struct peer *shaking(struct site *s, struct peer *c)
{
    peer_say(c, handshake);
    struct peer *b = site_backend(s, s->accepted);
    site_message(s, b, false);
    assert_true(message_has(&s->m, "Upgrade: websocket\r\nConnection: Upgrade\r\n"));
    return b;
}

/* ---- heads ---- */

static void a_head_out_of_time_is_408_and_an_idle_connection_just_ends(void **state)
{
    (void)state;
    static const struct setting_text hasty[] = {
        {"listen.header_timeout", "60ms"}, {"listen.keepalive_timeout", "60ms"}, {NULL, NULL}};
    for (int used = 0; used < 2; used++)
        for (int begun = 0; begun < 2; begun++) {
            struct site s;
            struct peer c;
            site_visit(&s, &c, hasty);
            if (used)
                site_keep(&s, &c);
            if (begun)
                peer_say(&c, "GET / HT");
            site_gone(&s, &c);
            assert_int_equal(peer_has(&c, " 408 "), begun);
            assert_int_equal(c.in.len > 0, begun);
            site_close(&s, &c);
            assert_int_equal(
                site_ends(&s, SIDE_CLIENT, begun ? REASON_HEADER_TIMEOUT : REASON_IDLE), 1);
        }
}

static void a_refused_head_is_the_last_that_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        peer_say(&c, bad[i]);
        peer_say(&c, site_get);
        site_gone(&s, &c);
        assert_false(c.reset);
        assert_true(peer_has(&c, "Connection: close\r\n"));
        site_close(&s, &c);
        assert_int_equal(s.accepted, 0);
    }
}

static void a_refused_client_that_does_not_go_is_ended_five_seconds_later(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    peer_say(&c, "GET / HTTP/1.1\r\n\r\n");
    site_gone(&s, &c); /* our side has ended, the client's has not */
    rig_leap(3000);
    peer_say(&c, site_get);
    rig_turn(&s.rig, 64);
    assert_int_equal(s.fronts.count, 1);
    rig_leap(3000);
    UNTIL(&s, s.fronts.count == 0);
    assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BAD_REQUEST), 1);
    site_close(&s, &c);
}

/* Whose address nobody could tell any more passed for a Unix peer: trusted, and without a line of
 * its own. */
static void a_client_that_resets_behind_its_request_hides_nothing(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    for (int used = 0; used < 2; used++) {
        site_visit(&s, &c,
                   (const struct setting_text[]){{"listen.trusted", "10.0.0.0/8"}, {NULL, NULL}});
        if (used)
            site_keep(&s, &c);
        peer_say(&c, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.6.6.6\r\nX-Forwarded-Proto: "
                     "https\r\n\r\n");
        peer_reset(&c);
        UNTIL(&s, s.ended == 1 || s.fronts.count == 0);
        rig_turn(&s.rig, 8);
        for (unsigned i = 0; i < s.accepted; i++) {
            assert_false(peer_has(&s.backend[i], "X-Forwarded-Proto: https"));
            assert_false(
                peer_has(&s.backend[i], "10.6.6.6\r\n")); /* the last of the list is ours */
        }
        site_close(&s, NULL);
    }
}

/* ---- handshakes ---- */

static void a_101_makes_a_session_with_what_came_behind_it(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    site_keep(&s, &c);
    struct peer *b = shaking(&s, &c);
    peer_say(b, accepted);
    peer_say(b, welcome);
    UNTIL(&s, peer_has(&c, welcome));
    assert_int_equal(s.sessions.count, 1);
    assert_int_equal(s.fronts.count, 0);
    peer_send(&c, hello, sizeof(hello) - 1);
    UNTIL(&s, b->in.len == sizeof(hello) - 1);
    assert_memory_equal(b->in.data, hello, sizeof(hello) - 1);
    peer_send(&c, bye, sizeof(bye) - 1);
    UNTIL(&s, b->in.len > sizeof(hello) - 1);
    peer_close(b);
    site_close(&s, &c);
    assert_int_equal(s.rig.metrics.http_status[101], 1);
}

static void what_comes_before_the_101_is_400_and_no_request(void **state)
{
    (void)state;
    for (int when = 0; when < 4; when++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        if (when == 0) {
            peer_say(&c, handshake);
            peer_say(&c, site_get);
        } else {
            struct peer *b = shaking(&s, &c);
            /* In one turn, the answer first: to the client it has not gone yet. */
            if (when == 2 && !site_network->eagain)
                peer_say(b, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            if (when == 3 && !site_network->eagain)
                peer_say(b, accepted);
            peer_say(&c, site_get);
        }
        UNTIL(&s, peer_has(&c, " 400 "));
        site_gone(&s, &c);
        assert_false(c.reset);
        site_close(&s, &c);
        for (unsigned i = 0; i < s.accepted; i++)
            assert_false(peer_has(&s.backend[i], "GET / "));
    }
}

static void a_refused_handshake_leaves_the_connection_for_the_next(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = shaking(&s, &c);
    peer_say(b, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    site_message(&s, &c, false);
    assert_memory_equal(s.m.body.data, "no", 2);
    site_keep(&s, &c);
    site_close(&s, &c);
}

/* The backend says 101 before it can have the request. */
static void a_101_that_comes_too_early_never_cuts_the_request(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        peer_say(&c, handshake);
        struct peer *b = site_backend(&s, 0);
        peer_say(b, accepted);
        UNTIL(&s, peer_has(&c, "\r\n\r\n"));
        if (peer_has(&c, " 101 "))
            UNTIL(&s, peer_has(b, "\r\n\r\n")); /* its head is whole */
        else
            assert_true(peer_has(&c, " 502 "));
        peer_close(b);
        site_close(&s, &c);
    }
}

static void a_handshake_without_an_answer_ends_in_time(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c,
               (const struct setting_text[]){{"backend.handshake_timeout", "60ms"},
                                             {"readiness.wait", "50ms"},
                                             {NULL, NULL}});
    struct peer *b = shaking(&s, &c);
    site_answer(&s, &c, " 503 ", "the backend is not available: no answer to the handshake\n");
    site_gone(&s, b);
    site_close(&s, &c);
}

/* ---- draining ---- */

static void an_idle_connection_ends_at_the_drain_and_a_head_under_way_is_served(void **state)
{
    (void)state;
    struct site s;
    struct peer idle, c;
    site_visit(&s, &idle, NULL);
    site_keep(&s, &idle);
    site_connect(&s, &c);
    peer_send(&c, site_get, 10);
    UNTIL(&s, s.fronts.count == 2);
    rig_turn(&s.rig, 64);
    fronts_drain(&s.fronts);
    site_gone(&s, &idle);
    peer_say(&c, site_get + 10);
    struct peer *b = site_backend(&s, 0);
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_message(&s, &c, false);
    assert_true(message_has(&s.m, "Connection: close"));
    site_gone(&s, &c);
    peer_close(&idle);
    site_close(&s, &c);
}

static void a_request_that_nobody_has_read_yet_is_served_in_spite_of_the_drain(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    if (site_network->eagain) /* the look may see nothing */
        return;
    site_visit(&s, &c, NULL);
    peer_say(&c, site_get); /* no turn of the loop since: it is in the listener's queue */
    listener_close(s.listener);
    s.listener = NULL;
    fronts_drain(&s.fronts);
    assert_int_equal(s.fronts.count, 1);
    struct peer *b = site_backend(&s, 0);
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_message(&s, &c, false);
    assert_true(message_has(&s.m, "Connection: close"));
    site_gone(&s, &c);
    site_close(&s, &c);
}

static void a_running_request_is_finished_and_says_close(void **state)
{
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        peer_say(&c, site_get);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        if (begun) {
            peer_say(b, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
            UNTIL(&s, peer_has(&c, "\r\n\r\n"));
        }
        fronts_drain(&s.fronts);
        peer_say(b, begun ? "fine" : site_fine);
        site_message(&s, &c, false);
        assert_memory_equal(s.m.body.data, "fine", 4);
        assert_int_equal(message_has(&s.m, "Connection: close"), !begun);
        site_gone(&s, &c);
        assert_false(c.reset);
        site_close(&s, &c);
    }
}

static void a_handshake_that_comes_while_draining_is_503(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    peer_send(&c, handshake, 10);
    UNTIL(&s, s.fronts.count == 1);
    rig_turn(&s.rig, 64);
    fronts_drain(&s.fronts);
    peer_say(&c, handshake + 10);
    UNTIL(&s, peer_has(&c, "\r\n\r\n"));
    assert_true(peer_has(&c, " 503 ") && peer_has(&c, "\r\nConnection: close\r\n"));
    site_gone(&s, &c);
    site_close(&s, &c);
    assert_int_equal(s.accepted, 0);
    assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_DRAIN), 1);
}

/* The exchange is over, but the socket has not taken all of the answer yet. */
static void what_waits_to_be_written_is_written_in_spite_of_the_drain(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct site s;
        struct peer c;
        faults_set(&(struct faults){.seed = seed, .eagain = 50, .cut = 100});
        site_visit(&s, &c, NULL);
        peer_say(&c, site_get);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_say(b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n");
        UNTIL(&s, s.rig.metrics.http_status[200] == 1);
        fronts_drain(&s.fronts);
        site_message(&s, &c, false);
        assert_memory_equal(s.m.body.data, "fine", 4);
        site_gone(&s, &c);
        site_close(&s, &c);
    }
    faults_set(site_network);
}

static void
what_waits_to_be_written_is_written_though_the_connection_was_idle_too_long(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct site s;
        struct peer c;
        faults_set(&(struct faults){.seed = seed, .eagain = 50, .cut = 100});
        site_visit(&s, &c, NULL);
        struct peer *b = site_ask(&s, &c, site_get);
        peer_say(b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n");
        UNTIL(&s, s.rig.metrics.http_status[200] == 1);
        rig_leap(s.conf->listen.keepalive_timeout);
        site_message(&s, &c, false);
        assert_memory_equal(s.m.body.data, "fine", 4);
        site_gone(&s, &c);
        assert_false(c.reset);
        site_close(&s, &c);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_IDLE), 1);
    }
    faults_set(site_network);
}

static void an_idle_client_that_has_gone_unseen_is_let_go_at_the_drain(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    if (site_network->eagain) /* the look may see nothing */
        return;
    site_visit(&s, &c, NULL);
    site_keep(&s, &c);
    peer_shutdown(&c); /* no turn of the loop since */
    fronts_drain(&s.fronts);
    assert_int_equal(s.fronts.count, 0);
    site_close(&s, &c);
}

static void a_kill_ends_every_state_at_once(void **state)
{
    (void)state;
    for (int draining = 0; draining < 2; draining++) {
        struct site s;
        struct peer c[5];
        site_open(&s, NULL);
        for (int i = 0; i < 5; i++)
            site_connect(&s, &c[i]);
        site_keep(&s, &c[0]);                      /* idle */
        peer_send(&c[1], site_get, 10);            /* within a head */
        peer_say(&c[2], "GET / HTTP/1.1\r\n\r\n"); /* lingers */
        peer_say(&c[3], site_get);                 /* waits for an answer */
        peer_say(&c[4], handshake);
        site_gone(&s, &c[2]);
        UNTIL(&s, s.fronts.count == 5 && s.accepted >= 2);
        rig_turn(&s.rig, 64);
        if (draining)
            fronts_drain(&s.fronts);
        fronts_kill(&s.fronts);
        assert_int_equal(s.fronts.count, 0);
        assert_int_equal(s.ended, 0);
        for (int i = 0; i < 5; i++) {
            site_gone(&s, &c[i]);
            peer_close(&c[i]);
        }
        site_close(&s, NULL);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_KILLED), draining ? 4 : 5);
    }
}

static const char ask_10[] = "GET / HTTP/1.0\r\n\r\n"; /* its answer lasts until EOF */

static void an_answer_that_a_kill_cuts_short_does_not_look_whole(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(&s, &c, ask_10);
    peer_say(b, "HTTP/1.1 200 OK\r\n\r\nbegun");
    UNTIL(&s, peer_has(&c, "begun"));
    fronts_kill(&s.fronts);
    site_gone(&s, &c);
    assert_true(c.reset);
    site_close(&s, &c);
}

/* The exchange is over, but the socket has not taken all of the answer yet. */
static void nor_does_one_that_still_waits_to_be_written(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        struct site s;
        struct peer c;
        faults_set(&(struct faults){.seed = seed, .eagain = 50, .cut = 100});
        site_visit(&s, &c, NULL);
        struct peer *b = site_ask(&s, &c, ask_10);
        peer_say(b, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
        UNTIL(&s, s.rig.metrics.http_status[200] == 1);
        fronts_kill(&s.fronts);
        site_gone(&s, &c);
        assert_true(c.reset || peer_has(&c, "fine"));
        site_close(&s, &c);
    }
    faults_set(site_network);
}

/* ---- what runs out ---- */

/* What is written to stderr meanwhile. */
struct ear {
    int saved, end;
};

static struct ear listen_to_the_log(void)
{
    struct ear e = {.saved = dup(STDERR_FILENO)};
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    dup2(fd[1], STDERR_FILENO);
    close(fd[1]);
    e.end = fd[0];
    return e;
}

static ssize_t heard(struct ear e, char *text, size_t room)
{
    dup2(e.saved, STDERR_FILENO);
    close(e.saved);
    ssize_t n = read(e.end, text, room - 1);
    close(e.end);
    text[n > 0 ? n : 0] = '\0';
    return n;
}

static void a_client_that_cannot_be_watched_is_let_go_and_the_log_says_why(void **state)
{
    (void)state;
    struct site s;
    struct peer c[2];
    char log[512];
    site_open(&s, NULL);
    rig_leap(2000); /* the last such line may have been of the round before */
    struct ear e = listen_to_the_log();
    rig_full(&s.rig, true);
    site_connect(&s, &c[0]);
    site_gone(&s, &c[0]);
    rig_full(&s.rig, false);
    heard(e, log, sizeof(log));
    assert_non_null(strstr(log, " connection_dropped error="));
    assert_int_equal(s.fronts.count, 0);
    site_connect(&s, &c[1]);
    site_keep(&s, &c[1]);
    peer_close(&c[0]);
    site_close(&s, &c[1]);
}

/* ---- addresses ---- */

static void unix_sockets_serve_on_both_sides(void **state)
{
    (void)state;
    char folder[] = "/tmp/front-XXXXXX", path[64];
    struct site s;
    struct peer c;
    assert_non_null(mkdtemp(folder));
    site_open_unix(&s, folder, NULL);
    site_connect(&s, &c);
    site_keep(&s, &c);
    struct peer *b = shaking(&s, &c);
    peer_say(b, accepted);
    peer_say(b, welcome);
    UNTIL(&s, peer_has(&c, welcome));
    peer_close(b);
    site_close(&s, &c);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, i ? "behind" : "front");
        unlink(path);
    }
    rmdir(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_out_of_time_is_408_and_an_idle_connection_just_ends),
        cmocka_unit_test(a_refused_head_is_the_last_that_is_read),
        cmocka_unit_test(a_refused_client_that_does_not_go_is_ended_five_seconds_later),
        cmocka_unit_test(a_client_that_resets_behind_its_request_hides_nothing),
        cmocka_unit_test(a_101_makes_a_session_with_what_came_behind_it),
        cmocka_unit_test(what_comes_before_the_101_is_400_and_no_request),
        cmocka_unit_test(a_refused_handshake_leaves_the_connection_for_the_next),
        cmocka_unit_test(a_101_that_comes_too_early_never_cuts_the_request),
        cmocka_unit_test(a_handshake_without_an_answer_ends_in_time),
        cmocka_unit_test(an_idle_connection_ends_at_the_drain_and_a_head_under_way_is_served),
        cmocka_unit_test(a_request_that_nobody_has_read_yet_is_served_in_spite_of_the_drain),
        cmocka_unit_test(a_running_request_is_finished_and_says_close),
        cmocka_unit_test(a_handshake_that_comes_while_draining_is_503),
        cmocka_unit_test(what_waits_to_be_written_is_written_in_spite_of_the_drain),
        cmocka_unit_test(
            what_waits_to_be_written_is_written_though_the_connection_was_idle_too_long),
        cmocka_unit_test(an_idle_client_that_has_gone_unseen_is_let_go_at_the_drain),
        cmocka_unit_test(a_kill_ends_every_state_at_once),
        cmocka_unit_test(an_answer_that_a_kill_cuts_short_does_not_look_whole),
        cmocka_unit_test(nor_does_one_that_still_waits_to_be_written),
        cmocka_unit_test(a_client_that_cannot_be_watched_is_let_go_and_the_log_says_why),
        cmocka_unit_test(unix_sockets_serve_on_both_sides),
    };
    return site_rounds("front", tests);
}
