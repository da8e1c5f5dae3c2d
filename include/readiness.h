/* Readiness: whether the backend may be given traffic. That a connection can be made proves
 * nothing (gunicorn's master accepts for workers that are not there yet), so the backend is asked,
 * until it answers, and again once it could not be reached.
 *
 * One probe at a time, at most one each readiness.interval (they count in gunicorn's
 * --max-requests): GET of / and any HTTP answer but 502, 503 and 504; or readiness.http and 2xx; or
 * readiness.websocket and a valid 101. On the control loop. */
#ifndef WSKEEP_READINESS_H
#define WSKEEP_READINESS_H

#include "net/conn.h"
#include "net/upgrade.h"

struct readiness {
    bool ready;
    bool said; /* in the log: what `ready` says */
    struct loop *lp;
    struct conf *conf;     /* in force; held by the owner */
    struct timer timer;    /* the next probe */
    uint64_t next;         /* ms: none before it */
    struct upgrade *probe; /* NULL: none under way */
    struct buf head;       /* its request */
    unsigned silent;       /* how many in a row were ended without an answer */
    struct conn leaving;   /* a WebSocket that was accepted, until it has ended (t NULL) */
    struct timer patience; /* with that */
    void (*changed)(void *owner);
    void *owner;
};

/* Not ready; the first probe is on its way. changed: in an entry, as its last statement. */
void readiness_start(struct readiness *r, struct loop *lp, struct conf *conf,
                     void (*changed)(void *owner), void *owner);
/* The backend could not be reached: not ready. */
void readiness_failed(struct readiness *r);
/* conf is in force. Where it asks another backend, or something else: not ready. */
void readiness_reload(struct readiness *r, struct conf *conf);
void readiness_stop(struct readiness *r); /* now */

#endif
