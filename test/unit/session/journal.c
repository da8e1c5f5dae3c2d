/* The journal to the byte: what goes in comes out, at every boundary of chunks and frames; what it
 * holds; its edges. */
#include "unit/session/journal_rig.h"

static const bool both[] = {false, true};

/* Runs `test` for masked and unmasked frames, copied and read in place. */
static void each_way(void (*test)(bool masked, bool in_place))
{
    for (size_t m = 0; m < COUNT(both); m++)
        for (size_t p = 0; p < COUNT(both); p++)
            test(both[m], both[p]);
}

/* --- what goes in comes out --- */

static void one_frame(bool masked, bool in_place)
{
    static const size_t payloads[] = {0, 1, 125, 126, 127, 65535, 65536};
    for (size_t i = 0; i < COUNT(payloads); i++) {
        struct stream s = {.masked = masked};
        struct rig r;
        rig_open(&r, false, masked);
        stream_text(&s, payloads[i]);
        rig_feed(&r, s.p, s.n, in_place, SIZE_MAX);
        assert_int_equal(r.j.ready, s.n);
        assert_memory_equal(r.flat, s.p, s.n);
        assert_int_equal(rig_peek(&r, 256, UINT64_MAX), s.n);
        rig_drain(&r);
        assert_int_equal(r.j.acked.messages, 1);
        assert_int_equal(r.pool.held, 0);
        rig_close(&r);
        stream_free(&s);
    }
}

static void a_frame_of_any_length_comes_out_as_it_went_in(void **state)
{
    (void)state;
    each_way(one_frame);
}

static void frames_at_a_chunks_end(bool masked, bool in_place)
{
    static const size_t totals[] = {SMALL - 1, SMALL,     SMALL + 1, 8 * SMALL - 1, 8 * SMALL,
                                    LARGE - 1, LARGE + 1, LARGE,     2 * LARGE,     2 * LARGE + 1};
    for (size_t i = 0; i < COUNT(totals); i++) {
        struct stream s = {.masked = masked};
        struct rig r;
        rig_open(&r, true, masked);
        for (int k = 0; k < 3; k++) {
            stream_fill(&s, totals[i]);
            rig_feed(&r, s.p + s.n - totals[i], totals[i], in_place, SIZE_MAX);
        }
        assert_int_equal(rig_peek(&r, 256, UINT64_MAX), 3 * totals[i]);
        assert_memory_equal(r.flat, s.p, s.n);
        for (uint64_t k = 1; k <= 3; k++) {
            rig_peek(&r, 256, UINT64_MAX);
            journal_sent(&r.j, totals[i] - 1);
            assert_int_equal(rig_edge(&r, false).off, k * totals[i]);
            assert_int_equal(journal_sent_messages(&r.j), k - 1);
            journal_sent(&r.j, 1);
            journal_ack(&r.j, rig_edge(&r, true));
            assert_int_equal(r.j.base, k * totals[i]);
        }
        assert_int_equal(r.pool.held, 0);
        rig_close(&r);
        stream_free(&s);
    }
}

static void frames_that_fill_a_chunk_to_a_byte_are_sent_and_acked_one_by_one(void **state)
{
    (void)state;
    each_way(frames_at_a_chunks_end);
}

/* The second frame's head begins k bytes before the end of the first chunk. */
static void head_across_chunks(bool masked, bool in_place)
{
    static const size_t payloads[] = {0, 125, 126, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT(payloads); i++)
        for (size_t k = 0; k <= FRAME_HEAD_MAX; k++) {
            struct stream s = {.masked = masked};
            struct rig r;
            rig_open(&r, true, masked);
            stream_fill(&s, SMALL - k);
            rig_feed(&r, s.p, s.n, in_place, SIZE_MAX);
            stream_text(&s, payloads[i]);
            stream_text(&s, 5);
            rig_feed(&r, s.p + SMALL - k, s.n - (SMALL - k), in_place, SIZE_MAX);
            journal_sent(&r.j, SMALL - k + 1);
            struct mark m = rig_edge(&r, true);
            assert_int_equal(m.messages, 2);
            assert_int_equal(m.off, r.j.end - 7 - (masked ? 4 : 0));
            rig_peek(&r, 256, UINT64_MAX);
            rig_close(&r);
            stream_free(&s);
        }
}

static void a_head_that_lies_across_chunks_is_read(void **state)
{
    (void)state;
    each_way(head_across_chunks);
}

static void a_control_frame_in_the_room_is_closed_over_at_every_place(void **state)
{
    (void)state;
    for (size_t first = 140; first < 2 * SMALL; first++)
        for (size_t ping = 0; ping <= 125; ping += 25) {
            struct stream s = {0};
            struct rig r;
            rig_open(&r, true, false);
            stream_fill(&s, first);
            stream_add(&s, FRAME_PING, true, ping);
            stream_text(&s, 600);
            stream_add(&s, FRAME_PONG, true, 0);
            stream_text(&s, 3);
            rig_feed(&r, s.p, s.n, true, SIZE_MAX);
            assert_int_equal(r.j.end, s.n - (2 + ping) - 2);
            assert_memory_equal(r.flat, s.p, first);
            assert_memory_equal(r.flat + first, s.p + first + 2 + ping, 604);
            assert_int_equal(rig_peek(&r, 256, UINT64_MAX), r.j.end);
            assert_int_equal(r.j.last.messages, 3);
            rig_close(&r);
            stream_free(&s);
        }
}

static void bytes_read_into_the_room_are_not_moved(void **state)
{
    (void)state;
    struct stream s = {.masked = true};
    struct rig r;
    struct iovec v[8], w[8];
    rig_open(&r, false, true);
    stream_text(&s, 20000);
    int n = journal_room(&r.j, v, 8, s.n);
    assert_int_equal(n, 2);
    memcpy(v[0].iov_base, s.p, v[0].iov_len);
    memcpy(v[1].iov_base, s.p + v[0].iov_len, v[1].iov_len);
    rig_take(&r, v[0].iov_base, v[0].iov_len);
    rig_take(&r, v[1].iov_base, v[1].iov_len);
    journal_append(&r.j, NULL, NULL);
    assert_int_equal(journal_peek(&r.j, w, 8, UINT64_MAX), 2);
    assert_memory_equal(v, w, 2 * sizeof(*v));
    rig_close(&r);
    stream_free(&s);
}

static void long_frame(bool masked, bool in_place)
{
    struct stream s = {.masked = masked};
    struct rig r;
    rig_open(&r, true, masked);
    stream_text(&s, 2 * FRAME_CUT + 100);
    rig_feed(&r, s.p, s.n, in_place, 10000);
    rig_drain(&r);
    size_t head = masked ? 14 : 10, key = masked ? 4 : 0;
    assert_int_equal(r.j.end, 2 * (head + FRAME_CUT) + 2 + key + 100);
    const uint8_t *f = r.flat, *p = s.p + head;
    static const uint8_t first[] = {FRAME_TEXT, FRAME_CONT, 0x80 | FRAME_CONT};
    for (size_t i = 0; i < 3; i++) {
        size_t len = i < 2 ? FRAME_CUT : 100;
        assert_int_equal(*f, first[i]);
        f += i < 2 ? head : 2 + key;
        assert_memory_equal(f, p, len);
        f += len;
        p += len;
    }
    rig_close(&r);
    stream_free(&s);
}

static void a_long_frame_lies_there_in_fragments(void **state)
{
    (void)state;
    each_way(long_frame);
}

/* --- capacity --- */

static void a_small_journal_holds_small_chunks_and_an_empty_one_none(void **state)
{
    (void)state;
    static const struct {
        size_t total;
        uint32_t charge;
        const char *why;
    } rows[] = {
        {64, POOL_SMALL, "ten thousand sessions with a message each"},
        {SMALL, POOL_SMALL, "just full"},
        {SMALL + 1, 2 * POOL_SMALL, "a small remainder"},
        {2047, 5 * POOL_SMALL, "still small"},
        {2048, POOL_LARGE, "worth a large one"},
        {SMALL + 2048, POOL_LARGE, "one append: one large one"},
        {LARGE + 10, 2 * POOL_LARGE, "a large one is out already"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stream s = {0};
        struct rig r;
        rig_open(&r, true, false);
        stream_fill(&s, rows[i].total);
        rig_feed(&r, s.p, s.n, false, SIZE_MAX);
        if (r.j.charge != rows[i].charge)
            fail_msg("%s: %u", rows[i].why, r.j.charge);
        assert_int_equal(r.pool.held, r.j.charge);
        rig_drain(&r);
        assert_int_equal(r.j.charge, rows[i].charge);
        journal_ack(&r.j, rig_edge(&r, true));
        assert_int_equal(r.j.charge, 0);
        assert_null(r.j.head);
        rig_close(&r);
        stream_free(&s);
    }
}

static void a_journal_that_grows_by_small_messages_takes_large_chunks_in_the_end(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    for (int i = 0; i < 100; i++)
        stream_text(&s, 62);
    rig_feed(&r, s.p, s.n, false, 64);
    assert_int_equal(r.j.charge, 8 * POOL_SMALL + POOL_LARGE);
    rig_close(&r);
    stream_free(&s);
}

static void room_that_is_not_used_goes_back(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    struct iovec v[8];
    rig_open(&r, true, false);
    assert_int_equal(journal_room(&r.j, v, 8, 4096), 1);
    assert_int_equal(v[0].iov_len, 4096);
    assert_int_equal(r.j.charge, POOL_LARGE);
    assert_true(journal_check(&r.j));
    journal_append(&r.j, NULL, NULL);
    assert_int_equal(r.pool.held, 0);

    stream_text(&s, 98);
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_int_equal(journal_room(&r.j, v, 8, 65536), 5);
    assert_int_equal(v[0].iov_len, SMALL - 100);
    assert_int_equal(journal_room(&r.j, v, 2, 65536), 2);
    journal_append(&r.j, NULL, NULL);
    assert_int_equal(r.pool.held, POOL_SMALL);

    journal_room(&r.j, v, 8, 65536);
    rig_drain(&r);
    journal_ack(&r.j, rig_edge(&r, true));
    assert_true(r.j.base == r.j.end && r.j.head);
    journal_append(&r.j, NULL, NULL);
    assert_int_equal(r.pool.held, 0);
    rig_close(&r);
    stream_free(&s);
}

static void what_is_not_kept_is_freed_as_it_is_sent(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, false, false);
    stream_text(&s, 4 * LARGE - 4);
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_int_equal(r.pool.held, 4 * POOL_LARGE);
    journal_sent(&r.j, LARGE - 1);
    assert_int_equal(r.pool.held, 4 * POOL_LARGE);
    journal_sent(&r.j, 1);
    assert_int_equal(r.pool.held, 3 * POOL_LARGE);
    assert_int_equal(r.j.acked.messages, 0);
    journal_sent(&r.j, 3 * LARGE);
    assert_int_equal(r.pool.held, 0);
    assert_int_equal(r.j.acked.messages, 1);
    rig_close(&r);
    stream_free(&s);
}

static void full_is_what_is_unsent_and_not_what_is_kept(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    stream_fill(&s, 100);
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_true(journal_full(&r.j, 100));
    assert_false(journal_full(&r.j, 101));
    journal_sent(&r.j, 1);
    assert_false(journal_full(&r.j, 100));
    rig_close(&r);
    stream_free(&s);
}

/* --- edges --- */

/* Two fragments of 10 bytes, then a message of 20, all told 12, 24 and 46 bytes in; then a frame
 * whose end has not come. */
static void stream_edges(struct stream *s)
{
    stream_add(s, FRAME_TEXT, false, 10);
    stream_add(s, FRAME_CONT, true, 10);
    stream_text(s, 20);
    stream_text(s, 50);
    s->n -= 1;
}

static void the_first_edge_is_told_from_every_place(void **state)
{
    (void)state;
    static const uint64_t frames[] = {0, 12, 24, 46}, messages[] = {0, 24, 46};
    for (uint64_t sent = 0; sent <= 46; sent++) {
        struct stream s = {0};
        struct rig r;
        size_t f = 0, m = 0;
        rig_open(&r, true, false);
        stream_edges(&s);
        rig_feed(&r, s.p, s.n, false, SIZE_MAX);
        assert_int_equal(r.j.ready, 46);
        journal_sent(&r.j, sent);
        while (frames[f] < sent)
            f++;
        while (messages[m] < sent)
            m++;
        assert_int_equal(rig_edge(&r, false).off, frames[f]);
        assert_int_equal(rig_edge(&r, false).messages, f < 2 ? 0 : f - 1);
        assert_int_equal(rig_edge(&r, true).off, messages[m]);
        assert_int_equal(rig_edge(&r, true).messages, m);
        assert_int_equal(journal_open(&r.j), messages[m] != sent);
        assert_int_equal(journal_sent_messages(&r.j), messages[m] == sent ? m : m - 1);
        rig_close(&r);
        stream_free(&s);
    }
}

static void a_message_edge_that_has_not_come_is_not_told(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    struct mark m;
    rig_open(&r, true, false);
    stream_text(&s, 3 * FRAME_CUT);
    rig_feed(&r, s.p, s.n - 1, false, SIZE_MAX);
    assert_true(journal_edge(&r.j, true, &m)); /* the beginning */
    journal_sent(&r.j, 1);
    assert_int_equal(rig_edge(&r, false).off, 10 + FRAME_CUT);
    assert_false(journal_edge(&r.j, true, &m));
    rig_feed(&r, s.p + s.n - 1, 1, false, SIZE_MAX);
    assert_int_equal(rig_edge(&r, true).off, 3 * (10 + FRAME_CUT));
    journal_sent(&r.j, FRAME_CUT);
    assert_int_equal(rig_edge(&r, true).off, 3 * (10 + FRAME_CUT));
    rig_close(&r);
    stream_free(&s);
}

static void peek_stops_at_the_offset_and_at_what_the_vector_holds(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    stream_fill(&s, 2000);
    rig_feed(&r, s.p, s.n, false, SIZE_MAX);
    assert_int_equal(rig_peek(&r, 2, UINT64_MAX), 2 * SMALL);
    assert_int_equal(rig_peek(&r, 0, UINT64_MAX), 0);
    for (uint64_t upto = 0; upto <= 2001; upto++)
        assert_int_equal(rig_peek(&r, 8, upto), upto < 2000 ? upto : 2000);
    journal_sent(&r.j, 700);
    assert_int_equal(rig_peek(&r, 8, 699), 0);
    assert_int_equal(rig_peek(&r, 8, 700), 0);
    assert_int_equal(rig_peek(&r, 8, 701), 1);
    rig_close(&r);
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_any_length_comes_out_as_it_went_in),
        cmocka_unit_test(frames_that_fill_a_chunk_to_a_byte_are_sent_and_acked_one_by_one),
        cmocka_unit_test(a_head_that_lies_across_chunks_is_read),
        cmocka_unit_test(a_control_frame_in_the_room_is_closed_over_at_every_place),
        cmocka_unit_test(bytes_read_into_the_room_are_not_moved),
        cmocka_unit_test(a_long_frame_lies_there_in_fragments),
        cmocka_unit_test(a_small_journal_holds_small_chunks_and_an_empty_one_none),
        cmocka_unit_test(a_journal_that_grows_by_small_messages_takes_large_chunks_in_the_end),
        cmocka_unit_test(room_that_is_not_used_goes_back),
        cmocka_unit_test(what_is_not_kept_is_freed_as_it_is_sent),
        cmocka_unit_test(full_is_what_is_unsent_and_not_what_is_kept),
        cmocka_unit_test(the_first_edge_is_told_from_every_place),
        cmocka_unit_test(a_message_edge_that_has_not_come_is_not_told),
        cmocka_unit_test(peek_stops_at_the_offset_and_at_what_the_vector_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
