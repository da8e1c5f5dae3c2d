/* One stream socket, TCP or Unix, over epoll and plain recv and send. TLS is to come behind
 * this same face.
 *
 * It owns the descriptor; it buffers nothing, queues nothing and knows no protocol. Reads and
 * writes never call up.
 *
 * What is wanted is told as long as it holds, like a level-triggered poll: an owner that does not
 * read hears of it again in the next turn. Once the end has been read, READ is not told any more;
 * once a write has failed, WRITE is not. */
#ifndef WSKEEP_NET_TRANSPORT_H
#define WSKEEP_NET_TRANSPORT_H

#include "base/loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct transport;

enum transport_event {
    TRANSPORT_READ = 1,  /* bytes, an EOF or an error can be read */
    TRANSPORT_WRITE = 2, /* writing may go on, or gives the error that it met */
    TRANSPORT_ENDED = 4, /* while reading is off: the peer has ended; what it sent before can still
                            be read. Told once */
};

/* Called once per event of the loop, the last thing its entry does: the owner may close the
 * transport in it. */
typedef void transport_fn(void *owner, unsigned events);

/* Sets on a TCP socket what every one of ours has: TCP_NODELAY, TCP_NOTSENT_LOWAT 128 KiB, and,
 * unless its peer is on this machine, SO_KEEPALIVE (60 s, 15 s, 4). Before connect or listen: Linux
 * hands all of them on to what a listening socket accepts, so that accepting a connection costs no
 * setsockopt. */
void transport_options(int fd, bool peer_is_here);

/* Takes fd, which does not block; on failure (it cannot be watched, no memory) it is closed. Has no
 * owner, wants nothing and hears nothing. */
int transport_open(struct loop *lp, int fd, struct transport **out);
/* Who is called from now on; to be followed by transport_want. A new owner is told ENDED anew. fn
 * NULL: nobody, and nothing is wanted. */
void transport_owner(struct transport *t, transport_fn *fn, void *owner);
/* What to be told of: TRANSPORT_READ, TRANSPORT_WRITE, both or 0. Costs system calls only where it
 * changes. While reading is off the end of the peer is still watched for. */
void transport_want(struct transport *t, unsigned events);
unsigned transport_wanted(const struct transport *t);

/* Bytes read (> 0), UV_EAGAIN, UV_EOF, or UV_ECONNRESET and the like: never before all that the
 * peer had sent, and that has come, has been read. After an end: that end again. v has room for at
 * least one byte. */
ptrdiff_t transport_read(struct transport *t, const struct iovec *v, int n);
/* Bytes taken by the kernel (>= 0, UV_EAGAIN is 0), or an error, and that error again from then on;
 * reading to EOF may still give what the peer had sent. */
ptrdiff_t transport_write(struct transport *t, const struct iovec *v, int n);
int transport_shutdown(struct transport *t); /* half-close: no more is written */
int transport_error(
    const struct transport *t); /* what a connect came to (SO_ERROR), once it is writable */
/* Bytes that the peer's TCP has not acknowledged yet (SIOCOUTQ; the FIN counts as one). A Unix
 * socket's count has the kernel's own overhead in it, 768 after 10 bytes: never too few. */
size_t transport_unacked(const struct transport *t);
/* 0: the peer's TCP was not heard of for so many ms, though it owes the kernel an answer and has
 * been asked for it again and again (TCP_INFO: two retransmits or window probes). A peer that lives
 * and does not read answers those. Otherwise the ms before which that cannot come true. */
uint64_t transport_vanishes_in(const struct transport *t, uint64_t ms);
/* Tells READ in the next turn, whether or not poll would: bytes may be waiting above the socket.
 * While READ is not wanted that stays due. */
void transport_wake(struct transport *t);

void transport_close(
    struct transport *t); /* now; its owner never hears from it again. NULL: nothing */
void transport_reset(struct transport *t); /* the same, with RST: unsent bytes are dropped */
/* Gives the descriptor up, to be opened on another loop. An error that was already read or written
 * to is not found again there: the socket ends in UV_EOF. */
int transport_detach(struct transport *t);

#endif
