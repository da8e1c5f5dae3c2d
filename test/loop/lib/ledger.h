/* What a client and the backends of a session that outlives them say, each message with a number,
 * and what must come of it:
 *
 * Up: on one connection messages come whole and in order. First come those that each connection
 * gets (the preamble, questions that nobody has answered), then all from one on, of which none is
 * left out. What is passed over has come before, or, where only what was not sent is replayed, may
 * be lost; what neither is a question nor in the preamble then comes once.
 * Down: the client gets what the backends have said, whole, in order and once, but for what is
 * swallowed of a greeting. */
#ifndef WSKEEP_TEST_LOOP_LEDGER_H
#define WSKEEP_TEST_LOOP_LEDGER_H

#include "loop/lib/wspeer.h"

#define LEDGER_NOTICE "{\"type\":\"back\"}"

enum { LEDGER_NUMBERS = 2048, LEDGER_LONGEST = 200000 };

struct ledger_rules {
    unsigned preamble, greeting, attempts;
    bool unsent;  /* reconnect.replay */
    bool answers; /* questions are kept */
    bool keyed;   /* an answer names its question: else it is for the oldest */
    bool notice;
    bool deflate;
    bool narrow; /* no long messages: reads give a few bytes at a time */
};

struct ledger {
    struct ledger_rules is;
    struct wspeer *backend; /* the newest */
    unsigned visit;         /* which that is, the first 0 */
    uint32_t last;          /* that it has heard; 0: none */
    uint32_t most;          /* that any has */
    uint32_t said;          /* messages on that connection */
    uint32_t greeting;      /* of these so many must not be heard */
    uint32_t up, down;      /* numbers that have been said, from 1 on */
    uint32_t heard, due;    /* that the client has heard; must hear if it stays */
    uint32_t got;           /* how many it has */
    unsigned notices;
    unsigned excess; /* questions of which that is so, and that may have been kept */
    struct asked {
        bool is;              /* a question */
        bool answered;        /* some backend has said the answer */
        unsigned known;       /* 1 + the visit by which the client had heard that */
        bool excess;          /* it has come too often, or though the client knew the answer */
        unsigned times, seen; /* it has come; 1 + the last visit that has had it */
    } asked[LEDGER_NUMBERS];
    struct spoken {
        uint32_t answers; /* what; 0: it is no answer */
        unsigned visit;
        bool swallowed;
    } spoken[LEDGER_NUMBERS];
};

/* Their peers are open: what they hear is judged from here on. */
void ledger_open(struct ledger *l, const struct ledger_rules *rules, struct wspeer *client,
                 struct wspeer *backend);
void ledger_joins(struct ledger *l, struct wspeer *backend); /* a new one */
bool ledger_can_say(const struct wspeer *p);
/* One more, in pieces by chance, if it can say anything. */
void ledger_say(struct ledger *l, struct wspeer *client);
void ledger_reply(struct ledger *l); /* the newest backend: an answer if it owes one, or not */
uint32_t ledger_missing(const struct ledger *l, uint32_t most); /* up to most: that never came */
/* Questions that may be kept, nobody has answered, and the newest backend has not got. */
uint32_t ledger_waiting(const struct ledger *l);

#endif
