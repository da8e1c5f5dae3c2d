/* Loading from everything at once: which layer wins, and what is noted about ENVIRONMENT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/load.h"
#include "unit/config/folder.h"
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Every set of layers: the topmost of those that are there. */
static void layer_wins_over_all_below_it(void **state)
{
    (void)state;
    enum { FILE_ITSELF = 1, SECTION = 2, KEPT = 4, VARIABLE = 8, COMMAND = 16, ALL = 32 };
    const struct conf_override command = {"heartbeat.interval", "6", "--interval"};
    for (unsigned layers = 0; layers < ALL; layers++) {
        char text[200], *environment[4] = {"ENVIRONMENT=staging"};
        unsigned n = 1;
        /* the section stands first: what counts is not the order in the file */
        snprintf(text, sizeof(text),
                 "{\"environments\": {\"other\": {\"heartbeat\": {\"interval\": \"9s\"}}%s}%s}",
                 layers & SECTION ? ", \"staging\": {\"heartbeat\": {\"interval\": \"3s\"}}" : "",
                 layers & FILE_ITSELF ? ", \"heartbeat\": {\"interval\": \"2s\"}" : "");
        file_write(text);
        if (layers & VARIABLE)
            environment[n++] = "WSKEEP_HEARTBEAT_INTERVAL=5";
        if (layers & KEPT)
            environment[n++] = "WEBSOCKET_HEARTBEAT_INTERVAL=4";
        struct conf *c = NULL;
        struct buf why = {0};
        const struct conf_sources from = {"w.conf", environment, &command,
                                          layers & COMMAND ? 1 : 0};
        assert_int_equal(conf_load(&from, &c, NULL, &why), 0);
        uint64_t want = 25;
        for (unsigned i = 0; i < 5; i++)
            want = layers & 1u << i ? i + 2 : want;
        assert_int_equal(c->heartbeat.interval, want * 1000);
        conf_unref(c);
    }
}

static void section_changes_what_it_has_and_leaves_the_rest(void **state)
{
    (void)state;
    file_write("{\"listen\": {\"address\": \":1\", \"trusted\": [\"10.0.0.0/8\", \"::1\"]},\n"
               "\"log\": {\"format\": \"json\", \"level\": \"warn\"}, \"environments\": {\n"
               "\"v1.2 \xc3\xa9\": {\"log\": {\"level\": \"debug\"}, \"workers\": 3,\n"
               "\"listen\": {\"trusted\": [\"fd00::/8\"]}}, \"b\": {\"workers\": 4}}}");
    struct conf *c = NULL;
    struct buf why = {0};
    struct strings notes = {0};
    char *const environment[] = {"ENVIRONMENT=v1.2 \xc3\xa9", "PORT=2", NULL};
    const struct conf_sources from = {.file = "w.conf", .environment = environment};
    assert_int_equal(conf_load(&from, &c, &notes, &why), 0);
    assert_string_equal(c->listen.address.text, ":2");
    assert_int_equal(c->listen.trusted.n, 1);
    assert_string_equal(c->listen.trusted.v[0], "fd00::/8");
    assert_int_equal(c->log.format, 1);
    assert_int_equal(c->log.level, 0);
    assert_int_equal(c->workers, 3);
    assert_int_equal(notes.n, 0);
    conf_unref(c);
}

#define TWO "{\"environments\": {\"staging\": {\"workers\": 2}, \"production\": {\"workers\": 3}}}"
#define UNCHOSEN(found)                                                                            \
    "ENVIRONMENT: found " found ", allowed is staging or production (w.conf); none of them "       \
    "applies"

static const struct {
    const char *text;
    char *environment[3];
    const char *want, *why;
} noted[] = {
    {TWO, {"ENVIRONMENT=prod"}, UNCHOSEN("\"prod\""), "names no section"},
    {TWO, {"ENVIRONMENT=Staging"}, UNCHOSEN("\"Staging\""), "in other letters"},
    {TWO, {"ENVIRONMENT=a\nb", "K_SERVICE=chat"}, UNCHOSEN("\"a\\nb\""), "once on Cloud Run"},
    {TWO, {"K_SERVICE=chat"}, UNCHOSEN("nothing, on Cloud Run"), "forgotten on Cloud Run"},
    {TWO, {"K_SERVICE=chat", "ENVIRONMENT="}, UNCHOSEN("nothing, on Cloud Run"), "empty"},
    {TWO, {"ENVIRONMENT=staging", "K_SERVICE=chat"}, NULL, "chosen"},
    {TWO, {NULL}, NULL, "at home"},
    {TWO, {"K_SERVICE="}, NULL, "an empty K_SERVICE is none"},
    {"{}", {"ENVIRONMENT=prod", "K_SERVICE=chat"}, NULL, "a file without sections"},
    {"{\"environments\": {}}", {"ENVIRONMENT=prod", "K_SERVICE=chat"}, NULL, "no section in it"},
    {"{\"environments\": {\"a\\nb\": {}}}",
     {"ENVIRONMENT=c"},
     "ENVIRONMENT: found \"c\", allowed is a?b (w.conf); none of them applies",
     "one line whatever the file says"},
    {"{}", {"WSKEEP_PORT=tcp://10.0.0.1:80"}, "WSKEEP_PORT: there is no such setting; ignored", ""},
};

static void odd_environment_is_noted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(noted); i++) {
        struct conf *c = NULL;
        struct buf why = {0};
        struct strings notes = {0};
        const struct conf_sources from = {.file = "w.conf", .environment = noted[i].environment};
        file_write(noted[i].text);
        assert_int_equal(conf_load(&from, &c, &notes, &why), 0);
        if (notes.n != (noted[i].want ? 1 : 0))
            fail_msg("%u notes: %s", notes.n, noted[i].why);
        if (noted[i].want)
            assert_string_equal(notes.v[0], noted[i].want);
        strings_fini(&notes);
        conf_unref(c);
    }
}

static void bad_variable_is_refused_without_a_file(void **state)
{
    (void)state;
    struct conf *c = NULL;
    struct buf why = {0};
    struct strings notes = {0};
    char *const environment[] = {"WSKEEP_NONE=1", "WSKEEP_LOG_LEVEL=a\nb", NULL};
    const struct conf_sources from = {.environment = environment};
    assert_int_equal(conf_load(&from, &c, &notes, &why), ERR_SYNTAX);
    assert_null(c);
    buf_add(&why, "", 1);
    assert_string_equal((const char *)why.data, "WSKEEP_LOG_LEVEL: found \"a\\nb\", allowed is "
                                                "\"debug\", \"info\", \"warn\" or \"error\"");
    strings_fini(&notes);
    buf_fini(&why);
}

/* Settings that do not fit are told where the first of them was set, by the layer that counts. */
static const struct {
    const char *text;
    char *environment[3];
    struct conf_override last;
    const char *want; /* NULL: taken */
} misfits[] = {
    {"{\"reconnect\": {\n\"backoff_min\":\n\"6s\"}}",
     {NULL},
     {0},
     "w.conf:2: reconnect.backoff_min: found \"6s\" with reconnect.backoff_max \"5s\", allowed is "
     "no "
     "more than that"},
    {"{\"reconnect\": {\n\"backoff_max\": \"60ms\"}}",
     {NULL},
     {0},
     "w.conf:2: reconnect.backoff_max: found \"60ms\" with reconnect.backoff_min \"100ms\", "
     "allowed "
     "is no less than that"},
    {"{\"reconnect\": {\"backoff_min\": \"6s\"},\n\"environments\": {\"a\": {\"reconnect\": {\n"
     "\"backoff_max\": \"7s\"}}}}",
     {"ENVIRONMENT=a"},
     {0},
     NULL},
    {"{\"environments\": {\"b\": {\"reconnect\": {\"backoff_min\": \"6s\"}}}}",
     {"ENVIRONMENT=a"},
     {0},
     NULL},
    {"{\"reconnect\": {\"backoff_min\": \"1s\"},\n\"environments\": {\"a\": {\"reconnect\": {\n"
     "\"backoff_min\": \"7s\"}}}}",
     {"ENVIRONMENT=a"},
     {0},
     "w.conf:3: environments.a.reconnect.backoff_min: found \"7s\" with reconnect.backoff_max "
     "\"5s\", "
     "allowed is no more than that"},
    {"{\"reconnect\": {\"backoff_min\": \"6s\"}, \"environments\": {\"a\": {\"workers\": 1,\n"
     "\"reconnect\": {\"backoff_max\": \"50ms\"}}}}",
     {"ENVIRONMENT=a"},
     {0},
     "w.conf:1: reconnect.backoff_min: found \"6s\" with reconnect.backoff_max \"50ms\", allowed "
     "is no "
     "more than that"},
    {"{\"reconnect\": {\"backoff_min\": \"6s\"}}",
     {"WSKEEP_RECONNECT_BACKOFF_MIN=7"},
     {0},
     "WSKEEP_RECONNECT_BACKOFF_MIN: found \"7s\" with reconnect.backoff_max \"5s\", allowed is no "
     "more "
     "than that"},
    {"{}",
     {"WSKEEP_RECONNECT_BACKOFF_MIN=7"},
     {"reconnect.backoff_min", "8s", "--backoff"},
     "--backoff: found \"8s\" with reconnect.backoff_max \"5s\", allowed is no more than that"},
    {"{\"reconnect\": {\"backoff_min\": \"6s\"}}",
     {NULL},
     {"reconnect.backoff_min", "5s", "--backoff"},
     NULL},
    {"{\"answer\": {\"key\": \"of\",\n\"of\": {\"values\": [],\n\"field\": \"type\"}}}",
     {NULL},
     {0},
     "w.conf:3: answer.of.field: found \"type\" with answer.by.field \"\", allowed is to set both "
     "or "
     "neither"},
    {"{}",
     {"WSKEEP_ANSWER_BY_FIELD=type"},
     {0},
     "WSKEEP_ANSWER_BY_FIELD: found \"type\" with answer.of.field \"\", allowed is to set both or "
     "neither"},
    {"{\"answer\": {\"of\": {\"field\": \"type\"}}}", {"WSKEEP_ANSWER_BY_FIELD=type"}, {0}, NULL},
};

static void misfit_is_refused_where_it_was_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(misfits); i++) {
        struct conf *c = NULL;
        struct buf why = {0};
        const struct conf_sources from = {"w.conf", misfits[i].environment, &misfits[i].last,
                                          misfits[i].last.path ? 1 : 0};
        file_write(misfits[i].text);
        assert_int_equal(conf_load(&from, &c, NULL, &why), misfits[i].want ? ERR_RANGE : 0);
        assert_int_equal(c != NULL, misfits[i].want == NULL);
        buf_add(&why, "", 1);
        assert_string_equal((const char *)why.data, misfits[i].want ? misfits[i].want : "");
        conf_unref(c);
        buf_fini(&why);
    }
}

static void misfit_is_refused_without_a_file(void **state)
{
    (void)state;
    struct conf *c = NULL;
    struct buf why = {0};
    char *const environment[] = {"WSKEEP_RECONNECT_BACKOFF_MAX=50ms", NULL};
    const struct conf_sources from = {.environment = environment};
    assert_int_equal(conf_load(&from, &c, NULL, &why), ERR_RANGE);
    assert_null(c);
    buf_add(&why, "", 1);
    assert_string_equal((const char *)why.data,
                        "WSKEEP_RECONNECT_BACKOFF_MAX: found \"50ms\" with reconnect.backoff_min "
                        "\"100ms\", allowed is no less than that");
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_wins_over_all_below_it),
        cmocka_unit_test(section_changes_what_it_has_and_leaves_the_rest),
        cmocka_unit_test(odd_environment_is_noted),
        cmocka_unit_test(bad_variable_is_refused_without_a_file),
        cmocka_unit_test(misfit_is_refused_where_it_was_set),
        cmocka_unit_test(misfit_is_refused_without_a_file),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
