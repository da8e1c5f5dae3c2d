/* Handshakes when buffer.total is used up: what all loops hold together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"

#define TOTAL (4u << 20)
static const struct setting_text small[] = {{"buffer.total", "4MiB"}, {NULL, NULL}};
static const struct setting_text large[] = {{"buffer.total", "8MiB"}, {NULL, NULL}};

static const char handshake[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* There is another loop, whose sessions hold so much. */
static void beside(struct site *s, struct metrics *other, struct metrics *both[2],
                   uint64_t journals, uint64_t kept)
{
    both[0] = &s->rig.metrics;
    both[1] = other;
    sessions_among(&s->sessions, both, 2);
    metric_set(other, METRIC_JOURNAL_BYTES, journals);
    metric_set(other, METRIC_KEPT_BYTES, kept);
}

static void is_refused(struct site *s, struct peer *c)
{
    peer_say(c, handshake);
    site_message(s, c, false);
    assert_true(message_has(&s->m, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_true(message_has(&s->m, "Retry-After: 5\r\n"));
    site_gone(s, c);
    assert_int_equal(s->accepted, 0);
}

static void goes_on(struct site *s, struct peer *c)
{
    struct peer *b = site_ask(s, c, handshake);
    peer_say(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    UNTIL(s, peer_has(c, "\r\n\r\n"));
    assert_true(peer_has(c, " 101 "));
    peer_close(b);
}

static void a_handshake_is_503_at_the_limit_of_all_loops_and_not_below(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++)
        for (int full = 0; full < 2; full++) {
            struct site s;
            struct peer c;
            struct metrics other = {0}, *both[2];
            site_visit(&s, &c, small);
            if (own)
                metric_add(&s.rig.metrics, METRIC_KEPT_BYTES, 1000);
            beside(&s, &other, both, TOTAL / 2, TOTAL / 2u - (own ? 1000u : 0u) - !full);
            if (full)
                is_refused(&s, &c);
            else
                goes_on(&s, &c);
            site_close(&s, &c);
            assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_FULL), full);
            if (own)
                metric_sub(&s.rig.metrics, METRIC_KEPT_BYTES, 1000);
            assert_int_equal(site_count(&s, METRIC_KEPT_BYTES), 0);
        }
}

static void plain_requests_go_on(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    struct metrics other = {0}, *both[2];
    site_visit(&s, &c, small);
    beside(&s, &other, both, TOTAL, 0);
    site_keep(&s, &c);
    site_close(&s, &c);
}

static void the_limit_in_force_is_that_of_the_last_reload(void **state)
{
    (void)state;
    struct site s;
    struct peer c, d;
    struct metrics other = {0}, *both[2];
    site_visit(&s, &c, small);
    struct conf *more = site_conf("127.0.0.1:0", s.conf->backend.address.text, large);
    beside(&s, &other, both, TOTAL, 0);
    is_refused(&s, &c);
    s.rig.lp.conf = more;
    site_connect(&s, &d);
    goes_on(&s, &d);
    peer_close(&d);
    s.rig.lp.conf = s.conf;
    site_close(&s, &c);
    conf_unref(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_is_503_at_the_limit_of_all_loops_and_not_below),
        cmocka_unit_test(plain_requests_go_on),
        cmocka_unit_test(the_limit_in_force_is_that_of_the_last_reload),
    };
    return site_rounds("full", tests);
}
