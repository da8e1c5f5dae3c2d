/* A session's two journals with `answer` set: a client and a backend that speak JSON. */
#ifndef WSKEEP_TEST_ANSWER_RIG_H
#define WSKEEP_TEST_ANSWER_RIG_H

#include "unit/session/message_rig.h"

#include "base/err.h"
#include "session/answer.h"

#define ROOM        65536u
#define ASK(id, n)  "{\"type\":\"ask\",\"id\":" id ",\"n\":" #n "}"
#define NAMELESS(n) "{\"type\":\"ask\",\"n\":" #n "}"
#define DONE(id)    "{\"type\":\"done\",\"id\":" id "}"

struct talk {
    struct conf conf;
    struct metrics metrics;
    struct rig up, down;
    struct answers *a;
    struct buf first; /* what answers_lost gave last */
};

static inline void talk_open(struct talk *t, const char *key, uint64_t bytes, uint64_t attempts)
{
    *t = (struct talk){0};
    t->conf.answer.of.field = strdup("type");
    t->conf.answer.by.field = strdup("type");
    t->conf.answer.key = strdup(key);
    strings_add(&t->conf.answer.of.values, STR("ask"));
    strings_add(&t->conf.answer.by.values, STR("done"));
    strings_add(&t->conf.answer.by.values, STR("error"));
    t->conf.answer.bytes = bytes;
    t->conf.answer.attempts = attempts;
    rig_open(&t->up, true, true);
    rig_open(&t->down, false, false);
    t->a = answers_new(&t->conf, &t->metrics, &t->up.j, &t->down.j);
    assert_non_null(t->a);
    buf_init(&t->first);
}

static inline void talk_close(struct talk *t)
{
    answers_free(t->a);
    rig_close(&t->up);
    rig_close(&t->down);
    free(t->conf.answer.of.field);
    free(t->conf.answer.by.field);
    free(t->conf.answer.key);
    strings_fini(&t->conf.answer.of.values);
    strings_fini(&t->conf.answer.by.values);
    buf_fini(&t->first);
}

/* As a session does: looked at when it has come, then sent. */
static inline void talk_came_up(struct talk *t, const struct stream *s, bool send)
{
    rig_feed(&t->up, s->p, s->n, false, SIZE_MAX);
    answers_up(t->a);
    if (send)
        rig_drain(&t->up);
}

static inline void talk_up(struct talk *t, const char *text)
{
    struct stream s = {.masked = true};
    stream_say(&s, text);
    talk_came_up(t, &s, true);
    stream_free(&s);
}

static inline void talk_down(struct talk *t, const char *text)
{
    struct stream s = {0};
    stream_say(&s, text);
    rig_feed(&t->down, s.p, s.n, false, SIZE_MAX);
    answers_down(t->a);
    rig_drain(&t->down);
    stream_free(&s);
}

/* All that was sent is proven. */
static inline void talk_ack(struct talk *t)
{
    journal_ack(&t->up.j, rig_edge(&t->up, true));
}

static inline int talk_lose(struct talk *t)
{
    buf_clear(&t->first);
    int err = answers_lost(t->a, NULL, 0, &t->first);
    assert_int_equal(journal_rewind(&t->up.j), 0);
    return err;
}

/* What was given is written whole, then what the journal has. */
static inline void talk_resend(struct talk *t)
{
    answers_written(t->a, t->first.len);
    rig_drain(&t->up);
}

static inline uint64_t talk_count(struct talk *t, enum metric id)
{
    return metrics_sum(&(struct metrics *){&t->metrics}, 1, id);
}

/* The payloads of the frames in `first`, each followed by a line break. */
static inline void talk_first(const struct talk *t, struct buf *out)
{
    struct frame_head h;
    for (size_t at = 0; at < t->first.len; at += h.len + h.payload) {
        assert_true(frame_head(t->first.data + at, t->first.len - at, &h) > 0);
        for (size_t i = 0; i < h.payload; i++) {
            uint8_t c = t->first.data[at + h.len + i] ^ h.key[i % 4];
            buf_add(out, &c, 1);
        }
        buf_adds(out, h.fin ? "\n" : "");
    }
}

static inline void assert_first(const struct talk *t, const char *want)
{
    struct buf got;
    buf_init(&got);
    talk_first(t, &got);
    buf_add(&got, "", 1);
    assert_string_equal((char *)got.data, want);
    buf_fini(&got);
}

/* n bytes of JSON: the beginning, which ends in an open string, and what ends it. */
static inline char *long_text(const char *begin, size_t n)
{
    char *text = malloc(n + 1);
    memset(text, 'a', n);
    memcpy(text, begin, strlen(begin));
    memcpy(text + n - 2, "\"}", 3);
    return text;
}

#endif
