/* A session whose backend is lost and comes back: what its tests begin and end with, and say in
 * between. */
#ifndef WSKEEP_TEST_LOOP_PLAY_H
#define WSKEEP_TEST_LOOP_PLAY_H

#include "loop/lib/scene.h"

struct play {
    struct scene s;
    struct server server;
    struct buf first; /* what the first backend has got, as texts */
    struct buf heard; /* what the client has */
};

#define WAIT(p, cond) UNTIL(&(p)->s, cond)

/* It comes back at once. The first backend answers no ping, so that nothing is proven. */
void play_begin(struct play *p, const struct setting_text *settings);
void play_begin_as(struct play *p, const struct scene_first *first,
                   const struct setting_text *settings);
void play_end(struct play *p);
uint64_t play_count(const struct play *p, enum metric m);
uint64_t play_ends(const struct play *p, enum side side, enum reason r);

/* The client says it: it is accepted; the first backend has it; it is proven to have it. */
void play_say(struct play *p, const char *text);
void play_say_there(struct play *p, const char *text);
void play_say_proven(struct play *p, const char *text);
/* n messages, from which play_rest or what comes of them is to be waited for. Their hash. */
uint64_t play_say_bulk(struct play *p, size_t size, unsigned n);
void play_rest(struct play *p); /* until nothing moves */

bool play_headless(const struct play *p);
void play_lose(struct play *p);          /* the first backend, until the session is headless */
void play_lose_for_long(struct play *p); /* and nobody listens */
/* The n-th connection that takes the first one's place, once it is there. */
struct wspeer *play_back(struct play *p, unsigned n);
/* Until these are all texts. */
void play_has(struct play *p, const struct buf *texts, const char *want);
void play_got(struct play *p, unsigned n, const char *want); /* the n-th connection has */
/* Until the client's connection has ended: with this code, the session for this reason. play_end.
 */
void play_over(struct play *p, uint16_t code, enum reason r);
void play_leave(struct play *p); /* the client says Close 1000. play_over */

/* Ways to be lost that a session outlives, and what they are called. */
struct play_way {
    void (*how)(struct wspeer *p);
    enum reason reason;
};
enum { PLAY_WAYS = 8 };
extern const struct play_way play_ways[PLAY_WAYS];

#endif
