/* One run of the load generator: what was asked for, its sessions, and what came of it. */
#ifndef LOAD_CLIENT_LOAD_H
#define LOAD_CLIENT_LOAD_H

#include "client.h"
#include "settings.h"

#include "lib/hist.h"

#include <netinet/in.h>

struct counts {
    uint64_t opened;             /* handshakes that went through */
    uint64_t ends[CLIENT_ENDS];  /* how sessions ended */
    uint64_t total, total_bytes; /* messages that came, from the first handshake on */
    uint64_t messages, bytes;    /* … while it was measured */
    uint64_t cycles;             /* sessions from begin to end, likewise */
    uint64_t pings;
    uint64_t damaged; /* messages that are not what was sent */
    struct order_faults order;
};

/* What was used up within the measured time. */
struct measured {
    double seconds;
    struct usage_cpu proxy, backend, own;
    struct usage_memory before, after; /* the proxy's: before the first session, at the end */
};

struct load {
    struct settings set;
    const struct mode *mode;
    struct sockaddr_in target;
    uint64_t sources, connects; /* addresses to come from, and how often one was needed */

    struct client *clients;
    uint64_t count, begun; /* how many there are, and how many of them had their first connection */
    uint64_t in_state[CLIENT_STATES];
    uint64_t outstanding; /* messages on their way */
    bool sending, measuring;
    uint64_t now; /* ns: when the bytes that are being looked at were read */

    struct counts counts;
    struct hist latency;    /* ns, of messages; of cycles where the mode has such */
    struct hist handshakes; /* ns, from connect() to the 101 */
    double setup;           /* seconds, until all sessions were open … */
    uint64_t opened;        /* … and how many that were */
    struct measured measured;
};

/* A mode is a script, and what it does at the events of a session: these may be NULL. */
struct mode {
    const char *name;
    void (*run)(struct load *l);
    void (*opened)(struct client *c);   /* the handshake is through */
    void (*answered)(struct client *c); /* messages have come */
    void (*over)(struct client *c);     /* it has ended */
    /* Called before each wait; returns how many ns that may last. */
    uint64_t (*turn)(struct load *l, uint64_t now);
    void (*report)(const struct load *l); /* what it alone has to tell */
    bool listens; /* messages come unasked from the server, and it may send a Close */
    bool cycles;  /* sessions come and go */
};
extern const struct mode mode_echo, mode_source, mode_idle, mode_churn, mode_flood;

/* ---- what the scripts are made of ---- */

void load_begin(struct load *l);    /* has sessions opened, as many at once as --ramp allows */
void load_open_all(struct load *l); /* the same, and waits until they are all open, or failed */
void load_pump(struct load *l, uint64_t ns, bool (*done)(const struct load *l));
void load_warm(struct load *l);
void load_measure(struct load *l, bool (*done)(const struct load *l));
/* Sends no more, and waits for what is on its way, and in a mode of cycles for their end. */
void load_drain(struct load *l);

int load_connect(struct load *l); /* a new connection to the target; -1: failed at once */

#endif
