/* What an http1 parser says about bytes, as text: one line an event, data that comes in pieces as
 * one. So two ways of cutting the same bytes can be compared, and a row of a table can say what it
 * wants. */
#ifndef WSKEEP_TEST_WIRE_TRANSCRIPT_H
#define WSKEEP_TEST_WIRE_TRANSCRIPT_H

#include "base/buf.h"
#include "base/mem.h"
#include "wire/http1.h"
#include <stdlib.h>
#include <string.h>

struct transcript {
    struct http1 *parser;
    struct buf text;
    bool in_data, left, over; /* over: refused, or another protocol follows */
};

struct transcript_row {
    struct str bytes;
    const char *want, *why;
};

static inline void transcript_open(struct transcript *t, bool request, size_t head_max)
{
    *t = (struct transcript){.parser = http1_new(request, head_max)};
    buf_init(&t->text);
}

static inline void transcript_close(struct transcript *t)
{
    http1_free(t->parser);
    buf_fini(&t->text);
}

static inline void transcript_bytes(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r')
            buf_adds(out, "\\r");
        else if (s.p[i] == '\n')
            buf_adds(out, "\\n");
        else if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] > '~')
            buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
        else
            buf_add(out, s.p + i, 1);
    }
}

static inline void transcript_fields(struct buf *out, const struct head *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        buf_adds(out, " ");
        transcript_bytes(out, f.name);
        buf_adds(out, "=");
        transcript_bytes(out, f.value);
    }
}

static inline void transcript_head(struct transcript *t)
{
    static const char *const bodies[] = {"none", "length", "chunked", "eof"};
    struct http1_view *m = http1_view(t->parser);
    struct str method = head_method(&m->head), target = head_target(&m->head);
    if (m->head.status)
        buf_addf(&t->text, "HEAD %u <", m->head.status);
    else
        buf_addf(&t->text, "HEAD %.*s <", (int)method.n, method.p);
    transcript_bytes(&t->text, target);
    buf_addf(&t->text, "> %u.%u %s", m->head.major, m->head.minor, bodies[m->body]);
    if (m->body == HTTP1_LENGTH)
        buf_addf(&t->text, "(%llu)", (unsigned long long)m->length);
    buf_adds(&t->text, m->keep_alive ? " keep" : " close");
    transcript_fields(&t->text, &m->head);
    buf_adds(&t->text, "\n");
}

static inline void transcript_event(struct transcript *t, enum http1_event ev)
{
    struct http1_view *m = http1_view(t->parser);
    if (t->in_data && ev != HTTP1_DATA && ev != HTTP1_MORE) {
        buf_adds(&t->text, "\n");
        t->in_data = false;
    }
    switch (ev) {
    case HTTP1_MORE:
        break;
    case HTTP1_HEAD:
        transcript_head(t);
        break;
    case HTTP1_DATA:
        if (!t->in_data)
            buf_adds(&t->text, "DATA ");
        t->in_data = true;
        transcript_bytes(&t->text, m->data);
        break;
    case HTTP1_END:
        buf_adds(&t->text, "END");
        transcript_fields(&t->text, &m->trailers);
        buf_adds(&t->text, "\n");
        t->over = m->head.status == 101;
        break;
    case HTTP1_BAD:
        buf_addf(&t->text, "BAD %u\n", m->status);
        t->over = true;
        break;
    }
}

/* Bytes that belong to no message: told only behind a 101. */
static inline void transcript_left(struct transcript *t, const char *p, size_t n)
{
    if (http1_view(t->parser)->head.status != 101 || n == 0)
        return;
    if (!t->left)
        buf_adds(&t->text, "LEFT ");
    t->left = true;
    transcript_bytes(&t->text, (struct str){p, n});
}

/* Each piece in storage of its own, so that a sanitizer sees any reach beyond it or back to the one
 * before. */
static inline void transcript_feed(struct transcript *t, const char *p, size_t n)
{
    enum http1_event ev = HTTP1_MORE;
    size_t at = 0;
    if (t->over) {
        transcript_left(t, p, n);
        return;
    }
    uint8_t *piece = mem_dup(p, n);
    do {
        at += http1_next(t->parser, piece + at, n - at, &ev);
        transcript_event(t, ev);
    } while (ev != HTTP1_MORE && !t->over);
    if (t->over)
        transcript_left(t, (const char *)piece + at, n - at);
    free(piece);
}

static inline const char *transcript_text(struct transcript *t)
{
    buf_add(&t->text, "", 1);
    t->text.len--;
    return (const char *)t->text.data;
}

static inline void transcript_expect_in(const struct transcript_row *row, bool request,
                                        size_t first, size_t second)
{
    struct transcript t;
    transcript_open(&t, request, 65536);
    transcript_feed(&t, row->bytes.p, first);
    transcript_feed(&t, row->bytes.p + first, second - first);
    transcript_feed(&t, row->bytes.p + second, row->bytes.n - second);
    if (strcmp(transcript_text(&t), row->want))
        fail_msg("cut at %zu and %zu:\n%s\nsaid\n%s\nnot\n%s\n(%s)", first, second, row->bytes.p,
                 transcript_text(&t), row->want, row->why);
    transcript_close(&t);
}

/* Whole, and in every way of cutting it in three. */
static inline void transcript_expect(const struct transcript_row *row, bool request)
{
    for (size_t first = 0; first <= row->bytes.n; first++) {
        for (size_t second = first; second <= row->bytes.n; second++)
            transcript_expect_in(row, request, first, second);
    }
}

#endif
