/* Socket addresses of what the conf file calls an address. Knows no loop. */
#ifndef WSKEEP_NET_ADDRESSES_H
#define WSKEEP_NET_ADDRESSES_H

#include "base/buf.h"
#include "config/conf.h"
#include <netdb.h>
#include <sys/socket.h>

/* At least one, in the order in which to try them. Immutable; shared on one loop. */
struct addresses {
    unsigned refs, count;
    struct sockaddr_storage at[];
};

/* Numeric, any host or a Unix path: 0 with *out. A name: 0 with *out NULL. UV_ENAMETOOLONG: a path
 * that no socket can have. */
int addresses_literal(const struct address *of, struct addresses **out);
extern const struct addrinfo addresses_hints; /* how to look up what is none */
/* NULL: nothing in it is an IP address. */
struct addresses *addresses_found(const struct addrinfo *list);
struct addresses *addresses_ref(struct addresses *a);
void addresses_unref(struct addresses *a); /* NULL: nothing */

socklen_t address_len(const struct sockaddr_storage *sa);
bool address_is_loopback(const struct sockaddr_storage *sa); /* 127.0.0.0/8, ::1 */
/* The IP without its port, "" for a Unix path. A v4 address that was mapped into v6 is written as
 * v4. */
#define ADDRESS_IP_MAX 46
const char *address_ip(const struct sockaddr_storage *sa, char out[ADDRESS_IP_MAX]);
/* "127.0.0.1:80", "[::1]:80", "unix:PATH": as the conf file has it. */
void address_print(const struct sockaddr_storage *sa, struct buf *out);

#endif
