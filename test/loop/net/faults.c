/* The fault layer under transports: nothing is lost and nothing hangs, and what it does is what it
 * was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/rig.h"
#include "net/faults.h"
#include "net/transport.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENT 20000u

/* Two transports on one loop: one writes, the other reads. */
struct line {
    struct rig rig;
    struct transport *from, *to;
    unsigned char sent[SENT], got[SENT];
    size_t written, read, largest;
    unsigned stalls; /* calls that could have gone on */
    ptrdiff_t failed, end;
    bool over;
};

static void on_writable(void *owner, unsigned events)
{
    struct line *l = owner;
    size_t left = SENT - l->written, half = left / 2;
    struct iovec v[] = {{l->sent + l->written, half}, {l->sent + l->written + half, left - half}};
    ptrdiff_t n = transport_write(l->from, v, 2);
    (void)events;
    if (n < 0) {
        l->failed = n;
        transport_want(l->from, 0);
        return;
    }
    l->stalls += n == 0 ? 1 : 0;
    l->written += (size_t)n;
    if (l->written == SENT) {
        transport_want(l->from, 0);
        transport_shutdown(l->from);
    }
}

static void on_readable(void *owner, unsigned events)
{
    struct line *l = owner;
    uint8_t spare;
    struct iovec v[] = {{l->got + l->read, SENT - l->read}, {&spare, 1}};
    ptrdiff_t n = transport_read(l->to, v, 2);
    (void)events;
    if (n == UV_EAGAIN) {
        l->stalls++;
    } else if (n < 0) {
        l->end = n;
        l->over = true;
    } else {
        l->read += (size_t)n;
        l->largest = (size_t)n > l->largest ? (size_t)n : l->largest;
    }
}

static struct line *run(const struct faults *f)
{
    struct line *l = mem_zalloc(sizeof(*l));
    int fd[2];
    faults_set(f);
    rig_number(l->sent, SENT);
    rig_open(&l->rig);
    rig_tcp_pair(fd);
    assert_int_equal(transport_open(&l->rig.lp, fd[0], &l->from), 0);
    assert_int_equal(transport_open(&l->rig.lp, fd[1], &l->to), 0);
    transport_owner(l->from, on_writable, l);
    transport_owner(l->to, on_readable, l);
    transport_want(l->from, TRANSPORT_WRITE);
    transport_want(l->to, TRANSPORT_READ);
    rig_until(&l->rig, &l->over);
    transport_close(l->from);
    transport_close(l->to);
    rig_close(&l->rig);
    faults_set(&(struct faults){.seed = 0});
    return l;
}

static void all_bytes_pass_in_order_whatever_the_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct line *l = run(&(struct faults){.seed = seed, .eagain = 30, .cut = 50, .read = 7});
        if (l->read != SENT || memcmp(l->got, l->sent, SENT) != 0)
            fail_msg("seed %u: %zu of %u bytes", (unsigned)seed, l->read, SENT);
        assert_int_equal(l->end, UV_EOF);
        assert_in_range(l->largest, 1, 7);
        assert_true(l->stalls > SENT / 7 / 10);
        free(l);
    }
}

static void a_seed_gives_the_same_faults_again(void **state)
{
    const struct faults f = {.seed = 42, .cut = 100};
    (void)state;
    for (int i = 0; i < 2; i++) {
        int fd[2];
        char bytes[100];
        struct iovec v = {bytes, sizeof(bytes)};
        static ssize_t first[50];
        struct rig rig;
        struct transport *t;
        rig_open(&rig);
        rig_unix_pair(fd);
        memset(bytes, 'x', sizeof(bytes));
        assert_int_equal(transport_open(&rig.lp, fd[0], &t), 0);
        faults_set(&f);
        for (int k = 0; k < 50; k++) {
            ptrdiff_t n = transport_write(t, &v, 1);
            assert_in_range(n, 1, 99);
            if (i == 0)
                first[k] = n;
            assert_int_equal(n, first[k]);
        }
        transport_close(t);
        close(fd[1]);
        rig_close(&rig);
    }
    faults_set(&(struct faults){.seed = 0});
}

static void a_reset_ends_both_directions_of_both_sides(void **state)
{
    unsigned ended_by_reset = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct line *l = run(&(struct faults){.seed = seed, .cut = 100, .reset = 100000});
        assert_true(l->end == UV_EOF || l->end == UV_ECONNRESET);
        assert_memory_equal(l->got, l->sent, l->read);
        if (l->end == UV_ECONNRESET || l->failed == UV_ECONNRESET)
            ended_by_reset++;
        else
            assert_int_equal(l->read, SENT);
        free(l);
    }
    assert_in_range(ended_by_reset, 10, 20);
}

/* This program again, with the variable: exit status, and what it said. */
static int with_setting(const char *setting, char *said, size_t n)
{
    int out[2], status;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(out[1], STDERR_FILENO);
        setenv("WSKEEP_FAULTS", setting, 1);
        execl("/proc/self/exe", "faults", "nothing", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(out[0], said + len, n - 1 - len)) > 0;)
        len += (size_t)got;
    said[len] = '\0';
    close(out[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_environment_is_obeyed_or_refused_with_words(void **state)
{
    static const struct {
        const char *setting;
        int status;
        const char *says;
    } rows[] = {
        {"seed=42,eagain=10,short=20,read=1000,reset=5", 0,
         "WSKEEP_FAULTS: seed=42 eagain=10 short=20 read=1000 reset=5\n"},
        {"eagain=90,seed=18446744073709551615", 0,
         "WSKEEP_FAULTS: seed=18446744073709551615 eagain=90 short=0 read=0 reset=0\n"},
        {"read=1", 0, "WSKEEP_FAULTS: seed="},
        {"", 0, ""},
        {"eagain=91", 2, "\"eagain=91\" is not one of seed=0.."},
        {"seed=1,short=101", 2, "\"short=101\""},
        {"seed=18446744073709551616", 2, "\"seed=18446744073709551616\""},
        {"eagain=", 2, "\"eagain=\""},
        {"eagain", 2, "\"eagain\""},
        {"eagain=-1", 2, "\"eagain=-1\""},
        {"eagain=1x", 2, "\"eagain=1x\""},
        {"eagains=1", 2, "\"eagains=1\""},
        {"seed=1,", 2, "\"\""},
        {"drop=1", 2, "\"drop=1\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[1024];
        int status = with_setting(rows[i].setting, said, sizeof(said));
        if (status != rows[i].status || strstr(said, rows[i].says) == NULL)
            fail_msg("%s: %d, %s", rows[i].setting, status, said);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_pass_in_order_whatever_the_seed),
        cmocka_unit_test(a_seed_gives_the_same_faults_again),
        cmocka_unit_test(a_reset_ends_both_directions_of_both_sides),
        cmocka_unit_test(the_environment_is_obeyed_or_refused_with_words),
    };
    (void)argv;
    if (argc > 1) /* with_setting: the variable was read before main */
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
