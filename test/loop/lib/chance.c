/* Chance, and rounds that can be repeated: see chance.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/chance.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed, sequence;

uint64_t draw(uint64_t below)
{
    uint64_t z = sequence += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

static int begin(void **state)
{
    (void)state;
    sequence = seed;
    return 0;
}

static int tell_seed(void **state)
{
    (void)state;
    fprintf(stderr, "SEED=%" PRIu64 "\n", seed);
    return 0;
}

static bool draw_seed(void)
{
    FILE *random = fopen("/dev/urandom", "rb");
    bool ok = random && fread(&seed, sizeof(seed), 1, random) == 1;
    if (random)
        fclose(random);
    return ok;
}

int chance_rounds(const char *name, void (*test)(void **state), long rounds)
{
    const struct CMUnitTest round[] = {{name, test, begin, tell_seed, NULL}};
    const char *given = getenv("SEED"), *many = getenv("ROUNDS");
    if (given)
        seed = strtoull(given, NULL, 10);
    else if (!draw_seed())
        return 1;
    for (long i = given ? 1 : many ? strtol(many, NULL, 10) : rounds; i > 0; i--, seed++)
        if (cmocka_run_group_tests(round, NULL, NULL) != 0)
            return 1;
    return 0;
}
