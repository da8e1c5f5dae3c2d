/* Connects to the backend, and counts what that comes to (wskeep_backend_connects_total): looks its
 * name up, tries its addresses in order within one time limit, of which each gets a fair share of
 * what is left. */
#ifndef WSKEEP_NET_DIAL_H
#define WSKEEP_NET_DIAL_H

#include "config/conf.h"
#include "net/resolve.h"
#include "net/transport.h"

struct dial;
/* In a loop entry. err 0: t is the caller's, without owner and wanting nothing. Otherwise t is NULL
 * and err is that of the address tried last: UV_ECONNREFUSED, UV_ETIMEDOUT, UV_EMFILE, …, or the
 * look-up's, UV_EAI_…. A Unix socket whose backlog is full is UV_EAGAIN. The dial is gone by then.
 */
typedef void dial_fn(void *owner, int err, struct transport *t);

/* NULL: it has connected at once, as on a loopback: *now, as fn would have got it. Otherwise fn is
 * called in a later turn, with what is wrong too. counted: false for what is no backend. The loop
 * needs resolver_open. */
struct dial *dial_start(struct loop *lp, const struct address *to, uint64_t timeout_ms,
                        bool counted, dial_fn *fn, void *owner, struct transport **now);
void dial_cancel(struct dial *d); /* fn is never called. NULL: nothing */
enum metric dial_metric(int err); /* where what it came to is counted */

#endif
