/* Letters from other threads. Owns its lock and its uv_async_t, and the letters between
 * mailbox_send and their call. Never calls a letter while it holds the lock. */
#include "base/mailbox.h"

#include "base/err.h"

/* Takes all that is in the box, and calls each. */
static void deliver(struct mailbox *m, bool last)
{
    struct list letters;

    list_init(&letters);
    uv_mutex_lock(&m->lock);
    m->closed = last;
    list_splice(&letters, &m->letters);
    uv_mutex_unlock(&m->lock);
    if (m->entered)
        m->entered(m);
    while (!list_empty(&letters)) {
        struct letter *l = CONTAINER_OF(letters.next, struct letter, node);

        list_del(&l->node);
        l->fn(l);
    }
}

static void on_async(uv_async_t *async)
{
    deliver(CONTAINER_OF(async, struct mailbox, async), false);
}

int mailbox_open(struct mailbox *m, uv_loop_t *uv)
{
    list_init(&m->letters);
    m->closed = false;
    m->entered = NULL;
    int err = uv_mutex_init(&m->lock);
    if (err < 0)
        return err;
    err = uv_async_init(uv, &m->async, on_async);
    if (err < 0)
        uv_mutex_destroy(&m->lock);
    return err;
}

int mailbox_send(struct mailbox *m, struct letter *l)
{
    uv_mutex_lock(&m->lock);
    bool closed = m->closed, first = list_empty(&m->letters);
    if (!closed)
        list_add(&m->letters, &l->node);
    /* Under the lock: behind it the reader might have closed the handle already, and its loop. */
    if (!closed && first)
        uv_async_send(&m->async);
    uv_mutex_unlock(&m->lock);
    return closed ? ERR_CLOSED : 0;
}

void mailbox_close(struct mailbox *m)
{
    deliver(m, true);
    uv_close((uv_handle_t *)&m->async, NULL);
}

void mailbox_fini(struct mailbox *m)
{
    uv_mutex_destroy(&m->lock);
}
