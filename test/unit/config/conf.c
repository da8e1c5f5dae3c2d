/* A conf's life: the sanitizers are the judges of when it ends, and of threads that let go of it at
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"
#include "config/table.h"
#include <pthread.h>

#define THREADS 8
#define ROUNDS  10000

static void conf_lives_until_its_last_reference(void **state)
{
    (void)state;
    struct conf *c = conf_new();
    assert_int_equal(c->refs, 1);
    assert_ptr_equal(conf_ref(c), c);
    assert_int_equal(c->refs, 2);
    conf_unref(c);
    assert_int_equal(c->refs, 1);
    assert_string_equal(c->listen.address.text, "0.0.0.0:8080");
    conf_unref(c);
}

static void no_conf_can_be_let_go(void **state)
{
    (void)state;
    conf_unref(NULL);
}

static pthread_barrier_t start;

static void *hold_and_let_go(void *arg)
{
    struct conf *c = arg;
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        conf_ref(c);
        conf_unref(c);
    }
    conf_unref(c);
    return NULL;
}

static void threads_hold_it_together_and_the_last_one_frees_it(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct conf *c = conf_new();
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_let_go, conf_ref(c)), 0);
    conf_unref(c);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conf_lives_until_its_last_reference),
        cmocka_unit_test(no_conf_can_be_let_go),
        cmocka_unit_test(threads_hold_it_together_and_the_last_one_frees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
