/* Requests and handshakes that find no backend: what waits, for how long, and what ends the wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/site.h"
#include "net/gate.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char handshake[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char upload[] =
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc";
static const char bulk[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25165824\r\n\r\n";

static const struct setting_text eager[] = {{"readiness.interval", "50ms"}, {NULL, NULL}};

/* A site whose backend is not ready, and a client that waits with this. */
static void stand(struct site *s, struct peer *c, const char *request,
                  const struct setting_text *settings)
{
    site_visit(s, c, settings);
    gate_set(s->rig.lp.gate, false);
    peer_say(c, request);
    UNTIL(s, site_count(s, METRIC_WAITING) == 1);
}

static void what_waits_goes_on_when_the_backend_is_ready(void **state)
{
    (void)state;
    static const char *const requests[] = {site_get, upload, handshake};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct site s;
        struct peer c;
        stand(&s, &c, requests[i], NULL);
        rig_turn(&s.rig, 20);
        assert_int_equal(s.accepted, 0);
        assert_int_equal(c.in.len, 0);
        gate_set(s.rig.lp.gate, true);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        if (requests[i] == handshake) {
            peer_say(b, accepted);
            UNTIL(&s, peer_has(&c, "\r\n\r\n"));
            assert_true(peer_has(&c, " 101 "));
            peer_close(b);
        } else {
            peer_say(b, site_fine);
            site_answer(&s, &c, "200 OK", "fine");
        }
        assert_int_equal(site_count(&s, METRIC_WAITING), 0);
        site_close(&s, &c);
    }
}

static void nothing_of_the_body_is_read_while_it_waits(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = site_bulk();
    if (n == 0)
        return;
    uint8_t *bytes = mem_alloc(n);
    rig_number(bytes, n);
    stand(&s, &c, bulk, NULL);
    peer_send(&c, bytes, n);
    while (rig_turns_in(&s.rig, 50) > 20) /* until all that lies between is full; nobody spins */
        ;
    assert_true(c.out.len > 0);
    assert_int_equal(c.in.len, 0);
    gate_set(s.rig.lp.gate, true);
    struct peer *b = site_backend(&s, 0);
    site_message(&s, b, false);
    assert_memory_equal(s.m.body.data, bytes, n);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
    free(bytes);
}

static void a_client_that_leaves_waits_no_more(void **state)
{
    (void)state;
    static const char *const requests[] = {site_get, upload, bulk, handshake};
    for (int way = 0; way < 12; way++) {
        struct site s;
        struct peer c;
        stand(&s, &c, requests[way / 3], NULL);
        (way % 3 == 0 ? peer_shutdown : way % 3 == 1 ? peer_close : peer_reset)(&c);
        UNTIL(&s, s.fronts.count == 0);
        assert_int_equal(c.in.len, 0);
        gate_set(s.rig.lp.gate, true);
        rig_turn(&s.rig, 8);
        assert_int_equal(s.accepted, 0);
        site_close(&s, &c);
    }
}

static void who_waits_in_vain_gets_503_and_when_to_come_again(void **state)
{
    (void)state;
    static const struct {
        const char *interval, *after;
    } rows[] = {{"50ms", "Retry-After: 1\r\n"},
                {"1s", "Retry-After: 1\r\n"},
                {"1001ms", "Retry-After: 2\r\n"},
                {"30s", "Retry-After: 30\r\n"}};
    static const char *const requests[] = {site_get, upload, handshake, bulk};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct site s;
        struct peer c;
        const struct setting_text settings[] = {
            {"readiness.wait", "100ms"}, {"readiness.interval", rows[i].interval}, {NULL, NULL}};
        stand(&s, &c, requests[i], settings);
        site_answer(&s, &c, " 503 ", "the backend is not available: not ready\n");
        assert_true(message_has(&s.m, rows[i].after));
        site_gone(&s, &c);
        assert_false(c.reset);
        site_close(&s, &c);
        assert_int_equal(s.accepted, 0);
        assert_int_equal(s.rig.metrics.http_status[503], 1);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_UNREACHABLE), 1);
    }
}

/* The backend's place is taken away, and given back. */
static void backend_leaves(struct site *s)
{
    listener_close(s->behind);
    s->behind = NULL;
    listener_unlink(&s->conf->backend.address);
}

static void on_behind(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct site *s = owner;
    (void)peer;
    peer_open(&s->backend[s->accepted++], &s->rig, fd);
}

static bool has_room(void *owner)
{
    (void)owner;
    return true;
}

static void backend_returns(struct site *s)
{
    int fd;
    struct buf why = {0};
    assert_int_equal(listener_sockets(&s->conf->backend.address, 1, &fd, &why), 0);
    assert_int_equal(listener_open(&s->rig.lp, fd, on_behind, has_room, s, &s->behind), 0);
}

static void what_was_refused_waits_for_the_next_word_and_is_served(void **state)
{
    (void)state;
    for (int ws = 0; ws < 2; ws++) {
        struct site s;
        struct peer c;
        char folder[] = "/tmp/wait-XXXXXX";
        assert_non_null(mkdtemp(folder));
        site_open_unix(&s, folder, NULL);
        site_connect(&s, &c);
        backend_leaves(&s);
        peer_say(&c, ws ? handshake : site_get);
        for (unsigned tries = 1; tries < 4; tries++) { /* one for each word, and no more */
            UNTIL(&s, site_count(&s, METRIC_DIAL_REFUSED) == tries &&
                          site_count(&s, METRIC_WAITING) == 1);
            assert_true(rig_turns_in(&s.rig, 20) < 20);
            assert_int_equal(site_count(&s, METRIC_DIAL_REFUSED), tries);
            gate_set(s.rig.lp.gate, true);
        }
        UNTIL(&s, site_count(&s, METRIC_DIAL_REFUSED) == 4);
        backend_returns(&s);
        gate_set(s.rig.lp.gate, true);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_say(b, ws ? accepted : site_fine);
        UNTIL(&s, peer_has(&c, ws ? " 101 " : "fine"));
        backend_leaves(&s);
        listener_unlink(&s.conf->listen.address);
        rmdir(folder);
        peer_close(b);
        site_close(&s, &c);
    }
}

/* how: 0 EOF, 1 reset, 2 silence. */
static void a_handshake_without_an_answer_is_sent_again_and_nobody_else_waits(void **state)
{
    (void)state;
    static const struct setting_text settings[] = {
        {"backend.handshake_timeout", "100ms"}, {"readiness.interval", "50ms"}, {NULL, NULL}};
    for (int how = 0; how < 3; how++) {
        struct site s;
        struct peer c, other;
        site_visit(&s, &c, settings);
        struct peer *b = site_ask(&s, &c, handshake);
        if (how < 2)
            (how ? peer_reset : peer_close)(b);
        else
            site_gone(&s, b);
        site_connect(&s, &other);
        peer_say(&other, site_get);
        bool fine = false, open = false;
        struct peer *end = NULL;
        for (unsigned i = 1; !fine || !open;) {
            b = site_backend(&s, i++);
            site_message(&s, b, false);
            bool ws = message_has(&s.m, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
            peer_say(b, ws ? accepted : site_fine);
            UNTIL(&s, peer_has(ws ? &c : &other, ws ? " 101 " : "fine"));
            open = open || ws;
            fine = fine || !ws;
            end = ws ? b : end;
        }
        assert_int_equal(s.accepted, 3);
        peer_close(end);
        peer_close(&other);
        site_close(&s, &c);
    }
}

static void handshakes_are_not_sent_again_faster_than_the_backend_is_asked(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c,
               (const struct setting_text[]){
                   {"readiness.wait", "300ms"}, {"readiness.interval", "100ms"}, {NULL, NULL}});
    peer_say(&c, handshake);
    while (!peer_has(&c, " 503 ")) {
        rig_turn(&s.rig, 1);
        for (unsigned i = 0; i < s.accepted; i++)
            if (peer_has(&s.backend[i], "\r\n\r\n"))
                peer_close(&s.backend[i]);
    }
    assert_in_range(s.accepted, 2, 4);
    site_close(&s, &c);
}

static void an_answer_that_has_begun_is_never_asked_for_again(void **state)
{
    (void)state;
    static const char *const begun[] = {"H", "HTTP/1.1 103 Early Hints\r\n\r\n", "SSH-2.0-x\r\n",
                                        "HTTP/1.1 101 Switching Protocols\r\n\r\n"};
    for (size_t i = 0; i < sizeof(begun) / sizeof(*begun); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, eager);
        struct peer *b = site_ask(&s, &c, handshake);
        peer_say(b, begun[i]);
        rig_turn(&s.rig, 60);
        peer_close(b);
        UNTIL(&s, peer_has(&c, " 502 "));
        site_close(&s, &c);
        assert_int_equal(s.accepted, 1);
    }
}

static void pipelined_requests_wait_and_are_answered_in_order(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    stand(&s, &c, site_get, NULL);
    peer_say(&c, upload);
    peer_say(&c, site_get);
    rig_turn(&s.rig, 8);
    gate_set(s.rig.lp.gate, true);
    for (int i = 0; i < 3; i++) {
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        assert_true(message_has(&s.m, i == 1 ? "POST" : "GET"));
        peer_say(b, site_fine);
        site_answer(&s, &c, "200 OK", "fine");
    }
    assert_int_equal(s.accepted, 1);
    site_close(&s, &c);
}

static void a_kept_connection_that_lives_needs_no_word(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, (const struct setting_text[]){{"backend.keepalive_timeout", "1h"}, {0}});
    struct peer *b = site_keep(&s, &c);
    gate_set(s.rig.lp.gate, false);
    site_keep(&s, &c);
    peer_say(&c, site_get);
    site_message(&s, b, false);
    peer_close(b); /* and the second try does */
    UNTIL(&s, site_count(&s, METRIC_WAITING) == 1);
    gate_set(s.rig.lp.gate, true);
    b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

static void the_drain_refuses_who_waits_at_once(void **state)
{
    (void)state;
    static const char *const requests[] = {site_get, upload, handshake};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct site s;
        struct peer c;
        stand(&s, &c, requests[i], NULL);
        fronts_drain(&s.fronts);
        site_answer(&s, &c, " 503 ", "the backend is not available: about to stop\n");
        assert_true(message_has(&s.m, "Connection: close"));
        site_gone(&s, &c);
        site_close(&s, &c);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_DRAIN), 1);
    }
}

static void while_draining_nothing_begins_to_wait(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) { /* 0: a head under way, 1: a dial that fails */
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        if (way == 0)
            gate_set(s.rig.lp.gate, false);
        else
            backend_leaves(&s);
        peer_send(&c, site_get, 9);
        UNTIL(&s, s.fronts.count == 1);
        rig_turn(&s.rig, 20);
        fronts_drain(&s.fronts);
        peer_say(&c, site_get + 9);
        site_answer(&s, &c, " 503 ",
                    way ? "the backend is not available: connection refused\n"
                        : "the backend is not available: about to stop\n");
        site_gone(&s, &c);
        site_close(&s, &c);
    }
}

/* A client that came under settings which named another backend: what that one is like says
 * nothing about the one in force. */
static void a_backend_of_old_settings_closes_no_gate(void **state)
{
    (void)state;
    struct site s;
    struct peer old, new;
    site_visit(&s, &old, eager);
    struct conf *in_force = s.conf;
    s.conf = site_conf("127.0.0.1:0", "unix:/nowhere", eager);
    UNTIL(&s, s.fronts.count == 1);
    conf_unref(s.conf);
    s.conf = in_force;
    peer_say(&old, site_get);
    UNTIL(&s, site_count(&s, METRIC_DIAL_REFUSED) == 3);
    site_connect(&s, &new);
    struct peer *b = site_ask(&s, &new, site_get);
    peer_say(b, site_fine);
    site_answer(&s, &new, "200 OK", "fine");
    peer_close(&old);
    site_close(&s, &new);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_on_when_the_backend_is_ready),
        cmocka_unit_test(nothing_of_the_body_is_read_while_it_waits),
        cmocka_unit_test(a_client_that_leaves_waits_no_more),
        cmocka_unit_test(who_waits_in_vain_gets_503_and_when_to_come_again),
        cmocka_unit_test(what_was_refused_waits_for_the_next_word_and_is_served),
        cmocka_unit_test(a_handshake_without_an_answer_is_sent_again_and_nobody_else_waits),
        cmocka_unit_test(handshakes_are_not_sent_again_faster_than_the_backend_is_asked),
        cmocka_unit_test(an_answer_that_has_begun_is_never_asked_for_again),
        cmocka_unit_test(pipelined_requests_wait_and_are_answered_in_order),
        cmocka_unit_test(a_kept_connection_that_lives_needs_no_word),
        cmocka_unit_test(the_drain_refuses_who_waits_at_once),
        cmocka_unit_test(while_draining_nothing_begins_to_wait),
        cmocka_unit_test(a_backend_of_old_settings_closes_no_gate),
    };
    return site_rounds("wait", tests);
}
