/* The messages of a session that a client waits to have answered (`answer`), kept apart from its
 * journals until the backend has answered them: an endpoint's ack says that its library has a
 * message, an answer that the application had it.
 *
 * Kept is a client's text whose field answer.of matches, of at most 64 KiB, while all that is kept
 * takes no more than answer.bytes. What is not kept is counted, and the first of a session logged.
 *
 * An answer is a backend's text whose field answer.by matches. It answers one message, of those
 * that have been sent: the first of these that there is
 * 1. the oldest with the answer's value of answer.key;
 * 2. the oldest without a value: a message that opens a thread cannot name it, its answer can;
 * 3. where the answer has no value (an error seldom has): the oldest, if all have the same.
 * Else it answers none. What an answer without a value is for, where there are several, is not
 * guessed at: a wrong guess would lose a message, while one that is kept too long is sent again,
 * and that ends with answer.attempts. Which values are the same is said by their text: 7 is "7",
 * and "" is none.
 *
 * Where a message is longer than 64 KiB, its fields are looked for in its beginning.
 *
 * A1 The messages stand in the order in which they came.
 * A2 `size` is what they take, and no more than answer.bytes. */
#ifndef WSKEEP_SESSION_ANSWER_H
#define WSKEEP_SESSION_ANSWER_H

#include "base/metrics.h"
#include "config/conf.h"
#include "session/journal.h"

struct answers;

/* NULL where answer.of is not set: of that all verbs do nothing. The journals are read, never
 * changed; they and conf outlive it. */
struct answers *answers_new(const struct conf *conf, struct metrics *m, const struct journal *up,
                            const struct journal *down);
void answers_free(struct answers *a);
/* Read what has come since the last call: before any of it is sent on. An answer says that all up
 * to what it is for has arrived: returned is how far, in the up journal; 0 where there is none. */
void answers_up(struct answers *a);
struct mark answers_down(struct answers *a);
/* A message that goes first on the next connection for another reason. */
struct known {
    uint64_t end; /* in the up journal */
    size_t at;    /* where it ends in what goes first */
};

/* A connection to the backend was lost, and the journal has not been rewound. Adds to what goes
 * first on the next one the kept messages that lie before acked, which the journal will not send
 * again; as frames, in order. Those that are known, n of them and in order, are in it already: they
 * are waited for there. 0, or ERR_GONE: a message that was sent on that connection has been sent
 * again answer.attempts times already; then nothing is added, and the client is to get 1011. */
int answers_lost(struct answers *a, const struct known *known, size_t n, struct buf *first);
/* So many bytes of what goes first have gone on the connection that there is. */
void answers_written(struct answers *a, size_t gone);
bool answers_wait(const struct answers *a);     /* for any */
size_t answers_charge(const struct answers *a); /* bytes of memory, for budgets */

#endif
