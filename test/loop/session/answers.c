/* A session whose client waits for answers (`answer`): which messages a fresh backend connection
 * gets again, and when no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include "net/faults.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ASK(n)        "{\"type\":\"ask\",\"n\":" #n "}"
#define DONE          "{\"type\":\"done\"}"
#define ASK_IN(id, n) "{\"type\":\"ask\",\"id\":\"" id "\",\"n\":" #n "}"
#define DONE_IN(id)   "{\"type\":\"done\",\"id\":\"" id "\"}"
#define TOKEN(n)      "{\"type\":\"token\",\"n\":" #n "}"
#define ANSWERS(...)                                                                               \
    ((const struct setting_text[]){{"answer.of.field", "type"},                                    \
                                   {"answer.of.values", "ask"},                                    \
                                   {"answer.by.field", "type"},                                    \
                                   {"answer.by.values", "done,error"},                             \
                                   ##__VA_ARGS__,                                                  \
                                   {NULL, NULL}})

static void says(struct wspeer *p, const char *text)
{
    wspeer_send(p, 1, text, strlen(text));
}

/* The client has got one more message. */
static void tells(struct play *p, struct wspeer *backend, const char *text)
{
    unsigned before = p->s.client.messages;
    says(backend, text);
    WAIT(p, p->s.client.messages > before);
}

/* The n-th that has taken the first one's place, until the session has heard of it. */
static void lose_back(struct play *p, unsigned n)
{
    uint64_t before = play_count(p, METRIC_CONNECTIONS_BACKEND);
    assert_int_equal(before, 1);
    wspeer_close(play_back(p, n));
    WAIT(p, play_count(p, METRIC_CONNECTIONS_BACKEND) == 0 || p->server.switched > n + 1);
}

/* All that it says is proven to be there. */
static void leave(struct play *p)
{
    play_leave(p);
    assert_int_equal(play_count(p, METRIC_KEPT_BYTES), 0);
    assert_int_equal(play_count(p, METRIC_UP_LOST), 0);
}

/* ---- what goes again ---- */

static void a_run_begins_again_before_what_was_not_proven_and_what_is_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAY_WAYS; i++) {
        struct play p;
        play_begin(&p, ANSWERS());
        play_say_proven(&p, ASK(1));
        play_say_proven(&p, "hello");
        play_say_proven(&p, ASK(2));
        tells(&p, &p.s.backend, TOKEN(1));
        play_say_there(&p, "there");
        play_say_there(&p, ASK(3));
        play_ways[i].how(&p.s.backend);
        WAIT(&p, play_headless(&p));
        play_say(&p, ASK(4));
        play_say(&p, "new");
        play_got(&p, 0, ASK(1) "|" ASK(2) "|there|" ASK(3) "|" ASK(4) "|new|");
        assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 4);
        assert_int_equal(play_count(&p, METRIC_UP_ACCEPTED), 7);
        leave(&p);
        assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 7);
    }
}

static void one_that_was_answered_does_not(void **state)
{
    (void)state;
    static const char *const by[] = {DONE, "{\"type\":\"error\",\"text\":\"no\"}"};
    for (size_t i = 0; i < 2; i++) {
        struct play p;
        play_begin(&p, ANSWERS());
        play_say_proven(&p, ASK(1));
        play_say_proven(&p, ASK(2));
        tells(&p, &p.s.backend, by[i]);
        play_lose(&p);
        play_got(&p, 0, ASK(2) "|");
        leave(&p);
    }
}

/* The application is quicker than the endpoint's pong: that it has answered proves as much. */
static void one_that_was_answered_before_its_pong_does_not_and_what_went_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAY_WAYS; i++) {
        struct play p;
        play_begin(&p, ANSWERS());
        play_say_there(&p, "hello");
        play_say_there(&p, ASK(1));
        play_say_there(&p, "there");
        says(&p.s.backend, DONE);
        WAIT(&p, p.s.backend.out.len == 0);
        play_ways[i].how(&p.s.backend);
        play_got(&p, 0, "there|");
        play_has(&p, &p.heard, DONE "|");
        leave(&p);
        assert_int_equal(play_count(&p, METRIC_UP_DELIVERED), 3);
    }
}

/* What it is told first goes beside the journal. */
static void one_that_was_answered_by_the_next_does_not_either(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, ANSWERS());
    play_say_proven(&p, ASK(1));
    play_say_proven(&p, ASK(2));
    play_lose(&p);
    play_got(&p, 0, ASK(1) "|" ASK(2) "|");
    tells(&p, play_back(&p, 0), DONE);
    lose_back(&p, 0);
    play_got(&p, 1, ASK(2) "|");
    tells(&p, play_back(&p, 1), DONE);
    lose_back(&p, 1);
    play_say(&p, "new");
    play_got(&p, 2, "new|");
    play_has(&p, &p.heard, DONE "|" DONE "|");
    leave(&p);
}

static void of_several_threads_that_goes_whose_answer_is_missing(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, ANSWERS({"answer.key", "id"}));
    play_say_proven(&p, ASK_IN("a", 1));
    play_say_proven(&p, ASK_IN("b", 2));
    play_say_proven(&p, ASK_IN("c", 3));
    tells(&p, &p.s.backend, DONE_IN("b"));
    tells(&p, &p.s.backend, DONE); /* for whom? */
    play_lose(&p);
    play_got(&p, 0, ASK_IN("a", 1) "|" ASK_IN("c", 3) "|");
    tells(&p, play_back(&p, 0), DONE_IN("c"));
    lose_back(&p, 0);
    play_got(&p, 1, ASK_IN("a", 1) "|");
    leave(&p);
}

/* At most once is for what asks for no answer. */
static void a_run_begins_again_where_only_what_was_not_sent_is_replayed(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, ANSWERS({"reconnect.replay", "unsent"}));
    play_say_proven(&p, ASK(1));
    play_say_there(&p, "there");
    play_say_there(&p, ASK(2));
    play_lose(&p);
    play_say(&p, "new");
    play_got(&p, 0, ASK(1) "|" ASK(2) "|new|");
    leave(&p);
    assert_int_equal(play_count(&p, METRIC_UP_UNPROVEN), 2);
}

static void a_login_goes_before_it_and_once(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, ANSWERS({"reconnect.preamble", "2"}));
    play_say_proven(&p, "login");
    play_say_proven(&p, ASK(1));
    play_say_proven(&p, ASK(2));
    play_lose(&p);
    play_got(&p, 0, "login|" ASK(1) "|" ASK(2) "|");
    tells(&p, play_back(&p, 0), DONE);
    tells(&p, play_back(&p, 0), DONE);
    lose_back(&p, 0);
    play_say(&p, "new");
    play_got(&p, 1, "login|" ASK(1) "|new|");
    leave(&p);
    assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), 3 + 2);
}

/* ---- how often ---- */

static void a_run_that_is_lost_too_often_is_1011(void **state)
{
    (void)state;
    for (unsigned attempts = 1; attempts <= 3; attempts++) {
        struct play p;
        char text[] = {(char)('0' + attempts), '\0'};
        play_begin(&p, ANSWERS({"answer.attempts", text}));
        play_say_proven(&p, ASK(1));
        play_lose(&p);
        for (unsigned i = 0; i < attempts; i++) {
            play_got(&p, i, ASK(1) "|");
            if (i + 1 < attempts)
                lose_back(&p, i);
        }
        wspeer_close(play_back(&p, attempts - 1));
        play_over(&p, 1011, REASON_UNANSWERED);
        assert_int_equal(p.server.came, attempts);
        assert_int_equal(play_count(&p, METRIC_UP_REPLAYED), attempts);
        assert_int_equal(play_count(&p, METRIC_KEPT_BYTES), 0);
    }
}

/* ---- an answer at the moment of death ---- */

/* Cut behind its n-th byte: the rest comes in the same moment as the end, or never. */
static void cut_answer(unsigned n, bool comes, unsigned char frame[], size_t len)
{
    struct play p;
    play_begin(&p, ANSWERS());
    play_say_proven(&p, ASK(1));
    tells(&p, &p.s.backend, TOKEN(1));
    assert_int_equal(send(p.s.backend.fd, frame, n, 0), n);
    play_rest(&p);
    if (comes)
        assert_int_equal(send(p.s.backend.fd, frame + n, len - n, 0), len - n);
    wspeer_shutdown(&p.s.backend);
    WAIT(&p, play_headless(&p));
    play_say(&p, "new");
    play_got(&p, 0, comes ? "new|" : ASK(1) "|new|");
    if (!comes)
        tells(&p, play_back(&p, 0), DONE);
    play_has(&p, &p.heard, TOKEN(1) "|" DONE "|");
    leave(&p);
}

static void an_answer_counts_that_came_whole_and_no_other(void **state)
{
    (void)state;
    unsigned char frame[2 + sizeof(DONE) - 1] = {0x81, sizeof(DONE) - 1};
    memcpy(frame + 2, DONE, sizeof(DONE) - 1);
    for (unsigned n = 1; n < sizeof(frame); n += 4)
        for (int comes = 0; comes < 2; comes++)
            cut_answer(n, comes, frame, sizeof(frame));
}

/* ---- on the wire ---- */

static void ping(struct wspeer *p)
{
    wspeer_frame(p, true, 9, "?", 1);
}

static void pings_at_once(struct visit *v)
{
    v->peer.heard = v->peer.pinged = ping;
    for (int i = 0; i < 20; i++)
        ping(&v->peer);
}

/* wspeer fails at a control frame within a frame, and at whatever else is no frame. */
static void nothing_parts_what_goes_first(void **state)
{
    (void)state;
    static const struct faults networks[] = {
        {.seed = 1}, {.seed = 2, .cut = 100, .eagain = 50}, {.seed = 3, .cut = 100, .read = 1}};
    size_t size = 20000;
    char *ask = mem_zalloc(size + 1), *want = mem_zalloc(3 * size);
    memset(ask, 'a', size);
    memcpy(ask, "{\"type\":\"ask\",\"x\":\"", 19);
    memcpy(ask + size - 2, "\"}", 2);
    strcat(strcat(strcat(strcat(want, ask), "|"), ask), "|new|");
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
        struct play p;
        play_begin(&p, ANSWERS({"heartbeat.interval", "1s"}));
        p.server.joined = pings_at_once;
        play_say_proven(&p, ask);
        play_say_proven(&p, ask);
        faults_set(&networks[i]);
        play_lose(&p);
        play_say(&p, "new");
        play_got(&p, 0, want);
        assert_true(play_back(&p, 0)->pongs > 0);
        faults_set(&(struct faults){.seed = 0});
        leave(&p);
    }
    free(ask);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_begins_again_before_what_was_not_proven_and_what_is_new),
        cmocka_unit_test(one_that_was_answered_does_not),
        cmocka_unit_test(one_that_was_answered_before_its_pong_does_not_and_what_went_before_it),
        cmocka_unit_test(one_that_was_answered_by_the_next_does_not_either),
        cmocka_unit_test(of_several_threads_that_goes_whose_answer_is_missing),
        cmocka_unit_test(a_run_begins_again_where_only_what_was_not_sent_is_replayed),
        cmocka_unit_test(a_login_goes_before_it_and_once),
        cmocka_unit_test(a_run_that_is_lost_too_often_is_1011),
        cmocka_unit_test(an_answer_counts_that_came_whole_and_no_other),
        cmocka_unit_test(nothing_parts_what_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
