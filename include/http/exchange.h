/* One request and its answer: forwards the head, streams both bodies, with backpressure; a
 * WebSocket handshake too.
 *
 *     exchange_start ─▶ a kept connection, or the gate and a dial ─▶ head sent ─▶ [1xx …] ─▶
 *     final head ─▶ body ─▶ end
 *
 * What finds no backend waits for one up to readiness.wait, counted from its head on, and then gets
 * 503: a request that was not sent, and a handshake that was not answered. Meanwhile nothing of the
 * client is read, and its end is the end.
 *
 * The client's connection is the owner's; while the exchange runs it is the one to hear of it. The
 * backend's is the exchange's. It ends with one call of fn, the last statement of a loop entry,
 * after which the client's connection has to be given a new owner. */
#ifndef WSKEEP_HTTP_EXCHANGE_H
#define WSKEEP_HTTP_EXCHANGE_H

#include "base/reason.h"
#include "http/upstreams.h"
#include "net/dial.h"
#include "net/gate.h"
#include "wire/forward.h"
#include "wire/handshake.h"

enum exchange_end {
    EXCHANGE_NONE,  /* runs */
    EXCHANGE_KEEP,  /* answered; the client's connection may take the next request */
    EXCHANGE_CLOSE, /* answered; the client's connection is to be seen off: what it still sends is
                       of no use */
    EXCHANGE_BREAK, /* the client has gone itself */
    EXCHANGE_TORN,  /* an answer was cut where its end could be taken for that of the whole: a reset
                       has to tell */
    EXCHANGE_UPGRADED /* the client has its 101: x->upstream, head, deflate are the owner's */
};

struct exchange;
typedef void exchange_fn(void *owner, struct exchange *x);

struct exchange {
    struct upstreams *set;
    struct conf *conf; /* held by the owner */
    struct conn *client;
    exchange_fn *fn;
    void *owner;
    struct upstream *upstream; /* NULL: not connected */
    struct dial *dial;         /* NULL: none under way */
    struct pass pass;          /* until the dial has come to something */
    struct timer timer;        /* the wait is over, the body stands still, or the answer is due */
    const char *trouble;       /* what a 503 says (static) */
    struct buf head; /* the request's, as sent, until an answer begins: what a second try sends; of
                        an upgrade the owner's */
    struct str peer; /* the client's IP */
    uint64_t begun;  /* ms */
    uint64_t body, wrote;   /* bytes: of the request's body, to the client */
    const char *why;        /* what an answer of our own says, or what cut one short (static) */
    struct deflate deflate; /* of a 101 */
    enum exchange_end end;
    enum reason reason;       /* why the client's connection cannot go on */
    enum http1_body up, down; /* how the bodies go on */
    uint16_t status;          /* of the final answer; 0: none yet */
    uint8_t minor;            /* the client's HTTP/1.minor */
    bool websocket, to_head;
    bool plain;          /* no compression was offered */
    bool waiting;        /* at the gate, or for the next try */
    bool repeatable;     /* idempotent and without a body (RFC 9110 §9.2.2) */
    bool keep_alive;     /* the client's connection may live on after this */
    bool kept;           /* the upstream had served before: it may have died unseen */
    bool asked, closing; /* asked: the request is whole; closing: the answer says so */
    bool upgrading;      /* the 101 is on its way to the client */
    bool probe;          /* wskeep's own: neither counted nor logged */
};

struct exchange_setup {
    struct upstreams *set;
    struct conf *conf;
    struct conn *client; /* its view holds the request's head */
    struct forward forward;
    bool keep_alive; /* and the request allows it */
    bool probe; /* it is wskeep's own: neither it nor its end at the backend is counted or logged */
    exchange_fn *fn;
    void *owner;
};

/* True: it has ended at once (a bad body, a client that has gone), and fn is not called. */
bool exchange_start(struct exchange *x, const struct exchange_setup *setup);
void exchange_cancel(
    struct exchange *x); /* now; fn is not called. The client's connection is left as it is */
/* The process is to stop: the answer, if its head has not gone, will tell the client to close; what
 * waits for the backend is refused. True: with that it has ended, and fn is not called. */
bool exchange_last(struct exchange *x);

#endif
