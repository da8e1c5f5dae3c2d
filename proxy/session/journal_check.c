/* The journal's invariants as code: its cursors, its chunks, its walk against the frames.
 *
 * Changes nothing. J3 and J6 say what calls may do, which no state shows: the tests hold them. */
#include "session/journal_cursor.h"
#include <stdio.h>

static bool holds(bool ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "journal: broken: %s\n", what);
    return ok;
}

static bool check_cursors(const struct journal *j)
{
    bool torn = journal_torn(j);
    uint64_t base = !j->keep ? j->sent : torn ? j->torn : j->acked.off;
    return holds(j->base <= j->sent && j->sent <= j->ready && j->ready <= j->end, "J1 order") &&
           holds(j->acked.off <= j->sent && j->last.off <= j->ready, "J1 acked, last") &&
           holds(j->keep || j->acked.off == j->sent, "J1 nothing kept: acked == sent") &&
           holds(!j->keep || j->acked.off <= j->last.off, "J1 acked <= last") &&
           holds(j->acked.messages <= j->last.messages, "J2 messages are counted upwards") &&
           holds(j->base == base, "J2, J5 base is acked, or torn") &&
           holds(torn || !j->base_open, "J2 what is kept begins with a message");
}

static bool check_chunks(const struct journal *j)
{
    uint64_t bytes = 0, at = j->head_off + (j->sent - j->base);
    size_t charge = 0;
    bool room = false, at_holds = !j->at, full = true, lent = true;
    for (const struct chunk *c = j->head; c; c = c->next) {
        full = full && (room || c == j->tail || c->len == c->cap);
        lent = lent && (!room || (j->lent && c->len == 0));
        at_holds = at_holds || (c == j->at && bytes + j->at_off == at && j->at_off <= c->len);
        room = room || c == j->tail;
        bytes += c->len;
        charge += pool_charge(c);
    }
    return holds(!j->head == !j->tail && !j->head == !j->at, "chunks: all ends, or none") &&
           holds(j->base < j->end || j->lent || !j->head, "J4 empty: no chunk") &&
           holds(bytes == j->head_off + (j->end - j->base), "chunks: bytes") &&
           holds(charge == j->charge, "J4 charge") && holds(full, "chunks: full before tail") &&
           holds(lent, "chunks: only room behind tail") && holds(room || !j->tail, "tail") &&
           holds(at_holds, "chunks: at holds sent");
}

/* Frames that a check walks over at most, each way: it is made twice a call. */
enum { CHECK_FRAMES = 1024 };

/* Steps until `to` or past it; false: too far for a check. */
static bool check_reach(struct cursor *w, uint64_t to, uint64_t *last)
{
    for (int n = 0; w->m.off < to && n < CHECK_FRAMES; n++) {
        cursor_step(w);
        if (!w->open)
            *last = w->m.off;
    }
    return w->m.off >= to;
}

static bool check_walk(const struct journal *j)
{
    if (j->base == j->end)
        return holds(j->walk.off == j->sent, "walk: empty");
    if (!holds(j->walk.off >= j->sent && j->walk.off <= j->ready, "walk: sent <= walk <= ready"))
        return false;
    uint64_t last = j->last.off;
    struct cursor w = cursor_base(j);
    if (j->keep && !journal_torn(j) && check_reach(&w, j->sent, &last) &&
        !holds(w.m.off == j->walk.off && w.m.messages == j->walk.messages && w.open == j->walk_open,
               "walk: the first edge from sent on, counted"))
        return false;
    w = cursor_walk(j);
    last = w.open ? j->last.off : w.m.off;
    return !check_reach(&w, j->ready, &last) ||
           (holds(w.m.off == j->ready, "J1 ready is a frame edge") &&
            holds(w.m.messages == j->last.messages && last == j->last.off,
                  "J2 last is a message end, counted"));
}

bool journal_check(const struct journal *j)
{
    return check_cursors(j) && check_chunks(j) && check_walk(j);
}
