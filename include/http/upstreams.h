/* Connections to the backend for HTTP: one is in use by one exchange, or idle and kept for the
 * next.
 *
 * Idle ones are taken newest first, so that those beyond need grow old; backend.keepalive_timeout
 * ends them, and so does anything that the backend says unasked. */
#ifndef WSKEEP_HTTP_UPSTREAMS_H
#define WSKEEP_HTTP_UPSTREAMS_H

#include "base/reason.h"
#include "config/conf.h"
#include "net/conn.h"

struct upstreams {
    struct loop *lp;
    struct list idle;
};

struct upstream {
    struct conn conn;
    struct upstreams *set;
    struct conf *conf; /* it was made with */
    struct list node;  /* while idle */
    struct timer timer;
};

void upstreams_init(struct upstreams *set, struct loop *lp);
void upstreams_close(struct upstreams *set); /* the idle ones */

/* In use; takes t, and a reference to conf. */
struct upstream *upstream_new(struct upstreams *set, struct transport *t, struct conf *conf);
/* One that was made with these settings (others may lead to another backend) and has neither ended
 * nor said anything since (a look, 0.13 µs, against an answer that nobody asked for). NULL: none.
 */
struct upstream *upstreams_take(struct upstreams *set, const struct conf *conf);
void upstream_keep(struct upstream *u); /* idle from here on */
/* REASON_NONE: its end is not counted; a session has it, or it was the probe's. u NULL: nothing. */
void upstream_close(struct upstream *u, enum reason r);

#endif
