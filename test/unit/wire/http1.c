/* Events, limits, and each known trap of llhttp by itself. Every row is also fed in every way of
 * cutting it in three. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/wire/transcript.h"

#define GET     "GET / HTTP/1.1\r\nHost: a\r\n"
#define GOT     "HEAD GET </> 1.1 none keep Host=a"
#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define POSTED  "HEAD POST </> 1.1 chunked keep Host=a Transfer-Encoding=chunked\n"
#define NEXT    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"
#define NEXTED  "HEAD 200 <OK> 1.1 length(1) keep Content-Length=1\nDATA z\nEND\n"

static void expect(bool request, const struct transcript_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        transcript_expect(&rows[i], request);
}
#define EXPECT(request, ...)                                                                       \
    expect(request, (const struct transcript_row[]){__VA_ARGS__},                                  \
           sizeof((const struct transcript_row[]){__VA_ARGS__}) / sizeof(struct transcript_row))

static void requests_are_told_as_they_are(void **state)
{
    (void)state;
    EXPECT(
        true, {STR(GET "\r\n"), GOT "\nEND\n", "no body"},
        {STR(GET "\r\n" GET "\r\n"), GOT "\nEND\n" GOT "\nEND\n", "pipelined"},
        {STR("\r\n" GET "\r\n"), GOT "\nEND\n", "one empty line is passed over"},
        {STR(GET "A: \t b \t \r\nC:\r\nD: \t\r\n\r\n"), GOT " A=b C= D=\nEND\n",
         "values are trimmed"},
        {STR("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
         "HEAD POST </p> 1.1 length(5) keep Host=a Content-Length=5\nDATA hello\nEND\n", "length"},
        {STR("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
         "HEAD POST </p> 1.1 length(0) keep Host=a Content-Length=0\nEND\n",
         "a body of nothing is one all the same"},
        {STR(CHUNKED "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n"), POSTED "DATA abcde\nEND\n", "chunks"},
        {STR(CHUNKED "0\r\nX-A: b\r\nX-C:\r\n\r\n" GET "\r\n"),
         POSTED "END X-A=b X-C=\n" GOT "\nEND\n", "trailers"},
        {STR("M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD 400\n", "the asterisk is for OPTIONS"},
        {STR("x-FROB /caf\xc3\xa9?\xff HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb" GET
             "\r\n"),
         "HEAD x-FROB </caf\\xc3\\xa9?\\xff> 1.1 length(1) keep Host=a Content-Length=1\nDATA "
         "b\nEND\n" GOT "\nEND\n",
         "a method and a target that llhttp does not know"},
        {STR("FROB:/ HTTP/1.1\r\n"), "BAD 400\n", "no method"},
        {STR("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD 405\n", "no tunnels"});
}

static void answers_are_told_as_they_are(void **state)
{
    (void)state;
    EXPECT(false, {STR(NEXT NEXT), NEXTED NEXTED, "pooled"},
           {STR("HTTP/1.1 404\r\n\r\nab"), "HEAD 404 <> 1.1 eof close\nDATA ab", "until EOF"},
           {STR("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
            "HEAD 200 <> 1.1 length(0) keep Content-Length=0\nEND\n", "a phrase may be empty"},
           {STR("HTTP/1.1 200 \xc3\xa9t\xc3\xa9 :-)\r\nContent-Length: 0\r\n\r\n"),
            "HEAD 200 <\\xc3\\xa9t\\xc3\\xa9 :-)> 1.1 length(0) keep Content-Length=0\nEND\n",
            "a phrase is anything"},
           {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n\r\n"),
            "HEAD 200 <OK> 1.1 chunked keep Transfer-Encoding=chunked\nDATA a\nEND T=u\n",
            "chunks and trailers"},
           {STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" NEXT),
            "HEAD 100 <Continue> 1.1 none keep\nEND\nHEAD 103 <Early Hints> 1.1 none keep "
            "Link=x\nEND\n" NEXTED,
            "interim answers are messages of their own"},
           {STR("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
            "HEAD 999 <Odd> 1.1 length(0) keep Content-Length=0\nEND\n",
            "any status of three digits"});
}

static void connection_lives_on_as_rfc_9112_says(void **state)
{
    (void)state;
    EXPECT(true,
           {STR(GET "Connection: close\r\n\r\n"),
            "HEAD GET </> 1.1 none close Host=a Connection=close\nEND\n", ""},
           {STR(GET "Connection: x, CLOSE\r\n\r\n"),
            "HEAD GET </> 1.1 none close Host=a Connection=x, CLOSE\nEND\n", ""},
           {STR(GET "Connection: closed\r\n\r\n"), GOT " Connection=closed\nEND\n", "another word"},
           {STR("GET / HTTP/1.0\r\n\r\n"), "HEAD GET </> 1.0 none close\nEND\n", "HTTP/1.0 closes"},
           {STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
            "HEAD GET </> 1.0 none keep Connection=Keep-Alive\nEND\n", "unless asked"},
           {STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
            "HEAD GET </> 1.0 none close Connection=keep-alive Connection=close\nEND\n",
            "close outweighs keep-alive"});
}

/* Trap: llhttp takes Content-Length bytes as a body here, if it is not told otherwise. */
static void answers_without_a_body_do_not_swallow_the_next(void **state)
{
    (void)state;
    EXPECT(false,
           {STR("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" NEXT),
            "HEAD 204 <No Content> 1.1 none keep Content-Length=5\nEND\n" NEXTED, "204"},
           {STR("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" NEXT),
            "HEAD 204 <No Content> 1.1 none keep Transfer-Encoding=chunked\nEND\n" NEXTED,
            "204 with a coding"},
           {STR("HTTP/1.0 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n" NEXT),
            "HEAD 204 <No Content> 1.0 none close Transfer-Encoding=gzip\nEND\n" NEXTED,
            "any coding"},
           {STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" NEXT),
            "HEAD 304 <Not Modified> 1.1 none keep Content-Length=5\nEND\n" NEXTED, "304"},
           {STR("HTTP/1.1 304 Not Modified\r\n\r\n" NEXT),
            "HEAD 304 <Not Modified> 1.1 none keep\nEND\n" NEXTED, "304"},
           {STR("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" NEXT),
            "HEAD 100 <Continue> 1.1 none keep Content-Length=5\nEND\n" NEXTED, "1xx"});
}

/* The same trap; only the one who asked knows. */
static void answers_to_head_have_no_body(void **state)
{
    (void)state;
    static const char *const fields[] = {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
                                         ""};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        struct transcript t;
        transcript_open(&t, false, 65536);
        http1_expect(t.parser, true);
        transcript_feed(&t, "HTTP/1.1 100 C\r\n\r\n", 18);
        transcript_feed(&t, "HTTP/1.1 200 OK\r\n", 17);
        transcript_feed(&t, fields[i], strlen(fields[i]));
        transcript_feed(&t, "\r\n", 2);
        http1_expect(t.parser, false);
        transcript_feed(&t, NEXT, strlen(NEXT));
        assert_non_null(strstr(transcript_text(&t), "HEAD 200 <OK> 1.1 none keep"));
        assert_non_null(strstr(transcript_text(&t), "\nEND\n" NEXTED));
        transcript_close(&t);
    }
}

/* Trap: llhttp stops for good at an upgrade; one that is not ours must not stop it. */
static void an_upgrade_never_stops_a_request_parser(void **state)
{
    (void)state;
    EXPECT(true,
           {STR(GET "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET "\r\n"),
            GOT " Connection=Upgrade Upgrade=h2c\nEND\n" GOT "\nEND\n", "without a body"},
           {STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: "
                "Upgrade\r\nUpgrade: h2c\r\n\r\nab" GET "\r\n"),
            "HEAD POST </> 1.1 length(2) keep Host=a Content-Length=2 Connection=Upgrade "
            "Upgrade=h2c\nDATA ab\nEND\n" GOT "\nEND\n",
            "with a body"});
}

static void a_101_ends_the_message_and_leaves_the_rest(void **state)
{
    (void)state;
    EXPECT(
        false,
        {STR("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01z"),
         "HEAD 101 <S> 1.1 none keep Connection=Upgrade Upgrade=websocket\nEND\nLEFT \\x81\\x01z",
         "frames"},
        {STR("HTTP/1.1 101 S\r\nContent-Length: 2\r\n\r\nzz"),
         "HEAD 101 <S> 1.1 none keep Content-Length=2\nEND\nLEFT zz", "whatever else it says"});
}

/* Trap: obs-fold passes strict mode as a second span of the value. */
static void obs_fold_is_refused(void **state)
{
    (void)state;
    EXPECT(true, {STR(GET "A: b\r\n c\r\n\r\n"), "BAD 400\n", ""},
           {STR(GET "A:\r\n b\r\n\r\n"), "BAD 400\n", ""},
           {STR(GET "A: b\r\n \r\n\r\n"), "BAD 400\n", "folded emptiness"});
    EXPECT(false, {STR("HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n"), "BAD 502\n", ""});
}

/* Trap: HTTP/2.0 passes, and so do RTSP/1.0 and ICE/1.0, which give the same version numbers as
 * HTTP/1.0. */
static void other_versions_and_protocols_are_refused(void **state)
{
    (void)state;
    EXPECT(true, {STR("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "BAD 505\n", ""},
           {STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "BAD 505\n", "prior knowledge"},
           {STR("GET / HTTP/1.2\r\n"), "BAD 505\n", ""},
           {STR("GET /\r\n\r\n"), "BAD 400\n", "HTTP/0.9"},
           {STR("GET / RTSP/1.0\r\nHost: a\r\n\r\n"), "BAD 400\n", ""},
           {STR("SOURCE / ICE/1.0\r\nHost: a\r\n\r\n"), "BAD 400\n", ""});
}

/* Trap: behind Connection: close llhttp takes any further byte for an error. */
static void what_follows_a_close_is_no_error(void **state)
{
    (void)state;
    EXPECT(false, {STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na" NEXT),
                   "HEAD 200 <OK> 1.1 length(1) close Content-Length=1 Connection=close\nDATA "
                   "a\nEND\n" NEXTED,
                   ""});
}

/* Trap: trailers go through the callbacks and the states of fields: a Connection acts, a request's
 * coding fails the parse. */
static void trailers_change_nothing_else(void **state)
{
    (void)state;
    EXPECT(true,
           {STR(CHUNKED "0\r\nConnection: close\r\n\r\n" GET "\r\n"),
            POSTED "END Connection=close\n" GOT "\nEND\n", ""},
           {STR(CHUNKED "0\r\nContent-Length: 9\r\n\r\n" GET "\r\n"),
            POSTED "END Content-Length=9\n" GOT "\nEND\n", ""},
           {STR(CHUNKED "0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n" GET "\r\n"),
            POSTED "END Connection=upgrade Upgrade=a\n" GOT "\nEND\n", ""},
           {STR(CHUNKED "0\r\nTransfer-Encoding: gzip\r\n\r\n" GET "\r\n"), POSTED "BAD 400\n",
            "never a misparse"},
           {STR(CHUNKED "0\r\nA: b\r\n c\r\n\r\n"), POSTED "BAD 400\n", "obs-fold"},
           {STR(CHUNKED "0\r\nA: b\r\n\n"), POSTED "BAD 400\n", "bare LF"});
    EXPECT(false, {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n" NEXT),
                   "HEAD 200 <OK> 1.1 chunked keep Transfer-Encoding=chunked\nEND "
                   "Transfer-Encoding=gzip\n" NEXTED,
                   "of an answer llhttp takes it"});
}

/* Trap: llhttp, given NULL, loses the span that it is in. */
static void nothing_may_be_given_anywhere(void **state)
{
    (void)state;
    static const char text[] = CHUNKED "3;x=\"y\"\r\nabc\r\n0\r\nX-A: b\r\n\r\n" GET "\r\n";
    struct transcript t;
    enum http1_event ev;
    transcript_open(&t, true, 65536);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        transcript_feed(&t, text + i, 1);
        assert_int_equal(http1_next(t.parser, NULL, 0, &ev), 0);
        assert_int_equal(ev, HTTP1_MORE);
    }
    assert_string_equal(transcript_text(&t), POSTED "DATA abc\nEND X-A=b\n" GOT "\nEND\n");
    transcript_close(&t);
}

/* Feeds bytes made of a prefix, n times a unit, and a suffix, whole and in pieces of `piece`; what
 * came last. */
static void feed_made(struct transcript *t, size_t piece, const char *before, const char *unit,
                      size_t n, const char *after)
{
    struct buf b;
    buf_init(&b);
    buf_adds(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_adds(&b, unit);
    buf_adds(&b, after);
    for (size_t at = 0; at < b.len && !t->over; at += piece)
        transcript_feed(t, (char *)b.data + at, b.len - at < piece ? b.len - at : piece);
    buf_fini(&b);
}

struct limit_row {
    size_t head_max;
    const char *before, *unit, *after;
    size_t most; /* so many units pass, one more does not */
    const char *refusal;
};

static void expect_limit(const struct limit_row *r, size_t units, size_t piece)
{
    struct transcript t;
    transcript_open(&t, true, r->head_max);
    feed_made(&t, piece, r->before, r->unit, units, r->after);
    const char *text = transcript_text(&t);
    bool refused = strlen(text) >= 8 && !strcmp(text + strlen(text) - 8, r->refusal);
    if (refused != (units > r->most) || t.over != refused)
        fail_msg("%zu times \"%s\" in pieces of %zu: %s", units, r->unit, piece, text);
    transcript_close(&t);
}

static void limits_are_exact(void **state)
{
    (void)state;
    const struct limit_row rows[] = {
        {100, GET "X: ", "x", "\r\n\r\n", 100 - strlen(GET) - 7, "BAD 431\n"},
        {100, "GET /", "x", " HTTP/1.1\r\nHost: a\r\n\r\n", 100 - strlen(GET) - 2, "BAD 431\n"},
        {100, "", "G", "", 100, "BAD 431\n"},
        {100, "GET /", "x", "", 100 - 5, "BAD 431\n"},
        {100, GET "X: ", "x", "", 100 - strlen(GET) - 3, "BAD 431\n"}, /* never ends */
        {100, CHUNKED "0\r\nX: ", "x", "\r\n\r\n", 100 - 7, "BAD 431\n"},
        {65536, GET, "X:\r\n", "\r\n", HTTP1_FIELDS - 1, "BAD 431\n"},
        {65536, CHUNKED "0\r\n", "X:\r\n", "\r\n", HTTP1_FIELDS, "BAD 431\n"},
        {65536, CHUNKED "1;", "x", "\r\na\r\n0\r\n\r\n", 4096 + 20 - 4,
         "BAD 400\n"}, /* the first has no CRLF before it */
        {65536, CHUNKED "1;", "x", "", 4096 + 20 - 2, "BAD 400\n"},
        {65536, CHUNKED, "0", "1\r\na\r\n0\r\n\r\n", 4096 + 20 - 3, "BAD 400\n"},
        {65536, CHUNKED, "1;123456789012345678\r\na\r\n", "0\r\n\r\n", 1024,
         "BAD 400\n"}, /* 2 over in the first, then 4 */
        {65536, CHUNKED, "1\r\na\r\n", "0\r\n\r\n", 100000, "BAD 400\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t piece = 1; piece < 100000; piece = piece * 3 + 2) {
            expect_limit(&rows[i], rows[i].most, piece);
            if (rows[i].most < 100000)
                expect_limit(&rows[i], rows[i].most + 1, piece);
        }
    }
}

static void each_message_has_chunk_extensions_of_its_own(void **state)
{
    (void)state;
    struct transcript t;
    transcript_open(&t, true, 65536);
    for (unsigned i = 0; i < 3; i++)
        feed_made(&t, 5000, CHUNKED "1;", "x", 4000, "\r\na\r\n0\r\n\r\n");
    for (unsigned i = 0; i < 3; i++)
        feed_made(&t, 5000, CHUNKED "0;", "x", 4000, "\r\n\r\n");
    assert_string_equal(transcript_text(&t),
                        POSTED "DATA a\nEND\n" POSTED "DATA a\nEND\n" POSTED "DATA a\nEND\n" POSTED
                               "END\n" POSTED "END\n" POSTED "END\n");
    transcript_close(&t);
}

static void a_head_that_is_too_large_is_refused_before_it_ends(void **state)
{
    (void)state;
    static char head[200] = GET "X: ";
    enum http1_event ev;
    struct http1 *p = http1_new(false, 50);
    memset(head, 'x', sizeof(head));
    memcpy(head, "HTTP/1.1 200 ", 13);
    assert_int_equal(http1_next(p, (uint8_t *)head, sizeof(head), &ev), 50);
    assert_int_equal(ev, HTTP1_BAD);
    assert_int_equal(http1_view(p)->status, 502);
    http1_free(p);
}

static void eof_tells_whole_from_cut_short(void **state)
{
    (void)state;
    static const struct {
        bool request;
        const char *text;
        enum http1_event want;
    } rows[] = {
        {true, "", HTTP1_MORE},
        {true, "\r\n", HTTP1_MORE},
        {true, GET "\r\n", HTTP1_MORE},
        {true, "G", HTTP1_BAD},
        {true, GET, HTTP1_BAD},
        {true, CHUNKED, HTTP1_BAD},
        {true, CHUNKED "1\r\na\r\n", HTTP1_BAD},
        {true, CHUNKED "0\r\n", HTTP1_BAD},
        {true, CHUNKED "0\r\nA: b\r\n", HTTP1_BAD},
        {true, CHUNKED "0\r\n\r\n", HTTP1_MORE},
        {true, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", HTTP1_BAD},
        {false, "HTTP/1.1 200 OK\r\n\r\n", HTTP1_END},
        {false, "HTTP/1.1 200 OK\r\n\r\nab", HTTP1_END},
        {false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", HTTP1_BAD},
        {false, "HTTP/1.1 100 C\r\n\r\n", HTTP1_MORE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct transcript t;
        transcript_open(&t, rows[i].request, 65536);
        transcript_feed(&t, rows[i].text, strlen(rows[i].text));
        enum http1_event ev = http1_eof(t.parser);
        if (ev != rows[i].want)
            fail_msg("%s: %d, not %d", rows[i].text, ev, rows[i].want);
        if (ev == HTTP1_BAD)
            assert_int_equal(http1_view(t.parser)->status, rows[i].request ? 400 : 502);
        transcript_close(&t);
    }
}

static void eof_need_not_wait_for_an_end_that_was_not_asked_for(void **state)
{
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 204 N\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct http1 *p = http1_new(false, 65536);
        enum http1_event ev;
        http1_next(p, (const uint8_t *)texts[i], strlen(texts[i]), &ev);
        assert_int_equal(ev, HTTP1_HEAD);
        assert_int_equal(http1_eof(p), HTTP1_END);
        http1_free(p);
    }
}

static void idle_is_between_messages_only(void **state)
{
    (void)state;
    static const char text[] = "\r\n" CHUNKED "1\r\na\r\n0\r\nA: b\r\n\r\n";
    struct transcript t;
    transcript_open(&t, true, 65536);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_int_equal(http1_idle(t.parser), i <= 2);
        transcript_feed(&t, text + i, 1);
    }
    assert_true(http1_idle(t.parser));
    transcript_close(&t);
}

static void a_message_that_is_whole_is_no_longer_under_way(void **state)
{
    (void)state;
    enum http1_event ev;
    struct http1 *p = http1_new(true, 65536);
    size_t at = http1_next(p, (const uint8_t *)GET "\r\n", strlen(GET "\r\n"), &ev);
    assert_int_equal(ev, HTTP1_HEAD);
    assert_int_equal(at, strlen(GET "\r\n"));
    assert_false(http1_idle(p));
    http1_next(p, NULL, 0, &ev);
    assert_int_equal(ev, HTTP1_END);
    assert_true(http1_idle(p));
    assert_int_equal(http1_eof(p), HTTP1_MORE);
    http1_free(p);
}

static void data_lies_in_what_was_given(void **state)
{
    (void)state;
    static const uint8_t text[] = CHUNKED "5\r\nhello\r\n0\r\n\r\n";
    enum http1_event ev;
    struct http1 *p = http1_new(true, 65536);
    size_t at = http1_next(p, text, sizeof(text) - 1, &ev);
    assert_int_equal(ev, HTTP1_HEAD);
    at += http1_next(p, text + at, sizeof(text) - 1 - at, &ev);
    assert_int_equal(ev, HTTP1_DATA);
    assert_ptr_equal(http1_view(p)->data.p, text + strlen(CHUNKED) + 3);
    assert_int_equal(http1_view(p)->data.n, 5);
    assert_int_equal(at, strlen(CHUNKED) + 3 + 5);
    http1_free(p);
}

static void an_idle_parser_holds_no_large_head(void **state)
{
    (void)state;
    struct transcript t;
    transcript_open(&t, true, 65536);
    feed_made(&t, 1000, CHUNKED "0\r\n", "X: 0123456789\r\n", 400, "\r\n");
    feed_made(&t, 1000, GET, "X: 0123456789\r\n", 400, "\r\n");
    http1_clear(t.parser);
    const struct http1_view *m = http1_view(t.parser);
    assert_in_range(m->head.text.cap, 0, HEAD_KEEP);
    assert_in_range(m->trailers.text.cap, 0, HEAD_KEEP);
    assert_in_range(m->head.cap * sizeof(*m->head.fields), 0, HEAD_KEEP);
    assert_in_range(m->trailers.cap * sizeof(*m->trailers.fields), 0, HEAD_KEEP);
    transcript_feed(&t, GET "\r\n", strlen(GET "\r\n"));
    assert_non_null(strstr(transcript_text(&t), GOT "\nEND\n"));
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_told_as_they_are),
        cmocka_unit_test(answers_are_told_as_they_are),
        cmocka_unit_test(connection_lives_on_as_rfc_9112_says),
        cmocka_unit_test(answers_without_a_body_do_not_swallow_the_next),
        cmocka_unit_test(answers_to_head_have_no_body),
        cmocka_unit_test(an_upgrade_never_stops_a_request_parser),
        cmocka_unit_test(a_101_ends_the_message_and_leaves_the_rest),
        cmocka_unit_test(obs_fold_is_refused),
        cmocka_unit_test(other_versions_and_protocols_are_refused),
        cmocka_unit_test(what_follows_a_close_is_no_error),
        cmocka_unit_test(trailers_change_nothing_else),
        cmocka_unit_test(nothing_may_be_given_anywhere),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(each_message_has_chunk_extensions_of_its_own),
        cmocka_unit_test(a_head_that_is_too_large_is_refused_before_it_ends),
        cmocka_unit_test(eof_tells_whole_from_cut_short),
        cmocka_unit_test(eof_need_not_wait_for_an_end_that_was_not_asked_for),
        cmocka_unit_test(idle_is_between_messages_only),
        cmocka_unit_test(a_message_that_is_whole_is_no_longer_under_way),
        cmocka_unit_test(data_lies_in_what_was_given),
        cmocka_unit_test(an_idle_parser_holds_no_large_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
