/* The session's invariants as code, and what is in flight as the frames tell it. Changes nothing.
 */
#include "session/journal_cursor.h"
#include "session/session_body.h"
#include <stdio.h>

static bool holds(bool ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "session: broken: %s\n", what);
    return ok;
}

static bool check_leg(const struct session *s, const struct leg *l, const struct leg *o)
{
    bool full = journal_full(l->in, s->conf->buffer.session);
    return holds(s->state != SESSION_LIVE || (!leg_over(l) && !l->finishing && !leg_dead(l)),
                 "S1 a leg of a live one") &&
           holds(leg_dead(l) || l->discard == is_leaving(s, o),
                 "S3 discards exactly what nobody takes") &&
           holds(leg_dead(l) || l->paused == (full && !l->discard),
                 "S4 paused exactly where it is full");
}

static bool check_counts(const struct leg *from, const struct leg *to)
{
    const struct journal *j = from->in;
    return holds(from->accepted == j->last.messages + (j->ready > j->last.off),
                 "S5 accepted is what the journal got") &&
           holds(to->settled <= journal_sent_messages(j), "S5 settled was sent") &&
           holds(!j->keep || j->acked.messages <= to->settled, "S5 what is let go is settled");
}

static bool check_state(const struct session *s)
{
    bool gone = leg_dead(&s->client) && leg_dead(&s->backend);
    bool headless = s->state == SESSION_HEADLESS;
    return holds(s->state != SESSION_LIVE || s->reason == REASON_NONE, "S1 no reason") &&
           holds(s->state != SESSION_CLOSING || s->reason != REASON_NONE, "S2 a reason") &&
           holds(!headless || s->reason == REASON_NONE || leg_over(&s->client),
                 "S1 HEADLESS: no reason but the client's") &&
           holds(headless == !!s->redial && (!headless || s->opening),
                 "S1 a redial where HEADLESS alone") &&
           holds(!headless || leg_dead(&s->backend), "S1 HEADLESS: no backend leg") &&
           holds(s->state != SESSION_CLOSING || !gone || timer_is_set(&s->idle),
                 "S2 a leg is alive");
}

bool session_check(const struct session *s)
{
    return check_state(s) && holds(!list_empty(&s->node), "in its state's list") &&
           check_leg(s, &s->client, &s->backend) && check_leg(s, &s->backend, &s->client) &&
           check_counts(&s->client, &s->backend) && check_counts(&s->backend, &s->client) &&
           journal_check(&s->up) && journal_check(&s->down);
}

/* How many messages had begun to be sendable so far: counted, as far as they are here, by their
 * frames. What was let go is known by its mark; of a torn journal no mark is left but walk. */
static uint64_t messages_of(const struct journal *j)
{
    if (j->base == j->end)
        return journal_sent_messages(j) + journal_open(j);
    struct cursor w = j->keep && !journal_torn(j) ? cursor_base(j) : cursor_walk(j);
    while (w.m.off < j->ready)
        cursor_step(&w);
    return w.m.messages + w.open;
}

uint64_t sessions_in_flight(const struct sessions *set, enum side from)
{
    uint64_t sum = 0;
    for (int i = 0; i < SESSION_STATES; i++)
        for (const struct list *n = set->state[i].next; n != &set->state[i]; n = n->next) {
            const struct session *s = CONTAINER_OF(n, struct session, node);
            sum += from == SIDE_CLIENT ? messages_of(&s->up) - s->backend.settled
                                       : messages_of(&s->down) - s->client.settled;
        }
    return sum;
}
