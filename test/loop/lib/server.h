/* A scripted backend that can be lost and come back: listens on the rig's loop, or not, answers
 * handshakes as it is told, and is a wspeer on each connection that it has taken. */
#ifndef WSKEEP_TEST_LOOP_SERVER_H
#define WSKEEP_TEST_LOOP_SERVER_H

#include "loop/lib/wspeer.h"

#define SERVER_VISITS 64

/* What a handshake comes to. */
struct reply {
    enum {
        REPLY_SWITCH,  /* 101 */
        REPLY_TEXT,    /* text */
        REPLY_SILENCE, /* the connection stays */
        REPLY_EOF,     /* an end without an answer */
        REPLY_RESET
    } what;
    const char *text;
    const char *accept; /* of a 101: Sec-WebSocket-Accept. NULL: as it ought to be */
    const char *fields; /* of a 101: more of them, each with its CRLF. NULL: none */
    const void *rest;   /* behind a 101, in the same segment */
    size_t rest_len;
};

struct server;

/* One connection. */
struct visit {
    struct server *server;
    uv_poll_t poll; /* until its handshake is answered */
    int fd;
    struct buf head;    /* the handshake, as it came */
    bool answered;      /* and so it is `fd` no more */
    bool switched;      /* peer is open */
    struct wspeer peer; /* behind a 101 */
    struct buf texts;   /* the peer's */
};

struct server {
    struct rig *rig;
    char address[32]; /* as backend.address has it */
    int held;         /* has the port, so that it can be listened at again */
    int fd;           /* listens; -1: nobody does, and who connects is refused */
    uv_poll_t poll;
    struct reply reply; /* to those that come from now on */
    void (*joined)(
        struct visit *v); /* its peer is open, nothing has been read; NULL: nobody asks */
    void *owner;
    struct visit visits[SERVER_VISITS];
    unsigned came, switched; /* connections; those behind a 101 */
};

/* It listens. */
void server_open(struct server *s, struct rig *r);
void server_listen(struct server *s, bool on); /* off: those that are not answered yet stay */
void server_close(struct server *s);           /* its peers too */
void server_part(struct server *s); /* closes those of its peers whose connection has ended */
/* The n-th one behind a 101 (0 the first); NULL: it has not come. */
struct visit *server_visit(struct server *s, unsigned n);

#endif
