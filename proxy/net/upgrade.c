/* One question to the backend.
 *
 * Owns, while it lasts, the dial and then the connection, and the clock of the answer. Never calls
 * its owner but from the dial's, the connection's and the clock's entries, so never from
 * upgrade_start: one that connects at once is answered by a later event all the same. */
#include "net/upgrade.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/token.h"
#include "net/conn.h"
#include "net/dial.h"
#include "wire/handshake.h"
#include <stdio.h>
#include <stdlib.h>

struct upgrade {
    struct loop *lp;
    struct conf *conf;
    struct str head;
    uint64_t answer_ms;
    struct dial *dial; /* NULL: it is over */
    struct conn conn;  /* t NULL: not connected yet, or taken */
    struct timer timer;
    enum upgrade_end end;
    int err;
    char why[32]; /* of an answer */
    bool counted;
    upgrade_fn *fn;
    void *owner;
};

static void count_connection(const struct upgrade *u, bool open)
{
    if (u->counted)
        (open ? metric_add : metric_sub)(u->lp->metrics, METRIC_CONNECTIONS_BACKEND, 1);
}

/* Last statement of the entries that end it. */
static void finish(struct upgrade *u, enum upgrade_end end, int err)
{
    u->end = end;
    u->err = err;
    timer_stop(&u->lp->wheel, &u->timer);
    if (u->conn.t)
        transport_owner(u->conn.t, NULL, NULL);
    u->fn(u->owner, u);
}

void upgrade_ask(const struct conf *conf, const char *path, const char *purpose, bool websocket,
                 const char *fields, struct buf *head)
{
    const struct address *a = &conf->backend.address;
    char key[25];
    buf_addf(head, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: wskeep/%s (%s)\r\n%s", path,
             a->unix_path ? "localhost" : a->text, WSKEEP_VERSION, purpose, fields);
    if (websocket) {
        token_key(key);
        buf_addf(head,
                 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n",
                 key);
    } else {
        buf_adds(head, "Connection: close\r\n\r\n");
    }
}

static bool is_interim(const struct head *h)
{
    return h->status < 200 && h->status != 101;
}

static void on_conn(void *owner, unsigned events)
{
    struct upgrade *u = owner;
    struct conn *c = &u->conn;
    const struct head *h = &conn_view(c)->head;
    (void)events;
    enum http1_event event;
    do
        event = conn_next(c);
    while (event == HTTP1_END || (event == HTTP1_HEAD && is_interim(h)));
    if (event == HTTP1_HEAD) {
        /* The rest of the request would go out in the middle of the new protocol. */
        bool early = h->status == 101 && conn_blocked(c);
        snprintf(u->why, sizeof(u->why), "it answered %u", h->status);
        finish(u, early ? UPGRADE_GARBAGE : UPGRADE_ANSWERED, 0);
    } else if (c->eof) {
        finish(u, UPGRADE_SILENT, c->error);
    } else if (event == HTTP1_BAD) {
        finish(u, UPGRADE_GARBAGE, 0);
    }
}

static void on_timer(struct timer *t)
{
    finish(CONTAINER_OF(t, struct upgrade, timer), UPGRADE_LATE, 0);
}

static void connected(struct upgrade *u, struct transport *t)
{
    count_connection(u, true);
    conn_open(&u->conn, u->lp, t, http1_new(false, u->conf->limits.head));
    conn_owner(&u->conn, on_conn, u);
    conn_write(&u->conn, u->head.p, u->head.n);
    conn_flush(&u->conn);
    loop_timer(u->lp, &u->timer, u->answer_ms);
}

static void on_dial(void *owner, int err, struct transport *t)
{
    struct upgrade *u = owner;
    u->dial = NULL;
    if (err < 0)
        finish(u, UPGRADE_UNREACHABLE, err);
    else
        connected(u, t);
}

static struct upgrade *start(struct loop *lp, struct conf *conf, const struct address *to,
                             bool counted, struct str head, uint64_t answer_ms, upgrade_fn *fn,
                             void *owner)
{
    struct upgrade *u = mem_alloc(sizeof(*u));
    struct transport *now;
    *u = (struct upgrade){.lp = lp,
                          .conf = conf_ref(conf),
                          .head = head,
                          .answer_ms = answer_ms,
                          .counted = counted,
                          .fn = fn,
                          .owner = owner};
    timer_init(&u->timer, on_timer);
    u->dial = dial_start(lp, to, conf->backend.connect_timeout, counted, on_dial, u, &now);
    if (!u->dial)
        on_dial(u, 0, now); /* a success calls nobody */
    return u;
}

struct upgrade *upgrade_start(struct loop *lp, struct conf *conf, struct str head,
                              uint64_t answer_ms, upgrade_fn *fn, void *owner)
{
    return start(lp, conf, &conf->backend.address, true, head, answer_ms, fn, owner);
}

struct upgrade *upgrade_start_at(struct loop *lp, struct conf *conf, const struct address *to,
                                 struct str head, uint64_t answer_ms, upgrade_fn *fn, void *owner)
{
    return start(lp, conf, to, false, head, answer_ms, fn, owner);
}

/* Why a connection that nobody took ends; where it has not, closed. */
static enum reason reason_of(const struct upgrade *u, enum reason closed)
{
    switch (u->end) {
    case UPGRADE_NONE:
    case UPGRADE_UNREACHABLE: /* there was none */
        return closed;
    case UPGRADE_LATE:
        return REASON_RESPONSE_TIMEOUT;
    case UPGRADE_SILENT:
        return u->err ? REASON_BACKEND_RESET : REASON_BACKEND_EOF;
    case UPGRADE_GARBAGE:
        return REASON_BAD_ANSWER;
    case UPGRADE_ANSWERED:
        break;
    }
    return REASON_DONE;
}

void upgrade_close(struct upgrade *u, enum reason r)
{
    if (!u)
        return;
    dial_cancel(u->dial);
    timer_stop(&u->lp->wheel, &u->timer);
    if (u->conn.t)
        count_connection(u, false);
    if (u->conn.t && u->counted)
        metric_disconnect(u->lp->metrics, SIDE_BACKEND, reason_of(u, r));
    conn_close(&u->conn);
    conf_unref(u->conf);
    free(u);
}

enum upgrade_end upgrade_end(const struct upgrade *u)
{
    return u->end;
}

int upgrade_err(const struct upgrade *u)
{
    return u->err;
}

const char *upgrade_why(const struct upgrade *u)
{
    switch (u->end) {
    case UPGRADE_NONE:
        break;
    case UPGRADE_UNREACHABLE:
        return err_text(u->err);
    case UPGRADE_LATE:
        return "no answer in time";
    case UPGRADE_SILENT:
        return "ended without an answer";
    case UPGRADE_GARBAGE:
        return "the answer is no HTTP";
    case UPGRADE_ANSWERED:
        return u->why;
    }
    return "no answer yet";
}

bool upgrade_switched(struct upgrade *u, const char **why)
{
    struct deflate agreed;
    enum http1_event ev;
    if (u->end != UPGRADE_ANSWERED || upgrade_view(u)->head.status != 101)
        return false;
    struct http1 *own = http1_new(true, u->head.n);
    http1_next(own, (const uint8_t *)u->head.p, u->head.n, &ev);
    int err = handshake_check(&http1_view(own)->head, &upgrade_view(u)->head, &agreed, why);
    http1_free(own);
    return err == 0;
}

const struct http1_view *upgrade_view(struct upgrade *u)
{
    BUG_ON(u->end != UPGRADE_ANSWERED);
    return conn_view(&u->conn);
}

struct transport *upgrade_take(struct upgrade *u, struct str *rest)
{
    BUG_ON(u->end != UPGRADE_ANSWERED || !u->conn.t);
    count_connection(u, false);
    return conn_detach(&u->conn, rest);
}
