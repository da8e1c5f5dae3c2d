/* Letters from other threads. A sender wakes the loop only where the box was empty; the reader
 * takes all that is in it under the lock and works without it. */
#ifndef WSKEEP_BASE_MAILBOX_H
#define WSKEEP_BASE_MAILBOX_H

#include "base/list.h"
#include <uv.h>

struct letter;
typedef void letter_fn(struct letter *l); /* owns the letter from here on */

struct letter {
    struct list node;
    letter_fn *fn;
};

struct mailbox {
    uv_async_t async;
    uv_mutex_t lock;
    struct list letters;
    bool closed;
    /* NULL, or called before each round of letters: the loop's, to read its clock. */
    void (*entered)(struct mailbox *m);
};

int mailbox_open(struct mailbox *m, uv_loop_t *uv);
/* From any thread. 0, or ERR_CLOSED: then the letter is still the sender's. */
int mailbox_send(struct mailbox *m, struct letter *l);
/* On its own loop, and not from a letter; letters still in it are delivered first. The storage may
 * go once the loop has run its close callbacks (uv_loop_close tells). mailbox_fini: after that. */
void mailbox_close(struct mailbox *m);
void mailbox_fini(struct mailbox *m);

#endif
