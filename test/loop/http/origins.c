/* Handshakes and the pages that they come from: who is let in, and what becomes of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include <stdio.h>

static const struct setting_text origins[] = {
    {"origins", "https://app.example.com,https://*.example.org"}, {NULL, NULL}};

/* RFC 6455 §1.3, with these lines in its head. */
static void shake(struct peer *c, const char *lines)
{
    char text[512];
    snprintf(text, sizeof(text),
             "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
             "%s\r\n",
             lines);
    peer_say(c, text);
}

static void a_handshake_from_another_origin_is_403_counted_and_the_last_that_is_read(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "Origin: https://evil.com\r\n",
        "Origin: null\r\n",
        "Origin:\r\n",
        "Origin: https://app.example.com.evil.com\r\n",
        "origin: https://a.b.example.org\r\n",
        "Origin: https://app.example.com\r\nOrigin: https://app.example.com\r\n",
        "Origin: https://app.example.com\r\nOrigin: https://evil.com\r\n",
        "Origin: https://app.example.com, https://evil.com\r\n",
    };
    for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, origins);
        shake(&c, strange[i]);
        site_message(&s, &c, false);
        assert_true(message_has(&s.m, "HTTP/1.1 403 Forbidden\r\n"));
        assert_true(message_has(&s.m, "Connection: close\r\n"));
        peer_say(&c, site_get);
        site_gone(&s, &c);
        assert_false(c.reset);
        assert_int_equal(site_count(&s, METRIC_ORIGINS_REFUSED), 1);
        assert_int_equal(s.rig.metrics.http_status[403], 1);
        site_close(&s, &c);
        assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_BAD_ORIGIN), 1);
        assert_int_equal(s.accepted, 0);
    }
}

static void a_handshake_from_an_allowed_origin_or_from_none_goes_on_as_it_came(void **state)
{
    (void)state;
    static const char *const welcome_lines[] = {"Origin: https://app.example.com\r\n",
                                                "Origin: https://APP.example.com:443\r\n",
                                                "Origin: \t https://a.example.org \t\r\n", ""};
    for (size_t i = 0; i < sizeof(welcome_lines) / sizeof(*welcome_lines); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, origins);
        shake(&c, welcome_lines[i]);
        struct peer *b = site_backend(&s, 0);
        site_message(&s, b, false);
        assert_int_equal(message_has(&s.m, "Origin: https://"), *welcome_lines[i] != '\0');
        peer_say(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        UNTIL(&s, peer_has(&c, "\r\n\r\n"));
        assert_true(peer_has(&c, " 101 "));
        assert_int_equal(site_count(&s, METRIC_ORIGINS_REFUSED), 0);
        peer_close(b);
        site_close(&s, &c);
    }
}

static void without_a_list_any_origin_is_the_backends_to_judge(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, NULL);
    shake(&c, "Origin: null\r\nOrigin: https://evil.com\r\n");
    struct peer *b = site_backend(&s, 0);
    site_message(&s, b, false);
    assert_true(message_has(&s.m, "Origin: null\r\n"));
    assert_true(message_has(&s.m, "Origin: https://evil.com\r\n"));
    peer_close(b);
    site_close(&s, &c);
}

static void a_request_that_is_no_handshake_is_not_asked_for_its_origin(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    site_visit(&s, &c, origins);
    struct peer *b = site_ask(&s, &c,
                              "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.com\r\n"
                              "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    assert_false(peer_has(b, "Upgrade"));
    peer_say(b, site_fine);
    site_answer(&s, &c, "200 OK", "fine");
    site_close(&s, &c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_from_another_origin_is_403_counted_and_the_last_that_is_read),
        cmocka_unit_test(a_handshake_from_an_allowed_origin_or_from_none_goes_on_as_it_came),
        cmocka_unit_test(without_a_list_any_origin_is_the_backends_to_judge),
        cmocka_unit_test(a_request_that_is_no_handshake_is_not_asked_for_its_origin),
    };
    return site_rounds("origins", tests);
}
