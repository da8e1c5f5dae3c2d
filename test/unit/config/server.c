/* The command lines of gunicorn and uvicorn: programs, flags in each way of writing, classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/server.h"
#include <string.h>

#define UW "uvicorn.workers.UvicornWorker"

#define NONE UINT64_MAX /* no number */

static const struct {
    const char *command;
    enum server_kind kind;
    enum worker_class worker;
    enum flag flag;
    uint64_t n;
    const char *unclear, *why;
} rows[] = {
    {"", SERVER_NONE, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL, "nothing"},
    {" ", SERVER_NONE, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL, "blanks"},
    {"''", SERVER_OTHER, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL, "an empty word"},
    {"daphne -t 5", SERVER_OTHER, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL, "another server"},
    {"sh -c 'gunicorn -t 5'", SERVER_OTHER, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL,
     "a script is not read"},

    {"gunicorn a:b", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 30, NULL, "its default"},
    {"gunicorn a:b", SERVER_GUNICORN, WORKER_SYNC, FLAG_GRACEFUL, 30, NULL, "its default"},
    {"gunicorn a:b", SERVER_GUNICORN, WORKER_SYNC, FLAG_KEEP_ALIVE, 2, NULL, "its default"},
    {"gunicorn a:b", SERVER_GUNICORN, WORKER_SYNC, FLAG_MAX_REQUESTS, 0, NULL, "its default"},
    {"gunicorn a:b", SERVER_GUNICORN, WORKER_SYNC, FLAG_UVICORN_KEEP_ALIVE, NONE, NULL,
     "uvicorn's"},
    {"uvicorn a:b", SERVER_UVICORN, WORKER_UNCLEAR, FLAG_UVICORN_KEEP_ALIVE, 5, NULL,
     "its default"},
    {"uvicorn a:b", SERVER_UVICORN, WORKER_UNCLEAR, FLAG_UVICORN_GRACEFUL, NONE, NULL, "none"},
    {"uvicorn a:b --timeout 5", SERVER_UVICORN, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL,
     "not its"},
    {"uvicorn --ws wsproto --ws-ping-interval 20.5", SERVER_UVICORN, WORKER_UNCLEAR,
     FLAG_UVICORN_KEEP_ALIVE, 5, NULL, "words are taken as they are"},

    {"gunicorn --timeout 120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL, "two words"},
    {"gunicorn --timeout=120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL, "one"},
    {"gunicorn -t 120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL, "a letter"},
    {"gunicorn -t120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL, "a letter in one"},
    {"gunicorn -t=120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL, "as argparse"},
    {"gunicorn '--timeout' \"120\"", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 120, NULL,
     "quoted"},
    {"gunicorn -t 1 --timeout 2", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 2, NULL, "the last"},
    {"gunicorn --timeouts 120", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 30, NULL, "another"},
    {"gunicorn --timeout", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE,
     "--timeout without a value", "the end"},
    {"gunicorn --timeout && x", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE,
     "--timeout without a value", "the end of the command"},
    {"gunicorn --timeout=", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE, "--timeout ",
     "empty"},
    {"gunicorn --timeout 2m", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE, "--timeout 2m",
     "gunicorn takes no unit"},
    {"gunicorn --timeout -5", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE, "--timeout -5",
     "nor a sign"},
    {"gunicorn -t $T", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, NONE, "--timeout $T",
     "a variable"},
    {"gunicorn -t '1", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 1, "a quote that is not closed",
     "an open quote"},
    {"gunicorn $ARGS", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 30, "$ARGS", "may be flags"},
    {"gunicorn --bind :$PORT", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 30, NULL,
     "a variable that can be no flag"},
    {"gunicorn -c x.py", SERVER_GUNICORN, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, "--config x.py",
     "may be in the file"},
    {"gunicorn -c x.py -t 7", SERVER_GUNICORN, WORKER_UNCLEAR, FLAG_TIMEOUT, 7, "--config x.py",
     "the command line wins over the file"},

    {"/usr/bin/gunicorn -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL, "a path"},
    {"python3 -m gunicorn -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL, "a module"},
    {"python -m gunicorn.app.wsgiapp -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL,
     "its long name"},
    {"cd /app && A=b exec gunicorn -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL,
     "what goes before"},
    {"gunicorn -t 7 & uvicornish -t 8", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL,
     "what comes behind"},
    {"pip install gunicorn && gunicorn -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL,
     "the last is the server"},
    {"gunicorn uvicorn -t 7", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 7, NULL,
     "an application may have any name"},
    {"GUNICORN_CMD_ARGS='-t 7 --threads 2' gunicorn", SERVER_GUNICORN, WORKER_GTHREAD, FLAG_TIMEOUT,
     7, NULL, "flags from the environment"},
    {"GUNICORN_CMD_ARGS=-t7 gunicorn -t 8", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 8, NULL,
     "the command line wins over them"},
    {"GUNICORN_CMD_ARGS=-t7 true && gunicorn", SERVER_GUNICORN, WORKER_SYNC, FLAG_TIMEOUT, 30, NULL,
     "of another command"},
    {"GUNICORN_CMD_ARGS=-t7 uvicorn", SERVER_UVICORN, WORKER_UNCLEAR, FLAG_TIMEOUT, NONE, NULL,
     "not uvicorn's"},

    {"gunicorn -k sync", SERVER_GUNICORN, WORKER_SYNC, FLAG_THREADS, 1, NULL, "sync"},
    {"gunicorn -k gunicorn.workers.sync.SyncWorker", SERVER_GUNICORN, WORKER_SYNC, FLAG_THREADS, 1,
     NULL, "its long name"},
    {"gunicorn --threads 2", SERVER_GUNICORN, WORKER_GTHREAD, FLAG_THREADS, 2, NULL,
     "sync no more"},
    {"gunicorn --threads $N", SERVER_GUNICORN, WORKER_UNCLEAR, FLAG_THREADS, NONE, "--threads $N",
     "sync or gthread"},
    {"gunicorn -k gthread", SERVER_GUNICORN, WORKER_GTHREAD, FLAG_THREADS, 1, NULL, "gthread"},
    {"gunicorn -k gevent", SERVER_GUNICORN, WORKER_GREEN, FLAG_THREADS, 1, NULL, "gevent"},
    {"gunicorn -k eventlet", SERVER_GUNICORN, WORKER_GREEN, FLAG_THREADS, 1, NULL, "eventlet"},
    {"gunicorn -k tornado", SERVER_GUNICORN, WORKER_GREEN, FLAG_THREADS, 1, NULL, "tornado"},
    {"gunicorn --worker-class " UW, SERVER_GUNICORN, WORKER_UVICORN, FLAG_THREADS, 1, NULL,
     "uvicorn"},
    {"gunicorn -kuvicorn.workers.UvicornH11Worker", SERVER_GUNICORN, WORKER_UVICORN, FLAG_THREADS,
     1, NULL, "its other"},
    {"gunicorn -k uvicorn_worker.UvicornWorker", SERVER_GUNICORN, WORKER_UVICORN, FLAG_THREADS, 1,
     NULL, "from the package of its own"},
    {"gunicorn -k my.UvicornWorker", SERVER_GUNICORN, WORKER_UNKNOWN, FLAG_THREADS, 1, NULL,
     "a name alone says nothing"},
    {"gunicorn -k $K", SERVER_GUNICORN, WORKER_UNCLEAR, FLAG_THREADS, 1, "--worker-class $K",
     "a variable"},
    {"gunicorn -k", SERVER_GUNICORN, WORKER_UNCLEAR, FLAG_THREADS, 1,
     "--worker-class without a value", "nothing"},
};

static void command_line_is_read_as_its_program_would(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct server s;
        uint64_t n = NONE;
        server_init(&s, rows[i].command);
        if (!server_number(&s, rows[i].flag, &n))
            n = NONE;
        if (s.kind != rows[i].kind || server_worker(&s) != rows[i].worker || n != rows[i].n)
            fail_msg("%s: server %d, worker %d, number %llu (%s)", rows[i].command, s.kind,
                     server_worker(&s), (unsigned long long)n, rows[i].why);
        if (!s.unclear != !rows[i].unclear ||
            (s.unclear && strcmp(s.unclear, rows[i].unclear) != 0))
            fail_msg("%s: %s", rows[i].command, s.unclear ? s.unclear : "all clear");
        server_fini(&s);
    }
}

static void assert_printed(const char *command, const char *want)
{
    struct server s;
    struct buf out = {0};
    server_init(&s, command);
    server_print(&s, &out);
    buf_add(&out, "", 1);
    assert_string_equal((char *)out.data, want);
    buf_fini(&out);
    server_fini(&s);
}

static void what_was_read_is_told_from_defaults_and_from_what_a_file_may_say(void **state)
{
    (void)state;
    assert_printed("gunicorn -t 7",
                   "gunicorn --worker-class sync (default) --threads 1 (default) --timeout 7 "
                   "--graceful-timeout 30 (default) --keep-alive 2 (default) --max-requests 0 "
                   "(default) --config ./gunicorn.conf.py (default)");
    assert_printed("gunicorn -t 7 -c x",
                   "gunicorn --worker-class ? --threads ? --timeout 7 --graceful-timeout ? "
                   "--keep-alive ? --max-requests ? --config x");
    assert_printed("daphne", "neither gunicorn nor uvicorn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_line_is_read_as_its_program_would),
        cmocka_unit_test(what_was_read_is_told_from_defaults_and_from_what_a_file_may_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
