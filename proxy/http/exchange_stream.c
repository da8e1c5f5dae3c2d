/* The two streams of an exchange: the request's body to the backend, the answer to the client. Each
 * reads its source only as far as the other side takes what was read. */
#include "http/exchange_stream.h"
#include <stdio.h>

void exchange_break(struct exchange *x, enum reason r)
{
    x->end = EXCHANGE_BREAK;
    x->reason = r;
}

/* Takes what a head was made in. */
static void answer_write(struct exchange *x, struct buf *b)
{
    conn_write(x->client, b->data, b->len);
    x->wrote += b->len;
    buf_fini(b);
}

/* Of an answer that has begun. A client that waits for a last chunk, or for so many bytes, sees
 * that they do not come. */
static void cut_short(struct exchange *x, enum reason r)
{
    bool seen = x->down == HTTP1_CHUNKED || x->down == HTTP1_LENGTH;
    x->end = seen ? EXCHANGE_CLOSE : EXCHANGE_TORN;
    x->reason = r;
}

void exchange_fail(struct exchange *x, uint16_t status, const char *why, enum reason r)
{
    x->why = why;
    if (x->status) {
        cut_short(x, r);
        return;
    }
    bool keep = x->keep_alive && x->asked && !x->closing;
    char text[128], extra[48] = "";
    snprintf(text, sizeof(text), "%s%s", status == 503 ? "the backend is not available: " : "",
             why);
    if (status == 503) /* sooner the backend would not be found ready */
        snprintf(extra, sizeof(extra), "Retry-After: %u\r\n",
                 (unsigned)(x->conf->readiness.interval + 999) / 1000);
    struct buf answer;
    buf_init(&answer);
    forward_own(status, text, extra, x->to_head, keep, &answer);
    answer_write(x, &answer);
    conn_flush(x->client);
    x->status = status;
    x->reason = r;
    x->end = keep ? EXCHANGE_KEEP : EXCHANGE_CLOSE;
}

/* Body bytes as the receiver's framing wants them (RFC 9112 §7.1). */
static void write_body(struct conn *to, enum http1_body framing, struct str data)
{
    char size[20];
    if (framing == HTTP1_CHUNKED)
        conn_write(to, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", data.n));
    conn_write(to, data.p, data.n);
    if (framing == HTTP1_CHUNKED)
        conn_write(to, "\r\n", 2);
}

static void write_end(struct conn *to, enum http1_body framing, const struct head *trailers)
{
    if (framing != HTTP1_CHUNKED)
        return;
    struct buf end;
    buf_init(&end);
    buf_adds(&end, "0\r\n");
    forward_trailers(trailers, &end);
    conn_write(to, end.data, end.len);
    buf_fini(&end);
}

static void arm(struct exchange *x, uint64_t ms)
{
    if (ms > 0)
        loop_timer(x->set->lp, &x->timer, ms);
    else
        timer_stop(&x->set->lp->wheel, &x->timer);
}

/* Bytes of the client that are not this request's are kept for the next; but none may come before a
 * 101: a request could hide there. Its end aborts the exchange: plain HTTP knows no half-close
 * here. */
void exchange_listen(struct exchange *x)
{
    size_t waiting = conn_listen(x->client);
    if (x->client->eof)
        exchange_break(x, x->client->error ? REASON_CLIENT_RESET : REASON_CLIENT_EOF);
    else if (x->websocket && waiting > 0 && !x->status) {
        x->keep_alive = false;
        exchange_fail(x, 400, "bytes behind a handshake that was not answered yet",
                      REASON_BAD_REQUEST);
    }
}

/* The whole request is with the backend. From here on the client is only listened to. */
static void asked(struct exchange *x)
{
    x->asked = true;
    if (!x->websocket)
        arm(x, x->status ? 0 : x->conf->backend.response_timeout);
    exchange_listen(x);
}

/* One event of the request; false: no more for now. */
static bool request_event(struct exchange *x)
{
    struct conn *from = x->client, *to = &x->upstream->conn;
    struct http1_view *m = conn_view(from);
    switch (conn_next(from)) {
    case HTTP1_DATA:
        write_body(to, x->up, m->data);
        x->body += m->data.n;
        return true;
    case HTTP1_END:
        write_end(to, x->up, &m->trailers);
        asked(x);
        return false;
    case HTTP1_BAD:
        if (from->eof)
            break;
        exchange_fail(x, m->status, m->why, REASON_BAD_REQUEST);
        return false;
    case HTTP1_HEAD: /* comes before the exchange begins */
    case HTTP1_MORE:
        break;
    }
    if (from->eof)
        exchange_listen(x);
    return false;
}

void exchange_request(struct exchange *x)
{
    if (!x->upstream || x->upgrading)
        return;
    struct conn *to = &x->upstream->conn;
    bool more = !x->asked;
    while (more && !conn_blocked(to))
        more = request_event(x);
    if (x->end != EXCHANGE_NONE)
        return;
    conn_flush(to);
    if (x->asked)
        return;
    bool blocked = conn_blocked(to);
    conn_want(x->client, !blocked);
    if (!x->websocket) /* the body's clock runs while it is the client's turn */
        arm(x, blocked ? 0 : x->conf->listen.body_timeout);
}

/* The 101: the client gets it, and with that both connections are open ends. */
static void upgraded(struct exchange *x)
{
    struct conn *from = &x->upstream->conn;
    struct http1_view *m = conn_view(from);
    const char *why;
    if (!x->websocket || !x->asked ||
        conn_blocked(from)) { /* blocked: it has not got all of the request */
        exchange_fail(x, 502, "the backend switched protocols unasked", REASON_BAD_ANSWER);
        return;
    }
    if (handshake_check(&conn_view(x->client)->head, &m->head, &x->deflate, &why) == 0 &&
        x->plain && x->deflate.on)
        why = "an extension that was not offered";
    if (why) {
        exchange_fail(x, 502, why, REASON_BAD_ANSWER);
        return;
    }
    struct buf head;
    buf_init(&head);
    forward_answer(
        m, &(struct forward_answer){.minor = x->minor, .keep_alive = true, .deflate = &x->deflate},
        &head);
    answer_write(x, &head);
    x->status = 101;
    x->upgrading = true;
    conn_want(from, false);
}

static void interim(struct exchange *x, struct http1_view *m)
{
    if (x->minor == 0)
        return; /* HTTP/1.0 knows none (RFC 9110 §15.2) */
    struct buf head;
    buf_init(&head);
    forward_answer(m, &(struct forward_answer){.minor = x->minor, .keep_alive = true}, &head);
    answer_write(x, &head);
}

static void final_head(struct exchange *x, struct http1_view *m)
{
    struct forward_answer how = {
        .minor = x->minor,
        .to_head = x->to_head,
        .keep_alive = x->keep_alive && x->asked && !x->closing,
    };
    struct buf head;
    buf_init(&head);
    x->down = forward_answer(m, &how, &head);
    x->keep_alive = how.keep_alive && x->down != HTTP1_UNTIL_EOF;
    x->status = m->head.status;
    answer_write(x, &head);
    if (x->asked)
        arm(x, 0);
}

static void answer_head(struct exchange *x)
{
    struct http1_view *m = conn_view(&x->upstream->conn);
    if (m->head.status != 101)
        buf_fini(&x->head);
    if (x->websocket && (m->head.status == 101 || m->head.status >= 200) && !conn_silent(x->client))
        exchange_listen(x);
    else if (m->head.status == 101)
        upgraded(x);
    else if (m->head.status < 200)
        interim(x, m);
    else
        final_head(x, m);
}

static void answer_end(struct exchange *x)
{
    struct conn *from = &x->upstream->conn;
    struct http1_view *m = conn_view(from);
    write_end(x->client, x->down, &m->trailers);
    bool open = !from->eof && !from->broken && !conn_pending(from) && !conn_blocked(from);
    if (open && m->keep_alive && x->asked && !x->closing && !x->probe) {
        upstream_keep(x->upstream);
        x->upstream = NULL;
    }
    x->end = x->asked && x->keep_alive ? EXCHANGE_KEEP : EXCHANGE_CLOSE;
}

/* The backend's connection ended, or what came is no answer. What has come of one goes to the
 * client. */
static void answer_lost(struct exchange *x, const char *why)
{
    if (!exchange_retry(x, REASON_BACKEND_EOF))
        exchange_fail(x, 502, why, REASON_BAD_ANSWER);
}

/* One event of the answer; false: no more for now. */
static bool answer_event(struct exchange *x)
{
    struct conn *from = &x->upstream->conn;
    struct http1_view *m = conn_view(from);
    switch (conn_next(from)) {
    case HTTP1_HEAD:
        answer_head(x);
        return true;
    case HTTP1_DATA:
        write_body(x->client, x->down, m->data);
        x->wrote += m->data.n;
        return true;
    case HTTP1_END:
        if (m->head.status >= 200)
            answer_end(x);
        return true;
    case HTTP1_BAD:
        answer_lost(x, m->why);
        return false;
    case HTTP1_MORE:
        break;
    }
    if (from->eof)
        answer_lost(x, "the backend ended the connection without an answer");
    return false;
}

void exchange_answer(struct exchange *x)
{
    bool more = true;
    while (more && x->end == EXCHANGE_NONE && !x->upgrading && !conn_blocked(x->client))
        more = answer_event(x);
    conn_flush(x->client);
    if (x->client->broken)
        exchange_break(x, REASON_CLIENT_RESET);
    else if (x->upgrading && !conn_blocked(x->client))
        x->end = EXCHANGE_UPGRADED;
    else if (x->end == EXCHANGE_NONE && x->upstream)
        conn_want(&x->upstream->conn, !x->upgrading && !conn_blocked(x->client));
}
