/* The rules of the WebSocket handshake (RFC 6455 §4, RFC 7692), on parsed heads. Pure. */
#ifndef WSKEEP_WIRE_HANDSHAKE_H
#define WSKEEP_WIRE_HANDSHAKE_H

#include "wire/http1.h"

/* NONE: plain HTTP, whatever Upgrade says: some balancers add Upgrade fields to every request.
 * YES: a GET of HTTP/1.1 without a body (Content-Length: 0 is none), Upgrade: websocket,
 * Connection: upgrade, one valid key, version 13.
 * VERSION: the same, but for the version: answer 426 with Sec-WebSocket-Version: 13. */
enum handshake_kind { HANDSHAKE_NONE, HANDSHAKE_YES, HANDSHAKE_VERSION };
enum handshake_kind handshake_kind(const struct head *request, enum http1_body body);

/* permessage-deflate as agreed (RFC 7692 §7.1); window bits 0: not mentioned. */
struct deflate {
    bool on, server_no_context, client_no_context;
    uint8_t server_bits, client_bits;
};

/* How much of a client's wish for compression goes on. */
enum compression {
    COMPRESSION_ANY,
    COMPRESSION_FRESH, /* each message of the server's stands alone: some will be left out */
    COMPRESSION_NONE   /* messages are to be read on the way */
};
/* What wskeep offers the backend for the client: its permessage-deflate offers, valid ones only,
 * each with client_no_context_takeover (so that each client message can be replayed on a fresh
 * connection). Every other extension is dropped. Appends the field's value; appends nothing where
 * nothing is left. */
void handshake_offer(const struct head *request, enum compression how, struct buf *value);
/* Whether a 101 answers this request: Upgrade, Connection, Accept, no extension or parameter that
 * was not offered. The subprotocol is between the client and the backend. 0, or ERR_PROTOCOL with
 * *why (static) saying what is wrong. */
int handshake_check(const struct head *request, const struct head *answer, struct deflate *agreed,
                    const char **why);
/* The value of Sec-WebSocket-Extensions for the client: what the backend agreed to, and what was
 * forced. Appends nothing where nothing was agreed. */
void handshake_agreed(const struct deflate *agreed, struct buf *value);

/* For a fresh backend connection of a client that was told `agreed`. The head that asks for it:
 * head is the one that was sent before, as forward_request wrote it; what it offered becomes what
 * was agreed, or goes. */
void handshake_again(struct str head, const struct deflate *agreed, struct buf *out);
/* Whether what was agreed now serves that client, which can inflate and deflate as it was told, and
 * goes on doing so. */
bool handshake_same(const struct deflate *agreed, const struct deflate *now);

#endif
