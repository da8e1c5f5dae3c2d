/* The admin listener: what a probe, a scraper and a person may ask. On the control loop, apart from
 * all traffic.
 *
 * GET and HEAD, one page each (admin/pages). It owns its connections; it never touches a worker's
 * state but through the counters. */
#ifndef WSKEEP_ADMIN_ADMIN_H
#define WSKEEP_ADMIN_ADMIN_H

#include "base/metrics.h"
#include "net/listener.h"

/* What the pages are made from. */
struct admin_source {
    struct metrics *const *loops;
    unsigned n;
    bool ready; /* traffic is accepted */
};

struct admin {
    struct loop *lp;
    struct listener *listener; /* NULL: off */
    struct list conns;
    unsigned count;
    const struct admin_source *source;
};

/* Takes fd. 0 or a negative err. */
int admin_open(struct admin *a, struct loop *lp, int fd, const struct admin_source *source);
void admin_close(struct admin *a); /* now, its connections too */

#endif
