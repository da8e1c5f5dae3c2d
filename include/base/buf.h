/* A growing run of bytes on the heap. Owns its storage; an empty one that never grew owns none. */
#ifndef WSKEEP_BASE_BUF_H
#define WSKEEP_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    uint8_t *data;
    size_t len, cap;
};

/* A run of bytes that someone else owns. Not terminated. */
struct str {
    const char *p;
    size_t n;
};
#define STR(literal) ((struct str){literal, sizeof(literal) - 1})

void buf_init(struct buf *b);
void buf_fini(struct buf *b);           /* gives the storage back; usable as after buf_init */
void buf_clear(struct buf *b);          /* keeps the storage */
void buf_grow(struct buf *b, size_t n); /* for buf_room */
/* At least n writable bytes at the end, valid until the next call. They count once len is raised.
 */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
    if (n > b->cap - b->len)
        buf_grow(b, n);
    return b->data ? b->data + b->len : NULL;
}
static inline void buf_add(struct buf *b, const void *p, size_t n) /* p may not lie in b */
{
    if (n == 0)
        return;
    memcpy(buf_room(b, n), p, n);
    b->len += n;
}
static inline void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}
void buf_addu(struct buf *b, uint64_t v); /* decimal */
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *b, size_t n); /* takes the first n bytes away; n <= len */

struct str str_of(const char *s);                         /* NULL: an empty one */
bool str_eq(struct str a, const char *b);                 /* exact */
bool str_ieq(struct str a, const char *b);                /* ASCII case does not matter */
bool str_isame_n(const char *a, const char *b, size_t n); /* for str_isame */
/* Likewise. Names that differ mostly do so in length, which is seen without a call. */
static inline bool str_isame(struct str a, struct str b)
{
    return a.n == b.n && str_isame_n(a.p, b.p, a.n);
}
struct str str_trim(struct str s);                    /* without SP and HTAB at either end */
struct str str_before(struct str s, const char *any); /* s up to the first of these bytes */
/* Cuts the next element of a comma-separated list (RFC 9110 §5.6.1; empty elements are skipped)
 * from *list into *item, trimmed. False where none is left. Commas within quoted strings do not
 * part elements. */
bool str_list(struct str *list, struct str *item);

#endif
