/* Look-ups on a real loop: how many there are, who is told, what is kept, how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/net/dial_rig.h"

static void who_wants_the_same_name_waits_for_one_look_up(void **state)
{
    struct rig r;
    struct caller c[3];
    (void)state;
    begin(&r);
    hold(true);
    for (int i = 0; i < 3; i++)
        dial(&r, &c[i], "one.test", 1, FOREVER);
    hold(false);
    for (int i = 0; i < 3; i++) {
        rig_until(&r, &c[i].called);
        assert_int_equal(c[i].err, UV_ECONNREFUSED); /* it has an address, then */
    }
    assert_int_equal(look_ups(), 1);
    finish(&r);
}

static void two_names_are_looked_up_one_after_the_other(void **state)
{
    struct rig r;
    struct caller c[3];
    (void)state;
    begin(&r);
    hold(true);
    dial(&r, &c[0], "one.test", 1, FOREVER);
    dial(&r, &c[1], "other.test", 1, FOREVER);
    dial(&r, &c[2], "one.test", 2, FOREVER); /* another port: another address */
    hold(false);
    for (int i = 0; i < 3; i++) {
        rig_until(&r, &c[i].called);
        assert_int_equal(c[i].err, UV_ECONNREFUSED);
    }
    assert_int_equal(look_ups(), 3);
    assert_int_equal(most_running, 1);
    finish(&r);
}

static void an_answer_is_kept_for_five_seconds(void **state)
{
    struct rig r;
    struct caller c;
    struct address to = at("one.test", 1);
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &c, "one.test", 1, FOREVER);
    dial_to_the_end(&r, &c, "one.test", 1, FOREVER);
    assert_int_equal(look_ups(), 1);

    const struct {
        uint64_t later;
        bool asks;
    } rows[] = {{4000, false}, {5000, true}};
    for (int i = 0; i < 2; i++) {
        struct lookup q;
        struct addresses *found = NULL;
        loop_enter(&r.lp);
        r.lp.now += rows[i].later;
        lookup_init(&q, NULL);
        assert_int_equal(resolver_find(&r.lp, &to, &q, &found), 0);
        assert_true((found == NULL) == rows[i].asks);
        addresses_unref(found);
        lookup_cancel(&q);
    }
    await_answers(&r); /* nobody waits for this one */
    assert_int_equal(look_ups(), 2);
    finish(&r);
}

static void a_failed_look_up_is_told_to_all_and_not_kept(void **state)
{
    struct rig r;
    struct caller c[2];
    (void)state;
    begin(&r);
    for (unsigned round = 1; round <= 2; round++) {
        hold(true);
        dial(&r, &c[0], "nowhere.test", 1, FOREVER);
        dial(&r, &c[1], "nowhere.test", 1, FOREVER);
        hold(false);
        for (int i = 0; i < 2; i++) {
            rig_until(&r, &c[i].called);
            assert_int_equal(c[i].err, UV_EAI_NONAME);
        }
        assert_int_equal(look_ups(), round);
    }
    finish(&r);
}

static void on_failed_dials_again(void *owner, int err, struct transport *t)
{
    struct caller *c = owner;
    struct address to = at("nowhere.test", 1);
    assert_int_equal(err, UV_EAI_NONAME);
    assert_null(t);
    start(c, &to, FOREVER);
}

static void who_dials_again_when_a_look_up_failed_has_it_asked_again(void **state)
{
    struct rig r;
    struct caller c = {.rig = &r};
    struct address to = at("nowhere.test", 1);
    (void)state;
    begin(&r);
    struct transport *now;
    assert_non_null(dial_start(&r.lp, &to, FOREVER, true, on_failed_dials_again, &c, &now));
    rig_until(&r, &c.called);
    assert_int_equal(c.err, UV_EAI_NONAME);
    assert_int_equal(look_ups(), 2);
    finish(&r);
}

static void an_answer_without_an_ip_address_fails(void **state)
{
    struct rig r;
    struct caller c;
    (void)state;
    begin(&r);
    dial_to_the_end(&r, &c, "local.test", 1, FOREVER);
    assert_int_equal(c.err, UV_EAI_NODATA);
    finish(&r);
}

static void a_look_up_that_takes_too_long_times_out(void **state)
{
    struct rig r;
    struct caller c;
    (void)state;
    begin(&r);
    hold(true);
    dial_to_the_end(&r, &c, "one.test", 1, 30);
    assert_int_equal(c.err, UV_ETIMEDOUT);
    hold(false);
    await_answers(&r);
    assert_int_equal(c.calls, 1);
    dial_to_the_end(&r, &c, "one.test", 1, FOREVER); /* its answer was kept */
    assert_int_equal(c.err, UV_ECONNREFUSED);
    assert_int_equal(look_ups(), 1);
    finish(&r);
}

/* ---- the end of a resolver ---- */

static void a_look_up_that_runs_is_disowned_when_the_resolver_closes(void **state)
{
    struct rig r;
    struct caller c;
    (void)state;
    begin(&r);
    hold(true);
    dial(&r, &c, "one.test", 1, FOREVER);
    await_look_up();
    dial_cancel(c.dial);
    assert_true(resolver_close(&r.lp));
    hold(false);
    await_answers(&r); /* frees what it was asked with; there is nobody to tell */
    assert_int_equal(c.calls, 0);
    rig_close(&r);
}

static void block(uv_work_t *work)
{
    uv_sem_wait(work->data);
}

static void unblocked(uv_work_t *work, int status)
{
    (void)work, (void)status;
}

static void a_look_up_that_waits_for_a_thread_is_cancelled_when_the_resolver_closes(void **state)
{
    struct rig r;
    struct caller c;
    uv_sem_t sem;
    uv_work_t work[4]; /* libuv's pool has four threads, but two of them at most look names up */
    (void)state;
    begin(&r);
    uv_sem_init(&sem, 0);
    for (int i = 0; i < 4; i++) {
        work[i].data = &sem;
        uv_queue_work(&r.lp.uv, &work[i], block, unblocked);
    }
    dial(&r, &c, "one.test", 1, FOREVER);
    dial_cancel(c.dial);
    assert_false(resolver_close(&r.lp));
    for (int i = 0; i < 4; i++)
        uv_sem_post(&sem);
    await_answers(&r);
    assert_int_equal(look_ups(), 0);
    uv_sem_destroy(&sem);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_wants_the_same_name_waits_for_one_look_up),
        cmocka_unit_test(two_names_are_looked_up_one_after_the_other),
        cmocka_unit_test(an_answer_is_kept_for_five_seconds),
        cmocka_unit_test(a_failed_look_up_is_told_to_all_and_not_kept),
        cmocka_unit_test(who_dials_again_when_a_look_up_failed_has_it_asked_again),
        cmocka_unit_test(an_answer_without_an_ip_address_fails),
        cmocka_unit_test(a_look_up_that_takes_too_long_times_out),
        cmocka_unit_test(a_look_up_that_runs_is_disowned_when_the_resolver_closes),
        cmocka_unit_test(a_look_up_that_waits_for_a_thread_is_cancelled_when_the_resolver_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
