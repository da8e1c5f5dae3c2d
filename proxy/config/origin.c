/* Which origins are allowed. What is no origin to the letter matches nothing: neither "null", nor
 * what a browser would have to interpret (a path, user information, a host's final dot). Owns
 * nothing. */
#include "config/origin.h"

#include "config/load.h"
#include "config/quantity.h"
#include <string.h>

#define HOST_MAX  253u /* of a name in text (RFC 1035 §2.3.4: 255 on the wire) */
#define LABEL_MAX 63u

struct origin {
    struct str scheme, host; /* host: without the "*." */
    uint64_t port;           /* 0: none was given, and the scheme has no default */
    bool wildcard;
};

static const struct {
    const char *scheme;
    uint64_t port;
} defaults[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_behind_letter(char c)
{
    return is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* RFC 3986 §3.1: pages within programs have schemes of their own ("capacitor://localhost"). */
static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && (i == 0 || !is_behind_letter(s.p[i])))
            return false;
    return s.n > 0;
}

/* A name or an IPv4 address. Underscores are no part of host names, but of names in use. */
static bool is_host(struct str s)
{
    size_t label = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool dot = c == '.';
        if (dot ? label == 0 : !is_letter(c) && !is_digit(c) && c != '-' && c != '_')
            return false;
        label = dot ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
    }
    return label > 0 && s.n <= HOST_MAX;
}

static bool port_parse(struct str digits, uint64_t *port)
{
    bool plain = digits.n > 0 && digits.p[0] != '0'; /* never written with leading zeros */
    return plain && digits_parse(&digits, port) == 0 && digits.n == 0 && *port <= UINT16_MAX;
}

static uint64_t default_port(struct str scheme)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        if (str_ieq(scheme, defaults[i].scheme))
            return defaults[i].port;
    return 0;
}

static bool origin_parse(struct str text, struct origin *o)
{
    const char *mark = text.n > 0 ? memmem(text.p, text.n, "://", 3) : NULL;
    if (!mark)
        return false;
    o->scheme = (struct str){text.p, (size_t)(mark - text.p)};
    o->host = (struct str){mark + 3, text.n - o->scheme.n - 3};
    o->wildcard = o->host.n > 2 && memcmp(o->host.p, "*.", 2) == 0;
    if (o->wildcard)
        o->host = (struct str){o->host.p + 2, o->host.n - 2};
    o->port = default_port(o->scheme);
    const char *colon = memchr(o->host.p, ':', o->host.n);
    if (colon) {
        struct str digits = {colon + 1, o->host.n - (size_t)(colon - o->host.p) - 1};
        o->host.n = (size_t)(colon - o->host.p);
        if (!port_parse(digits, &o->port))
            return false;
    }
    return is_scheme(o->scheme) && is_host(o->host);
}

bool origin_valid(struct str text)
{
    struct origin o;
    for (size_t i = 0; i < text.n; i++)
        if (is_upper(text.p[i]))
            return false;
    return origin_parse(text, &o);
}

static bool matches(const struct origin *allowed, const struct origin *o)
{
    struct str host = o->host;
    if (allowed->wildcard) {
        const char *dot = memchr(host.p, '.', host.n);
        if (!dot)
            return false;
        host = (struct str){dot + 1, host.n - (size_t)(dot - host.p) - 1};
    }
    return str_isame(o->scheme, allowed->scheme) && o->port == allowed->port &&
           str_isame(host, allowed->host);
}

bool origin_listed(const struct strings *list, struct str text)
{
    struct origin o, allowed;
    if (!origin_parse(text, &o) || o.wildcard)
        return false;
    for (unsigned i = 0; i < list->n; i++)
        if (origin_parse(str_of(list->v[i]), &allowed) && matches(&allowed, &o))
            return true;
    return false;
}
