#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/wire/parsed.h"
#include "wire/forward.h"
#include "wire/strict.h"

#define PEER    "192.0.2.7"
#define BACKEND "127.0.0.1:8000"
#define SENT    "X-Forwarded-For: " PEER "\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void expect_text(struct buf *out, const char *want, const char *why)
{
    if (strcmp(terminated(out), want))
        fail_msg("%s:\n%s\nnot\n%s", why, out->data, want);
    buf_fini(out);
}

struct request_row {
    const char *text, *want, *why;
    struct forward f;
};

static void expect_requests(const struct request_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct http1 *p = parsed(true, false, rows[i].text);
        struct forward f = rows[i].f;
        struct buf out;
        buf_init(&out);
        f.authority = STR(BACKEND);
        f.peer = f.peer.p ? f.peer : STR(PEER);
        forward_request(http1_view(p), &f, &out);
        expect_text(&out, rows[i].want, rows[i].why);
        http1_free(p);
    }
}
#define PLAIN                                                                                      \
    {                                                                                              \
        .trusted = false                                                                           \
    }
#define EXPECT_REQUESTS(...)                                                                       \
    expect_requests((const struct request_row[]){__VA_ARGS__},                                     \
                    sizeof((const struct request_row[]){__VA_ARGS__}) /                            \
                        sizeof(struct request_row))

static void requests_are_written_anew(void **state)
{
    (void)state;
    EXPECT_REQUESTS(
        {"GET /p?q HTTP/1.1\r\nX-b:  1 \r\nHost: a\r\nACCEPT: */*\r\nx-a:\r\n\r\n",
         "GET /p?q HTTP/1.1\r\nX-b: 1\r\nHost: a\r\nACCEPT: */*\r\nx-a: \r\n" SENT "\r\n",
         "order and case kept", PLAIN},
        {"GET / HTTP/1.0\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: " BACKEND "\r\nX-Forwarded-For: " PEER
         "\r\nX-Forwarded-Proto: http\r\n\r\n",
         "the backend's authority where HTTP/1.0 gave none", PLAIN},
        {"POST / HTTP/1.1\r\nhOST: a\r\ncontent-length: 007\r\nExpect: 100-continue\r\n\r\n",
         "POST / HTTP/1.1\r\nhOST: a\r\ncontent-length: 7\r\nExpect: 100-continue\r\n" SENT "\r\n",
         "length, in its place", PLAIN},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" SENT "\r\n", "length of nothing",
         PLAIN},
        {"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\nTrailer: X\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\nTrailer: X\r\n" SENT "\r\n",
         "chunked", PLAIN},
        {"GET / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n" SENT "\r\n", "Trailer without chunks", PLAIN});
}

static void absolute_form_becomes_origin_form(void **state)
{
    (void)state;
#define HOST_B                                                                                     \
    "Host: b:1\r\nX-Forwarded-For: " PEER                                                          \
    "\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: b:1\r\n\r\n"
    EXPECT_REQUESTS({"GET http://b:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
                     "GET /p?q HTTP/1.1\r\n" HOST_B, "path", PLAIN},
                    {"GET HTTPS://b:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n" HOST_B,
                     "no path", PLAIN},
                    {"GET ws://b:1?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q HTTP/1.1\r\n" HOST_B,
                     "query only", PLAIN},
                    {"OPTIONS http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
                     "OPTIONS * HTTP/1.1\r\n" HOST_B, "RFC 9112 §3.2.4", PLAIN},
                    {"OPTIONS http://b:1/ HTTP/1.1\r\nHost: a\r\n\r\n",
                     "OPTIONS / HTTP/1.1\r\n" HOST_B, "a path all the same", PLAIN},
                    {"OPTIONS * HTTP/1.1\r\nHost: b:1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n" HOST_B,
                     "asterisk", PLAIN},
                    {"GET http://b:1/p HTTP/1.0\r\n\r\n", "GET /p HTTP/1.1\r\n" HOST_B,
                     "HTTP/1.0 without Host", PLAIN});
#undef HOST_B
}

static void fields_of_this_hop_stay_here(void **state)
{
    (void)state;
    EXPECT_REQUESTS(
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Gone\r\nconnection: "
         "x-too\r\nKeep-Alive: 5\r\n"
         "Proxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nx-gone: 1\r\nX-Too: 2\r\nX-Goner: "
         "3\r\n"
         "Proxy-Authorization: x\r\nProxy-Authenticate: y\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nX-Goner: 3\r\n" SENT "\r\n", "RFC 9110 §7.6.1", PLAIN},
        {"POST / HTTP/1.1\r\nHost: a\r\nConnection: Host, Content-Length, Authorization, Cookie, "
         "X-Forwarded-For, Origin\r\n"
         "Authorization: b\r\nCookie: c\r\nOrigin: d\r\nContent-Length: 1\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nCookie: c\r\nOrigin: d\r\n"
         "Content-Length: 1\r\n" SENT "\r\n",
         "Connection cannot make these vanish", PLAIN},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: "
         "Transfer-Encoding\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" SENT "\r\n", "nor this",
         PLAIN},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY
         "Sec-WebSocket-Version: 13\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n" KEY "Sec-WebSocket-Version: 13\r\n" SENT "\r\n",
         "an upgrade that does not go on as one", PLAIN});
}

static void connection_is_heeded_to_the_last_option_that_it_may_name(void **state)
{
    (void)state;
    struct buf text, out;
    buf_init(&text);
    buf_init(&out);
    buf_adds(&text, "GET / HTTP/1.1\r\nHost: a\r\nX-Last: 1\r\nX-Kept: 2\r\nConnection: x0");
    for (unsigned i = 1; i < STRICT_OPTIONS - 1; i++)
        buf_addf(&text, ", x%u", i);
    buf_adds(&text, "\r\nConnection: x-last\r\nConnection:\r\n\r\n");
    struct http1 *p = parsed(true, false, terminated(&text));
    forward_request(http1_view(p), &(struct forward){.peer = STR(PEER)}, &out);
    expect_text(&out, "GET / HTTP/1.1\r\nHost: a\r\nX-Kept: 2\r\n" SENT "\r\n", "the last");
    http1_free(p);
    buf_fini(&text);
}

static void the_client_is_named_in_one_line(void **state)
{
    (void)state;
#define REST "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"
    EXPECT_REQUESTS(
        {"GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\nHost: a\r\nx-forwarded-for: 2.2.2.2, "
         "3.3.3.3\r\nX-Forwarded-For:\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, " PEER
         "\r\n" REST "\r\n",
         "joined", PLAIN},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: "
         "2.2.2.2\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n" REST "\r\n",
         "a Unix socket adds nothing",
         {.peer = STR("")}},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n" REST "\r\n",
         "nor begins it",
         {.peer = STR("")}},
        {"GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=x;proto=https\r\nForwarded: for=y\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n" SENT "Forwarded: for=x;proto=https, for=y, for=" PEER
         "\r\n\r\n",
         "Forwarded, where present", PLAIN},
        {"GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=x\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 2001:db8::7\r\n" REST
         "Forwarded: for=x, for=\"[2001:db8::7]\"\r\n\r\n",
         "RFC 7239 §6",
         {.peer = STR("2001:db8::7")}},
        {"GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=x\r\nForwarded: for=y\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n" REST "Forwarded: for=x, for=y\r\n\r\n",
         "of a Unix socket: joined",
         {.peer = STR("")}});
#undef REST
}

static void scheme_and_host_are_kept_from_trusted_peers_only(void **state)
{
    (void)state;
#define GET_A "GET / HTTP/1.1\r\nHost: a\r\n"
#define FOR   "X-Forwarded-For: " PEER "\r\n"
    EXPECT_REQUESTS({GET_A "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
                     GET_A FOR "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
                     "kept",
                     {.trusted = true}},
                    {GET_A "X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: pub ,b\r\n\r\n",
                     GET_A FOR "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
                     "never a list",
                     {.trusted = true}},
                    {GET_A "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: "
                           "http\r\nX-Forwarded-Host: pub\r\nX-Forwarded-Host: b\r\n\r\n",
                     GET_A FOR "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
                     "never two lines",
                     {.trusted = true}},
                    {GET_A "X-Forwarded-Proto: ,\r\nX-Forwarded-Host:\r\n\r\n",
                     GET_A SENT "\r\n",
                     "empty is absent",
                     {.trusted = true}},
                    {GET_A "\r\n", GET_A SENT "\r\n", "set where absent", {.trusted = true}},
                    {GET_A "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
                     GET_A SENT "\r\n", "not trusted", PLAIN});
#undef FOR
#undef GET_A
}

static void a_handshake_goes_on_as_one(void **state)
{
    (void)state;
#define WS "GET /ws HTTP/1.1\r\nHost: a\r\n"
    EXPECT_REQUESTS(
        {WS "connection: keep-alive, upgrade\r\nUPGRADE: WebSocket\r\n" KEY
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: x, permessage-deflate\r\nSec-WebSocket-Protocol: b, "
            "c\r\nOrigin: d\r\n\r\n",
         WS "connection: Upgrade\r\nUPGRADE: websocket\r\n" KEY "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
            "Sec-WebSocket-Protocol: b, c\r\nOrigin: d\r\n" SENT "\r\n",
         "the offer is replaced",
         {.websocket = true}},
        {WS "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: "
            "x\r\nContent-Length: 0\r\n\r\n",
         WS "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n" SENT "\r\n",
         "nothing is left to offer",
         {.websocket = true}});
#undef WS
}

struct answer_row {
    const char *text, *want;
    enum http1_body body;
    struct forward_answer f;
    const char *why;
};

static void expect_answers(const struct answer_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct http1 *p = parsed(false, rows[i].f.to_head, rows[i].text);
        struct buf out;
        buf_init(&out);
        enum http1_body body = forward_answer(http1_view(p), &rows[i].f, &out);
        expect_text(&out, rows[i].want, rows[i].why);
        if (body != rows[i].body)
            fail_msg("%s: the body goes as %d, not %d", rows[i].why, body, rows[i].body);
        http1_free(p);
    }
}
#define EXPECT_ANSWERS(...)                                                                        \
    expect_answers((const struct answer_row[]){__VA_ARGS__},                                       \
                   sizeof((const struct answer_row[]){__VA_ARGS__}) / sizeof(struct answer_row))

#define LIVES                                                                                      \
    {                                                                                              \
        .minor = 1, .keep_alive = true                                                             \
    }
#define CLOSES                                                                                     \
    {                                                                                              \
        .minor = 1                                                                                 \
    }
#define HEAD                                                                                       \
    {                                                                                              \
        .minor = 1, .keep_alive = true, .to_head = true                                            \
    }
#define OLD                                                                                        \
    {                                                                                              \
        .minor = 0, .keep_alive = true                                                             \
    }

static void answers_are_written_anew(void **state)
{
    (void)state;
    EXPECT_ANSWERS(
        {"HTTP/1.1 200 Fine\r\nserver: x\r\nDate: d\r\nVia: v\r\ncontent-length: 03\r\nSet-Cookie: "
         "a\r\nSet-Cookie: b\r\n\r\n",
         "HTTP/1.1 200 Fine\r\nserver: x\r\nDate: d\r\nVia: v\r\ncontent-length: 3\r\nSet-Cookie: "
         "a\r\nSet-Cookie: b\r\n\r\n",
         HTTP1_LENGTH, LIVES, "order, case and phrase kept"},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
         HTTP1_LENGTH, LIVES, "no phrase"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_LENGTH, LIVES, "always HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nTrailer: T\r\n\r\n",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nTrailer: T\r\n\r\n", HTTP1_CHUNKED,
         LIVES, "chunked"},
        {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         HTTP1_CHUNKED, LIVES, "until EOF becomes chunked"},
        {"HTTP/1.1 200 OK\r\nConnection: close, X-Gone\r\nKeep-Alive: 1\r\nUpgrade: h2\r\nX-Gone: "
         "1\r\nContent-Length: 3\r\n"
         "Proxy-Authenticate: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_LENGTH, LIVES, "of this hop"},
        {"HTTP/1.1 200 OK\r\nConnection: Set-Cookie\r\nSet-Cookie: a\r\nContent-Length: 3\r\n\r\n",
         "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nContent-Length: 3\r\n\r\n", HTTP1_LENGTH, LIVES,
         "end to end"},
        {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\nConnection: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", HTTP1_LENGTH, CLOSES,
         "the client's closes"});
}

static void http_1_0_gets_no_chunks(void **state)
{
    (void)state;
    EXPECT_ANSWERS({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n",
                    HTTP1_LENGTH, OLD, "told that it lives on"},
                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", HTTP1_UNTIL_EOF, OLD,
                    "chunked"},
                   {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
                    HTTP1_UNTIL_EOF, OLD, "until EOF"});
}

static void answers_without_a_body_get_no_framing(void **state)
{
    (void)state;
    EXPECT_ANSWERS(
        {"HTTP/1.1 204 N\r\nContent-Length: 3\r\nX: y\r\n\r\n", "HTTP/1.1 204 N\r\nX: y\r\n\r\n",
         HTTP1_NO_BODY, LIVES, "RFC 9110 §8.6"},
        {"HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n",
         "HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n", HTTP1_NO_BODY, LIVES,
         "of nothing there is nothing to wait for"},
        {"HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n",
         "HTTP/1.1 204 N\r\nConnection: close\r\n\r\n", HTTP1_NO_BODY, CLOSES, "RFC 9112 §6.1"},
        {"HTTP/1.1 103 E\r\nContent-Length: 3\r\nLink: y\r\n\r\n",
         "HTTP/1.1 103 E\r\nLink: y\r\n\r\n", HTTP1_NO_BODY, CLOSES,
         "1xx, and nothing is said of the connection yet"},
        {"HTTP/1.1 304 N\r\nContent-Length: 3\r\n\r\n",
         "HTTP/1.1 304 N\r\nContent-Length: 3\r\n\r\n", HTTP1_NO_BODY, LIVES,
         "304 tells the length of what it does not send"},
        {"HTTP/1.1 304 N\r\n\r\n", "HTTP/1.1 304 N\r\n\r\n", HTTP1_NO_BODY, LIVES, "or not"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_NO_BODY, HEAD,
         "so does the answer to HEAD"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
         HTTP1_NO_BODY, HEAD, "a coding of nothing is not told"});
}

static void an_answer_to_head_has_no_body_whatever_the_parser_was_told(void **state)
{
    (void)state;
    struct http1 *p = parsed(false, false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    struct buf out;
    buf_init(&out);
    assert_int_equal(forward_answer(http1_view(p), &(struct forward_answer)HEAD, &out),
                     HTTP1_NO_BODY);
    expect_text(&out, "HTTP/1.1 200 OK\r\n\r\n", "HEAD");
    http1_free(p);
}

static void a_101_says_what_was_agreed(void **state)
{
    (void)state;
    static const struct deflate none = {.on = false},
                                agreed = {.on = true, .client_no_context = true, .server_bits = 10};
#define OK   "HTTP/1.1 101 Switching Protocols\r\nconnection: "
#define MORE "\r\nSec-WebSocket-Accept: a\r\n"
#define LAST "Sec-WebSocket-Protocol: p\r\nSet-Cookie: c\r\n\r\n"
#define BACK                                                                                       \
    OK "upgrade, x\r\nupgrade: WebSocket" MORE                                                     \
       "sec-websocket-extensions: permessage-deflate\r\n" LAST
    EXPECT_ANSWERS({BACK,
                    OK "Upgrade\r\nupgrade: websocket" MORE LAST,
                    HTTP1_NO_BODY,
                    {.minor = 1, .keep_alive = true, .deflate = &none},
                    "nothing"},
                   {BACK,
                    OK "Upgrade\r\nupgrade: websocket" MORE
                       "sec-websocket-extensions: permessage-deflate; client_no_context_takeover; "
                       "server_max_window_bits=10\r\n" LAST,
                    HTTP1_NO_BODY,
                    {.minor = 1, .keep_alive = true, .deflate = &agreed},
                    "what was forced, too"});
#undef BACK
#undef LAST
#undef MORE
#undef OK
}

static void trailers_frame_and_route_nothing(void **state)
{
    (void)state;
    static const char text[] =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\nHost: "
        "evil\r\n"
        "Content-Length: 5\r\nConnection: close, X-Gone\r\nX-Gone: 1\r\nTrailer: "
        "c\r\nAuthorization: d\r\n"
        "X-Forwarded-For: e\r\nForwarded: f\r\nCookie: g\r\nUpgrade: h\r\nTE: i\r\nx-c: \t\r\n"
        "Sec-WebSocket-Extensions: j\r\nContent-Type: k\r\nSet-Cookie: l\r\nKeep-Alive: m\r\n\r\n";
    struct http1 *p = parsed(true, false, text);
    enum http1_event ev;
    struct buf out;
    size_t head = (size_t)(strstr(text, "\r\n\r\n") + 4 - text);
    http1_next(p, (const uint8_t *)text + head, sizeof(text) - 1 - head, &ev);
    assert_int_equal(ev, HTTP1_END);
    buf_init(&out);
    forward_trailers(&http1_view(p)->trailers, &out);
    expect_text(&out, "X-A: b\r\nx-c: \r\n\r\n", "trailers");
    http1_free(p);
}

static void no_trailers_are_an_empty_line(void **state)
{
    (void)state;
    struct head none;
    struct buf out;
    head_init(&none);
    buf_init(&out);
    forward_trailers(&none, &out);
    expect_text(&out, "\r\n", "none");
}

static void own_answers_can_be_read(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out);
    forward_own(404, "no such page", "", false, true, &out);
    expect_text(&out,
                "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: "
                "13\r\nConnection: keep-alive\r\n\r\n"
                "no such page\n",
                "lives on");
    forward_own(426, "x", "Sec-WebSocket-Version: 13\r\n", false, false, &out);
    expect_text(&out,
                "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
                "Sec-WebSocket-Version: 13\r\nConnection: close\r\n\r\nx\n",
                "a further field");
    forward_own(503, "x", "", true, false, &out);
    expect_text(
        &out,
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\n",
        "to HEAD");
}

static void every_own_answer_has_a_phrase(void **state)
{
    (void)state;
    static const uint16_t codes[] = {200, 304, 400, 403, 404, 405, 408, 413,
                                     426, 431, 500, 501, 502, 503, 504, 505};
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        assert_true(http1_phrase(codes[i])[0] != 0);
    assert_string_equal(http1_phrase(431), "Request Header Fields Too Large");
    assert_string_equal(http1_phrase(299), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written_anew),
        cmocka_unit_test(absolute_form_becomes_origin_form),
        cmocka_unit_test(fields_of_this_hop_stay_here),
        cmocka_unit_test(connection_is_heeded_to_the_last_option_that_it_may_name),
        cmocka_unit_test(the_client_is_named_in_one_line),
        cmocka_unit_test(scheme_and_host_are_kept_from_trusted_peers_only),
        cmocka_unit_test(a_handshake_goes_on_as_one),
        cmocka_unit_test(answers_are_written_anew),
        cmocka_unit_test(http_1_0_gets_no_chunks),
        cmocka_unit_test(answers_without_a_body_get_no_framing),
        cmocka_unit_test(an_answer_to_head_has_no_body_whatever_the_parser_was_told),
        cmocka_unit_test(a_101_says_what_was_agreed),
        cmocka_unit_test(trailers_frame_and_route_nothing),
        cmocka_unit_test(no_trailers_are_an_empty_line),
        cmocka_unit_test(own_answers_can_be_read),
        cmocka_unit_test(every_own_answer_has_a_phrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
