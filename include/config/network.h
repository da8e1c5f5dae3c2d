/* IP networks: "10.0.0.0/8", "fd00::/8", or a single address. Internal to config/. */
#ifndef WSKEEP_CONFIG_NETWORK_H
#define WSKEEP_CONFIG_NETWORK_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

struct network {
    int family;
    unsigned bits; /* that count */
    uint8_t ip[16];
};

/* 0, or ERR_SYNTAX. Bits behind the prefix may be set: they count for nothing. An IPv4-mapped IPv6
 * network of at least /96 is the IPv4 network that it maps. */
int network_parse(struct str text, struct network *out);
bool network_holds(const struct network *n, const struct network *ip);

#endif
