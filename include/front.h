/* Client connections until it is known what they are, and HTTP ones for all their life.
 *
 *     HEAD ── a head is whole ─▶ EXCHANGE ── kept alive ─▶ HEAD
 *      │ refused, or its time is up    │ Connection: close     └─ a 101 ─▶ a session takes the
 * connection └──────────────▶ LINGER ◀───────┘
 *
 * HEAD     between requests or within a head: listen.keepalive_timeout, then listen.header_timeout
 * from its first byte on. EXCHANGE the exchange hears of the connection. LINGER   the last answer
 * is written, then half-closed, then what comes is dropped for 5 s: a reset would take the answer
 *          from a client that still sends. */
#ifndef WSKEEP_FRONT_H
#define WSKEEP_FRONT_H

#include "http/upstreams.h"
#include "session/session.h"

/* The client connections of one loop that are not sessions. */
struct fronts {
    struct loop *lp;
    struct upstreams *upstreams;
    struct sessions *sessions;
    struct list all;
    unsigned count;
    bool stopping; /* listen.health says so */
    bool draining;
    const char *mark;           /* the probe's, as FORWARD_MARK gives it; NULL: there is no probe */
    void (*ended)(void *owner); /* one is gone, or has become a session: called in a loop entry, as
                                   its last statement */
    void *owner;
};

void fronts_init(struct fronts *set, struct loop *lp, struct upstreams *upstreams,
                 struct sessions *sessions, void (*ended)(void *owner), void *owner);
/* Takes fd, and a reference to conf. */
void front_accept(struct fronts *set, struct conf *conf, int fd,
                  const struct sockaddr_storage *peer);
/* Idle connections close, running requests finish and close. `ended` tells of those that do not end
 * at once. */
void fronts_drain(struct fronts *set);
void fronts_kill(struct fronts *set); /* now; `ended` is not called */

#endif
