/* A session's opening handshake, kept so that its backend can be asked again: the request's head as
 * it was sent, and what was agreed.
 *
 * Never changes. The key in it goes again: a backend takes any, and it is not a secret. */
#ifndef WSKEEP_SESSION_OPENING_H
#define WSKEEP_SESSION_OPENING_H

#include "wire/handshake.h"

struct opening;

/* request: the head as it went to the backend; answer: its 101. Both are copied. */
struct opening *opening_new(struct str request, const struct deflate *agreed,
                            const struct head *answer);
void opening_free(struct opening *o); /* NULL: nothing */
size_t opening_charge(const struct opening *o);

struct str
opening_request(const struct opening *o); /* what is to be sent: it offers what was agreed */
struct str opening_target(const struct opening *o);
struct str opening_protocol(const struct opening *o); /* the backend's choice, "" is none */
const struct deflate *opening_deflate(const struct opening *o);
/* Whether this answer serves a client that was told of the first one. 0; ERR_PROTOCOL: it is no
 * valid 101; ERR_MISMATCH: another subprotocol, or another extension. *why: static. */
int opening_check(const struct opening *o, const struct head *answer, const char **why);

#endif
