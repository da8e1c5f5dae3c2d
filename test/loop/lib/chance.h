/* What tests draw by chance, and rounds of one of them: each has a seed, and does the same again
 * with it. The seed of a round that fails is printed; SEED=n repeats it, ROUNDS=n plays so many. */
#ifndef WSKEEP_TEST_LOOP_CHANCE_H
#define WSKEEP_TEST_LOOP_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t draw(uint64_t below);
bool one_in(uint64_t n);

#define CHANCE_ROUNDS(test, rounds) chance_rounds(#test, test, rounds)
/* What main returns: 0, or 1 at the first that fails. */
int chance_rounds(const char *name, void (*test)(void **state), long rounds);

#endif
