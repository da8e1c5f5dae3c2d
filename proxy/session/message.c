/* Messages in a journal: where they begin and end, their bytes, their payload. Owns nothing.
 * Changes no byte of the journal: what it unmasks is a copy. */
#include "session/message.h"
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* To the first message boundary that is neither within what was told of nor before what was sent.
 */
static bool pass_over(const struct journal *j, struct reader *r)
{
    struct cursor w = r->at.off < j->sent ? cursor_walk(j) : cursor_edge(j, r->at, r->begun);
    if (w.open && !cursor_end(&w, j->last.off))
        return false;
    *r = (struct reader){.at = w.m};
    return true;
}

void message_skip(const struct journal *j, struct reader *r)
{
    *r = (struct reader){.at = j->last, .begun = j->last.off < j->ready};
}

bool message_next(const struct journal *j, struct reader *r, struct message *m)
{
    if (r->at.off > j->ready) /* what it was read of has been cut */
        *r = (struct reader){.at = j->last};
    if (j->sent == j->ready) {
        message_skip(j, r);
        return false;
    }
    if ((r->begun || r->at.off < j->sent) && !pass_over(j, r))
        return false;
    if (r->at.off == j->ready)
        return false;
    struct frame_head h;
    struct cursor w = cursor_edge(j, r->at, false);
    cursor_head(&w, &h);
    *m = (struct message){.from = w, .text = h.opcode == FRAME_TEXT && !h.rsv1};
    m->whole = cursor_end(&w, j->last.off);
    m->end = m->whole ? w.m : (struct mark){j->ready, r->at.messages};
    *r = (struct reader){.at = m->end, .begun = !m->whole};
    return true;
}

/* Copies the n bytes from the place (c, off) on. */
static void copy(const struct chunk *c, uint32_t off, uint8_t *to, size_t n)
{
    for (; n > 0; c = c->next, off = 0) {
        size_t piece = MIN(c->len - off, n);
        memcpy(to, c->data + off, piece);
        to += piece;
        n -= piece;
    }
}

size_t message_size(const struct message *m)
{
    return (size_t)(m->end.off - m->from.m.off);
}

void message_wire(const struct message *m, uint8_t *to)
{
    copy(m->from.chunk, m->from.off, to, message_size(m));
}

/* Eight bytes at a time: the key fits in twice. */
static void unmask(uint8_t *p, size_t n, const uint8_t key[4])
{
    uint64_t both, word;
    memcpy(&both, key, 4);
    memcpy((uint8_t *)&both + 4, key, 4);
    size_t i = 0;
    for (; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(&word, p + i, sizeof(word));
        word ^= both;
        memcpy(p + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        p[i] ^= key[i % 4];
}

void message_payload(const struct message *m, size_t most, struct buf *out)
{
    for (struct cursor w = m->from; w.m.off < m->end.off && most > 0; cursor_step(&w)) {
        struct frame_head h;
        cursor_head(&w, &h);
        size_t n = (size_t)MIN(h.payload, most);
        uint8_t *to = buf_room(out, n);
        struct cursor body = w;
        place_skip(&body.chunk, &body.off, h.len);
        copy(body.chunk, body.off, to, n);
        if (h.masked)
            unmask(to, n, h.key);
        out->len += n;
        most -= n;
    }
}
