/* Messages that wait for their answer: see answer.h. Owns copies of them, each with its frames as
 * they came, masks and all. Never touches a journal, never sends. */
#include "session/answer.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/field.h"
#include "session/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct list node;
    struct mark end; /* in the up journal */
    size_t again;    /* where it ends in what went first last time; 0: it was not in that */
    unsigned resent; /* times that it had to be sent again */
    uint32_t wire, key;
    uint8_t bytes[]; /* its frames, then the text of its answer.key */
};

struct answers {
    const struct conf *conf;
    struct metrics *metrics;
    const struct journal *up, *down;
    struct reader read_up, read_down;
    struct list kept;
    size_t size;
    size_t written; /* of what went first last time */
    bool warned;
};

static struct kept *kept_of(struct list *node)
{
    return CONTAINER_OF(node, struct kept, node);
}

static size_t size_of(size_t wire, size_t key)
{
    return sizeof(struct kept) + wire + key;
}

static struct str key_of(const struct kept *k)
{
    return (struct str){(const char *)k->bytes + k->wire, k->key};
}

static bool is_same(struct str a, struct str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static struct str text_of(const struct buf *b)
{
    return b->len ? (struct str){(const char *)b->data, b->len} : STR("");
}

/* On the connection that there is, or was last. */
static bool is_sent(const struct answers *a, const struct kept *k)
{
    return k->again ? k->again <= a->written : k->end.off <= a->up->sent;
}

#ifdef WSKEEP_CHECK
static bool holds(bool ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "answers: broken: %s\n", what);
    return ok;
}

static bool answers_check(struct answers *a)
{
    uint64_t end = 0;
    size_t size = 0;
    bool order = true;
    for (struct list *n = a->kept.next; n != &a->kept; n = n->next) {
        order = order && kept_of(n)->end.off > end;
        end = kept_of(n)->end.off;
        size += size_of(kept_of(n)->wire, kept_of(n)->key);
    }
    return holds(order && end <= a->up->last.off, "A1 order") &&
           holds(size == a->size && size <= a->conf->answer.bytes, "A2 size");
}
#define CHECK(a) BUG_ON(!answers_check(a))
#else
#define CHECK(a) ((void)0)
#endif

/* --- keeping --- */

static void forget(struct answers *a, struct kept *k)
{
    a->size -= size_of(k->wire, k->key);
    list_del(&k->node);
    free(k);
}

static void unkept(struct answers *a, enum metric id, const char *why, size_t bytes)
{
    metric_add(a->metrics, id, 1);
    if (!a->warned)
        log_warn("answer_unkept", LOG_S("why", why), LOG_U("bytes", bytes), LOG_U("kept", a->size));
    a->warned = true;
}

/* A value that is empty names nothing. */
static void read_key(const struct answers *a, struct str json, struct buf *key)
{
    buf_clear(key);
    if (*a->conf->answer.key)
        field_read(json, a->conf->answer.key, key);
}

static void keep(struct answers *a, const struct message *m, struct str key)
{
    size_t wire = message_size(m), size = size_of(wire, key.n);
    if (size > a->conf->answer.bytes - a->size) {
        unkept(a, METRIC_ANSWERS_UNKEPT_FULL, "full", wire);
        return;
    }
    struct kept *k = mem_zalloc(size);
    k->end = m->end;
    k->wire = (uint32_t)wire;
    k->key = (uint32_t)key.n;
    message_wire(m, k->bytes);
    memcpy(k->bytes + wire, key.p, key.n);
    list_add(&a->kept, &k->node);
    a->size += size;
}

/* The next text that matches; its payload, of a long one the beginning. */
static bool next_match(const struct journal *j, struct reader *r, const struct match *match,
                       struct message *m, struct buf *payload)
{
    while (message_next(j, r, m)) {
        if (!m->text)
            continue;
        buf_clear(payload);
        message_payload(m, FRAME_CUT + 1, payload);
        if (field_matches(text_of(payload), match))
            return true;
    }
    return false;
}

void answers_up(struct answers *a)
{
    if (!a)
        return;
    struct message m;
    struct buf payload, key;
    buf_init(&payload);
    buf_init(&key);
    while (next_match(a->up, &a->read_up, &a->conf->answer.of, &m, &payload)) {
        if (!m.whole || payload.len > FRAME_CUT) {
            unkept(a, METRIC_ANSWERS_UNKEPT_LARGE, "large", message_size(&m));
            continue;
        }
        read_key(a, text_of(&payload), &key);
        keep(a, &m, text_of(&key));
    }
    buf_fini(&key);
    buf_fini(&payload);
    CHECK(a);
}

/* --- answering --- */

/* What an answer with this key is for; NULL: nothing that is kept. */
static struct kept *answered_by(struct answers *a, struct str key)
{
    struct kept *oldest = NULL, *nameless = NULL;
    bool one = true;
    for (struct list *n = a->kept.next; n != &a->kept; n = n->next) {
        struct kept *k = kept_of(n);
        if (!is_sent(a, k))
            continue;
        if (key.n > 0 && is_same(key_of(k), key))
            return k;
        if (!oldest)
            oldest = k;
        if (!nameless && k->key == 0)
            nameless = k;
        one = one && is_same(key_of(k), key_of(oldest));
    }
    if (nameless)
        return nameless;
    return key.n == 0 && one ? oldest : NULL;
}

struct mark answers_down(struct answers *a)
{
    struct mark had = {0};
    if (!a)
        return had;
    if (list_empty(&a->kept)) {
        message_skip(a->down, &a->read_down);
        return had;
    }
    struct message m;
    struct buf payload, key;
    buf_init(&payload);
    buf_init(&key);
    while (next_match(a->down, &a->read_down, &a->conf->answer.by, &m, &payload)) {
        read_key(a, text_of(&payload), &key);
        struct kept *k = answered_by(a, text_of(&key));
        if (!k)
            continue;
        if (k->end.off > had.off)
            had = k->end;
        forget(a, k);
    }
    buf_fini(&key);
    buf_fini(&payload);
    CHECK(a);
    return had;
}

/* --- the backend was lost --- */

static bool is_worn(struct answers *a)
{
    for (struct list *n = a->kept.next; n != &a->kept; n = n->next)
        if (is_sent(a, kept_of(n)) && kept_of(n)->resent >= a->conf->answer.attempts)
            return true;
    return false;
}

/* What had been given before, and never went, has been counted then. */
int answers_lost(struct answers *a, const struct known *known, size_t n_known, struct buf *first)
{
    const struct known *end = known + n_known;
    if (!a)
        return 0;
    if (is_worn(a))
        return ERR_GONE;
    for (struct list *n = a->kept.next; n != &a->kept; n = n->next) {
        struct kept *k = kept_of(n);
        bool sent = is_sent(a, k);
        k->resent += sent;
        if (k->end.off > a->up->acked.off)
            continue;
        while (known < end && known->end < k->end.off)
            known++;
        if (known < end && known->end == k->end.off) {
            k->again = known->at;
            continue;
        }
        metric_add(a->metrics, METRIC_UP_REPLAYED, sent);
        buf_add(first, k->bytes, k->wire);
        k->again = first->len;
    }
    a->written = 0;
    a->read_down = (struct reader){.at = a->down->last}; /* another backend begins with a message */
    CHECK(a);
    return 0;
}

void answers_written(struct answers *a, size_t gone)
{
    if (a)
        a->written = gone;
}

/* --- life --- */

struct answers *answers_new(const struct conf *conf, struct metrics *m, const struct journal *up,
                            const struct journal *down)
{
    if (!*conf->answer.of.field)
        return NULL;
    struct answers *a = mem_zalloc(sizeof(*a));
    a->conf = conf;
    a->metrics = m;
    a->up = up;
    a->down = down;
    a->read_up.at = up->last;
    a->read_down.at = down->last;
    list_init(&a->kept);
    return a;
}

void answers_free(struct answers *a)
{
    if (!a)
        return;
    while (!list_empty(&a->kept))
        forget(a, kept_of(a->kept.next));
    free(a);
}

bool answers_wait(const struct answers *a)
{
    return a && !list_empty(&a->kept);
}

size_t answers_charge(const struct answers *a)
{
    return a ? sizeof(*a) + a->size : 0;
}
