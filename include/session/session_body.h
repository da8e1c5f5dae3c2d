/* Private to the session: what it consists of, for its life (session.c), for its backend's end and
 * return (comeback.c), and for its check. */
#ifndef WSKEEP_SESSION_SESSION_BODY_H
#define WSKEEP_SESSION_SESSION_BODY_H

#include "session/recall.h"
#include "session/redial.h"
#include "session/session.h"

struct session {
    struct list node; /* in its state's list */
    struct sessions *set;
    struct conf *conf;
    uint64_t begun;    /* ms */
    struct timer idle; /* timeouts.idle; its turn in a drain; its end, both legs being dead */
    enum session_state state;
    enum reason reason;
    struct opening *opening; /* NULL: the backend cannot be asked again */
    struct recall *recall;   /* NULL: a fresh connection gets nothing but what the journal has */
    struct redial *redial;   /* HEADLESS: what is done for it */
    uint64_t since;          /* ms: when the backend's connection began, or the last one ended */
    uint64_t window;         /* ms: when reconnecting is over */
    uint64_t blamed;         /* the message that was first in line at the last abnormal end */
    uint64_t again;          /* messages that the next connection gets again */
    uint32_t reconnects;
    uint8_t poisoned, brief; /* see session/fate.h */
    uint8_t looks;           /* in a drain, for the end of a message: its turn is put off */
    bool binary : 1;         /* a message was, on a connection that has ended */
    bool probe : 1;          /* see session_setup */
    bool away : 1;           /* there is no backend's connection that would be counted */
    uint32_t headless;       /* ms: so long in all */
    struct trace trace;
    struct journal up, down;
    struct leg client, backend;
};

/* Takes nothing more of what comes from the other, and nor will another in its place. */
static inline bool is_leaving(const struct session *s, const struct leg *l)
{
    if (l == &s->client)
        return l->finishing || l->broken || leg_dead(l);
    if (s->state == SESSION_HEADLESS)
        return false;
    return l->finishing || leg_dead(l) || (l->broken && !s->opening);
}

/* Of a headless one: what the client has said waits for another connection. */
static inline bool is_owed(const struct session *s)
{
    return s->up.ready > s->up.sent || recall_waits(s->recall);
}

/* ms that a leg has from its finish to its death. */
uint64_t session_patience(const struct session *s);
/* The first reason stands; of one that was HEADLESS this one: what a client that has left had said
 * is lost by it. */
void session_end(struct session *s, enum reason r);
void session_state(struct session *s, enum session_state to);
/* Moves on what can be, finishes what is over, ends with both legs. False: it has ended, s is gone.
 */
bool session_go_on(struct session *s);
/* What the legs would have said by a call. False: likewise. */
bool session_heard(struct session *s, struct leg *l, unsigned events);

/* Its last line, once all is counted. */
void session_tell(const struct session *s, uint64_t lived);

/* A headless one: ends, in a turn of its own; what it holds for its backend goes now. */
void session_shed(struct session *s);
/* Something has come, or what other loops hold matters here: whether what all hold is too much is
 * looked at soon, in a turn of its own. */
void shed_look(struct sessions *set);
void shed_init(struct sessions *set);

/* The backend's reading is over. True: another is being looked for, the session is HEADLESS. False:
 * it ends, for the reason that it has now. */
bool comeback_begin(struct session *s);
void comeback_stop(struct session *s);
/* Counts the time since it has been without a backend. */
void comeback_waited(struct session *s);

/* Holds S1 to S5, a line each, and both journals' invariants. False: it has said which. */
bool session_check(const struct session *s);

#endif
