/* Asks, and judges the answer. Owns nothing. */
#include "handshake.h"

#include "lib/head.h"

#include "base/token.h"

#include <string.h>

void handshake_ask(struct out *o, const char *path, const char *key)
{
    buf_addf(&o->bytes,
             "GET %s HTTP/1.1\r\n"
             "Host: load.example\r\n"
             "Upgrade: websocket\r\n"
             "Connection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: %s\r\n"
             "Origin: http://load.example\r\n"
             "User-Agent: load\r\n"
             "\r\n",
             path, key);
}

bool handshake_agreed(const struct buf *answer, const char *key)
{
    static const char status[] = "HTTP/1.1 101 ";
    char accept[TOKEN_ACCEPT_LEN + 1];

    token_accept(key, strlen(key), accept);
    return answer->len > sizeof status && memcmp(answer->data, status, sizeof status - 1) == 0 &&
           str_eq(head_field(answer, "Sec-WebSocket-Accept"), accept);
}
