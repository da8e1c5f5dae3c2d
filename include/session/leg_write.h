/* Between leg.c, leg_write.c and leg_beat.c: a leg's control frames, writing, and clocks. */
#ifndef WSKEEP_SESSION_LEG_WRITE_H
#define WSKEEP_SESSION_LEG_WRITE_H

#include "session/leg.h"

/* Queues a control frame, which leg_push sends. */
void leg_control(struct leg *l, uint8_t opcode, const void *payload, size_t n);
void leg_pong(struct leg *l, const uint8_t *payload, size_t n); /* one came */
/* Queue a ping where what is about to be written lacks an ack, or a heartbeat is owed; where what
 * has been lacks one. */
void leg_ask(struct leg *l);
bool leg_ask_behind(struct leg *l);
void leg_ping_written(struct leg *l); /* control frames begin to be written behind what was sent */
void leg_handed_over(struct leg *l);  /* no control frame waits any more */
void leg_filled(struct leg *l);       /* the socket has become full */
bool leg_full(const struct leg *l);   /* the writable event goes on */
void leg_sent_more(struct leg *l);    /* bytes have gone: an ack will be asked for, room be made */
void leg_heard(struct leg *l);        /* a sign of life: its clock of silence begins anew */
void leg_stood_still(struct leg *l, uint64_t ms); /* we did: no deadline of the peer's ran */
void leg_schedule(struct leg *l);                 /* sets the timer of the next beat */
/* Pings where it is due, schedules. False: the peer is dead. */
bool leg_beat(struct leg *l);
bool leg_moves(
    struct leg *l); /* the peer's TCP has taken more of `out` since this was last asked */
bool leg_seen_off(const struct leg *l); /* both sides of the connection have ended: it may die */
void leg_writable(struct leg *l);       /* the socket takes bytes again */

#endif
