/* wskeep --ready: see ready.h.
 *
 * A process of its own, with a loop for this one question. It is net/upgrade that asks it, which
 * asks a backend: so the admin listener is made that of the settings. Never logs. */
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

static const char *trouble(const struct upgrade *u)
{
    switch (upgrade_end(u)) {
    case UPGRADE_UNREACHABLE:
        return err_text(upgrade_err(u));
    case UPGRADE_NONE:
    case UPGRADE_LATE:
        return "no answer in time";
    case UPGRADE_SILENT:
        return "it ended without an answer";
    case UPGRADE_GARBAGE:
    case UPGRADE_ANSWERED:
        break;
    }
    return "the answer is no HTTP";
}

static void on_answer(void *owner, struct upgrade *u)
{
    struct question *q = owner;
    bool answered = upgrade_end(u) == UPGRADE_ANSWERED;
    unsigned status = answered ? upgrade_view(u)->head.status : 0;
    q->yes = status == 200;
    if (answered)
        buf_addf(q->why, "it answered %u", status);
    else
        buf_adds(q->why, trouble(u));
    upgrade_close(u, REASON_DONE);
    loop_stop(&q->loop);
}

/* 0.0.0.0 and :: are this machine to the kernel. */
static void aim_at_admin(struct conf *c)
{
    address_fini(&c->backend.address);
    c->backend.address = c->admin.address;
    c->admin.address = (struct address){.text = NULL};
    c->backend.connect_timeout = READY_MS;
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
    buf_addf(why, "%s: ", c->backend.address.text);
    upgrade_start(&q.loop, c,
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
    else {
        aim_at_admin(conf);
        yes = ask(conf, why);
    }
    conf_unref(conf);
    return yes ? 0 : 1;
}
