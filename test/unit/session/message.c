/* Reading messages from a journal: their bytes and payload at every cut of theirs and of the
 * journal's, and which of them are told of. */
#include "unit/session/message_rig.h"

static const bool both[] = {false, true};

/* A message of that wire behind `before` bytes of another. */
static void read_behind(const struct stream *s, size_t before, const char *text, bool in_place)
{
    struct rig r;
    struct reader reader = {0};
    struct message m;
    struct stream fill = {.masked = s->masked};
    rig_open(&r, true, s->masked);
    stream_fill(&fill, before);
    rig_feed(&r, fill.p, fill.n, in_place, SIZE_MAX);
    rig_feed(&r, s->p, s->n, in_place, SIZE_MAX);
    assert_true(message_next(&r.j, &reader, &m));
    assert_false(m.text);
    assert_true(message_next(&r.j, &reader, &m));
    assert_true(m.text && m.whole);
    assert_wire(&m, s->p, s->n);
    assert_payload(&m, text, strlen(text));
    assert_int_equal(m.end.off, before + s->n);
    assert_int_equal(m.end.messages, 2);
    assert_false(message_next(&r.j, &reader, &m));
    stream_free(&fill);
    rig_close(&r);
}

static void a_message_in_any_fragments_is_read_to_the_byte(void **state)
{
    (void)state;
    static const char text[] = "012345678";
    for (uint32_t cuts = 0; cuts < 1u << (sizeof(text) - 2); cuts++)
        for (size_t k = 0; k < COUNT(both); k++) {
            struct stream s = {.masked = both[k]};
            stream_cut(&s, text, strlen(text), cuts);
            read_behind(&s, 20, text, both[cuts % 2]);
            read_behind(&s, SMALL - cuts % 60, text, both[cuts % 2]);
            stream_free(&s);
        }
}

static void a_chunk_may_end_anywhere_in_a_message(void **state)
{
    (void)state;
    static const char text[] = "the quick brown fox jumps over";
    for (size_t k = 0; k < COUNT(both); k++)
        for (size_t p = 0; p < COUNT(both); p++) {
            struct stream s = {.masked = both[k]};
            stream_cut(&s, text, strlen(text), 1u << 12 | 1u << 3);
            for (size_t n = 0; n <= s.n + 1; n++)
                read_behind(&s, SMALL - n, text, both[p]);
            stream_free(&s);
        }
}

static void an_empty_fragment_adds_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(both); k++) {
        struct stream s = {.masked = both[k]};
        stream_put(&s, FRAME_TEXT, false, "", 0);
        stream_put(&s, FRAME_CONT, false, "ab", 2);
        stream_put(&s, FRAME_CONT, false, "", 0);
        stream_put(&s, FRAME_CONT, true, "", 0);
        read_behind(&s, 20, "ab", false);
        stream_free(&s);
    }
}

static void a_payload_of_any_length_is_unmasked(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,   1,   7,    8,    9,     15,    16,   125,
                                     126, 127, 1000, 4095, 16384, 65535, 65536};
    static uint8_t payload[65536];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (size_t k = 0; k < COUNT(both); k++) {
            struct rig r;
            struct reader reader = {0};
            struct message m;
            struct stream s = {.masked = both[k]};
            rig_open(&r, true, both[k]);
            stream_put(&s, FRAME_BINARY, true, payload, lengths[i]);
            rig_feed(&r, s.p, s.n, false, 1000);
            assert_true(message_next(&r.j, &reader, &m));
            assert_true(m.whole && !m.text);
            assert_wire(&m, s.p, s.n);
            assert_payload(&m, payload, lengths[i]);
            stream_free(&s);
            rig_close(&r);
        }
}

static void no_more_of_a_payload_is_read_than_is_asked_for(void **state)
{
    (void)state;
    static const char text[] = "0123456789";
    struct rig r;
    struct reader reader = {0};
    struct message m;
    struct stream s = {.masked = true};
    rig_open(&r, true, true);
    stream_cut(&s, text, 10, 1u << 3);
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_true(message_next(&r.j, &reader, &m));
    for (size_t most = 0; most <= 11; most++) {
        struct buf got;
        buf_init(&got);
        message_payload(&m, most, &got);
        assert_int_equal(got.len, most < 10 ? most : 10);
        if (got.len > 0)
            assert_memory_equal(got.data, text, got.len);
        buf_fini(&got);
    }
    stream_free(&s);
    rig_close(&r);
}

static void a_compressed_text_is_no_text(void **state)
{
    (void)state;
    struct rig r;
    struct reader reader = {0};
    struct message m;
    struct stream s = {0};
    rig_open(&r, true, false);
    frame_init(&r.f, false, true);
    stream_say(&s, "a");
    s.p[0] |= 0x40;
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_true(message_next(&r.j, &reader, &m));
    assert_false(m.text);
    stream_free(&s);
    rig_close(&r);
}

/* --- cut through --- */

/* Sends what is ready after each read of `size`; whether it is kept makes no difference. */
static void cut_through(bool keep, bool masked, size_t size, bool send)
{
    static uint8_t payload[200000];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 11 + i / 251);
    struct rig r;
    struct reader reader = {0};
    struct message m;
    struct stream s = {.masked = masked};
    uint64_t told = 0;
    rig_open(&r, keep, masked);
    stream_say(&s, "before");
    stream_put(&s, FRAME_TEXT, true, payload, sizeof(payload));
    stream_say(&s, "behind");
    for (size_t at = 0, n; at < s.n; at += n) {
        n = s.n - at < size ? s.n - at : size;
        rig_feed(&r, s.p + at, n, false, SIZE_MAX);
        while (message_next(&r.j, &reader, &m)) {
            told++;
            if (told == 2) {
                assert_int_equal(m.from.m.messages, 1);
                assert_false(m.whole);
                assert_payload(&m, payload, FRAME_CUT);
            } else {
                assert_true(m.whole);
                assert_payload(&m, told == 1 ? "before" : "behind", 6);
                assert_int_equal(m.end.messages, told);
            }
        }
        if (send)
            rig_drain(&r);
        assert_false(message_next(&r.j, &reader, &m));
    }
    assert_int_equal(told, 3);
    assert_int_equal(reader.at.off, r.j.end);
    stream_free(&s);
    rig_close(&r);
}

static void a_message_that_is_cut_through_is_told_of_once_by_its_beginning(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000, 4096, 50000, 65536};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (unsigned way = 0; way < 8; way++)
            cut_through(way & 1, way & 2, sizes[i], way & 4);
}

static void a_long_message_that_came_at_once_is_whole(void **state)
{
    (void)state;
    static uint8_t payload[70000];
    struct rig r;
    struct reader reader = {0};
    struct message m;
    struct stream s = {.masked = true};
    rig_open(&r, false, true);
    memset(payload, 'x', sizeof(payload));
    stream_put(&s, FRAME_TEXT, true, payload, sizeof(payload));
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_true(message_next(&r.j, &reader, &m));
    assert_true(m.whole);
    assert_payload(&m, payload, sizeof(payload));
    assert_false(message_next(&r.j, &reader, &m));
    stream_free(&s);
    rig_close(&r);
}

static void what_was_sent_unread_is_passed_over(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(both); k++)
        for (size_t part = 0; part < 2; part++) {
            struct rig r;
            struct reader reader = {0};
            struct message m;
            struct stream s = {.masked = true};
            rig_open(&r, both[k], true);
            stream_say(&s, "one");
            stream_say(&s, "two");
            size_t two = s.n;
            stream_say(&s, "six");
            rig_feed(&r, s.p, s.n, false, SIZE_MAX);
            journal_sent(&r.j, two - part);
            assert_true(message_next(&r.j, &reader, &m));
            assert_payload(&m, "six", 3);
            assert_int_equal(m.end.messages, 3);
            rig_feed(&r, s.p, s.n, false, SIZE_MAX);
            rig_drain(&r);
            assert_false(message_next(&r.j, &reader, &m));
            rig_feed(&r, s.p, two, false, SIZE_MAX);
            assert_true(message_next(&r.j, &reader, &m));
            assert_payload(&m, "one", 3);
            assert_int_equal(m.end.messages, 7);
            stream_free(&s);
            rig_close(&r);
        }
}

static void what_is_skipped_is_not_told_of_at_its_end_either(void **state)
{
    (void)state;
    static uint8_t payload[100000];
    struct stream s = {0};
    stream_say(&s, "before");
    stream_put(&s, FRAME_TEXT, true, payload, sizeof(payload));
    size_t end = s.n;
    stream_say(&s, "behind");
    for (size_t at = 0; at < end; at += 1009) {
        struct rig r;
        struct reader reader = {0};
        struct message m;
        rig_open(&r, true, false);
        rig_feed(&r, s.p, at, false, SIZE_MAX);
        message_skip(&r.j, &reader);
        bool began = r.j.ready > r.j.last.off;
        rig_feed(&r, s.p + at, s.n - at, false, SIZE_MAX);
        unsigned left = at == 0 ? 3 : began ? 1 : 2;
        for (unsigned i = 0; i < left; i++)
            assert_true(message_next(&r.j, &reader, &m));
        assert_payload(&m, "behind", 6);
        assert_int_equal(m.end.messages, 3);
        assert_false(message_next(&r.j, &reader, &m));
        rig_close(&r);
    }
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_any_fragments_is_read_to_the_byte),
        cmocka_unit_test(a_chunk_may_end_anywhere_in_a_message),
        cmocka_unit_test(an_empty_fragment_adds_nothing),
        cmocka_unit_test(a_payload_of_any_length_is_unmasked),
        cmocka_unit_test(no_more_of_a_payload_is_read_than_is_asked_for),
        cmocka_unit_test(a_compressed_text_is_no_text),
        cmocka_unit_test(a_message_that_is_cut_through_is_told_of_once_by_its_beginning),
        cmocka_unit_test(a_long_message_that_came_at_once_is_whole),
        cmocka_unit_test(what_was_sent_unread_is_passed_over),
        cmocka_unit_test(what_is_skipped_is_not_told_of_at_its_end_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
