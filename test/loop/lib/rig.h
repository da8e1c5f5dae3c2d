/* A loop to test on, and the sockets of scripted peers. */
#ifndef WSKEEP_TEST_LOOP_RIG_H
#define WSKEEP_TEST_LOOP_RIG_H

#include "base/loop.h"
#include <stdbool.h>

struct rig {
    struct loop lp;
    struct metrics metrics;
    uv_prepare_t prepare;
    uv_timer_t pulse;
    unsigned turns;    /* of the loop so far */
    struct conf *conf; /* the defaults: what the loop has, unless a test gives it another */
};

void rig_open(struct rig *r);
void rig_close(struct rig *r); /* fails where anything was left open on it */
/* Runs the loop until *done. A test that waits for what never comes is ended by SIGALRM. */
void rig_until(struct rig *r, const bool *done);
void rig_turn(struct rig *r, unsigned turns); /* without waiting for anything */
/* The turns that the loop takes in so many ms: what spins takes thousands. */
unsigned rig_turns_in(struct rig *r, unsigned ms);
/* Time passes, and nothing happens meanwhile: the loop's clock is so many ms ahead at its next
 * turn. */
void rig_leap(uint64_t ms);
/* From now on time passes by leaps alone, and begins anew with each call: what is done then is the
 * same at any time, and must not wait. Nobody watches over how long it takes. */
void rig_freeze(void);

/* Whether no more can be watched, as at fs.epoll.max_user_watches: what libuv watches itself can.
 */
void rig_full(struct rig *r, bool on);

unsigned rig_epoll_calls(void); /* epoll_ctl so far, of all threads: what a change of mind costs */

/* fd[0] is to be the transport's, fd[1] is the peer's and blocks. */
typedef void rig_pair(int fd[2]);
rig_pair rig_tcp_pair, rig_unix_pair;
rig_pair rig_narrow_pair; /* TCP, with room for little on the way to the peer */
void rig_reset(int fd);   /* closes it with RST */
/* Payload that shows what was lost, doubled or swapped. */
void rig_number(unsigned char *p, size_t n);

#endif
