/* The table: each row is whole and fits its neighbours; names are found, and near ones are guessed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/table.h"
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define EACH(s) (const struct setting *s = settings; s < settings + settings_count; s++)

static struct str text_of(const struct buf *b)
{
    return (struct str){(const char *)b->data, b->len};
}

static void path_is_unique(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            assert_ptr_equal(setting_find(s->path), s);
            assert_null(group_find(str_of(s->path)));
        }
}

static void variable_of(const struct setting *s, char *out, size_t n)
{
    struct buf name = {0};
    setting_variable(s, &name);
    snprintf(out, n, "%.*s", (int)name.len, (const char *)name.data);
    buf_fini(&name);
}

/* "a.b_c" and "a_b.c" would be one; Kubernetes' names for a service "wskeep" must be none. */
static void variable_is_unique_and_no_one_elses(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            char name[80], other[80];
            variable_of(s, name, sizeof(name));
            assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
            assert_int_equal(strncmp(name, SETTING_PREFIX, strlen(SETTING_PREFIX)), 0);
            assert_null(strstr(name, SETTING_PREFIX "SERVICE_"));
            assert_null(strstr(name, SETTING_PREFIX "PORT"));
            for (const struct setting *t = settings; t < s; t++) {
                variable_of(t, other, sizeof(other));
                assert_string_not_equal(name, other);
                assert_true(!s->kept || !t->kept || strcmp(s->kept, t->kept) != 0);
            }
            if (s->kept)
                assert_string_not_equal(s->kept, name);
        }
}

static void variable_is_the_path_in_capitals(void **state)
{
    (void)state;
    char name[80];
    variable_of(setting_find("buffer.session"), name, sizeof(name));
    assert_string_equal(name, "WSKEEP_BUFFER_SESSION");
    variable_of(setting_find("listen.header_timeout"), name, sizeof(name));
    assert_string_equal(name, "WSKEEP_LISTEN_HEADER_TIMEOUT");
    variable_of(setting_find("workers"), name, sizeof(name));
    assert_string_equal(name, "WSKEEP_WORKERS");
}

/* The printer opens an object once. */
static void settings_of_a_group_stand_together(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            struct str group = setting_group(s);
            for (const struct setting *t = s + 1; t < settings + settings_count; t++) {
                struct str left = setting_group(t - 1);
                bool here = setting_name(t, group).n > 0, before = setting_name(t - 1, group).n > 0;
                if (here && !before)
                    fail_msg("%s stands behind %.*s", t->path, (int)left.n, left.p);
            }
        }
}

/* The reference has one heading for a group, above all that lies in it. */
static void settings_of_a_group_stand_before_the_groups_in_it(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            struct str group = setting_group(s);
            for (const struct setting *t = settings; t < s; t++)
                if (group.n > 0 && setting_name(t, group).n > 0 && setting_group(t).n > group.n)
                    fail_msg("%s stands behind %s", s->path, t->path);
        }
}

/* Every group that a path goes through, so that a name in it can be told from an unknown one. */
static void group_of_every_setting_is_described(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            for (const char *dot = strchr(s->path, '.'); dot; dot = strchr(dot + 1, '.'))
                if (!group_find((struct str){s->path, (size_t)(dot - s->path)}))
                    fail_msg("%s: a group without a line in groups[]", s->path);
            assert_non_null(group_find(setting_group(s)));
        }
}

static void group_holds_a_setting(void **state)
{
    (void)state;
    for (unsigned i = 0; i < groups_count; i++) {
        struct buf names = {0};
        group_names(str_of(groups[i].path), &names);
        assert_true(names.len > 0);
        buf_fini(&names);
    }
}

static void doc_is_whole_sentences(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            size_t n = strlen(s->doc);
            if (n < 10 || s->doc[n - 1] != '.' || strstr(s->doc, "  ") || strchr(s->doc, '\n'))
                fail_msg("%s: %s", s->path, s->doc);
        }
}

/* `initial` is written the one way in which it is printed. */
static void default_is_printed_as_it_is_written(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    for
        EACH(s)
        {
            struct buf printed = {0};
            setting_print(s, c, &printed);
            struct str value = text_of(&printed);
            while (value.n > 0 && strchr("[\"", value.p[0]))
                value = (struct str){value.p + 1, value.n - 1};
            while (value.n > 0 && strchr("]\"", value.p[value.n - 1]))
                value.n--;
            if (!str_eq(value, s->initial))
                fail_msg("%s: %.*s", s->path, (int)printed.len, (const char *)printed.data);
            buf_fini(&printed);
        }
    conf_unref(c);
}

static void least_is_below_most(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            bool ranged = s->type == SETTING_DURATION || s->type == SETTING_SIZE ||
                          s->type == SETTING_COUNT || s->type == SETTING_CODES;
            assert_int_equal(s->least < s->most, ranged);
            assert_int_equal(s->words != NULL, s->type == SETTING_WORD);
        }
}

static void fields_do_not_overlap(void **state)
{
    (void)state;
    for
        EACH(s)
    for (const struct setting *t = settings; t < s; t++)
        assert_int_not_equal(s->offset, t->offset);
}

static void assert_names(const char *group, const char *want)
{
    struct buf names = {0};
    group_names(str_of(group), &names);
    if (!str_eq(text_of(&names), want))
        fail_msg("%s: %.*s", group, (int)names.len, (const char *)names.data);
    buf_fini(&names);
}

static void names_of_a_group_are_said_once_each_in_order(void **state)
{
    (void)state;
    assert_names("heartbeat", "interval, timeout, backend_timeout, client or backend");
    assert_names("log", "format, level or project");
    assert_names("buffer", "session or total");
    assert_names("answer", "key, attempts, bytes, of or by");
    assert_names("answer.of", "field or values");
    assert_names(
        "", "listen, backend, heartbeat, timeouts, reconnect, answer, buffer, readiness, probe, "
            "platform, limits, admin, log, origins or workers");
}

static void name_lies_in_its_group_and_in_the_groups_around_it(void **state)
{
    (void)state;
    const struct setting *s = setting_find("listen.address");
    assert_true(str_eq(setting_name(s, STR("listen")), "address"));
    assert_true(str_eq(setting_name(s, STR("")), "listen"));
    assert_true(str_eq(setting_name(setting_find("answer.of.field"), STR("answer")), "of"));
    assert_int_equal(setting_name(s, STR("list")).n, 0);
    assert_int_equal(setting_name(s, STR("backend")).n, 0);
    assert_int_equal(setting_name(s, STR("listen.address")).n, 0);
    assert_int_equal(setting_name(setting_find("workers"), STR("listen")).n, 0);
}

static const struct {
    const char *path, *near, *why;
} rows[] = {
    {"heartbeat.intervall", "heartbeat.interval", "one letter too many"},
    {"listen.adress", "listen.address", "one too few"},
    {"listen.addrses", "listen.address", "two letters changed places"},
    {"hartbeat", "heartbeat", "a group"},
    {"worker", "workers", "at the top level"},
    {"logs", "log", "a short name"},
    {"lag", "log", "one slip in three letters"},
    {"lags", NULL, "two slips in four"},
    {"heartbeat_interval", "heartbeat.interval", "a path in one name"},
    {"heartbeat.close", NULL, "in the group there is nothing like it"},
    {"listen.keepalive", NULL, "half of a name is no slip"},
    {"tls", NULL, "too short for a guess"},
    {"x", NULL, "too short for a guess"},
    {"", NULL, "nothing"},
    {"listen.", NULL, "nothing in a group"},
    {"heartbeat.interval", "heartbeat.interval", "itself"},
    {"a123456789012345678901234567890123456789012345678901234567890123456789", NULL,
     "longer than any"},
};

static void near_name_is_guessed_and_no_far_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *near = setting_near(rows[i].path);
        if (!near != !rows[i].near || (near && strcmp(near, rows[i].near) != 0))
            fail_msg("%s: %s (%s)", rows[i].path, near ? near : "none", rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_unique),
        cmocka_unit_test(variable_is_unique_and_no_one_elses),
        cmocka_unit_test(variable_is_the_path_in_capitals),
        cmocka_unit_test(settings_of_a_group_stand_together),
        cmocka_unit_test(settings_of_a_group_stand_before_the_groups_in_it),
        cmocka_unit_test(group_of_every_setting_is_described),
        cmocka_unit_test(group_holds_a_setting),
        cmocka_unit_test(doc_is_whole_sentences),
        cmocka_unit_test(default_is_printed_as_it_is_written),
        cmocka_unit_test(least_is_below_most),
        cmocka_unit_test(fields_do_not_overlap),
        cmocka_unit_test(names_of_a_group_are_said_once_each_in_order),
        cmocka_unit_test(name_lies_in_its_group_and_in_the_groups_around_it),
        cmocka_unit_test(near_name_is_guessed_and_no_far_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
