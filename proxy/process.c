/* The process: see process.h.
 *
 * A reload first does what can fail: it loads, then opens where to listen. It touches no worker:
 * each gets a letter. What each had, its connections keep.
 *
 * Order of the end: /readyz fails; after timeouts.lameduck, in which all else goes on, each worker
 * closes its listener, ends what it has and reports; only when all have reported are they stopped
 * and joined; then the admin listener, the loop, one line that sums up, the log. */
#include "process.h"
#include "admin/admin.h"
#include "base/err.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/vitals.h"
#include "config/change.h"
#include "net/resolve.h"
#include "probe.h"
#include "readiness.h"
#include "sweep.h"
#include "worker.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
    struct loop loop;
    struct metrics metrics;
    struct conf *conf; /* in force */
    const struct conf_sources *from;
    struct worker *workers;
    unsigned n, empty;      /* workers; those that are */
    struct metrics **loops; /* of all */
    struct worker_room room;
    struct admin admin;
    struct admin_source source;
    uv_signal_t term, interrupt, hangup;
    struct sweep sweep;
    struct readiness readiness;
    struct probe probe;
    struct task reload;    /* posted: many signals are one reload */
    struct timer lameduck; /* its end */
    uint64_t until;        /* ms: when what is left is reset */
    enum { SERVES, LAMEDUCK, DRAINS, KILLED } phase;
};

/* Of timeouts.drain, in percent. Then what is left is reset; the rest of it is for that, for the
 * threads, and for the log, which may take 0.5 s. */
enum { DRAIN_SHARE = 90 };

/* ---- readiness ---- */

static void tell_readiness(void *owner)
{
    struct process *p = owner;
    p->source.ready = p->readiness.ready;
    for (unsigned i = 0; i < p->n; i++)
        worker_ready(&p->workers[i], p->readiness.ready);
}

static void on_failed(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, failed);
    struct process *p = CONTAINER_OF(w->control, struct process, loop.mail);
    worker_heard(w);
    if (p->phase >= DRAINS)
        return;
    readiness_failed(&p->readiness);
    tell_readiness(p);
}

/* ---- the end ---- */

static void stop(struct process *p)
{
    loop_unpost(&p->loop, &p->reload);
    sweep_stop(&p->sweep);
    loop_stop(&p->loop);
}

static void on_empty(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, empty);
    struct process *p = CONTAINER_OF(w->control, struct process, loop.mail);
    if (++p->empty == p->n)
        stop(p);
}

/* Nobody new from here on. Before the sockets close: then the path may be another process's. */
static void shut(struct process *p)
{
    timer_stop(&p->loop.wheel, &p->lameduck);
    readiness_stop(&p->readiness);
    probe_stop(&p->probe);
    listener_unlink(&p->conf->listen.address);
}

/* Where timeouts.lameduck would take all the time, a tenth is left to tell the clients in: at the
 * end itself a socket that takes no byte at that moment would hear nothing. */
static void leave(struct process *p)
{
    uint64_t time = p->conf->timeouts.drain * DRAIN_SHARE / 100;
    uint64_t lameduck = p->conf->timeouts.lameduck, most = time - time / 10;
    p->phase = LAMEDUCK;
    p->source.stopping = true;
    p->until = p->loop.now + time;
    for (unsigned i = 0; i < p->n; i++)
        worker_leave(&p->workers[i]);
    loop_timer(&p->loop, &p->lameduck, lameduck < most ? lameduck : most);
}

static void on_lameduck(struct timer *t)
{
    struct process *p = CONTAINER_OF(t, struct process, lameduck);
    uint64_t now = p->loop.now;
    shut(p);
    p->phase = DRAINS;
    for (unsigned i = 0; i < p->n; i++)
        worker_drain(&p->workers[i], p->until > now ? p->until - now : 0);
}

static void kill_all(struct process *p)
{
    if (p->phase == LAMEDUCK)
        shut(p);
    p->phase = KILLED;
    for (unsigned i = 0; i < p->n; i++)
        worker_kill(&p->workers[i]);
}

/* The first: in peace. The second: at once. */
static void on_signal(uv_signal_t *signal, int number)
{
    static const char *const does[] = {"drain", "kill", "kill", "nothing"};
    struct process *p = signal->data;
    loop_enter(&p->loop);
    log_info("signal", LOG_U("number", number), LOG_S("does", does[p->phase]));
    switch (p->phase) {
    case SERVES:
        leave(p);
        return;
    case LAMEDUCK:
    case DRAINS:
        kill_all(p);
        return;
    case KILLED:
        return;
    }
}

static struct str text_of(const struct buf *b)
{
    return (struct str){(const char *)b->data, b->len};
}

/* n sockets on one address into fds, or one line in `why`. */
static int open_sockets(const struct address *a, const char *what, unsigned n, int *fds,
                        struct buf *why)
{
    struct buf name;
    int err = listener_sockets(a, n, fds, why);
    if (err)
        return err;
    buf_init(&name);
    listener_name(fds[0], &name);
    log_info("listening", LOG_STR("address", text_of(&name)), LOG_S("listener", what));
    buf_fini(&name);
    return 0;
}

static int tell_probe(struct process *p, int fd)
{
    struct address at;
    int err = listener_reach(fd, &at);
    if (!err)
        probe_listens(&p->probe, &at);
    return err;
}

static void say_cannot_listen(const char *what, struct buf *why)
{
    log_error("cannot_listen", LOG_S("listener", what), LOG_STR("why", text_of(why)));
    buf_fini(why);
}

static int open_admin(struct process *p, const struct address *a)
{
    struct buf why = {0};
    int fd = -1, err = *a->text ? open_sockets(a, "admin", 1, &fd, &why) : 0;
    if (!err && (err = admin_listen(&p->admin, fd)) < 0)
        buf_adds(&why, err_text(err));
    if (err)
        say_cannot_listen("admin", &why);
    return err;
}

static void say_notes(const struct strings *notes)
{
    for (unsigned i = 0; i < notes->n; i++)
        log_warn("conf_note", LOG_S("note", notes->v[i]));
}

/* ---- a reload ---- */

static void reload_failed(struct process *p, const struct buf *why)
{
    log_error("reload_failed", LOG_STR("why", text_of(why)), LOG_S("in_force", "the old settings"));
    metric_add(&p->metrics, METRIC_RELOADS_FAILED, 1);
}

static bool moves(const struct address *from, const struct address *to)
{
    return strcmp(from->text, to->text) != 0;
}

/* The path goes before the queue is drained: nobody comes behind that. */
static void move_admin(struct process *p, struct conf *to)
{
    const struct address *old = &p->conf->admin.address;
    if (!moves(old, &to->admin.address))
        return;
    if (open_admin(p, &to->admin.address) < 0)
        conf_keep(to, p->conf, "admin.address");
    else
        listener_unlink(old);
}

static void tell_limits(struct process *p, const struct conf *c)
{
    metric_set(&p->metrics, METRIC_BUFFER_LIMIT, c->buffer.total);
    metric_set(&p->metrics, METRIC_CONNECTIONS_LIMIT,
               atomic_load_explicit(&p->room.limit, memory_order_relaxed));
}

/* Takes c; fds: NULL where the workers listen on. */
static void put_in_force(struct process *p, struct conf *c, const int *fds)
{
    struct conf *old = p->conf;
    log_set((enum log_format)c->log.format, (enum log_level)c->log.level);
    if (c->limits.connections != old->limits.connections)
        atomic_store_explicit(&p->room.limit, machine_connections(c->limits.connections),
                              memory_order_relaxed);
    tell_limits(p, c);
    if (fds) {
        listener_unlink(&old->listen.address);
        tell_probe(p, fds[0]);
    }
    readiness_reload(&p->readiness, c);
    tell_readiness(p); /* before they may dial another backend */
    for (unsigned i = 0; i < p->n; i++)
        worker_reload(&p->workers[i], c, fds ? fds[i] : -1);
    probe_use(&p->probe, c);
    p->loop.conf = p->conf = c;
    if (c->timeouts.cleanup != old->timeouts.cleanup)
        sweep_start(&p->sweep, &p->loop, p->loops, p->n + 1);
    conf_unref(old);
}

/* Where nothing changed the old conf stays, and with it the connections that are kept under it. */
static void replace(struct process *p, struct conf *c, const int *fds, const struct strings *notes)
{
    struct buf deferred = {0}, changed = {0};
    conf_defer(c, p->conf, &deferred);
    move_admin(p, c);
    conf_changes(p->conf, c, &changed);
    if (changed.len > 0)
        put_in_force(p, c, fds);
    else
        conf_unref(c);
    say_notes(notes);
    log_info("reloaded", LOG_STR("changed", changed.len > 0 ? text_of(&changed) : STR("nothing")));
    if (deferred.len > 0)
        log_warn("restart_needed", LOG_STR("settings", text_of(&deferred)));
    metric_add(&p->metrics, METRIC_RELOADS_OK, 1);
    buf_fini(&deferred);
    buf_fini(&changed);
}

static void reload(struct process *p)
{
    struct conf *c;
    struct strings notes = {0};
    struct buf why = {0};
    int *fds = NULL, err = conf_load(p->from, &c, &notes, &why);
    if (!err && moves(&p->conf->listen.address, &c->listen.address)) {
        fds = mem_alloc(p->n * sizeof(*fds));
        err = open_sockets(&c->listen.address, "traffic", p->n, fds, &why);
        if (err)
            conf_unref(c);
    }
    if (err)
        reload_failed(p, &why);
    else
        replace(p, c, fds, &notes);
    free(fds);
    strings_fini(&notes);
    buf_fini(&why);
}

static void on_reload(struct task *t)
{
    struct process *p = CONTAINER_OF(t, struct process, reload);
    if (p->phase == SERVES)
        reload(p);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct process *p = signal->data;
    bool serves = p->phase == SERVES;
    log_info("signal", LOG_U("number", number), LOG_S("does", serves ? "reload" : "nothing"));
    if (serves)
        loop_post(&p->loop, &p->reload);
}

/* ---- the start ---- */

static int start_workers(struct process *p)
{
    struct buf why = {0};
    int *fds = mem_alloc(p->n * sizeof(*fds)),
        err = open_sockets(&p->conf->listen.address, "traffic", p->n, fds, &why);
    if (err)
        say_cannot_listen("traffic", &why);
    else
        err = tell_probe(p, fds[0]);
    p->room =
        (struct worker_room){p->loops, p->n + 1, machine_connections(p->conf->limits.connections)};
    tell_limits(p, p->conf);
    for (unsigned i = 0; i < p->n && !err; i++)
        err = worker_open(&p->workers[i], &(struct worker_setup){
                                              .id = i + 1,
                                              .conf = p->conf,
                                              .fd = fds[i],
                                              .control = &p->loop.mail,
                                              .failed = on_failed,
                                              .empty = on_empty,
                                              .room = &p->room,
                                              .mark = p->probe.mark,
                                          });
    for (unsigned i = 0; i < p->n && !err; i++)
        err = worker_start(&p->workers[i]);
    free(fds);
    return err;
}

static void watch(struct process *p, uv_signal_t *signal, uv_signal_cb fn, int number)
{
    uv_signal_init(&p->loop.uv, signal);
    signal->data = p;
    uv_signal_start(signal, fn, number);
}

static void mask(int how, int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(how, &set, NULL);
}

/* Its default would be a wrong exit status. The threads are at their end. */
static void unwatch(uv_signal_t *handle)
{
    int number = handle->signum;
    mask(SIG_BLOCK, number); /* while libuv puts the default back */
    uv_close((uv_handle_t *)handle, NULL);
    signal(number, SIG_IGN);
}

/* Where one is closed the next socket would take its place: the log would go there, and libuv
 * aborts when it is to close one. */
static void open_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void process_prepare(void)
{
    open_standard();
    mask(SIG_BLOCK, SIGHUP);
}

/* A worker that could not be started ends the process at once: there is nothing yet that could be
 * lost. */
static int start(struct process *p)
{
    watch(p, &p->term, on_signal, SIGTERM); /* while the workers start: heard behind that */
    watch(p, &p->interrupt, on_signal, SIGINT);
    watch(p, &p->hangup, on_hangup, SIGHUP);
    mask(SIG_UNBLOCK, SIGHUP);
    admin_init(&p->admin, &p->loop, &p->source);
    int err = open_admin(p, &p->conf->admin.address);
    if (!err)
        err = start_workers(p);
    return err;
}

/* False: a name look-up still runs in libuv's thread pool, whose end exit() would wait for (8 s and
 * more). */
static bool finish(struct process *p)
{
    bool own = !resolver_close(&p->loop), closable = own;
    for (unsigned i = 0; i < p->n; i++)
        worker_stop(&p->workers[i]);
    for (unsigned i = 0; i < p->n; i++) {
        worker_join(&p->workers[i]);
        closable = closable && !p->workers[i].unclosable;
    }
    unwatch(&p->term);
    unwatch(&p->interrupt);
    unwatch(&p->hangup);
    listener_unlink(&p->conf->admin.address);
    admin_close(&p->admin);
    BUG_ON(own && loop_close(&p->loop) != 0);
    return closable;
}

int process_run(struct conf *conf, const struct strings *notes, const struct conf_sources *from)
{
    struct process *p = mem_zalloc(sizeof(*p));
    signal(SIGPIPE, SIG_IGN);
    log_start((enum log_format)conf->log.format, (enum log_level)conf->log.level);
    say_notes(notes);
    p->conf = conf;
    p->from = from;
    task_init(&p->reload, on_reload);
    timer_init(&p->lameduck, on_lameduck);
    p->n = conf->workers ? (unsigned)conf->workers : machine_cpus();
    p->workers = mem_zalloc(p->n * sizeof(*p->workers));
    p->loops = mem_zalloc((p->n + 1) * sizeof(*p->loops));
    p->loops[0] = &p->metrics;
    vitals_start(&p->metrics);
    for (unsigned i = 0; i < p->n; i++)
        p->loops[i + 1] = &p->workers[i].metrics;
    p->source = (struct admin_source){.loops = p->loops, .n = p->n + 1, .probe = &p->probe.report};
    probe_init(&p->probe, &p->loop);
    if (loop_open(&p->loop, 0, conf, &p->metrics) < 0 || resolver_open(&p->loop) < 0 ||
        start(p) < 0) {
        log_stop();
        _exit(1);
    }
    sweep_start(&p->sweep, &p->loop, p->loops, p->n + 1);
    readiness_start(&p->readiness, &p->loop, conf, tell_readiness, p);
    probe_use(&p->probe, conf);
    loop_run(&p->loop);
    bool closable = finish(p);
    probe_fini(&p->probe);
    sweep_sum_up(&p->sweep); /* nothing is in flight any more */
    log_info("stopped");
    log_stop();
    if (!closable)
        _exit(0);
    free(p->loops);
    free(p->workers);
    conf_unref(p->conf);
    free(p);
    return 0;
}
