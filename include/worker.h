/* One thread with one loop: a listening socket and all the traffic that comes on it.
 *
 * The control loop speaks to it by letters, and it answers by two: that the backend cannot be
 * reached, and that it is empty. A worker that is empty may not be stopped before all are. */
#ifndef WSKEEP_WORKER_H
#define WSKEEP_WORKER_H

#include "front.h"
#include "net/listener.h"

struct worker {
    struct loop loop;
    struct metrics metrics;
    struct upstreams upstreams;
    struct sessions sessions;
    struct fronts fronts;
    struct conf *conf;         /* what new connections begin with */
    struct listener *listener; /* NULL: closed */
    struct timer deadline;     /* of the drain */
    uint64_t drain_ms;         /* written before `drain` is sent */
    bool draining, told;
    uv_thread_t thread;
    struct letter leave, drain, kill, stop; /* to it */
    struct letter failed, empty;            /* from it */
    atomic_bool failing;                    /* `failed` is on its way */
    struct mailbox *control;
    bool unclosable; /* after worker_join: a look-up still runs, the process has to end by _exit */
    const struct worker_room {
        struct metrics *const *loops; /* of all loops: the limit is the process's */
        unsigned n;
        _Atomic uint64_t limit; /* client connections; set by the control loop */
    } * room;
};

struct worker_setup {
    unsigned id;       /* from 1 on */
    struct conf *conf; /* a reference is taken */
    int fd;            /* listening; taken */
    struct mailbox *control;
    letter_fn *failed; /* called on the control loop, with &w->failed: see worker_heard */
    letter_fn *empty;  /* likewise, with &w->empty */
    const struct worker_room *room;
    const char *mark; /* see fronts; lasts as long as the worker */
};

int worker_open(struct worker *w, const struct worker_setup *setup);
/* Its thread begins: after all workers are open, since they read each other's counters. */
int worker_start(struct worker *w);
/* From the control loop, until worker_drain, any number of times: new connections begin with conf,
 * to which a reference is taken, and come on fd, which is taken; -1: where they did before. A limit
 * that was raised is noticed. */
void worker_reload(struct worker *w, struct conf *conf, int fd);
/* From the control loop, any number of times: whether the backend may be given traffic. It may not
 * before this has said so, nor behind `failed` until it says so again. */
void worker_ready(struct worker *w, bool ready);
/* The first thing that `failed` does: from here on it may come again. */
void worker_heard(struct worker *w);
/* From the control loop, in this order, each at most once: */
void worker_leave(struct worker *w);              /* listen.health fails, all else is as before */
void worker_drain(struct worker *w, uint64_t ms); /* stop accepting, end what there is within ms,
                                                     then `empty` */
void worker_kill(struct worker *w);               /* end all now, then `empty` */
void worker_stop(struct worker *w);               /* after all workers were empty */
void worker_join(struct worker *w);

#endif
