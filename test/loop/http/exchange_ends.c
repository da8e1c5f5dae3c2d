/* Exchanges that end before their time: the client goes, the backend goes, a body is none, time is
 * up. Each at every moment, on good and bad networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/site.h"
#include <stdlib.h>
#include <string.h>

/* ---- clients that go ---- */

static const char *const leavings[] = {
    site_get,
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"};

/* when: 0 before the answer, 1 within its head's interim, 2 within its body. how: 0 half-close, 1
 * close, 2 reset. kept: the backend's connection has served before. */
static void leave_at(const char *request, int when, int how, bool kept)
{
    static const char *const said[] = {NULL, "HTTP/1.1 103 Early Hints\r\n\r\n",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"};
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = kept ? site_keep(&s, &c) : NULL;
    if (!when)
        peer_say(&c, request);
    else if (kept)
        peer_say(&c, request);
    else
        b = site_ask(&s, &c, request);
    if (when) {
        UNTIL(&s, peer_has(b, "\r\n\r\n"));
        peer_say(b, said[when]);
        UNTIL(&s, peer_has(&c, when == 1 ? "103" : "abc"));
    }
    UNTIL(&s, s.fronts.count == 1);
    (how == 0 ? peer_shutdown : how == 1 ? peer_close : peer_reset)(&c);
    UNTIL(&s, s.fronts.count == 0);
    if (b)
        site_gone(&s, b);
    site_close(&s, &c);
    assert_int_equal(s.ended, 1);
}

static void a_client_that_leaves_takes_its_request_along(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(leavings) / sizeof(*leavings); i++)
        for (int way = 0; way < 18; way++)
            leave_at(leavings[i], way % 3, way / 3 % 3, way >= 9);
}

static void a_client_that_leaves_while_the_backend_takes_nothing_is_let_go(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = site_bulk();
    if (n == 0)
        return;
    void *bytes = mem_zalloc(n);
    site_visit(&s, &c, NULL);
    struct peer *b =
        site_ask(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    peer_stop(b, true);
    peer_send(&c, bytes, n);
    while (rig_turns_in(&s.rig, 50) > 20)
        ;
    assert_true(c.out.len > 0);
    peer_reset(&c); /* an EOF would stand behind all that the kernel could not bring */
    UNTIL(&s, s.fronts.count == 0);
    site_close(&s, NULL);
    free(bytes);
}

static void a_client_that_leaves_within_its_body_gets_no_answer_of_ours(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(&s, &c, leavings[3]);
    peer_shutdown(&c);
    site_gone(&s, &c);
    site_gone(&s, b);
    assert_int_equal(c.in.len, 0);
    site_close(&s, &c);
    assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_CLIENT_EOF), 1);
}

/* ---- backends that go ---- */

/* Z: a body of one byte, which no network cuts. */
static void ends_at(const char *said, bool by_reset, bool ten, const char *got, bool torn)
{
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(&s, &c, ten ? "GET / HTTP/1.0\r\n\r\n" : site_get);
    UNTIL(&s, peer_has(b, "\r\n\r\n"));
    peer_say(b, said);
    if (*said && !strcmp(got, "Z"))
        UNTIL(&s, peer_has(&c, got));
    else
        rig_turn(&s.rig, 8);
    (by_reset ? peer_reset : peer_close)(b);
    UNTIL(&s, peer_has(&c, got));
    if (!strcmp(got, "Z"))
        site_gone(&s, &c);
    assert_int_equal(c.reset, torn);
    assert_false(peer_has(&c, "\r\n0\r\n"));
    site_close(&s, &c);
    assert_int_equal(s.accepted, 1);
}

static void an_answer_that_is_cut_short_never_looks_whole(void **state)
{
    (void)state;
    for (int by_reset = 0; by_reset < 2; by_reset++) {
        ends_at("", by_reset, false, " 502 ", false);
        ends_at("HTTP/1.1 200 OK\r\nCont", by_reset, false, " 502 ", false);
        ends_at("HTTP/1.1 103 Early Hints\r\n\r\n", by_reset, false, " 502 ", false);
        ends_at("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nZ", by_reset, false, "Z", false);
        ends_at("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n", by_reset, false,
                "Z", false);
        ends_at("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nZ", by_reset, true, "Z", false);
        ends_at("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n", by_reset, true,
                "Z", true);
    }
    ends_at("HTTP/1.1 200 OK\r\n\r\nZ", true, true, "Z", true);
}

static void an_answer_until_eof_is_whole_at_the_eof(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(&s, &c, site_get);
    peer_say(b, "HTTP/1.1 200 OK\r\n\r\nabc");
    peer_close(b);
    site_answer(&s, &c, "Transfer-Encoding: chunked", "abc");
    site_close(&s, &c);
}

/* What a connection that has served before gets, says and does then. tries: connections that saw
 * the request. */
static void dies_kept(const char *request, const char *said, unsigned tries)
{
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_keep(&s, &c);
    peer_say(&c, request);
    site_message(&s, b, false);
    peer_say(b, said);
    rig_turn(&s.rig, 8);
    peer_close(b);
    if (tries > 1) {
        b = site_backend(&s, 1);
        site_message(&s, b, false);
        assert_true(message_has(&s.m, "GET /"));
        peer_say(b, site_fine);
        site_answer(&s, &c, "200 OK", "fine");
    } else {
        UNTIL(&s, peer_has(&c, " 502 "));
    }
    site_close(&s, &c);
    assert_int_equal(s.accepted, tries);
}

static void only_what_may_be_sent_twice_is_and_only_where_nothing_had_come(void **state)
{
    (void)state;
    dies_kept(site_get, "", 2);
    dies_kept(site_get, "HTTP/1.1 103 Early Hints\r\n\r\n", 1);
    dies_kept(site_get, "H", 1);
    dies_kept("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "", 1);
    dies_kept("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "", 1);
}

static void a_second_try_is_the_last(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_keep(&s, &c);
    peer_say(&c, site_get);
    site_message(&s, b, false);
    peer_close(b);
    b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_reset(b);
    UNTIL(&s, peer_has(&c, " 502 "));
    site_close(&s, &c);
    assert_int_equal(s.accepted, 2);
}

static void what_a_kept_connection_says_unasked_is_nobodys_answer(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    if (site_network->eagain) /* what the look does not get it cannot see */
        return;
    site_visit(&s, &c, NULL);
    struct peer *b = site_keep(&s, &c);
    /* In one turn with the request, and seen behind it: both are in the kernel before the loop
     * looks. */
    peer_say(&c, site_get);
    peer_say(b, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

static void no_answer_at_all_in_time_is_504(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c,
               (const struct setting_text[]){{"backend.response_timeout", "60ms"}, {NULL, NULL}});
    peer_say(&c, site_get);
    UNTIL(&s, peer_has(&c, " 504 "));
    site_message(&s, &c, false);
    site_gone(&s, &s.backend[0]);
    peer_say(&c, site_get); /* the request was whole, the connection is good */
    struct peer *b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

/* ---- bad bodies ---- */

static void a_bad_body_ends_the_exchange_at_once(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        if (kept)
            site_keep(&s, &c);
        peer_say(
            &c,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
        UNTIL(&s, peer_has(&c, " 400 "));
        site_gone(&s, &c);
        assert_false(c.reset);
        site_gone(&s, site_backend(&s, 0));
        site_close(&s, &c);
        assert_int_equal(s.rig.metrics.http_status[400], 1);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BAD_REQUEST), 1);
    }
}

static const struct setting_text impatient[] = {{"listen.body_timeout", "60ms"}, {NULL, NULL}};

static void a_body_that_never_begins_is_408(void **state)
{
    (void)state;
    for (int some = 0; some < 2; some++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, impatient);
        peer_say(&c, leavings[2 + some]);
        UNTIL(&s, peer_has(&c, " 408 "));
        site_gone(&s, &c);
        site_close(&s, &c);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BODY_TIMEOUT), 1);
    }
}

static void the_bodys_clock_stands_while_the_backend_takes_nothing(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = site_bulk();
    if (n == 0)
        return;
    void *bytes = mem_zalloc(n);
    static const struct setting_text patient[] = {{"listen.body_timeout", "30s"}, {NULL, NULL}};
    site_visit(&s, &c, patient);
    struct peer *b =
        site_ask(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25165824\r\n\r\n");
    peer_stop(b, true);
    peer_send(&c, bytes, n);
    for (size_t before = 1; before != c.sent;) { /* until all that lies between is full */
        before = c.sent;
        rig_turns_in(&s.rig, 200);
    }
    for (int i = 0; i < 3; i++) { /* three times what is allowed to the client */
        rig_leap(30000);
        rig_turn(&s.rig, 8);
    }
    assert_int_equal(c.in.len, 0);
    peer_stop(b, false);
    site_message(&s, b, false);
    assert_int_equal(s.m.body.len, n);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_takes_its_request_along),
        cmocka_unit_test(a_client_that_leaves_while_the_backend_takes_nothing_is_let_go),
        cmocka_unit_test(a_client_that_leaves_within_its_body_gets_no_answer_of_ours),
        cmocka_unit_test(an_answer_that_is_cut_short_never_looks_whole),
        cmocka_unit_test(an_answer_until_eof_is_whole_at_the_eof),
        cmocka_unit_test(only_what_may_be_sent_twice_is_and_only_where_nothing_had_come),
        cmocka_unit_test(a_second_try_is_the_last),
        cmocka_unit_test(what_a_kept_connection_says_unasked_is_nobodys_answer),
        cmocka_unit_test(no_answer_at_all_in_time_is_504),
        cmocka_unit_test(a_bad_body_ends_the_exchange_at_once),
        cmocka_unit_test(a_body_that_never_begins_is_408),
        cmocka_unit_test(the_bodys_clock_stands_while_the_backend_takes_nothing),
    };
    return site_rounds("exchange, ends", tests);
}
