/* The poller: what is told, and what is not told any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/poller.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 600 /* more than one turn tells of */

struct ear {
    struct watch watch;
    int peer;
    unsigned heard;
    struct ear *closes; /* when it hears */
};

static uv_loop_t uv;
static struct poller poller;

static void on_watch(struct watch *w, uint32_t events)
{
    struct ear *e = CONTAINER_OF(w, struct ear, watch);
    char byte;
    assert_true(events & EPOLLIN);
    assert_int_equal(read(w->fd, &byte, 1), 1);
    e->heard++;
    if (e->closes)
        watch_close(&poller, &e->closes->watch);
}

static void ear_open(struct ear *e, uint32_t mask)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
    *e = (struct ear){.peer = fd[1]};
    assert_int_equal(watch_open(&poller, &e->watch, fd[0], mask, on_watch), 0);
}

static void ear_close(struct ear *e)
{
    watch_close(&poller, &e->watch);
    close(e->peer);
}

static void say(struct ear *e)
{
    assert_int_equal(write(e->peer, "x", 1), 1);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(poller_open(&poller, &uv), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(poller_close(&poller), 0);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&uv), 0);
    return 0;
}

static void a_loop_runs_as_long_as_anything_is_watched(void **state)
{
    struct ear e;
    (void)state;
    assert_int_equal(uv_run(&uv, UV_RUN_NOWAIT), 0);
    ear_open(&e, EPOLLIN);
    assert_int_not_equal(uv_run(&uv, UV_RUN_NOWAIT), 0);
    ear_close(&e);
    assert_int_equal(uv_run(&uv, UV_RUN_NOWAIT), 0);
}

static void all_that_is_ready_is_told_however_much_it_is(void **state)
{
    static struct ear ears[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        ear_open(&ears[i], EPOLLIN);
        say(&ears[i]);
    }
    for (int i = 0; i < 3; i++)
        uv_run(&uv, UV_RUN_NOWAIT);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ears[i].heard, 1);
        ear_close(&ears[i]);
    }
}

static void among_many_that_always_have_more_nobody_waits_long(void **state)
{
    static struct ear ears[MANY + 1];
    (void)state;
    for (int i = 0; i <= MANY; i++) {
        ear_open(&ears[i], EPOLLIN);
        for (int k = 0; k < 20 && i < MANY; k++)
            say(&ears[i]);
    }
    uv_run(&uv, UV_RUN_NOWAIT);
    unsigned told = 0;
    for (int i = 0; i < MANY; i++)
        told += ears[i].heard;
    assert_in_range(told, 1, 256); /* then timers and letters have their turn */
    say(&ears[MANY]);
    for (int i = 0; i < 3; i++)
        uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(ears[MANY].heard, 1);
    for (int i = 0; i <= MANY; i++) {
        assert_in_range(ears[i].heard, 1, 3);
        ear_close(&ears[i]);
    }
}

static void what_is_closed_by_another_in_the_same_turn_is_not_told(void **state)
{
    struct ear ears[2];
    (void)state;
    for (int i = 0; i < 2; i++)
        ear_open(&ears[i], EPOLLIN);
    ears[0].closes = &ears[1];
    ears[1].closes = &ears[0];
    say(&ears[0]);
    say(&ears[1]);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(ears[0].heard + ears[1].heard, 1);
    watch_close(&poller, &ears[ears[0].heard ? 0 : 1].watch);
    close(ears[0].peer);
    close(ears[1].peer);
}

static void a_mask_holds_until_it_is_changed(void **state)
{
    struct ear e;
    (void)state;
    ear_open(&e, 0);
    say(&e);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(e.heard, 0);
    watch_mask(&poller, &e.watch, EPOLLIN);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(e.heard, 1);
    ear_close(&e);
}

static void a_released_descriptor_stays_open_and_is_not_told_of(void **state)
{
    struct ear e;
    char byte;
    (void)state;
    ear_open(&e, EPOLLIN);
    say(&e);
    int fd = watch_release(&poller, &e.watch);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(e.heard, 0);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    close(e.peer);
}

static void what_cannot_be_watched_is_an_error_and_stays_open(void **state)
{
    struct watch w;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_int_equal(watch_open(&poller, &w, fd, EPOLLIN, on_watch), -EPERM);
    assert_int_equal(close(fd), 0);
}

static void closing_says_where_anything_is_still_watched(void **state)
{
    struct ear e;
    (void)state;
    ear_open(&e, EPOLLIN);
    assert_int_equal(poller_close(&poller), UV_EBUSY);
    uv_run(&uv, UV_RUN_NOWAIT);
    close(e.watch.fd);
    close(e.peer);
    assert_int_equal(uv_loop_close(&uv), 0);
    set_up(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_runs_as_long_as_anything_is_watched),
        cmocka_unit_test(all_that_is_ready_is_told_however_much_it_is),
        cmocka_unit_test(among_many_that_always_have_more_nobody_waits_long),
        cmocka_unit_test(what_is_closed_by_another_in_the_same_turn_is_not_told),
        cmocka_unit_test(a_mask_holds_until_it_is_changed),
        cmocka_unit_test(a_released_descriptor_stays_open_and_is_not_told_of),
        cmocka_unit_test(what_cannot_be_watched_is_an_error_and_stays_open),
        cmocka_unit_test(closing_says_where_anything_is_still_watched),
    };
    return cmocka_run_group_tests_name("base/poller", tests, set_up, tear_down);
}
