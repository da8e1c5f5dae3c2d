/* Dials the backend, sends a head, reads the head of the answer: for what speaks to the backend
 * before it has a client's connection to read, a session that reconnects or a probe.
 *
 * It owns the connection until it is taken. It never tries twice, logs nothing, and does not judge
 * an answer: a 101 may be to somebody else's key. Bodies stay unread. */
#ifndef WSKEEP_NET_UPGRADE_H
#define WSKEEP_NET_UPGRADE_H

#include "config/conf.h"
#include "net/transport.h"
#include "wire/http1.h"

enum upgrade_end {
    UPGRADE_NONE,        /* it is under way */
    UPGRADE_UNREACHABLE, /* no connection; err: the dial's */
    UPGRADE_LATE,        /* no answer in time */
    UPGRADE_SILENT,      /* it ended (err 0), or was reset (err), before an answer was whole */
    UPGRADE_GARBAGE, /* what came is no HTTP/1 or a head beyond limits.head, or switches protocols
                        before all of the request was sent */
    UPGRADE_ANSWERED /* the final head; 1xx but 101 are passed over */
};

/* Heads of our own: a GET of path from conf's backend, a handshake or a plain one that ends with
 * its answer. purpose: what the backend's log is to say that it is for. fields: further lines, each
 * with CRLF. */
void upgrade_ask(const struct conf *conf, const char *path, const char *purpose, bool websocket,
                 const char *fields, struct buf *head);

struct upgrade;
/* Once, in a later turn than upgrade_start, as an entry's last statement. From then on u does
 * nothing; it lasts, with its connection, until the owner closes it, here or later. */
typedef void upgrade_fn(void *owner, struct upgrade *u);

/* To conf->backend.address within backend.connect_timeout; the answer has answer_ms (> 0) from the
 * connection on. head: a whole request without body, the caller's, unchanged until fn. Takes a
 * reference to conf. The loop needs resolver_open.
 *
 * Counted are the dial (wskeep_backend_connects_total), the connection while it is held here
 * (wskeep_connections), and its end unless it is taken (wskeep_disconnects_total: by enum
 * upgrade_end; `done` behind an answer; where fn had not been called, why its owner closed it). */
struct upgrade *upgrade_start(struct loop *lp, struct conf *conf, struct str head,
                              uint64_t answer_ms, upgrade_fn *fn, void *owner);
/* The same to another address, which lasts as long as u does: no backend's, so nothing is counted.
 */
struct upgrade *upgrade_start_at(struct loop *lp, struct conf *conf, const struct address *to,
                                 struct str head, uint64_t answer_ms, upgrade_fn *fn, void *owner);
/* Now; fn is never called. r: why, where it has not been. NULL: nothing. */
void upgrade_close(struct upgrade *u, enum reason r);

enum upgrade_end upgrade_end(const struct upgrade *u);
int upgrade_err(const struct upgrade *u);         /* 0, or UV_… */
const char *upgrade_why(const struct upgrade *u); /* in words, valid until upgrade_close */
/* Whether it was answered by a 101, and that to its own key. Where that alone is wrong, *why says
 * what. */
bool upgrade_switched(struct upgrade *u, const char **why);

/* Of an answered one: */

/* The head, and what body is to follow. Valid until upgrade_close. */
const struct http1_view *upgrade_view(struct upgrade *u);
/* The connection, without owner and wanting nothing: once. It is counted no more: who takes it
 * counts it, as session_new does. *rest: what came behind the head, valid until upgrade_close. */
struct transport *upgrade_take(struct upgrade *u, struct str *rest);

#endif
