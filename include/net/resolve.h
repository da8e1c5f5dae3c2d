/* Looks names up for one loop: one look-up in flight, whoever wants the same name waits for it, its
 * answer is kept for 5 s. Failures are not kept.
 *
 * A look-up that runs in libuv's thread pool cannot be cancelled, only disowned: it lies on the
 * heap for itself. */
#ifndef WSKEEP_NET_RESOLVE_H
#define WSKEEP_NET_RESOLVE_H

#include "base/loop.h"
#include "net/addresses.h"

/* Waits for a name. fn is called in a loop entry, among others that wait for the same answer: it
 * never calls up. found: a reference of the waiter's own; NULL with an err, UV_EAI_…. */
struct lookup;
typedef void lookup_fn(struct lookup *q, int err, struct addresses *found);
struct lookup {
    struct list node; /* linked while it waits */
    lookup_fn *fn;
};
void lookup_init(struct lookup *q, lookup_fn *fn);
void lookup_cancel(struct lookup *q); /* of one that does not wait: nothing */

/* lp->resolver. Closing returns true where a look-up still runs: it cannot be cancelled, and the
 * loop cannot be closed then. Nobody may be waiting. */
int resolver_open(struct loop *lp);
bool resolver_close(struct loop *lp);

/* 0 with *out, a reference: numeric, a Unix path, or known. 0 without: q waits. An error: it does
 * not. */
int resolver_find(struct loop *lp, const struct address *of, struct lookup *q,
                  struct addresses **out);

#endif
