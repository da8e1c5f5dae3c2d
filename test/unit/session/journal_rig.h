/* What the journal's tests share: a stream of frames to feed, a leg's way of feeding it, and all
 * that went in as one flat array to compare with. */
#ifndef WSKEEP_TEST_JOURNAL_RIG_H
#define WSKEEP_TEST_JOURNAL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"
#include "session/journal.h"
#include "wire/frame.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define SMALL    (POOL_SMALL - sizeof(struct chunk))
#define LARGE    (POOL_LARGE - sizeof(struct chunk))

/* Frames as a peer sends them. */
struct stream {
    uint8_t *p;
    size_t n, cap;
    bool masked;
};

static inline void stream_add(struct stream *s, uint8_t opcode, bool fin, size_t payload)
{
    struct frame_head h = {.payload = payload,
                           .opcode = opcode,
                           .fin = fin,
                           .masked = s->masked,
                           .key = {1, 2, 3, (uint8_t)s->n}};
    if (s->n + FRAME_HEAD_MAX + payload > s->cap) {
        s->cap = 2 * (s->n + FRAME_HEAD_MAX + payload);
        s->p = realloc(s->p, s->cap);
    }
    s->n += frame_head_write(&h, s->p + s->n);
    for (size_t i = 0; i < payload; i++, s->n++)
        s->p[s->n] = (uint8_t)(s->n ^ s->n >> 8 ^ s->n >> 16);
}

static inline void stream_text(struct stream *s, size_t payload)
{
    stream_add(s, FRAME_TEXT, true, payload);
}

/* A frame of `total` bytes, head and all. */
static inline void stream_fill(struct stream *s, size_t total)
{
    size_t before = s->n, mask = s->masked ? 4 : 0;
    size_t head = mask + (total - mask - 2 < 126 ? 2 : total - mask - 4 < 65536 ? 4 : 10);
    stream_add(s, FRAME_BINARY, true, total - head);
    assert_int_equal(s->n - before, total);
}

static inline void stream_free(struct stream *s)
{
    free(s->p);
    *s = (struct stream){.masked = s->masked};
}

struct rig {
    struct pool pool;
    struct journal j;
    struct frame f;
    uint8_t *flat; /* all that was appended, by offset */
    size_t flat_cap;
};

static inline void rig_open(struct rig *r, bool keep, bool masked)
{
    pool_init(&r->pool);
    journal_init(&r->j, &r->pool, keep);
    frame_init(&r->f, masked, false);
    r->flat_cap = 1024;
    r->flat = malloc(r->flat_cap);
}

static inline void rig_close(struct rig *r)
{
    journal_fini(&r->j);
    frame_fini(&r->f);
    assert_int_equal(r->pool.held, 0);
    pool_fini(&r->pool);
    free(r->flat);
}

static inline void rig_flat(struct rig *r, uint64_t off, const uint8_t *p, size_t n)
{
    if (off + n > r->flat_cap) {
        r->flat_cap = 2 * (off + n);
        r->flat = realloc(r->flat, r->flat_cap);
    }
    if (n > 0)
        memcpy(r->flat + off, p, n);
}

/* The flat copy is made first: bytes in the room may move. */
static inline void rig_append(struct rig *r, const uint8_t *p, const struct frame_run *run)
{
    uint64_t end = r->j.end;
    rig_flat(r, end, run->head, run->head_len);
    if (run->len > 0)
        rig_flat(r, end + run->head_len, p + run->skip, run->len);
    journal_append(&r->j, p, run);
    assert_int_equal(r->j.end, end + run->head_len + run->len);
}

static inline void rig_take(struct rig *r, const uint8_t *p, size_t n)
{
    while (n > 0) {
        struct frame_run run;
        size_t used = frame_next(&r->f, p, n, &run);
        assert_int_not_equal(run.kind, FRAME_BAD);
        if (run.kind == FRAME_DATA)
            rig_append(r, p, &run);
        p += used;
        n -= used;
    }
}

/* One read from a scratch buffer, which is overwritten behind it. */
static inline void rig_copied(struct rig *r, const uint8_t *p, size_t n)
{
    if (n == 0)
        return;
    uint8_t *scratch = malloc(n);
    memcpy(scratch, p, n);
    rig_take(r, scratch, n);
    memset(scratch, 0xee, n);
    free(scratch);
}

/* One read of up to n bytes into room for `want`; how many went. */
static inline size_t rig_placed(struct rig *r, const uint8_t *p, size_t n, size_t want)
{
    struct iovec v[160];
    if (frame_room(&r->f) == 0) {
        struct frame_run run;
        frame_next(&r->f, NULL, 0, &run);
        rig_append(r, NULL, &run);
    }
    if (want > frame_room(&r->f))
        want = frame_room(&r->f);
    int segments = journal_room(&r->j, v, (int)COUNT(v), want);
    size_t done = 0, room = 0, lengths[COUNT(v)];
    for (int i = 0; i < segments; i++) {
        lengths[i] = v[i].iov_len < n - done ? v[i].iov_len : n - done;
        memcpy(v[i].iov_base, p + done, lengths[i]);
        done += lengths[i];
        room += v[i].iov_len;
    }
    assert_int_equal(room, want);
    for (int i = 0; i < segments; i++)
        rig_take(r, v[i].iov_base, lengths[i]);
    journal_append(&r->j, NULL, NULL);
    return done;
}

/* All of it, in reads of `size`, as a leg would. */
static inline void rig_feed(struct rig *r, const uint8_t *p, size_t n, bool in_place, size_t size)
{
    while (n > 0) {
        size_t k = n < size ? n : size;
        if (in_place && !frame_aside(&r->f))
            k = rig_placed(r, p, k, size < FRAME_CUT ? size : FRAME_CUT);
        else
            rig_copied(r, p, k);
        p += k;
        n -= k;
    }
}

/* n messages of `total` bytes each. */
static inline void rig_messages(struct rig *r, size_t n, size_t total)
{
    struct stream s = {0};
    for (size_t i = 0; i < n; i++)
        stream_fill(&s, total);
    rig_feed(r, s.p, s.n, false, SIZE_MAX);
    stream_free(&s);
}

/* What peek offers is what was appended there; how many bytes it offers. */
static inline size_t rig_peek(const struct rig *r, int max, uint64_t upto)
{
    struct iovec v[256];
    int n = journal_peek(&r->j, v, max < (int)COUNT(v) ? max : (int)COUNT(v), upto);
    size_t sum = 0;
    for (int i = 0; i < n; i++) {
        assert_true(v[i].iov_len > 0);
        assert_memory_equal(v[i].iov_base, r->flat + r->j.sent + sum, v[i].iov_len);
        sum += v[i].iov_len;
    }
    assert_true(r->j.sent + sum <= r->j.ready);
    return sum;
}

/* Sends all that is ready. */
static inline void rig_drain(struct rig *r)
{
    while (r->j.sent < r->j.ready)
        journal_sent(&r->j, rig_peek(r, 64, UINT64_MAX));
}

static inline struct mark rig_edge(struct rig *r, bool message)
{
    struct mark m = {UINT64_MAX, UINT64_MAX};
    assert_true(journal_edge(&r->j, message, &m));
    return m;
}

#endif
