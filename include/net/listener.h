/* Listening sockets: several loops may accept on one address.
 *
 * At the connection limit, or when descriptors or memory run out (EMFILE, ENFILE, ENOBUFS, ENOMEM),
 * a listener stops polling until listener_resume() or 100 ms: a level-triggered one would spin.
 * METRIC_ACCEPT_PAUSES counts that; one log line a second. */
#ifndef WSKEEP_NET_LISTENER_H
#define WSKEEP_NET_LISTENER_H

#include "base/buf.h"
#include "base/loop.h"
#include "config/conf.h"

#define LISTENER_BACKLOG                                                                           \
    4096 /* connections that wait to be accepted; the kernel clamps it to net.core.somaxconn */

/* Opens n sockets on one address, one for each loop; a name is looked up in this thread, and its
 * first address taken. TCP: SO_REUSEPORT is set after the first bind, so that another wskeep gets
 * EADDRINUSE (a process of the same user that sets SO_REUSEPORT itself before it binds is let in by
 * Linux). Port 0: the kernel's choice, the same for all; "::" takes v4 too. What they accept has
 * transport_options. Unix: one socket, duplicated; a path left behind by a dead process is taken
 * over, a live one is UV_EADDRINUSE, one that is no socket UV_EEXIST. On failure a negative err and
 * one line in `why`; no socket is left open. */
int listener_sockets(const struct address *a, unsigned n, int *fds, struct buf *why);
/* "127.0.0.1:8080", "unix:PATH", as bound. */
void listener_name(int fd, struct buf *out);
/* Where a client on this machine connects to it; to be given to address_fini. 0, or a negative err.
 */
int listener_reach(int fd, struct address *out);
/* Removes the path of a Unix socket: by the process that opened it, when it is done with it. TCP:
 * nothing. */
void listener_unlink(const struct address *a);

struct listener;
/* A new connection: fd, non-blocking, is the owner's; peer: whence, also of one that was reset
 * while it waited. Called in a loop entry, up to 64 times an event: the one call up that comes more
 * than once. The owner may close the listener in it. */
typedef void listener_fn(void *owner, int fd, const struct sockaddr_storage *peer);
/* Asked before each accept: false pauses. Does nothing else. */
typedef bool listener_room_fn(void *owner);

/* Takes fd; on failure it stays the caller's. */
int listener_open(struct loop *lp, int fd, listener_fn *fn, listener_room_fn *room, void *owner,
                  struct listener **out);
void listener_resume(
    struct listener *l); /* a connection has ended: accept again. Where it is not paused: nothing */
/* Accepts what the kernel has queued until EAGAIN, or until there is no room, then closes: fn is
 * called from within, since the kernel would reset what is left in the queue. NULL: nothing. */
void listener_close(struct listener *l);

#endif
