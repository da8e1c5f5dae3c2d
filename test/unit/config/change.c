/* What a reload finds changed, setting by setting, and what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/change.h"
#include "config/table.h"
#include <string.h>

/* A value that is not the default, one for each type. */
static const char *other_value(const struct setting *s)
{
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        return "unix:/other";
    case SETTING_DURATION:
        return "7m";
    case SETTING_SIZE:
        return "512KiB";
    case SETTING_COUNT:
        return "7";
    case SETTING_BOOL:
        return "false";
    case SETTING_WORD:
        return s->words[strcmp(s->initial, s->words[0]) == 0];
    case SETTING_TEXT:
        return "other words";
    case SETTING_PATH:
        return "/other";
    case SETTING_JSON:
        return "{\"other\": true}";
    case SETTING_TEXTS:
        return "other, words";
    case SETTING_NETWORKS:
        return "10.0.0.0/8, fd00::/8";
    case SETTING_ORIGINS:
        return "https://a.example, https://*.b.example";
    case SETTING_PLACES:
        return "/other/, mqtt";
    case SETTING_CODES:
        return "4000, 4001";
    }
    return NULL;
}

static struct conf *with(const struct setting *s)
{
    struct conf *c = conf_new();
    assert_int_equal(setting_set(s, c, str_of(other_value(s)), false), 0);
    return c;
}

static void assert_text(struct buf *have, const char *want)
{
    buf_add(have, "", 1);
    assert_string_equal(have->data, want);
    buf_fini(have);
}

static void assert_changes(const struct conf *from, const struct conf *to, const char *want)
{
    struct buf names = {0};
    conf_changes(from, to, &names);
    assert_text(&names, want);
}

static void each_setting_is_named_where_it_differs(void **state)
{
    (void)state;
    struct conf *defaults = conf_new();
    assert_changes(defaults, defaults, "");
    for (unsigned i = 0; i < settings_count; i++) {
        struct conf *c = with(&settings[i]);
        assert_changes(defaults, c, settings[i].path);
        conf_unref(c);
    }
    conf_unref(defaults);
}

static void names_stand_in_the_order_of_the_table(void **state)
{
    (void)state;
    struct conf *a = with(setting_find("log.level")), *b = with(setting_find("listen.address"));
    assert_changes(a, b, "listen.address, log.level");
    conf_unref(a);
    conf_unref(b);
}

static void what_is_kept_is_as_it_was_and_outlives_where_it_came_from(void **state)
{
    (void)state;
    for (unsigned i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        struct conf *from = with(s), *to = conf_new();
        conf_keep(to, from, s->path);
        assert_changes(from, to, "");
        conf_unref(from);
        from = with(s);
        assert_changes(from, to, "");
        conf_unref(from);
        conf_unref(to);
    }
}

static void only_what_takes_a_restart_is_deferred(void **state)
{
    (void)state;
    struct conf *defaults = conf_new();
    for (unsigned i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        struct buf names = {0};
        struct conf *c = with(s);
        conf_defer(c, defaults, &names);
        bool waits = s->reload == RELOAD_RESTART;
        assert_text(&names, waits ? s->path : "");
        assert_changes(defaults, c, waits ? "" : s->path);
        conf_unref(c);
    }
    conf_unref(defaults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_is_named_where_it_differs),
        cmocka_unit_test(names_stand_in_the_order_of_the_table),
        cmocka_unit_test(what_is_kept_is_as_it_was_and_outlives_where_it_came_from),
        cmocka_unit_test(only_what_takes_a_restart_is_deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
