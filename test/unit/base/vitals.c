/* What is looked up at a scrape, beside what the kernel says otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/vitals.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct metrics a, b;
static struct metrics *const loops[] = {&a, &b};

static int reset(void **state)
{
    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    return 0;
}

static uint64_t looked(enum metric id)
{
    vitals_look(loops, 2);
    return metrics_sum(loops, 2, id);
}

static uint64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void a_descriptor_more_is_one_more(void **state)
{
    (void)state;
    uint64_t before = looked(METRIC_PROCESS_FDS);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(looked(METRIC_PROCESS_FDS), before + 1);
    close(fd);
    assert_int_equal(looked(METRIC_PROCESS_FDS), before);
    assert_int_equal(vitals_count_descriptors(), before);
    assert_true(before >= 3);
}

static void the_limit_of_descriptors_is_the_one_in_force(void **state)
{
    struct rlimit r, lower;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &r);
    assert_int_equal(looked(METRIC_PROCESS_FDS_LIMIT), r.rlim_cur);
    lower = (struct rlimit){r.rlim_cur - 1, r.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
    assert_int_equal(looked(METRIC_PROCESS_FDS_LIMIT), r.rlim_cur - 1);
    setrlimit(RLIMIT_NOFILE, &r);
}

static void memory_that_is_touched_is_resident(void **state)
{
    const size_t n = 64u << 20;
    (void)state;
    uint64_t resident = looked(METRIC_PROCESS_RESIDENT), size = looked(METRIC_PROCESS_VIRTUAL);
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(looked(METRIC_PROCESS_VIRTUAL) >= size + n);
    assert_true(looked(METRIC_PROCESS_RESIDENT) < resident + n / 2);
    memset(p, 1, n);
    assert_true(looked(METRIC_PROCESS_RESIDENT) >= resident + n / 2);
    munmap(p, n);
}

static void processor_time_grows_by_what_is_used(void **state)
{
    struct timespec t;
    (void)state;
    uint64_t before = looked(METRIC_PROCESS_CPU), now;
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    } while (now < before + 20);
    assert_in_range(looked(METRIC_PROCESS_CPU), now, now + 1000);
}

static void the_start_is_a_time_of_day(void **state)
{
    (void)state;
    vitals_start(&a);
    uint64_t now = (uint64_t)time(NULL) * 1000;
    assert_in_range(metrics_sum(loops, 2, METRIC_PROCESS_START), now - 5000, now + 5000);
    assert_int_equal(metrics_sum(loops, 2, METRIC_BUILD_INFO), 1);
}

static void the_oldest_headless_is_that_of_all_loops(void **state)
{
    (void)state;
    assert_int_equal(looked(METRIC_HEADLESS_OLDEST), 0);
    uint64_t now = monotonic();
    metric_headless(&a, now - 30000);
    metric_headless(&b, now - 70000);
    assert_in_range(looked(METRIC_HEADLESS_OLDEST), 70000, 75000);
    metric_headless(&b, 0);
    assert_in_range(looked(METRIC_HEADLESS_OLDEST), 30000, 35000);
    metric_headless(&a, now + 60000); /* its clock is ahead */
    assert_int_equal(looked(METRIC_HEADLESS_OLDEST), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_descriptor_more_is_one_more, reset),
        cmocka_unit_test_setup(the_limit_of_descriptors_is_the_one_in_force, reset),
        cmocka_unit_test_setup(memory_that_is_touched_is_resident, reset),
        cmocka_unit_test_setup(processor_time_grows_by_what_is_used, reset),
        cmocka_unit_test_setup(the_start_is_a_time_of_day, reset),
        cmocka_unit_test_setup(the_oldest_headless_is_that_of_all_loops, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
