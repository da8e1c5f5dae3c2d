/* Requests and their answers, one after the other. Lenient where strictness would cost time: a
 * backend that is measured trusts its proxy. Owns the one answer that is always the same. */
#include "http.h"

#include "service.h"
#include "target.h"

#include "lib/head.h"
#include "lib/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES 1024
#define FILL_RUNS  4 /* of the pattern in a turn: about as much as one read takes */

static struct buf kibibyte;

static void answer_write(struct buf *b, const char *body)
{
    buf_addf(b, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
}

void http_init(void)
{
    char body[BODY_BYTES + 1] = {0};

    for (int i = 0; i < BODY_BYTES; i++)
        body[i] = (char)('a' + i % 26);
    answer_write(&kibibyte, body);
}

static void answer(struct conn *c, const char *body)
{
    struct buf text = {0};

    answer_write(&text, body);
    conn_put(c, text.data, text.len);
    buf_fini(&text);
}

static void answer_bytes(struct conn *c, uint64_t n)
{
    char head[128];

    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
             "Content-Length: %" PRIu64 "\r\n\r\n",
             n);
    conn_puts(c, head);
    c->given = 0;
    c->bytes = n;
}

void http_fill(struct conn *c)
{
    for (int i = 0; i < FILL_RUNS && c->given < c->bytes && !out_pending(&c->out); i++) {
        size_t n = c->bytes - c->given;
        const uint8_t *p = pattern_at(c->given, &n);

        conn_put(c, p, n);
        c->given += n;
        if (c->over)
            return;
    }
}

static void answer_get(struct conn *c, struct str target)
{
    if (target_is(target, "/health"))
        answer(c, "ok\n");
    else if (target_is(target, "/bytes"))
        answer_bytes(c, target_number(target, "n", 0));
    else
        conn_put(c, kibibyte.data, kibibyte.len);
}

static void body_end(struct conn *c)
{
    char count[32];

    c->swallowing = false;
    snprintf(count, sizeof count, "%" PRIu64 "\n", c->body);
    answer(c, count);
}

static void body_begin(struct conn *c)
{
    struct str length = head_field(&c->head, "Content-Length");

    c->body_left = c->body = length.p ? strtoull(length.p, NULL, 10) : 0; /* a CRLF follows */
    c->swallowing = true;
    if (str_ieq(head_field(&c->head, "Expect"), "100-continue"))
        conn_puts(c, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!c->body_left)
        body_end(c);
}

static size_t body_take(struct conn *c, size_t n)
{
    if (n > c->body_left)
        n = c->body_left;
    c->body_left -= n;
    if (!c->body_left)
        body_end(c);
    return n;
}

static struct str word(struct str *line)
{
    const char *end = memchr(line->p, ' ', line->n);
    struct str w = {line->p, end ? (size_t)(end - line->p) : line->n};
    size_t step = w.n + (end != NULL);

    line->p += step;
    line->n -= step;
    return w;
}

/* HTTP/1.0 ends a connection unless told otherwise, HTTP/1.1 keeps it. */
static bool is_last(struct str version, struct str connection)
{
    return str_eq(version, "HTTP/1.0") ? !str_ieq(connection, "keep-alive")
                                       : str_ieq(connection, "close");
}

static void request(struct conn *c)
{
    struct str version, method, target;
    size_t at = 0;

    head_line(&c->head, &at, &version);
    method = word(&version);
    target = word(&version);
    if (str_ieq(head_field(&c->head, "Upgrade"), "websocket")) {
        service_open(c, target, head_field(&c->head, "Sec-WebSocket-Key"));
        return;
    }
    c->ending = is_last(version, head_field(&c->head, "Connection"));
    if (head_field(&c->head, "Transfer-Encoding").p) {
        conn_puts(c, "HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n");
        c->ending = true;
    } else if (str_eq(method, "POST") || str_eq(method, "PUT")) {
        body_begin(c);
    } else {
        answer_get(c, target);
    }
}

static size_t request_take(struct conn *c, const uint8_t *p, size_t n)
{
    bool whole;
    size_t took = head_take(&c->head, p, n, &whole);

    if (whole) {
        request(c);
        buf_clear(&c->head);
    } else if (c->head.len > HEAD_MAX) {
        c->over = true;
    }
    return took;
}

bool http_busy(const struct conn *c)
{
    return c->swallowing || c->given < c->bytes;
}

/* Nothing may come behind a connection's last request, nor behind a download before its end. */
size_t http_take(struct conn *c, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n && !c->over && !c->service) {
        if (c->swallowing)
            at += body_take(c, n - at);
        else if (c->ending || c->given < c->bytes)
            c->over = true;
        else
            at += request_take(c, p + at, n - at);
    }
    return at;
}
