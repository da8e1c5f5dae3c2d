/* A histogram of times whose cells grow with what they hold: 128 to the octave, so that a value
 * read from it is wrong by less than 0.8 %. */
#ifndef LOAD_LIB_HIST_H
#define LOAD_LIB_HIST_H

#include <stdint.h>

#define HIST_BITS  7 /* 2^7 cells to the octave */
#define HIST_CELLS (64u << HIST_BITS)

struct hist {
    uint64_t count, max;
    uint64_t cell[HIST_CELLS];
};

void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
/* What the given share of the values (0 to 1) does not exceed; 0 where there are none. */
uint64_t hist_at(const struct hist *h, double share);

#endif
