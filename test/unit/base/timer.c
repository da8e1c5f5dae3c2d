/* The wheel against a model that keeps a plain array: exact to the millisecond, at every level and
 * boundary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timer.h"

#include <stdlib.h>
#include <string.h>

#define HOUR UINT64_C(3600000)

/* ---- one timer ---- */

static struct {
    unsigned calls;
    bool was_set;
} seen;

static void on_seen(struct timer *t)
{
    seen.calls++;
    seen.was_set = timer_is_set(t);
}

/* Runs the wheel only when it asks for it, as the loop does, up to `until`; the time of the last
 * run. */
static uint64_t run_as_asked(struct wheel *w, uint64_t until)
{
    uint64_t next;

    while ((next = wheel_next(w)) <= until && !seen.calls) {
        assert_true(next > w->now);
        wheel_run(w, next);
    }
    return w->now;
}

static void fires_at_exactly(uint64_t start, uint64_t delay)
{
    struct wheel w;
    struct timer t;

    wheel_init(&w, start);
    timer_init(&t, on_seen);
    timer_set(&w, &t, start + delay);
    memset(&seen, 0, sizeof seen);
    assert_true(wheel_next(&w) <= start + delay);
    assert_int_equal(run_as_asked(&w, WHEEL_NEVER - 1), start + delay);
    assert_int_equal(seen.calls, 1);
    assert_false(seen.was_set);
    assert_int_equal(wheel_next(&w), WHEEL_NEVER);

    /* In a jump: not a millisecond early, and at once where it is due. */
    memset(&seen, 0, sizeof seen);
    wheel_init(&w, start);
    timer_set(&w, &t, start + delay);
    wheel_run(&w, start + delay - 1);
    assert_int_equal(seen.calls, 0);
    wheel_run(&w, start + delay);
    assert_int_equal(seen.calls, 1);
}

static void a_timer_fires_at_its_millisecond_at_every_level_boundary(void **state)
{
    const uint64_t starts[] = {0,
                               1,
                               62,
                               63,
                               64,
                               65,
                               4095,
                               4096,
                               4097,
                               262143,
                               262144,
                               123456789,
                               (UINT64_C(1) << 30) - 1,
                               (UINT64_C(1) << 36) - 1,
                               UINT64_C(1) << 36,
                               (UINT64_C(1) << 36) * 5 - 3};

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (unsigned level = 0; level <= WHEEL_LEVELS; level++)
            for (uint64_t times = 1; times < WHEEL_SLOTS; times += 31)
                for (int off = -2; off <= 2; off++) {
                    int64_t delay = (int64_t)((UINT64_C(1) << (level * WHEEL_BITS)) * times) + off;

                    if (delay > 0)
                        fires_at_exactly(starts[i], (uint64_t)delay);
                }
}

static void every_short_delay_is_exact_from_every_phase(void **state)
{
    (void)state;
    for (uint64_t start = 4096 - 70; start < 4096 + 70; start++)
        for (uint64_t delay = 1; delay < 200; delay++)
            fires_at_exactly(start, delay);
    for (uint64_t delay = 1; delay < 3 * 4096; delay++)
        fires_at_exactly(4095, delay);
}

static void what_is_further_off_than_the_wheel_waits_and_is_exact(void **state)
{
    const uint64_t turn = UINT64_C(1) << (WHEEL_LEVELS * WHEEL_BITS);

    (void)state;
    for (uint64_t turns = 1; turns < 20; turns++)
        for (int off = -1; off <= 1; off++)
            fires_at_exactly(turn / 3, turns * turn + (uint64_t)off);
}

static void a_timer_for_the_past_fires_at_the_next_run(void **state)
{
    struct wheel w;
    struct timer t;

    (void)state;
    for (uint64_t due = 0; due <= 1000; due += 100) {
        wheel_init(&w, 1000);
        timer_init(&t, on_seen);
        timer_set(&w, &t, due);
        assert_int_equal(wheel_next(&w), 1001);
        memset(&seen, 0, sizeof seen);
        wheel_run(&w, 1000);
        assert_int_equal(seen.calls, 0);
        wheel_run(&w, 1001);
        assert_int_equal(seen.calls, 1);
    }
}

static void stopping_leaves_the_wheel_empty(void **state)
{
    struct wheel w;
    struct timer t;

    (void)state;
    for (uint64_t delay = 1; delay < UINT64_C(1) << 40; delay = delay * 3 + 1) {
        wheel_init(&w, 77);
        timer_init(&t, on_seen);
        timer_stop(&w, &t);
        timer_set(&w, &t, 77 + delay);
        assert_true(timer_is_set(&t));
        timer_stop(&w, &t);
        assert_false(timer_is_set(&t));
        assert_int_equal(wheel_next(&w), WHEEL_NEVER);
        timer_stop(&w, &t);
        memset(&seen, 0, sizeof seen);
        wheel_run(&w, 77 + 2 * delay);
        assert_int_equal(seen.calls, 0);
    }
}

static void setting_again_moves_it(void **state)
{
    struct wheel w;
    struct timer t;

    (void)state;
    wheel_init(&w, 0);
    timer_init(&t, on_seen);
    memset(&seen, 0, sizeof seen);
    timer_set(&w, &t, 10);
    timer_set(&w, &t, 5000);
    wheel_run(&w, 4999);
    assert_int_equal(seen.calls, 0);
    timer_set(&w, &t, 5001);
    wheel_run(&w, 5000);
    assert_int_equal(seen.calls, 0);
    wheel_run(&w, 5001);
    assert_int_equal(seen.calls, 1);
}

static void time_that_goes_backwards_changes_nothing(void **state)
{
    struct wheel w;
    struct timer t;

    (void)state;
    wheel_init(&w, 5000);
    timer_init(&t, on_seen);
    memset(&seen, 0, sizeof seen);
    timer_set(&w, &t, 5010);
    wheel_run(&w, 4000);
    assert_int_equal(w.now, 5000);
    assert_int_equal(seen.calls, 0);
    wheel_run(&w, 5010);
    assert_int_equal(seen.calls, 1);
}

/* ---- what a call may do ---- */

struct scene {
    struct timer t[4];
    struct wheel w;
    char calls[16];
    unsigned n;
};
static struct scene scene;

static void note(struct timer *t)
{
    scene.calls[scene.n++] = (char)('a' + (t - scene.t));
}

static void scene_init(timer_fn *first)
{
    memset(&scene, 0, sizeof scene);
    wheel_init(&scene.w, 100);
    for (unsigned i = 0; i < 4; i++)
        timer_init(&scene.t[i], i ? note : first);
}

static void those_of_one_millisecond_fire_in_the_order_of_setting(void **state)
{
    (void)state;
    scene_init(note);
    timer_set(&scene.w, &scene.t[2], 5000);
    wheel_run(&scene.w, 4000);
    timer_set(&scene.w, &scene.t[0], 5000);
    wheel_run(&scene.w, 4990);
    timer_set(&scene.w, &scene.t[3], 5000);
    timer_set(&scene.w, &scene.t[1], 4999);
    wheel_run(&scene.w, 6000);
    assert_string_equal(scene.calls, "bcad");
}

static void stop_the_others(struct timer *t)
{
    note(t);
    for (unsigned i = 1; i < 4; i++)
        timer_stop(&scene.w, &scene.t[i]);
}

static void a_call_may_stop_those_that_are_due_with_it(void **state)
{
    (void)state;
    scene_init(stop_the_others);
    for (unsigned i = 0; i < 4; i++)
        timer_set(&scene.w, &scene.t[i], 200 + i);
    wheel_run(&scene.w, 300);
    assert_string_equal(scene.calls, "a");
    assert_int_equal(wheel_next(&scene.w), WHEEL_NEVER);
}

static void move_the_next(struct timer *t)
{
    note(t);
    timer_set(&scene.w, &scene.t[1], 301);
}

static void a_call_may_move_one_that_is_due_with_it(void **state)
{
    (void)state;
    scene_init(move_the_next);
    for (unsigned i = 0; i < 4; i++)
        timer_set(&scene.w, &scene.t[i], 200);
    wheel_run(&scene.w, 300);
    assert_string_equal(scene.calls, "acd");
    wheel_run(&scene.w, 301);
    assert_string_equal(scene.calls, "acdb");
}

static void set_itself_for_now(struct timer *t)
{
    note(t);
    timer_set(&scene.w, t, scene.n == 1 ? 300 : 0);
}

static void a_call_that_sets_itself_for_now_is_called_in_the_next_run(void **state)
{
    (void)state;
    scene_init(set_itself_for_now);
    timer_set(&scene.w, &scene.t[0], 200);
    wheel_run(&scene.w, 300);
    assert_string_equal(scene.calls, "a");
    assert_int_equal(wheel_next(&scene.w), 301);
    wheel_run(&scene.w, 301);
    assert_string_equal(scene.calls, "aa");
    wheel_run(&scene.w, 10 * HOUR);
    assert_string_equal(scene.calls, "aaa");
}

static void free_itself(struct timer *t)
{
    seen.calls++;
    free(t);
}

static void a_call_may_free_its_timer(void **state)
{
    struct wheel w;

    (void)state;
    wheel_init(&w, 0);
    memset(&seen, 0, sizeof seen);
    for (unsigned i = 0; i < 100; i++) {
        struct timer *t = malloc(sizeof *t);
        timer_init(t, free_itself);
        timer_set(&w, t, i * i);
    }
    wheel_run(&w, HOUR);
    assert_int_equal(seen.calls, 100);
}

/* ---- the model ---- */

#define TIMERS 40

struct model {
    struct wheel w;
    struct timer t[TIMERS];
    uint64_t at[TIMERS]; /* when it must fire, WHEEL_NEVER where it is not set */
    uint64_t now, last;  /* of this run; of the call before */
    uint32_t seed;
};
static struct model model;

static uint32_t draw(uint32_t below)
{
    model.seed = model.seed * 1664525 + 1013904223;
    return (model.seed >> 8) % below;
}

/* Delays of every size, most of them near a power of 64. */
static uint64_t draw_delay(void)
{
    uint64_t span = UINT64_C(1) << draw(40);

    return draw(2) ? span + draw(5) - (span > 2 ? 2 : 0)
                   : draw((uint32_t)(span > 1u << 24 ? 1u << 24 : span));
}

static void model_set(unsigned i)
{
    uint64_t due = draw(10) ? model.now + draw_delay() : model.now - draw(100);

    timer_set(&model.w, &model.t[i], due);
    model.at[i] = due > model.w.now ? due : model.w.now + 1;
}

static void model_stop(unsigned i)
{
    timer_stop(&model.w, &model.t[i]);
    model.at[i] = WHEEL_NEVER;
}

static void model_act(void)
{
    unsigned i = draw(TIMERS);

    if (draw(3))
        model_set(i);
    else
        model_stop(i);
}

static void on_model(struct timer *t)
{
    unsigned i = (unsigned)(t - model.t);

    assert_true(model.at[i] <= model.now);
    assert_true(model.at[i] >= model.last); /* in the order of their times */
    model.last = model.at[i];
    model.at[i] = WHEEL_NEVER;
    for (uint32_t n = draw(3); n > 0; n--)
        model_act();
}

static uint64_t model_earliest(void)
{
    uint64_t least = WHEEL_NEVER;

    for (unsigned i = 0; i < TIMERS; i++)
        if (model.at[i] < least)
            least = model.at[i];
    return least;
}

static void model_run(uint64_t now)
{
    model.now = now;
    model.last = 0;
    wheel_run(&model.w, now);
    assert_int_equal(model.w.now, now);
    assert_true(model_earliest() > now);
    for (unsigned i = 0; i < TIMERS; i++)
        assert_int_equal(timer_is_set(&model.t[i]), model.at[i] != WHEEL_NEVER);
}

static void model_check_next(void)
{
    uint64_t next = wheel_next(&model.w), earliest = model_earliest();

    assert_true(next <= earliest);
    assert_true(next > model.w.now);
    assert_int_equal(next == WHEEL_NEVER, earliest == WHEEL_NEVER);
}

static void a_random_life_is_that_of_the_model(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        memset(&model, 0, sizeof model);
        model.seed = seed;
        model.now = draw_delay() * 1000;
        wheel_init(&model.w, model.now);
        for (unsigned i = 0; i < TIMERS; i++) {
            timer_init(&model.t[i], on_model);
            model.at[i] = WHEEL_NEVER;
        }
        for (unsigned step = 0; step < 2000; step++) {
            uint64_t next = wheel_next(&model.w);

            if (draw(2))
                model_act();
            else if (draw(8) == 0)
                model_run(model.now + draw(40) * HOUR);
            else if (draw(3) == 0 && next != WHEEL_NEVER && next >= model.now)
                model_run(next - draw(2) < model.now ? model.now : next - draw(2));
            else
                model_run(model.now + draw(100));
            model_check_next();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_at_its_millisecond_at_every_level_boundary),
        cmocka_unit_test(every_short_delay_is_exact_from_every_phase),
        cmocka_unit_test(what_is_further_off_than_the_wheel_waits_and_is_exact),
        cmocka_unit_test(a_timer_for_the_past_fires_at_the_next_run),
        cmocka_unit_test(stopping_leaves_the_wheel_empty),
        cmocka_unit_test(setting_again_moves_it),
        cmocka_unit_test(time_that_goes_backwards_changes_nothing),
        cmocka_unit_test(those_of_one_millisecond_fire_in_the_order_of_setting),
        cmocka_unit_test(a_call_may_stop_those_that_are_due_with_it),
        cmocka_unit_test(a_call_may_move_one_that_is_due_with_it),
        cmocka_unit_test(a_call_that_sets_itself_for_now_is_called_in_the_next_run),
        cmocka_unit_test(a_call_may_free_its_timer),
        cmocka_unit_test(a_random_life_is_that_of_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
