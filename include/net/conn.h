/* One end of HTTP/1: a transport, the parser of what comes on it, and the bytes that could not be
 * parsed or written yet.
 *
 * It owns all of them. They are bounded: a block of LOOP_SCRATCH bytes is read at most, and who
 * writes stops reading its source while anything waits (conn_blocked). An idle one holds no block.
 * It knows neither requests nor answers. */
#ifndef WSKEEP_NET_CONN_H
#define WSKEEP_NET_CONN_H

#include "net/transport.h"
#include "wire/http1.h"

enum conn_event {
    CONN_READ = 1, /* conn_next may find something */
    CONN_ROOM = 2, /* all that waited has been written, or nothing more can be (broken) */
    CONN_ENDED =
        4 /* it is not being read, and the peer has ended; what it sent before can still be read */
};
typedef void conn_fn(void *owner, unsigned events);

struct conn {
    struct loop *lp;
    struct transport *t; /* NULL: closed */
    struct http1 *parser;
    conn_fn *fn;
    void *owner;
    uint8_t *block; /* what was read: bytes at to have are not parsed yet. NULL: nothing */
    uint32_t at, have;
    struct buf out;
    bool readable; /* the socket may have more */
    bool broken;   /* nothing more can be written */
    bool eof;      /* nothing more can be read … */
    int error;     /* … because of this, where it was no EOF */
};

/* Takes t and parser. Begins reading. */
void conn_open(struct conn *c, struct loop *lp, struct transport *t, struct http1 *parser);
void conn_owner(struct conn *c, conn_fn *fn, void *owner);
void conn_close(
    struct conn *c); /* now; what waits to be written is lost. Of a closed one: nothing */
void conn_reset(struct conn *c); /* the same, with RST: what was cut short is not to look whole */
/* Gives the transport away. *rest: what was read and not parsed, valid until conn_close. */
struct transport *conn_detach(struct conn *c, struct str *rest);

/* The parser's next event, from what was read or by one read. HTTP1_MORE: nothing for now, or for
 * ever where eof is set. The view's data stay valid until the next call. */
enum http1_event conn_next(struct conn *c);
struct http1_view *conn_view(struct conn *c);
void conn_want(struct conn *c, bool read);
/* Reads without parsing, as far as the block has room: to hear of the peer's end while its next
 * bytes must wait. Bytes that wait. */
size_t conn_listen(struct conn *c);
bool conn_discard(
    struct conn *c); /* drops what has come and what comes; false: the peer has ended */
bool conn_silent(struct conn *c);        /* looks: the peer has neither said anything nor ended */
bool conn_pending(const struct conn *c); /* bytes wait to be parsed: no read event will tell */

/* Small bytes gather until conn_flush; large ones go out at once, behind what waits. */
void conn_write(struct conn *c, const void *p, size_t n);
void conn_flush(struct conn *c);
bool conn_blocked(const struct conn *c); /* the socket is full */
/* Half-closes once all is written; to be called again at CONN_ROOM. True: done. */
bool conn_shutdown(struct conn *c);

#endif
