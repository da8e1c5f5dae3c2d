/* The deep health check: see probe.h. A WebSocket client by wslay.
 *
 * Owns the connection to our own listener. It never touches a worker, or what it says of the
 * backend to clients: that is readiness'. */
#include "probe.h"
#include "base/err.h"
#include "base/log.h"
#include "base/token.h"
#include "config/load.h"
#include "config/quantity.h"
#include "wire/control.h"
#include "wire/forward.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

/* A peer that always has more may not hold the control loop up: so many reads an event. */
#define READS 4u

/* A timer that is so late (ms) was not late by its own fault: we stood still, or were stopped. Then
 * what has come meanwhile has this time to be read. */
#define STALL 500u

/* ---- what it comes to ---- */

/* Whether that is news. */
static bool set_state(struct probe *p, enum probe_state state, const char *why)
{
    struct probe_report *r = &p->report;
    bool turns = r->state != state;
    snprintf(r->why, sizeof(r->why), "%s", why);
    if (turns)
        r->since = time(NULL);
    r->state = state;
    return turns;
}

static void judge(struct probe *p, bool ok, const char *why)
{
    struct probe_report *r = &p->report;
    struct metrics *m = p->lp->metrics;
    p->judged = true;
    r->last = time(NULL);
    r->handshake_us = p->handshake_us;
    r->pong_us = p->pong_us;
    r->failures = ok ? 0 : r->failures + 1;
    metric_add(m, ok ? METRIC_PROBE_OK : METRIC_PROBE_FAILED, 1);
    metric_set(m, METRIC_PROBE_FAILURES, r->failures);
    if (ok)
        metric_observe(m, HISTOGRAM_PROBE_DURATION, (p->handshake_us + p->pong_us) / 1000);
    if (!set_state(p, ok ? PROBE_OK : PROBE_FAILING, why))
        return;
    if (ok)
        log_info("probe_ok");
    else
        log_warn("probe_failing", LOG_S("why", why));
}

static uint64_t us_since(uint64_t ns)
{
    return (uv_hrtime() - ns) / 1000;
}

/* ---- the WebSocket ---- */

static ssize_t on_recv(wslay_event_context_ptr ws, uint8_t *to, size_t n, int flags, void *arg)
{
    struct probe *p = arg;
    ptrdiff_t got = UV_EAGAIN;
    (void)flags;
    if (p->rest.n > 0) {
        got = (ptrdiff_t)(n < p->rest.n ? n : p->rest.n);
        memcpy(to, p->rest.p, (size_t)got);
        p->rest.p += got;
        p->rest.n -= (size_t)got;
    } else if (p->reads > 0) {
        p->reads--;
        got = transport_read(p->t, &(struct iovec){to, n}, 1);
    }
    if (got > 0)
        return got;
    wslay_event_set_error(ws, got == UV_EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr ws, const uint8_t *from, size_t n, int flags,
                       void *arg)
{
    struct probe *p = arg;
    ptrdiff_t sent = transport_write(p->t, &(struct iovec){(void *)(uintptr_t)from, n}, 1);
    (void)flags;
    if (sent > 0)
        return sent;
    wslay_event_set_error(ws, sent == 0 ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr ws, uint8_t *key, size_t n, void *arg)
{
    (void)ws;
    (void)arg;
    token_random(key, n);
    return 0;
}

/* Frames are looked at too, since wslay 1.1.1 takes a Close with 1012, 1013 or 1014 for a fault and
 * tells nothing of it. */
static void on_frame(wslay_event_context_ptr ws,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct probe *p = arg;
    (void)ws;
    p->opcode = frame->opcode;
    p->have = 0;
}

static void on_payload(wslay_event_context_ptr ws,
                       const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
    struct probe *p = arg;
    (void)ws;
    if (!wslay_is_ctrl_frame(p->opcode) || chunk->data_length > sizeof(p->payload) - p->have)
        return;
    memcpy(p->payload + p->have, chunk->data, chunk->data_length);
    p->have = (uint8_t)(p->have + chunk->data_length);
}

/* Any other pong is not ours. */
static void on_message(wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *m,
                       void *arg)
{
    struct probe *p = arg;
    if (p->judged || m->opcode != WSLAY_PONG || m->msg_length != sizeof(p->pinged) ||
        memcmp(m->msg, &p->pinged, sizeof(p->pinged)) != 0)
        return;
    p->pong_us = us_since(p->pinged);
    judge(p, true, "handshake, ping and pong");
    wslay_event_queue_close(ws, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
}

static void drop(struct probe *p)
{
    if (p->ws)
        wslay_event_context_free(p->ws);
    p->ws = NULL;
    transport_close(p->t);
    p->t = NULL;
    upgrade_close(p->upgrade, REASON_NONE);
    p->upgrade = NULL;
}

/* Of a Close; ERR_PROTOCOL: there was none, or a bad one. */
static int close_code(const struct probe *p)
{
    uint16_t fault;
    return p->opcode == WSLAY_CONNECTION_CLOSE ? control_read_close(p->payload, p->have, &fault)
                                               : ERR_PROTOCOL;
}

static void fail_without_pong(struct probe *p, bool gone)
{
    char what[24], why[64];
    int code = close_code(p);
    if (code >= 0 && code != CLOSE_NONE)
        snprintf(what, sizeof(what), "a Close %d", code);
    else
        snprintf(what, sizeof(what), "%s",
                 code == CLOSE_NONE ? "a Close"
                 : gone             ? "an end"
                                    : "bad frames");
    snprintf(why, sizeof(why), "handshake ok, then %s instead of a pong", what);
    judge(p, false, why);
}

/* The last statement of an entry. */
static void pump(struct probe *p)
{
    p->reads = READS;
    bool gone = wslay_event_recv(p->ws) != 0;
    if (!p->judged && !wslay_event_get_read_enabled(p->ws))
        fail_without_pong(p, gone);
    gone = gone || wslay_event_send(p->ws) != 0;
    unsigned wants = (wslay_event_want_read(p->ws) ? TRANSPORT_READ : 0) |
                     (wslay_event_want_write(p->ws) ? TRANSPORT_WRITE : 0);
    if (gone || !wants)
        drop(p);
    else
        transport_want(p->t, wants);
}

static void on_transport(void *owner, unsigned events)
{
    (void)events;
    pump(owner);
}

static void open_websocket(struct probe *p)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_chunk_callback = on_payload,
        .on_msg_recv_callback = on_message,
    };
    p->t = upgrade_take(p->upgrade, &p->rest);
    p->opcode = p->have = 0;
    if (wslay_event_context_client_init(&p->ws, &callbacks, p) != 0)
        abort();
    wslay_event_config_set_no_buffering(p->ws, 1);
    p->pinged = uv_hrtime();
    wslay_event_queue_msg(p->ws, &(struct wslay_event_msg){WSLAY_PING, (const uint8_t *)&p->pinged,
                                                           sizeof(p->pinged)});
    transport_owner(p->t, on_transport, p);
    pump(p);
}

/* ---- the handshake ---- */

static void on_upgrade(void *owner, struct upgrade *u)
{
    struct probe *p = owner;
    char why[sizeof(p->report.why)];
    const char *what = upgrade_why(u);
    if (upgrade_switched(u, &what)) {
        p->handshake_us = us_since(p->begun);
        open_websocket(p);
        return;
    }
    snprintf(why, sizeof(why), "handshake: %s", what);
    judge(p, false, why);
    drop(p);
}

/* Time is up by our clock alone: an answer that is late is given twice as long. */
static void begin(struct probe *p)
{
    struct conf *c = p->conf;
    char mark[sizeof(FORWARD_MARK ": \r\n") + sizeof(p->mark)];
    snprintf(mark, sizeof(mark), FORWARD_MARK ": %s\r\n", p->mark);
    buf_clear(&p->head);
    upgrade_ask(c, c->probe.path, "probe", true, mark, &p->head);
    p->judged = false;
    p->handshake_us = p->pong_us = 0;
    p->begun = uv_hrtime();
    p->upgrade =
        upgrade_start_at(p->lp, c, &p->at, (struct str){(const char *)p->head.data, p->head.len},
                         2 * c->probe.period, on_upgrade, p);
}

static void fail_late(struct probe *p)
{
    struct buf why = {0};
    buf_adds(&why, p->t ? "handshake ok, no pong within " : "handshake: no answer within ");
    quantity_print(quantity_durations, p->conf->probe.period, &why);
    buf_add(&why, "", 1);
    judge(p, false, (const char *)why.data);
    buf_fini(&why);
}

static void on_timer(struct timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    bool waits = p->upgrade && !p->judged;
    if (waits && p->lp->now - t->due > STALL) {
        loop_timer(p->lp, t, STALL);
        return;
    }
    if (waits)
        fail_late(p);
    drop(p);
    loop_timer(p->lp, &p->timer, p->conf->probe.period);
    begin(p);
}

/* ---- from without ---- */

void probe_init(struct probe *p, struct loop *lp)
{
    *p = (struct probe){.lp = lp};
    token_key(p->mark);
    timer_init(&p->timer, on_timer);
    buf_init(&p->head);
}

void probe_listens(struct probe *p, const struct address *at)
{
    address_fini(&p->at);
    p->at = *at;
    p->moved = true;
}

static bool goes_on(const struct probe *p, const struct conf *conf)
{
    const struct conf *old = p->conf;
    return old && !p->moved && strcmp(old->probe.path, conf->probe.path) == 0 &&
           old->probe.period == conf->probe.period &&
           strcmp(old->backend.address.text, conf->backend.address.text) == 0;
}

/* What was found before says nothing of what is asked from now on. */
static void forget(struct probe *p)
{
    timer_stop(&p->lp->wheel, &p->timer);
    drop(p);
    p->report = (struct probe_report){.since = time(NULL)};
    metric_set(p->lp->metrics, METRIC_PROBE_FAILURES, 0);
}

void probe_use(struct probe *p, struct conf *conf)
{
    bool same = goes_on(p, conf);
    p->conf = conf;
    if (same)
        return;
    p->moved = false;
    forget(p);
    if (!*conf->probe.path) {
        set_state(p, PROBE_OFF, "probe.path is not set");
        return;
    }
    set_state(p, PROBE_UNKNOWN, "none has ended yet");
    loop_timer(p->lp, &p->timer, 0);
}

void probe_stop(struct probe *p)
{
    timer_stop(&p->lp->wheel, &p->timer);
    drop(p);
    if (p->report.state != PROBE_OFF)
        set_state(p, PROBE_FAILING, "about to stop");
}

void probe_fini(struct probe *p)
{
    buf_fini(&p->head);
    address_fini(&p->at);
}
