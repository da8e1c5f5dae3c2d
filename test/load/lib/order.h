/* The order in which numbered messages come: every number once, each after the one before. */
#ifndef LOAD_LIB_ORDER_H
#define LOAD_LIB_ORDER_H

#include <stdint.h>

struct order {
    uint64_t next; /* the number that is due; all zero at first */
    uint64_t seen; /* bit i: next - 1 - i has come */
};

struct order_faults {
    uint64_t lost, duplicate, reordered;
};

/* One number has come. Numbers that it leaps over are lost until they come after all: then they
 * were reordered. Only the last 64 are remembered: what is older counts as a duplicate. Returns how
 * many numbers are settled by it that were not before: itself, and those now lost. */
uint64_t order_note(struct order *o, uint64_t number, struct order_faults *faults);

#endif
