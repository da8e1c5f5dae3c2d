/* The splitter under test and what it hands on, in a journal that is a flat array; and the two ways
 * to read: into scratch, and straight into the journal. Included by one test, after cmocka. */
#ifndef TEST_UNIT_WIRE_FRAME_SINK_H
#define TEST_UNIT_WIRE_FRAME_SINK_H

#include "frame_model.h"
#include "wire/frame.h"

struct sink {
    const struct stream *s;
    struct frame f;
    struct known k;
    uint8_t *journal;
    bool bad;
    const char *how; /* it is read, with the figures that say it closer, and how far */
    size_t with[2], at;
};

#define MUST(k, cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_msg("%s, %s, %s %zu %zu, at %zu: " #cond, (k)->s->row->why,                       \
                     (k)->s->masked ? "masked" : "bare", (k)->how, (k)->with[0], (k)->with[1],     \
                     (k)->at);                                                                     \
    } while (0)

static void sink_init(struct sink *k, const struct stream *s, const char *how, size_t a, size_t b)
{
    *k = (struct sink){.s = s, .how = how, .with = {a, b}};
    k->journal = malloc(s->wire_len + s->want_len + FRAME_HEAD_MAX);
    frame_init(&k->f, s->masked, true);
}

static void sink_fini(struct sink *k)
{
    frame_fini(&k->f);
    free(k->journal);
}

static void sink_data(struct sink *k, const uint8_t *in, const struct frame_run *r)
{
    size_t start = k->k.end, len = r->head_len + r->len;
    MUST(k, start + len <= k->s->want_len);
    if (r->head_len > 0)
        memcpy(k->journal + start, r->head, r->head_len);
    if (r->len > 0)
        memmove(k->journal + start + r->head_len, in + r->skip, r->len);
    MUST(k, memcmp(k->journal + start, k->s->want + start, len) == 0);
    k->k.end += len;
    MUST(k, !r->has_edge || (r->edge <= len && (start + r->edge > k->k.ready)));
    MUST(k, r->has_end == (r->messages > 0) && (!r->has_end || (r->end <= r->edge && r->end > 0)));
    if (r->has_edge)
        k->k.ready = start + r->edge;
    if (r->has_end)
        k->k.last = start + r->end;
    k->k.messages += r->messages;
    k->k.accepted += r->accepted;
}

/* What a run brings is right as soon as it is there. */
static void sink_run(struct sink *k, const uint8_t *in, size_t taken, const struct frame_run *r)
{
    const uint8_t *want = k->s->control + k->k.control;
    switch (r->kind) {
    case FRAME_NONE:
        break;
    case FRAME_DATA:
        MUST(k, taken == r->skip + r->len);
        sink_data(k, in, r);
        break;
    case FRAME_CONTROL:
        MUST(k, k->k.control + 2 + r->len <= k->s->control_len);
        MUST(k, want[0] == r->opcode && want[1] == r->len);
        MUST(k, memcmp(want + 2, r->payload, r->len) == 0);
        k->k.control += 2 + r->len;
        break;
    case FRAME_BAD:
        MUST(k, r->code == 1002);
        k->bad = true;
        break;
    }
}

static void sink_take(struct sink *k, const uint8_t *in, size_t n)
{
    struct frame_run r;
    for (size_t done = 0; done < n && !k->bad;) {
        size_t taken = frame_next(&k->f, in + done, n - done, &r);
        MUST(k, taken <= n - done && (taken > 0 || r.kind == FRAME_BAD));
        sink_run(k, in + done, taken, &r);
        done += taken;
    }
}

/* All that is known of the stream's first n bytes. */
static void sink_holds(struct sink *k, size_t n)
{
    k->at = n;
    struct known want = model(k->s, n);
    MUST(k, !k->bad);
    MUST(k, k->k.end == want.end);
    MUST(k, k->k.ready == want.ready);
    MUST(k, k->k.last == want.last);
    MUST(k, k->k.messages == want.messages);
    MUST(k, k->k.accepted == want.accepted);
    MUST(k, k->k.control == want.control);
    MUST(k, frame_room(&k->f) == want.room);
    MUST(k, !want.between || !frame_aside(&k->f));
}

/* ---- two ways to read */

/* (a) Into scratch, cut at the given places; each piece ends where its storage does. */
static void by_scratch(const struct stream *s, const size_t *cuts, size_t count)
{
    struct sink k;
    size_t done = 0;
    sink_init(&k, s, "cut at", cuts[0], cuts[count - 1]);
    for (size_t i = 0; i <= count; i++) {
        size_t to = i < count ? cuts[i] : s->wire_len;
        uint8_t *piece = malloc(to - done + 1);
        memcpy(piece + 1, s->wire + done, to - done);
        sink_take(&k, piece + 1, to - done);
        free(piece);
        done = to;
        sink_holds(&k, done);
    }
    sink_fini(&k);
}

static void by_steps(const struct stream *s, size_t step)
{
    struct sink k;
    sink_init(&k, s, "in steps of", step, 0);
    for (size_t done = 0; done < s->wire_len;) {
        size_t n = s->wire_len - done < step ? s->wire_len - done : step;
        sink_take(&k, s->wire + done, n);
        done += n;
        sink_holds(&k, done);
    }
    sink_fini(&k);
}

/* One read straight into the journal: split segment by segment, what is kept moved down over what
 * is not. */
static void read_in_place(struct sink *k, size_t done, size_t n, size_t segment)
{
    struct frame_run r;
    uint8_t *at = k->journal + k->k.end, *end = at + n;
    memcpy(at, k->s->wire + done, n);
    while (at < end) {
        uint8_t *stop = (size_t)(end - at) > segment ? at + segment : end;
        while (at < stop) {
            size_t taken = frame_next(&k->f, at, (size_t)(stop - at), &r);
            MUST(k, k->journal + k->k.end + r.head_len <= at + r.skip);
            sink_run(k, at, taken, &r);
            at += taken;
        }
    }
}

/* (b) In place, up to `want` bytes a read, but for what comes while bytes are kept aside. */
static void in_place(const struct stream *s, size_t want, size_t segment)
{
    struct sink k;
    struct frame_run r;
    sink_init(&k, s, "in place, reads and segments of", want, segment);
    for (size_t done = 0; done < s->wire_len;) {
        if (frame_room(&k.f) == 0) {
            MUST(&k, frame_next(&k.f, NULL, 0, &r) == 0 && r.kind == FRAME_DATA && r.len == 0);
            sink_run(&k, NULL, 0, &r);
        }
        size_t n = s->wire_len - done < want ? s->wire_len - done : want;
        if (frame_aside(&k.f)) {
            n = 1;
            sink_take(&k, s->wire + done, n);
        } else {
            n = n < frame_room(&k.f) ? n : frame_room(&k.f);
            read_in_place(&k, done, n, segment);
        }
        done += n;
        sink_holds(&k, done);
    }
    sink_fini(&k);
}

#endif
