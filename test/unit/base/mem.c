/* The checked heap: never NULL, and exhaustion ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* So that the sanitizers' allocators fail as the system's does. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void zero_bytes_are_an_allocation_like_any_other(void **state)
{
    (void)state;
    void *all[] = {mem_alloc(0), mem_zalloc(0), mem_realloc(NULL, 0), mem_dup(NULL, 0)};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_non_null(all[i]);
        free(all[i]);
    }
    void *shrunk = mem_realloc(mem_alloc(8), 0);
    assert_non_null(shrunk);
    free(shrunk);
}

static void zalloc_gives_zeros(void **state)
{
    static const char zeros[4096];

    (void)state;
    for (size_t n = 1; n <= sizeof zeros; n *= 2) {
        char *dirty = mem_alloc(n);
        memset(dirty, 0xff, n);
        free(dirty);
        char *p = mem_zalloc(n);
        assert_memory_equal(p, zeros, n);
        free(p);
    }
}

static void copies_are_equal_and_apart(void **state)
{
    char bytes[] = "a\0b", *copy = mem_dup(bytes, sizeof bytes);

    (void)state;
    bytes[0] = 'x';
    assert_memory_equal(copy, "a\0b", sizeof bytes);
    free(copy);
    copy = mem_strdup("text");
    assert_string_equal(copy, "text");
    free(copy);
}

static void realloc_keeps_what_was_there(void **state)
{
    char *p = mem_dup("0123456789", 10);

    (void)state;
    p = mem_realloc(p, 100000);
    assert_memory_equal(p, "0123456789", 10);
    free(p);
}

static volatile size_t too_much = SIZE_MAX / 4;

static void exhaust_alloc(void)
{
    free(mem_alloc(too_much));
}

static void exhaust_zalloc(void)
{
    free(mem_zalloc(too_much));
}

static void exhaust_realloc(void)
{
    free(mem_realloc(mem_alloc(1), too_much));
}

static void exhaustion_aborts(void **state)
{
    void (*const ways[])(void) = {exhaust_alloc, exhaust_zalloc, exhaust_realloc};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            close(STDERR_FILENO);
            ways[i]();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_are_an_allocation_like_any_other),
        cmocka_unit_test(zalloc_gives_zeros),
        cmocka_unit_test(copies_are_equal_and_apart),
        cmocka_unit_test(realloc_keeps_what_was_there),
        cmocka_unit_test(exhaustion_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
