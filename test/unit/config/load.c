/* Loading: what wins, and every message to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/load.h"
#include "unit/config/folder.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct conf *load(const char *file, const struct conf_override *overrides, unsigned n)
{
    struct conf *c = NULL;
    struct buf why = {0};
    if (conf_load(&(struct conf_sources){file, NULL, overrides, n}, &c, NULL, &why) != 0)
        fail_msg("%.*s", (int)why.len, (const char *)why.data);
    assert_int_equal(why.len, 0);
    buf_fini(&why);
    return c;
}

static void assert_refused(const char *file, const struct conf_override *overrides, unsigned n,
                           int want_err, const char *want)
{
    struct conf *c = NULL;
    struct buf why = {0};
    buf_adds(&why, "what an earlier call said");
    int err = conf_load(&(struct conf_sources){file, NULL, overrides, n}, &c, NULL, &why);
    buf_add(&why, "", 1);
    assert_null(c);
    assert_string_equal((const char *)why.data, want);
    assert_int_equal(err, want_err);
    buf_fini(&why);
}

static void without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    struct conf *c = load(NULL, NULL, 0);
    assert_string_equal(c->listen.address.text, "0.0.0.0:8080");
    assert_int_equal(c->heartbeat.interval, 25000);
    conf_unref(c);
}

static void file_wins_over_defaults_and_command_line_over_the_file(void **state)
{
    (void)state;
    const struct conf_override overrides[] = {
        {"listen.address", ":1", "--listen"},
        {"heartbeat.interval", "7", "WSKEEP_HEARTBEAT_INTERVAL"},
        {"listen.trusted", "10.0.0.0/8, ::1", "WSKEEP_LISTEN_TRUSTED"},
        {"listen.address", ":2", "--listen"},
    };
    file_write("{\"listen\": {\"address\": \":3\", \"trusted\": []},\n"
               " \"heartbeat\": {\"interval\": \"8s\", \"timeout\": \"9s\"}}");
    struct conf *c = load("w.conf", overrides, COUNT(overrides));
    assert_int_equal(c->listen.address.port, 2);
    assert_int_equal(c->heartbeat.interval, 7000);
    assert_int_equal(c->heartbeat.timeout, 9000);
    assert_int_equal(c->listen.trusted.n, 2);
    assert_string_equal(c->listen.trusted.v[1], "::1");
    assert_int_equal(c->timeouts.close, 10000);
    conf_unref(c);
}

static void file_may_hold_every_type_and_comments(void **state)
{
    (void)state;
    file_write("\xef\xbb\xbf// a conf file\n{ /* the\n clients */ \"listen\": {\n"
               "\"address\": \"unix:/run/a//b /*c*/\", // where\r\n"
               "\"trusted\": [ \"10.0.0.0/8\" , \"fd00::/8\" ], \"body_timeout\": 0 },\n"
               "\"backend\": {\"response_timeout\": \"0\", \"address\": \"\\u0061pp:80\"},\n"
               "\"heartbeat\": {\"client\": false},\n"
               "\"limits\": {\"connections\": 1e3, \"head\": \"4096B\"},\n"
               "\"buffer\": {}, \"log\": {\"level\": \"debug\", \"format\": \"json\"},\n"
               "\"admin\": {\"address\": \"\"}, \"workers\": \"auto\",\n"
               "\"reconnect\": {\"codes\": [4e3, 1012], \"notice\": \"{\\\"a\\\": 1}\",\n"
               "\"never\": [\"ticket\"], \"stateful\": [\"/a/\", \"b\"]},\n"
               "\"answer\": {\"of\": {\"field\": \"a\", \"values\": [\"b\", \"c, d\"]},\n"
               "\"by\": {\"field\": \"e\"}, \"key\": \"f\"} } /**/\n");
    struct conf *c = load("w.conf", NULL, 0);
    assert_string_equal(c->listen.address.host, "/run/a//b /*c*/");
    assert_int_equal(c->listen.trusted.n, 2);
    assert_int_equal(c->listen.body_timeout, 0);
    assert_string_equal(c->backend.address.host, "app");
    assert_false(c->heartbeat.client);
    assert_true(c->heartbeat.backend);
    assert_int_equal(c->limits.connections, 1000);
    assert_int_equal(c->limits.head, 4096);
    assert_int_equal(c->log.level, 0);
    assert_int_equal(c->log.format, 1);
    assert_string_equal(c->admin.address.text, "");
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->reconnect.codes.n, 2);
    assert_string_equal(c->reconnect.codes.v[0], "4000");
    assert_string_equal(c->reconnect.notice, "{\"a\": 1}");
    assert_string_equal(c->reconnect.never.v[0], "ticket");
    assert_string_equal(c->reconnect.stateful.v[1], "b");
    assert_string_equal(c->answer.of.values.v[1], "c, d");
    assert_string_equal(c->answer.by.field, "e");
    assert_string_equal(c->answer.key, "f");
    conf_unref(c);
}

#define INTERVAL "a duration of 50ms to 1h, such as \"25s\""
#define BODY     "\"0\" (off) or a duration of 50ms to 24h"
#define SESSION  "a size of 256KiB to 1GiB, such as \"1MiB\""
#define NETWORKS                                                                                   \
    "a list of networks, such as [\"10.0.0.0/8\", \"fd00::/8\"], or [\"*\"] for every peer"
#define DIAL "\"host:port\", \"[v6]:port\" or \"unix:PATH\"; port 1 to 65535, PATH 1 to 107 bytes"
#define BIND                                                                                       \
    "\"host:port\", \"[v6]:port\", \":port\" (every host) or \"unix:PATH\"; port 0 to 65535, "     \
    "PATH 1 to 107 bytes"
#define ORIGINS                                                                                    \
    "a list of origins as browsers send them (scheme, host, port, in lower case, without a "       \
    "path), such as [\"https://app.example.com\", \"https://*.example.com\", "                     \
    "\"http://localhost:3000\"], or [] for any"
#define GROUPS                                                                                     \
    "listen, backend, heartbeat, timeouts, reconnect, answer, buffer, readiness, probe, "          \
    "platform, "                                                                                   \
    "limits, admin, log, origins or workers"
#define TOP   GROUPS ", or environments"
#define CODES "codes of 1000 to 4999, in a list such as [4000, 4010]"
#define BEATS "interval, timeout, backend_timeout, client or backend"
#define DOT   "an object within an object, as {\"listen\": {\"address\": \":8080\"}}"

static const struct {
    const char *text;
    int err;
    const char *want;
} refused[] = {
    /* unknown names */
    {"{\n\"heartbeat\": {\n\"intervall\": \"25s\"}}", ERR_UNKNOWN,
     "w.conf:3: heartbeat.intervall: found an unknown name, allowed is " BEATS
     "; did you mean heartbeat.interval?"},
    {"{\"heartbeat\": {\"colour\": 1}}", ERR_UNKNOWN,
     "w.conf:1: heartbeat.colour: found an unknown name, allowed is " BEATS},
    {"{\n\n\"hartbeat\": {\"interval\": \"25s\"}}", ERR_UNKNOWN,
     "w.conf:3: hartbeat: found an unknown name, allowed is " TOP "; did you mean heartbeat?"},
    {"{\"Listen\": {}}", ERR_UNKNOWN,
     "w.conf:1: Listen: found an unknown name, allowed is " TOP "; did you mean listen?"},
    {"{\"heartbeat_interval\": \"25s\"}", ERR_UNKNOWN,
     "w.conf:1: heartbeat_interval: found an unknown name, allowed is " TOP
     "; did you mean heartbeat.interval?"},
    {"{\"heartbeat\": {\"heartbeat\": {}}}", ERR_UNKNOWN,
     "w.conf:1: heartbeat.heartbeat: found an unknown name, allowed is " BEATS},
    {"{\"log\": {\"\": 1}}", ERR_UNKNOWN,
     "w.conf:1: log.: found an unknown name, allowed is format, level or project"},
    {"{\"\": 1}", ERR_UNKNOWN, "w.conf:1: : found an unknown name, allowed is " TOP},
    {"{\"a\\n\\u001b[31m\": 1}", ERR_UNKNOWN,
     "w.conf:1: a??[31m: found an unknown name, allowed is " TOP},
    {"{\"listen.address\": \":1\"}", ERR_SYNTAX,
     "w.conf:1: listen.address: found a name with a dot, allowed is " DOT},
    {"{\"a.b\": 1}", ERR_SYNTAX, "w.conf:1: a.b: found a name with a dot, allowed is " DOT},

    /* doubled names */
    {"{\"log\": {\"level\": \"info\",\n\"format\": \"text\",\n\"level\": \"info\"}}", ERR_SYNTAX,
     "w.conf:3: log.level: found a second time, allowed is once"},
    {"{\"log\": {},\n\"log\": {}}", ERR_SYNTAX,
     "w.conf:2: log: found a second time, allowed is once"},
    {"{\"workers\": 1,\n\"\\u0077orkers\": 2}", ERR_SYNTAX,
     "w.conf:2: workers: found a second time, allowed is once"},

    /* groups and values in each other's place */
    {"{\"listen\":\n\":8080\"}", ERR_SYNTAX,
     "w.conf:1: listen: found \":8080\", allowed is an object with address, keepalive_timeout, "
     "header_timeout, "
     "body_timeout, trusted or health"},
    {"{\"log\": null}", ERR_SYNTAX,
     "w.conf:1: log: found null, allowed is an object with format, level or project"},
    {"{\"log\": [{}]}", ERR_SYNTAX,
     "w.conf:1: log: found a list, allowed is an object with format, level or project"},
    {"{\"heartbeat\": {\"interval\": {\"s\": 25}}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.interval: found an object, allowed is " INTERVAL},
    {"{\"workers\": {}}", ERR_SYNTAX,
     "w.conf:1: workers: found an object, allowed is \"auto\" or a whole number of 1 to 256"},

    /* durations */
    {"{\n\n\n\n\n\n\n\n\n\n\"heartbeat\": {\n\"interval\": \"25 parsecs\"}}", ERR_SYNTAX,
     "w.conf:12: heartbeat.interval: found \"25 parsecs\", allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": 25}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.interval: found 25, allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": \"25\"}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.interval: found \"25\", allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": 0}}", ERR_RANGE,
     "w.conf:1: heartbeat.interval: found 0, allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": \"10ms\"}}", ERR_RANGE,
     "w.conf:1: heartbeat.interval: found \"10ms\", allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": \"2h\"}}", ERR_RANGE,
     "w.conf:1: heartbeat.interval: found \"2h\", allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": [\"25s\"]}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.interval: found a list, allowed is " INTERVAL},
    {"{\"heartbeat\": {\"interval\": null}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.interval: found null, allowed is " INTERVAL},
    {"{\"listen\": {\"body_timeout\": false}}", ERR_SYNTAX,
     "w.conf:1: listen.body_timeout: found false, allowed is " BODY},
    {"{\"listen\": {\"body_timeout\": 0.5}}", ERR_SYNTAX,
     "w.conf:1: listen.body_timeout: found 0.5, allowed is " BODY},
    {"{\"listen\": {\"body_timeout\": \"64KiB\"}}", ERR_SYNTAX,
     "w.conf:1: listen.body_timeout: found \"64KiB\", allowed is " BODY},

    /* a list of numbers, and no other */
    {"{\"reconnect\": {\"codes\": [\n4000,\n\"4001\"]}}", ERR_SYNTAX,
     "w.conf:3: reconnect.codes: found \"4001\", allowed is " CODES},
    {"{\"reconnect\": {\"codes\": [4000,\n999]}}", ERR_RANGE,
     "w.conf:2: reconnect.codes: found 999, allowed is " CODES},
    {"{\"reconnect\": {\"codes\": [4000.5]}}", ERR_SYNTAX,
     "w.conf:1: reconnect.codes: found 4000.5, allowed is " CODES},
    {"{\"reconnect\": {\"codes\": [true]}}", ERR_SYNTAX,
     "w.conf:1: reconnect.codes: found true, allowed is " CODES},
    {"{\"reconnect\": {\"codes\": 4000}}", ERR_SYNTAX,
     "w.conf:1: reconnect.codes: found 4000, allowed is " CODES},
    {"{\"reconnect\": {\"never\": [\"a\",\n1]}}", ERR_SYNTAX,
     "w.conf:2: reconnect.never: found 1, allowed is a list of texts in one line each, none of "
     "them empty, such as [\"one\", \"two\"]"},
    {"{\"reconnect\": {\"notice\": \"{\\\"a\\\": 1,}\"}}", ERR_SYNTAX,
     "w.conf:1: reconnect.notice: found \"{\\\"a\\\": 1,}\", allowed is \"\" (none) or a JSON text "
     "in one line, such as \"{\\\"type\\\": \\\"reconnected\\\"}\""},
    {"{\"reconnect\": {\"notice\": {}}}", ERR_SYNTAX,
     "w.conf:1: reconnect.notice: found an object, allowed is \"\" (none) or a JSON text in one "
     "line, such as \"{\\\"type\\\": \\\"reconnected\\\"}\""},

    /* groups in a group */
    {"{\"answer\": {\"of\":\n\"type\"}}", ERR_SYNTAX,
     "w.conf:1: answer.of: found \"type\", allowed is an object with field or values"},
    {"{\"answer\": {\"of\": {\n\"fields\": \"type\"}}}", ERR_UNKNOWN,
     "w.conf:2: answer.of.fields: found an unknown name, allowed is field or values; did you mean "
     "answer.of.field?"},
    {"{\"answer\": 1}", ERR_SYNTAX,
     "w.conf:1: answer: found 1, allowed is an object with key, attempts, bytes, of or by"},

    /* sizes */
    {"{\"buffer\": {\"session\": 1048576}}", ERR_SYNTAX,
     "w.conf:1: buffer.session: found 1048576, allowed is " SESSION},
    {"{\"buffer\": {\"session\": \"1MB\"}}", ERR_SYNTAX,
     "w.conf:1: buffer.session: found \"1MB\", allowed is " SESSION},
    {"{\"buffer\": {\"session\": \"64KiB\"}}", ERR_RANGE,
     "w.conf:1: buffer.session: found \"64KiB\", allowed is " SESSION},

    /* counts, booleans, words */
    {"{\"limits\": {\"connections\": \"100\"}}", ERR_SYNTAX,
     "w.conf:1: limits.connections: found \"100\", allowed is a whole number of 1 to 1048576"},
    {"{\"limits\": {\"connections\": 1.5}}", ERR_SYNTAX,
     "w.conf:1: limits.connections: found 1.5, allowed is a whole number of 1 to 1048576"},
    {"{\"limits\": {\"connections\": -1}}", ERR_SYNTAX,
     "w.conf:1: limits.connections: found -1, allowed is a whole number of 1 to 1048576"},
    {"{\"limits\": {\"connections\": 1e99}}", ERR_SYNTAX,
     "w.conf:1: limits.connections: found 1e+99, allowed is a whole number of 1 to 1048576"},
    {"{\"workers\": 0}", ERR_RANGE,
     "w.conf:1: workers: found 0, allowed is \"auto\" or a whole number of 1 to 256"},
    {"{\"workers\": \"4\"}", ERR_SYNTAX,
     "w.conf:1: workers: found \"4\", allowed is \"auto\" or a whole number of 1 to 256"},
    {"{\"heartbeat\": {\"client\": \"true\"}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.client: found \"true\", allowed is true or false"},
    {"{\"heartbeat\": {\"client\": 1}}", ERR_SYNTAX,
     "w.conf:1: heartbeat.client: found 1, allowed is true or false"},
    {"{\"log\": {\"level\": \"verbose\"}}", ERR_SYNTAX,
     "w.conf:1: log.level: found \"verbose\", allowed is \"debug\", \"info\", \"warn\" or "
     "\"error\""},
    {"{\"log\": {\"format\": true}}", ERR_SYNTAX,
     "w.conf:1: log.format: found true, allowed is \"text\" or \"json\""},

    /* addresses and lists */
    {"{\"backend\": {\"address\": \"localhost\"}}", ERR_SYNTAX,
     "w.conf:1: backend.address: found \"localhost\", allowed is " DIAL},
    {"{\"backend\": {\"address\": \":8000\"}}", ERR_RANGE,
     "w.conf:1: backend.address: found \":8000\", allowed is " DIAL},
    {"{\"listen\": {\"address\": 8080}}", ERR_SYNTAX,
     "w.conf:1: listen.address: found 8080, allowed is " BIND},
    {"{\"listen\": {\"address\": \":65536\"}}", ERR_RANGE,
     "w.conf:1: listen.address: found \":65536\", allowed is " BIND},
    {"{\"listen\": {\"address\": \"\"}}", ERR_SYNTAX,
     "w.conf:1: listen.address: found \"\", allowed is " BIND},
    {"{\"listen\": {\"address\": \"unix:/a\\tb\"}}", ERR_SYNTAX,
     "w.conf:1: listen.address: found \"unix:/a\\tb\", allowed is " BIND},
    {"{\"admin\": {\"address\": null}}", ERR_SYNTAX,
     "w.conf:1: admin.address: found null, allowed is \"\" (off), " BIND},
    {"{\"listen\": {\"trusted\": \"*\"}}", ERR_SYNTAX,
     "w.conf:1: listen.trusted: found \"*\", allowed is " NETWORKS},
    {"{\"listen\": {\"trusted\": [\n\"10.0.0.0/8\",\n\"10.0.0.0/33\"]}}", ERR_SYNTAX,
     "w.conf:3: listen.trusted: found \"10.0.0.0/33\", allowed is " NETWORKS},
    {"{\"listen\": {\"trusted\": [\n[\"10.0.0.0/8\"]]}}", ERR_SYNTAX,
     "w.conf:2: listen.trusted: found a list, allowed is " NETWORKS},
    {"{\"listen\": {\"trusted\": [\"10.0.0.0/8,::1\"]}}", ERR_SYNTAX,
     "w.conf:1: listen.trusted: found \"10.0.0.0/8,::1\", allowed is " NETWORKS},
    {"{\"origins\": \"https://a\"}", ERR_SYNTAX,
     "w.conf:1: origins: found \"https://a\", allowed is " ORIGINS},
    {"{\"origins\": [\n\"https://a\",\n\"https://b/\"]}", ERR_SYNTAX,
     "w.conf:3: origins: found \"https://b/\", allowed is " ORIGINS},
    {"{\"origins\": [\"*\"]}", ERR_SYNTAX, "w.conf:1: origins: found \"*\", allowed is " ORIGINS},

    /* environments: the same, in every one of them */
    {"{\"environments\": [{}]}", ERR_SYNTAX,
     "w.conf:1: environments: found a list, allowed is an object with an object for each "
     "environment"},
    {"{\"environments\": {},\n\"environments\": {}}", ERR_SYNTAX,
     "w.conf:2: environments: found a second time, allowed is once"},
    {"{\"environments\": {\n\"a\": {},\n\"a\": {}}}", ERR_SYNTAX,
     "w.conf:3: environments.a: found a second time, allowed is once"},
    {"{\"environments\": {\n\"\": {}}}", ERR_SYNTAX,
     "w.conf:2: environments.: found an empty name, allowed is a name that ENVIRONMENT can have"},
    {"{\"environments\": {\"a\":\n\"b\"}}", ERR_SYNTAX,
     "w.conf:1: environments.a: found \"b\", allowed is an object with " GROUPS},
    {"{\"environments\": {\n\"a\": {}, \"b\": {\n\"hartbeat\": {}}}}", ERR_UNKNOWN,
     "w.conf:3: environments.b.hartbeat: found an unknown name, allowed is " GROUPS
     "; did you mean heartbeat?"},
    {"{\"environments\": {\"a\": {\"heartbeat\": {\n\"intervall\": \"25s\"}}}}", ERR_UNKNOWN,
     "w.conf:2: environments.a.heartbeat.intervall: found an unknown name, allowed is " BEATS
     "; did you mean heartbeat.interval?"},
    {"{\"environments\": {\"a\": {\"heartbeat\": {\"interval\": 25}}}}", ERR_SYNTAX,
     "w.conf:1: environments.a.heartbeat.interval: found 25, allowed is " INTERVAL},
    {"{\"environments\": {\"a\": {\"heartbeat\":\n{\"interval\": \"2h\"}}}}", ERR_RANGE,
     "w.conf:2: environments.a.heartbeat.interval: found \"2h\", allowed is " INTERVAL},
    {"{\"environments\": {\"a\": {\"log\": 1}}}", ERR_SYNTAX,
     "w.conf:1: environments.a.log: found 1, allowed is an object with format, level or project"},
    {"{\"environments\": {\"a\": {\"log\": {},\n\"log\": {}}}}", ERR_SYNTAX,
     "w.conf:2: environments.a.log: found a second time, allowed is once"},
    {"{\"environments\": {\"a\": {\"log.level\": 1}}}", ERR_SYNTAX,
     "w.conf:1: environments.a.log.level: found a name with a dot, allowed is " DOT},
    {"{\"environments\": {\"a\": {\n\"environments\": {}}}}", ERR_UNKNOWN,
     "w.conf:2: environments.a.environments: found an unknown name, allowed is " GROUPS},
    {"{\"environments\": {\"a\": {}},\n\"workers\": -1}", ERR_SYNTAX,
     "w.conf:2: workers: found -1, allowed is \"auto\" or a whole number of 1 to 256"},
    {"{\"log\": {\n\"environments\": {}}}", ERR_UNKNOWN,
     "w.conf:2: log.environments: found an unknown name, allowed is format, level or project"},

    /* the file itself; the rest is document's to test */
    {"{\n\"log\": {}\n},\n", ERR_SYNTAX,
     "w.conf:3: found \",\", allowed is nothing behind the object"},
};

static void bad_file_is_refused_with_line_name_found_and_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        file_write(refused[i].text);
        assert_refused("w.conf", NULL, 0, refused[i].err, refused[i].want);
    }
}

static const struct {
    struct conf_override override;
    int err;
    const char *want;
} bad_overrides[] = {
    {{"listen.address", "8080", "--listen"},
     ERR_SYNTAX,
     "--listen: found \"8080\", allowed is " BIND},
    {{"listen.address", ":65536", "--listen"},
     ERR_RANGE,
     "--listen: found \":65536\", allowed is " BIND},
    {{"backend.address", "", "--backend"}, ERR_SYNTAX, "--backend: found \"\", allowed is " DIAL},
    {{"backend.address", "a\n\"b\":\xff", "--backend"},
     ERR_SYNTAX,
     "--backend: found \"a\\n\\\"b\\\":\xef\xbf\xbd\", allowed is " DIAL},
    {{"heartbeat.interval", "25 parsecs", "X"},
     ERR_SYNTAX,
     "X: found \"25 parsecs\", allowed is " INTERVAL},
    {{"heartbeat.interval", "0", "X"}, ERR_RANGE, "X: found \"0\", allowed is " INTERVAL},
    {{"listen.trusted", "10.0.0.0/8,x", "X"},
     ERR_SYNTAX,
     "X: found \"10.0.0.0/8,x\", allowed is " NETWORKS},
    {{"origins", "https://a,b", "X"}, ERR_SYNTAX, "X: found \"https://a,b\", allowed is " ORIGINS},
};

static void bad_override_is_refused_with_its_origin(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_overrides); i++)
        assert_refused(NULL, &bad_overrides[i].override, 1, bad_overrides[i].err,
                       bad_overrides[i].want);
}

static void first_mistake_is_the_one_that_is_told(void **state)
{
    (void)state;
    const struct conf_override two[] = {{"listen.address", "8080", "--listen"},
                                        {"backend.address", "8000", "--backend"}};
    assert_refused(NULL, two, COUNT(two), ERR_SYNTAX, "--listen: found \"8080\", allowed is " BIND);
    file_write("{\"workers\": 0, \"log\": 1}");
    assert_refused("w.conf", two, COUNT(two), ERR_RANGE,
                   "w.conf:1: workers: found 0, allowed is \"auto\" or a whole number of 1 to 256");
}

static void value_is_shown_up_to_120_bytes(void **state)
{
    (void)state;
    char text[400] = "";
    memset(text, 'x', sizeof(text) - 1);
    struct conf *c = NULL;
    struct buf why = {0};
    const struct conf_override o = {"listen.address", text, "--listen"};
    assert_int_equal(conf_load(&(struct conf_sources){.overrides = &o, .n = 1}, &c, NULL, &why),
                     ERR_SYNTAX);
    assert_non_null(memmem(why.data, why.len, "xxx\xe2\x80\xa6\", allowed", 15));
    assert_true(why.len < 300);
    buf_fini(&why);
}

static void file_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_refused("none.conf", NULL, 0, -ENOENT,
                   "none.conf: cannot be read: no such file or directory");
    assert_refused("a\nb", NULL, 0, -ENOENT, "a?b: cannot be read: no such file or directory");
}

/* Cut anywhere, the file is refused in one line. */
static void file_cut_short_is_refused(void **state)
{
    (void)state;
    const char *text =
        "{ // a\n\"listen\": {\"address\": \":1\", \"trusted\": [\"*\", \"::/0\"]},\n"
        "/* b */ \"heartbeat\": {\"client\": true}, \"workers\": 2}";
    for (size_t n = 0; n < strlen(text); n++) {
        char cut[200];
        struct conf *c = NULL;
        struct buf why = {0};
        snprintf(cut, sizeof(cut), "%.*s", (int)n, text);
        file_write(cut);
        assert_int_equal(conf_load(&(struct conf_sources){.file = "w.conf"}, &c, NULL, &why),
                         ERR_SYNTAX);
        assert_memory_equal(why.data, "w.conf:", 7);
        assert_null(memchr(why.data, '\n', why.len));
        buf_fini(&why);
    }
    file_write(text);
    conf_unref(load("w.conf", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_defaults_hold),
        cmocka_unit_test(file_wins_over_defaults_and_command_line_over_the_file),
        cmocka_unit_test(file_may_hold_every_type_and_comments),
        cmocka_unit_test(bad_file_is_refused_with_line_name_found_and_allowed),
        cmocka_unit_test(bad_override_is_refused_with_its_origin),
        cmocka_unit_test(first_mistake_is_the_one_that_is_told),
        cmocka_unit_test(value_is_shown_up_to_120_bytes),
        cmocka_unit_test(file_that_is_not_there_is_named),
        cmocka_unit_test(file_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
