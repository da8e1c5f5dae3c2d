/* HTTP/1 messages, requests or answers: read whole and in pieces, written on, and read again, by
 * wskeep and by a reader of its own kind (plain_http).
 *
 * Whoever reads what goes on must read the same messages with the same bodies, one each; nothing
 * that concerns one hop may be in it. */
#include "wire/http1.h"
#include "fuzz/plain_http.h"
#include "wire/forward.h"
#include "wire/handshake.h"

enum {
    REQUEST = 1,
    TO_HEAD = 2,
    TRUSTED = 4,
    SMALL = 8,
    KEEP = 16,
    OLD = 32,
    IPV6 = 64,
    UNIX = 128
};

#define SMALL_HEAD 100
#define LARGE_HEAD 65536

/* ---- what must not go on */

static const char *const of_one_hop[] = {
    "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE",
};

/* What goes on even where Connection names it: a client could otherwise make the next hop not see
 * who it is or what it sends. Beginnings of names. */
static const char *const end_to_end[] = {
    "Sec-WebSocket-",    "Authorization", "Cache-Control", "Content-",   "Cookie",     "Expect",
    "Location",          "Origin",        "Range",         "Set-Cookie", "WWW-",       "X-Real-IP",
    "X-Forwarded-",      "Forwarded",     "Host",          "Trailer",    "Connection", "Upgrade",
    "Transfer-Encoding",
};

static bool is_one_of(struct str name, const char *const *list, size_t n, bool whole)
{
    while (n-- > 0) {
        if (whole ? plain_same(name, list[n]) : plain_begins(name, list[n]))
            return true;
    }
    return false;
}
#define IS_ONE_OF(name, list, whole) is_one_of(name, list, sizeof(list) / sizeof((list)[0]), whole)

static bool is_named(const struct head *h, struct str name)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        if (plain_same(f.name, "Connection") && plain_lists(f.value, name))
            return true;
    }
    return false;
}

/* Fields that go on of `h`, from the first on. upgrade: it goes on as a WebSocket. */
static void expect_no_hop(struct plain r, const struct head *h, bool upgrade)
{
    struct str name, value;
    while (plain_field(&r, &name, &value)) {
        EXPECT(!IS_ONE_OF(name, of_one_hop, true));
        EXPECT(IS_ONE_OF(name, end_to_end, false) || !is_named(h, name));
        if (plain_same(name, "Upgrade"))
            EXPECT(upgrade && plain_same(value, "websocket"));
        else if (plain_same(name, "Connection") && h->status == 0)
            EXPECT(upgrade && plain_same(value, "Upgrade"));
        else if (plain_same(name, "Connection"))
            EXPECT(plain_same(value, "close") || plain_same(value, "keep-alive"));
    }
}

/* ---- reading: by wskeep */

struct reading {
    const struct input *in;
    struct http1 *parser;
    struct buf events;   /* all that was told */
    struct buf messages; /* what each is, however it is framed: a line, and its body */
    struct buf again;    /* as they go on; NULL where they do not */
    struct buf body;     /* of the message under way */
    enum http1_body way; /* it goes on so */
    size_t head_max;
    bool write, under_way, over;
};

/* Everything of a head lies within its text, and is there in the order of the lines. */
static void expect_in_bounds(const struct head *h, size_t most)
{
    size_t at = 0;
    EXPECT(h->text.len <= most && h->count <= HTTP1_FIELDS && h->count <= h->cap);
    for (uint32_t i = 0; i < h->count; i++) {
        const struct field_at *f = &h->fields[i];
        EXPECT(f->name >= at && f->name + f->name_len < f->value);
        at = f->value + f->value_len;
        EXPECT(at < h->text.len);
    }
}

static void tell_head(struct buf *out, const struct head *h)
{
    buf_add(out, h->text.data, h->text.len);
    for (uint32_t i = 0; i < h->count; i++)
        buf_addf(out, "%u %u %u %u,", h->fields[i].name, h->fields[i].name_len, h->fields[i].value,
                 h->fields[i].value_len);
}

static bool is_interim(const struct head *h)
{
    return h->status >= 100 && h->status < 200;
}

static void write_request(struct reading *r, const struct http1_view *m)
{
    uint8_t o = r->in->options;
    struct forward f = {.authority = STR("backend:8000"), .trusted = o & TRUSTED};
    f.peer = o & UNIX ? STR("") : o & IPV6 ? STR("2001:db8::7") : STR("192.0.2.7");
    f.websocket = handshake_kind(&m->head, m->body) == HANDSHAKE_YES;
    r->way = m->body;
    forward_request(m, &f, &r->again);
}

static void write_answer(struct reading *r, const struct http1_view *m)
{
    uint8_t o = r->in->options;
    struct forward_answer f = {
        .minor = !(o & OLD), .to_head = o & TO_HEAD, .keep_alive = (o & KEEP) && m->keep_alive};
    r->way = forward_answer(m, &f, &r->again);
    r->over = !is_interim(&m->head) && (!f.keep_alive || r->way == HTTP1_UNTIL_EOF);
}

static void write_head(struct reading *r, const struct http1_view *m)
{
    size_t from = r->again.len;
    bool request = m->head.status == 0;
    if (request)
        write_request(r, m);
    else
        write_answer(r, m);
    struct plain p = {(const char *)r->again.data + from, r->again.len - from};
    plain_line(&p);
    expect_no_hop(p, &m->head, request && handshake_kind(&m->head, m->body) == HANDSHAKE_YES);
}

/* Neither goes on: an answer to no handshake, and what HTTP/1.0 does not know. */
static bool stays_here(const struct reading *r, const struct head *h)
{
    return h->status == 101 || (is_interim(h) && (r->in->options & OLD));
}

static void on_head(struct reading *r, const struct http1_view *m)
{
    struct str method = head_method(&m->head);
    expect_in_bounds(&m->head, r->head_max);
    buf_addf(&r->events, "HEAD %u %llu %u ", m->body, (unsigned long long)m->length, m->keep_alive);
    tell_head(&r->events, &m->head);
    if (stays_here(r, &m->head)) {
        r->over = m->head.status == 101;
        return;
    }
    if (m->head.status)
        buf_addf(&r->messages, "%u", m->head.status);
    else
        buf_add(&r->messages, method.p, method.n);
    r->under_way = true;
    if (r->write)
        write_head(r, m);
    else
        r->over = !is_interim(&m->head) && !m->keep_alive;
}

static void write_body(struct reading *r, const struct http1_view *m, bool whole)
{
    bool chunked = r->way == HTTP1_CHUNKED;
    if (chunked && r->body.len)
        buf_addf(&r->again, "%zx\r\n", r->body.len);
    buf_add(&r->again, r->body.data, r->body.len);
    if (chunked && r->body.len)
        buf_adds(&r->again, "\r\n");
    if (!chunked || !whole)
        return;
    buf_adds(&r->again, "0\r\n");
    size_t from = r->again.len;
    forward_trailers(&m->trailers, &r->again);
    expect_no_hop((struct plain){(const char *)r->again.data + from, r->again.len - from},
                  &m->trailers, false);
}

/* The message under way ends, whole or not. */
static void message_end(struct reading *r, bool whole)
{
    if (!r->under_way)
        return;
    if (r->write)
        write_body(r, http1_view(r->parser), whole);
    /* The bytes alone cannot say that more was to come: the connection is reset. */
    if (r->write && r->way == HTTP1_UNTIL_EOF)
        whole = true;
    buf_addf(&r->messages, " %s %zu:", whole ? "whole" : "cut", r->body.len);
    buf_add(&r->messages, r->body.data, r->body.len);
    buf_adds(&r->messages, "\n");
    buf_clear(&r->body);
    r->under_way = false;
}

static void on_event(struct reading *r, enum http1_event ev, const uint8_t *piece, size_t n)
{
    const struct http1_view *m = http1_view(r->parser);
    switch (ev) {
    case HTTP1_MORE:
        break;
    case HTTP1_HEAD:
        on_head(r, m);
        break;
    case HTTP1_DATA:
        EXPECT(m->data.n > 0 && m->data.p >= (const char *)piece &&
               m->data.p + m->data.n <= (const char *)piece + n);
        buf_add(&r->body, m->data.p, m->data.n);
        buf_add(&r->events, m->data.p, m->data.n);
        break;
    case HTTP1_END:
        expect_in_bounds(&m->trailers, r->head_max);
        buf_adds(&r->events, "END ");
        tell_head(&r->events, &m->trailers);
        message_end(r, true);
        break;
    case HTTP1_BAD:
        EXPECT(m->why && m->status >= 400 && m->status <= 505);
        buf_addf(&r->events, "BAD %u", m->status);
        message_end(r, false);
        break;
    }
}

/* False: nothing more may be asked, or nothing more is wanted. */
static bool read_piece(void *arg, const uint8_t *piece, size_t n)
{
    struct reading *r = arg;
    enum http1_event ev = HTTP1_END;
    bool done = false;
    for (size_t at = 0; !done && ev != HTTP1_MORE;) {
        size_t taken = http1_next(r->parser, piece + at, n - at, &ev);
        EXPECT(taken <= n - at && (ev != HTTP1_MORE || taken == n - at));
        at += taken;
        on_event(r, ev, piece, n);
        done = ev == HTTP1_BAD || (ev == HTTP1_END && r->over);
    }
    return !done;
}

static void read_all(struct reading *r, const uint8_t *p, size_t n, const struct input *pieces)
{
    r->parser = http1_new(r->in->options & REQUEST, r->head_max);
    http1_expect(r->parser, r->in->options & TO_HEAD);
    if (input_cut(pieces, p, n, read_piece, r)) {
        bool idle = http1_idle(r->parser);
        enum http1_event ev = http1_eof(r->parser);
        EXPECT(ev == HTTP1_END || ev == HTTP1_BAD || (ev == HTTP1_MORE && idle));
        on_event(r, ev, NULL, 0);
    }
    http1_free(r->parser);
}

static void reading_fini(struct reading *r)
{
    buf_fini(&r->events);
    buf_fini(&r->messages);
    buf_fini(&r->again);
    buf_fini(&r->body);
}

/* ---- reading: by another */

static bool has_body(const struct input *in, struct str status)
{
    return !(in->options & TO_HEAD) && status.p[0] != '1' && strncmp(status.p, "204", 3) != 0 &&
           strncmp(status.p, "304", 3) != 0;
}

/* One message into `out`, as reading.messages has it. */
static void plain_message(struct plain *r, const struct input *in, struct buf *out)
{
    bool request = in->options & REQUEST, whole = true;
    struct plain_head h = plain_head(r);
    const char *space = memchr(h.start.p, ' ', h.start.n);
    struct buf body = {0};
    EXPECT(space);
    struct str word = {h.start.p, (size_t)(space - h.start.p)};
    struct str rest = {space + 1, h.start.n - word.n - 1};
    bool until_eof = !request && has_body(in, rest) && !h.chunked && !h.has_length;
    if (request) {
        const char *second = memchr(rest.p, ' ', rest.n);
        EXPECT(plain_token(word) && second && second > rest.p && h.hosts == 1);
        EXPECT(plain_same((struct str){second, (size_t)(rest.p + rest.n - second)}, " HTTP/1.1"));
        EXPECT(rest.p[0] == '/' || (rest.p[0] == '*' && second == rest.p + 1));
    } else {
        EXPECT(plain_same(word, "HTTP/1.1") && rest.n >= 4 && rest.p[3] == ' ');
        word = (struct str){rest.p, 3};
        /* RFC 9110 §8.6, RFC 9112 §6.1. */
        bool bare = rest.p[0] == '1' || !strncmp(rest.p, "204", 3);
        EXPECT(!bare || (!h.chunked && h.length == 0));
    }
    if (until_eof)
        plain_take(r, r->n, &body);
    else if (!request && !has_body(in, rest))
        whole = true;
    else if (h.chunked)
        whole = plain_chunks(r, &body);
    else
        whole = plain_take(r, h.length, &body);
    buf_add(out, word.p, word.n);
    buf_addf(out, " %s %zu:", whole ? "whole" : "cut", body.len);
    buf_add(out, body.data, body.len);
    buf_adds(out, "\n");
    buf_fini(&body);
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in;
    if (!input_open(&in, data, n))
        return 0;
    size_t head_max = in.options & SMALL ? SMALL_HEAD : LARGE_HEAD;
    struct reading whole = {.in = &in, .head_max = head_max, .write = true}, cut = whole;
    struct reading again = {.in = &in, .head_max = 2 * LARGE_HEAD};
    struct buf other = {0};
    read_all(&whole, in.p, in.n, NULL);
    read_all(&cut, in.p, in.n, &in);
    EXPECT(same(&whole.events, &cut.events));
    EXPECT(same(&whole.messages, &cut.messages));
    EXPECT(same(&whole.again, &cut.again));

    read_all(&again, whole.again.data, whole.again.len, NULL);
    EXPECT(same(&whole.messages, &again.messages));
    struct plain r = {(const char *)whole.again.data, whole.again.len};
    while (r.n > 0)
        plain_message(&r, &in, &other);
    EXPECT(same(&whole.messages, &other));

    buf_fini(&other);
    reading_fini(&whole);
    reading_fini(&cut);
    reading_fini(&again);
    return 0;
}
