/* Reads the fields that name a trace. Owns nothing. Nothing of such a field is ever written but
 * digits that were understood: whatever else a client puts there stays there. */
#include "wire/trace.h"
#include <string.h>

/* Digits are looked for in lower case: W3C's has no other, the other's is lowered by its reader. */
static int digit(char c, bool upper_too)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return upper_too && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* n bytes, two digits each, off the front of s. False: they are not there. */
static bool take_hex(struct str *s, uint8_t *out, size_t n, bool upper_too)
{
    if (s->n < 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = digit(s->p[2 * i], upper_too), low = digit(s->p[2 * i + 1], upper_too);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *s = (struct str){s->p + 2 * n, s->n - 2 * n};
    return true;
}

static bool take(struct str *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n < n || memcmp(s->p, word, n) != 0)
        return false;
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

/* As many digits as there are; none is 0. False: more than 64 bits. */
static bool take_decimal(struct str *s, uint64_t *n)
{
    for (*n = 0; s->n > 0 && *s->p >= '0' && *s->p <= '9'; s->p++, s->n--)
        if (__builtin_mul_overflow(*n, 10u, n) ||
            __builtin_add_overflow(*n, (uint64_t)(*s->p - '0'), n))
            return false;
    return true;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* version "-" trace "-" span "-" flags (W3C Trace Context §3.2). A later version may have more
 * behind another "-"; 255 is none. */
struct trace trace_parent(struct str value)
{
    struct trace t = {.has_span = true};
    uint8_t version, flags;
    bool read = take_hex(&value, &version, 1, false) && take(&value, "-") &&
                take_hex(&value, t.id, sizeof(t.id), false) && take(&value, "-") &&
                take_hex(&value, t.span, sizeof(t.span), false) && take(&value, "-") &&
                take_hex(&value, &flags, 1, false);
    bool ended = read && (value.n == 0 || (version > 0 && *value.p == '-'));
    if (!ended || version == 255 || is_zero(t.id, sizeof(t.id)) || is_zero(t.span, sizeof(t.span)))
        return (struct trace){.known = false};
    t.sampled = flags & 1;
    t.known = true;
    return t;
}

/* trace ["/" [span]] [";o=" [options]]: the span is decimal, and 0 where there is none. */
struct trace trace_cloud(struct str value)
{
    struct trace t = {.known = false};
    uint64_t span = 0, options = 0;
    if (!take_hex(&value, t.id, sizeof(t.id), true) || is_zero(t.id, sizeof(t.id)) ||
        (take(&value, "/") && !take_decimal(&value, &span)) ||
        (take(&value, ";o=") && !take_decimal(&value, &options)) || value.n > 0)
        return (struct trace){.known = false};
    for (size_t i = 0; i < sizeof(t.span); i++)
        t.span[i] = (uint8_t)(span >> (56 - 8 * i));
    t.has_span = span > 0;
    t.sampled = options & 1;
    t.known = true;
    return t;
}

struct trace trace_of(const struct head *request)
{
    static const struct {
        const char *name;
        struct trace (*read)(struct str value);
    } fields[] = {{"traceparent", trace_parent}, {"X-Cloud-Trace-Context", trace_cloud}};
    struct trace t = {.known = false};
    struct str value;
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !t.known; i++)
        if (head_get(request, fields[i].name, &value) == 1)
            t = fields[i].read(value);
    return t;
}
