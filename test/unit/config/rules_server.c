/* What the server's command line says, against the path: each worker class, each flag at its
 * boundary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"

#define RUN "platform.backend_command="
#define UW  "-k uvicorn.workers.UvicornWorker "

static const struct row rows[] = {
    {"backend-known", "", RESULT_WARN, "nothing", "", "nobody said"},
    {"backend-known", RUN "daphne app", RESULT_WARN, "neither gunicorn nor uvicorn", "", "another"},
    {"backend-known", RUN "uvicorn app", RESULT_OK, NULL, NULL, "known"},
    {"backend-clear", "", NO_ROW, NULL, NULL, "no words"},
    {"backend-clear", RUN "gunicorn app", RESULT_OK, "all of them", NULL, "plain"},
    {"backend-clear", RUN "gunicorn -t $T app", RESULT_WARN, "--timeout $T", "", "a variable"},
    {"backend-clear", RUN "gunicorn -c a.py", RESULT_WARN, "--config a.py", "", "a file"},

    {"backend-timeout", "", NO_ROW, NULL, NULL, "nobody said"},
    {"backend-timeout", "platform.backend_timeout=10m", RESULT_OK, NULL, NULL, "as long"},
    {"backend-timeout", "platform.backend_timeout=599s", RESULT_FAIL, "599s and 10m (assumed)",
     "\"10m\"", "shorter"},

    {"worker-sync", RUN "gunicorn --timeout 120 app", RESULT_FAIL,
     "--worker-class sync (default) --timeout 120 and 10m (assumed)", "600", "the fault"},
    {"worker-sync", RUN "gunicorn app", RESULT_FAIL,
     "--worker-class sync (default) --timeout 30 (default) and 10m (assumed)", "600", "unsaid"},
    {"worker-sync", RUN "gunicorn -t 599 app", RESULT_FAIL, NULL, "600", "just short"},
    {"worker-sync", RUN "gunicorn -t 600 app", RESULT_OK, NULL, NULL, "as long"},
    {"worker-sync", RUN "gunicorn -t 0 app", RESULT_OK, NULL, NULL, "none"},
    {"worker-sync", RUN "gunicorn -t 99999999999999999999 app", NO_ROW, NULL, NULL, "no number"},
    {"worker-sync", RUN "gunicorn -t 18446744073709552 app", RESULT_OK, NULL, NULL,
     "more ms than can be counted"},
    {"worker-sync", RUN "gunicorn -t 2 app|platform.lb_timeout=1001ms", RESULT_OK, NULL, NULL,
     "longer than what is said"},
    {"worker-sync", RUN "gunicorn -t 1 app|platform.lb_timeout=1001ms", RESULT_FAIL, NULL, "2",
     "whole seconds, rounded up"},
    {"worker-sync", RUN "gunicorn -c conf.py -t 1", NO_ROW, NULL, NULL, "the file may have it"},
    {"worker-sync", RUN "gunicorn -k $K -t 1", NO_ROW, NULL, NULL, "a variable"},
    {"worker-sync", RUN "uvicorn app", NO_ROW, NULL, NULL, "uvicorn has no such limit"},
    {"worker-sync", RUN "gunicorn " UW "-t 120", NO_ROW, NULL, NULL, "another class"},
    {"worker-unknown", RUN "gunicorn -k a.Worker -t 120", RESULT_FAIL, NULL, "600", "anything"},
    {"worker-unknown", RUN "gunicorn -k a.Worker -t 600", RESULT_OK, NULL, NULL, "as long"},
    {"worker-gthread", RUN "gunicorn -k gthread -t 120", RESULT_WARN, NULL, "600", "measured"},
    {"worker-gthread", RUN "gunicorn --threads 2 -t 120", RESULT_WARN, NULL, "600",
     "sync with threads is gthread"},
    {"worker-green", RUN "gunicorn -k gevent -t 120", RESULT_WARN, NULL, "600", "a hub"},
    {"worker-uvicorn", RUN "gunicorn " UW "-t 120", RESULT_WARN,
     "--worker-class uvicorn.workers.UvicornWorker --timeout 120 and 10m (assumed)", "600",
     "true, and no fail"},
    {"worker-uvicorn", RUN "gunicorn " UW "-t 600", RESULT_OK, NULL, NULL, "as long"},

    {"worker-room", RUN "gunicorn app", RESULT_WARN,
     "--worker-class sync (default) --threads 1 (default)", "100", "one at a time"},
    {"worker-room", RUN "gunicorn --threads 2 app", RESULT_OK, NULL, NULL, "two"},
    {"worker-room", RUN "gunicorn -k gthread app", RESULT_WARN, NULL, "100", "one thread"},
    {"worker-room", RUN "gunicorn " UW, RESULT_OK, NULL, NULL, "a loop"},
    {"worker-room", RUN "gunicorn -k eventlet", RESULT_OK, NULL, NULL, "a hub"},
    {"worker-room", RUN "gunicorn -k a.Worker", NO_ROW, NULL, NULL, "not known"},

    {"gunicorn-restart", "", NO_ROW, NULL, NULL, "nobody said"},
    {"gunicorn-restart", RUN "uvicorn app", NO_ROW, NULL, NULL, "nobody restarts it"},
    {"gunicorn-restart", RUN "gunicorn app", RESULT_OK, "1m and --graceful-timeout 30 (default)",
     NULL, "both defaults"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 50 app", RESULT_OK, NULL, NULL,
     "just enough"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 51 app", RESULT_WARN,
     "1m and --graceful-timeout 51", "\"61s\"", "too long"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 0 app|reconnect.window=9999ms",
     RESULT_WARN, NULL, "\"10s\"", "the application starts as well"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 3590 app", RESULT_WARN, NULL, "\"1h\"",
     "the longest window"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 3591 app", RESULT_WARN, NULL, "",
     "no window is long enough"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout 18446744073709551615 app", RESULT_WARN,
     NULL, "", "more ms than can be counted"},
    {"gunicorn-restart", RUN "gunicorn app|reconnect.window=0", NO_ROW, NULL, NULL, "off"},
    {"gunicorn-restart", RUN "gunicorn --graceful-timeout $T app", NO_ROW, NULL, NULL,
     "a variable"},

    {"keep-alive", RUN "gunicorn " UW, RESULT_OK, "1s and --keep-alive 2 (default)", NULL, "1 < 2"},
    {"keep-alive", RUN "gunicorn " UW "|backend.keepalive_timeout=1999ms", RESULT_OK, NULL, NULL,
     "just shorter"},
    {"keep-alive", RUN "gunicorn " UW "|backend.keepalive_timeout=2s", RESULT_FAIL, NULL, "\"1s\"",
     "as long"},
    {"keep-alive", RUN "gunicorn app|backend.keepalive_timeout=2s", NO_ROW, NULL, NULL,
     "sync closes, and says so"},
    {"keep-alive", RUN "gunicorn -k gthread --keep-alive 0", NO_ROW, NULL, NULL, "so does this"},
    {"keep-alive", RUN "uvicorn app|backend.keepalive_timeout=4999ms", RESULT_OK, NULL, NULL,
     "uvicorn's 5s"},
    {"keep-alive", RUN "uvicorn app|backend.keepalive_timeout=5s", RESULT_FAIL,
     "5s and --timeout-keep-alive 5 (default)", "\"2500ms\"", "as long"},
    {"gunicorn-keep-alive", RUN "gunicorn " UW, NO_ROW, NULL, NULL, "it keeps"},
    {"gunicorn-keep-alive", RUN "gunicorn --keep-alive 0 " UW, RESULT_WARN, "--keep-alive 0", "2",
     "closes without a word"},
    {"gunicorn-keep-alive", RUN "uvicorn --timeout-keep-alive 0", NO_ROW, NULL, NULL, "not its"},
    {"uvicorn-keep-alive", RUN "uvicorn --timeout-keep-alive 0", RESULT_WARN, NULL, "2", "as well"},

    {"gunicorn-graceful", RUN "gunicorn --graceful-timeout 9", RESULT_OK,
     "--graceful-timeout 9 and 9s", NULL, "as long"},
    {"gunicorn-graceful", RUN "gunicorn --graceful-timeout 8", RESULT_WARN, NULL, "9", "shorter"},
    {"gunicorn-graceful", RUN "gunicorn --graceful-timeout 8|timeouts.drain=8001ms", RESULT_WARN,
     NULL, "9", "rounded up"},
    {"uvicorn-graceful", RUN "uvicorn app", NO_ROW, NULL, NULL, "none: it waits"},
    {"uvicorn-graceful", RUN "uvicorn --timeout-graceful-shutdown 8", RESULT_WARN, NULL, "9",
     "shorter"},
    {"uvicorn-graceful", RUN "uvicorn --timeout-graceful-shutdown 9", RESULT_OK, NULL, NULL,
     "as long"},

    {"gunicorn-recycling", RUN "gunicorn app", RESULT_OK, "--max-requests 0 (default)", NULL,
     "off"},
    {"gunicorn-recycling", RUN "gunicorn --max-requests 1", RESULT_WARN, "--max-requests 1", "0",
     "on"},
    {"uvicorn-recycling", RUN "uvicorn app", RESULT_OK, NULL, NULL, "off"},
    {"uvicorn-recycling", RUN "uvicorn --limit-max-requests 0", RESULT_WARN, NULL, "",
     "0 is a limit too"},
    {"uvicorn-recycling", RUN "gunicorn app", NO_ROW, NULL, NULL, "not its"},
};

static void rule_about_the_server_holds_up_to_its_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_judged(&rows[i], NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_about_the_server_holds_up_to_its_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
