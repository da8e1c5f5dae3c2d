/* wskeep --ready: see ready.h.
 *
 * A process of its own, with a loop for this one question. Never logs. */
#include "ready.h"
#include "base/err.h"
#include "config/load.h"
#include "net/resolve.h"
#include "net/upgrade.h"

/* Each for the connection and the answer, which are a millisecond's matter on one machine: a probe
 * that waits longer has a limit of its own (Kubernetes: 1 s unless set). */
enum { READY_MS = 5000 };

struct question {
    struct loop loop;
    struct metrics metrics;
    struct buf *why;
    bool yes;
};

static void on_answer(void *owner, struct upgrade *u)
{
    struct question *q = owner;
    q->yes = upgrade_end(u) == UPGRADE_ANSWERED && upgrade_view(u)->head.status == 200;
    buf_adds(q->why, upgrade_why(u));
    upgrade_close(u, REASON_DONE);
    loop_stop(&q->loop);
}

static bool ask(struct conf *c, struct buf *why)
{
    struct question q = {.why = why};
    int err = loop_open(&q.loop, 0, c, &q.metrics);
    if (err < 0) {
        buf_adds(why, err_text(err));
        return false;
    }
    resolver_open(&q.loop);
    buf_addf(why, "%s: ", c->admin.address.text);
    c->backend.connect_timeout = READY_MS;
    /* 0.0.0.0 and :: are this machine to the kernel. */
    upgrade_start_at(&q.loop, c, &c->admin.address,
                     STR("GET /readyz HTTP/1.1\r\nHost: wskeep\r\nConnection: close\r\n\r\n"),
                     READY_MS, on_answer, &q);
    loop_run(&q.loop);
    bool closable = !resolver_close(&q.loop); /* else exit() waits for the look-up, as it must */
    BUG_ON(closable && loop_close(&q.loop) != 0);
    return q.yes;
}

int ready_ask(struct conf *conf, struct buf *why)
{
    const struct address *admin = &conf->admin.address;
    bool yes = false;
    if (!*admin->text)
        buf_adds(why, "there is nobody to ask: admin.address is \"\"");
    else if (!admin->unix_path && admin->port == 0)
        buf_adds(why, "there is nobody to ask: admin.address has port 0, which is one of the "
                      "kernel's choice");
    else
        yes = ask(conf, why);
    conf_unref(conf);
    return yes ? 0 : 1;
}
