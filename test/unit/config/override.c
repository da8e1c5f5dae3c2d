/* Settings from outside the file: each variable reaches its setting and no other; what is wrong,
 * and what is odd, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/override.h"
#include "config/table.h"
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ENV(...) ((char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

#define EACH(s) (const struct setting *s = settings; s < settings + settings_count; s++)

static struct buf print_of(const struct setting *s, const struct conf *c)
{
    struct buf out = {0};
    setting_print(s, c, &out);
    buf_add(&out, "", 1);
    return out;
}

static void assert_printed(const char *path, const struct conf *c, const char *want)
{
    struct buf have = print_of(setting_find(path), c);
    assert_string_equal((const char *)have.data, want);
    buf_fini(&have);
}

static struct conf *apply(char *const *environment, struct strings *notes)
{
    struct conf *c = conf_new();
    struct buf why = {0};
    if (override_environment(c, environment, notes, &why) != 0)
        fail_msg("%.*s", (int)why.len, (const char *)why.data);
    assert_int_equal(why.len, 0);
    return c;
}

/* ---- names */

/* A value that is not the default, as a variable has it. */
static void other_value(const struct setting *s, struct buf *out)
{
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        buf_adds(out, "[::1]:1");
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
        quantity_print(setting_units(s), s->most, out);
        break;
    case SETTING_COUNT:
        buf_addu(out, s->most);
        break;
    case SETTING_BOOL:
        buf_adds(out, strcmp(s->initial, "true") == 0 ? "false" : "true");
        break;
    case SETTING_WORD:
        buf_adds(out, s->words[strcmp(s->words[0], s->initial) == 0]);
        break;
    case SETTING_PATH:
        buf_adds(out, "/ready");
        break;
    case SETTING_JSON:
        buf_adds(out, "{\"type\": \"reconnected\"}");
        break;
    case SETTING_TEXTS:
        buf_adds(out, "user_message,other message");
        break;
    case SETTING_PLACES:
        buf_adds(out, "/editor/,mqtt");
        break;
    case SETTING_CODES:
        buf_adds(out, "4000,4001");
        break;
    case SETTING_NETWORKS:
        buf_adds(out, "10.0.0.0/8,::1");
        break;
    case SETTING_ORIGINS:
        buf_adds(out, "https://a,https://*.b:8443");
        break;
    case SETTING_TEXT:
        buf_adds(out, "gunicorn --timeout 0 app:app");
        break;
    }
}

static void assert_only_changed(const struct setting *changed, const struct conf *c)
{
    struct conf *defaults = conf_new();
    for
        EACH(s)
        {
            struct buf x = print_of(s, c), y = print_of(s, defaults);
            if ((strcmp((char *)x.data, (char *)y.data) == 0) == (s == changed))
                fail_msg("%s, where %s was set", s->path, changed->path);
            buf_fini(&x);
            buf_fini(&y);
        }
    conf_unref(defaults);
}

static void variable_of_every_setting_changes_it_and_no_other(void **state)
{
    (void)state;
    for
        EACH(s)
        {
            struct buf variable = {0};
            struct strings notes = {0};
            setting_variable(s, &variable);
            buf_adds(&variable, "=");
            other_value(s, &variable);
            buf_add(&variable, "", 1);
            struct conf *c = apply(ENV((char *)variable.data), &notes);
            assert_only_changed(s, c);
            assert_int_equal(notes.n, 0);
            conf_unref(c);
            buf_fini(&variable);
        }
}

static void kept_name_changes_its_setting_and_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *path, *want;
    } rows[] = {
        {"PORT=1", "listen.address", "\"0.0.0.0:1\""},
        {"WEBSOCKET_HEARTBEAT_INTERVAL=30", "heartbeat.interval", "\"30s\""},
        {"WEBSOCKET_HEARTBEAT_TIMEOUT=90s", "heartbeat.timeout", "\"90s\""},
        {"WEBSOCKET_CONNECTION_TIMEOUT=600", "timeouts.connection", "\"10m\""},
        {"WEBSOCKET_CLEANUP_INTERVAL=500ms", "timeouts.cleanup", "\"500ms\""},
        {"GOOGLE_CLOUD_PROJECT=my-chat", "log.project", "\"my-chat\""},
    };
    unsigned kept = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf *c = apply(ENV((char *)rows[i].variable), NULL);
        assert_printed(rows[i].path, c, rows[i].want);
        assert_only_changed(setting_find(rows[i].path), c);
        conf_unref(c);
    }
    for
        EACH(s)
    kept += s->kept != NULL;
    assert_int_equal(kept, COUNT(rows));
}

static void value_is_looked_up_by_the_whole_name(void **state)
{
    (void)state;
    char *const *e = ENV("PORTS=1", "PORT", "POR=2", "PORT=3", "PORT=4", "EMPTY=", "=5", "A==");
    assert_string_equal(environment_get(e, "PORT"), "3");
    assert_string_equal(environment_get(e, "POR"), "2");
    assert_string_equal(environment_get(e, "A"), "=");
    assert_null(environment_get(e, "EMPTY"));
    assert_null(environment_get(e, "POR2"));
    assert_null(environment_get(e, "port"));
    assert_null(environment_get(ENV(), "PORT"));
    assert_null(environment_get(NULL, "PORT"));
}

/* ---- values */

static void empty_variable_counts_as_not_set(void **state)
{
    (void)state;
    struct strings notes = {0};
    struct conf *c = apply(ENV("WSKEEP_ADMIN_ADDRESS=", "PORT=", "WSKEEP_LISTEN_TRUSTED=",
                               "WSKEEP_HEARTBEAT_INTERVAL=", "WEBSOCKET_HEARTBEAT_INTERVAL=7",
                               "WSKEEP_NONE=", "WSKEEP_NONE"),
                           &notes);
    assert_printed("admin.address", c, "\"127.0.0.1:9901\"");
    assert_printed("listen.address", c, "\"0.0.0.0:8080\"");
    assert_printed("listen.trusted", c, "[\"*\"]");
    assert_printed("heartbeat.interval", c, "\"7s\"");
    assert_int_equal(notes.n, 0);
    conf_unref(c);
}

/* Then nobody looks at the other one: it may be the application's, in the application's format. */
static void name_of_ours_wins_over_the_kept_one(void **state)
{
    (void)state;
    struct strings notes = {0};
    struct conf *c =
        apply(ENV("WEBSOCKET_HEARTBEAT_INTERVAL=7 parsecs", "WSKEEP_HEARTBEAT_INTERVAL=8",
                  "WSKEEP_LISTEN_ADDRESS=unix:/s", "PORT=x"),
              &notes);
    assert_printed("heartbeat.interval", c, "\"8s\"");
    assert_printed("listen.address", c, "\"unix:/s\"");
    assert_int_equal(notes.n, 0);
    conf_unref(c);
}

static void port_changes_the_port_alone(void **state)
{
    (void)state;
    static const struct {
        const char *address, *port, *want;
    } rows[] = {
        {"0.0.0.0:8080", "PORT=80", "\"0.0.0.0:80\""},
        {":8080", "PORT=80", "\":80\""},
        {"[::1]:8080", "PORT=65535", "\"[::1]:65535\""},
        {"localhost:1", "PORT=0", "\"localhost:0\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf *c = conf_new();
        struct buf why = {0};
        setting_set(setting_find("listen.address"), c, str_of(rows[i].address), false);
        assert_int_equal(override_environment(c, ENV((char *)rows[i].port), NULL, &why), 0);
        assert_printed("listen.address", c, rows[i].want);
        conf_unref(c);
    }
}

static void unix_path_stays_where_there_is_a_port_and_a_note_says_so(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    struct strings notes = {0};
    struct buf why = {0};
    setting_set(setting_find("listen.address"), c, STR("unix:/run/a:1"), false);
    assert_int_equal(override_environment(c, ENV("PORT=80"), &notes, &why), 0);
    assert_printed("listen.address", c, "\"unix:/run/a:1\"");
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.v[0],
                        "PORT: listen.address is a Unix path, which has no port; ignored");
    strings_fini(&notes);
    conf_unref(c);
}

#define INTERVAL "a duration of 50ms to 1h, such as \"25s\""

static const struct {
    const char *variable;
    int err;
    const char *want;
} refused[] = {
    {"PORT=http", ERR_SYNTAX, "PORT: found \"http\", allowed is a port of 0 to 65535"},
    {"PORT=65536", ERR_RANGE, "PORT: found \"65536\", allowed is a port of 0 to 65535"},
    {"PORT=-1", ERR_SYNTAX, "PORT: found \"-1\", allowed is a port of 0 to 65535"},
    {"PORT= 80", ERR_SYNTAX, "PORT: found \" 80\", allowed is a port of 0 to 65535"},
    {"PORT=1:2", ERR_SYNTAX, "PORT: found \"1:2\", allowed is a port of 0 to 65535"},
    {"PORT=8\n0", ERR_SYNTAX, "PORT: found \"8\\n0\", allowed is a port of 0 to 65535"},
    {"WEBSOCKET_HEARTBEAT_INTERVAL=30000", ERR_RANGE,
     "WEBSOCKET_HEARTBEAT_INTERVAL: found \"30000\", allowed is " INTERVAL},
    {"WEBSOCKET_HEARTBEAT_TIMEOUT=soon", ERR_SYNTAX,
     "WEBSOCKET_HEARTBEAT_TIMEOUT: found \"soon\", allowed is a duration of 50ms to 24h, such as "
     "\"75s\""},
    {"WEBSOCKET_CONNECTION_TIMEOUT=1.5", ERR_SYNTAX,
     "WEBSOCKET_CONNECTION_TIMEOUT: found \"1.5\", allowed is \"0\" (off) or a duration of 50ms to "
     "24h, such as \"15m\""},
    {"WEBSOCKET_CLEANUP_INTERVAL=0", ERR_RANGE,
     "WEBSOCKET_CLEANUP_INTERVAL: found \"0\", allowed is a duration of 50ms to 1h, such as "
     "\"3m\""},
    {"WSKEEP_HEARTBEAT_INTERVAL=25 parsecs", ERR_SYNTAX,
     "WSKEEP_HEARTBEAT_INTERVAL: found \"25 parsecs\", allowed is " INTERVAL},
    {"WSKEEP_BUFFER_SESSION=1048576", ERR_SYNTAX,
     "WSKEEP_BUFFER_SESSION: found \"1048576\", allowed is a size of 256KiB to 1GiB, such as "
     "\"1MiB\""},
    {"WSKEEP_HEARTBEAT_CLIENT=1", ERR_SYNTAX,
     "WSKEEP_HEARTBEAT_CLIENT: found \"1\", allowed is true or false"},
    {"WSKEEP_LOG_FORMAT=JSON", ERR_SYNTAX,
     "WSKEEP_LOG_FORMAT: found \"JSON\", allowed is \"text\" or \"json\""},
    {"WSKEEP_WORKERS=0", ERR_RANGE,
     "WSKEEP_WORKERS: found \"0\", allowed is \"auto\" or a whole number of 1 to 256"},
    {"WSKEEP_BACKEND_ADDRESS=:80", ERR_RANGE,
     "WSKEEP_BACKEND_ADDRESS: found \":80\", allowed is \"host:port\", \"[v6]:port\" or "
     "\"unix:PATH\"; port 1 to 65535, PATH 1 to 107 bytes"},
};

static void bad_variable_is_refused_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct conf *c = conf_new();
        struct buf why = {0};
        int err = override_environment(c, ENV((char *)refused[i].variable), NULL, &why);
        buf_add(&why, "", 1);
        assert_string_equal((const char *)why.data, refused[i].want);
        assert_int_equal(err, refused[i].err);
        buf_fini(&why);
        conf_unref(c);
    }
}

/* ---- notes */

static void unknown_name_of_ours_is_noted_once_and_no_other(void **state)
{
    (void)state;
    static const char *const want[] = {
        "WSKEEP_SERVICE_HOST: there is no such setting; ignored",
        "WSKEEP_PORT: there is no such setting; ignored",
        "WSKEEP_LISTEN: there is no such setting; ignored",
        "WSKEEP_LISTEN_ADDRES: there is no such setting; ignored",
        "WSKEEP_LISTEN_ADDRESSES: there is no such setting; ignored",
        "WSKEEP_listen_address: there is no such setting; ignored",
        "WSKEEP_: there is no such setting; ignored",
        "WSKEEP_?[31m: there is no such setting; ignored",
    };
    struct strings notes = {0};
    struct conf *c = apply(
        ENV("WSKEEP_SERVICE_HOST=10.0.0.1", "WSKEEP_PORT=tcp://10.0.0.1:80", "WSKEEP_LISTEN=x",
            "WSKEEP_LISTEN_ADDRES=:1", "WSKEEP_LISTEN_ADDRESSES=:1", "WSKEEP_listen_address=:1",
            "WSKEEP_=1", "WSKEEP_\033[31m=1", "WSKEEP=build/wskeep", "HOME=/", "WEBSOCKET_X=1",
            "WSKEEP_FAULTS=seed=1", "WSKEEP_BENCH_ROWS=a", "XWSKEEP_A=1"),
        &notes);
    assert_int_equal(notes.n, COUNT(want));
    for (unsigned i = 0; i < notes.n; i++)
        assert_string_equal(notes.v[i], want[i]);
    strings_fini(&notes);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variable_of_every_setting_changes_it_and_no_other),
        cmocka_unit_test(kept_name_changes_its_setting_and_no_other),
        cmocka_unit_test(value_is_looked_up_by_the_whole_name),
        cmocka_unit_test(empty_variable_counts_as_not_set),
        cmocka_unit_test(name_of_ours_wins_over_the_kept_one),
        cmocka_unit_test(port_changes_the_port_alone),
        cmocka_unit_test(unix_path_stays_where_there_is_a_port_and_a_note_says_so),
        cmocka_unit_test(bad_variable_is_refused_by_its_name),
        cmocka_unit_test(unknown_name_of_ours_is_noted_once_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
