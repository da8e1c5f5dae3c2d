/* Mixing bits: the finisher of SplitMix64. */
#ifndef LOAD_LIB_MIX_H
#define LOAD_LIB_MIX_H

#include <stdint.h>

static inline uint64_t mix64(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
}

#endif
