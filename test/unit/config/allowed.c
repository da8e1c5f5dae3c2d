/* What is allowed, in words: exact, and true where it names examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/table.h"
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *path, *want;
} rows[] = {
    {"listen.address", "\"host:port\", \"[v6]:port\", \":port\" (every host) or \"unix:PATH\"; "
                       "port 0 to 65535, PATH 1 "
                       "to 107 bytes"},
    {"admin.address", "\"\" (off), \"host:port\", \"[v6]:port\", \":port\" (every host) or "
                      "\"unix:PATH\"; port 0 to 65535, "
                      "PATH 1 to 107 bytes"},
    {"backend.address",
     "\"host:port\", \"[v6]:port\" or \"unix:PATH\"; port 1 to 65535, PATH 1 to 107 bytes"},
    {"heartbeat.interval", "a duration of 50ms to 1h, such as \"25s\""},
    {"listen.body_timeout", "\"0\" (off) or a duration of 50ms to 24h"},
    {"buffer.session", "a size of 256KiB to 1GiB, such as \"1MiB\""},
    {"limits.connections", "a whole number of 1 to 1048576"},
    {"workers", "\"auto\" or a whole number of 1 to 256"},
    {"heartbeat.client", "true or false"},
    {"log.format", "\"text\" or \"json\""},
    {"platform.lb_timeout",
     "\"0\" (unknown: --check assumes Google's 10m) or a duration of 1s to 12h"},
    {"platform.backend_command", "\"\" (unknown) or a text in one line"},
    {"reconnect.greeting", "\"pass\" or a whole number of 1 to 100"},
    {"reconnect.notice", "\"\" (none) or a JSON text in one line, such as \"{\\\"type\\\": "
                         "\\\"reconnected\\\"}\""},
    {"reconnect.stateful", "a list of paths, or beginnings of them, and of subprotocols, such as "
                           "[\"/editor/\", \"v1.terminal.example.com\"]"},
    {"reconnect.codes", "codes of 1000 to 4999, in a list such as [4000, 4010]"},
    {"reconnect.never",
     "a list of texts in one line each, none of them empty, such as [\"one\", \"two\"]"},
    {"readiness.http", "\"\" (off) or a path, such as \"/ready\""},
    {"log.level", "\"debug\", \"info\", \"warn\" or \"error\""},
    {"listen.trusted",
     "a list of networks, such as [\"10.0.0.0/8\", \"fd00::/8\"], or [\"*\"] for every peer"},
    {"origins", "a list of origins as browsers send them (scheme, host, port, in lower case, "
                "without a path), such as [\"https://app.example.com\", "
                "\"https://*.example.com\", \"http://localhost:3000\"], or [] for any"},
};

static void what_is_allowed_is_said_in_these_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        setting_allowed(setting_find(rows[i].path), &out);
        buf_add(&out, "", 1);
        assert_string_equal((char *)out.data, rows[i].want);
        buf_fini(&out);
    }
}

/* The words between "of", "to" and "," of a range, and what stands in quotes behind "such as". */
static void assert_taken(const struct setting *s, const char *p, size_t n)
{
    struct conf *c = conf_new();
    if (n == 0 || setting_set(s, c, (struct str){p, n}, false) != 0)
        fail_msg("%s: %.*s", s->path, (int)n, p);
    conf_unref(c);
}

static void ends_of_a_range_and_its_example_are_allowed(void **state)
{
    (void)state;
    unsigned ranges = 0;
    for (const struct setting *s = settings; s < settings + settings_count; s++) {
        struct buf out = {0};
        setting_allowed(s, &out);
        buf_add(&out, "", 1);
        const char *least = strstr((char *)out.data, " of ");
        const char *most = least ? strstr(least, " to ") : NULL;
        if (most && s->type != SETTING_BIND && s->type != SETTING_DIAL) {
            const char *example = strstr(most, "such as \"");
            assert_taken(s, least + 4, (size_t)(most - least) - 4);
            assert_taken(s, most + 4, strcspn(most + 4, ","));
            if (example)
                assert_taken(s, example + 9, strcspn(example + 9, "\""));
            ranges++;
        }
        buf_fini(&out);
    }
    assert_true(ranges > 0);
}

static void assert_alternatives(unsigned n, const char *want)
{
    static const char *const names[] = {"a", "b", "c"};
    struct buf out = {0};
    for (unsigned i = 0; i < n; i++)
        alternative_add(&out, i, n, str_of(names[i]));
    assert_true(str_eq((struct str){(char *)out.data, out.len}, want));
    buf_fini(&out);
}

static void last_alternative_comes_behind_or(void **state)
{
    (void)state;
    assert_alternatives(1, "a");
    assert_alternatives(2, "a or b");
    assert_alternatives(3, "a, b or c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_is_said_in_these_words),
        cmocka_unit_test(ends_of_a_range_and_its_example_are_allowed),
        cmocka_unit_test(last_alternative_comes_behind_or),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
