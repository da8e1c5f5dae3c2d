/* One connection to the backend: HTTP first, requests and answers; after an upgrade a WebSocket
 * with one of the services.
 *
 * Whoever finds it broken or done with says so in `over` or `ending` and returns: it ends where its
 * turn does (conn_settle), and nowhere else. */
#ifndef LOAD_BACKEND_CONN_H
#define LOAD_BACKEND_CONN_H

#include "lib/out.h"
#include "lib/watch.h"
#include "lib/ws.h"

#include "base/timer.h"

#define READ_MAX 262144u

struct conn {
    struct watch watch;
    struct out out;
    bool over;   /* it ends now */
    bool ending; /* it ends once all is sent, and nothing is under way */

    /* HTTP */
    struct buf head;          /* of the request that comes */
    bool swallowing;          /* a body comes … */
    uint64_t body, body_left; /* … of so many bytes, of which so many are still to come */
    uint64_t given, bytes;    /* of a download: bytes sent, and all of them */

    /* WebSocket */
    const struct service *service; /* NULL: none yet */
    struct ws_frame frame;
    bool returns;           /* the payload that comes goes back */
    bool close_sent;        /* with it a service ends */
    uint64_t number, count; /* messages that were pushed, and all that are to be; 0: without end */
    uint64_t size, batch, ms;
    struct timer tick;
};

void conn_open(int fd);
void conn_put(struct conn *c, const void *p, size_t n);
void conn_puts(struct conn *c, const char *s);
/* The end of a turn: sends on, waits, or frees it. */
void conn_settle(struct conn *c);

extern struct wheel wheel; /* of the services that tick */
uint64_t now_ms(void);

#endif
