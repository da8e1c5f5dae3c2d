/* What the journal keeps: acks, rewinds, cuts, what is given up, and what tears it. */
#include "unit/session/journal_rig.h"

#include "base/err.h"

static void an_ack_frees_whole_chunks_and_an_older_one_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, true, false);
    rig_messages(&r, 10, 100);
    rig_drain(&r);
    assert_int_equal(r.j.charge, 3 * POOL_SMALL);
    journal_ack(&r.j, (struct mark){400, 4});
    assert_int_equal(r.j.charge, 3 * POOL_SMALL);
    journal_ack(&r.j, (struct mark){500, 5});
    assert_int_equal(r.j.charge, 2 * POOL_SMALL);
    journal_ack(&r.j, (struct mark){400, 4});
    journal_ack(&r.j, (struct mark){500, 5});
    assert_int_equal(r.j.acked.off, 500);
    assert_int_equal(r.j.acked.messages, 5);
    assert_int_equal(r.j.charge, 2 * POOL_SMALL);
    journal_ack(&r.j, (struct mark){1000, 10});
    assert_int_equal(r.j.charge, 0);
    rig_close(&r);
}

static void a_rewind_sends_again_what_is_not_acked_from_a_message_on(void **state)
{
    (void)state;
    for (size_t sent = 300; sent <= 1000; sent++) {
        struct rig r;
        rig_open(&r, true, false);
        rig_messages(&r, 10, 100);
        journal_sent(&r.j, sent);
        journal_ack(&r.j, (struct mark){300, 3});
        assert_int_equal(journal_rewind(&r.j), 0);
        assert_int_equal(r.j.sent, 300);
        assert_int_equal(journal_sent_messages(&r.j), 3);
        assert_int_equal(rig_edge(&r, true).off, 300);
        assert_int_equal(rig_peek(&r, 8, UINT64_MAX), 700);
        journal_sent(&r.j, 350);
        assert_int_equal(rig_edge(&r, true).messages, 7);
        rig_drain(&r);
        assert_int_equal(rig_edge(&r, true).messages, 10);
        rig_close(&r);
    }
}

static void what_is_not_kept_goes_on_after_a_rewind_but_never_inside_a_message(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, false, false);
    rig_messages(&r, 3, 100);
    assert_int_equal(journal_rewind(&r.j), 0);
    for (int i = 1; i <= 100; i++) {
        journal_sent(&r.j, 1);
        assert_int_equal(journal_rewind(&r.j), i < 100 ? ERR_TORN : 0);
        assert_int_equal(r.j.sent, i);
        assert_int_equal(r.j.acked.messages, i / 100);
    }
    rig_close(&r);
}

static void a_cut_takes_what_is_not_ready_and_its_chunks(void **state)
{
    (void)state;
    struct stream s = {0};
    for (size_t whole = 140; whole < 1200; whole++) {
        struct rig r;
        rig_open(&r, true, false);
        s.n = 0;
        stream_fill(&s, whole);
        stream_text(&s, 5000);
        rig_feed(&r, s.p, s.n - 1, false, 700);
        assert_int_equal(journal_cut(&r.j), 5003);
        assert_int_equal(r.j.end, whole);
        assert_int_equal(r.j.charge, (whole + SMALL - 1) / SMALL * POOL_SMALL);
        assert_int_equal(journal_cut(&r.j), 0);
        assert_int_equal(rig_peek(&r, 8, UINT64_MAX), whole);
        rig_drain(&r);
        frame_init(&r.f, false, false);
        rig_messages(&r, 1, 300);
        assert_int_equal(rig_peek(&r, 8, UINT64_MAX), 300);
        rig_close(&r);
    }
    stream_free(&s);
}

/* Of a long message the first fragments are ready before its end. */
static void cut_long(size_t sent_of_it, bool stays)
{
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    stream_fill(&s, 100);
    size_t whole = s.n;
    stream_text(&s, 3 * FRAME_CUT);
    rig_feed(&r, s.p, s.n - 10, false, SIZE_MAX);
    assert_true(r.j.ready > r.j.last.off);
    journal_sent(&r.j, whole + sent_of_it);
    uint64_t ready = r.j.ready, end = r.j.end;
    assert_int_equal(journal_cut(&r.j), end - (stays ? ready : whole));
    assert_int_equal(r.j.ready, stays ? ready : whole);
    assert_int_equal(r.j.end, r.j.ready);
    assert_int_equal(journal_rewind(&r.j), 0);
    assert_int_equal(rig_peek(&r, 256, UINT64_MAX), r.j.ready);
    assert_int_equal(journal_cut(&r.j), stays ? ready - whole : 0); /* it goes again: nobody has */
    assert_int_equal(rig_peek(&r, 256, UINT64_MAX), whole);
    frame_fini(&r.f);
    frame_init(&r.f, false, false);
    rig_messages(&r, 1, 300);
    assert_int_equal(rig_peek(&r, 256, UINT64_MAX), whole + 300);
    rig_close(&r);
    stream_free(&s);
}

static void a_cut_takes_a_message_that_was_begun_unless_some_of_it_was_sent(void **state)
{
    (void)state;
    cut_long(0, false);
    cut_long(1, true);
    cut_long(FRAME_CUT + 10, true);
}

static void what_was_sent_whole_is_known_at_every_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, 2, 700, 3, 200};
    struct stream s = {0};
    struct rig r;
    for (uint64_t acked = 0; acked < COUNT(sizes); acked++) {
        uint64_t off = 0, messages = 0;
        rig_open(&r, true, false);
        s.n = 0;
        for (size_t i = 0; i < COUNT(sizes); i++) {
            stream_add(&s, FRAME_TEXT, false, sizes[i]);
            stream_add(&s, FRAME_CONT, true, 1);
        }
        rig_feed(&r, s.p, s.n, false, SIZE_MAX);
        for (uint64_t at = 1; at <= s.n; at++) {
            journal_sent(&r.j, 1);
            if (!journal_open(&r.j)) {
                off = at;
                messages++;
                if (messages == acked)
                    journal_ack(&r.j, (struct mark){off, messages});
            }
            struct mark m = journal_whole(&r.j);
            assert_int_equal(m.off, off);
            assert_int_equal(m.messages, messages);
        }
        assert_int_equal(messages, COUNT(sizes));
        rig_close(&r);
    }
    stream_free(&s);
}

static void a_cut_takes_the_room_too(void **state)
{
    (void)state;
    struct rig r;
    struct iovec v[8];
    rig_open(&r, true, false);
    journal_room(&r.j, v, 8, 65536);
    assert_int_equal(journal_cut(&r.j), 0);
    assert_int_equal(r.pool.held, 0);
    rig_messages(&r, 1, 100);
    journal_room(&r.j, v, 8, 65536);
    journal_cut(&r.j);
    journal_append(&r.j, NULL, NULL);
    assert_int_equal(r.pool.held, POOL_SMALL);
    rig_close(&r);
}

/* --- giving up --- */

static void no_more_is_given_up_than_the_limit_needs_and_tcp_has_taken(void **state)
{
    (void)state;
    static const struct {
        size_t limit;
        uint64_t taken, acked;
        const char *why;
    } rows[] = {
        {1000, 1000, 0, "not beyond the limit"},
        {999, 1000, 100, "a byte beyond: a message"},
        {900, 1000, 100, "just enough"},
        {899, 1000, 200, "a byte more: another message"},
        {899, 199, 100, "the second is not taken to its end"},
        {899, 200, 200, "it is"},
        {500, 99, 0, "nothing is taken to its end"},
        {500, 0, 0, "nothing is taken"},
        {0, 1000, 1000, "no limit is too small"},
        {0, UINT64_MAX, 1000, "never beyond sent"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig r;
        rig_open(&r, true, false);
        rig_messages(&r, 10, 100);
        rig_drain(&r);
        uint64_t n = journal_relieve(&r.j, rows[i].limit, rows[i].taken);
        if (r.j.acked.off != rows[i].acked || n != rows[i].acked / 100 || n != r.j.acked.messages)
            fail_msg("%s: %lu given up, %lu", rows[i].why, n, r.j.acked.off);
        assert_int_equal(r.j.base, r.j.acked.off);
        assert_int_equal(journal_rewind(&r.j), 0);
        rig_close(&r);
    }
}

static void what_is_not_kept_is_never_given_up(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, false, false);
    rig_messages(&r, 10, 100);
    journal_sent(&r.j, 950);
    assert_int_equal(journal_relieve(&r.j, 10, 950), 0);
    assert_int_equal(r.j.base, 950);
    rig_close(&r);
}

/* A message of 5 fragments behind one of 100 bytes, limit 2 fragments. */
enum { CUT = FRAME_CUT + 10, TORN_END = 100 + 5 * CUT };

static void rig_torn(struct rig *r)
{
    struct stream s = {0};
    rig_open(r, true, false);
    stream_fill(&s, 100);
    stream_text(&s, 5 * FRAME_CUT);
    rig_feed(r, s.p, s.n, false, SIZE_MAX);
    stream_free(&s);
    journal_sent(&r->j, 100 + 3 * CUT - 50);
    assert_int_equal(journal_relieve(&r->j, 2 * CUT, 99), 0);
    assert_false(journal_torn(&r->j));
    assert_int_equal(journal_relieve(&r->j, 2 * CUT, 100 + 2 * CUT - 1), 1); /* the short one */
    assert_true(journal_torn(&r->j));
    assert_int_equal(r->j.acked.off, 100);
    assert_int_equal(r->j.base, 100 + CUT); /* the second fragment is not taken to its end */
}

static void a_message_larger_than_the_limit_goes_as_tcp_takes_it(void **state)
{
    (void)state;
    struct rig r;
    rig_torn(&r);
    assert_int_equal(journal_rewind(&r.j), ERR_TORN);
    for (uint64_t i = 2; i <= 5; i++) {
        rig_drain(&r);
        assert_int_equal(journal_relieve(&r.j, SIZE_MAX, 100 + i * CUT), 0);
        assert_int_equal(r.j.base, 100 + i * CUT);
        assert_int_equal(journal_rewind(&r.j), ERR_TORN);
    }
    assert_int_equal(r.pool.held, 0);
    journal_ack(&r.j, (struct mark){TORN_END, 2});
    assert_false(journal_torn(&r.j));
    assert_int_equal(journal_rewind(&r.j), 0);
    rig_close(&r);
}

static void an_ack_of_a_torn_messages_end_mends_the_journal(void **state)
{
    (void)state;
    struct rig r;
    rig_torn(&r);
    rig_messages(&r, 10, 200);
    journal_sent(&r.j, TORN_END + 300 - r.j.sent);
    journal_relieve(&r.j, 2 * CUT, UINT64_MAX);
    assert_int_equal(r.j.base, TORN_END); /* what is behind it is kept to the limit */
    journal_ack(&r.j, (struct mark){TORN_END, 2});
    assert_int_equal(journal_rewind(&r.j), 0);
    assert_int_equal(r.j.sent, TORN_END);
    assert_int_equal(rig_peek(&r, 8, UINT64_MAX), 2000);
    rig_drain(&r);
    assert_int_equal(journal_sent_messages(&r.j), 12);
    rig_close(&r);
}

static void what_is_behind_a_torn_message_is_torn_as_the_limit_needs(void **state)
{
    (void)state;
    struct rig r;
    rig_torn(&r);
    rig_messages(&r, 10, 200);
    rig_drain(&r);
    assert_int_equal(journal_relieve(&r.j, 1000, UINT64_MAX), 0);
    assert_int_equal(r.j.base, TORN_END + 1000);
    journal_ack(&r.j, (struct mark){TORN_END, 2});
    assert_int_equal(r.j.acked.messages, 2);
    assert_int_equal(journal_rewind(&r.j), ERR_TORN);
    assert_int_equal(r.j.base, TORN_END + 1000);
    journal_ack(&r.j, (struct mark){TORN_END + 1200, 8});
    assert_int_equal(r.j.base, TORN_END + 1200);
    assert_int_equal(journal_rewind(&r.j), 0);
    rig_close(&r);
}

static void a_message_of_the_limits_length_does_not_tear(void **state)
{
    (void)state;
    static const struct {
        size_t limit;
        bool torn;
    } rows[] = {{2 * CUT, false}, {2 * CUT - 1, true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stream s = {0};
        struct rig r;
        rig_open(&r, true, false);
        stream_text(&s, 2 * FRAME_CUT);
        stream_text(&s, 100);
        rig_feed(&r, s.p, s.n, false, SIZE_MAX);
        rig_drain(&r);
        assert_int_equal(journal_relieve(&r.j, rows[i].limit, 2 * CUT - 1), 0);
        assert_int_equal(journal_torn(&r.j), rows[i].torn);
        rig_close(&r);
        stream_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_frees_whole_chunks_and_an_older_one_nothing),
        cmocka_unit_test(a_rewind_sends_again_what_is_not_acked_from_a_message_on),
        cmocka_unit_test(what_is_not_kept_goes_on_after_a_rewind_but_never_inside_a_message),
        cmocka_unit_test(a_cut_takes_what_is_not_ready_and_its_chunks),
        cmocka_unit_test(a_cut_takes_a_message_that_was_begun_unless_some_of_it_was_sent),
        cmocka_unit_test(what_was_sent_whole_is_known_at_every_byte),
        cmocka_unit_test(a_cut_takes_the_room_too),
        cmocka_unit_test(no_more_is_given_up_than_the_limit_needs_and_tcp_has_taken),
        cmocka_unit_test(what_is_not_kept_is_never_given_up),
        cmocka_unit_test(a_message_larger_than_the_limit_goes_as_tcp_takes_it),
        cmocka_unit_test(an_ack_of_a_torn_messages_end_mends_the_journal),
        cmocka_unit_test(what_is_behind_a_torn_message_is_torn_as_the_limit_needs),
        cmocka_unit_test(a_message_of_the_limits_length_does_not_tear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
