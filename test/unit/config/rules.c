/* The table of rules: each row is whole, and what it advises can be followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"

#define EACH(r) (const struct rule *r = rules; r < rules + rules_count; r++)

static void id_is_unique(void **state)
{
    (void)state;
    for
        EACH(r)
    for (const struct rule *other = rules; other < r; other++)
        assert_string_not_equal(r->id, other->id);
}

static void fact_is_whole_sentences(void **state)
{
    (void)state;
    for
        EACH(r)
        {
            size_t n = strlen(r->fact);
            if (n < 20 || r->fact[n - 1] != '.' || strstr(r->fact, "  ") || strchr(r->fact, '\n'))
                fail_msg("%s: %s", r->id, r->fact);
        }
}

static void broken_rule_is_a_warning_or_a_fail(void **state)
{
    (void)state;
    for
        EACH(r)
    assert_true(r->broken == RESULT_WARN || r->broken == RESULT_FAIL);
}

static bool is_one_of(const char *kind)
{
    return strcmp(kind, "gunicorn") == 0 || strcmp(kind, "uvicorn") == 0 ||
           strcmp(kind, "gcloud") == 0;
}

/* "origins" is judged where a list is given to the check, whatever conf it came from. */
static void change_is_of_a_setting_that_there_is_or_of_a_flag(void **state)
{
    (void)state;
    for
        EACH(r)
        {
            if (!r->mend.kind)
                continue;
            bool conf = strcmp(r->mend.kind, "conf") == 0;
            if (conf ? !setting_find(r->mend.key) && strcmp(r->mend.key, "origins") != 0
                     : !is_one_of(r->mend.kind) || strncmp(r->mend.key, "--", 2) != 0)
                fail_msg("%s: %s %s", r->id, r->mend.kind, r->mend.key);
        }
}

static void what_the_conf_is_to_say_afterwards_is_allowed(void **state)
{
    (void)state;
    for
        EACH(r)
        {
            if (!r->mend.then_key)
                continue;
            struct conf *c = conf_new();
            const struct setting *s = setting_find(r->mend.then_key);
            struct str value = {r->mend.then_value + 1, strlen(r->mend.then_value) - 2};
            assert_non_null(s);
            assert_int_equal(setting_set(s, c, value, false), 0);
            conf_unref(c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_is_unique),
        cmocka_unit_test(fact_is_whole_sentences),
        cmocka_unit_test(broken_rule_is_a_warning_or_a_fail),
        cmocka_unit_test(change_is_of_a_setting_that_there_is_or_of_a_flag),
        cmocka_unit_test(what_the_conf_is_to_say_afterwards_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
