/* A second reader of HTTP/1, written by the RFC's grammar alone and without any of the proxy's
 * code: what wskeep writes must be readable by the strictest. It reads what is written, so it has
 * no limits, knows no continuation lines, and takes nothing that two readers could take in two
 * ways. */
#ifndef TEST_FUZZ_PLAIN_HTTP_H
#define TEST_FUZZ_PLAIN_HTTP_H

#include "base/buf.h"
#include "fuzz/input.h"
#include <stdlib.h>
#include <strings.h>

struct plain {
    const char *p;
    size_t n; /* what is not read yet */
};

static inline bool plain_same(struct str a, const char *b)
{
    return a.n == strlen(b) && !strncasecmp(a.p, b, a.n);
}

static inline bool plain_begins(struct str a, const char *b)
{
    return a.n >= strlen(b) && !strncasecmp(a.p, b, strlen(b));
}

/* Whether a list of tokens has this one. One that holds a quote is no such list: how it is parted
 * is anybody's guess. */
static inline bool plain_lists(struct str list, struct str token)
{
    for (size_t at = 0, end; at < list.n && !memchr(list.p, '"', list.n); at = end + 1) {
        for (end = at; end < list.n && list.p[end] != ',';)
            end++;
        struct str item = str_trim((struct str){list.p + at, end - at});
        if (item.n == token.n && !strncasecmp(item.p, token.p, token.n))
            return true;
    }
    return false;
}

/* Up to the CRLF, which is there; no other CR or LF, and no NUL (RFC 9110 §5.5). */
static inline struct str plain_line(struct plain *r)
{
    struct str line = {r->p, 0};
    while (line.n < r->n && line.p[line.n] != '\r' && line.p[line.n] != '\n')
        EXPECT(line.p[line.n++] != 0);
    EXPECT(line.n + 2 <= r->n && line.p[line.n] == '\r' && line.p[line.n + 1] == '\n');
    r->p += line.n + 2;
    r->n -= line.n + 2;
    return line;
}

static inline bool plain_token(struct str s)
{
    static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < s.n; i++) {
        if (!s.p[i] || !strchr(chars, s.p[i]))
            return false;
    }
    return s.n > 0;
}

static inline bool plain_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One line of the head or of the trailers: "name: value". False: the empty line. */
static inline bool plain_field(struct plain *r, struct str *name, struct str *value)
{
    struct str line = plain_line(r);
    const char *colon = memchr(line.p, ':', line.n);
    if (line.n == 0)
        return false;
    EXPECT(colon && colon + 1 < line.p + line.n && colon[1] == ' ');
    *name = (struct str){line.p, (size_t)(colon - line.p)};
    *value = (struct str){colon + 2, line.n - name->n - 2};
    EXPECT(plain_token(*name));
    EXPECT(value->n == 0 || (!plain_blank(value->p[0]) && !plain_blank(value->p[value->n - 1])));
    return true;
}

/* Digits of that base and nothing else. */
static inline uint64_t plain_number(struct str s, unsigned base)
{
    uint64_t n = 0;
    EXPECT(s.n > 0);
    for (size_t i = 0; i < s.n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = s.p[i] ? strchr(digits, s.p[i]) : NULL;
        EXPECT(digit && digit - digits < (int)base);
        EXPECT(!__builtin_mul_overflow(n, base, &n) &&
               !__builtin_add_overflow(n, (uint64_t)(digit - digits), &n));
    }
    return n;
}

/* What frames the message: each field once, and not both. */
struct plain_head {
    struct str start; /* line */
    bool has_length, chunked;
    unsigned hosts;
    uint64_t length;
};

static inline struct plain_head plain_head(struct plain *r)
{
    struct plain_head h = {.start = plain_line(r)};
    struct str name, value;
    while (plain_field(r, &name, &value)) {
        if (plain_same(name, "Content-Length")) {
            EXPECT(!h.has_length);
            h.has_length = true;
            h.length = plain_number(value, 10);
        } else if (plain_same(name, "Transfer-Encoding")) {
            EXPECT(!h.chunked && plain_same(value, "chunked"));
            h.chunked = true;
        }
        h.hosts += plain_same(name, "Host");
    }
    EXPECT(!h.has_length || !h.chunked);
    return h;
}

/* Adds so many bytes of a body, as far as they are there, to `out`. False: they are not. */
static inline bool plain_take(struct plain *r, uint64_t n, struct buf *out)
{
    size_t have = n < r->n ? (size_t)n : r->n;
    buf_add(out, r->p, have);
    r->p += have;
    r->n -= have;
    return have == n;
}

/* RFC 9112 §7.1, without extensions. */
static inline bool plain_chunks(struct plain *r, struct buf *out)
{
    struct str name, value;
    while (r->n > 0) {
        uint64_t n = plain_number(plain_line(r), 16);
        if (n == 0) {
            while (plain_field(r, &name, &value))
                EXPECT(!plain_same(name, "Content-Length") &&
                       !plain_same(name, "Transfer-Encoding"));
            return true;
        }
        if (!plain_take(r, n, out))
            return false;
        EXPECT(plain_line(r).n == 0);
    }
    return false;
}

#endif
