/* A strict reader of one direction of a WebSocket connection (RFC 6455 §5), which knows nothing of
 * wskeep's splitter: puts messages together again and judges what comes. */
#ifndef WSKEEP_TEST_LOOP_WSREAD_H
#define WSKEEP_TEST_LOOP_WSREAD_H

#include "base/buf.h"

enum wsread_what {
    WSREAD_NONE, /* more bytes are needed; behind a Close or a fault: for ever */
    WSREAD_MESSAGE,
    WSREAD_PING,
    WSREAD_PONG,
    WSREAD_CLOSE,
    WSREAD_FAULT
};

struct wsread {
    bool masked;            /* what must be masked; else nothing may be */
    bool deflate;           /* RSV1 may stand on a message's first frame */
    struct buf raw;         /* bytes to be read: whoever has some adds them here */
    size_t at;              /* of them, those that have been read */
    struct buf message;     /* the one under way, or MESSAGE: the one that came */
    uint8_t opcode;         /* its first frame's, RSV1 (0x40) with it; 0: none is under way */
    bool whole;             /* MESSAGE was told: the next call forgets it */
    const uint8_t *payload; /* PING, PONG, CLOSE: unmasked, in raw */
    size_t len;
    uint16_t code;  /* CLOSE: its code, 1005 for none; FAULT: the one to answer with; 0 before */
    size_t wire;    /* bytes that the message under way has taken so far */
    size_t longest; /* the most that one has */
};

enum wsread_what wsread_next(struct wsread *r);
bool wsread_open(const struct wsread *r); /* in the middle of a message, or of a frame */
void wsread_fini(struct wsread *r);

#endif
