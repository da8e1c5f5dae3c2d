/* Handshakes where wskeep has to read messages (`answer`): neither end may compress them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include <stdio.h>

static const struct setting_text answer[] = {{"answer.of.field", "type"},
                                             {"answer.of.values", "ask"},
                                             {"answer.by.field", "type"},
                                             {"answer.by.values", "done"},
                                             {NULL, NULL}};

static const char offer[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

static void welcome(struct peer *b, const char *lines)
{
    char text[256];
    snprintf(text, sizeof(text),
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n%s\r\n",
             lines);
    peer_say(b, text);
}

static const struct {
    const struct setting_text *settings;
    const char *fields; /* of the 101 */
    bool offered, agreed;
    const char *status;
} rows[] = {
    {NULL, "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n", true,
     true, " 101 "},
    {NULL, "", true, false, " 101 "},
    {answer, "", false, false, " 101 "},
    {answer, "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n", false,
     false, " 502 "},
    {answer, "Sec-WebSocket-Extensions: permessage-deflate\r\n", false, false, " 502 "},
};

static void compression_is_not_agreed_on_where_messages_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct site s;
        struct peer c;
        site_visit(&s, &c, rows[i].settings);
        struct peer *b = site_ask(&s, &c, offer);
        assert_int_equal(peer_has(b, "Sec-WebSocket-Extensions"), rows[i].offered);
        welcome(b, rows[i].fields);
        UNTIL(&s, peer_has(&c, "\r\n\r\n"));
        assert_true(peer_has(&c, rows[i].status));
        assert_int_equal(peer_has(&c, "Sec-WebSocket-Extensions"), rows[i].agreed);
        peer_close(b);
        site_close(&s, &c);
        assert_int_equal(s.rig.metrics.http_status[502], rows[i].status[1] == '5');
        assert_int_equal(site_count(&s, METRIC_KEPT_BYTES), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compression_is_not_agreed_on_where_messages_are_read),
    };
    return site_rounds("answers", tests);
}
