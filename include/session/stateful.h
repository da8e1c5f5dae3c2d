/* What a handshake tells of the connection that it began: whether the backend keeps something for
 * it that a fresh one could not be told (`reconnect.state` = "auto"), and whether it may be sent
 * again (`reconnect.never`). Pure. */
#ifndef WSKEEP_SESSION_STATEFUL_H
#define WSKEEP_SESSION_STATEFUL_H

#include "config/conf.h"

/* target: origin-form, path?query, as in the request line. subprotocol: the backend's choice, ""
 * is none. more: reconnect.stateful. Paths and subprotocols are compared as they are: case counts
 * (RFC 6455 §4.1), and what is percent-encoded there none of these servers would take. */
bool stateful_is(struct str target, struct str subprotocol, const struct strings *more);

/* Whether the query has one of the keys, with a value or without. Keys are decoded first: what a
 * browser writes for `auth[ticket]` is `auth%5Bticket%5D`. */
bool target_has_key(struct str target, const struct strings *keys);

#endif
