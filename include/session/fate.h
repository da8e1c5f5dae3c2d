/* What becomes of a session whose backend connection has ended, or could not be made again: one
 * table, as one pure function; the first row that matches wins.
 *
 *     what ended                                        then
 *     ------------------------------------------------  -----------------------------------------
 *     anything, while draining                          1012
 *     an attempt: unanswered, or 502, 503, 504          again, until the window ends: then 1013
 *     an attempt: any other answer                      1012: the client comes again, with fresh
 *     a Close 1008 within reconnect.probation             credentials
 *     a breach of protocol                              1014
 *     a Close of the backend's own (fate.c says which)  relayed
 *     ... what is left is an end to reconnect on ...
 *     the client has closed, all it sent is proven      its Close is answered
 *     there is nothing to reconnect with, or the        a Close is relayed; without one 1012
 *       bytes between would not fit together
 *     state was lost with the connection                1012
 *     the same message, reconnect.poison times          1011
 *     a brief life, the fifth in a row                  1011
 *     a Close 1013                                      reconnect, after a longer backoff
 *     all else                                          reconnect
 *
 * 1008 is never wskeep's own word: clients take it for "log in again", and do not come back.
 *
 * The first handshake is a request like any other: what becomes of it says http/exchange. */
#ifndef WSKEEP_SESSION_FATE_H
#define WSKEEP_SESSION_FATE_H

#include "base/reason.h"
#include "session/leg.h"

enum {
    FATE_BRIEF = 10 * 1000, /* ms: a leg that lived shorter proves nothing */
    FATE_BRIEF_MOST = 5,    /* so many in a row, and it is a loop */
    FATE_BLAME = 5 * 1000   /* ms from a message's delivery within which an end is blamed on it */
};

/* What ended, and how things stand. Asked for where the session has no reason for its end yet. */
struct fate_of {
    const struct conf *conf; /* reconnect.window, codes, probation, poison */
    enum fate_what {
        FATE_LEG,        /* a leg behind its 101: end, code, why, lived, reconnected */
        FATE_UNANSWERED, /* an attempt to reconnect: refused, timed out, or ended unanswered */
        FATE_ANSWERED,   /* an attempt: an HTTP answer that is no 101: status */
        FATE_MISMATCHED  /* an attempt: no HTTP, a 101 that is invalid, or another subprotocol or
                            extension than the client was told of */
    } what;
    uint16_t status;
    enum leg_end end;
    uint16_t code;    /* of its Close; CLOSE_NONE: it gave none */
    struct str why;   /* the reason in its Close */
    uint64_t lived;   /* ms */
    bool reconnected; /* it is not the session's first */

    bool draining;
    bool window_over;   /* reconnect.window has passed since the backend was lost */
    bool no_head;       /* no request head is kept that could be sent again (reconnect.never) */
    bool torn;          /* an up message is: see session/journal.h, J5 */
    bool given_up;      /* up bytes were given up before their ack, which has not come since */
    bool client_mid;    /* the client has the beginning of a down message whose rest never came */
    bool client_closed; /* the client has sent its Close */
    bool unacked;       /* something that was accepted from the client is not proven to be there */
    bool stateful;      /* a fresh connection cannot be told what the backend kept for this one */
    bool acked_here;    /* a message was acked on this connection: there may be such state */
    unsigned poisoned;  /* abnormal ends in a row, this one counted, each within FATE_BLAME of the
                           delivery of the same first unacked message */
    unsigned brief;     /* lives shorter than FATE_BRIEF in a row, this one counted */
};

struct fate {
    enum fate_then { FATE_END, FATE_RECONNECT, FATE_RECONNECT_LATER } then;
    /* END: the session's; its row has the Close that the client gets. 0 there: the backend's Close
     * is relayed; without one the client's is answered. Otherwise why there is no connection. */
    enum reason reason;
};

struct fate fate(const struct fate_of *f);

#endif
