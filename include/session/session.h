/* A WebSocket session: two journals, two legs, one state, one reason for its end.
 *
 *     session_new ─▶ LIVE ─▶ CLOSING ─▶ freed
 *                     │ ▲      │  ▲   └ both legs are dead
 *                     ▼ │      ▼  │
 *                    HEADLESS ─────
 *
 * LIVE      What one leg reads the other writes.
 * HEADLESS  The backend was lost, and fate lets it be looked for: what the client says is held, and
 *           what was not proven to have arrived goes again to the next connection. The client may
 *           leave meanwhile: what was accepted from it is still to be delivered.
 * CLOSING   A leg is finished once the other's reading is over, so that its Close follows all that
 *           came before.
 *
 * What comes for a leg that takes no more is dropped, and counted as lost.
 *
 * S1 LIVE: no reason; neither leg's reading is over, neither is finishing or dead.
 *    HEADLESS: no backend leg, an opening and a redial, which others have not; a reason only where
 *    the client's reading is over.
 * S2 CLOSING: a reason, and at least one leg alive, or the idle timer set.
 * S3 A leg discards exactly where the other takes no more: it is finishing, broken or dead.
 * S4 A leg is paused exactly where its journal is full and it does not discard.
 * S5 What a leg has accepted is what its journal was given; what is settled of it was sent, and
 *    covers what the journal has let go.
 *
 * It owns its legs and journals, and holds a reference to the settings that it began with. */
#ifndef WSKEEP_SESSION_SESSION_H
#define WSKEEP_SESSION_SESSION_H

#include "base/log.h"
#include "session/leg.h"
#include "session/opening.h"

enum session_state { SESSION_LIVE, SESSION_HEADLESS, SESSION_CLOSING, SESSION_STATES };

/* The sessions of one loop: a state is a list. */
struct sessions {
    struct loop *lp;
    struct list state[SESSION_STATES];
    unsigned count;
    bool draining;                /* sessions_drain was called: no backend is looked for */
    uint64_t until;               /* ms: when what the drain has is over */
    struct metrics *const *loops; /* of all loops: buffer.total is the process's */
    unsigned n;
    struct timer shed;          /* set: that is looked at then */
    void (*ended)(void *owner); /* one is gone: called in a loop entry, as its last statement */
    void *owner;
};

void sessions_init(struct sessions *set, struct loop *lp, void (*ended)(void *owner), void *owner);
/* There are other loops: the metrics of all, this one's among them. Before the loop runs. */
void sessions_among(struct sessions *set, struct metrics *const *loops, unsigned n);
/* Begins to end them all, so that all may have ended in ms; `ended` tells of each.
 *
 * Their turns come evenly over the first half of it, in the order in which they became live, so
 * that their clients do not all come back at once: of 1,000 in 8.1 s one every 4 ms. Until its turn
 * a session goes on as before; a message that the backend has begun by then may end first, within a
 * second. From then on each of its legs has what is left but for a second, or but for half of it,
 * and no more than timeouts.close: so a client that says nothing leaves the backend a time of its
 * own. No turn is waited for where there is no backend: what the client went on to say would be
 * lost. One that begins from here on has its turn at once. */
void sessions_drain(struct sessions *set, uint64_t ms);
/* The backend is ready again: those that wait for it do so no longer than it takes not to come all
 * at once. */
void sessions_wake(struct sessions *set);
void sessions_kill(struct sessions *set); /* now; `ended` is not called */
/* Of what that side has sent: messages accepted and not yet settled, counted by their frames in the
 * journals, which takes as long as there are many. For tests. */
uint64_t sessions_in_flight(const struct sessions *set, enum side from);

/* An open connection behind its handshake. */
struct session_end {
    struct transport *t;
    const uint8_t *rest; /* what the peer has sent behind it */
    size_t rest_len;
};

struct session_setup {
    struct conf *conf;                  /* a reference is taken */
    struct session_end client, backend; /* the transports are the session's from here on */
    bool deflate;                       /* permessage-deflate was agreed on */
    bool probe; /* wskeep's own: its pings go through, what the backend says goes no further, and
                   neither that nor its end is counted or logged */
    struct opening *opening; /* the session's from here on; NULL: its backend is not asked again */
    /* What is sent to the backend, to the client, is kept until it is proven to have arrived. */
    bool keep_up, keep_down;
    struct trace trace; /* of the handshake */
};
/* Within a loop entry, as its last statement. */
void session_new(struct sessions *set, const struct session_setup *setup);

#endif
