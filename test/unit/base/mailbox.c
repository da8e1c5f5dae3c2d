/* Letters between threads: each is delivered once, in its sender's order, or stays the sender's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mailbox.h"

#include "base/err.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SENDERS 4u
#define LETTERS 5000u

struct numbered {
    struct letter letter;
    unsigned sender, number;
};

static struct {
    struct mailbox box;
    uv_loop_t uv;
    unsigned got[SENDERS], total, entered;
} post;

static void post_open(void)
{
    memset(&post, 0, sizeof post);
    assert_int_equal(uv_loop_init(&post.uv), 0);
    assert_int_equal(mailbox_open(&post.box, &post.uv), 0);
}

static void post_close(void)
{
    mailbox_close(&post.box);
    uv_run(&post.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&post.uv), 0);
    mailbox_fini(&post.box);
}

static struct numbered *numbered(unsigned sender, unsigned number, letter_fn *fn)
{
    struct numbered *n = calloc(1, sizeof *n);

    *n = (struct numbered){.letter.fn = fn, .sender = sender, .number = number};
    return n;
}

static void on_letter(struct letter *l)
{
    struct numbered *n = CONTAINER_OF(l, struct numbered, letter);

    if (n->number != post.got[n->sender])
        fail_msg("sender %u: %u instead of %u", n->sender, n->number, post.got[n->sender]);
    post.got[n->sender]++;
    post.total++;
    free(n);
}

static void on_last_letter_stop(struct letter *l)
{
    on_letter(l);
    if (post.total == SENDERS * LETTERS)
        uv_stop(&post.uv);
}

static _Atomic unsigned failed;

static void send_all(void *sender)
{
    for (unsigned i = 0; i < LETTERS; i++) {
        struct numbered *n = numbered(*(unsigned *)sender, i, on_last_letter_stop);
        if (mailbox_send(&post.box, &n->letter) < 0)
            atomic_fetch_add(&failed, 1);
    }
}

static void every_letter_comes_once_and_in_its_senders_order(void **state)
{
    uv_thread_t threads[SENDERS];
    unsigned ids[SENDERS];

    (void)state;
    post_open();
    for (unsigned i = 0; i < SENDERS; i++) {
        ids[i] = i;
        assert_int_equal(uv_thread_create(&threads[i], send_all, &ids[i]), 0);
    }
    uv_run(&post.uv, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < SENDERS; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(post.got[i], LETTERS);
    }
    assert_int_equal(atomic_load(&failed), 0);
    post_close();
}

static void letters_still_in_the_box_are_delivered_at_its_close(void **state)
{
    (void)state;
    post_open();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(mailbox_send(&post.box, &numbered(0, i, on_letter)->letter), 0);
    assert_int_equal(post.total, 0);
    mailbox_close(&post.box);
    assert_int_equal(post.total, 3);
    uv_run(&post.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&post.uv), 0);
    mailbox_fini(&post.box);
}

static void a_letter_to_a_closed_box_stays_the_senders(void **state)
{
    (void)state;
    post_open();
    mailbox_close(&post.box);
    struct numbered *n = numbered(0, 0, on_letter);
    assert_int_equal(mailbox_send(&post.box, &n->letter), ERR_CLOSED);
    uv_run(&post.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&post.uv), 0);
    assert_int_equal(mailbox_send(&post.box, &n->letter), ERR_CLOSED);
    assert_int_equal(post.total, 0);
    free(n);
    mailbox_fini(&post.box);
}

static void on_letter_answer_oneself(struct letter *l)
{
    struct numbered *n = CONTAINER_OF(l, struct numbered, letter);

    if (n->number < 9) {
        int err =
            mailbox_send(&post.box, &numbered(0, n->number + 1, on_letter_answer_oneself)->letter);
        assert_int_equal(err, 0);
        assert_int_equal(post.total, n->number); /* it waits for a round of its own */
    } else {
        uv_stop(&post.uv);
    }
    on_letter(l);
}

static void on_enter(struct mailbox *m)
{
    assert_ptr_equal(m, &post.box);
    post.entered++;
}

static void a_letter_sent_by_a_letter_comes_in_the_next_round(void **state)
{
    (void)state;
    post_open();
    post.box.entered = on_enter;
    assert_int_equal(mailbox_send(&post.box, &numbered(0, 0, on_letter_answer_oneself)->letter), 0);
    uv_run(&post.uv, UV_RUN_DEFAULT);
    assert_int_equal(post.total, 10);
    assert_int_equal(post.entered, 10);
    post_close();
}

static void one_round_takes_all_that_is_in_the_box(void **state)
{
    (void)state;
    post_open();
    post.box.entered = on_enter;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(mailbox_send(&post.box, &numbered(1, i, on_letter)->letter), 0);
    uv_run(&post.uv, UV_RUN_ONCE);
    assert_int_equal(post.total, 100);
    assert_int_equal(post.entered, 1);
    post_close();
}

/* A sender that races the close: what was taken is delivered, what was refused is its own; nothing
 * is lost between. */
static _Atomic unsigned taken;

static void on_letter_count(struct letter *l)
{
    post.total++;
    free(CONTAINER_OF(l, struct numbered, letter));
}

static void send_until_refused(void *unused)
{
    (void)unused;
    for (unsigned i = 0;; i++) {
        struct numbered *n = numbered(0, i, on_letter_count);

        if (mailbox_send(&post.box, &n->letter) == ERR_CLOSED) {
            free(n);
            atomic_fetch_add(&taken, i);
            return;
        }
    }
}

static void closing_under_senders_loses_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        uv_thread_t threads[SENDERS];

        post_open();
        atomic_store(&taken, 0);
        for (unsigned i = 0; i < SENDERS; i++)
            assert_int_equal(uv_thread_create(&threads[i], send_until_refused, NULL), 0);
        while (post.total < 100)
            uv_run(&post.uv, UV_RUN_ONCE);
        mailbox_close(&post.box);
        uv_run(&post.uv, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&post.uv), 0);
        for (unsigned i = 0; i < SENDERS; i++)
            uv_thread_join(&threads[i]);
        assert_int_equal(atomic_load(&taken), post.total);
        mailbox_fini(&post.box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_letter_comes_once_and_in_its_senders_order),
        cmocka_unit_test(letters_still_in_the_box_are_delivered_at_its_close),
        cmocka_unit_test(a_letter_to_a_closed_box_stays_the_senders),
        cmocka_unit_test(a_letter_sent_by_a_letter_comes_in_the_next_round),
        cmocka_unit_test(one_round_takes_all_that_is_in_the_box),
        cmocka_unit_test(closing_under_senders_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
