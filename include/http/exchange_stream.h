/* Between exchange.c and exchange_stream.c: the two streams of an exchange, and its failures. None
 * of these calls up: what they find is in x->end. */
#ifndef WSKEEP_HTTP_EXCHANGE_STREAM_H
#define WSKEEP_HTTP_EXCHANGE_STREAM_H

#include "http/exchange.h"

void exchange_request(
    struct exchange *x); /* moves the request's body on, as far as both sides let it */
void exchange_answer(struct exchange *x); /* moves the answer on */
void exchange_listen(struct exchange *x); /* hears what the client says while it is not its turn */
/* The connection ended, or gave nothing in time, for this reason: another try, where nothing of the
 * answer has come and that is safe. */
bool exchange_retry(struct exchange *x, enum reason r);
/* wskeep's own answer in place of the backend's; where that has begun it is cut short. */
void exchange_fail(struct exchange *x, uint16_t status, const char *why, enum reason r);
void exchange_break(struct exchange *x, enum reason r);

#endif
