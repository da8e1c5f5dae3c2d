/* TCP sockets: non-blocking, without delay, on IPv4. */
#ifndef LOAD_LIB_NET_H
#define LOAD_LIB_NET_H

#include <netinet/in.h>
#include <stdint.h>

/* Writing to a dead connection is an error, not a signal, and there are as many descriptors as the
 * system grants. */
void net_init(void);
struct sockaddr_in net_local(uint16_t port); /* 127.0.0.1 */
/* Listens on 127.0.0.1 and says "listening PORT" on stdout; port 0 is the kernel's choice. Ends the
 * process where that cannot be. */
int net_listen(uint16_t port);
int net_accept(int listener); /* -1: nobody waits there, or no descriptor is left */
/* Begins to connect; from: NULL, or the address to come from. -1: failed at once. */
int net_connect(const struct sockaddr_in *to, const struct sockaddr_in *from);
int net_error(int fd); /* how the connecting went: 0, or an errno */

#endif
