/* Text from outside. Owns nothing. */
#include "config/text.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <string.h>

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
        bool good;
        len = utf8_char(p + i, s.n - i, &good);
        if (!good || (is_control(p[i]) && !(lines && is_layout(p[i]))))
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

/* A password may hold a "?" itself: what comes before the last "@" is hidden wherever it stands. */
void text_found(struct str s, struct buf *out)
{
    const char *p = s.p, *end = s.p + s.n;
    const char *query = memchr(p, '?', s.n), *at = memrchr(p, '@', s.n);
    const char *scheme = memmem(p, query ? (size_t)(query - p) : s.n, "://", 3);
    struct buf shown = {0};
    if (at) {
        if (scheme && scheme < at)
            buf_add(&shown, p, (size_t)(scheme + 3 - p));
        buf_adds(&shown, "***");
        p = at;
    }
    if (!query) {
        buf_add(&shown, p, (size_t)(end - p));
    } else if (query >= p) {
        buf_add(&shown, p, (size_t)(query + 1 - p));
        buf_adds(&shown, "***");
    }
    json_quote(out, (struct str){(const char *)shown.data, shown.len}, TEXT_FOUND_MAX);
    buf_fini(&shown);
}

void text_one_line(struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (is_control(b->data[i]))
            b->data[i] = '?';
}
