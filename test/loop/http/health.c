/* listen.health: what wskeep answers there itself, and what goes on to the backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include "net/gate.h"
#include <string.h>

static const struct setting_text health[] = {{"listen.health", "/health"}, {NULL, NULL}};

static const struct row {
    const char *request, *status, *body, *why;
} rows[] = {
    {"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "ready\n", "a probe"},
    {"GET /health?from=probe HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "ready\n",
     "its query does not matter"},
    {"GET http://a:80/health?from=probe HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n",
     "ready\n", "one that speaks as to a proxy"},
    {"GET /health HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "ready\n", "an old one"},
    {"HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "", "no body for HEAD"},
    {"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
     "HTTP/1.1 405 Method Not Allowed\r\n", "GET and HEAD only\n", "nothing is to be done there"},
    {"GET /health HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
     "HTTP/1.1 200 OK\r\n", "ready\n", "it is no place for a WebSocket"},
};

static void it_is_answered_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *r = &rows[i];
        struct site s;
        struct peer c;
        bool to_head = *r->body == '\0';
        site_visit(&s, &c, health);
        peer_say(&c, r->request);
        site_message(&s, &c, to_head);
        if (!message_has(&s.m, r->status) || !message_has(&s.m, "Connection: close\r\n"))
            fail_msg("%s: %.*s", r->why, (int)s.m.head.len, (char *)s.m.head.data);
        assert_int_equal(s.m.body.len, strlen(r->body));
        assert_memory_equal(s.m.body.data, r->body, s.m.body.len);
        site_gone(&s, &c);
        assert_false(c.reset);
        site_close(&s, &c);
        assert_int_equal(s.accepted, 0);
    }
}

static void it_fails_while_the_backend_is_not_ready_and_as_soon_as_wskeep_is_to_stop(void **state)
{
    (void)state;
    for (int stopping = 0; stopping < 2; stopping++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, health);
        if (stopping)
            s.fronts.stopping = true;
        else
            gate_set(s.rig.lp.gate, false);
        peer_say(&c, rows[0].request);
        site_answer(&s, &c, " 503 ", stopping ? "draining\n" : "backend not ready\n");
        site_close(&s, &c);
    }
}

/* As before, until the drain begins. */
static void once_wskeep_is_to_stop_all_else_is_served(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, health);
    s.fronts.stopping = true;
    site_keep(&s, &c);
    site_close(&s, &c);
}

static void other_paths_go_on_and_where_it_is_off_all_do(void **state)
{
    (void)state;
    static const char *const others[] = {
        "GET /healthy HTTP/1.1\r\nHost: a\r\n\r\n", "GET /health/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?/health HTTP/1.1\r\nHost: a\r\n\r\n", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (int i = 0; i < 4; i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, i < 3 ? health : NULL);
        peer_say(site_ask(&s, &c, others[i]), site_fine);
        site_answer(&s, &c, " 200 ", "fine");
        site_close(&s, &c);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_answered_here),
        cmocka_unit_test(it_fails_while_the_backend_is_not_ready_and_as_soon_as_wskeep_is_to_stop),
        cmocka_unit_test(once_wskeep_is_to_stop_all_else_is_served),
        cmocka_unit_test(other_paths_go_on_and_where_it_is_off_all_do),
    };
    return site_rounds("health", tests);
}
