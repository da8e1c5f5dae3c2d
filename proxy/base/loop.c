/* One thread's loop: libuv's, with a timer wheel on one uv_timer_t, tasks for the next turn, and a
 * mailbox. Owns what stands in struct loop. Never blocks but in libuv's poll. */
#include "base/loop.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* So many blocks wait for reuse: a loop that reads from a few at a time does not go to the heap. */
#define SPARE_BLOCKS 8u

/* Memory that was not needed for so long goes back. */
#define TRIM_MS 1000u

static void on_timer(uv_timer_t *timer)
{
    struct loop *lp = timer->data;

    lp->armed = WHEEL_NEVER;
    loop_enter(lp);
    wheel_run(&lp->wheel, lp->now);
}

/* Never for less than 1 ms: libuv 1.44 calls a timer that arms itself for 0 ms again and again
 * within one turn. */
static void arm(struct loop *lp)
{
    uint64_t next = wheel_next(&lp->wheel), now = uv_now(&lp->uv);

    if (next == lp->armed)
        return;
    lp->armed = next;
    if (next == WHEEL_NEVER)
        uv_timer_stop(&lp->timer);
    else
        uv_timer_start(&lp->timer, on_timer, next > now ? next - now : 1, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *lp = prepare->data;
    metric_set(lp->metrics, METRIC_JOURNAL_BYTES, lp->pool.held);
    metrics_turn(lp->metrics, lp->now);
    if (pool_spare(&lp->pool) && !timer_is_set(&lp->trim))
        loop_timer(lp, &lp->trim, TRIM_MS);
    arm(lp);
}

static void on_trim(struct timer *t)
{
    pool_trim(&CONTAINER_OF(t, struct loop, trim)->pool);
}

/* What these tasks post stays for the next turn, so that the sockets have theirs in between. */
static void on_idle(uv_idle_t *idle)
{
    struct loop *lp = idle->data;
    struct list tasks;

    loop_enter(lp);
    list_init(&tasks);
    list_splice(&tasks, &lp->posted);
    while (!list_empty(&tasks)) {
        struct task *t = CONTAINER_OF(tasks.next, struct task, node);

        list_del(&t->node);
        t->fn(t);
    }
    if (list_empty(&lp->posted))
        uv_idle_stop(idle);
}

static void on_mail(struct mailbox *mail)
{
    loop_enter(CONTAINER_OF(mail, struct loop, mail));
}

int loop_open(struct loop *lp, unsigned id, const struct conf *conf, struct metrics *m)
{
    *lp = (struct loop){.id = id, .conf = conf, .metrics = m, .armed = WHEEL_NEVER};
    int err = uv_loop_init(&lp->uv);
    if (err < 0)
        return err;
    err = poller_open(&lp->poller, &lp->uv);
    if (err < 0)
        goto fail_loop;
    err = mailbox_open(&lp->mail, &lp->uv);
    if (err < 0)
        goto fail_poller;
    lp->mail.entered = on_mail;
    uv_unref((uv_handle_t *)&lp->mail.async);

    /* None of these can fail: they fill the handles in. */
    uv_timer_init(&lp->uv, &lp->timer);
    uv_idle_init(&lp->uv, &lp->idle);
    uv_prepare_init(&lp->uv, &lp->prepare);
    lp->timer.data = lp->idle.data = lp->prepare.data = lp;
    uv_prepare_start(&lp->prepare, on_prepare);
    uv_unref((uv_handle_t *)&lp->prepare);

    loop_enter(lp);
    wheel_init(&lp->wheel, lp->now);
    pool_init(&lp->pool);
    timer_init(&lp->trim, on_trim);
    list_init(&lp->posted);
    lp->scratch = mem_alloc(LOOP_SCRATCH);
    return 0;

fail_poller:
    poller_close(&lp->poller);
    uv_run(&lp->uv, UV_RUN_NOWAIT);
fail_loop:
    uv_loop_close(&lp->uv);
    return err;
}

/* uv_run looks whether anything is left before it comes to on_prepare: where the last entry set a
 * timer and closed the last handle, it ends with the timer not armed. */
void loop_run(struct loop *lp)
{
    do {
        arm(lp);
        uv_run(&lp->uv, UV_RUN_DEFAULT);
    } while (!lp->stopped && wheel_next(&lp->wheel) != WHEEL_NEVER);
    lp->stopped = false;
}

void loop_stop(struct loop *lp)
{
    lp->stopped = true;
    uv_stop(&lp->uv);
}

static void count_closing(uv_handle_t *handle, void *count)
{
    *(unsigned *)count += uv_is_closing(handle) ? 1 : 0;
}

static unsigned closing(uv_loop_t *uv)
{
    unsigned count = 0;

    uv_walk(uv, count_closing, &count);
    return count;
}

int loop_close(struct loop *lp)
{
    int watched = poller_close(&lp->poller);
    mailbox_close(&lp->mail);
    uv_close((uv_handle_t *)&lp->timer, NULL);
    uv_close((uv_handle_t *)&lp->idle, NULL);
    uv_close((uv_handle_t *)&lp->prepare, NULL);
    while (closing(&lp->uv))
        uv_run(&lp->uv, UV_RUN_NOWAIT);
    int err = uv_loop_close(&lp->uv);
    if (err < 0 || watched < 0)
        return UV_EBUSY;
    mailbox_fini(&lp->mail);
    pool_fini(&lp->pool);
    free(lp->scratch);
    while (lp->block_count > 0)
        free(loop_block_get(lp));
    return 0;
}

uint8_t *loop_block_get(struct loop *lp)
{
    void *block = lp->blocks;
    if (!block)
        return mem_alloc(LOOP_SCRATCH);
    memcpy(&lp->blocks, block, sizeof(lp->blocks));
    lp->block_count--;
    return block;
}

void loop_block_put(struct loop *lp, uint8_t *block)
{
    if (lp->block_count == SPARE_BLOCKS) {
        free(block);
        return;
    }
    memcpy(block, &lp->blocks, sizeof(lp->blocks));
    lp->blocks = block;
    lp->block_count++;
}

void loop_post(struct loop *lp, struct task *t)
{
    if (!list_empty(&t->node))
        return;
    list_add(&lp->posted, &t->node);
    uv_idle_start(&lp->idle, on_idle);
}

void loop_unpost(struct loop *lp, struct task *t)
{
    list_del(&t->node);
    if (list_empty(&lp->posted))
        uv_idle_stop(&lp->idle);
}
