/* wskeep's own times, each at the boundary of its rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"

static const struct row rows[] = {
    {"heartbeat-client", "", RESULT_OK, "true", NULL, "the default"},
    {"heartbeat-client", "heartbeat.client=false", RESULT_FAIL, "false", "true", "silence is cut"},
    {"heartbeat-backend", "heartbeat.backend=false", RESULT_WARN, "false", "true", "it is near"},

    {"heartbeat-timeout", "heartbeat.interval=25s|heartbeat.timeout=50001ms", RESULT_OK,
     "2 x 25s and 50001ms", NULL, "just enough"},
    {"heartbeat-timeout", "heartbeat.interval=25s|heartbeat.timeout=50s", RESULT_FAIL,
     "2 x 25s and 50s", "\"75s\"", "not more than twice"},
    {"heartbeat-timeout", "heartbeat.timeout=1s|heartbeat.client=false", NO_ROW, NULL, NULL,
     "nobody is pinged"},
    {"heartbeat-backend-timeout", "", NO_ROW, NULL, NULL, "off"},
    {"heartbeat-backend-timeout", "heartbeat.backend_timeout=50s", RESULT_FAIL, "2 x 25s and 50s",
     "\"75s\"", "not more than twice"},
    {"heartbeat-backend-timeout", "heartbeat.backend_timeout=50s|heartbeat.backend=false", NO_ROW,
     NULL, NULL, "it is not pinged"},

    {"heartbeat-idle", "heartbeat.interval=599999ms", RESULT_OK,
     "599999ms and 10m (assumed) of the balancer", NULL, "just in time"},
    {"heartbeat-idle", "heartbeat.interval=10m", RESULT_FAIL,
     "10m and 10m (assumed) of the balancer", "\"25s\"", "as long as"},
    {"heartbeat-idle", "platform.lb_timeout=30s|heartbeat.interval=30s", RESULT_FAIL,
     "30s and 30s of the balancer", "\"15s\"", "a balancer that is said to be quick"},
    {"heartbeat-idle", "platform.backend_timeout=20s", RESULT_FAIL,
     "25s and 20s (platform.backend_timeout)", "\"10s\"", "the server's is the shortest"},
    {"heartbeat-idle", "platform.backend_timeout=20s|heartbeat.interval=19999ms", RESULT_OK, NULL,
     NULL, "just in time for it"},
    {"heartbeat-idle", "timeouts.connection=20s", RESULT_FAIL, "25s and 20s (timeouts.connection)",
     "\"10s\"", "wskeep's own is the shortest"},
    {"heartbeat-idle", "timeouts.connection=60ms", RESULT_FAIL, NULL, "\"50ms\"",
     "no advice below what is allowed"},
    {"heartbeat-idle", "timeouts.connection=0", RESULT_OK, NULL, NULL, "off is no timeout"},

    {"connection-least", "timeouts.connection=10m", RESULT_OK, "10m", NULL, "the least"},
    {"connection-least", "timeouts.connection=599999ms", RESULT_FAIL, "599999ms", "\"15m\"",
     "below it"},
    {"connection-least", "timeouts.connection=0", RESULT_OK, "off", NULL, "off cuts nothing"},
    {"connection-most", "timeouts.connection=15m", RESULT_OK, "15m", NULL, "the most"},
    {"connection-most", "timeouts.connection=900001ms", RESULT_WARN, "900001ms", "\"15m\"",
     "past it"},
    {"connection-most", "timeouts.connection=0", RESULT_WARN, "off", "\"15m\"", "for ever"},
    {"connection-most", "timeouts.connection=5m", RESULT_OK, NULL, NULL, "the other rule's"},

    {"listen-keepalive", "listen.keepalive_timeout=600001ms", RESULT_OK,
     "600001ms and 10m (assumed)", NULL, "just longer"},
    {"listen-keepalive", "listen.keepalive_timeout=10m", RESULT_FAIL, "10m and 10m (assumed)",
     "\"620s\"", "as long as"},
    {"listen-keepalive", "platform.lb_timeout=12h", RESULT_FAIL, "620s and 12h", "\"43220s\"",
     "the longest that can be said"},

    {"request-balancer", "", NO_ROW, NULL, NULL, "nobody said"},
    {"request-balancer", "platform.request_timeout=599999ms", RESULT_FAIL,
     "599999ms and 10m (assumed)", "3600", "said, and short"},
    {"request-balancer", "platform.request_timeout=10m", RESULT_OK, "10m and 10m (assumed)", NULL,
     "just as long"},
    {"request-longest", "", RESULT_WARN, "5m (assumed)", "3600", "what Cloud Run has if not told"},
    {"request-longest", "platform.request_timeout=5m", NO_ROW, NULL, NULL, "said once already"},
    {"request-longest", "platform.request_timeout=10m", RESULT_WARN, "10m", "3600", "not the most"},
    {"request-longest", "platform.request_timeout=3599s", RESULT_WARN, NULL, "3600", "nearly"},
    {"request-longest", "platform.request_timeout=1h", RESULT_OK, "1h", NULL, "the most"},

    {"drain", "timeouts.drain=9999ms", RESULT_OK, "9999ms", NULL, "just in time"},
    {"drain", "timeouts.drain=10s", RESULT_FAIL, "10s", "\"9s\"", "with the SIGKILL"},
    {"lameduck", "", NO_ROW, NULL, NULL, "off"},
    {"lameduck", "timeouts.lameduck=8999ms", RESULT_OK, "8999ms and 9s", NULL, "a bit is left"},
    {"lameduck", "timeouts.lameduck=9s", RESULT_FAIL, "9s and 9s", "\"4500ms\"", "nothing is"},

    {"probe-period", "probe.period=1s", NO_ROW, NULL, NULL, "none is made"},
    {"probe-period", "probe.path=/ws", RESULT_OK, "30s and 30s", NULL, "just as long"},
    {"probe-period", "probe.path=/ws|probe.period=29999ms", RESULT_WARN, "29999ms and 30s",
     "\"30s\"", "just shorter"},

    {"admin", "", RESULT_OK, "127.0.0.1:9901", NULL, "the default"},
    {"admin", "admin.address=", RESULT_OK, "off", NULL, "none"},
    {"admin", "admin.address=unix:/run/0.0.0.0", RESULT_OK, NULL, NULL, "a path"},
    {"admin", "admin.address=10.0.0.1:1", RESULT_OK, NULL, NULL, "one network"},
    {"admin", "admin.address=:9", RESULT_WARN, ":9", "\"127.0.0.1:9\"", "every host, unsaid"},
    {"admin", "admin.address=0.0.0.0:9", RESULT_WARN, NULL, "\"127.0.0.1:9\"", "every IPv4 host"},
    {"admin", "admin.address=[::]:9", RESULT_WARN, NULL, "\"127.0.0.1:9\"", "every IPv6 host"},
};

static void rule_about_a_time_of_its_own_holds_up_to_its_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_judged(&rows[i], NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_about_a_time_of_its_own_holds_up_to_its_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
