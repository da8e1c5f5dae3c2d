/* What a fresh backend connection gets first: the preamble, then what nobody has answered. */
#include "unit/session/answer_rig.h"

#include "session/recall.h"

/* A talk of which recall keeps what has to be kept. */
struct told {
    struct talk t;
    struct recall *r;
};

static void told_open(struct told *o, uint64_t preamble, bool answer, uint64_t attempts)
{
    talk_open(&o->t, "", ROOM, attempts);
    o->t.conf.reconnect.state = STATE_PREAMBLE;
    o->t.conf.reconnect.preamble = preamble;
    if (!answer)
        *o->t.conf.answer.of.field = '\0';
    o->r = recall_new(&o->t.conf, &o->t.metrics, &o->t.up.j, &o->t.down.j);
    assert_non_null(o->r);
}

static void told_close(struct told *o)
{
    recall_free(o->r);
    assert_int_equal(talk_count(&o->t, METRIC_KEPT_BYTES), 0);
    talk_close(&o->t);
}

static void told_came(struct told *o, const struct stream *s)
{
    rig_feed(&o->t.up, s->p, s->n, false, SIZE_MAX);
    recall_up(o->r);
}

static void say(struct told *o, const char *text)
{
    struct stream s = {.masked = true};
    stream_say(&s, text);
    told_came(o, &s);
    stream_free(&s);
}

static void say_there(struct told *o, const char *text)
{
    say(o, text);
    rig_drain(&o->t.up);
}

static void say_proven(struct told *o, const char *text)
{
    say_there(o, text);
    talk_ack(&o->t);
}

/* So many bytes of what goes first have gone. */
static void answer(struct told *o, const char *text, size_t gone)
{
    struct stream s = {0};
    stream_say(&s, text);
    rig_feed(&o->t.down, s.p, s.n, false, SIZE_MAX);
    recall_down(o->r, gone);
    rig_drain(&o->t.down);
    stream_free(&s);
}

static int lose(struct told *o, size_t gone)
{
    int err = recall_lost(o->r, gone);
    struct str first = recall_first(o->r);
    buf_clear(&o->t.first);
    buf_add(&o->t.first, first.p, first.n);
    assert_int_equal(journal_rewind(&o->t.up.j), 0);
    return err;
}

/* It is lost when so many bytes of what goes first had gone; then that is what goes first. */
static void goes(struct told *o, size_t gone, const char *want)
{
    assert_int_equal(lose(o, gone), 0);
    assert_first(&o->t, want);
}

/* The next connection has taken it all, and what the journal has. */
static size_t take_all(struct told *o)
{
    rig_drain(&o->t.up);
    return o->t.first.len;
}

/* ---- what there is to keep ---- */

static void there_is_none_where_the_settings_ask_for_nothing(void **state)
{
    (void)state;
    static const struct {
        enum reconnect_state state;
        uint64_t preamble;
        bool answer, any;
    } rows[] = {
        {STATE_AUTO, 0, false, false},       {STATE_AUTO, 1, false, true},
        {STATE_PREAMBLE, 1, false, true},    {STATE_STATELESS, 1, false, false},
        {STATE_CONNECTION, 1, false, false}, {STATE_STATELESS, 0, true, true},
        {STATE_CONNECTION, 0, true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf conf = {.answer.of.field = rows[i].answer ? (char[]){"type"} : (char[]){""}};
        struct metrics m = {0};
        struct rig up, down;
        rig_open(&up, true, true);
        rig_open(&down, false, false);
        conf.reconnect.state = rows[i].state;
        conf.reconnect.preamble = rows[i].preamble;
        struct recall *r = recall_new(&conf, &m, &up.j, &down.j);
        assert_int_equal(!!r, rows[i].any);
        recall_up(r);
        recall_down(r, 0);
        assert_false(recall_lacks(r));
        assert_int_equal(recall_lost(r, 0), 0);
        assert_int_equal(recall_first(r).n, 0);
        recall_free(r);
        rig_close(&up);
        rig_close(&down);
    }
}

static void the_first_messages_go_first_and_no_more(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 2, false, 0);
    say_proven(&o, "login");
    say_proven(&o, "join");
    say_proven(&o, "hello");
    for (int i = 0; i < 3; i++)
        goes(&o, take_all(&o), "login\njoin\n");
    told_close(&o);
}

static void of_fewer_than_that_those_go_that_have_come(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 3, false, 0);
    goes(&o, 0, "");
    say_proven(&o, "login");
    goes(&o, 0, "login\n");
    size_t gone = take_all(&o);
    say_proven(&o, "join");
    goes(&o, gone, "login\njoin\n");
    assert_false(recall_lacks(o.r));
    told_close(&o);
}

static void what_is_not_proven_the_journal_sends(void **state)
{
    (void)state;
    static const char *const wants[] = {"", "login\n", "login\njoin\n", "login\njoin\n"};
    for (size_t proven = 0; proven < COUNT(wants); proven++) {
        struct told o;
        told_open(&o, 2, false, 0);
        static const char *const texts[] = {"login", "join", "hello"};
        for (size_t i = 0; i < COUNT(texts); i++)
            (i < proven ? say_proven : say_there)(&o, texts[i]);
        goes(&o, 0, wants[proven]);
        assert_int_equal(o.t.up.j.acked.messages, proven);
        told_close(&o);
    }
}

static void it_goes_in_the_frames_in_which_it_came(void **state)
{
    (void)state;
    for (uint32_t cuts = 0; cuts < 16; cuts++) {
        struct told o;
        struct stream s = {.masked = true};
        told_open(&o, 2, false, 0);
        stream_cut(&s, "login", 5, cuts);
        stream_put(&s, FRAME_BINARY, true, "\1\2\3", 3);
        told_came(&o, &s);
        rig_drain(&o.t.up);
        talk_ack(&o.t);
        assert_int_equal(lose(&o, 0), 0);
        assert_int_equal(o.t.first.len, s.n);
        assert_memory_equal(o.t.first.data, s.p, s.n);
        stream_free(&s);
        told_close(&o);
    }
}

/* Whole frames: the head of a long masked one has 8 bytes, that of a short one 6. */
static void all_of_it_has_64_kib_and_not_a_byte_more(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct told o;
        char *text = long_text("{\"", 65536 - 11 - 8 + (size_t)over);
        told_open(&o, 3, false, 0);
        say_proven(&o, "login"); /* 11 */
        say_proven(&o, text);
        assert_int_equal(recall_lacks(o.r), over);
        say_proven(&o, "");
        assert_true(recall_lacks(o.r));
        assert_int_equal(lose(&o, 0), 0);
        assert_int_equal(o.t.first.len, over ? 11 : 65536);
        free(text);
        told_close(&o);
    }
}

static void one_that_is_cut_through_is_too_large(void **state)
{
    (void)state;
    struct told o;
    struct stream s = {.masked = true};
    char *text = long_text("{\"", 3 * FRAME_CUT);
    told_open(&o, 2, false, 0);
    stream_put(&s, FRAME_TEXT, true, text, 3 * FRAME_CUT);
    rig_feed(&o.t.up, s.p, 2 * FRAME_CUT, false, SIZE_MAX);
    recall_up(o.r);
    assert_true(recall_lacks(o.r));
    rig_feed(&o.t.up, s.p + 2 * FRAME_CUT, s.n - 2 * FRAME_CUT, false, SIZE_MAX);
    recall_up(o.r);
    rig_drain(&o.t.up);
    talk_ack(&o.t);
    goes(&o, 0, "");
    stream_free(&s);
    free(text);
    told_close(&o);
}

static void what_is_kept_is_charged(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 1, true, 9);
    uint64_t empty = talk_count(&o.t, METRIC_KEPT_BYTES);
    say_proven(&o, "login");
    assert_int_equal(talk_count(&o.t, METRIC_KEPT_BYTES), empty + 11);
    goes(&o, 0, "login\n");
    assert_int_equal(talk_count(&o.t, METRIC_KEPT_BYTES), empty + 2 * 11);
    say_proven(&o, NAMELESS(1));
    assert_true(talk_count(&o.t, METRIC_KEPT_BYTES) > empty + 2 * 11 + strlen(NAMELESS(1)));
    answer(&o, DONE("1"), take_all(&o));
    assert_int_equal(talk_count(&o.t, METRIC_KEPT_BYTES), empty + 2 * 11);
    told_close(&o);
}

/* ---- with answers ---- */

static void what_nobody_has_answered_goes_behind_it(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 1, true, 9);
    say_proven(&o, "login");
    say_proven(&o, NAMELESS(1));
    say_proven(&o, "hello");
    say_proven(&o, NAMELESS(2));
    say_there(&o, NAMELESS(3));
    goes(&o, 0, "login\n" NAMELESS(1) "\n" NAMELESS(2) "\n");
    answer(&o, DONE("1"), take_all(&o));
    goes(&o, o.t.first.len, "login\n" NAMELESS(2) "\n");
    told_close(&o);
}

static void one_that_is_in_both_goes_once_and_is_waited_for(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 2, true, 9);
    say_proven(&o, NAMELESS(1));
    say_proven(&o, NAMELESS(2));
    say_proven(&o, NAMELESS(3));
    goes(&o, 0, NAMELESS(1) "\n" NAMELESS(2) "\n" NAMELESS(3) "\n");
    size_t each = o.t.first.len / 3;

    /* Nothing of it has gone: this is for none of them. */
    answer(&o, DONE("1"), each - 1);
    answer(&o, DONE("1"), each);
    goes(&o, take_all(&o), NAMELESS(1) "\n" NAMELESS(2) "\n" NAMELESS(3) "\n");
    assert_int_equal(talk_count(&o.t, METRIC_UP_REPLAYED), 3 + 3);
    answer(&o, DONE("2"), take_all(&o));
    answer(&o, DONE("3"), o.t.first.len);
    goes(&o, o.t.first.len, NAMELESS(1) "\n" NAMELESS(2) "\n");
    told_close(&o);
}

static void it_wears_out_in_the_preamble_too(void **state)
{
    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        struct told o;
        told_open(&o, 1, true, 2);
        say_proven(&o, NAMELESS(1));
        goes(&o, 0, NAMELESS(1) "\n");
        goes(&o, take_all(&o) - 1, NAMELESS(1) "\n"); /* never went */
        goes(&o, take_all(&o), NAMELESS(1) "\n");
        if (answered)
            answer(&o, DONE("1"), take_all(&o));
        assert_int_equal(lose(&o, take_all(&o)), answered ? 0 : ERR_GONE);
        assert_int_equal(talk_count(&o.t, METRIC_UP_REPLAYED), answered ? 3 : 2);
        told_close(&o);
    }
}

static void bytes_that_went_are_of_the_preamble_first(void **state)
{
    (void)state;
    struct told o;
    told_open(&o, 1, true, 1);
    say_proven(&o, "login");
    say_proven(&o, NAMELESS(1));
    goes(&o, 0, "login\n" NAMELESS(1) "\n");
    goes(&o, o.t.first.len - 1, "login\n" NAMELESS(1) "\n"); /* no attempt */
    assert_int_equal(talk_count(&o.t, METRIC_UP_REPLAYED), 2 + 1);
    assert_int_equal(lose(&o, o.t.first.len), ERR_GONE);
    told_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_none_where_the_settings_ask_for_nothing),
        cmocka_unit_test(the_first_messages_go_first_and_no_more),
        cmocka_unit_test(of_fewer_than_that_those_go_that_have_come),
        cmocka_unit_test(what_is_not_proven_the_journal_sends),
        cmocka_unit_test(it_goes_in_the_frames_in_which_it_came),
        cmocka_unit_test(all_of_it_has_64_kib_and_not_a_byte_more),
        cmocka_unit_test(one_that_is_cut_through_is_too_large),
        cmocka_unit_test(what_is_kept_is_charged),
        cmocka_unit_test(what_nobody_has_answered_goes_behind_it),
        cmocka_unit_test(one_that_is_in_both_goes_once_and_is_waited_for),
        cmocka_unit_test(it_wears_out_in_the_preamble_too),
        cmocka_unit_test(bytes_that_went_are_of_the_preamble_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
