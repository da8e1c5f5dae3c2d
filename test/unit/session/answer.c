/* What is kept until it is answered, and what goes again when the backend is lost. */
#include "unit/session/answer_rig.h"

#include <sys/mman.h>
#include <unistd.h>

static void nothing_is_kept_where_answer_is_not_set(void **state)
{
    (void)state;
    struct conf conf = {.answer.of.field = (char[]){""}};
    struct metrics m = {0};
    struct buf first;
    buf_init(&first);
    struct answers *a = answers_new(&conf, &m, NULL, NULL);
    assert_null(a);
    answers_up(a);
    answers_down(a);
    answers_written(a, 1);
    assert_int_equal(answers_lost(a, NULL, 0, &first), 0);
    assert_int_equal(first.len, 0);
    assert_int_equal(answers_charge(a), 0);
    answers_free(a);
}

/* --- what is kept --- */

static const struct {
    const char *text;
    bool kept;
} said[] = {
    {"{\"type\":\"ask\"}", true},
    {"{\"text\":\"why\",\"type\":\"ask\",\"id\":7}", true},
    {"{\"type\":\"done\"}", false},
    {"{\"type\":\"typing\",\"text\":\"ask\"}", false},
    {"{\"data\":{\"type\":\"ask\"}}", false},
    {"[\"type\",\"ask\"]", false},
    {"ask", false},
    {"", false},
};

static void a_message_is_kept_whose_field_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct talk t;
        talk_open(&t, "", ROOM, 2);
        size_t before = answers_charge(t.a);
        talk_up(&t, said[i].text);
        assert_int_equal(answers_charge(t.a) > before, said[i].kept);
        talk_close(&t);
    }
}

static void a_binary_message_is_not_kept(void **state)
{
    (void)state;
    struct talk t;
    struct stream s = {.masked = true};
    talk_open(&t, "", ROOM, 2);
    stream_put(&s, FRAME_BINARY, true, "{\"type\":\"ask\"}", 14);
    talk_came_up(&t, &s, true);
    talk_ack(&t);
    assert_int_equal(talk_lose(&t), 0);
    assert_first(&t, "");
    stream_free(&s);
    talk_close(&t);
}

static void a_message_goes_again_in_the_frames_in_which_it_came(void **state)
{
    (void)state;
    static const char text[] = "{\"type\":\"ask\"}";
    for (uint32_t cuts = 0; cuts < 1u << (sizeof(text) - 2); cuts += 7) {
        struct talk t;
        struct stream s = {.masked = true};
        talk_open(&t, "", ROOM, 2);
        stream_cut(&s, text, strlen(text), cuts);
        talk_came_up(&t, &s, true);
        talk_ack(&t);
        assert_int_equal(talk_lose(&t), 0);
        assert_int_equal(t.first.len, s.n);
        assert_memory_equal(t.first.data, s.p, s.n);
        stream_free(&s);
        talk_close(&t);
    }
}

/* What one more message takes. */
static size_t cost_of(const char *text)
{
    struct talk t;
    talk_open(&t, "id", ROOM, 2);
    size_t before = answers_charge(t.a);
    talk_up(&t, text);
    size_t cost = answers_charge(t.a) - before;
    talk_close(&t);
    return cost;
}

static void a_message_is_kept_if_there_is_room_to_the_byte(void **state)
{
    (void)state;
    size_t one = cost_of("{\"type\":\"ask\",\"id\":1}"),
           two = cost_of("{\"type\":\"ask\",\"id\":22}");
    assert_int_equal(two, one + 2); /* in its frame, and in its key */
    for (int spare = -1; spare <= 1; spare++) {
        struct talk t;
        talk_open(&t, "id", one + two - 1 + (size_t)(spare + 1), 2);
        talk_up(&t, "{\"type\":\"ask\",\"id\":1}");
        talk_up(&t, "{\"type\":\"ask\",\"id\":22}");
        talk_ack(&t);
        assert_int_equal(talk_count(&t, METRIC_ANSWERS_UNKEPT_FULL), spare < 0);
        talk_lose(&t);
        assert_first(&t, spare < 0 ? "{\"type\":\"ask\",\"id\":1}\n"
                                   : "{\"type\":\"ask\",\"id\":1}\n{\"type\":\"ask\",\"id\":22}\n");
        talk_close(&t);
    }
}

static void an_answer_makes_room(void **state)
{
    (void)state;
    struct talk t;
    talk_open(&t, "", cost_of("{\"type\":\"ask\",\"x\":1}"), 2);
    talk_up(&t, "{\"type\":\"ask\",\"x\":1}");
    talk_up(&t, "{\"type\":\"ask\",\"x\":2}");
    talk_down(&t, "{\"type\":\"done\"}");
    talk_up(&t, "{\"type\":\"ask\",\"x\":3}");
    talk_ack(&t);
    assert_int_equal(talk_count(&t, METRIC_ANSWERS_UNKEPT_FULL), 1);
    talk_lose(&t);
    assert_first(&t, "{\"type\":\"ask\",\"x\":3}\n");
    talk_close(&t);
}

static void a_message_of_64_kib_is_kept_and_none_that_is_longer(void **state)
{
    (void)state;
    static const size_t lengths[] = {FRAME_CUT - 1, FRAME_CUT, FRAME_CUT + 1, 3 * FRAME_CUT};
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (size_t size = 4096; size < 200000; size *= 4) {
            struct talk t;
            struct stream s = {.masked = true};
            size_t n = lengths[i];
            char *text = long_text("{\"type\":\"ask\",\"x\":\"", n);
            talk_open(&t, "", 1u << 20, 2);
            stream_say(&s, text);
            for (size_t at = 0; at < s.n; at += size) {
                rig_feed(&t.up, s.p + at, s.n - at < size ? s.n - at : size, false, SIZE_MAX);
                answers_up(t.a);
                rig_drain(&t.up);
            }
            talk_up(&t, "{\"type\":\"ask\"}");
            talk_ack(&t);
            talk_lose(&t);
            assert_int_equal(talk_count(&t, METRIC_ANSWERS_UNKEPT_LARGE), n > FRAME_CUT);
            assert_int_equal(t.first.len > n, n <= FRAME_CUT);
            free(text);
            stream_free(&s);
            talk_close(&t);
        }
}

/* How often the word is in what stderr was given meanwhile; `saved` is stderr's. */
static unsigned logged(int saved, int file, const char *word)
{
    static char text[4096];
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    assert_true(n >= 0);
    text[n] = '\0';
    unsigned count = 0;
    for (const char *p = text; (p = strstr(p, word)); p++)
        count++;
    return count;
}

static void a_session_warns_once_and_counts_each(void **state)
{
    (void)state;
    struct talk t;
    char *text = long_text("{\"type\":\"ask\",\"x\":\"", FRAME_CUT + 1);
    int saved = dup(STDERR_FILENO), file = memfd_create("stderr", 0);
    dup2(file, STDERR_FILENO);
    talk_open(&t, "", 64, 2);
    talk_up(&t, "{\"type\":\"ask\"}");
    talk_up(&t, "{\"type\":\"ask\"}");
    talk_up(&t, text);
    assert_int_equal(logged(saved, file, "answer_unkept"), 1);
    assert_int_equal(talk_count(&t, METRIC_ANSWERS_UNKEPT_FULL), 2);
    assert_int_equal(talk_count(&t, METRIC_ANSWERS_UNKEPT_LARGE), 1);
    free(text);
    talk_close(&t);
}

/* --- what goes again --- */

static void what_the_journal_sends_again_is_not_given_too(void **state)
{
    (void)state;
    struct talk t;
    talk_open(&t, "", ROOM, 2);
    talk_up(&t, NAMELESS(1));
    talk_ack(&t);
    talk_up(&t, NAMELESS(2));
    talk_lose(&t);
    assert_first(&t, NAMELESS(1) "\n");
    assert_int_equal(talk_count(&t, METRIC_UP_REPLAYED), 1);
    talk_resend(&t);
    talk_ack(&t);
    talk_lose(&t);
    assert_first(&t, NAMELESS(1) "\n" NAMELESS(2) "\n");
    assert_int_equal(talk_count(&t, METRIC_UP_REPLAYED), 3);
    talk_close(&t);
}

static void a_message_is_sent_again_so_many_times(void **state)
{
    (void)state;
    for (uint64_t attempts = 0; attempts < 4; attempts++)
        for (int acked = 0; acked < 2; acked++) {
            struct talk t;
            talk_open(&t, "", ROOM, attempts);
            talk_up(&t, NAMELESS(1));
            for (uint64_t i = 0; i < attempts; i++) {
                if (acked)
                    talk_ack(&t);
                assert_int_equal(talk_lose(&t), 0);
                talk_resend(&t);
            }
            assert_int_equal(talk_lose(&t), ERR_GONE);
            assert_first(&t, "");
            assert_int_equal(talk_count(&t, METRIC_UP_REPLAYED), acked ? attempts : 0);
            talk_close(&t);
        }
}

static void a_connection_that_took_nothing_costs_no_attempt(void **state)
{
    (void)state;
    struct talk t;
    talk_open(&t, "", ROOM, 1);
    talk_up(&t, NAMELESS(1));
    talk_up(&t, NAMELESS(2));
    talk_ack(&t);
    assert_int_equal(talk_lose(&t), 0);
    for (int i = 0; i < 5; i++) {
        answers_written(t.a, t.first.len / 2 - 1);
        assert_int_equal(talk_lose(&t), 0);
        assert_first(&t, NAMELESS(1) "\n" NAMELESS(2) "\n");
    }
    assert_int_equal(talk_count(&t, METRIC_UP_REPLAYED), 2);
    answers_written(t.a, t.first.len / 2);
    assert_int_equal(talk_lose(&t), ERR_GONE);
    talk_close(&t);
}

static void what_was_never_sent_costs_no_attempt(void **state)
{
    (void)state;
    struct talk t;
    struct stream s = {.masked = true};
    talk_open(&t, "", ROOM, 0);
    stream_say(&s, NAMELESS(1));
    talk_came_up(&t, &s, false);
    journal_sent(&t.up.j, s.n - 1);
    assert_int_equal(talk_lose(&t), 0);
    rig_drain(&t.up);
    assert_int_equal(talk_lose(&t), ERR_GONE);
    stream_free(&s);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_where_answer_is_not_set),
        cmocka_unit_test(a_message_is_kept_whose_field_matches),
        cmocka_unit_test(a_binary_message_is_not_kept),
        cmocka_unit_test(a_message_goes_again_in_the_frames_in_which_it_came),
        cmocka_unit_test(a_message_is_kept_if_there_is_room_to_the_byte),
        cmocka_unit_test(an_answer_makes_room),
        cmocka_unit_test(a_message_of_64_kib_is_kept_and_none_that_is_longer),
        cmocka_unit_test(a_session_warns_once_and_counts_each),
        cmocka_unit_test(what_the_journal_sends_again_is_not_given_too),
        cmocka_unit_test(a_message_is_sent_again_so_many_times),
        cmocka_unit_test(a_connection_that_took_nothing_costs_no_attempt),
        cmocka_unit_test(what_was_never_sent_costs_no_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
