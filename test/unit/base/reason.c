/* The table of reasons: what the log, the metric and the docs rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reason.h"

#include <string.h>

static void every_reason_has_a_label_and_a_text(void **state)
{
    (void)state;
    for (unsigned r = 0; r < REASON_COUNT; r++) {
        assert_non_null(reasons[r].label);
        assert_true(strlen(reasons[r].label) > 0);
        assert_non_null(reasons[r].text);
        assert_true(strlen(reasons[r].text) > 0);
    }
}

static void labels_are_words_of_lower_case_and_underscores(void **state)
{
    (void)state;
    for (unsigned r = 0; r < REASON_COUNT; r++) {
        size_t n = strlen(reasons[r].label);
        assert_int_equal(strspn(reasons[r].label, "abcdefghijklmnopqrstuvwxyz_"), n);
    }
}

static void no_two_reasons_share_a_label(void **state)
{
    (void)state;
    for (unsigned a = 0; a < REASON_COUNT; a++)
        for (unsigned b = a + 1; b < REASON_COUNT; b++)
            assert_string_not_equal(reasons[a].label, reasons[b].label);
}

/* 1008 is never for wskeep's own faults: clients take it for "log in again". */
static void close_codes_are_those_that_wskeep_may_send(void **state)
{
    const uint16_t codes[] = {0, 1001, 1002, 1011, 1012, 1013, 1014};

    (void)state;
    for (unsigned r = 0; r < REASON_COUNT; r++) {
        bool client = false, backend = false;

        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            client |= reasons[r].to_client == codes[i];
            backend |= reasons[r].to_backend == codes[i];
        }
        assert_true(client);
        assert_true(backend);
    }
}

static void rows_stand_at_their_reason(void **state)
{
    (void)state;
    assert_string_equal(reasons[REASON_NONE].label, "none");
    assert_int_equal(REASON_NONE, 0);
    assert_string_equal(reasons[REASON_BACKEND_PROTOCOL].label, "backend_protocol");
    assert_false(reasons[REASON_BACKEND_PROTOCOL].clean);
    assert_int_equal(reasons[REASON_BACKEND_PROTOCOL].to_client, 1014);
    assert_int_equal(reasons[REASON_BACKEND_PROTOCOL].to_backend, 1002);
    assert_string_equal(reasons[REASON_DRAIN].label, "drain");
    assert_true(reasons[REASON_DRAIN].clean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_label_and_a_text),
        cmocka_unit_test(labels_are_words_of_lower_case_and_underscores),
        cmocka_unit_test(no_two_reasons_share_a_label),
        cmocka_unit_test(close_codes_are_those_that_wskeep_may_send),
        cmocka_unit_test(rows_stand_at_their_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
