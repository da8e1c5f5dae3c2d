/* Values: what each type takes and refuses, what it prints, and that a refusal changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BARE     true

static const struct {
    const char *path, *text;
    bool bare;
    int err;
    const char *printed;
} rows[] = {
    {"listen.address", ":8080", false, 0, "\":8080\""},
    {"listen.address", "unix:/run/w \"1\".sock", false, 0, "\"unix:/run/w \\\"1\\\".sock\""},
    {"listen.address", "unix:/run/\xc3\xa9", false, 0, "\"unix:/run/\xc3\xa9\""},
    {"listen.address", "", false, ERR_SYNTAX, NULL},
    {"listen.address", "localhost", false, ERR_SYNTAX, NULL},
    {"listen.address", "localhost:65536", false, ERR_RANGE, NULL},
    {"listen.address", "unix:/run/\xff", false, ERR_SYNTAX, NULL},
    {"listen.address", "unix:/run/\n", false, ERR_SYNTAX, NULL},
    {"admin.address", "", false, 0, "\"\""},
    {"admin.address", "[::1]:0", false, 0, "\"[::1]:0\""},
    {"backend.address", "unix:/run/app.sock", false, 0, "\"unix:/run/app.sock\""},
    {"backend.address", "app:1", false, 0, "\"app:1\""},
    {"backend.address", ":8000", false, ERR_RANGE, NULL},
    {"backend.address", "app:0", false, ERR_RANGE, NULL},
    {"backend.address", "", false, ERR_SYNTAX, NULL},

    {"heartbeat.interval", "100ms", false, 0, "\"100ms\""},
    {"heartbeat.interval", "50ms", false, 0, "\"50ms\""},
    {"heartbeat.interval", "49ms", false, ERR_RANGE, NULL},
    {"heartbeat.interval", "60m", false, 0, "\"1h\""},
    {"heartbeat.interval", "3600001ms", false, ERR_RANGE, NULL},
    {"heartbeat.interval", "0", false, ERR_RANGE, NULL},
    {"heartbeat.interval", "0s", false, ERR_RANGE, NULL},
    {"heartbeat.interval", "25", false, ERR_SYNTAX, NULL},
    {"heartbeat.interval", "25", BARE, 0, "\"25s\""},
    {"heartbeat.interval", "0", BARE, ERR_RANGE, NULL},
    {"heartbeat.interval", "3601", BARE, ERR_RANGE, NULL},
    {"listen.body_timeout", "50ms", false, 0, "\"50ms\""},
    {"listen.body_timeout", "0", false, 0, "\"0\""},
    {"listen.body_timeout", "0ms", BARE, 0, "\"0\""},
    {"listen.body_timeout", "1ms", false, ERR_RANGE, NULL},

    {"buffer.session", "256KiB", false, 0, "\"256KiB\""},
    {"buffer.session", "262143B", false, ERR_RANGE, NULL},
    {"buffer.session", "1GiB", false, 0, "\"1GiB\""},
    {"buffer.session", "1073741825B", false, ERR_RANGE, NULL},
    {"buffer.session", "0", false, ERR_RANGE, NULL},
    {"buffer.session", "1048576", false, ERR_SYNTAX, NULL},
    {"buffer.session", "1048576", BARE, ERR_SYNTAX, NULL},

    {"limits.connections", "1", false, 0, "1"},
    {"limits.connections", "1048576", false, 0, "1048576"},
    {"limits.connections", "0", false, ERR_RANGE, NULL},
    {"limits.connections", "1048577", false, ERR_RANGE, NULL},
    {"limits.connections", "18446744073709551617", false, ERR_RANGE, NULL},
    {"limits.connections", "1.5", false, ERR_SYNTAX, NULL},
    {"limits.connections", "-1", false, ERR_SYNTAX, NULL},
    {"limits.connections", "auto", false, ERR_SYNTAX, NULL},
    {"limits.connections", "", false, ERR_SYNTAX, NULL},
    {"workers", "auto", false, 0, "\"auto\""},
    {"workers", "256", false, 0, "256"},
    {"workers", "0", false, ERR_RANGE, NULL},
    {"workers", "Auto", false, ERR_SYNTAX, NULL},

    {"heartbeat.client", "false", false, 0, "false"},
    {"heartbeat.client", "true", false, 0, "true"},
    {"heartbeat.client", "no", false, ERR_SYNTAX, NULL},
    {"heartbeat.client", "", false, ERR_SYNTAX, NULL},

    {"log.format", "json", false, 0, "\"json\""},
    {"log.format", "JSON", false, ERR_SYNTAX, NULL},
    {"log.format", "", false, ERR_SYNTAX, NULL},
    {"log.level", "error", false, 0, "\"error\""},

    {"platform.backend_command", "gunicorn \"a\" 'b' \\", false, 0,
     "\"gunicorn \\\"a\\\" 'b' \\\\\""},
    {"platform.backend_command", "", false, 0, "\"\""},
    {"platform.backend_command", "two\nlines", false, ERR_SYNTAX, NULL},
    {"platform.lb_timeout", "600", BARE, 0, "\"10m\""},
    {"platform.lb_timeout", "999ms", false, ERR_RANGE, NULL},

    {"reconnect.window", "0", false, 0, "\"0\""},
    {"reconnect.window", "49ms", false, ERR_RANGE, NULL},
    {"reconnect.window", "60", BARE, 0, "\"1m\""},
    {"reconnect.state", "connection", false, 0, "\"connection\""},
    {"reconnect.state", "none", false, ERR_SYNTAX, NULL},
    {"reconnect.replay", "unsent", false, 0, "\"unsent\""},
    {"reconnect.preamble", "0", false, 0, "0"},
    {"reconnect.preamble", "100", false, 0, "100"},
    {"reconnect.preamble", "101", false, ERR_RANGE, NULL},
    {"reconnect.greeting", "pass", false, 0, "\"pass\""},
    {"reconnect.greeting", "1", false, 0, "1"},
    {"reconnect.greeting", "0", false, ERR_RANGE, NULL},
    {"reconnect.poison", "0", false, ERR_RANGE, NULL},
    {"answer.attempts", "0", false, ERR_RANGE, NULL},
    {"buffer.total", "512KiB", false, 0, "\"512KiB\""},
    {"buffer.total", "524287B", false, ERR_RANGE, NULL},
    {"buffer.total", "1024GiB", false, 0, "\"1024GiB\""},
    {"limits.connecting", "0", false, ERR_RANGE, NULL},

    {"reconnect.notice", "{\"a\": [1, \"\\n\"]}", false, 0, "\"{\\\"a\\\": [1, \\\"\\\\n\\\"]}\""},
    {"reconnect.notice", "", false, 0, "\"\""},
    {"reconnect.notice", "reconnected", false, ERR_SYNTAX, NULL},
    {"reconnect.notice", "{}\n", false, ERR_SYNTAX, NULL},
    {"readiness.http", "/a?b=c", false, 0, "\"/a?b=c\""},
    {"readiness.http", "", false, 0, "\"\""},
    {"readiness.http", "ready", false, ERR_SYNTAX, NULL},
    {"readiness.websocket", "/a b", false, ERR_SYNTAX, NULL},

    {"reconnect.never", "ticket, a\"b", false, 0, "[\"ticket\", \"a\\\"b\"]"},
    {"reconnect.never", "", false, 0, "[]"},
    {"reconnect.stateful", "/a/,mqtt", false, 0, "[\"/a/\", \"mqtt\"]"},
    {"reconnect.stateful", "/a/,a/b", false, ERR_SYNTAX, NULL},
    {"reconnect.codes", "1000, 04000,4999", false, 0, "[1000, 4000, 4999]"},
    {"reconnect.codes", "", false, 0, "[]"},
    {"reconnect.codes", "4000,999", false, ERR_RANGE, NULL},
    {"reconnect.codes", "5000", false, ERR_RANGE, NULL},
    {"reconnect.codes", "4000.5", false, ERR_SYNTAX, NULL},
    {"reconnect.codes", "-4000", false, ERR_SYNTAX, NULL},

    {"listen.trusted", "10.0.0.0/8, ::1,*", false, 0, "[\"10.0.0.0/8\", \"::1\", \"*\"]"},
    {"listen.trusted", "", false, 0, "[]"},
    {"listen.trusted", "10.0.0.0/8,localhost", false, ERR_SYNTAX, NULL},
    {"listen.trusted", "10.0.0.0/33", false, ERR_SYNTAX, NULL},

    {"origins", "https://a.b:8443 ,http://*.c", false, 0, "[\"https://a.b:8443\", \"http://*.c\"]"},
    {"origins", "", false, 0, "[]"},
    {"origins", "https://a.b,*", false, ERR_SYNTAX, NULL},
    {"origins", "10.0.0.0/8", false, ERR_SYNTAX, NULL},
};

static void assert_printed(const struct setting *s, const struct conf *c, const char *want)
{
    struct buf out = {0};
    setting_print(s, c, &out);
    if (!str_eq((struct str){(const char *)out.data, out.len}, want))
        fail_msg("%s: %.*s instead of %s", s->path, (int)out.len, (const char *)out.data, want);
    buf_fini(&out);
}

/* Twice, so that a value takes the place of another as well as that of the default. */
static void value_is_taken_and_printed_again(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        size_t k = i % COUNT(rows);
        const struct setting *s = setting_find(rows[k].path);
        if (rows[k].err < 0)
            continue;
        if (setting_set(s, c, str_of(rows[k].text), rows[k].bare) != 0)
            fail_msg("%s: refused %s", s->path, rows[k].text);
        assert_printed(s, c, rows[k].printed);
    }
    conf_unref(c);
}

static void bad_value_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf *c = conf_new();
        struct buf before = {0};
        const struct setting *s = setting_find(rows[i].path);
        if (rows[i].err < 0) {
            setting_print(s, c, &before);
            buf_add(&before, "", 1);
            int err = setting_set(s, c, str_of(rows[i].text), rows[i].bare);
            if (err != rows[i].err)
                fail_msg("%s = %s: %s", s->path, rows[i].text, err_name(err));
            assert_printed(s, c, (const char *)before.data);
        }
        buf_fini(&before);
        conf_unref(c);
    }
}

static void value_lands_in_its_field(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    assert_int_equal(c->listen.keepalive_timeout, 620000);
    assert_int_equal(c->listen.header_timeout, 10000);
    assert_int_equal(c->listen.body_timeout, 0);
    assert_int_equal(c->listen.trusted.n, 1);
    assert_string_equal(c->listen.address.host, "0.0.0.0");
    assert_int_equal(c->listen.address.port, 8080);
    assert_string_equal(c->backend.address.host, "127.0.0.1");
    assert_int_equal(c->backend.address.port, 8000);
    assert_int_equal(c->backend.connect_timeout, 5000);
    assert_int_equal(c->backend.handshake_timeout, 30000);
    assert_int_equal(c->backend.keepalive_timeout, 1000);
    assert_int_equal(c->backend.response_timeout, 0);
    assert_int_equal(c->heartbeat.interval, 25000);
    assert_int_equal(c->heartbeat.timeout, 75000);
    assert_true(c->heartbeat.client);
    assert_true(c->heartbeat.backend);
    assert_int_equal(c->timeouts.close, 10000);
    assert_int_equal(c->timeouts.drain, 9000);
    assert_int_equal(c->reconnect.window, 60000);
    assert_int_equal(c->reconnect.state, STATE_AUTO);
    assert_int_equal(c->reconnect.replay, REPLAY_UNACKED);
    assert_int_equal(c->reconnect.preamble, 0);
    assert_int_equal(c->reconnect.backoff_min, 100);
    assert_int_equal(c->reconnect.backoff_max, 5000);
    assert_int_equal(c->reconnect.poison, 2);
    assert_int_equal(c->reconnect.probation, 5000);
    assert_int_equal(c->reconnect.greeting, 0);
    assert_string_equal(c->reconnect.notice, "");
    assert_int_equal(c->reconnect.stateful.n, 0);
    assert_int_equal(c->reconnect.codes.n, 0);
    assert_int_equal(c->reconnect.never.n, 0);
    assert_string_equal(c->answer.of.field, "");
    assert_int_equal(c->answer.of.values.n, 0);
    assert_string_equal(c->answer.by.field, "");
    assert_int_equal(c->answer.by.values.n, 0);
    assert_string_equal(c->answer.key, "");
    assert_int_equal(c->answer.attempts, 2);
    assert_int_equal(c->answer.bytes, 65536);
    assert_int_equal(c->buffer.session, 1 << 20);
    assert_int_equal(c->buffer.total, 1 << 28);
    assert_string_equal(c->readiness.http, "");
    assert_string_equal(c->readiness.websocket, "");
    assert_int_equal(c->readiness.wait, 30000);
    assert_int_equal(c->readiness.interval, 1000);
    assert_string_equal(c->probe.path, "");
    assert_int_equal(c->probe.period, 30000);
    assert_int_equal(c->limits.connecting, 64);
    assert_int_equal(c->limits.connections, 16384);
    assert_int_equal(c->limits.head, 65536);
    assert_int_equal(c->admin.address.port, 9901);
    assert_int_equal(c->log.format, 0);
    assert_int_equal(c->log.level, 1);
    assert_int_equal(c->origins.n, 0);
    assert_int_equal(c->workers, 1);
    conf_unref(c);
}

static void address_that_is_off_has_no_host(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    assert_int_equal(setting_set(setting_find("admin.address"), c, STR(""), false), 0);
    assert_string_equal(c->admin.address.text, "");
    assert_null(c->admin.address.host);
    assert_int_equal(c->admin.address.port, 0);
    conf_unref(c);
}

static void list_is_built_element_by_element(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    const struct setting *s = setting_find("listen.trusted");
    setting_clear(s, c);
    assert_printed(s, c, "[]");
    assert_int_equal(setting_add(s, c, STR("10.0.0.0/8")), 0);
    assert_int_equal(setting_add(s, c, STR("10.0.0.0/8,::1")), ERR_SYNTAX);
    assert_int_equal(setting_add(s, c, STR("")), ERR_SYNTAX);
    assert_int_equal(setting_add(s, c, STR("fd00::/8")), 0);
    assert_printed(s, c, "[\"10.0.0.0/8\", \"fd00::/8\"]");
    s = setting_find("origins");
    assert_int_equal(setting_add(s, c, STR("https://a")), 0);
    assert_int_equal(setting_add(s, c, STR("https://a,https://b")), ERR_SYNTAX);
    assert_int_equal(setting_add(s, c, STR("10.0.0.0/8")), ERR_SYNTAX);
    assert_printed(s, c, "[\"https://a\"]");
    s = setting_find("answer.of.values");
    assert_int_equal(setting_add(s, c, STR("a, b")), 0);
    assert_int_equal(setting_add(s, c, STR("")), ERR_SYNTAX);
    assert_int_equal(setting_add(s, c, STR("a\nb")), ERR_SYNTAX);
    assert_printed(s, c, "[\"a, b\"]");
    s = setting_find("reconnect.codes");
    assert_int_equal(setting_add(s, c, STR("4000")), 0);
    assert_int_equal(setting_add(s, c, STR("999")), ERR_RANGE);
    assert_printed(s, c, "[4000]");
    assert_string_equal(c->reconnect.codes.v[0], "4000");
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_taken_and_printed_again),
        cmocka_unit_test(bad_value_is_refused_and_changes_nothing),
        cmocka_unit_test(value_lands_in_its_field),
        cmocka_unit_test(address_that_is_off_has_no_host),
        cmocka_unit_test(list_is_built_element_by_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
