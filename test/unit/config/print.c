/* Printing: every setting, printed, read again and compared; the table is walked, so that no row is
 * forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/fit.h"
#include "config/load.h"
#include "config/table.h"
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EACH(s) (const struct setting *s = settings; s < settings + settings_count; s++)

static struct buf print_of(const struct setting *s, const struct conf *c)
{
    struct buf out = {0};
    setting_print(s, c, &out);
    return out;
}

static bool is_same(const struct setting *s, const struct conf *a, const struct conf *b)
{
    struct buf x = print_of(s, a), y = print_of(s, b);
    bool same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
    buf_fini(&x);
    buf_fini(&y);
    return same;
}

/* Through a file, as a user would. */
static struct conf *read_again(const struct conf *c)
{
    char file[] = "/tmp/wskeep-print-XXXXXX";
    struct buf text = {0}, why = {0};
    struct conf *again = NULL;
    conf_print(c, &text);
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.len), text.len);
    close(fd);
    int err = conf_load(&(struct conf_sources){.file = file}, &again, NULL, &why);
    unlink(file);
    if (err < 0)
        fail_msg("%.*s", (int)why.len, (const char *)why.data);
    buf_fini(&text);
    buf_fini(&why);
    return again;
}

static void assert_survives(const struct conf *c)
{
    struct conf *again = read_again(c);
    for
        EACH(s)
    if (!is_same(s, c, again))
        fail_msg("%s", s->path);
    conf_unref(again);
}

static void set(const struct setting *s, struct conf *c, const char *text)
{
    if (setting_set(s, c, str_of(text), false) != 0)
        fail_msg("%s: %s", s->path, text);
}

static void set_number(const struct setting *s, struct conf *c, uint64_t n)
{
    struct buf text = {0};
    if (s->type == SETTING_COUNT)
        buf_addf(&text, "%llu", (unsigned long long)n);
    else
        quantity_print(setting_units(s), n, &text);
    buf_add(&text, "", 1);
    set(s, c, (const char *)text.data);
    buf_fini(&text);
}

/* A value that is allowed and not the default; `other`: of two such the second, where there are
 * two. */
static void change(const struct setting *s, struct conf *c, bool other)
{
    switch (s->type) {
    case SETTING_BIND:
        set(s, c, other ? s->zero ? "" : "[::1]:0" : "unix:/tmp/\"quoted\" \\ \xc3\xa9.sock");
        break;
    case SETTING_DIAL:
        set(s, c, other ? "[::1]:65535" : "some-host.example:1");
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
        set_number(s, c, other ? s->most : s->least + 1);
        break;
    case SETTING_COUNT:
        if (other && s->zero && strcmp(s->zero, s->initial) != 0)
            set(s, c, s->zero);
        else
            set_number(s, c, other ? s->least + 3 : s->most); /* past every default */
        break;
    case SETTING_BOOL:
        set(s, c, strcmp(s->initial, "true") == 0 ? "false" : "true");
        break;
    case SETTING_WORD:
        set(s, c, s->words[strcmp(s->words[0], s->initial) == 0]);
        break;
    case SETTING_TEXT:
        set(s, c, other ? "$ ' \xc3\xa9" : "gunicorn -c \"a b.py\" a:\\b");
        break;
    case SETTING_PATH:
        set(s, c, other ? "/?a=%20&b" : "/");
        break;
    case SETTING_JSON:
        set(s, c, other ? "[1, null]" : "{\"a\": \"\\\\\\n\"}");
        break;
    case SETTING_TEXTS:
        set(s, c, other ? "$ \xc3\xa9" : "a\"b,c d");
        break;
    case SETTING_NETWORKS:
        set(s, c, other ? "" : "10.0.0.0/8,::1");
        break;
    case SETTING_ORIGINS:
        set(s, c, other ? "http://a:1" : "https://a.b,https://*.b:8443");
        break;
    case SETTING_PLACES:
        set(s, c, other ? "/" : "/a/b%20/,v1.mqtt");
        break;
    case SETTING_CODES:
        set(s, c, other ? "4999" : "1000,4000");
        break;
    }
}

static void defaults_survive_being_printed_and_read(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    assert_survives(c);
    conf_unref(c);
}

static void conf_with_every_setting_changed_survives(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct conf *c = conf_new(), *defaults = conf_new();
        for
            EACH(s)
            {
                change(s, c, other);
                if (is_same(s, c, defaults))
                    fail_msg("%s is not changed", s->path);
            }
        assert_survives(c);
        conf_unref(defaults);
        conf_unref(c);
    }
}

/* Some settings cannot be changed alone, so no file may hold them. */
static bool fits_together(const struct conf *c)
{
    for (unsigned i = 0; i < fits_count; i++)
        if (!fits[i].holds(c))
            return false;
    return true;
}

/* One at a time: a row that wrote into another's field would be seen here. */
static void changed_setting_changes_no_other(void **state)
{
    (void)state;
    for
        EACH(changed)
        {
            struct conf *c = conf_new(), *defaults = conf_new();
            change(changed, c, false);
            struct conf *again = fits_together(c) ? read_again(c) : conf_ref(c);
        for
            EACH(s)
        if (is_same(s, again, defaults) == (s == changed))
            fail_msg("%s, when %s is changed", s->path, changed->path);
        conf_unref(again);
        conf_unref(defaults);
        conf_unref(c);
        }
}

static unsigned leaves(const cJSON *at)
{
    unsigned n = cJSON_IsObject(at) ? 0 : 1;
    for (const cJSON *child = at->child; cJSON_IsObject(at) && child; child = child->next)
        n += leaves(child);
    return n;
}

static void what_is_printed_is_plain_json_with_every_setting_once(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    struct buf text = {0};
    conf_print(c, &text);
    cJSON *tree = cJSON_ParseWithLength((const char *)text.data, text.len);
    assert_non_null(tree);
    assert_int_equal(leaves(tree), settings_count);
    cJSON_Delete(tree);
    buf_fini(&text);
    conf_unref(c);
}

static void layout_is_one_setting_a_line(void **state)
{
    (void)state;
    static const char begin[] = "{\n"
                                "    \"listen\": {\n"
                                "        \"address\": \"0.0.0.0:8080\",\n"
                                "        \"keepalive_timeout\": \"620s\",\n";
    static const char end[] = "        \"format\": \"text\",\n"
                              "        \"level\": \"info\",\n"
                              "        \"project\": \"\"\n"
                              "    },\n"
                              "    \"origins\": [],\n"
                              "    \"workers\": 1\n"
                              "}\n";
    struct conf *c = conf_new();
    struct buf text = {0};
    conf_print(c, &text);
    assert_memory_equal(text.data, begin, strlen(begin));
    assert_memory_equal(text.data + text.len - strlen(end), end, strlen(end));
    buf_fini(&text);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_survive_being_printed_and_read),
        cmocka_unit_test(conf_with_every_setting_changed_survives),
        cmocka_unit_test(changed_setting_changes_no_other),
        cmocka_unit_test(what_is_printed_is_plain_json_with_every_setting_once),
        cmocka_unit_test(layout_is_one_setting_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
