/* The process: see process.h.
 *
 * Order of the end: /readyz fails; each worker closes its listener, ends what it has and reports;
 * only when all have reported are they stopped and joined; then the admin listener, the loop, the
 * log. */
#include "process.h"
#include "admin/admin.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that no session may take: listeners, loops, the log, the admin's connections. */
#define RESERVED_FDS 64u

struct process {
    struct loop loop;
    struct metrics metrics;
    struct conf *conf;
    struct worker *workers;
    unsigned n, empty;      /* workers; those that are */
    struct metrics **loops; /* of all */
    struct worker_room room;
    struct admin admin;
    struct admin_source source;
    uv_signal_t term, interrupt;
    bool stopping, killed;
};

static void stop(struct process *p)
{
    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    loop_stop(&p->loop);
}

static void on_empty(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, empty);
    struct process *p = CONTAINER_OF(w->control, struct process, loop.mail);
    if (++p->empty == p->n)
        stop(p);
}

/* The first: in peace. The second: at once. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct process *p = signal->data;
    log_info("signal", LOG_U("number", number), LOG_S("does", p->stopping ? "kill" : "drain"));
    if (!p->stopping) /* before the sockets close: from then on the path may be another process's */
        listener_unlink(&p->conf->listen.address);
    for (unsigned i = 0; i < p->n && !p->killed; i++)
        if (p->stopping)
            worker_kill(&p->workers[i]);
        else
            worker_drain(&p->workers[i]);
    p->killed = p->stopping;
    p->stopping = true;
    p->source.ready = false;
}

/* Raises the soft limit to the hard one, and the connection limit's share of it: a session takes
 * two descriptors. */
static uint64_t connection_limit(uint64_t wanted)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return wanted;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    getrlimit(RLIMIT_NOFILE, &r);
    uint64_t most = r.rlim_cur > RESERVED_FDS + 2 ? (r.rlim_cur - RESERVED_FDS) / 2 : 1;
    if (wanted <= most)
        return wanted;
    log_warn("connections_clamped", LOG_U("limit", wanted), LOG_U("now", most),
             LOG_U("descriptors", r.rlim_cur));
    return most;
}

/* What the cgroup lets the process use (cpu.max: quota and period in µs), where that is less than
 * the CPUs there are. */
static unsigned cpus(void)
{
    unsigned n = uv_available_parallelism();
    unsigned long quota, period;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f)
        return n;
    if (fscanf(f, "%lu %lu", &quota, &period) == 2 && period > 0 && quota / period < n)
        n = quota < period ? 1 : (unsigned)(quota / period);
    fclose(f);
    return n;
}

/* n sockets on one address into fds; what is wrong it has said. */
static int open_sockets(const struct address *a, const char *what, unsigned n, int *fds)
{
    struct buf text;
    buf_init(&text);
    int err = listener_sockets(a, n, fds, &text);
    if (!err)
        listener_name(fds[0], &text);
    struct str said = {(const char *)text.data, text.len};
    if (err)
        log_error("cannot_listen", LOG_S("listener", what), LOG_STR("why", said));
    else
        log_info("listening", LOG_STR("address", said), LOG_S("listener", what));
    buf_fini(&text);
    return err;
}

static int open_admin(struct process *p)
{
    int fd;
    p->source = (struct admin_source){.loops = p->loops, .n = p->n + 1, .ready = true};
    if (!*p->conf->admin.address.text)
        return 0;
    int err = open_sockets(&p->conf->admin.address, "admin", 1, &fd);
    return err ? err : admin_open(&p->admin, &p->loop, fd, &p->source);
}

static int start_workers(struct process *p)
{
    int *fds = mem_alloc(p->n * sizeof(*fds)),
        err = open_sockets(&p->conf->listen.address, "traffic", p->n, fds);
    p->room =
        (struct worker_room){p->loops, p->n + 1, connection_limit(p->conf->limits.connections)};
    for (unsigned i = 0; i < p->n && !err; i++)
        err = worker_open(&p->workers[i], &(struct worker_setup){
                                              .id = i + 1,
                                              .conf = p->conf,
                                              .fd = fds[i],
                                              .control = &p->loop.mail,
                                              .empty = on_empty,
                                              .room = &p->room,
                                          });
    for (unsigned i = 0; i < p->n && !err; i++)
        err = worker_start(&p->workers[i]);
    free(fds);
    return err;
}

static void watch(struct process *p, uv_signal_t *signal, int number)
{
    uv_signal_init(&p->loop.uv, signal);
    signal->data = p;
    uv_signal_start(signal, on_signal, number);
}

/* A worker that could not be started ends the process at once: there is nothing yet that could be
 * lost. */
static int start(struct process *p)
{
    watch(p, &p->term, SIGTERM); /* one that comes while the workers start is heard behind that */
    watch(p, &p->interrupt, SIGINT);
    int err = open_admin(p);
    if (!err)
        err = start_workers(p);
    return err;
}

/* False: a name look-up still runs in libuv's thread pool, whose end exit() would wait for (8 s and
 * more). */
static bool finish(struct process *p)
{
    bool closable = true;
    for (unsigned i = 0; i < p->n; i++)
        worker_stop(&p->workers[i]);
    for (unsigned i = 0; i < p->n; i++) {
        worker_join(&p->workers[i]);
        closable = closable && !p->workers[i].unclosable;
    }
    listener_unlink(&p->conf->admin.address);
    admin_close(&p->admin);
    BUG_ON(loop_close(&p->loop) != 0);
    return closable;
}

int process_run(struct conf *conf, const struct strings *notes)
{
    struct process *p = mem_zalloc(sizeof(*p));
    signal(SIGPIPE, SIG_IGN);
    log_start((enum log_format)conf->log.format, (enum log_level)conf->log.level);
    for (unsigned i = 0; i < notes->n; i++)
        log_warn("conf_note", LOG_S("note", notes->v[i]));
    p->conf = conf;
    p->n = conf->workers ? (unsigned)conf->workers : cpus();
    p->workers = mem_zalloc(p->n * sizeof(*p->workers));
    p->loops = mem_zalloc((p->n + 1) * sizeof(*p->loops));
    p->loops[0] = &p->metrics;
    for (unsigned i = 0; i < p->n; i++)
        p->loops[i + 1] = &p->workers[i].metrics;
    if (loop_open(&p->loop, 0, conf, &p->metrics) < 0 || start(p) < 0) {
        log_stop();
        _exit(1);
    }
    loop_run(&p->loop);
    bool closable = finish(p);
    log_info("stopped");
    log_stop();
    if (!closable)
        _exit(0);
    free(p->loops);
    free(p->workers);
    conf_unref(conf);
    free(p);
    return 0;
}
