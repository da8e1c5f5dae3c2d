/* A scripted peer of plain bytes on the rig's loop: says what it is told, keeps what comes. */
#ifndef WSKEEP_TEST_LOOP_PEER_H
#define WSKEEP_TEST_LOOP_PEER_H

#include "base/buf.h"
#include "loop/lib/rig.h"
#include <netinet/in.h>
#include <sys/un.h>

union peer_address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_un un;
};

struct peer {
    uv_poll_t poll;
    struct rig *rig;
    int fd;          /* -1: not open, or closed */
    bool stopped;    /* does not read */
    bool eof, reset; /* what came last */
    struct buf out, in;
    size_t sent; /* of out, which is emptied at its end */
};

void peer_open(struct peer *p, struct rig *r, int fd);
void peer_connect(struct peer *p, struct rig *r, const union peer_address *to);
void peer_say(struct peer *p, const char *text);
void peer_send(struct peer *p, const void *bytes, size_t n);
void peer_stop(struct peer *p, bool on); /* stops reading */
void peer_shutdown(struct peer *p);      /* half-close, once all is written */
void peer_close(struct peer *p);         /* of one that is not open: nothing */
void peer_reset(struct peer *p);         /* the same, with RST, at once */
bool peer_has(const struct peer *p, const char *text);

/* An HTTP message that came, and what it is made of. */
struct message {
    struct buf head, body, trailers; /* head, trailers: with their last empty line */
    size_t chunks;
};
/* Cuts the first message out of what came; false: it is not whole. A body without framing lasts
 * until EOF for an answer; to_head: there is none whatever the head says. */
bool peer_take(struct peer *p, struct message *m, bool to_head);
bool message_has(const struct message *m, const char *line);
void message_fini(struct message *m);

#endif
