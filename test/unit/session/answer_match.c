/* What an answer is for, and what it is not. */
#include "unit/session/answer_rig.h"

static const struct {
    const char *up[3], *down, *left; /* left: the numbers of those that are kept still */
    const char *why;
} answered[] = {
    {{ASK("\"a\"", 1), ASK("\"b\"", 2)}, DONE("\"b\""), "1", "by its value"},
    {{ASK("\"a\"", 1), ASK("\"a\"", 2)}, DONE("\"a\""), "2", "the oldest with it"},
    {{ASK("\"a\"", 1), ASK("\"b\"", 2)}, DONE("\"c\""), "12", "nobody's"},
    {{ASK("7", 1), ASK("8", 2)}, DONE("\"8\""), "1", "a number is its text"},
    {{ASK("9007199254740992", 1), ASK("9007199254740993", 2)},
     DONE("9007199254740993"),
     "1",
     "ids beyond 2^53 differ"},
    {{ASK("\"\\u0061\"", 1), ASK("\"b\"", 2)}, DONE("\"a\""), "2", "escapes do not matter"},
    {{ASK("\"a\"", 1), NAMELESS(2)}, DONE("\"c\""), "1", "a thread that had no name yet"},
    {{NAMELESS(1), ASK("\"a\"", 2)}, DONE("\"a\""), "1", "its own value goes before none"},
    {{NAMELESS(1), NAMELESS(2)}, DONE("\"a\""), "2", "the oldest without a value"},
    {{ASK("null", 1), ASK("\"a\"", 2)}, DONE("\"c\""), "2", "null is no value"},
    {{ASK("\"\"", 1), ASK("\"a\"", 2)}, DONE("\"c\""), "2", "nor is an empty one"},
    {{ASK("{}", 1), ASK("\"a\"", 2)}, DONE("\"c\""), "2", "nor is an object"},
    {{ASK("\"a\"", 1), NAMELESS(2)}, "{\"type\":\"error\"}", "1", "none by none"},
    {{ASK("\"a\"", 1)}, "{\"type\":\"error\"}", "", "it can be for no other"},
    {{ASK("\"a\"", 1), ASK("\"a\"", 2)}, "{\"type\":\"error\"}", "2", "one thread: its oldest"},
    {{ASK("\"a\"", 1), ASK("\"b\"", 2)}, "{\"type\":\"error\"}", "12", "it is not guessed"},
    {{ASK("\"a\"", 1), ASK("\"b\"", 2), ASK("\"a\"", 3)}, DONE("\"a\""), "23", "in between"},
    {{ASK("\"a\"", 1)}, "{\"type\":\"token\",\"id\":\"a\"}", "1", "no answer"},
    {{ASK("\"a\"", 1)}, "{\"type\":\"ask\",\"id\":\"a\"}", "1", "a client's word is no answer"},
    {{ASK("\"a\"", 1)}, "done", "1", "no JSON"},
    {{NULL}, DONE("\"a\""), "", "nothing is kept"},
};

static void read_numbers(const struct talk *t, char *out)
{
    struct buf all;
    buf_init(&all);
    talk_first(t, &all);
    buf_add(&all, "", 1);
    for (const char *p = (char *)all.data; (p = strstr(p, "\"n\":")); p += 4)
        *out++ = p[4];
    *out = '\0';
    buf_fini(&all);
}

static void an_answer_is_for_one_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answered); i++) {
        struct talk t;
        char left[8];
        talk_open(&t, "id", ROOM, 2);
        for (size_t k = 0; k < COUNT(answered[i].up) && answered[i].up[k]; k++)
            talk_up(&t, answered[i].up[k]);
        talk_ack(&t);
        talk_down(&t, answered[i].down);
        talk_lose(&t);
        read_numbers(&t, left);
        if (strcmp(left, answered[i].left) != 0)
            fail_msg("%s: left %s", answered[i].why, left);
        talk_close(&t);
    }
}

/* Each is told from what came before it in the same read. */
static void messages_that_come_together_are_looked_at_one_by_one(void **state)
{
    (void)state;
    static const char *const up[] = {"{\"type\":\"say\"}", ASK("\"a\"", 1), NAMELESS(2),
                                     ASK("\"b\"", 3)};
    static const char *const down[] = {"{\"type\":\"token\"}", DONE("\"b\""),
                                       "{\"type\":\"done\"}"};
    struct talk t;
    struct stream s = {.masked = true}, back = {0};
    talk_open(&t, "id", ROOM, 2);
    for (size_t i = 0; i < COUNT(up); i++)
        stream_say(&s, up[i]);
    for (size_t i = 0; i < COUNT(down); i++)
        stream_say(&back, down[i]);
    talk_came_up(&t, &s, true);
    talk_ack(&t);
    rig_feed(&t.down, back.p, back.n, false, SIZE_MAX);
    answers_down(t.a);
    talk_lose(&t);
    assert_first(&t, ASK("\"a\"", 1) "\n");
    stream_free(&s);
    stream_free(&back);
    talk_close(&t);
}

static void without_a_key_an_answer_is_for_the_oldest(void **state)
{
    (void)state;
    struct talk t;
    talk_open(&t, "", ROOM, 2);
    talk_up(&t, ASK("\"a\"", 1));
    talk_up(&t, ASK("\"b\"", 2));
    talk_ack(&t);
    talk_down(&t, DONE("\"b\""));
    talk_lose(&t);
    assert_first(&t, ASK("\"b\"", 2) "\n");
    talk_close(&t);
}

static void an_answer_says_how_far_all_has_arrived(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        uint64_t messages;
    } rows[] = {
        {"{\"type\":\"token\"}", 0}, {DONE("\"c\""), 0}, {DONE("\"a\""), 2},
        {DONE("\"b\""), 4},          {DONE("\"a\""), 0},
    };
    struct talk t;
    talk_open(&t, "id", ROOM, 2);
    talk_up(&t, "hello");
    talk_up(&t, ASK("\"a\"", 1));
    talk_up(&t, "hello");
    talk_up(&t, ASK("\"b\"", 2));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stream s = {0};
        stream_say(&s, rows[i].said);
        rig_feed(&t.down, s.p, s.n, false, SIZE_MAX);
        struct mark had = answers_down(t.a);
        assert_int_equal(had.messages, rows[i].messages);
        assert_int_equal(had.off > 0, had.messages > 0);
        journal_ack(&t.up.j, had); /* fails where that is no mark */
        rig_drain(&t.down);
        stream_free(&s);
    }
    assert_int_equal(t.up.j.acked.off, t.up.j.end);
    talk_close(&t);
}

static void an_answer_is_not_for_a_message_that_was_not_sent(void **state)
{
    (void)state;
    struct talk t;
    struct stream s = {.masked = true};
    talk_open(&t, "", ROOM, 2);
    stream_say(&s, NAMELESS(1));
    talk_came_up(&t, &s, false);
    talk_down(&t, DONE("1"));
    journal_sent(&t.up.j, rig_peek(&t.up, 64, UINT64_MAX) - 1);
    talk_down(&t, DONE("1"));
    rig_drain(&t.up);
    talk_ack(&t);
    talk_lose(&t);
    assert_first(&t, NAMELESS(1) "\n");

    answers_written(t.a, t.first.len - 1); /* the next connection's greeting is not its answer */
    talk_down(&t, DONE("1"));
    talk_lose(&t);
    assert_first(&t, NAMELESS(1) "\n");
    answers_written(t.a, t.first.len);
    talk_down(&t, DONE("1"));
    talk_lose(&t);
    assert_first(&t, "");
    stream_free(&s);
    talk_close(&t);
}

static void an_answer_is_not_for_a_message_that_was_sent_behind_it(void **state)
{
    (void)state;
    struct talk t;
    struct stream s = {0};
    talk_open(&t, "", ROOM, 2);
    stream_say(&s, DONE("1"));
    rig_feed(&t.down, s.p, s.n, false, SIZE_MAX);
    answers_down(t.a); /* the client takes nothing yet: it stays in the journal */
    talk_up(&t, NAMELESS(1));
    talk_ack(&t);
    talk_down(&t, "{\"type\":\"token\"}");
    talk_lose(&t);
    assert_first(&t, NAMELESS(1) "\n");
    stream_free(&s);
    talk_close(&t);
}

static void an_answer_is_known_by_its_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *begin;
        bool answers;
    } rows[] = {
        {"{\"type\":\"done\",\"x\":\"", true},
        {"{\"data\":{},\"type\":\"done\",\"x\":\"", true},
        {"{\"x\":\"\",\"type\":\"token\",\"y\":\"done", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 65535; n < 200000; n += 67232) {
            struct talk t;
            struct stream s = {0};
            char *text = long_text(rows[i].begin, n);
            talk_open(&t, "", ROOM, 2);
            talk_up(&t, NAMELESS(1));
            talk_up(&t, NAMELESS(2));
            talk_ack(&t);
            stream_say(&s, text);
            for (size_t at = 0; at < s.n; at += 5000) {
                rig_feed(&t.down, s.p + at, s.n - at < 5000 ? s.n - at : 5000, false, SIZE_MAX);
                answers_down(t.a);
                rig_drain(&t.down);
            }
            talk_lose(&t);
            assert_first(&t,
                         rows[i].answers ? NAMELESS(2) "\n" : NAMELESS(1) "\n" NAMELESS(2) "\n");
            free(text);
            stream_free(&s);
            talk_close(&t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_for_one_message),
        cmocka_unit_test(messages_that_come_together_are_looked_at_one_by_one),
        cmocka_unit_test(without_a_key_an_answer_is_for_the_oldest),
        cmocka_unit_test(an_answer_says_how_far_all_has_arrived),
        cmocka_unit_test(an_answer_is_not_for_a_message_that_was_not_sent),
        cmocka_unit_test(an_answer_is_not_for_a_message_that_was_sent_behind_it),
        cmocka_unit_test(an_answer_is_known_by_its_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
