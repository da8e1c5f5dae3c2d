/* The rules about a server that is lost or not there yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/config/judged.h"

#define ANSWER "answer.of.field=type|answer.by.field=type|"

static const struct row rows[] = {
    {"reconnect-proof", "", RESULT_OK, "true", NULL, "the default"},
    {"reconnect-proof", "heartbeat.backend=false", RESULT_WARN, "false", "true", "no pongs"},
    {"reconnect-proof", "heartbeat.backend=false|reconnect.window=0", NO_ROW, NULL, NULL, "off"},

    {"reconnect-preamble", "", NO_ROW, NULL, NULL, "another state"},
    {"reconnect-preamble", "reconnect.state=preamble", RESULT_WARN, "0", "1", "of nothing"},
    {"reconnect-preamble", "reconnect.state=preamble|reconnect.preamble=1", RESULT_OK, "1", NULL,
     "the least"},
    {"reconnect-preamble", "reconnect.state=preamble|reconnect.window=0", NO_ROW, NULL, NULL,
     "off"},

    {"answer-reconnect", "reconnect.window=0", NO_ROW, NULL, NULL, "nothing is asked"},
    {"answer-reconnect", ANSWER, RESULT_OK, "1m", NULL, "the default"},
    {"answer-reconnect", ANSWER "reconnect.window=0", RESULT_WARN, "off", "\"1m\"",
     "no new connection"},

    {"answer-values", "", NO_ROW, NULL, NULL, "nothing is asked"},
    {"answer-values", ANSWER "answer.of.values=a,b|answer.by.values=c", RESULT_OK,
     "[\"a\", \"b\"] and [\"c\"]", NULL, "both"},
    {"answer-values", ANSWER "answer.of.values=a", RESULT_FAIL, "[\"a\"] and []", "",
     "never answered"},
    {"answer-values", ANSWER "answer.by.values=a", RESULT_FAIL, "[] and [\"a\"]", "",
     "never asked"},

    {"buffer-total", "", RESULT_OK, "256MiB and 2 x 1MiB", NULL, "the default"},
    {"buffer-total", "buffer.total=2MiB", RESULT_OK, NULL, NULL, "just enough"},
    {"buffer-total", "buffer.total=2097151B", RESULT_WARN, "2097151B and 2 x 1MiB", "\"2MiB\"",
     "just short"},
    {"buffer-total", "buffer.session=1GiB", RESULT_WARN, NULL, "\"2GiB\"", "the longest"},

    {"readiness-wait", "", RESULT_OK, "30s and 5m (assumed)", NULL, "Cloud Run's, unless set"},
    {"readiness-wait", "readiness.wait=299999ms", RESULT_OK, NULL, NULL, "just shorter"},
    {"readiness-wait", "readiness.wait=5m", RESULT_WARN, "5m and 5m (assumed)", "\"30s\"",
     "as long"},
    {"readiness-wait", "readiness.wait=5m|platform.request_timeout=1h", RESULT_OK,
     "5m and 10m (assumed)", NULL, "the balancer is first"},
    {"readiness-wait", "readiness.wait=10m|platform.request_timeout=1h", RESULT_WARN,
     "10m and 10m (assumed)", "\"30s\"", "it is as fast"},
    {"readiness-wait", "platform.lb_timeout=30s", RESULT_WARN, "30s and 30s", "\"15s\"",
     "one that is said to be quick"},
    {"readiness-wait", "platform.request_timeout=1s", RESULT_WARN, "30s and 1s", "\"500ms\"",
     "the quickest that can be said"},
};

static void rule_about_what_is_lost_holds_up_to_its_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_judged(&rows[i], NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_about_what_is_lost_holds_up_to_its_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
