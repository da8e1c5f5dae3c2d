/* Chunks: aligned, apart, counted, and given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_DATA     (POOL_SMALL - sizeof(struct chunk))
#define LARGE_DATA     (POOL_LARGE - sizeof(struct chunk))
#define SMALL_PER_SLAB 127u
#define LARGE_PER_SLAB 4u

static void what_is_wanted_chooses_the_size(void **state)
{
    const struct {
        size_t want, charge;
    } rows[] = {{0, POOL_SMALL},          {1, POOL_SMALL},
                {SMALL_DATA, POOL_SMALL}, {SMALL_DATA + 1, POOL_LARGE},
                {LARGE_DATA, POOL_LARGE}, {LARGE_DATA + 1, POOL_LARGE}};
    struct pool p;

    (void)state;
    pool_init(&p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chunk *c = pool_get(&p, rows[i].want);

        assert_int_equal(pool_charge(c), rows[i].charge);
        assert_int_equal(c->cap, rows[i].charge - sizeof *c);
        assert_int_equal(c->len, 0);
        assert_null(c->next);
        assert_int_equal(p.held, rows[i].charge);
        pool_put(&p, c);
        assert_int_equal(p.held, 0);
    }
    pool_fini(&p);
    assert_int_equal(p.mapped, 0);
}

static void a_slab_holds_127_small_or_4_large_chunks(void **state)
{
    const struct {
        size_t want, per_slab;
    } rows[] = {{1, SMALL_PER_SLAB}, {LARGE_DATA, LARGE_PER_SLAB}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pool p;
        struct chunk *all = NULL;

        pool_init(&p);
        for (size_t n = 1; n <= 3 * rows[i].per_slab; n++) {
            struct chunk *c = pool_get(&p, rows[i].want);

            c->next = all;
            all = c;
            assert_int_equal(p.mapped, (n + rows[i].per_slab - 1) / rows[i].per_slab * POOL_SLAB);
        }
        while (all) {
            struct chunk *next = all->next;
            pool_put(&p, all);
            all = next;
        }
        assert_int_equal(p.mapped, 3 * POOL_SLAB);
        pool_fini(&p);
    }
}

static void a_full_slab_has_room_again_once_a_chunk_is_back(void **state)
{
    struct pool p;
    struct chunk *c[LARGE_PER_SLAB];

    (void)state;
    pool_init(&p);
    for (unsigned i = 0; i < LARGE_PER_SLAB; i++)
        c[i] = pool_get(&p, LARGE_DATA);
    for (unsigned i = 0; i < LARGE_PER_SLAB; i++) {
        pool_put(&p, c[i]);
        assert_ptr_equal(pool_get(&p, LARGE_DATA), c[i]);
        assert_int_equal(p.mapped, POOL_SLAB);
    }
    for (unsigned i = 0; i < LARGE_PER_SLAB; i++)
        pool_put(&p, c[i]);
    pool_fini(&p);
}

static void the_chunk_freed_last_is_the_next_one_taken(void **state)
{
    struct pool p;
    struct chunk *c[3];

    (void)state;
    pool_init(&p);
    for (unsigned i = 0; i < 3; i++)
        c[i] = pool_get(&p, 1);
    for (unsigned i = 0; i < 3; i++)
        pool_put(&p, c[i]);
    for (unsigned i = 3; i > 0; i--)
        assert_ptr_equal(pool_get(&p, 1), c[i - 1]);
    for (unsigned i = 0; i < 3; i++)
        pool_put(&p, c[i]);
    pool_fini(&p);
}

static void emptying_and_filling_at_an_edge_maps_nothing(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p);
    struct chunk *c = pool_get(&p, 1);
    const struct chunk *first = c;
    for (int i = 0; i < 100; i++) {
        pool_put(&p, c);
        assert_int_equal(p.mapped, POOL_SLAB);
        c = pool_get(&p, 1);
        assert_ptr_equal(c, first);
    }
    pool_put(&p, c);
    pool_fini(&p);
}

static void trimming_gives_back_what_was_spare_since_the_last_and_nothing_in_use(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p);
    struct chunk *small = pool_get(&p, 1), *large = pool_get(&p, LARGE_DATA);
    memset(small->data, 's', small->cap);
    assert_false(pool_spare(&p));
    pool_trim(&p);
    assert_int_equal(p.mapped, 2 * POOL_SLAB);
    pool_put(&p, large);
    assert_true(pool_spare(&p));
    pool_trim(&p);
    assert_int_equal(p.mapped, 2 * POOL_SLAB); /* it was needed a moment ago */
    pool_put(&p, pool_get(&p, LARGE_DATA));
    pool_trim(&p);
    assert_int_equal(p.mapped, 2 * POOL_SLAB); /* and again */
    pool_trim(&p);
    assert_int_equal(p.mapped, POOL_SLAB);
    for (uint32_t i = 0; i < small->cap; i++)
        assert_int_equal(small->data[i], 's');
    pool_put(&p, small);
    pool_trim(&p);
    pool_trim(&p);
    assert_int_equal(p.mapped, 0);
    assert_false(pool_spare(&p));
    pool_put(&p, pool_get(&p, 1));
    pool_fini(&p);
}

static void a_chunk_put_twice_ends_the_process(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct pool p;

        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        pool_init(&p);
        struct chunk *kept = pool_get(&p, 1), *twice = pool_get(&p, 1);
        pool_put(&p, twice);
        pool_put(&p, twice);
        pool_put(&p, kept);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* ---- a random life ---- */

#define MOST 1500

struct life {
    struct pool pool;
    struct chunk *out[MOST];
    uint8_t mark[MOST]; /* what the chunk was filled with */
    size_t n, held;
    uint32_t seed;
};

static uint32_t draw(struct life *l, uint32_t below)
{
    l->seed = l->seed * 1664525 + 1013904223;
    return (l->seed >> 8) % below;
}

static bool is_filled(const struct chunk *c, uint8_t mark)
{
    return c->data[0] == mark && memcmp(c->data, c->data + 1, c->cap - 1) == 0;
}

static void take(struct life *l)
{
    struct chunk *c =
        pool_get(&l->pool, draw(l, 4) ? draw(l, SMALL_DATA + 1) : SMALL_DATA + 1 + draw(l, 20000));
    uintptr_t at = (uintptr_t)c % POOL_SLAB;

    assert_int_equal(at % 16, 0);
    assert_true(at >= 64 && at + pool_charge(c) <= POOL_SLAB);
    l->mark[l->n] = (uint8_t)draw(l, 256);
    memset(c->data, l->mark[l->n], c->cap);
    l->out[l->n++] = c;
    l->held += pool_charge(c);
}

static void give(struct life *l, size_t i)
{
    struct chunk *c = l->out[i];

    assert_true(is_filled(c, l->mark[i]));
    l->held -= pool_charge(c);
    pool_put(&l->pool, c);
    l->n--;
    l->out[i] = l->out[l->n];
    l->mark[i] = l->mark[l->n];
}

static void live(struct life *l, unsigned steps)
{
    for (unsigned step = 0; step < steps; step++) {
        uint32_t wave = step / 500 % 2 ? 7 : 3; /* of ten: it fills, then empties */

        if (l->n < MOST && (l->n == 0 || draw(l, 10) < wave))
            take(l);
        else
            give(l, draw(l, (uint32_t)l->n));
        if (draw(l, 300) == 0)
            pool_trim(&l->pool);
        assert_int_equal(l->pool.held, l->held);
        assert_true(l->pool.mapped >= l->held);
    }
}

static void a_random_life_keeps_every_chunk_whole_and_gives_all_back(void **state)
{
    struct life *l = malloc(sizeof *l);

    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        memset(l, 0, sizeof *l);
        l->seed = seed;
        pool_init(&l->pool);
        live(l, 4000);
        while (l->n)
            give(l, draw(l, (uint32_t)l->n));
        assert_int_equal(l->pool.held, 0);
        pool_trim(&l->pool);
        pool_trim(&l->pool);
        assert_int_equal(l->pool.mapped, 0);
        pool_fini(&l->pool);
    }
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_chooses_the_size),
        cmocka_unit_test(a_slab_holds_127_small_or_4_large_chunks),
        cmocka_unit_test(a_full_slab_has_room_again_once_a_chunk_is_back),
        cmocka_unit_test(the_chunk_freed_last_is_the_next_one_taken),
        cmocka_unit_test(emptying_and_filling_at_an_edge_maps_nothing),
        cmocka_unit_test(trimming_gives_back_what_was_spare_since_the_last_and_nothing_in_use),
        cmocka_unit_test(a_chunk_put_twice_ends_the_process),
        cmocka_unit_test(a_random_life_keeps_every_chunk_whole_and_gives_all_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
