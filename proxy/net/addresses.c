/* Socket addresses: made from what is written or looked up, counted, printed. Owns what it hands
 * out until its last reference goes. Never looks anything up, and does no I/O. */
#include "net/addresses.h"

#include "base/mem.h"
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <uv.h>

const struct addrinfo addresses_hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

static struct addresses *addresses_new(unsigned count)
{
    struct addresses *a = mem_zalloc(sizeof(*a) + count * sizeof(a->at[0]));
    a->refs = 1;
    a->count = count;
    return a;
}

struct addresses *addresses_ref(struct addresses *a)
{
    a->refs++;
    return a;
}

void addresses_unref(struct addresses *a)
{
    if (a != NULL && --a->refs == 0)
        free(a);
}

static int unix_address(const char *path, struct sockaddr_un *un)
{
    size_t n = strlen(path);
    if (n >= sizeof(un->sun_path))
        return UV_ENAMETOOLONG;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n + 1);
    return 0;
}

int addresses_literal(const struct address *of, struct addresses **out)
{
    struct sockaddr_storage sa = {0};
    const char *host = *of->host ? of->host : "0.0.0.0";
    *out = NULL;
    if (of->unix_path) {
        int err = unix_address(of->host, (struct sockaddr_un *)&sa);
        if (err < 0)
            return err;
    } else if (uv_ip4_addr(host, of->port, (struct sockaddr_in *)&sa) < 0 &&
               uv_ip6_addr(host, of->port, (struct sockaddr_in6 *)&sa) < 0) {
        return 0;
    }
    *out = addresses_new(1);
    (*out)->at[0] = sa;
    return 0;
}

static bool is_ip(const struct addrinfo *i)
{
    return i->ai_family == AF_INET || i->ai_family == AF_INET6;
}

struct addresses *addresses_found(const struct addrinfo *list)
{
    unsigned count = 0;
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next)
        count += is_ip(i) ? 1 : 0;
    if (count == 0)
        return NULL;
    struct addresses *a = addresses_new(count);
    struct sockaddr_storage *to = a->at;
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next)
        if (is_ip(i))
            memcpy(to++, i->ai_addr, i->ai_addrlen);
    return a;
}

socklen_t address_len(const struct sockaddr_storage *sa)
{
    switch (sa->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default: /* no enum, but an integer of the kernel's; only these three are ever made here */
        return sizeof(struct sockaddr_un);
    }
}

bool address_is_loopback(const struct sockaddr_storage *sa)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
    return sa->ss_family == AF_INET
               ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
               : sa->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

const char *address_ip(const struct sockaddr_storage *sa, char out[ADDRESS_IP_MAX])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

    out[0] = '\0';
    if (sa->ss_family == AF_INET)
        uv_inet_ntop(AF_INET, &v4->sin_addr, out, ADDRESS_IP_MAX);
    else if (sa->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        uv_inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, ADDRESS_IP_MAX);
    else if (sa->ss_family == AF_INET6)
        uv_inet_ntop(AF_INET6, &v6->sin6_addr, out, ADDRESS_IP_MAX);
    return out;
}

void address_print(const struct sockaddr_storage *sa, struct buf *out)
{
    if (sa->ss_family == AF_UNIX) {
        buf_addf(out, "unix:%s", ((const struct sockaddr_un *)sa)->sun_path);
        return;
    }
    char ip[ADDRESS_IP_MAX];
    address_ip(sa, ip);
    /* Both kinds keep the port at the same place. */
    unsigned port = ntohs(((const struct sockaddr_in *)sa)->sin_port);
    buf_addf(out, strchr(ip, ':') != NULL ? "[%s]:%u" : "%s:%u", ip, port);
}
