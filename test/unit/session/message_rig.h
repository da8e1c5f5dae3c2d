/* Messages with a payload of the test's own, as a client masks them or as a backend sends them. */
#ifndef WSKEEP_TEST_MESSAGE_RIG_H
#define WSKEEP_TEST_MESSAGE_RIG_H

#include "unit/session/journal_rig.h"

#include "session/message.h"

static inline void stream_put(struct stream *s, uint8_t opcode, bool fin, const void *payload,
                              size_t n)
{
    static uint8_t salt;
    size_t before = s->n;
    stream_add(s, opcode, fin, n);
    struct frame_head h;
    uint8_t *p = s->p + before;
    assert_true(frame_head(p, s->n - before, &h) > 0);
    if (h.masked)
        for (size_t i = 0; i < 4; i++)
            p[h.len - 4u + i] = h.key[i] = (uint8_t)(salt += 89);
    for (size_t i = 0; i < n; i++)
        p[h.len + i] = (uint8_t)(((const uint8_t *)payload)[i] ^ (h.masked ? h.key[i % 4] : 0));
}

/* A text whose fragments end where `cuts` has a bit: bit i is behind byte i. */
static inline void stream_cut(struct stream *s, const void *payload, size_t n, uint32_t cuts)
{
    size_t from = 0;
    for (size_t i = 0; i + 1 < n; i++)
        if (i < 32 && cuts & 1u << i) {
            stream_put(s, from ? FRAME_CONT : FRAME_TEXT, false, (const char *)payload + from,
                       i + 1 - from);
            from = i + 1;
        }
    stream_put(s, from ? FRAME_CONT : FRAME_TEXT, true, (const char *)payload + from, n - from);
}

static inline void stream_say(struct stream *s, const char *text)
{
    stream_cut(s, text, strlen(text), 0);
}

static inline void assert_payload(const struct message *m, const void *want, size_t n)
{
    struct buf got;
    buf_init(&got);
    buf_adds(&got, "before");
    message_payload(m, SIZE_MAX, &got);
    assert_int_equal(got.len, n + 6);
    assert_memory_equal(got.data, "before", 6);
    if (n > 0)
        assert_memory_equal(got.data + 6, want, n);
    buf_fini(&got);
}

static inline void assert_wire(const struct message *m, const uint8_t *want, size_t n)
{
    assert_int_equal(message_size(m), n);
    uint8_t *got = malloc(n);
    message_wire(m, got);
    assert_memory_equal(got, want, n);
    free(got);
}

#endif
