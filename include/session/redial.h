/* How a session comes by a backend again: it waits, passes the gate, asks with its opening; again
 * and again, by full-jitter exponential backoff, until a time is up.
 *
 * It owns what is under way. It judges no answer: each attempt's end is its owner's to judge, who
 * takes the connection, asks for another attempt, or gives up. */
#ifndef WSKEEP_SESSION_REDIAL_H
#define WSKEEP_SESSION_REDIAL_H

#include "net/upgrade.h"
#include "session/opening.h"

struct redial;

/* An entry's last statement. u: an attempt has ended, and lasts until redial_again or redial_close,
 * one of which the owner is to call. NULL: the time is up. */
typedef void redial_fn(void *owner, struct upgrade *u);

/* o and conf are the owner's and outlive it. until: ms, of the loop's clock. failures: in a row so
 * far; the backoff goes on from there. Nothing is under way yet. */
struct redial *redial_new(struct loop *lp, struct conf *conf, const struct opening *o,
                          uint64_t until, unsigned failures, redial_fn *fn, void *owner);
/* Another attempt, after between 0 and twice as long as the last time at most, from
 * reconnect.backoff_min on, up to backoff_max; late: after backoff_max, or at least half of it. */
void redial_again(struct redial *r, bool late);
/* The backend is ready: what still waits goes on in ms, and no more by its backoff; unless it was
 * to be late. */
void redial_wake(struct redial *r, uint64_t ms);
unsigned redial_attempts(const struct redial *r);
/* Now; fn is never called. why: what cuts an attempt that is under way. NULL: nothing. */
void redial_close(struct redial *r, enum reason why);

#endif
