/* What a fresh backend connection gets first: see recall.h. */
#include "session/recall.h"
#include "base/mem.h"
#include "session/message.h"
#include <stdlib.h>

/* Of the preamble: a few words, as a login is. */
enum { PREAMBLE_MAX = 65536 };

struct recall {
    struct answers *answers; /* NULL: none are waited for */
    struct metrics *metrics;
    const struct journal *up;
    struct reader reader; /* of `up`, as far as the preamble goes */
    uint64_t left;        /* messages that the preamble still lacks */
    bool lacks;
    struct buf preamble; /* frames */
    struct buf known;    /* struct known, one a message of it */
    struct buf first;    /* begins with as much of the preamble as the journal does not send */
    size_t given;        /* messages of that */
    size_t charged;
};

static void charge(struct recall *r)
{
    size_t now = answers_charge(r->answers) + r->preamble.len + r->first.len;
    metric_add(r->metrics, METRIC_KEPT_BYTES, now - r->charged);
    r->charged = now;
}

static uint64_t messages_of(const struct conf *c)
{
    switch ((enum reconnect_state)c->reconnect.state) {
    case STATE_AUTO:
    case STATE_PREAMBLE:
        return c->reconnect.preamble;
    case STATE_STATELESS:
    case STATE_CONNECTION:
        break;
    }
    return 0;
}

struct recall *recall_new(const struct conf *conf, struct metrics *m, const struct journal *up,
                          const struct journal *down)
{
    struct answers *answers = answers_new(conf, m, up, down);
    uint64_t messages = messages_of(conf);
    if (!answers && messages == 0)
        return NULL;
    struct recall *r = mem_zalloc(sizeof(*r));
    *r = (struct recall){
        .answers = answers, .metrics = m, .up = up, .left = messages, .reader.at = up->last};
    charge(r);
    return r;
}

void recall_free(struct recall *r)
{
    if (!r)
        return;
    metric_sub(r->metrics, METRIC_KEPT_BYTES, r->charged);
    answers_free(r->answers);
    buf_fini(&r->preamble);
    buf_fini(&r->known);
    buf_fini(&r->first);
    free(r);
}

static void take(struct recall *r, const struct message *m)
{
    size_t n = message_size(m);
    if (!m->whole || n > PREAMBLE_MAX - r->preamble.len) {
        r->lacks = true;
        r->left = 0;
        return;
    }
    message_wire(m, buf_room(&r->preamble, n));
    r->preamble.len += n;
    r->left--;
    buf_add(&r->known, &(struct known){m->end.off, r->preamble.len}, sizeof(struct known));
}

void recall_up(struct recall *r)
{
    struct message m;
    if (!r)
        return;
    while (r->left > 0 && message_next(r->up, &r->reader, &m))
        take(r, &m);
    answers_up(r->answers);
    charge(r);
}

struct mark recall_down(struct recall *r, size_t gone)
{
    struct mark had = {0};
    if (!r)
        return had;
    answers_written(r->answers, gone);
    had = answers_down(r->answers);
    charge(r);
    return had;
}

bool recall_lacks(const struct recall *r)
{
    return r && r->lacks;
}

/* What the journal will not send again goes first. Returns how much of that goes again: what had
 * been given before, and never went, has been counted then. */
static uint64_t give_preamble(struct recall *r, size_t gone)
{
    const struct known *k = (const struct known *)r->known.data;
    size_t before = r->given, most = r->known.len / sizeof(*k);
    uint64_t again = 0;
    buf_clear(&r->first);
    for (r->given = 0; r->given < most && k[r->given].end <= r->up->acked.off; r->given++)
        again += r->given >= before || k[r->given].at <= gone;
    if (r->given > 0)
        buf_add(&r->first, r->preamble.data, k[r->given - 1].at);
    return again;
}

int recall_lost(struct recall *r, size_t gone)
{
    if (!r)
        return 0;
    uint64_t again = give_preamble(r, gone);
    answers_written(r->answers, gone);
    int err = answers_lost(r->answers, (const struct known *)r->known.data, r->given, &r->first);
    if (!err)
        metric_add(r->metrics, METRIC_UP_REPLAYED, again);
    charge(r);
    return err;
}

bool recall_waits(const struct recall *r)
{
    return r && answers_wait(r->answers);
}

struct str recall_first(const struct recall *r)
{
    return r ? (struct str){(const char *)r->first.data, r->first.len} : STR("");
}
