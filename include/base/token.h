/* Random bytes and digests, by OpenSSL. */
#ifndef WSKEEP_BASE_TOKEN_H
#define WSKEEP_BASE_TOKEN_H

#include <stddef.h>

#define TOKEN_ACCEPT_LEN 28

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2): 28 characters and a NUL. */
void token_accept(const char *key, size_t n, char out[TOKEN_ACCEPT_LEN + 1]);
/* A new Sec-WebSocket-Key: 16 random bytes in base64, 24 characters and a NUL. */
void token_key(char out[25]);
void token_random(void *out, size_t n);

#endif
