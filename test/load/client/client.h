/* One session of the load, from connect() through the handshake to its end. It sends when told to,
 * answers pings, and verifies all that it receives. */
#ifndef LOAD_CLIENT_CLIENT_H
#define LOAD_CLIENT_CLIENT_H

#include "lib/message.h"
#include "lib/order.h"
#include "lib/out.h"
#include "lib/watch.h"
#include "lib/ws.h"

struct load;

enum client_state {
    CLIENT_NONE,       /* not begun, or over */
    CLIENT_CONNECTING, /* to TCP */
    CLIENT_ASKING,     /* the handshake is sent */
    CLIENT_OPEN,
    CLIENT_CLOSING, /* our Close is sent */
    CLIENT_STATES
};

enum client_end {
    CLIENT_GOES_ON, /* it has not ended */
    CLIENT_DONE,    /* a Close from either side, then the server's end */
    CLIENT_FAILED,  /* no TCP connection */
    CLIENT_REFUSED, /* no 101, or a wrong one */
    CLIENT_BREACH,  /* frames that RFC 6455 forbids */
    CLIENT_CUT,     /* ended by the other side */
    CLIENT_ENDS
};

struct client {
    struct load *load;
    uint32_t id;
    struct watch watch;
    enum client_state state;
    uint64_t begun; /* ns: when it began to connect */
    char key[25];   /* Sec-WebSocket-Key */

    struct out out;
    uint64_t number;   /* of the next message to send */
    uint64_t inflight; /* messages that were sent and are not settled */

    uint64_t allowed; /* bytes that it may read for now */
    struct buf head;  /* the answer to the handshake, while it comes */
    struct ws_frame frame;
    struct message message; /* the one that comes */
    struct order order;
    uint8_t control[WS_CONTROL_MAX]; /* a control frame's payload */
    uint8_t control_len;
    bool closed; /* the server's Close has come */
};

void client_open(struct client *c); /* one that is not begun, or over */
/* These queue something … */
void client_send(struct client *c, uint64_t messages, uint64_t at); /* at: ns, the time in them */
void client_control(struct client *c, enum ws_opcode opcode, const void *p, size_t n);
void client_close(struct client *c, const void *p, size_t n); /* a Close */
/* … and this sends it. What is queued at a session's own events is sent behind them. */
void client_flush(struct client *c);
void client_allow(struct client *c, uint64_t bytes); /* to be read; then it waits for more */
void client_opened(struct client *c);                /* a right answer has come */

#endif
