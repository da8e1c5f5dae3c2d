/* Text from outside. Owns nothing. */
#include "config/text.h"

#include "base/mem.h"
#include <string.h>

/* The length of the character at p, 0 where it is none: Unicode's table 3-7. */
static size_t char_len(const uint8_t *p, size_t n)
{
    uint8_t lead = p[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || len > n)
        return 0;
    /* What only the first byte behind the lead can rule out: overlong forms, surrogates, past
     * U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_layout(uint8_t c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

size_t text_clean(struct str s, bool lines)
{
    const uint8_t *p = (const uint8_t *)s.p;
    for (size_t i = 0, len; i < s.n; i += len) {
        len = char_len(p + i, s.n - i);
        if (len == 0 || (is_control(p[i]) && !(lines && is_layout(p[i]))))
            return i;
    }
    return s.n;
}

char *text_copy(struct str s)
{
    char *p = mem_alloc(s.n + 1);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}
