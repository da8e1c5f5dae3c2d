/* Origins (RFC 6454): the scheme, host and port that a page came from. Internal to config/. */
#ifndef WSKEEP_CONFIG_ORIGIN_H
#define WSKEEP_CONFIG_ORIGIN_H

#include "base/buf.h"
#include <stdbool.h>

/* Whether it may stand in the list of those allowed: written as a browser sends it (lower case, a
 * host beyond ASCII in its xn-- form), or with "*." for the first label of the host. IPv6 literals
 * are not taken: one address has many spellings. */
bool origin_valid(struct str text);

#endif
