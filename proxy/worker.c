/* A worker: see worker.h. */
#include "worker.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/gate.h"
#include "net/resolve.h"
#include <stdlib.h>
#include <unistd.h>

static void tell_if_empty(struct worker *w)
{
    if (!w->draining || w->told || w->sessions.count + w->fronts.count > 0)
        return;
    w->told = true;
    timer_stop(&w->loop.wheel, &w->deadline);
    upstreams_close(&w->upstreams);
    mailbox_send(w->control, &w->empty);
}

static void on_ended(void *owner)
{
    struct worker *w = owner;
    if (w->listener)
        listener_resume(w->listener);
    tell_if_empty(w);
}

static bool has_room(void *owner)
{
    struct worker *w = owner;
    return metrics_sum(w->room->loops, w->room->n, METRIC_CONNECTIONS_CLIENT) <
           atomic_load_explicit(&w->room->limit, memory_order_relaxed);
}

static void on_connection(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct worker *w = owner;
    front_accept(&w->fronts, w->conf, fd, peer);
}

/* ---- a reload ---- */

struct reload {
    struct letter letter;
    struct worker *worker;
    struct conf *conf;
    int fd;
};

/* What waits in the old queue came under the old settings. */
static void move(struct worker *w, int fd)
{
    struct listener *l;
    int err = listener_open(&w->loop, fd, on_connection, has_room, w, &l);
    if (err < 0) {
        log_error("cannot_listen", LOG_S("listener", "traffic"), LOG_S("why", err_text(err)));
        close(fd);
        return;
    }
    listener_close(w->listener);
    w->listener = l;
}

static void on_reload(struct letter *l)
{
    struct reload *r = CONTAINER_OF(l, struct reload, letter);
    struct worker *w = r->worker;
    BUG_ON(w->draining);
    if (r->fd >= 0)
        move(w, r->fd);
    conf_unref(w->conf);
    w->conf = r->conf;
    w->loop.conf = r->conf;
    listener_resume(w->listener);
    free(r);
}

void worker_reload(struct worker *w, struct conf *conf, int fd)
{
    struct reload *r = mem_alloc(sizeof(*r));
    *r = (struct reload){{.fn = on_reload}, w, conf_ref(conf), fd};
    mailbox_send(&w->loop.mail, &r->letter);
}

/* ---- readiness ---- */

struct verdict {
    struct letter letter;
    struct worker *worker;
    bool ready;
};

static void on_verdict(struct letter *l)
{
    struct verdict *v = CONTAINER_OF(l, struct verdict, letter);
    if (gate_set(v->worker->loop.gate, v->ready))
        sessions_wake(&v->worker->sessions);
    free(v);
}

void worker_ready(struct worker *w, bool ready)
{
    struct verdict *v = mem_alloc(sizeof(*v));
    *v = (struct verdict){{.fn = on_verdict}, w, ready};
    mailbox_send(&w->loop.mail, &v->letter);
}

/* A letter that is still on its way says this too. */
static void on_gate_failed(void *owner)
{
    struct worker *w = owner;
    if (!atomic_exchange(&w->failing, true))
        mailbox_send(w->control, &w->failed);
}

void worker_heard(struct worker *w)
{
    atomic_store(&w->failing, false);
}

/* ---- the end ---- */

static void on_leave(struct letter *l)
{
    CONTAINER_OF(l, struct worker, leave)->fronts.stopping = true;
}

static void end_all(struct worker *w)
{
    fronts_kill(&w->fronts);
    sessions_kill(&w->sessions);
    tell_if_empty(w);
}

static void on_deadline(struct timer *t)
{
    struct worker *w = CONTAINER_OF(t, struct worker, deadline);
    log_warn("drain_timeout", LOG_U("sessions", w->sessions.count), LOG_U("http", w->fronts.count));
    end_all(w);
}

static void stop_accepting(struct worker *w)
{
    w->draining = true;
    listener_close(w->listener);
    w->listener = NULL;
}

static void on_drain(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, drain);
    stop_accepting(w);
    upstreams_close(&w->upstreams);
    fronts_drain(&w->fronts);
    sessions_drain(&w->sessions, w->drain_ms);
    loop_timer(&w->loop, &w->deadline, w->drain_ms); /* behind those of the sessions */
    tell_if_empty(w);
}

static void on_kill(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, kill);
    if (w->listener)
        stop_accepting(w);
    end_all(w);
}

static void on_stop(struct letter *l)
{
    loop_stop(&CONTAINER_OF(l, struct worker, stop)->loop);
}

static void run(void *arg)
{
    struct worker *w = arg;
    loop_run(&w->loop);
    gate_close(&w->loop);
    w->unclosable = resolver_close(&w->loop);
    if (!w->unclosable)
        loop_close(&w->loop);
}

int worker_open(struct worker *w, const struct worker_setup *setup)
{
    *w = (struct worker){
        .conf = conf_ref(setup->conf),
        .control = setup->control,
        .room = setup->room,
        .leave.fn = on_leave,
        .drain.fn = on_drain,
        .kill.fn = on_kill,
        .stop.fn = on_stop,
        .failed.fn = setup->failed,
        .empty.fn = setup->empty,
    };
    timer_init(&w->deadline, on_deadline);
    int err = loop_open(&w->loop, setup->id, setup->conf, &w->metrics);
    if (err)
        goto fail_fd;
    upstreams_init(&w->upstreams, &w->loop);
    sessions_init(&w->sessions, &w->loop, on_ended, w);
    sessions_among(&w->sessions, setup->room->loops, setup->room->n);
    fronts_init(&w->fronts, &w->loop, &w->upstreams, &w->sessions, on_ended, w);
    w->fronts.mark = setup->mark;
    err = resolver_open(&w->loop);
    if (err)
        goto fail_loop;
    gate_open(&w->loop, false, on_gate_failed, w);
    err = listener_open(&w->loop, setup->fd, on_connection, has_room, w, &w->listener);
    if (err)
        goto fail_gate;
    uv_ref((uv_handle_t *)&w->loop.mail.async); /* it lives until its `stop` letter */
    return 0;

fail_gate:
    gate_close(&w->loop);
    resolver_close(&w->loop);
fail_loop:
    loop_close(&w->loop);
fail_fd:
    conf_unref(w->conf);
    close(setup->fd);
    return err;
}

int worker_start(struct worker *w)
{
    return uv_thread_create(&w->thread, run, w);
}

void worker_leave(struct worker *w)
{
    mailbox_send(&w->loop.mail, &w->leave);
}

void worker_drain(struct worker *w, uint64_t ms)
{
    w->drain_ms = ms;
    mailbox_send(&w->loop.mail, &w->drain);
}

void worker_kill(struct worker *w)
{
    mailbox_send(&w->loop.mail, &w->kill);
}

void worker_stop(struct worker *w)
{
    mailbox_send(&w->loop.mail, &w->stop);
}

void worker_join(struct worker *w)
{
    uv_thread_join(&w->thread);
    conf_unref(w->conf);
}
