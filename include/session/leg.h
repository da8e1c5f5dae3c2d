/* One WebSocket endpoint connection, of either side: reads frames into the journal `in`, writes
 * from the journal `out`, answers pings, sends heartbeats, does its half of the Close exchange.
 *
 * It owns its transport and the control frames that wait to be written; the journals are its
 * owner's. It knows no policy and no other leg, but for a probe's, whose pings and pongs go
 * through: what it sees it tells once per loop event, as the last thing that it does.
 *
 * Its two directions end apart. Reading is over (`end` says how) with the peer's Close, a breach of
 * protocol, its silence, or the end of the connection; writing with leg_finish(): what is queued
 * goes, then a Close. When both Closes have passed it half-closes and reads on to EOF, so that
 * nothing on the way is lost to a reset. Then, or when leg_finish's time is up, it is dead. */
#ifndef WSKEEP_SESSION_LEG_H
#define WSKEEP_SESSION_LEG_H

#include "config/conf.h"
#include "net/transport.h"
#include "session/journal.h"

struct leg;

enum leg_event {
    LEG_DATA = 1, /* more of `in` may be sent on, or it is full */
    LEG_ROOM = 2, /* bytes of `out` went without the owner's push, or will go no more (`broken`) */
    LEG_OVER = 4, /* reading is over: `end`, `code`, `why` */
    LEG_DEAD = 8  /* the connection is gone. The last event; reading is over with it */
};
typedef void leg_fn(void *owner, struct leg *l, unsigned events);

enum leg_end {
    LEG_END_NONE,
    LEG_END_CLOSE,  /* the peer's Close: code, why */
    LEG_END_FAULT,  /* it broke the protocol: code is what RFC 6455 names for it */
    LEG_END_SILENT, /* it gave no sign of life for too long */
    LEG_END_EOF,    /* the connection ended without a Close */
    LEG_END_RESET,
    LEG_END_LATE /* leg_finish's time was up */
};

/* Pings on their way at most. */
enum { LEG_FLIGHT = 2 };
struct flight {
    struct mark mark;      /* of `out`: what its pong proves */
    uint32_t number, made; /* made: ms */
};

/* Frames of our own, to be written where `out` has been sent up to off, a message boundary. */
struct insert {
    uint64_t off;
    uint32_t len, at; /* at: bytes that are written */
    uint8_t frames[];
};

/* What became of messages, as the metrics were told: of `out`, and lost of `in`. */
struct leg_told {
    uint64_t delivered;
    uint32_t unproven, lost;
};

struct leg {
    struct loop *lp;
    const struct conf *conf;
    struct transport *t; /* NULL: dead */
    struct journal *in, *out;
    leg_fn *fn;
    void *owner;
    /* A probe's: where the peer's pings and pongs go on. What it says is not counted. NULL: no
     * probe's. */
    struct leg *through;
    struct timer timer; /* the next beat, ack or death; from leg_finish on its deadline */
    struct frame frame;
    struct chunk *control;        /* control frames that wait to be written; NULL: none */
    struct chunk *farewell;       /* our Close, until all before it is written */
    struct chunk *why;            /* the reason in the peer's Close; NULL: none */
    struct insert *insert;        /* NULL: none waits to be written */
    uint64_t heard, said, beaten; /* ms: when bytes last came, and went; when silence was pinged */
    uint64_t alive, spoke;        /* ms: its last sign of life; the last bytes of a message that
                                     is handed on */
    uint64_t asked;     /* ms: since when a ping that has gone is unanswered and nothing was heard;
                           0: none is, or none can go */
    uint64_t ack_due;   /* ms: when an ack is to be asked for; 0: nothing was sent that lacks one */
    struct mark behind; /* of `out`: what lies before the newest ping */
    struct flight flight[LEG_FLIGHT]; /* the pings that no pong has come for, oldest first */
    uint64_t accepted;                /* messages of `in` */
    uint64_t settled; /* messages of `out` that were counted, as delivered, unproven or lost */
    struct leg_told told;
    uint64_t owed; /* ms: since when the first byte of `out` that lacks proof was sent; 0: none */
    uint64_t
        given_up;   /* of `out`: up to here it was let go without proof; 0: none, or proven since */
    uint64_t taken; /* of `out`: so far the peer's TCP had acknowledged it when last asked */
    uint64_t patience; /* ms: leg_finish's */
    uint32_t pings;    /* the newest one's number */
    uint16_t code;     /* of the peer's Close (CLOSE_NONE: it gave none), or for its fault */
    uint16_t word;     /* the code of our Close */
    uint16_t written;  /* bytes of `control` that the kernel has */
    uint32_t inserted; /* bytes of our own frames that the kernel has */
    uint32_t swallow;  /* messages of the peer that are taken and not handed on, the next first */
    uint8_t end;       /* enum leg_end */
    uint8_t side;      /* enum side: who is at the other end */
    uint8_t in_flight; /* of `flight` */
    bool unmarked : 1; /* not a byte of the newest has been written */
    bool proved : 1;   /* its endpoint has a message of `out`, or counts as having one */
    bool deflate : 1;  /* messages may be compressed */
    bool owes : 1;     /* a heartbeat, once the end of the message that is half sent has come */
    bool answered : 1, mute : 1; /* a pong has come; it was waited for too long, and for ever */
    bool paused : 1;
    bool eof : 1;       /* the peer's side has ended behind its Close */
    bool bulk : 1;      /* the last read was large: the next goes straight into the journal */
    bool discard : 1;   /* nobody takes what comes: it is dropped, and counted as lost */
    bool finishing : 1; /* leg_finish was called */
    bool parted : 1;    /* our Close has been written, and the peer's end has not crossed it */
    bool said_close : 1, half_closed : 1, broken : 1; /* broken: nothing more can be written */
};

struct leg_setup {
    struct loop *lp;
    const struct conf *conf; /* the owner holds the reference */
    struct transport *t;     /* the leg's from here on */
    enum side side;
    bool deflate; /* permessage-deflate was agreed on: RSV1 is in order */
    struct journal *in, *out;
    uint64_t spoke; /* ms: the last message, or what counts as that */
    /* Of a leg that takes another's place: what that one had counted, and messages to swallow. */
    uint64_t accepted, settled;
    struct leg_told told;
    uint32_t swallow;
    struct leg *through; /* as in struct leg */
    leg_fn *fn;
    void *owner;
};

void leg_open(struct leg *l, const struct leg_setup *setup);
/* Bytes of the peer that came behind its handshake, before anything is read; its pings are
 * answered. Returns the events that the owner would have been called with. */
unsigned leg_take(struct leg *l, const uint8_t *p, size_t n);
/* Reads what has come by now, unless it is paused, and pushes. Returns the events that the owner
 * would have been called with. */
unsigned leg_read(struct leg *l);
/* Control frames at frame edges, then `out`. 0, or a negative err where writing is over. Then
 * reading still gives what the peer had sent, and the end is told by events. */
int leg_push(struct leg *l);
struct mark leg_sent(const struct leg *l);     /* what a peer has that has all that was sent */
void leg_proven(struct leg *l, struct mark m); /* the peer has all before m: it may be dead */
/* Keeps no more than limit of what was sent, where the peer's TCP has the rest; counts that. */
void leg_relieve(struct leg *l, uint64_t limit);
/* Its peer says no more: of a message that was begun, and of which nothing was sent, or nothing
 * will have been (journal_rewind), nothing stays. */
void leg_drop_begun(struct leg *l);
/* What was sent counts as arrived, so far as it is whole, and will not go again. */
void leg_concede(struct leg *l);
void leg_pause(struct leg *l, bool on); /* stops reading; the clock of its silence stands */
/* Whole messages of our own, as frames: they go before what `out` has from off on, a message
 * boundary that has not been passed. False: something else still waits to go there. They count
 * nowhere. To be followed by leg_push. */
bool leg_insert(struct leg *l, uint64_t off, const void *frames, size_t n);
/* Sends what is queued, then a Close (CLOSE_NONE: an empty one), and sees the connection off;
 * LEG_DEAD at the latest when the peer has taken nothing more for ms. A second call does nothing.
 */
void leg_finish(struct leg *l, uint16_t code, const void *why, size_t n, uint64_t ms);
/* Now; its owner never hears from it again. Of a dead one: nothing. */
void leg_close(struct leg *l);

static inline bool leg_over(const struct leg *l)
{
    return l->end != LEG_END_NONE;
}
static inline bool leg_dead(const struct leg *l)
{
    return !l->t;
}

#endif
