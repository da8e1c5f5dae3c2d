/* The deep health check: every probe.period wskeep connects to where it listens itself, as a client
 * does, asks for a WebSocket at probe.path, sends a ping and waits for the pong.
 *
 * What is tested is what users get: the listener, a worker, the gate, the backend's handshake, a
 * session with both its legs. A mark in its head, which this process alone knows and which goes no
 * further, makes two differences: its session passes pings and pongs through, so that the pong is
 * the backend's; and its request, messages, Closes and ends are neither counted nor logged, so that
 * connections of a moment spoil no average. Counted are its dial, and what is open while it is.
 *
 * One at a time: what has no pong when the next is due has failed. On the control loop. */
#ifndef WSKEEP_PROBE_H
#define WSKEEP_PROBE_H

#include "admin/admin.h"
#include "net/upgrade.h"

struct wslay_event_context;

struct probe {
    struct probe_report report; /* for the admin */
    char mark[25];              /* what fronts know it by */
    struct loop *lp;
    struct conf *conf;  /* in force; held by the owner. NULL: it is not in use */
    struct address at;  /* where to connect to */
    bool moved;         /* that is new */
    struct timer timer; /* the next one; judges the one that is under way */
    struct buf head;
    struct upgrade *upgrade; /* NULL: none is under way, or being seen off */
    bool judged;             /* that one is */
    uint64_t begun, pinged;  /* ns */
    uint64_t handshake_us, pong_us;
    struct transport *t; /* behind the handshake; NULL: it is not open */
    struct wslay_event_context *ws;
    struct str rest; /* what came behind the 101 and is not read yet */
    unsigned reads;  /* that this event has left */
    uint8_t opcode;  /* of the frame that came last */
    uint8_t have;    /* bytes of its payload, where it is a control frame: */
    uint8_t payload[125];
};

void probe_init(struct probe *p, struct loop *lp);
/* The process can be reached there: taken. To be followed by probe_use. */
void probe_listens(struct probe *p, const struct address *at);
/* conf is in force. The first probe is on its way; or, where nothing of it has changed, goes on. */
void probe_use(struct probe *p, struct conf *conf);
void probe_stop(struct probe *p); /* now; where it was on, it is failing from then on */
void probe_fini(struct probe *p); /* of a stopped one */

#endif
