/* Owns one period of the pattern: byte i is drawn from a hash of i. */
#include "pattern.h"

#include "mix.h"

static uint8_t period[PATTERN_PERIOD];

void pattern_init(void)
{
    for (uint32_t i = 0; i < PATTERN_PERIOD; i++)
        period[i] = (uint8_t)(mix64(i * 0x9E3779B97F4A7C15ull + 12345) >> 17);
}

const uint8_t *pattern_at(uint64_t at, size_t *n)
{
    size_t from = at % PATTERN_PERIOD;

    if (*n > PATTERN_PERIOD - from)
        *n = PATTERN_PERIOD - from;
    return period + from;
}
