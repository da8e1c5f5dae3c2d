/* An exchange's life: the backend's connection, the entries, the end. Its two streams:
 * exchange_stream.c. */
#include "http/exchange.h"
#include "base/err.h"
#include "base/log.h"
#include "http/exchange_stream.h"
#include <stdio.h>

static void on_client(void *owner, unsigned events);
static void on_upstream(void *owner, unsigned events);

/* Whether it has ended; then nothing of it is left but what its end says. */
static bool settled(struct exchange *x)
{
    if (x->end == EXCHANGE_NONE)
        return false;
    struct loop *lp = x->set->lp;
    timer_stop(&lp->wheel, &x->timer);
    dial_cancel(x->dial);
    x->dial = NULL;
    buf_fini(&x->head);
    if (x->end != EXCHANGE_UPGRADED) {
        upstream_close(x->upstream, x->reason == REASON_NONE ? REASON_DONE : x->reason);
        x->upstream = NULL;
    }
    if (x->status)
        metric_http(lp->metrics, x->status, lp->now - x->begun);
    return true;
}

/* Last statement of every entry. */
static void leave(struct exchange *x)
{
    if (settled(x))
        x->fn(x->owner, x);
}

static void send_request(struct exchange *x)
{
    struct conn *to = &x->upstream->conn;
    conn_owner(to, on_upstream, x);
    http1_expect(to->parser, x->to_head);
    conn_write(to, x->head.data, x->head.len);
    if (x->websocket)
        loop_timer(x->set->lp, &x->timer, x->conf->backend.handshake_timeout);
    exchange_request(x);
}

static void dialed(struct exchange *x, int err, struct transport *t)
{
    struct loop *lp = x->set->lp;
    x->dial = NULL;
    metric_add(lp->metrics, dial_metric(err), 1);
    if (err) {
        static _Thread_local struct log_limit limit;
        uint64_t more;
        if (log_allow(&limit, lp->now, &more))
            log_warn("backend_unreachable", LOG_S("address", x->conf->backend.address.text),
                     LOG_S("error", err_text(err)), LOG_U("suppressed", more));
        char why[128];
        snprintf(why, sizeof(why), "the backend cannot be reached: %s", err_text(err));
        exchange_fail(x, err == UV_ETIMEDOUT ? 504 : 502, why, REASON_UNREACHABLE);
    } else {
        x->upstream = upstream_new(x->set, t, x->conf);
        send_request(x);
    }
}

static void on_dial(void *owner, int err, struct transport *t)
{
    struct exchange *x = owner;
    dialed(x, err, t);
    leave(x);
}

static void connect_backend(struct exchange *x, bool fresh)
{
    struct transport *now;
    x->upstream = fresh ? NULL : upstreams_take(x->set, x->conf);
    x->kept = x->upstream != NULL;
    if (x->kept) {
        send_request(x);
        return;
    }
    x->dial = dial_start(x->set->lp, &x->conf->backend.address, x->conf->backend.connect_timeout,
                         on_dial, x, &now);
    if (!x->dial)
        dialed(x, 0, now);
}

bool exchange_retry(struct exchange *x)
{
    bool answered = x->head.len == 0 || !http1_idle(x->upstream->conn.parser);
    if (!x->kept || !x->repeatable || answered)
        return false;
    upstream_close(x->upstream, REASON_BACKEND_EOF);
    connect_backend(x, true);
    return true;
}

static void on_upstream(void *owner, unsigned events)
{
    struct exchange *x = owner;
    if (events & CONN_ROOM)
        exchange_request(x);
    if (x->end == EXCHANGE_NONE && events & (CONN_READ | CONN_ENDED))
        exchange_answer(x);
    leave(x);
}

static void on_client(void *owner, unsigned events)
{
    struct exchange *x = owner;
    if (events & CONN_ROOM && x->upstream)
        exchange_answer(x);
    if (x->end == EXCHANGE_NONE && events & CONN_READ) {
        if (x->upstream && !x->asked)
            exchange_request(x);
        else
            exchange_listen(x);
    }
    if (x->end == EXCHANGE_NONE && events & CONN_ENDED)
        exchange_break(x, REASON_CLIENT_EOF);
    leave(x);
}

static void on_timer(struct timer *t)
{
    struct exchange *x = CONTAINER_OF(t, struct exchange, timer);
    if (x->asked || x->websocket)
        exchange_fail(x, 504, "the backend did not answer in time", REASON_RESPONSE_TIMEOUT);
    else
        exchange_fail(x, 408, "the request's body stood still", REASON_BODY_TIMEOUT);
    leave(x);
}

static bool is_idempotent(struct str method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (str_eq(method, methods[i]))
            return true;
    return false;
}

bool exchange_start(struct exchange *x, const struct exchange_setup *setup)
{
    struct http1_view *m = conn_view(setup->client);
    struct str method = head_method(&m->head);
    *x = (struct exchange){
        .set = setup->set,
        .conf = setup->conf,
        .client = setup->client,
        .fn = setup->fn,
        .owner = setup->owner,
        .begun = setup->set->lp->now,
        .up = m->body,
        .minor = m->head.minor,
        .websocket = setup->forward.websocket,
        .to_head = str_eq(method, "HEAD"),
        .repeatable = is_idempotent(method) && m->body == HTTP1_NO_BODY,
        .keep_alive = setup->keep_alive,
    };
    timer_init(&x->timer, on_timer);
    buf_init(&x->head);
    forward_request(m, &setup->forward, &x->head);
    conn_owner(x->client, on_client, x);
    conn_want(x->client, true);
    connect_backend(x, x->websocket);
    return settled(x);
}

void exchange_cancel(struct exchange *x)
{
    timer_stop(&x->set->lp->wheel, &x->timer);
    dial_cancel(x->dial);
    upstream_close(x->upstream, REASON_KILLED);
    buf_fini(&x->head);
    x->dial = NULL;
    x->upstream = NULL;
}

void exchange_last(struct exchange *x)
{
    x->closing = true;
}
