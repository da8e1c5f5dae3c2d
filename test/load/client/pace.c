/* Owns the clock of the rate: how much has been sent since it began. The sessions take turns. A
 * message bears the time when it was due, not when it could be sent. */
#include "pace.h"

#define RETRY_NS 1000000 /* when all sessions have as many on their way as they may */

static uint64_t begun, sent;
static uint64_t next; /* the session whose turn it is */

void pace_begin(uint64_t now)
{
    begun = now;
}

static uint64_t due_at(double rate, uint64_t messages)
{
    return begun + (uint64_t)((double)messages * 1e9 / rate);
}

/* The next session in turn that can take one more; NULL: none. */
static struct client *next_ready(struct load *l)
{
    for (uint64_t i = 0; i < l->count; i++) {
        struct client *c = &l->clients[next];

        next = (next + 1) % l->count;
        if (c->state == CLIENT_OPEN && c->inflight < l->set.inflight)
            return c;
    }
    return NULL;
}

uint64_t pace_turn(struct load *l, uint64_t now)
{
    double rate = l->set.rate;
    struct client *c;

    if (!l->sending || rate <= 0)
        return UINT64_MAX;
    for (uint64_t due; (due = due_at(rate, sent)) <= now; sent++) {
        if (!(c = next_ready(l)))
            return RETRY_NS;
        client_send(c, 1, due);
        client_flush(c);
    }
    return due_at(rate, sent) - now;
}
