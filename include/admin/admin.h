/* The admin listener: what a probe, a scraper and a person may ask. On the control loop, apart from
 * all traffic.
 *
 * GET and HEAD, one page each (admin/pages). It owns its connections; it never touches a worker's
 * state but through the counters. */
#ifndef WSKEEP_ADMIN_ADMIN_H
#define WSKEEP_ADMIN_ADMIN_H

#include "base/metrics.h"
#include "net/listener.h"
#include <time.h>

/* What the deep health check has come to. */
struct probe_report {
    enum probe_state { PROBE_OFF, PROBE_UNKNOWN, PROBE_OK, PROBE_FAILING } state;
    time_t since;                   /* the state */
    time_t last;                    /* when a probe last ended; 0: none has */
    uint64_t handshake_us, pong_us; /* of the last one that got so far; 0: it did not */
    unsigned failures;              /* in a row */
    char why[160];                  /* in words */
};

/* What the pages are made from. */
struct admin_source {
    struct metrics *const *loops;
    unsigned n;
    bool ready;    /* the backend is */
    bool stopping; /* the process is */
    const struct probe_report *probe;
};

struct admin {
    struct loop *lp;
    struct listener *listener; /* NULL: off */
    struct list conns;         /* in the order in which they last asked */
    unsigned count;
    const struct admin_source *source;
};

void admin_init(struct admin *a, struct loop *lp, const struct admin_source *source);
/* From now on on fd, which it takes, instead of where it listened before; -1: nowhere. Connections
 * that are open get one more answer, so that they come again where it listens now. 0, or a negative
 * err: then it listens where it did. */
int admin_listen(struct admin *a, int fd);
void admin_close(struct admin *a); /* now, its connections too */

#endif
