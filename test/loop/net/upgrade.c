/* A head sent to scripted backends, and what comes of it: every way to be answered or not, at every
 * moment, on good and bad networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/site.h"
#include "net/upgrade.h"
#include <stdlib.h>
#include <string.h>

#define FOREVER   3600000u /* ms: longer than a test may take */
#define COUNT(of) (sizeof(of) / sizeof(*(of)))

static const char ask[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
static const char hints[] = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
static const char switching[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

struct caller {
    struct upgrade *u;
    unsigned calls;
};

static void on_end(void *owner, struct upgrade *u)
{
    struct caller *c = owner;
    assert_ptr_equal(u, c->u);
    c->calls++;
}

static void start(struct site *s, struct caller *c, const char *head, uint64_t answer_ms)
{
    uv_update_time(&s->rig.lp.uv);
    loop_enter(&s->rig.lp);
    *c = (struct caller){.calls = 0};
    c->u = upgrade_start(&s->rig.lp, s->conf, str_of(head), answer_ms, on_end, c);
    assert_int_equal(c->calls, 0);
    assert_int_equal(upgrade_end(c->u), UPGRADE_NONE);
}

/* The backend's end, which has got the head. */
static struct peer *asked(struct site *s, struct caller *c)
{
    site_open(s, NULL);
    start(s, c, ask, FOREVER);
    struct peer *b = site_backend(s, 0);
    UNTIL(s, b->in.len >= strlen(ask));
    return b;
}

static void ends(struct site *s, struct caller *c, enum upgrade_end end, int err)
{
    UNTIL(s, c->calls > 0);
    assert_int_equal(upgrade_end(c->u), end);
    assert_int_equal(upgrade_err(c->u), err);
}

/* Nothing may be left, and no call may follow. */
static void done(struct site *s, struct caller *c, unsigned calls, enum reason r)
{
    upgrade_close(c->u, REASON_KILLED);
    if (s->accepted > 0 && s->backend[0].fd >= 0)
        site_gone(s, &s->backend[0]);
    rig_turn(&s->rig, 5);
    assert_int_equal(c->calls, calls);
    if (r != REASON_NONE)
        assert_int_equal(site_ends(s, SIDE_BACKEND, r), 1);
    site_close(s, NULL);
}

/* ---- no answer ---- */

static void a_backend_that_refuses_is_unreachable(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1:1", "unix:/nowhere"};
    static const int errors[] = {UV_ECONNREFUSED, UV_ENOENT};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct site s;
        struct caller c;
        site_open(&s, NULL);
        struct conf *behind = s.conf;
        s.conf = site_conf("127.0.0.1:0", addresses[i], NULL);
        start(&s, &c, ask, FOREVER);
        conf_unref(s.conf); /* it has a reference of its own */
        s.conf = behind;
        ends(&s, &c, UPGRADE_UNREACHABLE, errors[i]);
        assert_int_equal(site_count(&s, METRIC_DIAL_REFUSED), 1);
        assert_int_equal(site_count(&s, METRIC_CONNECTIONS_BACKEND), 0);
        done(&s, &c, 1, REASON_NONE);
    }
}

static void no_answer_in_time_is_late(void **state)
{
    (void)state;
    static const char *const said[] = {"", "HTTP/1.1 10", hints};
    for (size_t i = 0; i < COUNT(said); i++) {
        struct site s;
        struct caller c;
        site_open(&s, NULL);
        start(&s, &c, ask, 50);
        struct peer *b = site_backend(&s, 0);
        peer_say(b, said[i]);
        ends(&s, &c, UPGRADE_LATE, 0);
        done(&s, &c, 1, REASON_RESPONSE_TIMEOUT);
    }
}

static void a_backend_that_takes_no_request_is_late_too(void **state)
{
    (void)state;
    struct site s;
    struct caller c;
    size_t n = site_bulk();
    char *head = mem_zalloc(n + 1);
    memset(head, 'a', n);
    site_open(&s, NULL);
    start(&s, &c, head, 50);
    peer_stop(site_backend(&s, 0), true);
    ends(&s, &c, UPGRADE_LATE, 0);
    peer_stop(&s.backend[0], false);
    done(&s, &c, 1, REASON_RESPONSE_TIMEOUT);
    free(head);
}

static void an_end_without_an_answer_is_silence(void **state)
{
    (void)state;
    static const char *const said[] = {"", "HTTP/1.1 101 Swi", hints};
    for (size_t i = 0; i < 2 * COUNT(said); i++) {
        struct site s;
        struct caller c;
        bool reset = i % 2 != 0;
        struct peer *b = asked(&s, &c);
        peer_say(b, said[i / 2]);
        (reset ? peer_reset : peer_shutdown)(b);
        ends(&s, &c, UPGRADE_SILENT, reset ? UV_ECONNRESET : 0);
        done(&s, &c, 1, reset ? REASON_BACKEND_RESET : REASON_BACKEND_EOF);
    }
}

static void a_reset_before_the_request_was_read_is_silence(void **state)
{
    (void)state;
    struct site s;
    struct caller c;
    site_open(&s, NULL);
    start(&s, &c, ask, FOREVER);
    peer_reset(site_backend(&s, 0));
    ends(&s, &c, UPGRADE_SILENT, UV_ECONNRESET);
    done(&s, &c, 1, REASON_BACKEND_RESET);
}

/* ---- no good one ---- */

static void what_is_no_http_is_garbage(void **state)
{
    (void)state;
    static const char *const said[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n\x81\x02hi",
    };
    for (size_t i = 0; i < 2 * COUNT(said); i++) {
        struct site s;
        struct caller c;
        struct peer *b = asked(&s, &c);
        peer_say(b, said[i / 2]);
        if (i % 2)
            peer_shutdown(b);
        ends(&s, &c, UPGRADE_GARBAGE, 0);
        done(&s, &c, 1, REASON_BAD_ANSWER);
    }
}

static void a_head_beyond_the_limit_is_garbage(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct site s;
        struct caller c;
        struct buf head;
        buf_init(&head);
        buf_adds(&head, "HTTP/1.1 200 OK\r\nA: ");
        while (head.len + 4 < 1024u + (unsigned)over)
            buf_adds(&head, "a");
        buf_adds(&head, "\r\n\r\n");
        site_open(&s, (struct setting_text[]){{"limits.head", "1KiB"}, {NULL, NULL}});
        start(&s, &c, ask, FOREVER);
        peer_send(site_backend(&s, 0), head.data, head.len);
        ends(&s, &c, over ? UPGRADE_GARBAGE : UPGRADE_ANSWERED, 0);
        buf_fini(&head);
        done(&s, &c, 1, over ? REASON_BAD_ANSWER : REASON_DONE);
    }
}

/* What is taken would have the rest of the request sent in the middle of the new protocol; a
 * refusal may come early. */
static void protocols_are_not_switched_before_the_request_was_sent(void **state)
{
    (void)state;
    static const char *const said[] = {switching, "HTTP/1.1 431 Too Large\r\n\r\n"};
    size_t n = site_bulk();
    if (n == 0)
        return;
    char *head = mem_zalloc(n + 1);
    memset(head, 'a', n);
    for (size_t i = 0; i < COUNT(said); i++) {
        struct site s;
        struct caller c;
        site_open(&s, NULL);
        start(&s, &c, head, FOREVER);
        struct peer *b = site_backend(&s, 0);
        peer_stop(b, true);
        peer_say(b, said[i]);
        ends(&s, &c, i ? UPGRADE_ANSWERED : UPGRADE_GARBAGE, 0);
        peer_stop(b, false);
        done(&s, &c, 1, i ? REASON_DONE : REASON_BAD_ANSWER);
    }
    free(head);
}

/* ---- an answer ---- */

static void the_head_goes_out_as_it_is(void **state)
{
    (void)state;
    static const size_t lengths[] = {sizeof(ask) - 1, 4095, 4096, 100000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct site s;
        struct caller c;
        size_t n = lengths[i];
        char *head = mem_zalloc(n + 1);
        for (size_t j = 0; j < n; j++)
            head[j] = j < strlen(ask) ? ask[j] : (char)('a' + j % 23);
        site_open(&s, NULL);
        start(&s, &c, head, FOREVER);
        struct peer *b = site_backend(&s, 0);
        UNTIL(&s, b->in.len >= n);
        rig_turn(&s.rig, 5);
        assert_int_equal(b->in.len, n);
        assert_memory_equal(b->in.data, head, n);
        free(head);
        done(&s, &c, 0, REASON_KILLED);
    }
}

static void interim_answers_are_passed_over(void **state)
{
    (void)state;
    struct site s;
    struct caller c;
    struct str value;
    struct peer *b = asked(&s, &c);
    peer_say(b, "HTTP/1.1 100 Continue\r\n\r\n");
    rig_turn(&s.rig, 3);
    peer_say(b, hints);
    rig_turn(&s.rig, 3);
    peer_say(b, hints);
    assert_int_equal(c.calls, 0);
    peer_say(b, switching);
    ends(&s, &c, UPGRADE_ANSWERED, 0);
    const struct head *h = &upgrade_view(c.u)->head;
    assert_int_equal(h->status, 101);
    assert_int_equal(head_get(h, "Upgrade", &value), 1);
    assert_true(str_eq(value, "websocket"));
    assert_int_equal(head_get(h, "Link", &value), 0);
    done(&s, &c, 1, REASON_DONE);
}

/* All that came behind the head: in rest, and by reading on. */
static void taken(struct site *s, struct caller *c, const char *want)
{
    struct str rest;
    size_t n = strlen(want);
    char got[256];
    assert_int_equal(site_count(s, METRIC_CONNECTIONS_BACKEND), 1);
    struct transport *t = upgrade_take(c->u, &rest);
    assert_int_equal(site_count(s, METRIC_CONNECTIONS_BACKEND), 0);
    assert_true(rest.n <= n);
    memcpy(got, rest.p, rest.n);
    upgrade_close(c->u, REASON_NONE);
    c->u = NULL;
    for (size_t at = rest.n; at < n;) {
        struct iovec v = {got + at, sizeof(got) - at};
        ptrdiff_t more = transport_read(t, &v, 1);
        at += more > 0 ? (size_t)more : 0;
        assert_true(more > 0 || more == UV_EAGAIN);
        rig_turn(&s->rig, 1);
    }
    assert_memory_equal(got, want, n);
    transport_close(t);
}

static void what_stands_behind_a_101_goes_to_whoever_takes_it(void **state)
{
    (void)state;
    static const char behind[] = "\x81\x02hi\x89\x01p";
    char all[200];
    size_t n = (size_t)snprintf(all, sizeof(all), "%s%s%s", hints, switching, behind);
    for (size_t cut = 0; cut <= n; cut++) {
        struct site s;
        struct caller c;
        struct peer *b = asked(&s, &c);
        peer_send(b, all, cut);
        rig_turn(&s.rig, 3);
        peer_send(b, all + cut, n - cut);
        ends(&s, &c, UPGRADE_ANSWERED, 0);
        taken(&s, &c, behind);
        done(&s, &c, 1, REASON_NONE);
        assert_int_equal(site_ends(&s, SIDE_BACKEND, REASON_DONE), 0);
    }
}

static void a_refusal_is_an_answer_and_its_body_stays_unread(void **state)
{
    (void)state;
    struct site s;
    struct caller c;
    struct peer *b = asked(&s, &c);
    peer_say(b, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nno, no");
    peer_shutdown(b); /* an answer that is followed by its end is one */
    ends(&s, &c, UPGRADE_ANSWERED, 0);
    assert_int_equal(upgrade_view(c.u)->head.status, 401);
    assert_int_equal(upgrade_view(c.u)->body, HTTP1_LENGTH);
    assert_int_equal(upgrade_view(c.u)->length, 5);
    taken(&s, &c, "no, no");
    done(&s, &c, 1, REASON_NONE);
}

static void an_answer_that_nobody_takes_is_kept_until_it_is_closed(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct site s;
        struct caller c;
        struct peer *b = asked(&s, &c);
        peer_say(b, "HTTP/1.1 200 OK\r\n\r\n");
        ends(&s, &c, UPGRADE_ANSWERED, 0);
        peer_say(b, "more");
        if (how > 0)
            (how == 1 ? peer_shutdown : peer_reset)(b);
        rig_leap(2 * FOREVER); /* the answer's clock has stopped */
        assert_true(rig_turns_in(&s.rig, 20) < 200);
        assert_int_equal(c.calls, 1);
        assert_int_equal(site_count(&s, METRIC_CONNECTIONS_BACKEND), 1);
        assert_int_equal(upgrade_view(c.u)->head.status, 200);
        done(&s, &c, 1, REASON_DONE);
    }
}

/* ---- the owner ---- */

enum { BEFORE_ANY_TURN, ACCEPTED, ASKED, CUT_SHORT, PASSED_OVER, STEPS };

static void one_that_is_closed_is_never_heard_of_again(void **state)
{
    (void)state;
    static const char *const said[STEPS] = {
        [CUT_SHORT] = "HTTP/1.1 101 Swi", [PASSED_OVER] = hints};
    upgrade_close(NULL, REASON_NONE);
    for (int step = 0; step < STEPS; step++) {
        struct site s;
        struct caller c;
        site_open(&s, NULL);
        start(&s, &c, ask, 20);
        if (step >= ACCEPTED)
            site_backend(&s, 0);
        if (step >= ASKED)
            UNTIL(&s, c.calls || s.backend[0].in.len >= strlen(ask));
        if (said[step]) {
            peer_say(&s.backend[0], said[step]);
            rig_turn(&s.rig, 2);
        }
        unsigned calls = c.calls; /* a busy machine may make it late */
        upgrade_close(c.u, REASON_CLIENT_CLOSE);
        c.u = NULL;
        site_gone(&s, site_backend(&s, 0));
        rig_turns_in(&s.rig, 30);
        assert_int_equal(site_ends(&s, SIDE_BACKEND, REASON_CLIENT_CLOSE), !calls);
        done(&s, &c, calls, REASON_NONE);
    }
}

static void one_that_is_closed_while_it_dials_is_never_heard_of_again(void **state)
{
    (void)state;
    struct site s;
    struct caller c;
    site_open(&s, NULL);
    struct conf *behind = s.conf;
    s.conf = site_conf("127.0.0.1:0", "127.0.0.1:1", NULL);
    start(&s, &c, ask, 20);
    conf_unref(s.conf);
    s.conf = behind;
    upgrade_close(c.u, REASON_CLIENT_CLOSE);
    rig_turns_in(&s.rig, 30);
    assert_int_equal(c.calls, 0);
    for (int r = 0; r < REASON_COUNT; r++) /* there was no connection that could have ended */
        assert_int_equal(site_ends(&s, SIDE_BACKEND, (enum reason)r), 0);
    site_close(&s, NULL);
}

struct stubborn {
    struct site *site;
    struct upgrade *u;
    uint16_t status;
};

static void on_end_again(void *owner, struct upgrade *u)
{
    struct stubborn *o = owner;
    o->status = upgrade_view(u)->head.status;
    upgrade_close(u, REASON_NONE);
    o->u = NULL;
    if (o->status == 503)
        o->u =
            upgrade_start(&o->site->rig.lp, o->site->conf, str_of(ask), FOREVER, on_end_again, o);
}

static void the_owner_may_try_again_in_the_call(void **state)
{
    (void)state;
    struct site s;
    struct stubborn o = {.site = &s};
    site_open(&s, NULL);
    o.u = upgrade_start(&s.rig.lp, s.conf, str_of(ask), FOREVER, on_end_again, &o);
    peer_say(site_backend(&s, 0), "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    struct peer *b = site_backend(&s, 1);
    UNTIL(&s, b->in.len >= strlen(ask));
    peer_say(b, switching);
    UNTIL(&s, !o.u);
    assert_int_equal(o.status, 101);
    assert_int_equal(site_count(&s, METRIC_DIAL_OK), 2);
    assert_int_equal(site_ends(&s, SIDE_BACKEND, REASON_DONE), 2);
    site_close(&s, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_that_refuses_is_unreachable),
        cmocka_unit_test(no_answer_in_time_is_late),
        cmocka_unit_test(a_backend_that_takes_no_request_is_late_too),
        cmocka_unit_test(an_end_without_an_answer_is_silence),
        cmocka_unit_test(a_reset_before_the_request_was_read_is_silence),
        cmocka_unit_test(what_is_no_http_is_garbage),
        cmocka_unit_test(a_head_beyond_the_limit_is_garbage),
        cmocka_unit_test(protocols_are_not_switched_before_the_request_was_sent),
        cmocka_unit_test(the_head_goes_out_as_it_is),
        cmocka_unit_test(interim_answers_are_passed_over),
        cmocka_unit_test(what_stands_behind_a_101_goes_to_whoever_takes_it),
        cmocka_unit_test(a_refusal_is_an_answer_and_its_body_stays_unread),
        cmocka_unit_test(an_answer_that_nobody_takes_is_kept_until_it_is_closed),
        cmocka_unit_test(one_that_is_closed_is_never_heard_of_again),
        cmocka_unit_test(one_that_is_closed_while_it_dials_is_never_heard_of_again),
        cmocka_unit_test(the_owner_may_try_again_in_the_call),
    };
    return site_rounds("upgrade", tests);
}
