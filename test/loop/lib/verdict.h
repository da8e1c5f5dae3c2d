/* What must have come of one session between a pair when nothing moves any more, and in the end:
 * what model.h leaves open because it depends on what else was done to it. */
#ifndef WSKEEP_TEST_LOOP_VERDICT_H
#define WSKEEP_TEST_LOOP_VERDICT_H

#include "loop/lib/model.h"

struct story {
    const struct rig *rig;
    const struct sessions *set;
    const struct pair *pair;
    const struct conf *conf;
    bool drained;  /* sessions_drain */
    bool killed;   /* sessions_kill */
    bool cut;      /* the network may have broken */
    bool hasty;    /* a leg may have been given up before it had taken all */
    bool doubtful; /* the client may have been taken for dead */
    bool gone[2];  /* [enum side]: it ended its side before all was quiet, or perhaps */
};

/* Both ends read all that comes, answer pings, and nothing has moved for a while. */
void story_rests(const struct story *s);
/* Of a session that rests and lives: all that was said to this side is proven to have arrived. */
bool story_proven(const struct story *s, enum side from);
/* Below some buffer.session a message may stand still for ever: one has come that long. */
bool story_may_stick(const struct story *s);
bool story_lives(const struct story *s); /* nothing has happened that ends a session */
/* It has ended for a reason that there was. */
void story_ended(const struct story *s);

#endif
