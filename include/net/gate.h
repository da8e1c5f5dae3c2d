/* Who may dial the backend, and when: one for each loop (lp->gate).
 *
 * Two classes, in order of their coming within each. Requests and first handshakes wait while the
 * backend is not ready. Reconnects do not: their own backoff paces them, until it is ready
 * (sessions_wake). At once each class may have half of limits.connecting inside, so that neither
 * waits for the other: a reconnect is inside until its handshake is answered, which a backend that
 * hangs may never do.
 *
 * It knows neither sockets nor what its passes are for. */
#ifndef WSKEEP_NET_GATE_H
#define WSKEEP_NET_GATE_H

#include "base/loop.h"

enum gate_class { GATE_FIRST, GATE_RECONNECT };
#define GATE_CLASSES 2

struct pass;
typedef void pass_fn(struct pass *p);

struct pass {
    struct list node; /* linked while it waits */
    pass_fn *fn;
    uint8_t class, state;
};
void pass_init(struct pass *p, pass_fn *fn);

struct gate;
/* lp->gate. failed: called in a turn of its own, once whenever gate_failed has closed it; NULL:
 * nobody. */
void gate_open(struct loop *lp, bool ready, void (*failed)(void *owner), void *owner);
void gate_close(struct loop *lp); /* nobody may be waiting or inside */

/* True: p is inside. False: it waits, and is inside when fn is called, an entry of a later turn. */
bool gate_enter(struct gate *g, struct pass *p, enum gate_class class);
void gate_leave(struct gate *g,
                struct pass *p); /* of one that neither waits nor is inside: nothing */
/* A dial has failed for the backend's sake: it is not ready until gate_set says so. */
void gate_failed(struct gate *g);
/* The same, of one that was made with these settings and came to err: unless it says nothing of the
 * backend that the gate is for. Whether it does. */
bool gate_blame(struct gate *g, const struct conf *of, int err);
/* Whether it was closed, and is open now. */
bool gate_set(struct gate *g, bool ready);
bool gate_ready(const struct gate *g);

#endif
