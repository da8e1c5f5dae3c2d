/* Owns nothing, knows nothing but numbers. */
#include "order.h"

#define REMEMBERED 64u

static uint64_t note_late(struct order *o, uint64_t number, struct order_faults *faults)
{
    uint64_t back = o->next - 1 - number, bit = back < REMEMBERED ? 1ull << back : 0;

    if (!bit || o->seen & bit) {
        faults->duplicate++;
    } else {
        o->seen |= bit;
        faults->reordered++;
        faults->lost--;
    }
    return 0;
}

uint64_t order_note(struct order *o, uint64_t number, struct order_faults *faults)
{
    uint64_t gap = number - o->next;

    if (number < o->next)
        return note_late(o, number, faults);
    faults->lost += gap;
    o->seen = gap + 1 < REMEMBERED ? o->seen << (gap + 1) | 1 : 1;
    o->next = number + 1;
    return gap + 1;
}
