/* A client connection until it is known what it is: see front.h. */
#include "front.h"
#include "admin/pages.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/load.h"
#include "http/access.h"
#include "http/exchange.h"
#include "net/gate.h"
#include "session/shed.h"
#include "session/stateful.h"
#include "wire/trace.h"
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 5000u

struct front {
    struct list node;
    struct fronts *set;
    struct conf *conf;
    struct conn conn;
    struct timer timer;
    enum { FRONT_HEAD, FRONT_EXCHANGE, FRONT_LINGER } state;
    enum reason reason;      /* LINGER: why */
    bool in_head;            /* HEAD: a first byte has come */
    bool asked;              /* a request's head was understood */
    bool probe;              /* it is wskeep's own: neither counted nor logged */
    char ip[ADDRESS_IP_MAX]; /* the peer's; "": it has none */
    struct exchange exchange;
};

static void front_free(struct front *f)
{
    struct loop *lp = f->set->lp;
    timer_stop(&lp->wheel, &f->timer);
    if (f->state == FRONT_EXCHANGE)
        exchange_cancel(&f->exchange);
    conn_close(&f->conn);
    list_del(&f->node);
    f->set->count--;
    metric_sub(lp->metrics, METRIC_CONNECTIONS_CLIENT, 1);
    conf_unref(f->conf);
    free(f);
}

static void front_end(struct front *f, enum reason r)
{
    if (!f->probe)
        metric_disconnect(f->set->lp->metrics, SIDE_CLIENT, r);
    front_free(f);
}

/* Last statement of the entries that end it. */
static void end(struct front *f, enum reason r)
{
    struct fronts *set = f->set;
    front_end(f, r);
    set->ended(set->owner);
}

static void next_request(struct front *f);
static void on_head(void *owner, unsigned events);

static void on_linger(void *owner, unsigned events)
{
    struct front *f = owner;
    if (events & CONN_ROOM && conn_shutdown(&f->conn))
        loop_timer(f->set->lp, &f->timer, LINGER_MS);
    if (!conn_discard(&f->conn) || f->conn.broken)
        end(f, f->reason);
}

/* May be followed by nothing that expects f to be in another state; does not call up. */
static void linger(struct front *f, enum reason r)
{
    f->state = FRONT_LINGER;
    f->reason = r;
    conn_owner(&f->conn, on_linger, f);
    conn_want(&f->conn, true);
    bool written = conn_shutdown(&f->conn);
    loop_timer(f->set->lp, &f->timer,
               f->conn.eof ? 0
               : written   ? LINGER_MS
                           : f->conf->listen.keepalive_timeout);
}

/* Answers, and leaves to be told what there is to tell of it. */
static struct access answer_own(struct front *f, uint16_t status, const char *why,
                                const char *extra, enum reason r)
{
    struct buf answer;
    bool to_head = str_eq(head_method(&conn_view(&f->conn)->head), "HEAD");
    buf_init(&answer);
    forward_own(status, why, extra, to_head, false, &answer);
    conn_write(&f->conn, answer.data, answer.len);
    size_t n = answer.len;
    buf_fini(&answer);
    if (!f->probe)
        metric_http(f->set->lp->metrics, status, 0);
    linger(f, r);
    return (struct access){.head = f->asked ? &conn_view(&f->conn)->head : NULL,
                           .peer = str_of(f->ip),
                           .status = status,
                           .answer = n,
                           .why = why,
                           .reason = r};
}

static void refuse(struct front *f, uint16_t status, const char *why, const char *extra,
                   enum reason r)
{
    struct access a = answer_own(f, status, why, extra, r);
    if (!f->probe)
        access_tell(f->set->lp, &a);
}

/* Programs send no Origin: it is browsers that name the page, so that a page cannot use what their
 * user is logged in to elsewhere. A second one is no browser's, and nobody knows which the backend
 * would read. */
static bool origin_welcome(const struct strings *list, const struct head *h, struct str *origin)
{
    unsigned n = head_get(h, "Origin", origin);
    return list->n == 0 || n == 0 || (n == 1 && origin_listed(list, *origin));
}

/* An origin holds neither user nor path nor query: what says so is shown without them. */
static struct str origin_shown(struct str origin)
{
    const char *at = origin.n ? memrchr(origin.p, '@', origin.n) : NULL;
    if (at)
        origin = (struct str){at + 1, (size_t)(origin.p + origin.n - at - 1)};
    return str_before(origin, "?#;");
}

static void refuse_origin(struct front *f, struct str origin)
{
    static _Thread_local struct log_limit limit;
    struct loop *lp = f->set->lp;
    struct access a = answer_own(f, 403, "this origin is not allowed", "", REASON_BAD_ORIGIN);
    uint64_t more;
    metric_add(lp->metrics, METRIC_ORIGINS_REFUSED, 1);
    if (!log_allow(&limit, lp->now, &more))
        return;
    struct log_request r = access_request(&a);
    struct trace t = trace_of(a.head);
    log_info("origin_refused", LOG_REQUEST(&r), LOG_TRACE(&t, lp->conf->log.project),
             LOG_U("suppressed", more), LOG_STR("origin", origin_shown(origin)));
}

/* NULL: the backend of the session cannot be asked again: reconnecting is off, the request has a
 * ticket for once in it, or it is the probe, which is to see what there is. */
static struct opening *opening_of(const struct front *f)
{
    const struct exchange *x = &f->exchange;
    if (f->conf->reconnect.window == 0 || f->probe)
        return NULL;
    struct opening *o = opening_new((struct str){(const char *)x->head.data, x->head.len},
                                    &x->deflate, &conn_view(&x->upstream->conn)->head);
    if (!target_has_key(opening_target(o), &f->conf->reconnect.never))
        return o;
    opening_free(o);
    return NULL;
}

static void become_session(struct front *f)
{
    struct fronts *set = f->set;
    struct upstream *u = f->exchange.upstream;
    struct str behind_client, behind_backend;
    struct session_setup setup = {
        .conf = f->conf, .deflate = f->exchange.deflate.on, .probe = f->probe};
    setup.opening = opening_of(f);
    setup.keep_up = setup.opening != NULL;
    setup.trace = trace_of(&conn_view(&f->conn)->head);
    buf_fini(&f->exchange.head);
    setup.client.t = conn_detach(&f->conn, &behind_client);
    setup.backend.t = conn_detach(&u->conn, &behind_backend);
    setup.client.rest = (const uint8_t *)behind_client.p;
    setup.client.rest_len = behind_client.n;
    setup.backend.rest = (const uint8_t *)behind_backend.p;
    setup.backend.rest_len = behind_backend.n;
    session_new(set->sessions, &setup);
    upstream_close(u, REASON_NONE);
    front_free(f);
    set->ended(set->owner);
}

static void on_exchange(void *owner, struct exchange *x)
{
    struct front *f = owner;
    f->state = FRONT_HEAD;
    switch (x->end) {
    case EXCHANGE_UPGRADED:
        become_session(f);
        return;
    case EXCHANGE_TORN:
        conn_reset(&f->conn);
        end(f, x->reason);
        return;
    case EXCHANGE_BREAK:
        end(f, x->reason);
        return;
    case EXCHANGE_KEEP:
        if (!f->set->draining) {
            next_request(f);
            return;
        }
        linger(f, REASON_DRAIN);
        return;
    case EXCHANGE_CLOSE:
    case EXCHANGE_NONE:
        linger(f, x->reason == REASON_NONE ? REASON_DONE : x->reason);
        return;
    }
}

/* Messages are read for answers; of those that are swallowed none may be another's context. */
static enum compression compression_of(const struct conf *c)
{
    return *c->answer.of.field     ? COMPRESSION_NONE
           : c->reconnect.greeting ? COMPRESSION_FRESH
                                   : COMPRESSION_ANY;
}

static void begin_exchange(struct front *f, bool websocket)
{
    struct exchange_setup setup = {
        .set = f->set->upstreams,
        .conf = f->conf,
        .client = &f->conn,
        .forward = {.peer = str_of(f->ip),
                    .authority = str_of(f->conf->backend.address.text),
                    .trusted = trusted_peer(&f->conf->listen.trusted, f->ip),
                    .websocket = websocket,
                    .compression = compression_of(f->conf)},
        .keep_alive = conn_view(&f->conn)->keep_alive,
        .probe = f->probe,
        .fn = on_exchange,
        .owner = f,
    };
    f->state = FRONT_EXCHANGE;
    timer_stop(&f->set->lp->wheel, &f->timer);
    if (exchange_start(&f->exchange, &setup) || (f->set->draining && exchange_last(&f->exchange)))
        on_exchange(f, &f->exchange);
}

static void answer_health(struct front *f, struct str method)
{
    const char *text;
    unsigned status = page_readyz(gate_ready(f->set->lp->gate), f->set->stopping, &text);
    if (str_eq(method, "GET") || str_eq(method, "HEAD"))
        answer_own(f, (uint16_t)status, text, "", REASON_DONE);
    else
        refuse(f, 405, "GET and HEAD only", "Allow: GET, HEAD\r\n", REASON_BAD_REQUEST);
}

/* None but this process knows the mark. */
static bool is_probe(const struct front *f, const struct head *h)
{
    struct str mark;
    return *f->conf->probe.path && head_get(h, FORWARD_MARK, &mark) == 1 &&
           str_eq(mark, f->set->mark);
}

static void on_request(struct front *f)
{
    struct http1_view *m = conn_view(&f->conn);
    const char *health = f->conf->listen.health;
    f->asked = true;
    if (*health && str_eq(head_path(&m->head), health)) {
        answer_health(f, head_method(&m->head));
        return;
    }
    enum handshake_kind kind = handshake_kind(&m->head, m->body);
    struct str origin;
    f->probe = is_probe(f, &m->head);
    if (kind == HANDSHAKE_VERSION) {
        refuse(f, 426, "this server speaks WebSocket version 13", "Sec-WebSocket-Version: 13\r\n",
               REASON_BAD_REQUEST);
        return;
    }
    if (kind == HANDSHAKE_YES && conn_pending(&f->conn)) {
        refuse(f, 400, "bytes behind a handshake that was not answered yet", "",
               REASON_BAD_REQUEST);
        return;
    }
    if (kind == HANDSHAKE_YES && !origin_welcome(&f->set->lp->conf->origins, &m->head, &origin)) {
        refuse_origin(f, origin);
        return;
    }
    if (kind == HANDSHAKE_YES && shed_is_full(f->set->sessions)) {
        refuse(f, 503, "no memory is left for another session", "Retry-After: 5\r\n", REASON_FULL);
        return;
    }
    if (kind == HANDSHAKE_YES && f->set->draining) {
        refuse(f, 503, "about to stop", "", REASON_DRAIN);
        return;
    }
    begin_exchange(f, kind == HANDSHAKE_YES);
}

static void head_clock(struct front *f)
{
    bool in_head = !http1_idle(f->conn.parser);
    if (in_head && !f->in_head)
        loop_timer(f->set->lp, &f->timer, f->conf->listen.header_timeout);
    f->in_head = in_head;
}

static void on_head(void *owner, unsigned events)
{
    struct front *f = owner;
    struct http1_view *m = conn_view(&f->conn);
    (void)events;
    switch (conn_next(&f->conn)) {
    case HTTP1_HEAD:
        on_request(f);
        return;
    case HTTP1_BAD:
        if (f->conn.eof)
            break;
        refuse(f, m->status, m->why, "", REASON_BAD_REQUEST);
        return;
    case HTTP1_MORE:
        if (f->conn.eof)
            break;
        head_clock(f);
        return;
    case HTTP1_DATA:
    case HTTP1_END: /* an exchange takes a request to its end */
        break;
    }
    end(f, f->conn.error ? REASON_CLIENT_RESET : f->in_head ? REASON_CLIENT_EOF : REASON_DONE);
}

static void next_request(struct front *f)
{
    f->state = FRONT_HEAD;
    f->in_head = f->asked = false;
    loop_timer(f->set->lp, &f->timer, f->conf->listen.keepalive_timeout);
    conn_owner(&f->conn, on_head, f);
    conn_want(&f->conn, true);
    if (conn_pending(&f->conn))
        on_head(f, CONN_READ);
    else
        http1_clear(f->conn.parser);
}

static void on_timer(struct timer *t)
{
    struct front *f = CONTAINER_OF(t, struct front, timer);
    if (f->state == FRONT_LINGER)
        end(f, f->reason);
    else if (f->in_head)
        refuse(f, 408, "the head took too long", "", REASON_HEADER_TIMEOUT);
    else if (conn_blocked(&f->conn)) /* it is still being written to */
        linger(f, REASON_IDLE);
    else
        end(f, REASON_IDLE);
}

void fronts_init(struct fronts *set, struct loop *lp, struct upstreams *upstreams,
                 struct sessions *sessions, void (*ended)(void *owner), void *owner)
{
    *set = (struct fronts){
        .lp = lp, .upstreams = upstreams, .sessions = sessions, .ended = ended, .owner = owner};
    list_init(&set->all);
}

/* It is closed already: the client cannot be told why. */
static void tell_dropped(struct loop *lp, int err)
{
    static _Thread_local struct log_limit limit;
    uint64_t more;
    if (log_allow(&limit, lp->now, &more))
        log_warn("connection_dropped", LOG_S("error", err_text(err)), LOG_U("suppressed", more));
}

void front_accept(struct fronts *set, struct conf *conf, int fd,
                  const struct sockaddr_storage *peer)
{
    struct transport *t;
    int err = transport_open(set->lp, fd, &t);
    if (err < 0) {
        tell_dropped(set->lp, err);
        return;
    }
    struct front *f = mem_zalloc(sizeof(*f));
    address_ip(peer, f->ip);
    f->set = set;
    f->conf = conf_ref(conf);
    timer_init(&f->timer, on_timer);
    conn_open(&f->conn, set->lp, t, http1_new(true, conf->limits.head));
    list_add(&set->all, &f->node);
    set->count++;
    metric_add(set->lp->metrics, METRIC_CONNECTIONS_CLIENT, 1);
    next_request(f);
}

/* A request may be on its way, or in the kernel already: of a connection that came out of the
 * listener's queue just now it is. */
static void drain_idle(struct front *f)
{
    if (!conn_silent(&f->conn) && !f->conn.eof)
        transport_wake(f->conn.t);
    else if (conn_blocked(&f->conn))
        linger(f, REASON_DRAIN);
    else
        front_end(f, REASON_DRAIN);
}

void fronts_drain(struct fronts *set)
{
    set->draining = true;
    for (struct list *n = set->all.next, *next; n != &set->all; n = next) {
        struct front *f = CONTAINER_OF(n, struct front, node);
        next = n->next;
        if (f->state == FRONT_EXCHANGE && exchange_last(&f->exchange))
            on_exchange(f, &f->exchange);
        else if (f->state == FRONT_HEAD && !f->in_head)
            drain_idle(f);
    }
}

/* Of an answer whose end is that of the connection only a reset tells that it was cut short. */
void fronts_kill(struct fronts *set)
{
    while (!list_empty(&set->all)) {
        struct front *f = CONTAINER_OF(set->all.next, struct front, node);
        if (f->state == FRONT_EXCHANGE || conn_blocked(&f->conn))
            conn_reset(&f->conn);
        front_end(f, REASON_KILLED);
    }
}
