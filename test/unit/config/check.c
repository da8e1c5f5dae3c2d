/* The run: which rules have a row, in which order, and how many are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"

static void assert_counts(const struct check *k, unsigned ok, unsigned warn, unsigned fail)
{
    assert_int_equal(check_count(k, RESULT_OK), ok);
    assert_int_equal(check_count(k, RESULT_WARN), warn);
    assert_int_equal(check_count(k, RESULT_FAIL), fail);
    assert_int_equal(k->n, ok + warn + fail);
}

static void defaults_break_nothing(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    struct check k;
    check_init(&k, c, NULL, NULL);
    assert_counts(&k, 12, 2, 0);
    check_fini(&k);
    conf_unref(c);
}

/* The deployment that wskeep was made for, as it was. */
static void fault_is_named_in_every_part(void **state)
{
    (void)state;
    static const char *const list[] = {"https://chat.example", "http://localhost:3000"};
    static const char *const broken[] = {"heartbeat-idle", "connection-least", "origins-production",
                                         "worker-sync"};
    struct strings origins = {.v = (char **)(uintptr_t)list, .n = 2};
    struct conf *c = conf_new();
    struct check k;
    settings_apply(c,
                   "platform.lb_timeout=600s|platform.backend_command=gunicorn --timeout 120 a:b|"
                   "heartbeat.interval=601s|heartbeat.timeout=1h|timeouts.connection=550s");
    check_init(&k, c, &origins, "production");
    for (unsigned i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        const struct finding *f = finding_of(&k, broken[i]);
        if (!f || f->result != RESULT_FAIL || !f->mendable)
            fail_msg("%s", broken[i]);
    }
    assert_int_equal(check_count(&k, RESULT_FAIL), 4);
    check_fini(&k);
    conf_unref(c);
}

static void findings_stand_in_the_order_of_the_rules(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    struct check k;
    settings_apply(c, "platform.backend_command=uvicorn a:b");
    check_init(&k, c, NULL, NULL);
    for (unsigned i = 1; i < k.n; i++)
        assert_true(k.v[i - 1].rule < k.v[i].rule);
    check_fini(&k);
    conf_unref(c);
}

static void what_holds_has_nothing_to_mend(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    struct check k;
    check_init(&k, c, NULL, NULL);
    for (unsigned i = 0; i < k.n; i++)
        assert_false(k.v[i].mendable && k.v[i].result == RESULT_OK);
    check_fini(&k);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_break_nothing),
        cmocka_unit_test(fault_is_named_in_every_part),
        cmocka_unit_test(findings_stand_in_the_order_of_the_rules),
        cmocka_unit_test(what_holds_has_nothing_to_mend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
