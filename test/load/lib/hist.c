/* The cells: those below 2^HIST_BITS hold one value each; above, each octave has 2^HIST_BITS. */
#include "hist.h"

#include <string.h>

#define STEPS (1u << HIST_BITS)

void hist_clear(struct hist *h)
{
    memset(h, 0, sizeof *h);
}

static unsigned cell_of(uint64_t value)
{
    unsigned shift;

    if (value < STEPS)
        return (unsigned)value;
    shift = 63u - (unsigned)__builtin_clzll(value) - HIST_BITS;
    return shift * STEPS + (unsigned)(value >> shift);
}

static uint64_t middle_of(unsigned cell)
{
    unsigned shift;

    if (cell < 2 * STEPS)
        return cell;
    shift = cell / STEPS - 1;
    return ((uint64_t)(cell % STEPS + STEPS) << shift) + (1ull << shift) / 2;
}

void hist_add(struct hist *h, uint64_t value)
{
    h->cell[cell_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

uint64_t hist_at(const struct hist *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count), passed = 0;

    for (unsigned i = 0; i < HIST_CELLS; i++) {
        passed += h->cell[i];
        if (passed > wanted)
            return middle_of(i) < h->max ? middle_of(i) : h->max;
    }
    return h->max;
}
