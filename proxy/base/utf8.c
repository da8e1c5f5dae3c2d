/* Well-formed UTF-8: see utf8.h. Owns nothing. */
#include "base/utf8.h"

size_t utf8_char(const uint8_t *p, size_t n, bool *good)
{
    uint8_t lead = p[0];
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t want = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    size_t have = 1;

    if (lead > 0xf4)
        want = 0;
    while (have < want && have < n && p[have] >= low && p[have] <= high) {
        have++;
        low = 0x80;
        high = 0xbf;
    }
    *good = have == want;
    return have;
}

bool utf8_valid(const uint8_t *p, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n && good;)
        i += utf8_char(p + i, n - i, &good);
    return good;
}
