/* The sweep: every timeouts.cleanup it gives unused memory back to the system and logs one line
 * that sums up, and one more when all has ended. What is due ends in time without it. On the
 * control loop. */
#ifndef WSKEEP_SWEEP_H
#define WSKEEP_SWEEP_H

#include "base/loop.h"

struct sweep {
    struct timer timer;
    struct loop *lp;
    struct metrics *const *loops; /* of all threads */
    unsigned n;
};

/* The period is that of lp->conf: to be called again where that has changed. */
void sweep_start(struct sweep *s, struct loop *lp, struct metrics *const *loops, unsigned n);
void sweep_stop(struct sweep *s);
void sweep_sum_up(const struct sweep *s); /* the line; of a stopped one too */

#endif
