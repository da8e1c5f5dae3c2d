/* Knows where an HTTP head ends and where its fields begin, and nothing of what they mean. The
 * bytes are the caller's. */
#include "head.h"

#include <string.h>

size_t head_take(struct buf *head, const uint8_t *p, size_t n, bool *whole)
{
    size_t before = head->len;
    const uint8_t *end;

    buf_add(head, p, n < HEAD_MAX ? n : HEAD_MAX);
    end = memmem(head->data, head->len, "\r\n\r\n", 4);
    *whole = end;
    if (end)
        head->len = (size_t)(end - head->data) + 4;
    return head->len - before;
}

bool head_line(const struct buf *head, size_t *at, struct str *line)
{
    const char *begin = (const char *)head->data + *at;
    const char *end = memmem(begin, head->len - *at, "\r\n", 2);

    *line = (struct str){begin, (size_t)(end - begin)};
    *at += line->n + 2;
    return line->n != 0;
}

struct str head_field(const struct buf *head, const char *name)
{
    size_t n = strlen(name), at = 0;
    struct str line;

    while (head_line(head, &at, &line))
        if (line.n > n && line.p[n] == ':' && str_ieq((struct str){line.p, n}, name))
            return str_trim((struct str){line.p + n + 1, line.n - n - 1});
    return (struct str){0};
}
