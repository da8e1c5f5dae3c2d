/* The log as a whole: every line comes whole and in its thread's order, or is counted; nobody waits
 * for a slow stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* stderr is a pipe for as long as a test looks at it. */
struct capture {
    int saved, end;
};

static struct capture capture(void)
{
    struct capture c = {.saved = dup(STDERR_FILENO)};
    int fd[2];

    assert_int_equal(pipe(fd), 0);
    dup2(fd[1], STDERR_FILENO);
    close(fd[1]);
    c.end = fd[0];
    return c;
}

/* Restores stderr, and reads what is left to the end. */
static struct buf release(struct capture c)
{
    struct buf out;
    ssize_t n;

    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    buf_init(&out);
    while ((n = read(c.end, buf_room(&out, 4096), 4096)) > 0)
        out.len += (size_t)n;
    close(c.end);
    buf_add(&out, "", 1);
    return out;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
    return now_ns() / 1000000;
}

/* The first: the log has never been started. */
static void before_the_start_lines_are_written_at_once_from_info_on(void **state)
{
    struct capture c = capture();
    char line[200] = "";

    (void)state;
    log_debug("too_low");
    log_info("early", LOG_S("file", "a b"));
    assert_true(read(c.end, line, sizeof line - 1) > 0);
    struct buf rest = release(c);
    assert_string_equal(line + 24, " info  early file=\"a b\"\n");
    assert_string_equal((char *)rest.data, "");
    buf_fini(&rest);
}

static void what_was_logged_before_the_stop_is_written(void **state)
{
    struct capture c = capture();

    (void)state;
    log_start(LOG_TEXT, LOG_INFO);
    for (int i = 0; i < 100; i++)
        log_info("line", LOG_U("n", i));
    log_stop();
    log_info("too_late");
    struct buf out = release(c);
    const char *p = (char *)out.data;
    for (int i = 0; i < 100; i++) {
        char want[60];
        size_t n = (size_t)snprintf(want, sizeof want, " info  line n=%d\n", i);

        assert_memory_equal(p + 24, want, n);
        p += 24 + n;
    }
    assert_string_equal(p, "");
    buf_fini(&out);
}

static void spin(uint64_t ns)
{
    uint64_t until = now_ns() + ns;

    while (now_ns() < until)
        ;
}

/* Reads until so many lines have come; false where the pipe has ended. */
static bool read_count(int fd, unsigned lines)
{
    char bytes[500];

    while (lines > 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);

        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            lines -= bytes[i] == '\n';
    }
    return true;
}

/* The second of two comes at every moment of the writer's going to sleep after the first, and
 * nothing behind it would wake the writer again. */
static void a_line_that_comes_as_the_writer_goes_to_sleep_is_written(void **state)
{
    struct capture c = capture();
    bool good = true;

    (void)state;
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < 400 && good; i++) {
        log_info("first");
        usleep(4900); /* it lets lines gather for 5 ms */
        spin(i * 7919 % 200000);
        log_info("second");
        good = read_count(c.end, 2);
    }
    log_stop();
    struct buf rest = release(c);
    assert_true(good);
    assert_string_equal((char *)rest.data, "");
    buf_fini(&rest);
}

static void stopping_a_log_that_has_nothing_to_write_takes_no_time(void **state)
{
    struct capture c = capture();
    uint64_t longest = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        char line[200];

        log_start(LOG_TEXT, LOG_INFO);
        log_info("line");
        assert_true(read(c.end, line, sizeof line) > 0); /* the writer goes to sleep, or will */
        uint64_t began = now_ms();
        log_stop();
        uint64_t took = now_ms() - began;
        longest = took > longest ? took : longest;
    }
    struct buf rest = release(c);
    assert_string_equal((char *)rest.data, "");
    assert_true(longest < 400); /* a writer that was not woken is waited for 500 */
    buf_fini(&rest);
}

static unsigned evaluated;

static uint64_t evaluate(void)
{
    return ++evaluated;
}

static void level_and_format_change_while_it_runs(void **state)
{
    struct capture c = capture();

    (void)state;
    log_start(LOG_TEXT, LOG_WARN);
    log_info("a", LOG_U("n", evaluate()));
    assert_int_equal(evaluated, 0); /* what is not written costs no arguments */
    log_warn("b", LOG_U("n", evaluate()));
    log_set(LOG_JSON, LOG_DEBUG);
    log_debug("c", LOG_B("x", false));
    assert_true(log_on(LOG_DEBUG));
    log_set(LOG_TEXT, LOG_ERROR);
    log_warn("d");
    assert_false(log_on(LOG_WARN));
    log_error("e");
    log_stop();
    struct buf out = release(c);
    char *b = (char *)out.data, *json = strchr(b, '\n') + 1, *e = strchr(json, '\n') + 1;
    assert_memory_equal(b + 24, " warn  b n=1\n", 13);
    cJSON *read = cJSON_Parse(json);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(read, "severity")), "DEBUG");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(read, "message")), "c");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(read, "x")));
    cJSON_Delete(read);
    assert_string_equal(e + 24, " error e\n");
    buf_fini(&out);
}

static void the_names_of_levels_and_formats_stand_at_their_numbers(void **state)
{
    (void)state;
    assert_string_equal(log_levels[LOG_DEBUG], "debug");
    assert_string_equal(log_levels[LOG_INFO], "info");
    assert_string_equal(log_levels[LOG_WARN], "warn");
    assert_string_equal(log_levels[LOG_ERROR], "error");
    assert_null(log_levels[LOG_ERROR + 1]);
    assert_string_equal(log_formats[LOG_TEXT], "text");
    assert_string_equal(log_formats[LOG_JSON], "json");
    assert_null(log_formats[LOG_JSON + 1]);
}

/* ---- threads ---- */

#define THREADS 4u
#define LINES   20000u

static void *log_lines(void *id)
{
    for (unsigned i = 0; i < LINES; i++)
        log_info("line", LOG_U("thread", *(unsigned *)id), LOG_U("n", i));
    return NULL;
}

struct tally {
    int fd;
    uint64_t lines, next[THREADS];
    bool good;
};

/* Reads lines until the pipe ends, as fast as it can. */
static void *read_lines(void *arg)
{
    struct tally *t = arg;
    FILE *in = fdopen(t->fd, "r");
    char line[5000];

    t->good = true;
    while (fgets(line, sizeof line, in)) {
        unsigned thread;
        uint64_t n;
        char end;

        t->good &= sscanf(line + 24, " info line thread=%u n=%lu%c", &thread, &n, &end) == 3 &&
                   end == '\n' && thread < THREADS && n >= t->next[thread];
        t->next[thread % THREADS] = n + 1;
        t->lines++;
    }
    fclose(in);
    return NULL;
}

static void lines_of_many_threads_come_whole_and_in_order_or_are_counted(void **state)
{
    struct capture c = capture();
    struct tally t = {.fd = c.end};
    pthread_t threads[THREADS], reader;
    unsigned ids[THREADS];
    uint64_t before = log_dropped();

    (void)state;
    pthread_create(&reader, NULL, read_lines, &t);
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < THREADS; i++) {
        ids[i] = i;
        pthread_create(&threads[i], NULL, log_lines, &ids[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_stop();
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    pthread_join(reader, NULL);
    assert_true(t.good);
    assert_true(t.lines > 0);
    assert_int_equal(t.lines + (log_dropped() - before), THREADS * LINES);
}

static void *log_one(void *unused)
{
    (void)unused;
    log_info("one");
    return NULL;
}

static void the_ring_of_a_thread_that_ended_is_used_again(void **state)
{
    struct capture c = capture();
    struct tally t = {.fd = c.end};
    pthread_t thread, reader;

    (void)state;
    pthread_create(&reader, NULL, read_lines, &t);
    log_start(LOG_TEXT, LOG_INFO);
    pthread_create(&thread, NULL, log_one, NULL);
    pthread_join(thread, NULL);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 200; i++) {
        pthread_create(&thread, NULL, log_one, NULL);
        pthread_join(thread, NULL);
    }
    size_t after = mallinfo2().uordblks; /* a ring takes 64 KiB */
    log_stop();
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    pthread_join(reader, NULL);
    assert_int_equal(t.lines, 201);
    assert_true(after < before + 65536);
}

/* ---- a stderr that nobody reads ---- */

static unsigned threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* The kernel lists a thread for a moment after it was joined. */
static bool threads_fall_to(unsigned n)
{
    uint64_t until = now_ms() + 5000;

    while (threads() > n)
        if (now_ms() > until)
            return false;
    return true;
}

/* What the rings still hold would come with the next test's lines. */
static void forget_lines(void)
{
    int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);

    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    log_start(LOG_TEXT, LOG_INFO);
    log_stop();
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void a_full_stderr_costs_lines_and_not_time(void **state)
{
    struct capture c = capture();
    uint64_t dropped = log_dropped();
    unsigned before = threads();

    (void)state;
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < 10000; i++) /* some 400 KB; pipe and ring hold 128 KiB */
        log_info("line", LOG_U("n", i));
    dropped = log_dropped() - dropped;
    uint64_t began = now_ms();
    log_stop();
    uint64_t took = now_ms() - began;
    bool ended = threads_fall_to(before);
    struct buf out = release(c);
    forget_lines();
    uint64_t lines = 0;
    for (const char *p = (char *)out.data; (p = strchr(p, '\n')); p++)
        lines++;
    buf_fini(&out);
    assert_true(dropped > 0);
    assert_true(lines > 0 && lines + dropped <= 10000);
    assert_true(ended);
    assert_true(took >= 400 && took < 5000); /* 500, and what a busy machine adds */
}

static void a_stderr_without_a_reader_ends_no_one_and_every_line_is_counted(void **state)
{
    struct capture c = capture();
    uint64_t before = log_dropped();

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    close(c.end);
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < 100; i++)
        log_info("line", LOG_U("n", i));
    log_stop();
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    assert_int_equal(log_dropped() - before, 100);
}

/* A limit on its size stands for a full disk. */
static void a_file_that_was_full_loses_what_is_counted_and_its_other_lines_stay_whole(void **state)
{
    struct rlimit limit;
    char name[] = "/tmp/log-XXXXXX";
    int saved = dup(STDERR_FILENO), file = mkstemp(name);
    uint64_t before = log_dropped();

    (void)state;
    unlink(name);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, limit.rlim_max}); /* in the middle of a line */
    dup2(file, STDERR_FILENO);
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < 100; i++)
        log_info("before");
    log_stop();
    setrlimit(RLIMIT_FSIZE, &limit);
    log_start(LOG_TEXT, LOG_INFO);
    log_info("behind");
    log_stop();
    dup2(saved, STDERR_FILENO);
    close(saved);

    char text[4096];
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    close(file);
    assert_in_range(n, 1000, sizeof text - 2);
    text[n] = '\0';
    unsigned whole = 0;
    for (const char *p = text; (p = strstr(p, " info  before\n")); p++)
        whole++;
    assert_true(whole > 0);
    assert_int_equal(whole + (log_dropped() - before), 100);
    const char *line = strstr(text, " info  behind\n");
    assert_non_null(line);
    assert_int_equal(line[-25], '\n');
}

/* Another process may have set it: the open file is shared. */
static void a_stderr_that_does_not_block_loses_nothing_and_stays_as_it_is(void **state)
{
    struct capture c = capture();
    struct tally t = {.fd = c.end};
    pthread_t reader;
    uint64_t before = log_dropped();

    (void)state;
    fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
    fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
    log_start(LOG_TEXT, LOG_INFO);
    for (unsigned i = 0; i < 1000; i++)
        log_info("line", LOG_U("thread", 0), LOG_U("n", i));
    pthread_create(&reader, NULL, read_lines, &t);
    log_stop();
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
    pthread_join(reader, NULL);
    assert_true(t.good);
    assert_int_equal(t.lines, 1000);
    assert_int_equal(log_dropped(), before);
    assert_true(flags & O_NONBLOCK);
}

static void o_nonblock_is_never_set(void **state)
{
    struct capture c = capture();
    int before = fcntl(STDERR_FILENO, F_GETFL);

    (void)state;
    log_start(LOG_TEXT, LOG_INFO);
    log_info("line");
    log_stop();
    int after = fcntl(STDERR_FILENO, F_GETFL);
    struct buf out = release(c);
    buf_fini(&out);
    assert_int_equal(after, before);
    assert_false(after & O_NONBLOCK);
}

static void one_line_a_second_is_allowed_and_the_rest_is_counted(void **state)
{
    const struct {
        uint64_t now;
        bool allowed;
        uint64_t suppressed;
    } rows[] = {{5, true, 0},     {5, false, 0},   {1004, false, 0}, {1005, true, 2},
                {2004, false, 0}, {2005, true, 1}, {9000, true, 0},  {9999, false, 0}};
    struct log_limit l = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t suppressed = 0;

        assert_int_equal(log_allow(&l, rows[i].now, &suppressed), rows[i].allowed);
        assert_int_equal(suppressed, rows[i].suppressed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_start_lines_are_written_at_once_from_info_on),
        cmocka_unit_test(what_was_logged_before_the_stop_is_written),
        cmocka_unit_test(a_line_that_comes_as_the_writer_goes_to_sleep_is_written),
        cmocka_unit_test(stopping_a_log_that_has_nothing_to_write_takes_no_time),
        cmocka_unit_test(level_and_format_change_while_it_runs),
        cmocka_unit_test(the_names_of_levels_and_formats_stand_at_their_numbers),
        cmocka_unit_test(lines_of_many_threads_come_whole_and_in_order_or_are_counted),
        cmocka_unit_test(the_ring_of_a_thread_that_ended_is_used_again),
        cmocka_unit_test(a_full_stderr_costs_lines_and_not_time),
        cmocka_unit_test(a_stderr_without_a_reader_ends_no_one_and_every_line_is_counted),
        cmocka_unit_test(a_file_that_was_full_loses_what_is_counted_and_its_other_lines_stay_whole),
        cmocka_unit_test(a_stderr_that_does_not_block_loses_nothing_and_stays_as_it_is),
        cmocka_unit_test(o_nonblock_is_never_set),
        cmocka_unit_test(one_line_a_second_is_allowed_and_the_rest_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
