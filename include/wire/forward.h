/* What goes on of a head, and what is made anew: hop-by-hop fields removed, framing set, forwarding
 * fields appended (RFC 9110 §7.6, RFC 9112 §3.2, §6). Heads are rebuilt, never copied. Pure. */
#ifndef WSKEEP_WIRE_FORWARD_H
#define WSKEEP_WIRE_FORWARD_H

#include "wire/handshake.h"
#include "wire/http1.h"

/* Tells wskeep that a handshake is its own probe's. It never goes on. */
#define FORWARD_MARK "Wskeep-Probe"

/* Of a request: where it came from, and how it goes on. */
struct forward {
    struct str peer;      /* the client's IP, without a port; "" for a Unix socket */
    struct str authority; /* the backend's, sent as Host where an HTTP/1.0 client gave none */
    bool trusted;         /* X-Forwarded-Proto and -Host from this peer are kept */
    bool websocket;       /* an upgrade that goes on as one; otherwise Upgrade fields are dropped */
    enum compression compression; /* of that */
};

/* The request's head as the backend gets it, HTTP/1.1, terminated. Absolute-form is rewritten to
 * origin-form, Host from its authority. X-Forwarded-For: appended, one line. Forwarded: `for=`
 * appended where present, never begun. X-Forwarded-Proto, -Host: kept where trusted, set where
 * absent, never a list. */
void forward_request(const struct http1_view *m, const struct forward *f, struct buf *out);

/* How the client is to get an answer. */
struct forward_answer {
    uint8_t minor;                 /* the client's HTTP/1.minor */
    bool to_head;                  /* it asked with HEAD */
    bool keep_alive;               /* the client's connection may live on */
    const struct deflate *deflate; /* a 101: what was agreed; NULL otherwise */
};
/* The answer's head as the client gets it, terminated. Returns how the body goes: HTTP1_CHUNKED,
 * HTTP1_LENGTH, HTTP1_NO_BODY, or HTTP1_UNTIL_EOF (an HTTP/1.0 client and a body of unknown length:
 * then Connection: close was written). */
enum http1_body forward_answer(const struct http1_view *m, const struct forward_answer *f,
                               struct buf *out);

/* Trailers as they may go on: without framing, routing, hop-by-hop and Connection-named fields;
 * with the empty line at the end. */
void forward_trailers(const struct head *trailers, struct buf *out);

/* An answer of wskeep's own: head and a body of one line of text. extra: further field lines, each
 * with CRLF, or "". */
void forward_own(uint16_t status, const char *text, const char *extra, bool to_head,
                 bool keep_alive, struct buf *out);
const char *http1_phrase(uint16_t status);

#endif
