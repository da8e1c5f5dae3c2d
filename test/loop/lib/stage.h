/* One session between a pair in time that stands still: it passes only by stage_pass, and begins
 * anew with each stage, so that the same play is the same whenever it is played. */
#ifndef WSKEEP_TEST_LOOP_STAGE_H
#define WSKEEP_TEST_LOOP_STAGE_H

#include "loop/lib/verdict.h"
#include "net/faults.h"

/* Heartbeats come every 9 ms: below 10 there is no jitter, which hangs by an address. */
enum { STAGE_INTERVAL = 9, STAGE_TIMEOUT = 60, STAGE_DAY = 86400000 };

struct stage_setup {
    bool keep, deflate, ping_client, ping_backend;
    int buffer;     /* of each socket; 0: the kernel's choice */
    uint64_t limit; /* buffer.session, which may be less than the conf file allows */
    uint64_t close; /* timeouts.close */
    struct faults network;
};

struct stage {
    struct rig rig;
    struct sessions sessions;
    struct pair pair;
    struct story story;
    struct faults network;
    bool keep;
    bool crooked; /* somebody has said what was no whole frame */
    bool rested;  /* nothing has happened since it came to rest */
    unsigned ended;
};

void stage_open(struct stage *s, const struct stage_setup *setup);
void stage_turn(struct stage *s, unsigned turns); /* no time passes */
void stage_pass(struct stage *s, uint64_t ms);    /* 0: a turn */
void stage_drain(struct stage *s, uint64_t ms);
void stage_kill(struct stage *s); /* of one that has ended: nothing */
/* On a good network both ends read and answer until nothing moves: story_rests, and what arrived is
 * proven. Then the network is as it was. */
void stage_rest(struct stage *s);
/* Both ends leave, the session must end, and nothing may be left. */
void stage_close(struct stage *s, void (*leave)(struct wspeer *p));

#endif
