/* Between leg.c and leg_write.c: a leg's control frames, clock and writing. */
#ifndef WSKEEP_SESSION_LEG_WRITE_H
#define WSKEEP_SESSION_LEG_WRITE_H

#include "session/leg.h"

/* Queues a control frame, which leg_push sends. */
void leg_control(struct leg *l, uint8_t opcode, const void *payload, size_t n);
void leg_pong(struct leg *l, const uint8_t *payload, size_t n); /* one came */
struct mark leg_sent(const struct leg *l);     /* what a peer has that has all that was sent */
void leg_proven(struct leg *l, struct mark m); /* the peer's endpoint has all before m */
void leg_heard(struct leg *l); /* a sign of life: its clock of silence begins anew */
/* Pings where it is due, sets the next beat. False: the peer is dead. */
bool leg_beat(struct leg *l);
bool leg_moves(
    struct leg *l); /* the peer's TCP has taken more of `out` since this was last asked */
bool leg_seen_off(const struct leg *l); /* both sides of the connection have ended: it may die */
void leg_writable(struct leg *l);       /* the socket takes bytes again */

#endif
