/* The loop: when timers, tasks and letters run, and when it ends. Times are only ever bounded from
 * below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"

#include <stdlib.h>
#include <string.h>

/* What one test looks at; the callbacks find it by the loop they are on. */
static struct {
    struct loop lp;
    struct metrics metrics;
    struct timer timer, other;
    struct task task, second;
    struct letter letter;
    uv_check_t check; /* called once a turn, after the poll */
    unsigned timers, tasks, letters, turns, turn_of_task;
    uint64_t began, fired;
} s;

static void on_nothing(struct timer *t)
{
    (void)t;
}

static void open_loop(timer_fn *on_timer, task_fn *on_task)
{
    memset(&s, 0, sizeof s);
    assert_int_equal(loop_open(&s.lp, 7, NULL, &s.metrics), 0);
    timer_init(&s.timer, on_timer);
    timer_init(&s.other, on_nothing);
    task_init(&s.task, on_task);
    task_init(&s.second, on_task);
    s.began = s.lp.now;
}

static void close_loop(void)
{
    assert_int_equal(loop_close(&s.lp), 0);
}

static void on_timer_note(struct timer *t)
{
    (void)t;
    s.timers++;
    s.fired = s.lp.now;
    assert_int_equal(s.lp.now, uv_now(&s.lp.uv));
}

static void on_task_note(struct task *t)
{
    (void)t;
    s.tasks++;
    s.turn_of_task = s.turns;
    assert_int_equal(s.lp.now, uv_now(&s.lp.uv));
}

static void on_turn(uv_check_t *check)
{
    (void)check;
    s.turns++;
}

static void count_turns(void)
{
    uv_check_init(&s.lp.uv, &s.check);
    uv_check_start(&s.check, on_turn);
    uv_unref((uv_handle_t *)&s.check);
}

static void opening_fills_in_what_a_loop_has(void **state)
{
    static struct metrics m;
    struct loop lp;

    (void)state;
    assert_int_equal(loop_open(&lp, 3, (const struct conf *)&m, &m), 0);
    assert_int_equal(lp.id, 3);
    assert_ptr_equal(lp.conf, &m);
    assert_ptr_equal(lp.metrics, &m);
    assert_int_equal(lp.now, uv_now(&lp.uv));
    memset(lp.scratch, 1, LOOP_SCRATCH);
    pool_put(&lp.pool, pool_get(&lp.pool, 1));
    assert_int_equal(loop_close(&lp), 0);
}

static void a_loop_with_nothing_to_wait_for_ends(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    loop_run(&s.lp);
    close_loop();
}

static void a_timer_is_waited_for_and_never_early(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 12; ms += 3) {
        open_loop(on_timer_note, on_task_note);
        loop_timer(&s.lp, &s.other, ms + 2);
        loop_timer(&s.lp, &s.timer, ms);
        loop_run(&s.lp);
        assert_int_equal(s.timers, 1);
        assert_true(s.fired >= s.began + ms);
        close_loop();
    }
}

static void on_timer_stop(struct timer *t)
{
    on_timer_note(t);
    loop_stop(&s.lp);
}

static void the_earliest_of_several_timers_wakes_the_loop(void **state)
{
    (void)state;
    open_loop(on_timer_stop, on_task_note);
    loop_timer(&s.lp, &s.other, 3600000);
    loop_timer(&s.lp, &s.timer, 70);
    loop_timer(&s.lp, &s.timer, 2);
    loop_run(&s.lp);
    assert_int_equal(s.timers, 1);
    assert_true(timer_is_set(&s.other));
    timer_stop(&s.lp.wheel, &s.other);
    loop_run(&s.lp);
    close_loop();
}

/* A slot of a higher level is opened on the way: that is one more turn a level. */
static void a_loop_that_waits_sleeps(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    count_turns();
    loop_timer(&s.lp, &s.timer, 40);
    loop_run(&s.lp);
    assert_int_equal(s.timers, 1);
    assert_true(s.turns <= WHEEL_LEVELS);
    uv_close((uv_handle_t *)&s.check, NULL);
    close_loop();
}

static void on_timer_again_at_once(struct timer *t)
{
    if (s.timers)
        assert_true(uv_now(&s.lp.uv) > s.fired);
    on_timer_note(t);
    if (s.timers < 10)
        loop_timer(&s.lp, t, 0);
}

static void a_timer_that_sets_itself_for_now_fires_once_a_millisecond(void **state)
{
    (void)state;
    open_loop(on_timer_again_at_once, on_task_note);
    loop_timer(&s.lp, &s.timer, 0);
    loop_run(&s.lp);
    assert_int_equal(s.timers, 10);
    assert_true(s.fired >= s.began + 10);
    close_loop();
}

static void on_closed_set_timer(uv_handle_t *handle)
{
    (void)handle;
    loop_timer(&s.lp, &s.timer, 1);
}

static void close_last_handle(void)
{
    uv_check_init(&s.lp.uv, &s.check);
    uv_close((uv_handle_t *)&s.check, on_closed_set_timer);
}

static void a_timer_set_as_the_last_handle_closes_is_waited_for(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    close_last_handle();
    loop_run(&s.lp);
    assert_int_equal(s.timers, 1);
    close_loop();
}

static void on_task_stop(struct task *t)
{
    on_task_note(t);
    loop_stop(&s.lp);
}

static void stopping_ends_it_with_timers_set_and_it_can_run_again(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_stop);
    loop_timer(&s.lp, &s.timer, 3600000);
    loop_post(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 1);
    assert_int_equal(s.timers, 0);
    timer_stop(&s.lp.wheel, &s.timer);
    close_last_handle();
    loop_run(&s.lp);
    assert_int_equal(s.timers, 1);
    close_loop();
}

/* ---- tasks ---- */

static void a_posted_task_runs_once_however_often_it_is_posted(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    loop_post(&s.lp, &s.task);
    loop_post(&s.lp, &s.second);
    loop_post(&s.lp, &s.task);
    assert_int_equal(s.tasks, 0);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 2);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 2);
    close_loop();
}

static void an_unposted_task_does_not_run(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    loop_unpost(&s.lp, &s.task);
    loop_post(&s.lp, &s.task);
    loop_post(&s.lp, &s.second);
    loop_unpost(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 1);
    loop_post(&s.lp, &s.task);
    loop_unpost(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 1);
    close_loop();
}

static void on_task_unpost_second(struct task *t)
{
    on_task_note(t);
    loop_unpost(&s.lp, &s.second);
}

static void a_task_may_unpost_one_of_the_same_turn(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_unpost_second);
    loop_post(&s.lp, &s.task);
    loop_post(&s.lp, &s.second);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 1);
    close_loop();
}

static void on_task_again(struct task *t)
{
    if (s.tasks)
        assert_int_equal(s.turns, s.turn_of_task + 1);
    on_task_note(t);
    if (s.tasks < 10)
        loop_post(&s.lp, t);
}

static void a_task_posted_by_a_task_waits_for_the_turn_after(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_again);
    count_turns();
    loop_post(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 10);
    uv_close((uv_handle_t *)&s.check, NULL);
    close_loop();
}

static void on_task_for_ever(struct task *t)
{
    s.tasks++;
    if (!s.timers)
        loop_post(&s.lp, t);
}

static void tasks_without_end_do_not_starve_timers(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_for_ever);
    loop_timer(&s.lp, &s.timer, 2);
    loop_post(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(s.timers, 1);
    close_loop();
}

static void on_timer_post(struct timer *t)
{
    on_timer_note(t);
    loop_post(&s.lp, &s.task);
    assert_int_equal(s.tasks, 0);
}

static void a_task_posted_by_a_timer_runs_before_the_loop_waits(void **state)
{
    (void)state;
    open_loop(on_timer_post, on_task_stop);
    loop_timer(&s.lp, &s.timer, 1);
    loop_timer(&s.lp, &s.other, 3600000);
    loop_run(&s.lp);
    assert_int_equal(s.tasks, 1);
    timer_stop(&s.lp.wheel, &s.other);
    close_loop();
}

/* ---- what a loop has for others ---- */

static void a_block_is_whole_and_apart_from_the_others(void **state)
{
    uint8_t *blocks[20];

    (void)state;
    open_loop(on_timer_note, on_task_note);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 20; i++) {
            blocks[i] = loop_block_get(&s.lp);
            memset(blocks[i], (int)i, LOOP_SCRATCH);
        }
        for (unsigned i = 0; i < 20; i++) {
            assert_int_equal(blocks[i][0], i);
            assert_memory_equal(blocks[i], blocks[i] + 1, LOOP_SCRATCH - 1);
            loop_block_put(&s.lp, blocks[i]);
        }
    }
    close_loop();
}

static void the_block_given_back_last_is_the_next_one_got(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    uint8_t *a = loop_block_get(&s.lp), *b = loop_block_get(&s.lp);
    loop_block_put(&s.lp, a);
    loop_block_put(&s.lp, b);
    assert_ptr_equal(loop_block_get(&s.lp), b);
    assert_ptr_equal(loop_block_get(&s.lp), a);
    loop_block_put(&s.lp, a);
    loop_block_put(&s.lp, b);
    close_loop();
}

static void what_the_pool_holds_is_told_once_a_turn(void **state)
{
    struct metrics *const loops[] = {&s.metrics};

    (void)state;
    open_loop(on_timer_note, on_task_stop);
    struct chunk *c = pool_get(&s.lp.pool, 1);
    loop_post(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(metrics_sum(loops, 1, METRIC_JOURNAL_BYTES), pool_charge(c));
    pool_put(&s.lp.pool, c);
    loop_post(&s.lp, &s.task);
    loop_run(&s.lp);
    assert_int_equal(metrics_sum(loops, 1, METRIC_JOURNAL_BYTES), 0);
    close_loop();
}

/* ---- letters ---- */

static void on_letter_stop(struct letter *l)
{
    (void)l;
    s.letters++;
    assert_int_equal(s.lp.now, uv_now(&s.lp.uv));
    loop_stop(&s.lp);
}

static void send_letter(void *unused)
{
    (void)unused;
    mailbox_send(&s.lp.mail, &s.letter);
}

static void a_letter_wakes_a_loop_that_holds_its_mailbox(void **state)
{
    uv_thread_t thread;

    (void)state;
    open_loop(on_timer_note, on_task_note);
    s.letter.fn = on_letter_stop;
    s.lp.now = 0; /* so that a stale clock shows */
    uv_ref((uv_handle_t *)&s.lp.mail.async);
    assert_int_equal(uv_thread_create(&thread, send_letter, NULL), 0);
    loop_run(&s.lp);
    uv_thread_join(&thread);
    assert_int_equal(s.letters, 1);
    close_loop();
}

static void on_letter_note(struct letter *l)
{
    (void)l;
    s.letters++;
}

static void closing_delivers_what_is_in_the_mailbox(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    s.letter.fn = on_letter_note;
    send_letter(NULL);
    close_loop();
    assert_int_equal(s.letters, 1);
}

/* ---- closing ---- */

static void on_closed_free(uv_handle_t *handle)
{
    free(handle);
    s.turns++;
}

static void closing_waits_for_what_is_being_closed(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    for (int i = 0; i < 3; i++) {
        uv_check_t *check = malloc(sizeof *check);
        uv_check_init(&s.lp.uv, check);
        uv_close((uv_handle_t *)check, on_closed_free);
    }
    close_loop();
    assert_int_equal(s.turns, 3);
}

static void a_handle_left_open_is_told_and_not_waited_for(void **state)
{
    (void)state;
    open_loop(on_timer_note, on_task_note);
    count_turns();
    assert_int_equal(loop_close(&s.lp), UV_EBUSY);
    uv_close((uv_handle_t *)&s.check, NULL);
    uv_run(&s.lp.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s.lp.uv), 0);
    mailbox_fini(&s.lp.mail);
    pool_fini(&s.lp.pool);
    free(s.lp.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_fills_in_what_a_loop_has),
        cmocka_unit_test(a_loop_with_nothing_to_wait_for_ends),
        cmocka_unit_test(a_timer_is_waited_for_and_never_early),
        cmocka_unit_test(the_earliest_of_several_timers_wakes_the_loop),
        cmocka_unit_test(a_loop_that_waits_sleeps),
        cmocka_unit_test(a_timer_that_sets_itself_for_now_fires_once_a_millisecond),
        cmocka_unit_test(a_timer_set_as_the_last_handle_closes_is_waited_for),
        cmocka_unit_test(stopping_ends_it_with_timers_set_and_it_can_run_again),
        cmocka_unit_test(a_posted_task_runs_once_however_often_it_is_posted),
        cmocka_unit_test(an_unposted_task_does_not_run),
        cmocka_unit_test(a_task_may_unpost_one_of_the_same_turn),
        cmocka_unit_test(a_task_posted_by_a_task_waits_for_the_turn_after),
        cmocka_unit_test(tasks_without_end_do_not_starve_timers),
        cmocka_unit_test(a_task_posted_by_a_timer_runs_before_the_loop_waits),
        cmocka_unit_test(a_block_is_whole_and_apart_from_the_others),
        cmocka_unit_test(the_block_given_back_last_is_the_next_one_got),
        cmocka_unit_test(what_the_pool_holds_is_told_once_a_turn),
        cmocka_unit_test(a_letter_wakes_a_loop_that_holds_its_mailbox),
        cmocka_unit_test(closing_delivers_what_is_in_the_mailbox),
        cmocka_unit_test(closing_waits_for_what_is_being_closed),
        cmocka_unit_test(a_handle_left_open_is_told_and_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
