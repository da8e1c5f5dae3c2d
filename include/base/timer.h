/* A hierarchical timer wheel with a grain of 1 ms: set and stop in constant time, exact to the
 * millisecond.
 *
 * It reads no clock: the time comes in as an argument. It unlinks a timer before calling it; that
 * call may set or stop any timer, this one too. What is set for now, or for the past, fires at the
 * first run of a later millisecond. */
#ifndef WSKEEP_BASE_TIMER_H
#define WSKEEP_BASE_TIMER_H

#include "base/list.h"
#include <stdint.h>

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
    struct list node; /* linked while it is set */
    uint64_t due;     /* ms, on the clock of the caller */
    timer_fn *fn;
};

#define WHEEL_BITS   6
#define WHEEL_SLOTS  (1u << WHEEL_BITS)
#define WHEEL_LEVELS 6 /* 64^6 ms: two years; what is further off waits in the last slot */
#define WHEEL_NEVER  UINT64_MAX

struct wheel {
    uint64_t now; /* all that was due at or before it has been run */
    uint64_t occupied[WHEEL_LEVELS];
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
void timer_init(struct timer *t, timer_fn *fn);
void timer_set(struct wheel *w, struct timer *t, uint64_t due); /* also moves one that is set */
void timer_stop(struct wheel *w, struct timer *t); /* of one that is not set: nothing */
bool timer_is_set(const struct timer *t);
/* Calls what is due at or before now, in the order of the times; those of one millisecond in the
 * order of setting. */
void wheel_run(struct wheel *w, uint64_t now);
/* A time after w->now at which wheel_run has something to do: it may be earlier than the earliest
 * timer, never later. WHEEL_NEVER where none is set. */
uint64_t wheel_next(const struct wheel *w);

#endif
