/* What is kept of an opening handshake, and which answers serve the client that was told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "session/opening.h"
#include <string.h>

#define COUNT(of) (sizeof(of) / sizeof(*(of)))

#define ASK(extensions)                                                                            \
    "GET /ws?a=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"             \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" extensions                                   \
    "Sec-WebSocket-Version: 13\r\n\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define EXT    "Sec-WebSocket-Extensions: permessage-deflate"
#define CHAT   "Sec-WebSocket-Protocol: chat\r\n"

static struct http1 *parse(const char *text)
{
    struct http1 *p = http1_new(false, strlen(text));
    enum http1_event ev;
    http1_next(p, (const uint8_t *)text, strlen(text), &ev);
    assert_int_equal(ev, HTTP1_HEAD);
    return p;
}

static struct opening *open_with(const char *ask, struct deflate agreed, const char *answer)
{
    struct http1 *p = parse(answer);
    struct opening *o = opening_new((struct str){ask, strlen(ask)}, &agreed, &http1_view(p)->head);
    http1_free(p);
    return o;
}

static void equal(struct str got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p, want, got.n);
}

static void it_asks_with_the_same_head_and_knows_what_was_chosen(void **state)
{
    (void)state;
    struct opening *o =
        open_with(ASK(""), (struct deflate){.on = false}, SWITCH ACCEPT CHAT "\r\n");
    equal(opening_request(o), ASK(""));
    equal(opening_target(o), "/ws?a=1");
    equal(opening_protocol(o), "chat");
    assert_false(opening_deflate(o)->on);
    assert_true(opening_charge(o) >= strlen(ASK("")) + 4);
    opening_free(o);
    opening_free(NULL);
}

static void it_offers_what_was_agreed_on(void **state)
{
    (void)state;
    static const char offers[] = ASK(EXT "; client_max_window_bits, permessage-deflate\r\n");
    struct opening *o = open_with(
        offers, (struct deflate){.on = true, .client_no_context = true, .client_bits = 12},
        SWITCH ACCEPT "\r\n");
    equal(opening_request(o),
          ASK(EXT "; client_no_context_takeover; client_max_window_bits=12\r\n"));
    equal(opening_protocol(o), "");
    assert_int_equal(opening_deflate(o)->client_bits, 12);
    opening_free(o);
    o = open_with(offers, (struct deflate){.on = false}, SWITCH ACCEPT "\r\n");
    equal(opening_request(o), ASK(""));
    opening_free(o);
}

static const struct {
    const char *answer;
    int want;
    bool chat, deflate; /* what was agreed on at first */
    const char *why;
} rows[] = {
    {SWITCH ACCEPT "\r\n", 0, false, false, "the plainest"},
    {SWITCH ACCEPT CHAT "\r\n", 0, true, false, "the same subprotocol"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol:  chat \r\n\r\n", 0, true, false, "spaces"},
    {SWITCH ACCEPT "\r\n", ERR_MISMATCH, true, false, "none any more"},
    {SWITCH ACCEPT CHAT "\r\n", ERR_MISMATCH, false, false, "one where there was none"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: cha\r\n\r\n", ERR_MISMATCH, true, false, "shorter"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: chat2\r\n\r\n", ERR_MISMATCH, true, false, "longer"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: CHAT\r\n\r\n", ERR_MISMATCH, true, false,
     "case counts"},
    {SWITCH ACCEPT EXT "\r\n\r\n", 0, false, true, "the same extension"},
    {SWITCH ACCEPT EXT "; server_max_window_bits=9\r\n\r\n", 0, false, true, "a smaller window"},
    {SWITCH ACCEPT "\r\n", ERR_MISMATCH, false, true, "no extension any more"},
    {SWITCH ACCEPT EXT "\r\n\r\n", ERR_PROTOCOL, false, false, "one that was not offered"},
    {SWITCH "\r\n", ERR_PROTOCOL, false, false, "no accept"},
    {SWITCH "Sec-WebSocket-Accept: x\r\n\r\n", ERR_PROTOCOL, false, false, "a wrong accept"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ERR_PROTOCOL, false, false, "no 101"},
    {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", ERR_PROTOCOL,
     false, false, "to what"},
};

static void an_answer_serves_that_is_as_the_client_was_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why = NULL;
        struct opening *o =
            open_with(rows[i].deflate ? ASK(EXT "\r\n") : ASK(""),
                      (struct deflate){.on = rows[i].deflate, .client_no_context = true},
                      rows[i].chat ? SWITCH ACCEPT CHAT "\r\n" : SWITCH ACCEPT "\r\n");
        struct http1 *p = parse(rows[i].answer);
        int err = opening_check(o, &http1_view(p)->head, &why);
        if (err != rows[i].want || (err == 0) != (why == NULL))
            fail_msg("%s: %s", rows[i].why, why ? why : "it serves");
        http1_free(p);
        opening_free(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_asks_with_the_same_head_and_knows_what_was_chosen),
        cmocka_unit_test(it_offers_what_was_agreed_on),
        cmocka_unit_test(an_answer_serves_that_is_as_the_client_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
