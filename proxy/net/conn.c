/* One end of HTTP/1: see conn.h. */
#include "net/conn.h"
#include "base/err.h"

/* Below, copying is cheaper than a system call of its own. */
enum { CONN_LARGE = 4096 };

static void release_block(struct conn *c)
{
    if (c->block)
        loop_block_put(c->lp, c->block);
    c->block = NULL;
    c->at = c->have = 0;
}

static void on_transport(void *owner, unsigned what)
{
    struct conn *c = owner;
    unsigned events = 0;
    if (what & TRANSPORT_WRITE) {
        conn_flush(c);
        if (!conn_blocked(c))
            events |= CONN_ROOM;
    }
    if (what & TRANSPORT_READ) {
        c->readable = true;
        events |= CONN_READ;
    }
    if (what & TRANSPORT_ENDED)
        events |= CONN_ENDED;
    if (events)
        c->fn(c->owner, events);
}

void conn_open(struct conn *c, struct loop *lp, struct transport *t, struct http1 *parser)
{
    *c = (struct conn){.lp = lp, .t = t, .parser = parser};
    buf_init(&c->out);
    transport_owner(t, on_transport, c);
    transport_want(t, TRANSPORT_READ);
}

void conn_owner(struct conn *c, conn_fn *fn, void *owner)
{
    c->fn = fn;
    c->owner = owner;
}

void conn_close(struct conn *c)
{
    transport_close(c->t);
    c->t = NULL;
    release_block(c);
    buf_fini(&c->out);
    http1_free(c->parser);
    c->parser = NULL;
}

void conn_reset(struct conn *c)
{
    transport_reset(c->t);
    c->t = NULL;
    conn_close(c);
}

struct transport *conn_detach(struct conn *c, struct str *rest)
{
    struct transport *t = c->t;
    c->t = NULL;
    *rest = c->block ? (struct str){(const char *)c->block + c->at, c->have - c->at} : STR("");
    return t;
}

/* One read, behind what the block holds. */
static void fill(struct conn *c)
{
    if (!c->block)
        c->block = loop_block_get(c->lp);
    struct iovec v = {c->block + c->have, LOOP_SCRATCH - c->have};
    ptrdiff_t n = transport_read(c->t, &v, 1);
    c->readable = false;
    if (n > 0)
        c->have += (uint32_t)n;
    else if (n != UV_EAGAIN) {
        c->eof = true;
        c->error = n == UV_EOF ? 0 : (int)n;
    }
}

enum http1_event conn_next(struct conn *c)
{
    if (c->at == c->have) {
        c->at = c->have = 0;
        if (c->readable && !c->eof)
            fill(c);
    }
    enum http1_event event;
    const uint8_t *p = c->block ? c->block + c->at : NULL;
    c->at += (uint32_t)http1_next(c->parser, p, c->have - c->at, &event);
    if (event == HTTP1_MORE && c->eof)
        event = c->error ? HTTP1_MORE : http1_eof(c->parser);
    if (c->at == c->have && event != HTTP1_DATA)
        release_block(c);
    return event;
}

struct http1_view *conn_view(struct conn *c)
{
    return http1_view(c->parser);
}

void conn_want(struct conn *c, bool read)
{
    unsigned write = transport_wanted(c->t) & TRANSPORT_WRITE;
    transport_want(c->t, write | (read && !c->eof ? TRANSPORT_READ : 0));
}

bool conn_silent(struct conn *c)
{
    c->readable = true;
    return conn_listen(c) == 0 && !c->eof;
}

size_t conn_listen(struct conn *c)
{
    if (c->readable && !c->eof && c->have < LOOP_SCRATCH)
        fill(c);
    conn_want(c, c->have < LOOP_SCRATCH);
    if (c->at == c->have)
        release_block(c);
    return c->have - c->at;
}

bool conn_discard(struct conn *c)
{
    do {
        c->at = c->have = 0;
        if (c->readable && !c->eof)
            fill(c);
    } while (c->have > 0);
    release_block(c);
    return !c->eof;
}

bool conn_pending(const struct conn *c)
{
    return c->at < c->have;
}

/* Writes `out` and then p[0..n); keeps what the socket does not take. */
static void write_through(struct conn *c, const void *p, size_t n)
{
    struct iovec v[2] = {{c->out.data, c->out.len}, {(void *)(uintptr_t)p, n}};
    int skip = c->out.len == 0;
    ptrdiff_t took = transport_write(c->t, v + skip, 2 - skip - (n == 0));
    if (took < 0) {
        c->broken = true;
        buf_fini(&c->out);
        took = 0;
        n = 0;
    }
    size_t old = (size_t)took < c->out.len ? (size_t)took : c->out.len;
    size_t new = (size_t)took - old;
    BUG_ON(new > n);
    buf_drop(&c->out, old);
    buf_add(&c->out, (const uint8_t *)p + new, n - new);
    if (c->out.len == 0)
        buf_fini(&c->out);
    unsigned read = transport_wanted(c->t) & TRANSPORT_READ;
    transport_want(c->t, read | (c->out.len > 0 ? TRANSPORT_WRITE : 0));
}

bool conn_blocked(const struct conn *c)
{
    return transport_wanted(c->t) & TRANSPORT_WRITE;
}

void conn_write(struct conn *c, const void *p, size_t n)
{
    if (c->broken || n == 0)
        return;
    if (n < CONN_LARGE || conn_blocked(c))
        buf_add(&c->out, p, n);
    else
        write_through(c, p, n);
}

/* Also called by the writable event, when the socket is no longer full. */
void conn_flush(struct conn *c)
{
    if (c->out.len > 0)
        write_through(c, NULL, 0);
}

bool conn_shutdown(struct conn *c)
{
    conn_flush(c);
    if (conn_blocked(c))
        return false;
    transport_shutdown(c->t);
    return true;
}
