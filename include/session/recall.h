/* What a fresh backend connection of a session gets first: the client's first messages, which tell
 * it who that is (reconnect.preamble), then those that nobody has answered (answer).
 *
 * It reads the journals and never changes them. Where a message of the preamble is too long to be
 * kept, no connection can be told: recall_lacks. */
#ifndef WSKEEP_SESSION_RECALL_H
#define WSKEEP_SESSION_RECALL_H

#include "session/answer.h"

struct recall;

/* NULL where the settings ask for neither: of that all verbs do nothing. conf, m and the journals
 * outlive it. */
struct recall *recall_new(const struct conf *conf, struct metrics *m, const struct journal *up,
                          const struct journal *down);
void recall_free(struct recall *r);
/* Read what has come: before any of it is sent on. */
void recall_up(struct recall *r);
/* Of recall_first, so many bytes have gone on this connection. See answers_down. */
struct mark recall_down(struct recall *r, size_t gone);
bool recall_lacks(const struct recall *r);
/* A connection was lost, and the journal has not been rewound; of what recall_first gave for it so
 * many bytes had gone. 0, or ERR_GONE: see answers_lost. */
int recall_lost(struct recall *r, size_t gone);
bool recall_waits(const struct recall *r); /* for answers */
/* As frames; empty: nothing. Valid until recall_lost. */
struct str recall_first(const struct recall *r);

#endif
