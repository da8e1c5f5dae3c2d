#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "unit/wire/parsed.h"
#include "wire/forward.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT                                                                                     \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" /* the example of RFC 6455 §1.3 */
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define UP  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define GET "GET /ws HTTP/1.1\r\nHost: a\r\n"
#define OK  "HTTP/1.1 101 Switching Protocols\r\n"
#define EXT "Sec-WebSocket-Extensions: "

static void only_a_whole_handshake_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum handshake_kind want;
        const char *why;
    } rows[] = {
        {GET UP KEY V13 "\r\n", HANDSHAKE_YES, "RFC 6455 §4.1"},
        {GET "upgrade: h2c, WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" KEY V13 "\r\n",
         HANDSHAKE_YES, "lists, case"},
        {GET "Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n" KEY V13
             "\r\n",
         HANDSHAKE_YES, "two lines"},
        {GET UP KEY V13 "Content-Length: 0\r\n\r\n", HANDSHAKE_YES,
         "a length of nothing is no body"},
        {GET UP KEY "Sec-WebSocket-Version: 8\r\n\r\n", HANDSHAKE_VERSION, "an old draft"},
        {GET UP KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", HANDSHAKE_VERSION,
         "a list is no version"},
        {GET UP KEY "\r\n", HANDSHAKE_VERSION, "the answer says which version to send"},
        {GET UP KEY V13 "Content-Length: 1\r\n\r\n", HANDSHAKE_NONE, "a body"},
        {GET UP KEY V13 "Transfer-Encoding: chunked\r\n\r\n", HANDSHAKE_NONE, "a body"},
        {"POST /ws HTTP/1.1\r\nHost: a\r\n" UP KEY V13 "\r\n", HANDSHAKE_NONE, "no GET"},
        {"GET /ws HTTP/1.0\r\nHost: a\r\n" UP KEY V13 "\r\n", HANDSHAKE_NONE,
         "HTTP/1.0 has no Upgrade"},
        {GET UP "\r\n", HANDSHAKE_NONE, "fields that a balancer adds to everything"},
        {GET "Upgrade: websocket\r\n" KEY V13 "\r\n", HANDSHAKE_NONE, "no Connection"},
        {GET "Connection: Upgrade\r\n" KEY V13 "\r\n", HANDSHAKE_NONE, "no Upgrade"},
        {GET "Upgrade: websocket/13\r\nConnection: Upgrade\r\n" KEY V13 "\r\n", HANDSHAKE_NONE,
         "another protocol"},
        {GET UP V13 KEY KEY "\r\n", HANDSHAKE_NONE, "two keys"},
        {GET UP KEY V13 V13 "\r\n", HANDSHAKE_NONE, "two versions"},
        {GET UP V13 "Sec-WebSocket-Key:\r\n\r\n", HANDSHAKE_NONE, "no key"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n\r\n", HANDSHAKE_NONE,
         "15 bytes and a bit"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n", HANDSHAKE_NONE,
         "padding"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n", HANDSHAKE_NONE, "padding"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n", HANDSHAKE_NONE,
         "18 bytes"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==,\r\n\r\n", HANDSHAKE_NONE,
         "a list"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25-_w==\r\n\r\n", HANDSHAKE_NONE,
         "the alphabet of URLs"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25_ZQ==\r\n\r\n", HANDSHAKE_NONE,
         "its other letter"},
        {GET UP V13 "Sec-WebSocket-Key: ~GhlIHNhbXBsZSBub25jZQ==\r\n\r\n", HANDSHAKE_NONE,
         "of no alphabet"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ-=\r\n\r\n", HANDSHAKE_NONE,
         "half of the padding"},
        {GET UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=-\r\n\r\n", HANDSHAKE_NONE,
         "the other half"},
        {GET UP V13 "Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+/==\r\n\r\n", HANDSHAKE_YES,
         "all of the alphabet"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct http1 *p = parsed(true, false, rows[i].text);
        struct http1_view *m = http1_view(p);
        enum handshake_kind kind = handshake_kind(&m->head, m->body);
        if (kind != rows[i].want)
            fail_msg("%s: %d, not %d\n%s", rows[i].why, kind, rows[i].want, rows[i].text);
        http1_free(p);
    }
}

#define PMD "permessage-deflate"
#define CNC "; client_no_context_takeover"
#define SNC "; server_no_context_takeover"
#define SMW "; server_max_window_bits"
#define CMW "; client_max_window_bits"

static void offers_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *want, *why;
    } rows[] = {
        {"", "", "no offer"},
        {EXT PMD "\r\n", PMD CNC, "forced"},
        {EXT PMD CMW "\r\n", PMD CNC CMW, "Chromium's"},
        {EXT PMD CNC SNC CMW "=10" SMW "=9\r\n", PMD SNC CNC SMW "=9" CMW "=10", "all there is"},
        {EXT PMD ";client_max_window_bits=\"15\"\r\n", PMD CNC CMW "=15", "a quoted value"},
        {EXT "Permessage-Deflate ; Client_Max_Window_Bits = 8\r\n", PMD CNC CMW "=8",
         "case and spaces"},
        {EXT PMD CMW ", " PMD "\r\n", PMD CNC CMW ", " PMD CNC, "two offers"},
        {EXT PMD SMW "=10\r\n" EXT PMD "\r\n", PMD CNC SMW "=10, " PMD CNC, "on two lines"},
        {EXT "x-webkit-deflate-frame, " PMD ", bbf-usp\r\n", PMD CNC, "other extensions go"},
        {EXT "foo; a=\"b, permessage-deflate; c\"\r\n", "", "not within quotes"},
        {EXT PMD "; foo\r\n", "", "unknown parameter"},
        {EXT PMD ";\r\n", "", "empty parameter"},
        {EXT PMD "; foo, " PMD CNC "\r\n", PMD CNC, "the valid one stays"},
        {EXT PMD CNC CNC "\r\n", "", "doubled"},
        {EXT PMD CMW CMW "\r\n", "", "doubled"},
        {EXT PMD SMW "=9" SMW "=9\r\n", "", "doubled"},
        {EXT PMD SNC "=1\r\n", "", "a value where none may be"},
        {EXT PMD SMW "\r\n", "", "no value where one must be"},
        {EXT PMD SMW "=\r\n", "", "empty value"},
        {EXT PMD SMW "=7\r\n", "", "range"},
        {EXT PMD SMW "=16\r\n", "", "range"},
        {EXT PMD SMW "=08\r\n", "", "leading zero"},
        {EXT PMD CMW "=1\r\n", "", "range"},
        {EXT PMD CMW "=115\r\n", "", "range"},
        {EXT PMD CMW "=1.\r\n", "", "no digit"},
        {EXT PMD CMW "=\"15\r\n", "", "half a quote"},
        {EXT PMD "x\r\n", "", "another name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf text, value;
        buf_init(&text);
        buf_init(&value);
        buf_addf(&text, GET UP KEY V13 "%s\r\n", rows[i].fields);
        struct http1 *p = parsed(true, false, terminated(&text));
        handshake_offer(&http1_view(p)->head, COMPRESSION_ANY, &value);
        if (strcmp(terminated(&value), rows[i].want))
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].why, value.data, rows[i].want);
        buf_fini(&value);
        buf_fini(&text);
        http1_free(p);
    }
}

/* The client's value of Sec-WebSocket-Extensions, or what is wrong, prefixed with "! ". */
static void check(const char *offer, const char *answer, struct buf *said)
{
    struct buf text;
    struct deflate agreed;
    const char *why;
    buf_init(&text);
    buf_addf(&text, GET UP KEY V13 "%s\r\n", offer);
    struct http1 *request = parsed(true, false, terminated(&text)),
                 *reply = parsed(false, false, answer);
    int err = handshake_check(&http1_view(request)->head, &http1_view(reply)->head, &agreed, &why);
    assert_int_equal(err, why ? ERR_PROTOCOL : 0);
    assert_true(why || !agreed.on || agreed.client_no_context);
    if (why)
        buf_addf(said, "! %s", why);
    else
        handshake_agreed(&agreed, said);
    http1_free(request);
    http1_free(reply);
    buf_fini(&text);
}

struct check_row {
    const char *offer, *answer, *want, *why;
};

static void expect_checks(const struct check_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf said;
        buf_init(&said);
        check(rows[i].offer, rows[i].answer, &said);
        if (strcmp(terminated(&said), rows[i].want))
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].why, said.data, rows[i].want);
        buf_fini(&said);
    }
}

static void only_a_101_for_this_request_is_taken(void **state)
{
    (void)state;
    static const char accept[] = "! wrong Sec-WebSocket-Accept",
                      one[] = "! not one Sec-WebSocket-Accept";
    static const struct check_row rows[] = {
        {"", OK UP ACCEPT "\r\n", "", "RFC 6455 §4.2.2"},
        {"", OK "upgrade: WebSocket\r\nconnection: upgrade\r\n" ACCEPT "\r\n", "", "case"},
        {"", OK "Connection: Upgrade\r\n" ACCEPT "\r\n", "! no Upgrade: websocket", ""},
        {"", OK "Upgrade: websocket\r\n" ACCEPT "\r\n", "! no Connection: upgrade", ""},
        {"", OK UP "\r\n", one, ""},
        {"", OK UP ACCEPT ACCEPT "\r\n", one, "two"},
        {KEY, OK UP ACCEPT "\r\n", one, "of two keys"},
        {"", OK UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n", accept,
         "one character"},
        {"", OK UP "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n", accept,
         "case counts"},
        {"", OK UP "Sec-WebSocket-Accept:\r\n\r\n", accept, "empty"},
        {"", "HTTP/1.1 200 OK\r\n" UP ACCEPT "\r\n", "! not 101", ""},
        {"Sec-WebSocket-Protocol: chat, jwt.ey-J_.x\r\n",
         OK UP ACCEPT "Sec-WebSocket-Protocol: jwt.ey-J_.x\r\n\r\n", "",
         "the backend's choice, even a token"},
        {"Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n",
         OK UP ACCEPT "Sec-WebSocket-Protocol: b\r\n\r\n", "", "two lines"},
        {"Sec-WebSocket-Protocol: chat\r\n", OK UP ACCEPT "\r\n", "", "none chosen"},
        {"", OK UP ACCEPT "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol:\r\n\r\n", "",
         "the client judges it, as it would without us"},
    };
    expect_checks(rows, sizeof(rows) / sizeof(*rows));
}

static void only_what_was_offered_is_agreed_to(void **state)
{
    (void)state;
    static const char bad[] = "! an extension that was not offered, or a bad parameter",
                      otherwise[] = "! permessage-deflate otherwise than it was offered",
                      two[] = "! more than one extension agreed to";
#define A(value) OK UP ACCEPT EXT value "\r\n\r\n"
    static const struct check_row rows[] = {
        {EXT PMD "\r\n", OK UP ACCEPT "\r\n", "", "declined"},
        {EXT PMD "\r\n", A(PMD), PMD CNC, "forced, though not confirmed"},
        {EXT PMD "\r\n", A(PMD CNC), PMD CNC, "confirmed"},
        {EXT PMD "\r\n", A("\"permessage-deflate\""), bad, "a quoted name"},
        {"", A(PMD), otherwise, "none offered"},
        {EXT "foo\r\n", A("foo"), bad, "we never passed that offer on"},
        {EXT PMD "\r\n", A(PMD ", foo"), two, ""},
        {EXT PMD "\r\n", A(PMD "\r\n" EXT PMD), two, "on two lines"},
        {EXT PMD "\r\n", A(PMD "; foo"), bad, ""},
        {EXT PMD "\r\n", A(PMD CNC CNC), bad, "doubled"},
        {EXT PMD "\r\n", A(PMD SNC), PMD SNC CNC, "a server may add that unasked"},
        {EXT PMD "\r\n", A(PMD SMW "=9"), PMD CNC SMW "=9", "and that"},
        {EXT PMD "\r\n", A(PMD CMW "=9"), otherwise, "but never that"},
        {EXT PMD CMW "\r\n", A(PMD CMW "=9"), PMD CNC CMW "=9", ""},
        {EXT PMD CMW "\r\n", A(PMD CMW), bad, "an answer gives a value"},
        {EXT PMD CMW "=10\r\n", A(PMD CMW "=10"), PMD CNC CMW "=10", ""},
        {EXT PMD CMW "=10\r\n", A(PMD CMW "=11"), otherwise, "larger"},
        {EXT PMD CMW "=10\r\n", A(PMD), PMD CNC, "only a hint"},
        {EXT PMD SNC "\r\n", A(PMD), otherwise, "what is asked of the server it must grant"},
        {EXT PMD SNC "\r\n", A(PMD SNC), PMD SNC CNC, ""},
        {EXT PMD SMW "=10\r\n", A(PMD SMW "=8"), PMD CNC SMW "=8", "smaller"},
        {EXT PMD SMW "=10\r\n", A(PMD SMW "=11"), otherwise, "larger"},
        {EXT PMD SMW "=10\r\n", A(PMD), otherwise, "not granted"},
        {EXT PMD SMW "=10, " PMD "\r\n", A(PMD), PMD CNC, "the second offer"},
        {EXT PMD "; foo\r\n", A(PMD), otherwise, "that offer was not passed on"},
    };
#undef A
    expect_checks(rows, sizeof(rows) / sizeof(*rows));
}

/* What the client was told, and what a backend answers to a fresh handshake. */
static void a_fresh_connection_serves_a_client_within_what_it_was_told(void **state)
{
    (void)state;
    static const struct {
        struct deflate agreed, now;
        bool want;
        const char *why;
    } rows[] = {
        {{.on = false}, {.on = false}, true, "none"},
        {{.on = true}, {.on = true}, true, "plain"},
        {{.on = true}, {.on = false}, false, "it would get what it sends compressed"},
        {{.on = false}, {.on = true}, false, "the client was told of none"},
        {{.on = false, .server_bits = 9}, {.on = false}, true, "parameters of none are none"},
        {{.on = true}, {.on = true, .server_bits = 9}, true, "smaller than 15"},
        {{.on = true, .server_bits = 15}, {.on = true}, true, "15 is what is not mentioned"},
        {{.on = true}, {.on = true, .server_bits = 15}, true, "the other way round"},
        {{.on = true, .server_bits = 10}, {.on = true, .server_bits = 10}, true, "equal"},
        {{.on = true, .server_bits = 10}, {.on = true, .server_bits = 9}, true, "smaller"},
        {{.on = true, .server_bits = 10}, {.on = true, .server_bits = 11}, false, "larger"},
        {{.on = true, .server_bits = 10}, {.on = true}, false, "the largest"},
        {{.on = true, .client_bits = 10}, {.on = true, .client_bits = 10}, true, "equal"},
        {{.on = true, .client_bits = 10}, {.on = true, .client_bits = 11}, true, "larger"},
        {{.on = true, .client_bits = 10}, {.on = true}, true, "the largest"},
        {{.on = true, .client_bits = 10},
         {.on = true, .client_bits = 9},
         false,
         "the client goes on with 10"},
        {{.on = true}, {.on = true, .client_bits = 14}, false, "the client goes on with 15"},
        {{.on = true}, {.on = true, .client_bits = 15}, true, "what it does"},
        {{.on = true}, {.on = true, .server_no_context = true}, true, "it need not remember"},
        {{.on = true, .server_no_context = true}, {.on = true}, false, "it does not remember"},
        {{.on = true, .server_no_context = true},
         {.on = true, .server_no_context = true},
         true,
         "as before"},
        {{.on = true, .client_no_context = true},
         {.on = true},
         true,
         "a backend that remembers serves a client that does not"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (handshake_same(&rows[i].agreed, &rows[i].now) != rows[i].want)
            fail_msg("%s: %s", rows[i].why, rows[i].want ? "refused" : "taken");
}

static void a_reconnect_offers_what_was_agreed(void **state)
{
    (void)state;
#define ON .on = true, .client_no_context = true
    static const struct {
        const char *head;
        struct deflate agreed;
        const char *want, *why;
    } rows[] = {
        {GET UP KEY V13 "\r\n", {.on = false}, GET UP KEY V13 "\r\n", "no offer, none made"},
        {GET EXT PMD CNC CMW "\r\n" KEY "\r\n",
         {ON},
         GET EXT PMD CNC "\r\n" KEY "\r\n",
         "in its place"},
        {GET EXT PMD CNC CMW "\r\n" KEY "\r\n", {.on = false}, GET KEY "\r\n", "declined"},
        {GET KEY EXT PMD CNC CMW ", " PMD CNC "\r\n\r\n",
         {ON, .client_bits = 12},
         GET KEY EXT PMD CNC CMW "=12\r\n\r\n",
         "one of two, the last line"},
        {GET EXT PMD CNC "\r\n\r\n",
         {ON, .server_no_context = true, .server_bits = 9},
         GET EXT PMD SNC CNC SMW "=9\r\n\r\n",
         "what the server added it is asked for"},
        {GET "sec-websocket-extensions: " PMD CNC "\r\n\r\n",
         {ON},
         GET "sec-websocket-extensions: " PMD CNC "\r\n\r\n",
         "as the name is spelt"},
        {GET "X-" EXT PMD CMW "\r\nSec-WebSocket-Extensions2: a\r\n\r\n",
         {.on = false},
         GET "X-" EXT PMD CMW "\r\nSec-WebSocket-Extensions2: a\r\n\r\n",
         "other fields"},
        {GET "X: Sec-WebSocket-Extensions: " PMD "\r\n\r\n",
         {.on = false},
         GET "X: Sec-WebSocket-Extensions: " PMD "\r\n\r\n",
         "a value"},
    };
#undef ON
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf out;
        buf_init(&out);
        handshake_again(str_of(rows[i].head), &rows[i].agreed, &out);
        if (strcmp(terminated(&out), rows[i].want))
            fail_msg("%s:\n%s", rows[i].why, out.data);
        buf_fini(&out);
    }
}

/* The whole way: a client's request goes on, is answered, goes again, is answered in the same way
 * by the same backend, and in another by another. */
static void again(const char *offer, const char *answer, const char *then, bool want,
                  const char *offered)
{
    struct buf text, first, second, value;
    struct deflate agreed, now;
    const char *why;
    buf_init(&text);
    buf_init(&first);
    buf_init(&second);
    buf_init(&value);
    buf_addf(&text, GET UP KEY V13 EXT "%s\r\n\r\n", offer);
    struct http1 *request = parsed(true, false, terminated(&text)),
                 *reply = parsed(false, false, answer), *later = parsed(false, false, then);
    forward_request(http1_view(request), &(struct forward){.websocket = true}, &first);
    assert_int_equal(
        handshake_check(&http1_view(request)->head, &http1_view(reply)->head, &agreed, &why), 0);
    handshake_again((struct str){(const char *)first.data, first.len}, &agreed, &second);
    struct http1 *next = parsed(true, false, terminated(&second));
    struct str line = {"", 0};
    assert_true(head_get(&http1_view(next)->head, "Sec-WebSocket-Extensions", &line) <= 1);
    if (!str_eq(line, offered))
        fail_msg("%s: offers \"%.*s\"", offer, (int)line.n, line.p);
    /* All of it is valid: a server would not have to pass over it. */
    handshake_offer(&http1_view(next)->head, COMPRESSION_ANY, &value);
    assert_string_equal(terminated(&value), offered);
    bool same =
        handshake_check(&http1_view(next)->head, &http1_view(later)->head, &now, &why) == 0 &&
        handshake_same(&agreed, &now);
    if (same != want)
        fail_msg("%s, %s: %s", offer, then, why ? why : "not the same");
    http1_free(request);
    http1_free(reply);
    http1_free(later);
    http1_free(next);
    buf_fini(&text);
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&value);
}

static void a_reconnect_is_answered_as_the_first_was(void **state)
{
    (void)state;
#define A(value) OK UP ACCEPT EXT value "\r\n\r\n"
#define NONE     OK UP ACCEPT "\r\n"
    static const struct {
        const char *offer, *answer, *offered, *smaller, *otherwise;
    } rows[] = {
        /* Chromium with uvicorn, which has 15 bits unless told otherwise. */
        {PMD CMW, A(PMD), PMD CNC, A(PMD SNC), NONE},
        {PMD CMW, A(PMD CNC), PMD CNC, A(PMD CNC SMW "=12"), A(PMD CMW "=15")},
        /* Python's websockets as a server, by default 12 bits of each. */
        {PMD CMW, A(PMD CNC SMW "=12" CMW "=12"), PMD CNC SMW "=12" CMW "=12",
         A(PMD SMW "=11" CMW "=12"), A(PMD SMW "=12" CMW "=11")},
        {PMD CMW, A(PMD SMW "=12" CMW "=12"), PMD CNC SMW "=12" CMW "=12", A(PMD SMW "=12"),
         A(PMD CMW "=12")},
        /* One that forgets. */
        {PMD SNC, A(PMD SNC CNC), PMD SNC CNC, A(PMD SNC SMW "=9"), A(PMD)},
        {PMD SMW "=10, " PMD, A(PMD SMW "=10"), PMD CNC SMW "=10", A(PMD SMW "=8"),
         A(PMD SMW "=11")},
        {PMD, NONE, "", NONE, A(PMD)},
    };
#undef A
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        again(rows[i].offer, rows[i].answer, rows[i].answer, true, rows[i].offered);
        again(rows[i].offer, rows[i].answer, rows[i].smaller, true, rows[i].offered);
        again(rows[i].offer, rows[i].answer, rows[i].otherwise, false, rows[i].offered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_whole_handshake_is_one),
        cmocka_unit_test(offers_are_cleaned),
        cmocka_unit_test(only_a_101_for_this_request_is_taken),
        cmocka_unit_test(only_what_was_offered_is_agreed_to),
        cmocka_unit_test(a_fresh_connection_serves_a_client_within_what_it_was_told),
        cmocka_unit_test(a_reconnect_offers_what_was_agreed),
        cmocka_unit_test(a_reconnect_is_answered_as_the_first_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
