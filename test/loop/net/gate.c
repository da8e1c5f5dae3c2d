/* The gate: who is let in, in which order, how many at once; who hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/rig.h"
#include "loop/lib/settings.h"
#include "net/gate.h"

enum { PASSES = 40 };

struct visitor {
    struct pass pass;
    struct yard *yard;
    unsigned turn; /* of the rig: when it was let in */
};

struct yard {
    struct rig rig;
    struct conf *conf;
    struct visitor v[PASSES];
    struct visitor *in[PASSES * 2]; /* in the order of their entering by a call */
    unsigned n, failures;
    void (*then)(struct visitor *v); /* what each does when it is let in; NULL: it stays */
};

static void on_pass(struct pass *p)
{
    struct visitor *v = CONTAINER_OF(p, struct visitor, pass);
    v->turn = v->yard->rig.turns;
    v->yard->in[v->yard->n++] = v;
    if (v->yard->then)
        v->yard->then(v);
}

static void on_failed(void *owner)
{
    ((struct yard *)owner)->failures++;
}

static struct conf *limited(const char *connecting)
{
    return settings_conf(
        (const struct setting_text[]){{"limits.connecting", connecting}, {NULL, NULL}}, NULL);
}

static void yard_open(struct yard *y, const char *connecting, bool ready)
{
    *y = (struct yard){.n = 0};
    rig_open(&y->rig);
    y->rig.lp.conf = y->conf = limited(connecting);
    gate_open(&y->rig.lp, ready, on_failed, y);
    for (unsigned i = 0; i < PASSES; i++) {
        pass_init(&y->v[i].pass, on_pass);
        y->v[i].yard = y;
    }
}

static struct gate *gate_of(struct yard *y)
{
    return y->rig.lp.gate;
}

static bool enter(struct yard *y, unsigned i, enum gate_class c)
{
    return gate_enter(gate_of(y), &y->v[i].pass, c);
}

static void leave(struct visitor *v)
{
    gate_leave(gate_of(v->yard), &v->pass);
}

static unsigned waiting(const struct yard *y)
{
    return (unsigned)y->rig.metrics.cell[METRIC_WAITING];
}

/* All leave; nothing may be left of them. */
static void yard_close(struct yard *y)
{
    for (unsigned i = 0; i < PASSES; i++)
        leave(&y->v[i]);
    assert_int_equal(waiting(y), 0);
    rig_turn(&y->rig, 4);
    gate_close(&y->rig.lp);
    assert_true(list_empty(&y->rig.lp.posted));
    conf_unref(y->conf);
    rig_close(&y->rig);
}

static void an_open_gate_lets_in_at_once_and_calls_nobody(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "64", true);
    for (unsigned i = 0; i < 32; i++)
        assert_true(enter(&y, i, GATE_FIRST));
    assert_true(list_empty(&y.rig.lp.posted));
    rig_turn(&y.rig, 4);
    assert_int_equal(y.n, 0);
    yard_close(&y);
}

static void those_who_wait_are_let_in_in_the_order_of_their_coming(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "64", false);
    for (unsigned i = 0; i < 10; i++)
        assert_false(enter(&y, i, GATE_FIRST));
    rig_turn(&y.rig, 4);
    assert_int_equal(waiting(&y), 10);
    assert_int_equal(y.n, 0);
    leave(&y.v[3]);
    gate_set(gate_of(&y), true);
    assert_int_equal(y.n, 0);                /* a call down calls nobody */
    assert_false(enter(&y, 10, GATE_FIRST)); /* who comes now is behind them */
    rig_turn(&y.rig, 1);
    assert_int_equal(y.n, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_equal(y.in[i], &y.v[i < 3 ? i : i + 1]);
    assert_int_equal(waiting(&y), 0);
    yard_close(&y);
}

static void no_more_are_inside_than_half_of_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *limit;
        unsigned half;
    } rows[] = {{"1", 1}, {"2", 1}, {"3", 2}, {"10", 5}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
        for (int c = 0; c < GATE_CLASSES; c++) {
            struct yard y;
            yard_open(&y, rows[r].limit, true);
            for (unsigned i = 0; i < 8; i++)
                assert_int_equal(enter(&y, i, (enum gate_class)c), i < rows[r].half);
            rig_turn(&y.rig, 4);
            assert_int_equal(y.n, 0);
            leave(&y.v[0]);
            assert_int_equal(y.n, 0);
            rig_turn(&y.rig, 4);
            assert_int_equal(y.n, 1);
            assert_ptr_equal(y.in[0], &y.v[rows[r].half]);
            yard_close(&y);
        }
}

/* As on a loopback, where a dial has come to something when its call returns. */
static void those_who_leave_at_once_are_still_but_so_many_a_turn(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "8", false);
    y.then = leave;
    for (unsigned i = 0; i < 10; i++)
        enter(&y, i, GATE_FIRST);
    gate_set(gate_of(&y), true);
    rig_turn(&y.rig, 1);
    assert_int_equal(y.n, 4);
    rig_turn(&y.rig, 1);
    assert_int_equal(y.n, 8);
    rig_turn(&y.rig, 1);
    assert_int_equal(y.n, 10);
    yard_close(&y);
}

static void neither_class_waits_for_the_other(void **state)
{
    (void)state;
    for (int full = 0; full < GATE_CLASSES; full++) {
        struct yard y;
        yard_open(&y, "4", true);
        for (unsigned i = 0; i < 10; i++)
            enter(&y, i, (enum gate_class)full);
        assert_true(enter(&y, 10, (enum gate_class) !full));
        assert_true(enter(&y, 11, (enum gate_class) !full));
        assert_false(enter(&y, 12, (enum gate_class) !full));
        leave(&y.v[10]);
        rig_turn(&y.rig, 2);
        assert_int_equal(y.n, 1);
        assert_ptr_equal(y.in[0], &y.v[12]);
        yard_close(&y);
    }
}

static void reconnects_do_not_wait_for_readiness(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "2", false);
    assert_false(enter(&y, 0, GATE_FIRST));
    assert_true(enter(&y, 1, GATE_RECONNECT));
    assert_false(enter(&y, 2, GATE_RECONNECT));
    leave(&y.v[1]);
    rig_turn(&y.rig, 2);
    assert_int_equal(y.n, 1);
    assert_ptr_equal(y.in[0], &y.v[2]);
    yard_close(&y);
}

static void a_failure_closes_it_and_is_told_once_in_a_turn_of_its_own(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "64", true);
    for (unsigned i = 0; i < 3; i++)
        gate_failed(gate_of(&y));
    assert_int_equal(y.failures, 0);
    assert_false(enter(&y, 0, GATE_FIRST));
    rig_turn(&y.rig, 4);
    assert_int_equal(y.failures, 1);
    assert_int_equal(y.n, 0);
    gate_failed(gate_of(&y));
    rig_turn(&y.rig, 4);
    assert_int_equal(y.failures, 1); /* it was closed already */
    gate_set(gate_of(&y), true);
    rig_turn(&y.rig, 4);
    assert_int_equal(y.n, 1);
    gate_failed(gate_of(&y));
    rig_turn(&y.rig, 4);
    assert_int_equal(y.failures, 2);
    yard_close(&y);
}

static void fails(struct visitor *v)
{
    leave(v);
    gate_failed(gate_of(v->yard));
    gate_enter(gate_of(v->yard), &v->pass, GATE_FIRST);
}

static void a_failure_keeps_the_rest_waiting_and_who_comes_again_is_last(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "64", false);
    y.then = fails;
    for (unsigned i = 0; i < 3; i++)
        enter(&y, i, GATE_FIRST);
    for (unsigned round = 0; round < 6; round++) {
        gate_set(gate_of(&y), true);
        rig_turn(&y.rig, 4);
        assert_int_equal(y.n, round + 1);
        assert_ptr_equal(y.in[round], &y.v[round % 3]);
    }
    assert_int_equal(y.failures, 6);
    yard_close(&y);
}

static void it_says_whether_it_was_opened(void **state)
{
    (void)state;
    static const struct {
        bool was, set, opened;
    } rows[] = {
        {false, true, true}, {true, true, false}, {true, false, false}, {false, false, false}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
        struct yard y;
        yard_open(&y, "2", rows[r].was);
        assert_int_equal(gate_set(gate_of(&y), rows[r].set), rows[r].opened);
        yard_close(&y);
    }
}

static void take_all_along(struct visitor *v)
{
    for (unsigned i = 0; i < PASSES; i++)
        leave(&v->yard->v[i]);
}

static void one_that_is_let_in_may_take_all_others_along(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "64", false);
    y.then = take_all_along;
    for (unsigned i = 0; i < 10; i++)
        enter(&y, i, i % 2 ? GATE_FIRST : GATE_RECONNECT);
    gate_set(gate_of(&y), true);
    rig_turn(&y.rig, 4);
    assert_int_equal(y.n, 1); /* the others' reconnects were inside at once */
    yard_close(&y);
}

static void a_limit_that_was_raised_lets_more_in_with_the_next_who_comes(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "2", true);
    for (unsigned i = 0; i < 4; i++)
        enter(&y, i, GATE_FIRST);
    conf_unref(y.conf);
    y.rig.lp.conf = y.conf = limited("8");
    assert_false(enter(&y, 4, GATE_FIRST)); /* nobody overtakes */
    rig_turn(&y.rig, 2);
    assert_int_equal(y.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(y.in[i], &y.v[i + 1]);
    yard_close(&y);
}

static void a_closed_gate_takes_no_turns(void **state)
{
    (void)state;
    struct yard y;
    yard_open(&y, "2", false);
    enter(&y, 0, GATE_FIRST);
    gate_failed(gate_of(&y));
    assert_true(rig_turns_in(&y.rig, 50) < 10);
    yard_close(&y);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_gate_lets_in_at_once_and_calls_nobody),
        cmocka_unit_test(those_who_wait_are_let_in_in_the_order_of_their_coming),
        cmocka_unit_test(no_more_are_inside_than_half_of_the_limit),
        cmocka_unit_test(those_who_leave_at_once_are_still_but_so_many_a_turn),
        cmocka_unit_test(neither_class_waits_for_the_other),
        cmocka_unit_test(reconnects_do_not_wait_for_readiness),
        cmocka_unit_test(a_failure_closes_it_and_is_told_once_in_a_turn_of_its_own),
        cmocka_unit_test(a_failure_keeps_the_rest_waiting_and_who_comes_again_is_last),
        cmocka_unit_test(it_says_whether_it_was_opened),
        cmocka_unit_test(one_that_is_let_in_may_take_all_others_along),
        cmocka_unit_test(a_limit_that_was_raised_lets_more_in_with_the_next_who_comes),
        cmocka_unit_test(a_closed_gate_takes_no_turns),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
