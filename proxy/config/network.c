/* Which peers lie in which networks. IPv4 and IPv6 are two families, and an IPv4-mapped IPv6
 * address (what a dual-stack listener shows of an IPv4 peer) is an IPv4 one. Owns nothing. */
#include "config/network.h"

#include "base/err.h"
#include "config/load.h"
#include "config/quantity.h"
#include <arpa/inet.h>
#include <string.h>

#define V4_BITS     32u
#define V6_BITS     128u
#define MAPPED_BITS 96u /* ::ffff:0:0/96 (RFC 4291 §2.5.5.2) */

static int ip_parse(struct str text, struct network *out)
{
    char ip[INET6_ADDRSTRLEN];
    if (text.n >= sizeof(ip) || memchr(text.p, '\0', text.n))
        return ERR_SYNTAX;
    memcpy(ip, text.p, text.n);
    ip[text.n] = '\0';
    if (inet_pton(AF_INET, ip, out->ip) == 1) {
        out->family = AF_INET;
        out->bits = V4_BITS;
    } else if (inet_pton(AF_INET6, ip, out->ip) == 1) {
        out->family = AF_INET6;
        out->bits = V6_BITS;
    } else {
        return ERR_SYNTAX;
    }
    return 0;
}

static void unmap(struct network *n)
{
    static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};
    if (n->family != AF_INET6 || n->bits < MAPPED_BITS ||
        memcmp(n->ip, mapped, sizeof(mapped)) != 0)
        return;
    memmove(n->ip, n->ip + sizeof(mapped), V4_BITS / 8);
    n->family = AF_INET;
    n->bits -= MAPPED_BITS;
}

int network_parse(struct str text, struct network *out)
{
    struct network n = {0};
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    struct str ip = {text.p, slash ? (size_t)(slash - text.p) : text.n};
    if (text.n == 0 || ip_parse(ip, &n) < 0)
        return ERR_SYNTAX;
    if (slash) {
        struct str digits = {slash + 1, text.n - ip.n - 1};
        uint64_t bits;
        if (digits_parse(&digits, &bits) < 0 || digits.n > 0 || bits > n.bits)
            return ERR_SYNTAX;
        n.bits = (unsigned)bits;
    }
    unmap(&n);
    *out = n;
    return 0;
}

bool network_holds(const struct network *n, const struct network *ip)
{
    size_t whole = n->bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> n->bits % 8);
    return n->family == ip->family && memcmp(n->ip, ip->ip, whole) == 0 &&
           (mask == 0 || ((n->ip[whole] ^ ip->ip[whole]) & mask) == 0);
}

bool trusted_peer(const struct strings *cidrs, const char *ip)
{
    struct network peer, network;
    bool known = network_parse(str_of(ip), &peer) == 0;
    if (*ip == '\0')
        return true;
    for (unsigned i = 0; i < cidrs->n; i++) {
        struct str cidr = str_of(cidrs->v[i]);
        if (str_eq(cidr, "*") ||
            (known && network_parse(cidr, &network) == 0 && network_holds(&network, &peer)))
            return true;
    }
    return false;
}
