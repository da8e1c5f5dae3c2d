/* A growing run of bytes, and the small verbs for runs that someone else owns. Owns what buf.data
 * points to, nothing else. Never shrinks but by buf_fini. */
#include "base/buf.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64u

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_grow(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST;

    if (n > SIZE_MAX / 2 - b->len)
        mem_exhausted();
    while (cap < b->len + n)
        cap *= 2;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
}

void buf_addu(struct buf *b, uint64_t v)
{
    char digits[20]; /* of UINT64_MAX */
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    buf_add(b, digits + at, sizeof(digits) - at);
}

static size_t print(struct buf *b, size_t room, const char *fmt, va_list args)
{
    int n = vsnprintf((char *)buf_room(b, room), room, fmt, args);

    BUG_ON(n < 0);
    return (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    size_t n = print(b, BUF_FIRST, fmt, args);
    if (n >= BUF_FIRST)
        print(b, n + 1, fmt, again);
    b->len += n;
    va_end(again);
    va_end(args);
}

void buf_drop(struct buf *b, size_t n)
{
    BUG_ON(n > b->len);
    if (!n)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

struct str str_of(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

bool str_eq(struct str a, const char *b)
{
    return a.n == strlen(b) && (a.n == 0 || memcmp(a.p, b, a.n) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Names that are the same are mostly written the same. */
bool str_isame_n(const char *a, const char *b, size_t n)
{
    if (n == 0 || memcmp(a, b, n) == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool str_ieq(struct str a, const char *b)
{
    return str_isame(a, str_of(b));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_before(struct str s, const char *any)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(any, s.p[i]))
            s.n = i;
    return s;
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n && is_blank(*s.p)) {
        s.p++;
        s.n--;
    }
    return s;
}

/* How many bytes there are before the comma that ends the first element. A quoted string that
 * nothing ends reaches to the end of the list. */
static size_t element_len(struct str list)
{
    bool quoted = false;

    for (size_t i = 0; i < list.n; i++) {
        char c = list.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            return i;
    }
    return list.n;
}

bool str_list(struct str *list, struct str *item)
{
    while (list->n) {
        size_t n = element_len(*list), step = n < list->n ? n + 1 : n;

        *item = str_trim((struct str){list->p, n});
        list->p += step;
        list->n -= step;
        if (item->n)
            return true;
    }
    return false;
}
