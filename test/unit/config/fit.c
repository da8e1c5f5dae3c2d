/* Settings that must fit each other: which do, and what is said of those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/fit.h"
#include "unit/config/judged.h"

static const struct {
    const char *settings;
    const char *misfit; /* the first, and what is said of it; NULL: none */
    const char *why;
} rows[] = {
    {"", NULL, "the defaults"},
    {"reconnect.backoff_min=5s", NULL, "as long as the longest"},
    {"reconnect.backoff_min=5001ms",
     "reconnect.backoff_min: \"5001ms\" with reconnect.backoff_max \"5s\", allowed is no more than "
     "that",
     "longer"},
    {"reconnect.backoff_max=100ms", NULL, "as short as the shortest"},
    {"reconnect.backoff_max=99ms",
     "reconnect.backoff_min: \"100ms\" with reconnect.backoff_max \"99ms\", allowed is no more "
     "than "
     "that",
     "shorter"},
    {"reconnect.backoff_min=10s|reconnect.backoff_max=20s", NULL, "both longer"},
    {"answer.of.field=type",
     "answer.of.field: \"type\" with answer.by.field \"\", allowed is to set both or neither",
     "questions that nothing answers"},
    {"answer.by.field=type",
     "answer.of.field: \"\" with answer.by.field \"type\", allowed is to set both or neither",
     "answers to nothing"},
    {"answer.of.field=a|answer.by.field=b", NULL, "questions and answers"},
    {"answer.of.values=a", NULL, "values alone say nothing"},
};

static void misfit_is_found_and_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct conf *c = conf_new();
        struct buf said = {0};
        settings_apply(c, rows[i].settings);
        for (unsigned k = 0; k < fits_count && said.len == 0; k++) {
            if (fits[k].holds(c))
                continue;
            buf_addf(&said, "%s: ", fits[k].path);
            fit_print(&fits[k], c, &said);
        }
        assert_text(&said, rows[i].misfit ? rows[i].misfit : "", rows[i].why);
        buf_fini(&said);
        conf_unref(c);
    }
}

/* The other has a row as well, in case that it alone was set. */
static void each_of_two_has_its_row(void **state)
{
    (void)state;
    for (const struct fit *f = fits; f < fits + fits_count; f++) {
        unsigned n = 0;
        for (const struct fit *g = fits; g < fits + fits_count; g++)
            n += f->holds == g->holds && !strcmp(f->path, g->other) && !strcmp(g->path, f->other);
        assert_int_equal(n, 1);
        assert_non_null(setting_find(f->path));
    }
}

static void long_value_is_not_shown(void **state)
{
    (void)state;
    char text[200] = {0};
    struct conf *c = conf_new();
    struct buf said = {0};
    memset(text, 'a', sizeof(text) - 1);
    assert_int_equal(setting_set(setting_find("answer.of.field"), c, str_of(text), false), 0);
    fit_print(&fits[2], c, &said);
    assert_text(&said, "a long text with answer.by.field \"\", allowed is to set both or neither",
                "of 199 bytes");
    buf_fini(&said);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misfit_is_found_and_said),
        cmocka_unit_test(each_of_two_has_its_row),
        cmocka_unit_test(long_value_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
