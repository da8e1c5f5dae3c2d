/* Private to the session: what it consists of, for its life and for its check. */
#ifndef WSKEEP_SESSION_SESSION_BODY_H
#define WSKEEP_SESSION_SESSION_BODY_H

#include "session/session.h"

struct session {
    struct list node; /* in its state's list */
    struct sessions *set;
    struct conf *conf;
    uint64_t begun;    /* ms */
    uint64_t patience; /* ms that a leg has from its finish to its death */
    struct timer idle; /* timeouts.idle */
    enum session_state state;
    enum reason reason;
    struct journal up, down;
    struct leg client, backend;
};

/* Takes nothing more of what comes from the other. */
static inline bool is_leaving(const struct leg *l)
{
    return l->finishing || l->broken || leg_dead(l);
}

/* Holds S1 to S5, a line each, and both journals' invariants. False: it has said which. */
bool session_check(const struct session *s);

#endif
