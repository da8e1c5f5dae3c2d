/* A client's opening handshake (RFC 6455 §4.1). */
#ifndef LOAD_CLIENT_HANDSHAKE_H
#define LOAD_CLIENT_HANDSHAKE_H

#include "lib/out.h"

void handshake_ask(struct out *o, const char *path, const char *key);
bool handshake_agreed(const struct buf *answer, const char *key); /* a whole head */

#endif
