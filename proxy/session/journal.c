/* One direction of a session: data frames from one leg to the other, in chunks.
 *
 * Owns its chunks and the places in them. There is no index: edges are found by walking
 * (journal_cursor.c) from base, or from walk. It never looks into payload, never does I/O and never
 * decides when to send, ack or give up.
 *
 * Every chunk before `tail` is full; those behind it are room that is lent. A place (chunk, offset)
 * may stand at the end of a chunk instead of at the start of the next one, so that it needs no
 * mending when that next one comes or goes. */
#include "session/journal.h"
#include "base/err.h"
#include "session/journal_cursor.h"
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

#ifdef WSKEEP_CHECK
#define CHECK(j) BUG_ON(!journal_check(j))
#else
#define CHECK(j) ((void)0)
#endif

/* From here on a large chunk is more than an eighth full at once; and a journal that has filled
 * eight small ones has shown that it grows. */
#define LARGE_FROM 2048u
#define LARGE_PAST (8u * POOL_SMALL)

/* --- chunks --- */

/* The chunk behind c, taken from the pool where there is none; c NULL: the first one. */
static struct chunk *chunk_next(struct journal *j, struct chunk *c, size_t want)
{
    struct chunk **link = c ? &c->next : &j->head;
    if (*link)
        return *link;
    bool large = want >= LARGE_FROM || j->charge >= LARGE_PAST;
    *link = pool_get(j->pool, large ? POOL_LARGE - sizeof(struct chunk) : 1);
    (*link)->next = NULL;
    j->charge += (uint32_t)pool_charge(*link);
    if (!c)
        j->tail = j->at = *link;
    return *link;
}

static void chunk_drop(struct journal *j, struct chunk **link)
{
    struct chunk *c = *link;
    *link = c->next;
    j->charge -= (uint32_t)pool_charge(c);
    pool_put(j->pool, c);
}

static void drop_all(struct journal *j)
{
    while (j->head)
        chunk_drop(j, &j->head);
    j->tail = j->at = NULL;
    j->head_off = j->at_off = 0;
}

/* Ends the list at tail; an empty journal holds nothing. */
static void trim(struct journal *j)
{
    j->lent = false;
    if (j->base == j->end) {
        drop_all(j);
        return;
    }
    while (j->tail->next)
        chunk_drop(j, &j->tail->next);
}

/* Forgets what lies before `to`, which is not beyond sent. */
static void release(struct journal *j, uint64_t to)
{
    uint64_t off = j->head_off + (to - j->base);
    j->base = to;
    if (j->base == j->end && !j->lent) {
        drop_all(j);
        return;
    }
    while (j->head != j->tail && off >= j->head->len) {
        off -= j->head->len;
        if (j->at == j->head) {
            j->at = j->head->next;
            j->at_off = 0;
        }
        chunk_drop(j, &j->head);
    }
    j->head_off = (uint32_t)off;
}

/* --- life --- */

void journal_init(struct journal *j, struct pool *p, bool keep)
{
    *j = (struct journal){.pool = p, .keep = keep};
}

void journal_fini(struct journal *j)
{
    drop_all(j);
}

/* --- filling --- */

int journal_room(struct journal *j, struct iovec *v, int max, size_t want)
{
    CHECK(j);
    BUG_ON(max < 1 || want < 1);
    int n = 0;
    j->lent = true;
    struct chunk *c = j->tail ? j->tail : chunk_next(j, NULL, want);
    for (;;) {
        size_t space = MIN(c->cap - c->len, want);
        if (space > 0)
            v[n++] = (struct iovec){c->data + c->len, space};
        want -= space;
        if (n == max || want == 0)
            break;
        c = chunk_next(j, c, want);
    }
    CHECK(j);
    return n;
}

/* Whether n bytes can be put before they overwrite p: anywhere but in the room, they can. */
static bool has_gap(const struct journal *j, const uint8_t *p, size_t n)
{
    size_t gap = 0;
    for (const struct chunk *c = j->tail; c; c = c->next) {
        size_t space = c->cap - c->len, at = (uintptr_t)p - (uintptr_t)(c->data + c->len);
        if (at < space)
            return gap + at >= n;
        gap += space;
    }
    return true;
}

/* What lies in the room lies at or behind the end: a forward copy moves it down, across chunks too,
 * and none is needed for bytes that are in their place. */
static void put(struct journal *j, const uint8_t *p, size_t n)
{
    while (n > 0) {
        if (!j->tail || j->tail->len == j->tail->cap)
            j->tail = chunk_next(j, j->tail, n);
        uint8_t *to = j->tail->data + j->tail->len;
        uint32_t piece = (uint32_t)MIN(n, j->tail->cap - j->tail->len);
        if (to != p)
            memmove(to, p, piece);
        j->tail->len += piece;
        j->end += piece;
        p += piece;
        n -= piece;
    }
}

void journal_append(struct journal *j, const uint8_t *p, const struct frame_run *r)
{
    CHECK(j);
    if (!r) {
        trim(j);
    } else {
        uint64_t start = j->end;
        BUG_ON(r->len > 0 && r->head_len > 0 && !has_gap(j, p + r->skip, r->head_len));
        put(j, r->head, r->head_len);
        if (r->len > 0)
            put(j, p + r->skip, r->len);
        if (r->has_edge)
            j->ready = start + r->edge;
        if (r->has_end)
            j->last = (struct mark){start + r->end, j->last.messages + r->messages};
    }
    CHECK(j);
}

size_t journal_cut(struct journal *j)
{
    CHECK(j);
    if (j->sent <= j->last.off)
        j->ready = j->last.off;
    size_t gone = j->end - j->ready;
    if (gone > 0) {
        struct chunk *c = j->at;
        uint32_t off = j->at_off;
        place_skip(&c, &off, j->ready - j->sent);
        c->len = off;
        j->tail = c;
        j->end = j->ready;
    }
    trim(j);
    CHECK(j);
    return gone;
}

bool journal_full(const struct journal *j, size_t limit)
{
    return j->end - j->sent >= limit;
}

/* --- sending --- */

int journal_peek(const struct journal *j, struct iovec *v, int max, uint64_t upto)
{
    CHECK(j);
    uint64_t to = MIN(j->ready, upto), left = to > j->sent ? to - j->sent : 0;
    uint32_t off = j->at_off;
    int n = 0;
    for (struct chunk *c = j->at; n < max && left > 0; c = c->next, off = 0) {
        size_t len = MIN(c->len - off, left);
        if (len > 0)
            v[n++] = (struct iovec){c->data + off, len};
        left -= len;
    }
    return n;
}

/* Moves walk to the first frame edge from `sent` on. The heads between are still there, and it is
 * mostly all that has come that is sent. */
static void walk_to(struct journal *j, uint64_t sent)
{
    if (sent == j->last.off) {
        j->walk = j->last;
        j->walk_open = false;
    } else if (sent > j->walk.off) {
        struct cursor w = cursor_walk(j);
        while (w.m.off < sent)
            cursor_step(&w);
        j->walk = w.m;
        j->walk_open = w.open;
    }
}

void journal_sent(struct journal *j, size_t n)
{
    CHECK(j);
    BUG_ON(n > j->ready - j->sent);
    if (n > 0) {
        walk_to(j, j->sent + n);
        place_skip(&j->at, &j->at_off, n);
        j->sent += n;
    }
    if (!j->keep) {
        j->acked = (struct mark){j->sent, journal_sent_messages(j)};
        release(j, j->sent);
    }
    CHECK(j);
}

uint64_t journal_sent_messages(const struct journal *j)
{
    return j->walk.messages - (j->walk.off > j->sent && !j->walk_open);
}

bool journal_open(const struct journal *j)
{
    return j->walk.off > j->sent || j->walk_open;
}

bool journal_edge(struct journal *j, bool message, struct mark *m)
{
    CHECK(j);
    if (!message || !j->walk_open) {
        *m = j->walk;
        return true;
    }
    if (j->walk.messages == j->last.messages)
        return false;
    if (j->next.messages != j->walk.messages + 1) {
        struct cursor w = cursor_walk(j);
        bool come = cursor_end(&w, j->last.off);
        BUG_ON(!come);
        j->next = w.m;
    }
    *m = j->next;
    return true;
}

/* --- keeping --- */

bool journal_torn(const struct journal *j)
{
    return j->torn > j->acked.off;
}

struct mark journal_whole(const struct journal *j)
{
    if (j->sent == j->last.off)
        return j->last;
    struct cursor w = cursor_base(j);
    struct mark m = j->acked;
    while (cursor_end(&w, j->sent))
        m = w.m;
    return m;
}

void journal_ack(struct journal *j, struct mark m)
{
    CHECK(j);
    BUG_ON(m.off > j->sent);
    if (j->keep && m.off > j->acked.off) {
        j->acked = m;
        if (!journal_torn(j)) {
            j->base_open = false;
            release(j, m.off);
        }
    }
    CHECK(j);
}

int journal_rewind(struct journal *j)
{
    CHECK(j);
    if (j->keep ? journal_torn(j) : journal_open(j))
        return ERR_TORN;
    if (j->keep) {
        j->sent = j->acked.off;
        j->walk = j->acked;
        j->walk_open = false;
        j->at = j->head;
        j->at_off = j->head_off;
    }
    CHECK(j);
    return 0;
}

/* Moves acked over whole messages below taken, as many as the limit needs. */
static void give_up(struct journal *j, size_t limit, uint64_t taken)
{
    struct cursor w = cursor_base(j);
    while (j->sent - j->acked.off > limit && cursor_end(&w, taken))
        j->acked = w.m;
    release(j, j->acked.off);
}

/* Whether the message at acked alone is more than the limit. */
static bool is_outgrown(const struct journal *j, size_t limit)
{
    struct cursor w = cursor_base(j);
    return j->sent - j->acked.off > limit && !cursor_end(&w, j->acked.off + limit);
}

/* Moves base alone. What is left of a message whose beginning is gone can never be sent again. */
static void tear(struct journal *j, size_t limit, uint64_t taken)
{
    struct cursor base = cursor_base(j), w = base;
    while (w.m.off < taken && (w.open || j->sent - w.m.off > limit)) {
        cursor_step(&w);
        if (w.m.off <= taken)
            base = w;
    }
    j->torn = base.m.off;
    j->base_open = base.open;
    release(j, j->torn);
}

uint64_t journal_relieve(struct journal *j, size_t limit, uint64_t taken)
{
    CHECK(j);
    uint64_t before = j->acked.messages;
    taken = MIN(taken, j->sent);
    if (!journal_torn(j))
        give_up(j, limit, taken);
    if (journal_torn(j) || is_outgrown(j, limit))
        tear(j, limit, taken);
    CHECK(j);
    return j->acked.messages - before;
}
