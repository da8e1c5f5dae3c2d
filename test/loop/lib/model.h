/* A session's two ends, and a model of it that knows nothing but the bytes which each end's socket
 * took: what the other end hears is a beginning of the messages in them, each whole, once and in
 * order, and what it does not hear is counted. */
#ifndef WSKEEP_TEST_LOOP_MODEL_H
#define WSKEEP_TEST_LOOP_MODEL_H

#include "loop/lib/wspeer.h"
#include "session/session.h"

struct said;

struct end {
    struct wspeer peer;
    struct end *other;
    struct wsread words; /* reads what its peer has said; up to a Close, or a fault */
    bool closed;         /* with these words it has closed: code (in words), why */
    bool tcp;            /* its kernel acknowledges a Close that it has not read */
    bool crossed;        /* it closed before it had heard a Close */
    char why[124];
    struct said *said; /* its whole messages, which the other end must hear */
    unsigned messages, room;
    /* What it is about to say. */
    bool open;
    unsigned begun; /* messages */
    size_t at;      /* bytes of the one under way */
    bool dull;      /* was deaf or slow, or did not read: it may be taken for dead */
};

struct pair {
    struct end client, backend;
};

void pair_open(struct pair *p, struct sessions *set, struct rig *rig, rig_pair *socket,
               struct conf *conf, const struct session_setup *with);
void pair_close(struct pair *p);

/* A frame of the message under way, or (with this opcode) of a new one, with n bytes of payload
 * that shows what was lost, doubled or swapped. */
void end_fragment(struct end *e, uint8_t opcode, size_t n, bool fin);

bool pair_arrived(const struct pair *p);      /* all that was said to the end was heard */
uint64_t pair_progress(const struct pair *p); /* changes with all that moves, but for pings */

/* What holds at every moment of the sessions between these pairs, which are all of the set: what
 * was heard is what was said, and what is in flight is what the journals hold unproven. */
void model_check(const struct sessions *set, const struct pair *pairs, unsigned count);
/* Where nothing is kept for replay: what so many sessions may hold with this buffer.session. */
size_t model_holds(unsigned sessions, uint64_t limit);
/* What holds when all have ended: one reason each; all that was accepted is delivered, unproven or
 * lost; no chunk, timer, task or gauge is left, once some seconds have passed. */
void model_ended(struct rig *rig, unsigned count);

#endif
