/* An exchange's life: the backend's connection, the entries, the end. Its two streams:
 * exchange_stream.c. */
#include "http/exchange.h"
#include "base/err.h"
#include "base/log.h"
#include "http/access.h"
#include "http/exchange_stream.h"
#include <string.h>

static void on_client(void *owner, unsigned events);
static void on_upstream(void *owner, unsigned events);

/* Gives up what it holds but the connections. */
static void let_go(struct exchange *x)
{
    struct loop *lp = x->set->lp;
    timer_stop(&lp->wheel, &x->timer);
    gate_leave(lp->gate, &x->pass);
    dial_cancel(x->dial);
    x->dial = NULL;
}

static void tell(const struct exchange *x)
{
    const struct loop *lp = x->set->lp;
    access_tell(lp, &(struct access){
                        .head = &conn_view(x->client)->head,
                        .peer = x->peer,
                        .status = x->status,
                        .latency = lp->now - x->begun,
                        .body = x->body,
                        .answer = x->wrote,
                        .why = x->why,
                        .reason = x->reason,
                    });
}

static void drop_upstream(struct exchange *x, enum reason r)
{
    upstream_close(x->upstream, x->probe ? REASON_NONE : r);
    x->upstream = NULL;
}

/* Whether it has ended; then nothing of it is left but what its end says. */
static bool settled(struct exchange *x)
{
    if (x->end == EXCHANGE_NONE)
        return false;
    struct loop *lp = x->set->lp;
    let_go(x);
    if (x->end != EXCHANGE_UPGRADED) {
        buf_fini(&x->head);
        drop_upstream(x, x->reason == REASON_NONE ? REASON_DONE : x->reason);
    }
    if (x->probe)
        return true;
    if (x->status)
        metric_http(lp->metrics, x->status, lp->now - x->begun);
    tell(x);
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

/* ---- the way to the backend ---- */

static void give_up(struct exchange *x)
{
    exchange_fail(x, 503, x->trouble, x->closing ? REASON_DRAIN : REASON_UNREACHABLE);
}

/* ms */
static uint64_t time_left(const struct exchange *x)
{
    uint64_t until = x->begun + x->conf->readiness.wait, now = x->set->lp->now;
    return now < until ? until - now : 0;
}

/* Until the gate lets it in, or for the next try: so many ms at most. */
static void wait_for_backend(struct exchange *x, uint64_t ms)
{
    uint64_t left = time_left(x);
    if (x->closing || left == 0) {
        give_up(x);
        return;
    }
    x->waiting = true;
    conn_want(x->client, false);
    loop_timer(x->set->lp, &x->timer, ms < left ? ms : left);
}

/* False: it was not waiting. */
static bool resume(struct exchange *x)
{
    if (!x->waiting)
        return false;
    x->waiting = false;
    timer_stop(&x->set->lp->wheel, &x->timer);
    conn_want(x->client, true);
    return true;
}

static void dial_backend(struct exchange *x);

static void connect_backend(struct exchange *x, bool fresh)
{
    x->upstream = fresh ? NULL : upstreams_take(x->set, x->conf);
    x->kept = x->upstream != NULL;
    if (x->kept)
        send_request(x);
    else if (gate_enter(x->set->lp->gate, &x->pass, GATE_FIRST))
        dial_backend(x);
    else
        wait_for_backend(x, UINT64_MAX);
}

static void unreachable(struct exchange *x, int err)
{
    static _Thread_local struct log_limit limit;
    struct loop *lp = x->set->lp;
    uint64_t more;
    if (log_allow(&limit, lp->now, &more))
        log_warn("backend_unreachable", LOG_S("address", x->conf->backend.address.text),
                 LOG_S("error", err_text(err)), LOG_U("suppressed", more));
    x->trouble = err_text(err);
    if (gate_blame(lp->gate, x->conf, err))
        connect_backend(x, true);
    else
        wait_for_backend(x, x->conf->readiness.interval);
}

static void dialed(struct exchange *x, int err, struct transport *t)
{
    struct loop *lp = x->set->lp;
    x->dial = NULL;
    gate_leave(lp->gate, &x->pass);
    if (err < 0) {
        unreachable(x, err);
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

static void dial_backend(struct exchange *x)
{
    struct transport *now;
    x->dial = dial_start(x->set->lp, &x->conf->backend.address, x->conf->backend.connect_timeout,
                         true, on_dial, x, &now);
    if (!x->dial)
        dialed(x, 0, now);
}

static void on_pass(struct pass *p)
{
    struct exchange *x = CONTAINER_OF(p, struct exchange, pass);
    resume(x);
    dial_backend(x);
    leave(x);
}

bool exchange_retry(struct exchange *x, enum reason r)
{
    bool answered = x->head.len == 0 || !http1_idle(x->upstream->conn.parser);
    if (answered || !(x->websocket || (x->kept && x->repeatable)))
        return false;
    drop_upstream(x, r);
    if (x->websocket) { /* other clients' may be answered: the gate stays as it is */
        x->trouble = "no answer to the handshake";
        wait_for_backend(x, x->conf->readiness.interval);
    } else {
        connect_backend(x, true);
    }
    return true;
}

/* ---- the entries ---- */

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
    if (resume(x) && time_left(x) > 0)
        connect_backend(x, x->websocket);
    else if (!x->upstream)
        give_up(x);
    else if (!x->asked && !x->websocket)
        exchange_fail(x, 408, "the request's body stood still", REASON_BODY_TIMEOUT);
    else if (!x->websocket || !exchange_retry(x, REASON_RESPONSE_TIMEOUT))
        exchange_fail(x, 504, "the backend did not answer in time", REASON_RESPONSE_TIMEOUT);
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
        .peer = setup->forward.peer,
        .begun = setup->set->lp->now,
        .trouble = "not ready",
        .up = m->body,
        .minor = m->head.minor,
        .websocket = setup->forward.websocket,
        .plain = setup->forward.compression == COMPRESSION_NONE,
        .to_head = str_eq(method, "HEAD"),
        .repeatable = is_idempotent(method) && m->body == HTTP1_NO_BODY,
        .keep_alive = setup->keep_alive,
        .probe = setup->probe,
    };
    pass_init(&x->pass, on_pass);
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
    let_go(x);
    buf_fini(&x->head);
    drop_upstream(x, REASON_KILLED);
}

bool exchange_last(struct exchange *x)
{
    x->closing = true;
    if (!x->waiting)
        return false;
    x->trouble = "about to stop";
    give_up(x);
    return settled(x);
}
