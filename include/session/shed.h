/* What goes first when all sessions of the process together hold buffer.total: kept bytes that the
 * peers' TCP has taken; then the sessions that were headless longest; then new handshakes. Never a
 * live session: what it holds is bounded by buffer.session.
 *
 * Each loop sheds what is its own. */
#ifndef WSKEEP_SESSION_SHED_H
#define WSKEEP_SESSION_SHED_H

#include "session/session.h"

/* Whether the budget is used up: a new session is to be refused. */
bool shed_is_full(const struct sessions *set);

#endif
