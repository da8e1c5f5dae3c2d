/* The one clock of the load tools. */
#ifndef LOAD_LIB_CLOCK_H
#define LOAD_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SECOND 1000000000ull /* ns */

static inline uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

#endif
