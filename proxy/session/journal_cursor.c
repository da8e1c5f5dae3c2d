/* Walking over the frames of a journal: where they end, and which of them end a message.
 *
 * Owns nothing. It reads frame heads only, and only of frames that the splitter has let pass, so
 * that a head which does not parse is a fault of ours. */
#include "session/journal_cursor.h"
#include "base/err.h"
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

void place_skip(struct chunk **c, uint32_t *off, uint64_t n)
{
    while (n > (*c)->len - *off) {
        n -= (*c)->len - *off;
        *c = (*c)->next;
        *off = 0;
    }
    *off += (uint32_t)n;
}

struct cursor cursor_base(const struct journal *j)
{
    return (struct cursor){j->head, j->head_off, j->base_open, {j->base, j->acked.messages}};
}

struct cursor cursor_walk(const struct journal *j)
{
    struct cursor w = {j->at, j->at_off, j->walk_open, j->walk};
    place_skip(&w.chunk, &w.off, j->walk.off - j->sent);
    return w;
}

struct cursor cursor_edge(const struct journal *j, struct mark m, bool open)
{
    struct cursor w = {j->at, j->at_off, open, m};
    place_skip(&w.chunk, &w.off, m.off - j->sent);
    return w;
}

/* A head may lie across chunks. */
static int head_gather(const struct cursor *w, struct frame_head *h)
{
    uint8_t bytes[FRAME_HEAD_MAX];
    size_t have = 0;
    uint32_t off = w->off;
    for (const struct chunk *c = w->chunk; c && have < sizeof bytes; c = c->next, off = 0) {
        size_t n = MIN(c->len - off, sizeof bytes - have);
        memcpy(bytes + have, c->data + off, n);
        have += n;
    }
    return frame_head(bytes, have, h);
}

void cursor_head(const struct cursor *w, struct frame_head *h)
{
    int n = frame_head(w->chunk->data + w->off, w->chunk->len - w->off, h);
    if (n == 0)
        n = head_gather(w, h);
    BUG_ON(n <= 0);
}

void cursor_step(struct cursor *w)
{
    struct frame_head h;
    cursor_head(w, &h);
    uint64_t len = h.len + h.payload;
    place_skip(&w->chunk, &w->off, len);
    w->m.off += len;
    w->m.messages += h.fin;
    w->open = !h.fin;
}

bool cursor_end(struct cursor *w, uint64_t most)
{
    do {
        if (w->m.off >= most)
            return false;
        cursor_step(w);
    } while (w->open);
    return w->m.off <= most;
}
