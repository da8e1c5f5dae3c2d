/* Where to listen or connect to, as text. Never looks a name up. */
#include "base/err.h"
#include "config/load.h"
#include "config/quantity.h"
#include "config/text.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define UNIX_PREFIX "unix:"
#define UNIX_MAX    107u /* sun_path holds 108 bytes, with the NUL */
#define HOST_MAX    253u /* RFC 1035 §2.3.4, without the root's dot */
#define PORT_MAX    65535u

static bool is_ip(int family, const char *host)
{
    struct in6_addr ip;
    return inet_pton(family, host, &ip) == 1;
}

/* A name's letters; a host of digits and dots alone is meant for an IPv4 address. */
static bool host_valid(const char *host, bool bracketed)
{
    if (bracketed)
        return is_ip(AF_INET6, host);
    if (*host == '\0')
        return true;
    if (strspn(host, "0123456789.") == strlen(host))
        return is_ip(AF_INET, host);
    return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
           strlen(host);
}

static int unix_parse(struct str path, struct address *out)
{
    if (path.n == 0)
        return ERR_SYNTAX;
    if (path.n > UNIX_MAX)
        return ERR_RANGE;
    out->host = text_copy(path);
    out->unix_path = true;
    return 0;
}

static int port_parse(struct str text, uint16_t *out)
{
    uint64_t port;
    int err = digits_parse(&text, &port);
    if (err < 0)
        return err;
    if (text.n > 0)
        return ERR_SYNTAX;
    if (port > PORT_MAX)
        return ERR_RANGE;
    *out = (uint16_t)port;
    return 0;
}

static int tcp_parse(struct str text, struct address *out)
{
    const char *colon = memrchr(text.p, ':', text.n);
    if (!colon)
        return ERR_SYNTAX;
    struct str host = {text.p, (size_t)(colon - text.p)};
    struct str port = {colon + 1, text.n - host.n - 1};
    int err = port_parse(port, &out->port);
    if (err < 0)
        return err;
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = (struct str){host.p + 1, host.n - 2};
    if (host.n > HOST_MAX)
        return ERR_RANGE;
    out->host = text_copy(host);
    return host_valid(out->host, bracketed) ? 0 : ERR_SYNTAX;
}

int address_parse(struct str text, struct address *out)
{
    const size_t prefix = strlen(UNIX_PREFIX);
    if (text.n == 0 || memchr(text.p, '\0', text.n))
        return ERR_SYNTAX;
    struct address a = {.text = text_copy(text)};
    int err = text.n >= prefix && memcmp(text.p, UNIX_PREFIX, prefix) == 0
                  ? unix_parse((struct str){text.p + prefix, text.n - prefix}, &a)
                  : tcp_parse(text, &a);
    if (err < 0)
        address_fini(&a);
    else
        *out = a;
    return err;
}

void address_fini(struct address *a)
{
    free(a->text);
    free(a->host);
    *a = (struct address){0};
}
