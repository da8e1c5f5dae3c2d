/* Requests and their answers between scripted clients and backends, on good and bad networks: what
 * passes, what ends how. */
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

/* ---- what passes ---- */

static void connections_serve_one_request_after_the_other(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b = site_keep(&s, &c);
    for (int i = 0; i < 10; i++)
        site_keep(&s, &c);
    assert_int_equal(s.accepted, 1);
    assert_false(b->eof);
    site_close(&s, &c);
    assert_int_equal(s.rig.metrics.http_status[200], 11);
}

static const char upload[] =
    "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n";
static const char measured[] =
    "PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nabc0123456789";

static void request_cut_at(struct site *s, struct peer *c, const char *request, size_t at,
                           const char *trailers)
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
    peer_say(b, site_fine);
    site_answer(s, c, "200 OK", "fine");
}

static void a_request_arrives_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    for (size_t at = 1; at < sizeof(upload); at++)
        request_cut_at(&s, &c, upload, at, "X-Sum: 13\r\n\r\n");
    for (size_t at = 1; at < sizeof(measured); at++)
        request_cut_at(&s, &c, measured, at, "");
    site_close(&s, &c);
}

static void an_answer_arrives_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n";
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    for (size_t at = 1; at < sizeof(answer); at++) {
        peer_say(&c, site_get);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_send(b, answer, at);
        rig_turn(&s.rig, 4);
        peer_say(b, answer + at);
        site_answer(&s, &c, "200 OK", "abc0123456789");
        assert_memory_equal(s.m.trailers.data, "X-Sum: 13\r\n\r\n", s.m.trailers.len);
    }
    site_close(&s, &c);
}

static void both_bodies_flow_at_once_and_fill_no_memory(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = site_bulk() ? 3145728 : 99999;
    uint8_t *bytes = mem_alloc(n);
    char head[80];
    rig_number(bytes, n);
    site_visit(&s, &c, NULL);
    snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);
    struct peer *b = site_ask(&s, &c, head);
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
    site_gone(&s, &c);
    site_close(&s, &c);
    free(bytes);
}

static void a_client_that_does_not_read_stops_the_backend_and_nobody_spins(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    size_t n = site_bulk();
    if (n == 0)
        return;
    uint8_t *bytes = mem_alloc(n);
    rig_number(bytes, n);
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(&s, &c, site_get);
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
    site_visit(&s, &c, NULL);
    for (int i = 0; i < 5; i++)
        peer_say(&c, i % 2 ? measured : site_get);
    for (int i = 0; i < 5; i++) {
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        assert_true(message_has(&s.m, i % 2 ? "PUT" : "GET"));
        assert_int_equal(b->in.len, 0);
        peer_say(b, i % 2 ? "HTTP/1.1 204 No Content\r\n\r\n" : site_fine);
        site_answer(&s, &c, i % 2 ? "204" : "200", i % 2 ? "" : "fine");
    }
    site_close(&s, &c);
}

static const struct {
    const char *request, *answer, *status, *body;
    bool to_head, lives;
} forms[] = {
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
     "Content-Length: 9", "", true, true},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "200", "", true, true},
    {site_get, "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "204", "", false, true},
    {site_get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "304", "", false, true},
    {site_get, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "103",
     "", false, true},
    {"GET / HTTP/1.0\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200", "x",
     false, false},
    {"GET / HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", "200", "x",
     false, false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", site_fine, "keep-alive", "fine", false,
     true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", site_fine, "close", "fine", false,
     false},
};

static void an_answer_is_framed_as_its_client_can_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, NULL);
        peer_say(&c, forms[i].request);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        peer_say(b, forms[i].answer);
        site_message(&s, &c, forms[i].to_head);
        assert_true(message_has(&s.m, forms[i].status));
        assert_int_equal(s.m.body.len, strlen(forms[i].body));
        if (message_has(&s.m, " 103 "))
            site_answer(&s, &c, "204", "");
        if (forms[i].lives)
            site_keep(&s, &c);
        else
            site_gone(&s, &c);
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
    site_visit(&s, &c, NULL);
    struct peer *b = site_ask(
        &s, &c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    UNTIL(&s, peer_has(b, "Expect: 100-continue\r\n"));
    peer_say(b, "HTTP/1.1 100 Continue\r\n\r\n");
    site_answer(&s, &c, "100 Continue", "");
    peer_say(&c, "abc");
    site_message(&s, b, false);
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_keep(&s, &c);
    site_close(&s, &c);
}

static void an_early_answer_is_the_last_on_both_connections(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    struct peer *b =
        site_ask(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    peer_say(b, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
    site_answer(&s, &c, "413 No", "no");
    assert_true(message_has(&s.m, "Connection: close"));
    site_gone(&s, &c);
    site_gone(&s, b);
    peer_say(&c, site_get); /* within the body's length: no request */
    rig_turn(&s.rig, 8);
    assert_int_equal(s.accepted, 1);
    assert_false(c.reset);
    site_close(&s, &c);
}

int main(void)
{
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
    };
    return site_rounds("exchange", tests);
}
