/* Counts who came and who stays. */
#include "kinds.h"

static uint64_t shares[KINDS], come[KINDS];
static uint64_t staying, staying_max;

static bool stays(enum kind k)
{
    return k == DRIP || k == MUTE;
}

void kinds_init(const struct settings *s)
{
#define X(name, share) shares[name] = s->share;
    KINDS_MAP(X)
#undef X
    staying_max = shares[LEAVE] + shares[RESET] ? s->conns / 2 : s->conns;
}

/* The one that is furthest behind its share. */
enum kind kinds_come(void)
{
    enum kind next = LEAVE;
    double most = 0;

    for (enum kind k = 0; k < KINDS; k++) {
        double behind = (double)shares[k] / (double)(come[k] + 1);

        if (behind > most && !(stays(k) && staying >= staying_max)) {
            most = behind;
            next = k;
        }
    }
    come[next]++;
    staying += stays(next);
    return next;
}

void kinds_go(enum kind k)
{
    staying -= stays(k);
}
