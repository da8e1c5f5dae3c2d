/* The timer wheel. Owns no timer and no clock: storage and time are the caller's. Never calls a
 * timer from timer_set or timer_stop.
 *
 * A time is read as digits of WHEEL_BITS bits. A timer stands at the level of the highest digit in
 * which its time differs from `now`, in the slot of its own digit there: so all slots of a level
 * lie in one turn of the level above, ahead of `now`, and whatever stands at a level is due before
 * all that stands at a higher one. Only the highest level wraps.
 *
 *   W1  a bit of `occupied` is set just where the slot holds timers
 *   W2  the slot of now's own digit is empty, at every level
 *   W3  no timer is due before its slot begins, unless it was set for the past
 */
#include "base/timer.h"

#include "base/err.h"

#define DIGIT(time, level) ((time) >> ((level)*WHEEL_BITS))
#define SLOT(digit)        ((digit) & (WHEEL_SLOTS - 1))
#define TOP                (WHEEL_LEVELS - 1u)

/* When the first occupied slot of a level begins. */
static uint64_t level_next(const struct wheel *w, unsigned level)
{
    uint64_t digit = DIGIT(w->now, level); /* whose own slot is empty (W2) */
    unsigned turn = (unsigned)SLOT(digit);
    uint64_t ahead = w->occupied[level] >> turn;

    if (turn)
        ahead |= w->occupied[level] << (WHEEL_SLOTS - turn);
    return (digit + (unsigned)__builtin_ctzll(ahead)) << (level * WHEEL_BITS);
}

#ifdef WSKEEP_CHECK
static void wheel_check(const struct wheel *w)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        BUG_ON(w->occupied[level] >> SLOT(DIGIT(w->now, level)) & 1);
        for (unsigned s = 0; s < WHEEL_SLOTS; s++)
            BUG_ON((w->occupied[level] >> s & 1) == list_empty(&w->slot[level][s]));
        if (!w->occupied[level])
            continue;
        uint64_t begin = level_next(w, level);
        const struct list *slot = &w->slot[level][SLOT(DIGIT(begin, level))];
        const struct timer *first = CONTAINER_OF(slot->next, struct timer, node);
        BUG_ON(first->due < begin && first->due > w->now);
    }
}
#else
#define wheel_check(w) ((void)0)
#endif

void wheel_init(struct wheel *w, uint64_t now)
{
    w->now = now;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (unsigned s = 0; s < WHEEL_SLOTS; s++)
            list_init(&w->slot[level][s]);
    }
}

void timer_init(struct timer *t, timer_fn *fn)
{
    list_init(&t->node);
    t->due = 0;
    t->fn = fn;
}

static void link_timer(struct wheel *w, struct timer *t)
{
    uint64_t at = t->due > w->now ? t->due : w->now + 1;
    unsigned level = (63u - (unsigned)__builtin_clzll(at ^ w->now)) / WHEEL_BITS;
    uint64_t slot = SLOT(DIGIT(at, level));

    if (level > TOP) {
        uint64_t ahead = DIGIT(at, TOP) - DIGIT(w->now, TOP);

        level = TOP;
        slot = SLOT(DIGIT(w->now, TOP) + (ahead < WHEEL_SLOTS ? ahead : WHEEL_SLOTS - 1));
    }
    list_add(&w->slot[level][slot], &t->node);
    w->occupied[level] |= UINT64_C(1) << slot;
}

/* The neighbour of a timer that is alone in its list is the list's head, which tells the slot;
 * where it lies outside the wheel the timer was in none, or waits within wheel_run for its call. */
static void unlink_timer(struct wheel *w, struct timer *t)
{
    const struct list *head = t->node.next;
    bool alone = t->node.prev == head;
    uintptr_t i = ((uintptr_t)head - (uintptr_t)w->slot) / sizeof *head;

    list_del(&t->node);
    if (alone && i < WHEEL_LEVELS * WHEEL_SLOTS)
        w->occupied[i / WHEEL_SLOTS] &= ~(UINT64_C(1) << i % WHEEL_SLOTS);
}

void timer_set(struct wheel *w, struct timer *t, uint64_t due)
{
    wheel_check(w);
    unlink_timer(w, t);
    t->due = due;
    link_timer(w, t);
    wheel_check(w);
}

void timer_stop(struct wheel *w, struct timer *t)
{
    unlink_timer(w, t);
    wheel_check(w);
}

bool timer_is_set(const struct timer *t)
{
    return !list_empty(&t->node);
}

static struct timer *first_of(const struct list *l)
{
    return CONTAINER_OF(l->next, struct timer, node);
}

/* The wheel stands at the beginning of a slot: what is due goes to *due, the rest to lower levels.
 */
static void open_slot(struct wheel *w, unsigned level, struct list *due)
{
    unsigned s = (unsigned)SLOT(DIGIT(w->now, level));
    struct list all;

    list_init(&all);
    list_splice(&all, &w->slot[level][s]);
    w->occupied[level] &= ~(UINT64_C(1) << s);
    while (!list_empty(&all)) {
        struct timer *t = first_of(&all);

        list_del(&t->node);
        if (t->due <= w->now)
            list_add(due, &t->node);
        else
            link_timer(w, t);
    }
}

static unsigned lowest_level(const struct wheel *w)
{
    unsigned level = 0;

    while (level < WHEEL_LEVELS && !w->occupied[level])
        level++;
    return level;
}

void wheel_run(struct wheel *w, uint64_t now)
{
    struct list due;

    wheel_check(w);
    list_init(&due);
    for (;;) {
        unsigned level = lowest_level(w);
        uint64_t next = level < WHEEL_LEVELS ? level_next(w, level) : WHEEL_NEVER;

        if (next > now)
            break;
        w->now = next;
        open_slot(w, level, &due);
    }
    if (w->now < now)
        w->now = now;
    while (!list_empty(&due)) {
        struct timer *t = first_of(&due);

        list_del(&t->node);
        t->fn(t);
    }
    wheel_check(w);
}

uint64_t wheel_next(const struct wheel *w)
{
    unsigned level = lowest_level(w);

    return level < WHEEL_LEVELS ? level_next(w, level) : WHEEL_NEVER;
}
