/* The kinds of connections in a flood, and whose turn it is. */
#ifndef LOAD_CLIENT_KINDS_H
#define LOAD_CLIENT_KINDS_H

#include "settings.h"

/* name, the field of the settings that is its share */
#define KINDS_MAP(X)                                                                               \
    X(DRIP, drip)                                                                                  \
    X(MUTE, mute)                                                                                  \
    X(LEAVE, leave)                                                                                \
    X(RESET, reset)
enum kind {
#define X(name, share) name,
    KINDS_MAP(X)
#undef X
        KINDS
};

void kinds_init(const struct settings *s);
/* The kind of the next connection: of all that come each has its share. At most half of those that
 * are there may be of the kinds that stay, or soon nobody could come and go. */
enum kind kinds_come(void);
void kinds_go(enum kind k); /* such a connection has ended */

#endif
