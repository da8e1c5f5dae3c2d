/* Who may dial the backend: see gate.h. Owns its counts, and the lists of those that wait; never a
 * pass. */
#include "net/gate.h"
#include "base/err.h"
#include "base/mem.h"
#include "config/conf.h"
#include <stdlib.h>
#include <string.h>

enum { PASS_OUTSIDE, PASS_WAITS, PASS_INSIDE };

struct gate {
    struct loop *lp;
    struct list waiting[GATE_CLASSES];
    unsigned inside[GATE_CLASSES];
    bool ready;
    bool untold;      /* that it has failed */
    struct task task; /* lets in, and tells */
    void (*failed)(void *owner);
    void *owner;
};

void pass_init(struct pass *p, pass_fn *fn)
{
    *p = (struct pass){.fn = fn};
    list_init(&p->node);
}

/* Of one class: rounded up, so that a limit of 1 keeps neither out. */
static unsigned share(const struct gate *g)
{
    return (unsigned)(g->lp->conf->limits.connecting + 1) / 2;
}

static bool has_room(const struct gate *g, unsigned class)
{
    return (g->ready || class == GATE_RECONNECT) && g->inside[class] < share(g);
}

static void admit(struct gate *g, struct pass *p)
{
    p->state = PASS_INSIDE;
    g->inside[p->class]++;
}

static void unlist(struct gate *g, struct pass *p)
{
    list_del(&p->node);
    metric_sub(g->lp->metrics, METRIC_WAITING, 1);
}

static bool is_due(const struct gate *g, unsigned class)
{
    return !list_empty(&g->waiting[class]) && has_room(g, class);
}

static void look(struct gate *g)
{
    if (g->untold || is_due(g, GATE_FIRST) || is_due(g, GATE_RECONNECT))
        loop_post(g->lp, &g->task);
}

/* On a loopback one that was let in has left when its call returns: only the count ends the turn.
 */
static void let_in(struct gate *g, unsigned class)
{
    for (unsigned n = share(g); n > 0 && is_due(g, class); n--) {
        struct pass *p = CONTAINER_OF(g->waiting[class].next, struct pass, node);
        unlist(g, p);
        admit(g, p);
        p->fn(p);
    }
}

static void on_task(struct task *t)
{
    struct gate *g = CONTAINER_OF(t, struct gate, task);
    bool tell = g->untold;
    g->untold = false;
    let_in(g, GATE_RECONNECT);
    let_in(g, GATE_FIRST);
    look(g);
    if (tell && g->failed)
        g->failed(g->owner);
}

bool gate_enter(struct gate *g, struct pass *p, enum gate_class class)
{
    BUG_ON(p->state != PASS_OUTSIDE);
    p->class = (uint8_t) class;
    if (list_empty(&g->waiting[class]) && has_room(g, class)) {
        admit(g, p);
        return true;
    }
    p->state = PASS_WAITS;
    list_add(&g->waiting[class], &p->node);
    metric_add(g->lp->metrics, METRIC_WAITING, 1);
    look(g); /* a limit that was raised lets the others in too */
    return false;
}

void gate_leave(struct gate *g, struct pass *p)
{
    if (p->state == PASS_WAITS)
        unlist(g, p);
    if (p->state == PASS_INSIDE) {
        g->inside[p->class]--;
        if (!list_empty(&g->waiting[p->class]))
            look(g);
    }
    p->state = PASS_OUTSIDE;
}

void gate_failed(struct gate *g)
{
    if (!g->ready)
        return;
    g->ready = false;
    g->untold = true;
    look(g);
}

/* Not where the backend of other settings is meant, and not where this process, or this machine,
 * has none left of something. */
static bool is_backends(const struct gate *g, const struct conf *of, int err)
{
    static const int ours[] = {UV_EMFILE, UV_ENFILE, UV_ENOBUFS, UV_ENOMEM, UV_EADDRNOTAVAIL};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (err == ours[i])
            return false;
    return strcmp(of->backend.address.text, g->lp->conf->backend.address.text) == 0;
}

bool gate_blame(struct gate *g, const struct conf *of, int err)
{
    bool is = is_backends(g, of, err);
    if (is)
        gate_failed(g);
    return is;
}

bool gate_set(struct gate *g, bool ready)
{
    bool opens = ready && !g->ready;
    g->ready = ready;
    look(g);
    return opens;
}

bool gate_ready(const struct gate *g)
{
    return g->ready;
}

void gate_open(struct loop *lp, bool ready, void (*failed)(void *owner), void *owner)
{
    struct gate *g = mem_zalloc(sizeof(*g));
    *g = (struct gate){.lp = lp, .ready = ready, .failed = failed, .owner = owner};
    for (unsigned i = 0; i < GATE_CLASSES; i++)
        list_init(&g->waiting[i]);
    task_init(&g->task, on_task);
    lp->gate = g;
}

void gate_close(struct loop *lp)
{
    struct gate *g = lp->gate;
    for (unsigned i = 0; i < GATE_CLASSES; i++)
        BUG_ON(!list_empty(&g->waiting[i]) || g->inside[i] > 0);
    loop_unpost(lp, &g->task);
    free(g);
    lp->gate = NULL;
}
