/* Requests and their answers between scripted clients and backends, on good and bad networks: what passes, what ends how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/site.h"
#include "net/faults.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct faults *network; /* of this round */

/* Bytes that no kernel's buffers hold; where they come one by one that would take minutes. */
static size_t bulk(void)
{
    return network->read && network->read < 1000 ? 0 : 24 << 20;
}

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

static void set(struct site *s, struct peer *c, const struct setting *settings)
{
    site_open(s, settings);
    site_connect(s, c);
}

static void answer_must_be(struct site *s, struct peer *c, const char *status, const char *body)
{
    site_message(s, c, false);
    assert_true(message_has(&s->m, status));
    assert_int_equal(s->m.body.len, strlen(body));
    assert_memory_equal(s->m.body.data, body, s->m.body.len);
}

/* One request and its answer, so that a connection to the backend is kept: it is returned. */
static struct peer *keep(struct site *s, struct peer *c)
{
    peer_say(c, get);
    struct peer *b = site_backend(s, 0);
    site_message(s, b, false);
    peer_say(b, fine);
    answer_must_be(s, c, "200 OK", "fine");
    return b;
}

static struct peer *asked(struct site *s, struct peer *c, const char *request)
{
    peer_say(c, request);
    struct peer *b = site_backend(s, s->accepted);
    UNTIL(s, peer_has(b, "\r\n\r\n"));
    return b;
}

static void gone(struct site *s, struct peer *p)
{
    UNTIL(s, p->eof || p->reset);
}

/* ---- what passes ---- */

static void connections_serve_one_request_after_the_other(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = keep(&s, &c);
    for (int i = 0; i < 10; i++)
        keep(&s, &c);
    assert_int_equal(s.accepted, 1);
    assert_false(b->eof);
    site_close(&s, &c);
    assert_int_equal(s.rig.metrics.http_status[200], 11);
}

static const char upload[] = "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                             "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n";
static const char measured[] = "PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nabc0123456789";

static void request_cut_at(struct site *s, struct peer *c, const char *request, size_t at, const char *trailers)
{
    peer_send(c, request, at);
    rig_turn(&s->rig, 4);
    peer_say(c, request + at);
    struct peer *b = site_backend(s, 0);
    site_message(s, b, false);
    assert_int_equal(s->m.body.len, 13);
    assert_memory_equal(s->m.body.data, "abc0123456789", 13);
    assert_int_equal(s->m.trailers.len, strlen(trailers));
    assert_memory_equal(s->m.trailers.data, trailers, s->m.trailers.len);
    peer_say(b, fine);
    answer_must_be(s, c, "200 OK", "fine");
}

static void a_request_arrives_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    for (size_t at = 1; at < sizeof(upload); at++)
        request_cut_at(&s, &c, upload, at, "X-Sum: 13\r\n\r\n");
    for (size_t at = 1; at < sizeof(measured); at++)
        request_cut_at(&s, &c, measured, at, "");
    site_close(&s, &c);
}

static void an_answer_arrives_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                                 "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n";
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    for (size_t at = 1; at < sizeof(answer); at++) {
        peer_say(&c, get);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_send(b, answer, at);
        rig_turn(&s.rig, 4);
        peer_say(b, answer + at);
        answer_must_be(&s, &c, "200 OK", "abc0123456789");
        assert_memory_equal(s.m.trailers.data, "X-Sum: 13\r\n\r\n", s.m.trailers.len);
    }
    site_close(&s, &c);
}

static void both_bodies_flow_at_once_and_fill_no_memory(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = bulk() ? 3145728 : 99999;
    uint8_t *bytes = mem_alloc(n);
    char head[80];
    rig_number(bytes, n);
    set(&s, &c, NULL);
    snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);
    struct peer *b = asked(&s, &c, head);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    peer_say(b, head);
    peer_send(&c, bytes, n);
    peer_send(b, bytes, n - 1);
    site_message(&s, b, false);
    assert_memory_equal(s.m.body.data, bytes, n);
    peer_send(b, bytes + n - 1, 1);
    site_message(&s, &c, false);
    assert_memory_equal(s.m.body.data, bytes, n);
    assert_true(message_has(&s.m, "Connection: close")); /* it began before the request was whole */
    gone(&s, &c);
    site_close(&s, &c);
    free(bytes);
}

static void a_client_that_does_not_read_stops_the_backend_and_nobody_spins(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = bulk();
    if (n == 0)
        return;
    uint8_t *bytes = mem_alloc(n);
    rig_number(bytes, n);
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, get);
    peer_stop(&c, true);
    peer_say(b, "HTTP/1.1 200 OK\r\nContent-Length: 25165824\r\n\r\n");
    peer_send(b, bytes, n);
    while (rig_turns_in(&s.rig, 50) > 20)
        ;
    assert_true(b->out.len > 0);
    peer_stop(&c, false);
    site_message(&s, &c, false);
    assert_memory_equal(s.m.body.data, bytes, n);
    site_close(&s, &c);
    free(bytes);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    for (int i = 0; i < 5; i++)
        peer_say(&c, i % 2 ? measured : get);
    for (int i = 0; i < 5; i++) {
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        assert_true(message_has(&s.m, i % 2 ? "PUT" : "GET"));
        assert_int_equal(b->in.len, 0);
        peer_say(b, i % 2 ? "HTTP/1.1 204 No Content\r\n\r\n" : fine);
        answer_must_be(&s, &c, i % 2 ? "204" : "200", i % 2 ? "" : "fine");
    }
    site_close(&s, &c);
}

static const struct {
    const char *request, *answer, *status, *body;
    bool to_head, lives;
} forms[] = {
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "Content-Length: 9", "", true, true},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200", "", true, true},
    {get, "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "204", "", false, true},
    {get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "304", "", false, true},
    {get, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "103", "", false, true},
    {"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200", "x", false, false},
    {"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", "200", "x", false, false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", fine, "keep-alive", "fine", false, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", fine, "close", "fine", false, false},
};

static void an_answer_is_framed_as_its_client_can_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct site s;
        struct peer c;
        set(&s, &c, NULL);
        peer_say(&c, forms[i].request);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_say(b, forms[i].answer);
        site_message(&s, &c, forms[i].to_head);
        assert_true(message_has(&s.m, forms[i].status));
        assert_int_equal(s.m.body.len, strlen(forms[i].body));
        if (message_has(&s.m, " 103 "))
            answer_must_be(&s, &c, "204", "");
        if (forms[i].lives)
            keep(&s, &c);
        else
            gone(&s, &c);
        assert_false(c.reset);
        assert_int_equal(s.accepted, 1); /* whatever became of the client, the backend's was kept */
        site_close(&s, &c);
    }
}

static void the_backends_100_is_what_lets_the_body_come(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    UNTIL(&s, peer_has(b, "Expect: 100-continue\r\n"));
    peer_say(b, "HTTP/1.1 100 Continue\r\n\r\n");
    answer_must_be(&s, &c, "100 Continue", "");
    peer_say(&c, "abc");
    site_message(&s, b, false);
    peer_say(b, fine);
    answer_must_be(&s, &c, "200 OK", "fine");
    keep(&s, &c);
    site_close(&s, &c);
}

static void an_early_answer_is_the_last_on_both_connections(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    peer_say(b, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
    answer_must_be(&s, &c, "413 No", "no");
    assert_true(message_has(&s.m, "Connection: close"));
    gone(&s, &c);
    gone(&s, b);
    peer_say(&c, get); /* within the body's length: no request */
    rig_turn(&s.rig, 8);
    assert_int_equal(s.accepted, 1);
    assert_false(c.reset);
    site_close(&s, &c);
}

/* ---- clients that go ---- */

static const char *const leavings[] = {get, upload, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
                                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"};

/* when: 0 before the answer, 1 within its head's interim, 2 within its body. how: 0 half-close, 1 close, 2 reset. kept: the
 * backend's connection has served before. */
static void leave_at(const char *request, int when, int how, bool kept)
{
    static const char *const said[] = {NULL, "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"};
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = kept ? keep(&s, &c) : NULL;
    if (!when)
        peer_say(&c, request);
    else if (kept)
        peer_say(&c, request);
    else
        b = asked(&s, &c, request);
    if (when) {
        UNTIL(&s, peer_has(b, "\r\n\r\n"));
        peer_say(b, said[when]);
        UNTIL(&s, peer_has(&c, when == 1 ? "103" : "abc"));
    }
    (how == 0 ? peer_shutdown : how == 1 ? peer_close : peer_reset)(&c);
    UNTIL(&s, s.fronts.count == 0);
    if (b)
        gone(&s, b);
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
    size_t n = bulk();
    if (n == 0)
        return;
    void *bytes = mem_zalloc(n);
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
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
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, leavings[3]);
    peer_shutdown(&c);
    gone(&s, &c);
    gone(&s, b);
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
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, ten ? "GET / HTTP/1.0\r\n\r\n" : get);
    UNTIL(&s, peer_has(b, "\r\n\r\n"));
    peer_say(b, said);
    if (*said && !strcmp(got, "Z"))
        UNTIL(&s, peer_has(&c, got));
    else
        rig_turn(&s.rig, 8);
    (by_reset ? peer_reset : peer_close)(b);
    UNTIL(&s, peer_has(&c, got));
    if (!strcmp(got, "Z"))
        gone(&s, &c);
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
        ends_at("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n", by_reset, false, "Z", false);
        ends_at("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nZ", by_reset, true, "Z", false);
        ends_at("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n", by_reset, true, "Z", true);
    }
    ends_at("HTTP/1.1 200 OK\r\n\r\nZ", true, true, "Z", true);
}

static void an_answer_until_eof_is_whole_at_the_eof(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = asked(&s, &c, get);
    peer_say(b, "HTTP/1.1 200 OK\r\n\r\nabc");
    peer_close(b);
    answer_must_be(&s, &c, "Transfer-Encoding: chunked", "abc");
    site_close(&s, &c);
}

/* What a connection that has served before gets, says and does then. tries: connections that saw the request. */
static void dies_kept(const char *request, const char *said, unsigned tries)
{
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = keep(&s, &c);
    peer_say(&c, request);
    site_message(&s, b, false);
    peer_say(b, said);
    rig_turn(&s.rig, 8);
    peer_close(b);
    if (tries > 1) {
        b = site_backend(&s, 1);
        site_message(&s, b, false);
        assert_true(message_has(&s.m, "GET /"));
        peer_say(b, fine);
        answer_must_be(&s, &c, "200 OK", "fine");
    } else {
        UNTIL(&s, peer_has(&c, " 502 "));
    }
    site_close(&s, &c);
    assert_int_equal(s.accepted, tries);
}

static void only_what_may_be_sent_twice_is_and_only_where_nothing_had_come(void **state)
{
    (void)state;
    dies_kept(get, "", 2);
    dies_kept(get, "HTTP/1.1 103 Early Hints\r\n\r\n", 1);
    dies_kept(get, "H", 1);
    dies_kept("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "", 1);
    dies_kept(measured, "", 1);
}

static void a_second_try_is_the_last(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, NULL);
    struct peer *b = keep(&s, &c);
    peer_say(&c, get);
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
    if (network->eagain) /* what the look does not get it cannot see */
        return;
    set(&s, &c, NULL);
    struct peer *b = keep(&s, &c);
    /* In one turn with the request, and seen behind it: both are in the kernel before the loop looks. */
    peer_say(&c, get);
    peer_say(b, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_say(b, fine);
    answer_must_be(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

static void no_answer_at_all_in_time_is_504(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    set(&s, &c, (const struct setting[]){{"backend.response_timeout", "60ms"}, {NULL, NULL}});
    peer_say(&c, get);
    UNTIL(&s, peer_has(&c, " 504 "));
    site_message(&s, &c, false);
    gone(&s, &s.backend[0]);
    peer_say(&c, get); /* the request was whole, the connection is good */
    struct peer *b = site_backend(&s, 1);
    site_message(&s, b, false);
    peer_say(b, fine);
    answer_must_be(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

/* ---- bad bodies ---- */

static void a_bad_body_ends_the_exchange_at_once(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct site s;
        struct peer c;
        set(&s, &c, NULL);
        if (kept)
            keep(&s, &c);
        peer_say(&c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
        UNTIL(&s, peer_has(&c, " 400 "));
        gone(&s, &c);
        assert_false(c.reset);
        gone(&s, site_backend(&s, 0));
        site_close(&s, &c);
        assert_int_equal(s.rig.metrics.http_status[400], 1);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BAD_REQUEST), 1);
    }
}

static const struct setting impatient[] = {{"listen.body_timeout", "60ms"}, {NULL, NULL}};

static void a_body_that_never_begins_is_408(void **state)
{
    (void)state;
    for (int some = 0; some < 2; some++) {
        struct site s;
        struct peer c;
        set(&s, &c, impatient);
        peer_say(&c, leavings[2 + some]);
        UNTIL(&s, peer_has(&c, " 408 "));
        gone(&s, &c);
        site_close(&s, &c);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BODY_TIMEOUT), 1);
    }
}

static void the_bodys_clock_stands_while_the_backend_takes_nothing(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = bulk();
    if (n == 0)
        return;
    void *bytes = mem_zalloc(n);
    set(&s, &c, impatient);
    struct peer *b = asked(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25165824\r\n\r\n");
    peer_stop(b, true);
    peer_send(&c, bytes, n);
    for (int quiet = 0; quiet < 3;) /* three times what is allowed to the client */
        quiet = rig_turns_in(&s.rig, 60) > 20 ? 0 : quiet + 1;
    assert_int_equal(c.in.len, 0);
    peer_stop(b, false);
    site_message(&s, b, false);
    assert_int_equal(s.m.body.len, n);
    peer_say(b, fine);
    answer_must_be(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
    free(bytes);
}

/* ---- the rounds ---- */

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(connections_serve_one_request_after_the_other),
    cmocka_unit_test(a_request_arrives_whole_wherever_it_is_cut),
    cmocka_unit_test(an_answer_arrives_whole_wherever_it_is_cut),
    cmocka_unit_test(both_bodies_flow_at_once_and_fill_no_memory),
    cmocka_unit_test(a_client_that_does_not_read_stops_the_backend_and_nobody_spins),
    cmocka_unit_test(pipelined_requests_are_answered_in_order),
    cmocka_unit_test(an_answer_is_framed_as_its_client_can_read_it),
    cmocka_unit_test(the_backends_100_is_what_lets_the_body_come),
    cmocka_unit_test(an_early_answer_is_the_last_on_both_connections),
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

int main(void)
{
    static const struct faults networks[] = {
        {.seed = 0},
        {.seed = 1, .eagain = 20, .cut = 30},
        {.seed = 2, .eagain = 10, .cut = 30, .read = 1},
        {.seed = 3, .eagain = 10, .cut = 30, .read = 7},
        {.seed = 4, .eagain = 10, .cut = 90, .read = 1500},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
        network = &networks[i];
        faults_set(network);
        failed += cmocka_run_group_tests_name(i ? "exchange, bad network" : "exchange", tests, NULL, NULL);
    }
    return failed;
}
