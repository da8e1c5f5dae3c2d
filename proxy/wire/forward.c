/* Heads as they go on. Nothing is passed on because it was there: every line is written here.
 *
 * Owns nothing, decides nothing about connections or bodies; what parsers could take in two ways
 * has been refused before (strict), so that what is written here can be taken in one way only. */
#include "wire/forward.h"
#include "wire/strict.h"
#include <stdio.h>
#include <string.h>

/* Where a field is not copied. */
enum {
    IN_REQUEST = 1,
    IN_ANSWER = 2,
    IN_TRAILERS = 4,
    IN_FRAMED = 8,    /* where the framing is written by us, or there may be none */
    IN_UNCHUNKED = 16 /* where the body does not go on in chunks */
};
#define IN_MESSAGES (IN_REQUEST | IN_ANSWER | IN_TRAILERS)

/* What forwarding adds to most heads: room for it is made once. */
#define HEAD_ADDED 384u

/* The fields of which something is known; all others are copied, but for those that Connection
 * names. What Connection says of these does not count: a client could otherwise make the next hop
 * not see its own address, credentials or content type ("Connection: X-Forwarded-For"), which RFC
 * 9110 §7.6.1 forbids to the sender, not to us. In trailers nothing goes on that frames, routes,
 * authenticates or describes content (RFC 9110 §6.5.1). */
#define FIELD_MAP(X)                                                                               \
    /* of this hop (RFC 9110 §7.6.1, §11.7), and what is written anew */                         \
    X("Connection", IN_MESSAGES)                                                                   \
    X("Keep-Alive", IN_MESSAGES)                                                                   \
    X("Proxy-Connection", IN_MESSAGES)                                                             \
    X("Proxy-Authenticate", IN_MESSAGES)                                                           \
    X("Proxy-Authorization", IN_MESSAGES)                                                          \
    X("TE", IN_MESSAGES)                                                                           \
    X("Trailer", IN_TRAILERS | IN_UNCHUNKED)                                                       \
    X("Transfer-Encoding", IN_MESSAGES)                                                            \
    X("Upgrade", IN_MESSAGES)                                                                      \
    X(FORWARD_MARK, IN_MESSAGES)                                                                   \
    X("Content-Length", IN_TRAILERS | IN_FRAMED)                                                   \
    X("Host", IN_TRAILERS)                                                                         \
    X("Forwarded", IN_REQUEST | IN_TRAILERS)                                                       \
    X("X-Forwarded-For", IN_REQUEST | IN_TRAILERS)                                                 \
    X("X-Forwarded-Host", IN_REQUEST | IN_TRAILERS)                                                \
    X("X-Forwarded-Proto", IN_REQUEST | IN_TRAILERS)                                               \
    /* end to end, whatever Connection says */                                                     \
    X("Sec-WebSocket-Accept", IN_TRAILERS)                                                         \
    X("Sec-WebSocket-Extensions", IN_TRAILERS)                                                     \
    X("Sec-WebSocket-Key", IN_TRAILERS)                                                            \
    X("Sec-WebSocket-Protocol", IN_TRAILERS)                                                       \
    X("Sec-WebSocket-Version", IN_TRAILERS)                                                        \
    X("Authorization", IN_TRAILERS)                                                                \
    X("Cache-Control", IN_TRAILERS)                                                                \
    X("Content-Encoding", IN_TRAILERS)                                                             \
    X("Content-Range", IN_TRAILERS)                                                                \
    X("Content-Type", IN_TRAILERS)                                                                 \
    X("Cookie", IN_TRAILERS)                                                                       \
    X("Expect", IN_TRAILERS)                                                                       \
    X("Location", IN_TRAILERS)                                                                     \
    X("Origin", IN_TRAILERS)                                                                       \
    X("Range", IN_TRAILERS)                                                                        \
    X("Set-Cookie", IN_TRAILERS)                                                                   \
    X("WWW-Authenticate", IN_TRAILERS)                                                             \
    X("X-Real-IP", IN_TRAILERS)

struct rule {
    struct str name;
    unsigned not_in;
};
static const struct rule rules[] = {
#define X(name, not_in) {{name, sizeof(name) - 1}, not_in},
    FIELD_MAP(X)
#undef X
};

static const struct rule *rule_of(struct str name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        if (str_isame(rules[i].name, name))
            return &rules[i];
    }
    return NULL;
}

/* What the Connection fields name. No more than that: strict has counted them. */
struct options {
    struct str name[STRICT_OPTIONS];
    unsigned n;
};

static void options_of(const struct head *h, struct options *o)
{
    o->n = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        if (!str_isame(f.name, STR("Connection")))
            continue;
        while (o->n < STRICT_OPTIONS && str_list(&f.value, &o->name[o->n]))
            o->n++;
    }
}

static bool goes_on(struct str name, unsigned place, const struct options *o)
{
    const struct rule *rule = rule_of(name);
    if (rule)
        return !(rule->not_in & place);
    for (unsigned i = 0; i < o->n; i++) {
        if (str_isame(o->name[i], name))
            return false;
    }
    return true;
}

static void add(struct buf *out, struct str s)
{
    buf_add(out, s.p, s.n);
}

static void line(struct buf *out, struct str name, struct str value)
{
    add(out, name);
    buf_add(out, ": ", 2);
    add(out, value);
    buf_add(out, "\r\n", 2);
}

/* Fields that are written anew, each where the one that came stands and as its name is spelt there:
 * order and spelling mean nothing to HTTP, but much to those who compare, sign or parse by hand.
 * One that did not come is written behind all others; one without a value not at all. */
struct anew {
    struct {
        struct str name, value;
    } field[5]; /* Host, framing, Upgrade, Connection, Sec-WebSocket-Extensions */
    unsigned n;
    char length[sizeof("18446744073709551615")];
};

static void renew(struct anew *a, const char *name, struct str value)
{
    a->field[a->n].name = str_of(name);
    a->field[a->n++].value = value;
}

static void framing(struct anew *a, enum http1_body body, uint64_t length)
{
    if (body == HTTP1_CHUNKED) {
        renew(a, "Transfer-Encoding", STR("chunked"));
    } else if (body == HTTP1_LENGTH) {
        snprintf(a->length, sizeof(a->length), "%llu", (unsigned long long)length);
        renew(a, "Content-Length", str_of(a->length));
    }
}

static void upgrade(struct anew *a, const struct buf *extensions)
{
    renew(a, "Upgrade", STR("websocket"));
    renew(a, "Connection", STR("Upgrade"));
    renew(a, "Sec-WebSocket-Extensions",
          (struct str){(const char *)extensions->data, extensions->len});
}

/* HTTP/1.0 has to be told that a connection lives on, HTTP/1.1 that it does not (RFC 9112 §9.3). */
static struct str connection(bool keep_alive, uint8_t minor)
{
    return !keep_alive ? STR("close") : minor == 0 ? STR("keep-alive") : STR("");
}

static void write_fields(const struct head *h, unsigned place, struct anew *a, struct buf *out)
{
    struct options o;
    options_of(h, &o);
    buf_room(out, h->text.len); /* one growth instead of many */
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        unsigned k = 0;
        while (k < a->n && !str_isame(a->field[k].name, f.name))
            k++;
        bool known = k < a->n;
        if (known ? a->field[k].value.n > 0 : goes_on(f.name, place, &o))
            line(out, f.name, known ? a->field[k].value : f.value);
        if (known)
            a->field[k].value.n = 0; /* of two lines the first is it */
    }
    for (unsigned k = 0; k < a->n; k++) {
        if (a->field[k].value.n > 0)
            line(out, a->field[k].name, a->field[k].value);
    }
}

/* One line of all the lines of that name, and `last`; none where there is neither. */
static void joined(const struct head *h, struct str name, struct str last, struct buf *out)
{
    const char *before = ": ";
    for (uint32_t i = 0; i <= h->count; i++) {
        struct field f = i < h->count ? head_at(h, i) : (struct field){name, last};
        if (f.value.n == 0 || !str_isame(f.name, name))
            continue;
        if (*before == ':')
            add(out, name);
        buf_add(out, before, 2);
        add(out, f.value);
        before = ", ";
    }
    if (*before == ',')
        buf_add(out, "\r\n", 2);
}

/* The first element of what a trusted peer says, else what we know; never a list (uvicorn breaks on
 * one). */
static void first_or(const struct head *h, const char *name, bool trusted, struct str known,
                     struct buf *out)
{
    struct str list, item;
    if (trusted && head_get(h, name, &list) && str_list(&list, &item))
        known = item;
    if (known.n)
        line(out, str_of(name), known);
}

/* RFC 7239 §6: an IPv6 address stands in brackets and quotes. */
static void forwarded(const struct head *h, struct str peer, struct buf *out)
{
    struct str old;
    struct buf node;
    if (!head_get(h, "Forwarded", &old))
        return;
    buf_init(&node);
    if (memchr(peer.p, ':', peer.n))
        buf_addf(&node, "for=\"[%.*s]\"", (int)peer.n, peer.p);
    else if (peer.n)
        buf_addf(&node, "for=%.*s", (int)peer.n, peer.p);
    joined(h, STR("Forwarded"), (struct str){(const char *)node.data, node.len}, out);
    buf_fini(&node);
}

static void request_line(const struct head *h, struct str target, bool absolute, struct buf *out)
{
    add(out, head_method(h));
    buf_adds(out, " ");
    if (absolute && target.n == 0 && str_eq(head_method(h), "OPTIONS"))
        buf_adds(out, "*"); /* RFC 9112 §3.2.4 */
    else if (absolute && (target.n == 0 || target.p[0] != '/'))
        buf_adds(out, "/");
    add(out, target);
    buf_adds(out, " HTTP/1.1\r\n");
}

void forward_request(const struct http1_view *m, const struct forward *f, struct buf *out)
{
    const struct head *h = &m->head;
    struct str target = head_target(h), authority = strict_authority(&target), host = authority;
    struct anew anew = {.n = 0};
    struct buf offer;
    buf_init(&offer);
    if (!host.n)
        head_get(h, "Host", &host);
    renew(&anew, "Host", host.n ? host : f->authority);
    framing(&anew, m->body, m->length);
    if (f->websocket) {
        handshake_offer(h, f->compression, &offer);
        upgrade(&anew, &offer);
    }
    buf_room(out, h->text.len + HEAD_ADDED);
    request_line(h, target, authority.n > 0, out);
    write_fields(h, IN_REQUEST | IN_FRAMED | (m->body == HTTP1_CHUNKED ? 0 : IN_UNCHUNKED), &anew,
                 out);
    joined(h, STR("X-Forwarded-For"), f->peer, out);
    first_or(h, "X-Forwarded-Proto", f->trusted, STR("http"), out);
    first_or(h, "X-Forwarded-Host", f->trusted, host, out);
    forwarded(h, f->peer, out);
    buf_add(out, "\r\n", 2);
    buf_fini(&offer);
}

/* Where an answer's Content-Length is not copied. That of the answer to HEAD, and of a 304, is of a
 * body which they do not have; a 204 may have none (RFC 9110 §8.6), but many frameworks write a
 * zero, and it harms nobody. */
static unsigned framed(const struct head *h, enum http1_body body)
{
    struct str length;
    if (body != HTTP1_NO_BODY || h->status < 200)
        return IN_FRAMED;
    bool zero = head_get(h, "Content-Length", &length) && str_eq(length, "0");
    return h->status == 204 && !zero ? IN_FRAMED : 0;
}

enum http1_body forward_answer(const struct http1_view *m, const struct forward_answer *f,
                               struct buf *out)
{
    const struct head *h = &m->head;
    struct anew anew = {.n = 0};
    struct buf agreed;
    enum http1_body body = f->to_head ? HTTP1_NO_BODY : m->body;
    if (body == HTTP1_UNTIL_EOF || body == HTTP1_CHUNKED)
        body = f->minor ? HTTP1_CHUNKED : HTTP1_UNTIL_EOF;
    buf_init(&agreed);
    framing(&anew, body, m->length);
    if (f->deflate) {
        handshake_agreed(f->deflate, &agreed);
        upgrade(&anew, &agreed);
    } else if (h->status >= 200) {
        renew(&anew, "Connection", connection(f->keep_alive && body != HTTP1_UNTIL_EOF, f->minor));
    }
    buf_room(out, h->text.len + HEAD_ADDED);
    buf_adds(out, "HTTP/1.1 ");
    buf_addu(out, h->status);
    buf_adds(out, " ");
    add(out, head_phrase(h));
    buf_add(out, "\r\n", 2);
    write_fields(h, IN_ANSWER | framed(h, body) | (body == HTTP1_CHUNKED ? 0 : IN_UNCHUNKED), &anew,
                 out);
    buf_add(out, "\r\n", 2);
    buf_fini(&agreed);
    return body;
}

void forward_trailers(const struct head *trailers, struct buf *out)
{
    write_fields(trailers, IN_TRAILERS, &(struct anew){.n = 0}, out);
    buf_add(out, "\r\n", 2);
}

/* RFC 9110 §15, those that wskeep answers with itself. */
#define STATUS_MAP(X)                                                                              \
    X(200, "OK")                                                                                   \
    X(304, "Not Modified")                                                                         \
    X(400, "Bad Request")                                                                          \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(408, "Request Timeout")                                                                      \
    X(413, "Content Too Large")                                                                    \
    X(426, "Upgrade Required")                                                                     \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")

const char *http1_phrase(uint16_t status)
{
    switch (status) {
#define X(code, phrase)                                                                            \
    case code:                                                                                     \
        return phrase;
        STATUS_MAP(X)
#undef X
    }
    return "";
}

void forward_own(uint16_t status, const char *text, const char *extra, bool to_head,
                 bool keep_alive, struct buf *out)
{
    buf_addf(out, "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n", status,
             http1_phrase(status), strlen(text) + 1);
    buf_adds(out, extra);
    line(out, STR("Connection"), connection(keep_alive, 0));
    buf_add(out, "\r\n", 2);
    if (!to_head)
        buf_addf(out, "%s\n", text);
}
