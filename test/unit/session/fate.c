/* When the backend leg ends: each row of fate.h's table, its neighbours, and its place in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/fate.h"
#include "wire/control.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char *codes[] = {"1000", "4001", "4999"};
static char *none[] = {"1005"};

/* As conf/README.md has the defaults, but for the codes. */
static const struct conf conf = {
    .reconnect = {.window = 60000, .probation = 5000, .poison = 2, .codes = {codes, COUNT(codes)}}};
static const struct conf plain = {.reconnect = {.window = 60000, .probation = 5000, .poison = 2}};
static const struct conf no_status = {
    .reconnect = {.window = 60000, .probation = 5000, .poison = 2, .codes = {none, 1}}};
static const struct conf off = {.reconnect = {.window = 0, .probation = 5000, .poison = 2}};
static const struct conf no_poison = {.reconnect = {.window = 60000, .probation = 5000}};
static const struct conf no_probation = {.reconnect = {.window = 60000, .poison = 2}};

struct row {
    struct fate_of of; /* conf NULL: the first of the above */
    enum fate_then then;
    enum reason reason;
    const char *why;
};

static void expect(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fate_of of = rows[i].of;
        if (!of.conf)
            of.conf = &conf;
        struct fate got = fate(&of);
        if (got.then != rows[i].then || got.reason != rows[i].reason)
            fail_msg("%s: %d %s, not %d %s", rows[i].why, got.then, reasons[got.reason].label,
                     rows[i].then, reasons[rows[i].reason].label);
    }
}

#define UNANSWERED  .what = FATE_UNANSWERED
#define ANSWERED(s) .what = FATE_ANSWERED, .status = (s)
#define ENDED(e)    .what = FATE_LEG, .end = LEG_END_##e
#define CLOSED(c)   ENDED(CLOSE), .code = (c)
#define SAYS(c, w)  CLOSED(c), .why = {w, sizeof(w) - 1}
#define AGAIN(why)  FATE_RECONNECT, REASON_##why
#define LATER       FATE_RECONNECT_LATER, REASON_BACKEND_CLOSE
#define END(why)    FATE_END, REASON_##why
#define UNSTABLE    .brief = FATE_BRIEF_MOST
#define POISONED    .poisoned = 2
#define STATE       .stateful = true, .acked_here = true
#define NEW(ms)     .reconnected = true, .lived = (ms)

static void an_attempt_goes_on_until_the_window_ends(void **state)
{
    static const struct row rows[] = {
        {{UNANSWERED}, AGAIN(UNREACHABLE), "nobody there yet"},
        {{UNANSWERED, .window_over = true}, END(RECONNECT_WINDOW), "nor in time"},
        {{ANSWERED(501)}, END(BACKEND_REFUSED), "an answer"},
        {{ANSWERED(502)}, AGAIN(UNREACHABLE), "a gateway before it"},
        {{ANSWERED(503)}, AGAIN(UNREACHABLE), "starting"},
        {{ANSWERED(504)}, AGAIN(UNREACHABLE), "a gateway before it"},
        {{ANSWERED(505)}, END(BACKEND_REFUSED), "an answer"},
        {{ANSWERED(503), .window_over = true}, END(RECONNECT_WINDOW), "starting for too long"},
        {{ANSWERED(200)}, END(BACKEND_REFUSED), "no WebSocket there any more"},
        {{ANSWERED(401)}, END(BACKEND_REFUSED), "a token has expired"},
        {{ANSWERED(403)}, END(BACKEND_REFUSED), "a ticket was used up"},
        {{ANSWERED(500)}, END(BACKEND_REFUSED), "it has broken down"},
        {{ANSWERED(401), .window_over = true}, END(BACKEND_REFUSED), "the answer says more"},
        {{.what = FATE_MISMATCHED}, END(BACKEND_CHANGED), "another subprotocol, say"},
        {{.what = FATE_MISMATCHED, .window_over = true}, END(BACKEND_CHANGED), "the same"},
        {{UNANSWERED, STATE, POISONED, UNSTABLE, .torn = true},
         AGAIN(UNREACHABLE),
         "the leg before it was judged"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void while_draining_nothing_is_reconnected(void **state)
{
    static const struct row rows[] = {
        {{UNANSWERED, .draining = true}, END(DRAIN), "an attempt"},
        {{ANSWERED(401), .draining = true}, END(DRAIN), "its answer"},
        {{.what = FATE_MISMATCHED, .draining = true}, END(DRAIN), "its answer"},
        {{ENDED(EOF), .draining = true}, END(DRAIN), "the backend got its SIGTERM too"},
        {{ENDED(FAULT), .draining = true}, END(DRAIN), "even so"},
        {{CLOSED(4000), .draining = true}, END(DRAIN), "even so"},
        {{CLOSED(1008), NEW(1), .draining = true}, END(DRAIN), "even so"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void a_1008_upon_a_reconnect_asks_for_fresh_credentials(void **state)
{
    static const struct row rows[] = {
        {{CLOSED(1008), NEW(0)}, END(BACKEND_REFUSED), "at once"},
        {{CLOSED(1008), NEW(4999)}, END(BACKEND_REFUSED), "within probation"},
        {{CLOSED(1008), NEW(5000)}, END(BACKEND_CLOSE), "behind it: the application's word"},
        {{CLOSED(1008), .lived = 1}, END(BACKEND_CLOSE), "the first: the client shall see it"},
        {{CLOSED(1007), NEW(1)}, END(BACKEND_CLOSE), "another code"},
        {{CLOSED(1009), NEW(1)}, END(BACKEND_CLOSE), "another code"},
        {{CLOSED(4008), NEW(1)}, END(BACKEND_CLOSE), "another code"},
        {{ENDED(FAULT), .code = 1008, NEW(1)}, END(BACKEND_PROTOCOL), "no Close"},
        {{CLOSED(1008), NEW(0), .conf = &no_probation}, END(BACKEND_CLOSE), "no probation"},
        {{CLOSED(1008), NEW(1), .client_closed = true, .torn = true},
         END(BACKEND_REFUSED),
         "whatever else holds"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void a_breach_of_protocol_is_never_reconnected_on(void **state)
{
    static const struct row rows[] = {
        {{ENDED(FAULT), .code = 1002}, END(BACKEND_PROTOCOL), "a bad frame"},
        {{ENDED(FAULT), .code = 1007}, END(BACKEND_PROTOCOL), "a reason that is no UTF-8"},
        {{ENDED(FAULT), .code = 1012}, END(BACKEND_PROTOCOL), "whatever the code"},
        {{ENDED(FAULT), STATE, POISONED, UNSTABLE}, END(BACKEND_PROTOCOL), "above those"},
        {{ENDED(FAULT), .client_closed = true}, END(BACKEND_PROTOCOL), "above that"},
        {{ENDED(FAULT), .conf = &off}, END(BACKEND_PROTOCOL), "above that"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

/* Every code that a Close can have. */
static void a_close_is_either_the_backends_own_word_or_an_end_to_reconnect_on(void **state)
{
    static const struct row rows[] = {
        {{CLOSED(1001)}, AGAIN(BACKEND_CLOSE), "it goes away"},
        {{CLOSED(1012)}, AGAIN(BACKEND_CLOSE), "it restarts"},
        {{CLOSED(1013)}, LATER, "it has too much to do"},
        {{CLOSED(1014)}, AGAIN(BACKEND_CLOSE), "a gateway before it"},
        {{CLOSED(1002)}, END(BACKEND_CLOSE), "about what the client sent"},
        {{CLOSED(1003)}, END(BACKEND_CLOSE), "the same"},
        {{CLOSED(1007)}, END(BACKEND_CLOSE), "the same"},
        {{CLOSED(1008)}, END(BACKEND_CLOSE), "log in again"},
        {{CLOSED(1009)}, END(BACKEND_CLOSE), "about what the client sent"},
        {{CLOSED(1010)}, END(BACKEND_CLOSE), "the same"},
        {{CLOSED(1011)}, END(BACKEND_CLOSE), "the application has failed"},
        {{CLOSED(1000), .conf = &plain}, END(BACKEND_CLOSE), "done"},
        {{CLOSED(CLOSE_NONE)}, END(BACKEND_CLOSE), "done, without a word"},
        {{CLOSED(3000)}, END(BACKEND_CLOSE), "a library's"},
        {{CLOSED(4001), .conf = &plain}, END(BACKEND_CLOSE), "the application's"},
        {{CLOSED(4999), .conf = &plain}, END(BACKEND_CLOSE), "the last of them"},
        {{CLOSED(4000), STATE, POISONED, UNSTABLE}, END(BACKEND_CLOSE), "above those"},
        {{CLOSED(4000), .client_closed = true}, END(BACKEND_CLOSE), "above that"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void listed_codes_are_an_end_to_reconnect_on(void **state)
{
    static const struct row rows[] = {
        {{CLOSED(1000)}, AGAIN(BACKEND_CLOSE), "the first of the list"},
        {{CLOSED(4001)}, AGAIN(BACKEND_CLOSE), "one within"},
        {{CLOSED(4999)}, AGAIN(BACKEND_CLOSE), "the last"},
        {{CLOSED(4000)}, END(BACKEND_CLOSE), "its neighbour"},
        {{CLOSED(4002)}, END(BACKEND_CLOSE), "its neighbour"},
        {{CLOSED(CLOSE_NONE)}, END(BACKEND_CLOSE), "not 1000"},
        {{CLOSED(CLOSE_NONE), .conf = &no_status}, AGAIN(BACKEND_CLOSE), "listed"},
        {{CLOSED(1000), .conf = &no_status}, END(BACKEND_CLOSE), "not that"},
        {{CLOSED(4001), STATE}, END(STATE_LOST), "the rows below hold for them"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void codes_about_faults_cannot_be_listed(void **state)
{
    static char *all[] = {"1002", "1003", "1007", "1008", "1009", "1010", "1011"};
    static const uint16_t want[] = {1002, 1003, 1007, 1008, 1009, 1010, 1011};
    const struct conf c = {.reconnect = {.window = 1, .codes = {all, COUNT(all)}}};
    (void)state;
    for (size_t i = 0; i < COUNT(want); i++)
        expect(&(struct row){{.conf = &c, CLOSED(want[i])}, END(BACKEND_CLOSE), all[i]}, 1);
}

static void a_keepalive_timeout_is_no_failure_of_the_application(void **state)
{
    static const struct row rows[] = {
        {{SAYS(1011, "keepalive ping timeout")}, AGAIN(BACKEND_CLOSE), "websockets"},
        {{SAYS(1011, "sent 1011: keepalive ping timeout; no close frame")},
         AGAIN(BACKEND_CLOSE),
         "within a longer one"},
        {{SAYS(1011, "keepalive ping timeou")}, END(BACKEND_CLOSE), "less than that"},
        {{SAYS(1011, "database timeout")}, END(BACKEND_CLOSE), "another"},
        {{SAYS(1011, "")}, END(BACKEND_CLOSE), "none"},
        {{SAYS(1010, "keepalive ping timeout")}, END(BACKEND_CLOSE), "another code"},
        {{SAYS(4000, "keepalive ping timeout")}, END(BACKEND_CLOSE), "the application's"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void any_end_without_a_word_is_reconnected_on(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF)}, AGAIN(BACKEND_EOF), "a worker is recycled"},
        {{ENDED(RESET)}, AGAIN(BACKEND_RESET), "it crashed"},
        {{ENDED(SILENT)}, AGAIN(BACKEND_TIMEOUT), "it is gone"},
        {{ENDED(LATE)}, AGAIN(BACKEND_TIMEOUT), "the same"},
        {{ENDED(EOF), .code = 1000}, AGAIN(BACKEND_EOF), "no Close: its code is none"},
        {{ENDED(EOF), .code = 1013}, AGAIN(BACKEND_EOF), "nor that"},
        {{ENDED(EOF), .unacked = true}, AGAIN(BACKEND_EOF), "to be replayed"},
        {{ENDED(EOF), .window_over = true},
         AGAIN(BACKEND_EOF),
         "one that was there gets one attempt"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void a_client_that_has_closed_and_lacks_nothing_is_answered(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF), .client_closed = true}, END(CLIENT_CLOSE), "nothing to reconnect for"},
        {{CLOSED(1012), .client_closed = true}, END(CLIENT_CLOSE), "the same"},
        {{ENDED(EOF), .client_closed = true, .unacked = true},
         AGAIN(BACKEND_EOF),
         "its last message is still to be delivered"},
        {{ENDED(EOF), .client_closed = true, .conf = &off},
         END(CLIENT_CLOSE),
         "a server that answers a Close with an EOF: the client is not told of a failure"},
        {{ENDED(EOF), .client_closed = true, STATE}, END(CLIENT_CLOSE), "state that nobody needs"},
        {{ENDED(EOF), .client_closed = true, POISONED, UNSTABLE}, END(CLIENT_CLOSE), "the same"},
        {{ENDED(EOF), .client_closed = true, .client_mid = true},
         END(CLIENT_CLOSE),
         "it waits for no more"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void what_cannot_go_on_seamlessly_ends(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF), .conf = &off}, END(BACKEND_EOF), "off"},
        {{ENDED(RESET), .conf = &off}, END(BACKEND_RESET), "off"},
        {{ENDED(SILENT), .conf = &off}, END(BACKEND_TIMEOUT), "off"},
        {{CLOSED(1013), .conf = &off}, END(BACKEND_CLOSE), "off: relayed"},
        {{SAYS(1011, "keepalive ping timeout"), .conf = &off}, END(BACKEND_CLOSE), "off: relayed"},
        {{ENDED(EOF), .no_head = true}, END(BACKEND_EOF), "nothing to send again"},
        {{CLOSED(1001), .no_head = true}, END(BACKEND_CLOSE), "relayed"},
        {{ENDED(EOF), .torn = true}, END(BACKEND_EOF), "a message is gone"},
        {{CLOSED(1012), .torn = true}, END(BACKEND_CLOSE), "relayed"},
        {{ENDED(EOF), .given_up = true}, END(BACKEND_EOF), "messages are gone"},
        {{CLOSED(1012), .given_up = true}, END(BACKEND_CLOSE), "relayed"},
        {{ENDED(EOF), .client_mid = true}, END(BACKEND_EOF), "its rest is gone"},
        {{CLOSED(1001), .client_mid = true}, END(BACKEND_CLOSE), "relayed"},
        {{CLOSED(4001), .client_mid = true}, END(BACKEND_CLOSE), "listed: relayed all the same"},
        {{ENDED(EOF), .torn = true, STATE, POISONED, UNSTABLE}, END(BACKEND_EOF), "above those"},
        {{ENDED(EOF), .torn = true, .client_closed = true, .unacked = true},
         END(BACKEND_EOF),
         "its last message is lost: it may not take its Close for answered"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void state_is_lost_only_where_there_was_some(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF), STATE}, END(STATE_LOST), "both"},
        {{ENDED(EOF), .stateful = true}, AGAIN(BACKEND_EOF), "it knows of nothing yet"},
        {{ENDED(EOF), .acked_here = true}, AGAIN(BACKEND_EOF), "it keeps nothing"},
        {{CLOSED(1012), STATE}, END(STATE_LOST), "whatever the end"},
        {{CLOSED(1013), STATE}, END(STATE_LOST), "whatever the end"},
        {{ENDED(EOF), STATE, POISONED, UNSTABLE}, END(STATE_LOST), "above those"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void a_message_that_ends_connections_is_not_sent_for_ever(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF), .poisoned = 1}, AGAIN(BACKEND_EOF), "once is chance"},
        {{ENDED(EOF), .poisoned = 2}, END(POISON), "as often as is set"},
        {{ENDED(RESET), .poisoned = 3}, END(POISON), "more often"},
        {{ENDED(EOF), .poisoned = 1000, .conf = &no_poison}, AGAIN(BACKEND_EOF), "0 is off"},
        {{ENDED(EOF), POISONED, UNSTABLE}, END(POISON), "above the last"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

static void brief_lives_end_with_the_fifth(void **state)
{
    static const struct row rows[] = {
        {{ENDED(EOF), .brief = 4}, AGAIN(BACKEND_EOF), "once more"},
        {{ENDED(EOF), .brief = 5}, END(BACKEND_UNSTABLE), "no endless loop"},
        {{CLOSED(1001), .brief = 6}, END(BACKEND_UNSTABLE), "nor a polite one"},
        {{CLOSED(1013), .brief = 4}, LATER, "once more"},
        {{CLOSED(1013), .brief = 5}, END(BACKEND_UNSTABLE), "nor a slow one"},
    };
    (void)state;
    expect(rows, COUNT(rows));
}

/* 0: the backend's Close is relayed, or the client's answered. */
static void the_client_gets_the_code_of_the_reason(void **state)
{
    static const struct {
        enum reason reason;
        uint16_t code;
    } rows[] = {
        {REASON_DRAIN, 1012},
        {REASON_RECONNECT_WINDOW, 1013},
        {REASON_BACKEND_REFUSED, 1012},
        {REASON_BACKEND_CHANGED, 1012},
        {REASON_BACKEND_PROTOCOL, 1014},
        {REASON_BACKEND_CLOSE, 0},
        {REASON_CLIENT_CLOSE, 0},
        {REASON_BACKEND_EOF, 1012},
        {REASON_BACKEND_RESET, 1012},
        {REASON_BACKEND_TIMEOUT, 1012},
        {REASON_STATE_LOST, 1012},
        {REASON_POISON, 1011},
        {REASON_BACKEND_UNSTABLE, 1011},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(reasons[rows[i].reason].to_client, rows[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_goes_on_until_the_window_ends),
        cmocka_unit_test(while_draining_nothing_is_reconnected),
        cmocka_unit_test(a_1008_upon_a_reconnect_asks_for_fresh_credentials),
        cmocka_unit_test(a_breach_of_protocol_is_never_reconnected_on),
        cmocka_unit_test(a_close_is_either_the_backends_own_word_or_an_end_to_reconnect_on),
        cmocka_unit_test(listed_codes_are_an_end_to_reconnect_on),
        cmocka_unit_test(codes_about_faults_cannot_be_listed),
        cmocka_unit_test(a_keepalive_timeout_is_no_failure_of_the_application),
        cmocka_unit_test(any_end_without_a_word_is_reconnected_on),
        cmocka_unit_test(a_client_that_has_closed_and_lacks_nothing_is_answered),
        cmocka_unit_test(what_cannot_go_on_seamlessly_ends),
        cmocka_unit_test(state_is_lost_only_where_there_was_some),
        cmocka_unit_test(a_message_that_ends_connections_is_not_sent_for_ever),
        cmocka_unit_test(brief_lives_end_with_the_fifth),
        cmocka_unit_test(the_client_gets_the_code_of_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
