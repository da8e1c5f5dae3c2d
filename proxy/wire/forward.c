/* Heads as they go on. Nothing is passed on because it was there: every line is written here.
 *
 * Owns nothing, decides nothing about connections or bodies; what parsers could take in two ways
 * has been refused before (strict), so that what is written here can be taken in one way only. */
#include "wire/forward.h"
#include "wire/strict.h"
#include <string.h>
#include <strings.h>

/* Where a field is not copied. */
enum {
    IN_REQUEST = 1,
    IN_ANSWER = 2,
    IN_TRAILERS = 4,
    IN_WEBSOCKET = 8, /* the request and the 101 of a handshake */
    IN_FRAMED = 16,   /* where the framing is written by us */
    IN_UNCHUNKED = 32 /* where the body does not go on in chunks */
};
#define IN_MESSAGES (IN_REQUEST | IN_ANSWER | IN_TRAILERS)

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
    X("Content-Length", IN_TRAILERS | IN_FRAMED)                                                   \
    X("Host", IN_REQUEST | IN_TRAILERS)                                                            \
    X("Forwarded", IN_REQUEST | IN_TRAILERS)                                                       \
    X("X-Forwarded-For", IN_REQUEST | IN_TRAILERS)                                                 \
    X("X-Forwarded-Host", IN_REQUEST | IN_TRAILERS)                                                \
    X("X-Forwarded-Proto", IN_REQUEST | IN_TRAILERS)                                               \
    X("Sec-WebSocket-Extensions", IN_WEBSOCKET | IN_TRAILERS)                                      \
    /* end to end, whatever Connection says */                                                     \
    X("Sec-WebSocket-Accept", IN_TRAILERS)                                                         \
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

static bool same_name(struct str a, struct str b)
{
    return a.n == b.n && !strncasecmp(a.p, b.p, a.n);
}

static const struct rule *rule_of(struct str name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        if (same_name(rules[i].name, name))
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
        if (!same_name(f.name, STR("Connection")))
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
        if (same_name(o->name[i], name))
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

static void copy_fields(const struct head *h, unsigned place, struct buf *out)
{
    struct options o;
    options_of(h, &o);
    buf_room(out, h->text.len); /* one growth instead of many */
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        if (goes_on(f.name, place, &o))
            line(out, f.name, f.value);
    }
}

static void framing(enum http1_body body, uint64_t length, struct buf *out)
{
    if (body == HTTP1_CHUNKED)
        line(out, STR("Transfer-Encoding"), STR("chunked"));
    else if (body == HTTP1_LENGTH)
        buf_addf(out, "Content-Length: %llu\r\n", (unsigned long long)length);
}

/* One line of all the lines of that name, and `last`; none where there is neither. */
static void joined(const struct head *h, struct str name, struct str last, struct buf *out)
{
    const char *before = ": ";
    for (uint32_t i = 0; i <= h->count; i++) {
        struct field f = i < h->count ? head_at(h, i) : (struct field){name, last};
        if (f.value.n == 0 || !same_name(f.name, name))
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

static void upgrade(struct buf *out)
{
    line(out, STR("Upgrade"), STR("websocket"));
    line(out, STR("Connection"), STR("Upgrade"));
}

/* Takes the value. */
static void extensions(struct buf *value, struct buf *out)
{
    if (value->len)
        line(out, STR("Sec-WebSocket-Extensions"),
             (struct str){(const char *)value->data, value->len});
    buf_fini(value);
}

/* HTTP/1.0 has to be told that a connection lives on, HTTP/1.1 that it does not (RFC 9112 §9.3). */
static void connection(bool keep_alive, uint8_t minor, struct buf *out)
{
    if (!keep_alive)
        line(out, STR("Connection"), STR("close"));
    else if (minor == 0)
        line(out, STR("Connection"), STR("keep-alive"));
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
    struct buf offer;
    unsigned place = IN_REQUEST | IN_FRAMED | (f->websocket ? IN_WEBSOCKET : 0);
    if (m->body != HTTP1_CHUNKED)
        place |= IN_UNCHUNKED;
    if (!host.n)
        head_get(h, "Host", &host);
    request_line(h, target, authority.n > 0, out);
    line(out, STR("Host"), host.n ? host : f->authority);
    copy_fields(h, place, out);
    joined(h, STR("X-Forwarded-For"), f->peer, out);
    first_or(h, "X-Forwarded-Proto", f->trusted, STR("http"), out);
    first_or(h, "X-Forwarded-Host", f->trusted, host, out);
    forwarded(h, f->peer, out);
    if (f->websocket) {
        buf_init(&offer);
        handshake_offer(h, &offer);
        extensions(&offer, out);
        upgrade(out);
    } else {
        framing(m->body, m->length, out);
    }
    buf_add(out, "\r\n", 2);
}

enum http1_body forward_answer(const struct http1_view *m, const struct forward_answer *f,
                               struct buf *out)
{
    const struct head *h = &m->head;
    struct buf agreed;
    bool interim = h->status < 200, keep_alive = f->keep_alive;
    enum http1_body body = f->to_head ? HTTP1_NO_BODY : m->body;
    if (body == HTTP1_UNTIL_EOF || body == HTTP1_CHUNKED)
        body = f->minor ? HTTP1_CHUNKED : HTTP1_UNTIL_EOF;
    if (body == HTTP1_UNTIL_EOF)
        keep_alive = false;
    unsigned place = IN_ANSWER | (body == HTTP1_CHUNKED ? 0 : IN_UNCHUNKED);
    /* The answer to HEAD, and 304, keep a Content-Length: it is that of a body which they do not
     * have. */
    if (body != HTTP1_NO_BODY || interim || h->status == 204)
        place |= IN_FRAMED;
    if (f->deflate)
        place |= IN_WEBSOCKET;
    buf_addf(out, "HTTP/1.1 %u ", h->status);
    add(out, head_phrase(h));
    buf_add(out, "\r\n", 2);
    copy_fields(h, place, out);
    framing(body, m->length, out);
    if (f->deflate) {
        buf_init(&agreed);
        handshake_agreed(f->deflate, &agreed);
        extensions(&agreed, out);
        upgrade(out);
    } else if (!interim) {
        connection(keep_alive, f->minor, out);
    }
    buf_add(out, "\r\n", 2);
    return body;
}

void forward_trailers(const struct head *trailers, struct buf *out)
{
    copy_fields(trailers, IN_TRAILERS, out);
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
    connection(keep_alive, 0, out);
    buf_add(out, "\r\n", 2);
    if (!to_head)
        buf_addf(out, "%s\n", text);
}
