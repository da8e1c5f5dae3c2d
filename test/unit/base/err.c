/* The table of errors: every code has its name and text, and no unknown one costs memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static void every_code_of_ours_has_its_name_and_text(void **state)
{
    (void)state;
#define X(name, text)                                                                              \
    assert_string_equal(err_name(ERR_##name), "ERR_" #name);                                       \
    assert_string_equal(err_text(ERR_##name), text);
    ERR_MAP(X)
#undef X
}

static void libuv_codes_have_the_names_and_texts_that_libuv_gives_them(void **state)
{
    (void)state;
#define X(name, text)                                                                              \
    assert_string_equal(err_name(UV_##name), uv_err_name(UV_##name));                              \
    assert_string_equal(err_text(UV_##name), uv_strerror(UV_##name));
    UV_ERRNO_MAP(X)
#undef X
}

static void a_negated_errno_is_a_code(void **state)
{
    (void)state;
    assert_string_equal(err_name(-ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(err_text(-ECONNREFUSED), "connection refused");
}

static void ours_lie_below_every_code_of_libuv(void **state)
{
    (void)state;
#define X(name, text) assert_true((int)UV_##name > (int)ERR_END);
    UV_ERRNO_MAP(X)
#undef X
}

static void unknown_codes_share_one_fixed_text(void **state)
{
    const int codes[] = {1, 77, -3999, -9000, ERR_BASE, ERR_END, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_string_equal(err_name(codes[i]), "UNKNOWN");
        assert_string_equal(err_text(codes[i]), "unknown error");
        assert_ptr_equal(err_name(codes[i]), err_name(1));
    }
}

static void zero_is_no_error(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "OK");
    assert_string_equal(err_text(0), "no error");
}

static void bug_on_says_what_broke_and_where_and_aborts(void **state)
{
    char said[256] = "", want[256];
    int fd[2], status, line = 0;

    (void)state;
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    line = __LINE__ + 4; /* of the BUG_ON */
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fd[1], STDERR_FILENO);
        BUG_ON(line > 0);
        _exit(0);
    }
    close(fd[1]);
    assert_true(read(fd[0], said, sizeof said - 1) > 0);
    close(fd[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    snprintf(want, sizeof want, "wskeep: bug at %s:%d: line > 0\n", __FILE__, line);
    assert_string_equal(said, want);
}

static void bug_on_of_a_kept_invariant_does_nothing(void **state)
{
    (void)state;
    BUG_ON(state == (void **)1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_ours_has_its_name_and_text),
        cmocka_unit_test(libuv_codes_have_the_names_and_texts_that_libuv_gives_them),
        cmocka_unit_test(a_negated_errno_is_a_code),
        cmocka_unit_test(ours_lie_below_every_code_of_libuv),
        cmocka_unit_test(unknown_codes_share_one_fixed_text),
        cmocka_unit_test(zero_is_no_error),
        cmocka_unit_test(bug_on_says_what_broke_and_where_and_aborts),
        cmocka_unit_test(bug_on_of_a_kept_invariant_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
