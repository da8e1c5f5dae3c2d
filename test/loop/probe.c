/* The probe, through a real front and session, to scripted backends: what it finds, in words, and
 * that nobody else is touched by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/pages.h"
#include "config/load.h"
#include "loop/lib/server.h"
#include "loop/lib/site.h"
#include "probe.h"
#include <stdio.h>
#include <string.h>

struct scene {
    struct site site;
    struct server server;
    struct probe probe;
    unsigned users; /* that came and went */
};

static struct conf *conf_of(struct scene *s, const char *path, const char *period)
{
    const struct setting_text settings[] = {
        {"probe.path", path},
        {"probe.period", period},
        {"reconnect.window", "1m"},             /* not for it: it is to see what is there */
        {"origins", "https://app.example.com"}, /* it is no page, and let in all the same */
        {NULL, NULL}};
    return site_conf("127.0.0.1:0", s->server.address, settings);
}

static void use(struct scene *s, const char *path, const char *period)
{
    struct conf *before = s->site.conf;
    s->site.rig.lp.conf = s->site.conf = conf_of(s, path, period);
    probe_use(&s->probe, s->site.conf);
    conf_unref(before);
}

static void listens(struct scene *s)
{
    struct address at;
    char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(s->site.address.in.sin_port));
    assert_int_equal(address_parse(str_of(text), &at), 0);
    probe_listens(&s->probe, &at);
}

/* Every so often, of a backend that answers as it is told. */
static void set(struct scene *s, const char *period)
{
    memset(s, 0, sizeof(*s));
    site_open(&s->site, NULL);
    server_open(&s->server, &s->site.rig);
    probe_init(&s->probe, &s->site.rig.lp);
    s->site.fronts.mark = s->probe.mark;
    listens(s);
    use(s, "/ws", period);
    assert_int_equal(s->probe.report.state, PROBE_UNKNOWN);
}

static uint64_t ends(const struct scene *s, enum side side)
{
    uint64_t sum = 0;
    for (unsigned r = 0; r < REASON_COUNT; r++)
        sum += site_ends(&s->site, side, (enum reason)r);
    return sum;
}

/* Of no user: all that the probe's way has of its own is in other figures. */
static uint64_t traffic(const struct scene *s)
{
    const struct metrics *m = &s->site.rig.metrics;
    uint64_t sum = site_count(&s->site, METRIC_DOWN_ACCEPTED) +
                   site_count(&s->site, METRIC_DOWN_DELIVERED) +
                   site_count(&s->site, METRIC_DOWN_BYTES);
    for (size_t i = 0; i < sizeof(m->http_status) / sizeof(*m->http_status); i++)
        sum += m->http_status[i];
    for (size_t i = 0; i < CLOSE_CODES; i++)
        sum += m->closes[SIDE_CLIENT][i] + m->closes[SIDE_BACKEND][i];
    return sum;
}

static uint64_t durations(const struct scene *s)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
        sum += s->site.rig.metrics.histogram[HISTOGRAM_SESSION_DURATION].bucket[i];
    return sum;
}

/* Until nobody is connected to the front. */
static void rest(struct scene *s)
{
    while (s->site.fronts.count > 0 || s->site.sessions.count > 0) {
        uv_run(&s->site.rig.lp.uv, UV_RUN_ONCE);
        server_part(&s->server);
    }
}

static void strike(struct scene *s)
{
    probe_stop(&s->probe);
    rest(s);
    server_close(&s->server);
    site_close(&s->site, NULL);
    assert_int_equal(ends(s, SIDE_CLIENT), s->users);
    assert_int_equal(ends(s, SIDE_BACKEND), s->users);
    assert_int_equal(durations(s), s->users);
    assert_int_equal(traffic(s) > 0, s->users > 0);
    probe_fini(&s->probe);
}

static void until_judged(struct scene *s)
{
    s->probe.report.last = 0;
    UNTIL(&s->site, s->probe.report.last > 0);
}

/* What the page says. */
static unsigned page(const struct scene *s, char *text, size_t room)
{
    const struct admin_source source = {.probe = &s->probe.report};
    struct buf body = {0};
    unsigned status = page_find(STR("/healthz/websocket"))->make(&source, &body);
    snprintf(text, room, "%.*s", (int)body.len, (const char *)body.data);
    buf_fini(&body);
    return status;
}

static void found(const struct scene *s, unsigned status, const char *state, const char *why)
{
    char text[400], want[200];
    assert_int_equal(page(s, text, sizeof(text)), status);
    snprintf(want, sizeof(want), "{\"status\":\"%s\",\"since\":\"20", state);
    assert_memory_equal(text, want, strlen(want));
    snprintf(want, sizeof(want), "\"why\":\"%s\"", why);
    if (!strstr(text, want))
        fail_msg("%s in %s", want, text);
}

static struct visit *visited(struct scene *s, unsigned n)
{
    UNTIL(&s->site, server_visit(&s->server, n));
    return server_visit(&s->server, n);
}

/* Of a probe that has sent its ping to a backend that leaves the answer to the test. */
static struct visit *pinged(struct scene *s)
{
    struct visit *v = visited(s, 0);
    v->peer.deaf = true;
    UNTIL(&s->site, v->peer.pings == 1);
    return v;
}

/* Until the n-th handshake has come to the backend, as a whole. */
static void asked(struct scene *s, unsigned n)
{
    const struct buf *head = &s->server.visits[n - 1].head;
    UNTIL(&s->site, head->len > 0 && head->data[head->len - 1] == '\0');
}

static void a_pong_of_the_backends_is_what_makes_it_well(void **state)
{
    (void)state;
    static const char greeting[] = "\x81\x05hello";
    struct scene s;
    set(&s, "20s");
    s.server.reply.rest = greeting;
    s.server.reply.rest_len = sizeof(greeting) - 1;
    found(&s, 503, "unknown", "none has ended yet");
    struct visit *v = pinged(&s);
    assert_null(strcasestr((char *)v->head.data, "probe:"));
    assert_null(strcasestr((char *)v->head.data, "origin:"));
    assert_non_null(strstr((char *)v->head.data, "(probe)\r\n"));
    rig_turn(&s.site.rig, 20);
    found(&s, 503, "unknown", "none has ended yet");
    wspeer_send(&v->peer, 10, "another's", 9);
    rig_turn(&s.site.rig, 40);
    assert_int_equal(s.probe.report.state, PROBE_UNKNOWN);
    uint64_t sent = s.probe.pinged;
    wspeer_send(&v->peer, 10, "another's", 9);
    wspeer_send(&v->peer, 10, &sent, sizeof(sent));
    until_judged(&s);
    found(&s, 200, "ok", "handshake, ping and pong");
    assert_true(s.probe.report.handshake_us > 0 && s.probe.report.pong_us > 0);
    UNTIL(&s.site, v->peer.got_close && !s.probe.upgrade);
    assert_int_equal(v->peer.code, 1000);
    assert_int_equal(v->peer.pings, 1);
    assert_int_equal(site_count(&s.site, METRIC_PROBE_OK), 1);
    strike(&s);
}

#define BAD_ACCEPT                                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* A text in place of a 101, or what comes behind one. */
static const struct {
    const char *text, *rest, *why;
} bad[] = {
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "", "handshake: it answered 403"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", "handshake: it answered 200"},
    {BAD_ACCEPT, "", "handshake: it answered 502"},
    {"220 mail.example.com ESMTP\r\n", "", "handshake: it answered 502"},
    {NULL, "\x88\x02\x03\xf0", "handshake ok, then a Close 1008 instead of a pong"},
    {NULL, "\x88\x02\x03\xf4", "handshake ok, then a Close 1012 instead of a pong"},
    {NULL, "\x88\x04\x0f\xa1no", "handshake ok, then a Close 4001 instead of a pong"},
    {NULL, "\x88", "handshake ok, then a Close instead of a pong"},
    {NULL, "\xff\xff\xff\xff", "handshake ok, then a Close 1014 instead of a pong"},
};

static void what_is_wrong_is_said_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct scene s;
        set(&s, "20s");
        s.server.reply.what = bad[i].text ? REPLY_TEXT : REPLY_SWITCH;
        s.server.reply.text = bad[i].text;
        s.server.reply.rest = bad[i].rest;
        s.server.reply.rest_len = strlen(bad[i].rest);
        if (s.server.reply.rest_len == 1)
            s.server.reply.rest_len = 2; /* an empty Close */
        until_judged(&s);
        found(&s, 503, "failing", bad[i].why);
        assert_int_equal(s.probe.report.handshake_us > 0, !bad[i].text);
        assert_int_equal(s.probe.report.pong_us, 0);
        assert_int_equal(site_count(&s.site, METRIC_PROBE_FAILURES), 1);
        strike(&s);
    }
}

static void a_backend_that_ends_behind_its_101_is_failing(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    struct visit *v = pinged(&s);
    wspeer_close(&v->peer);
    until_judged(&s);
    found(&s, 503, "failing", "handshake ok, then a Close 1012 instead of a pong");
    strike(&s);
}

static void one_that_says_nothing_is_judged_when_the_next_is_due_and_recovers(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    visited(&s, 0);
    until_judged(&s);
    s.server.reply.what = REPLY_SILENCE;
    rig_leap(20000);
    asked(&s, 2);
    found(&s, 200, "ok", "handshake, ping and pong");
    rig_leap(20000);
    asked(&s, 3);
    found(&s, 503, "failing", "handshake: no answer within 20s");
    rig_leap(20000);
    asked(&s, 4);
    assert_int_equal(s.probe.report.failures, 2);
    s.server.reply.what = REPLY_SWITCH;
    rig_leap(20000);
    UNTIL(&s.site, s.probe.report.state == PROBE_OK);
    assert_int_equal(s.probe.report.failures, 0);
    assert_int_equal(site_count(&s.site, METRIC_PROBE_FAILURES), 0);
    assert_int_equal(site_count(&s.site, METRIC_PROBE_FAILED), 3);
    strike(&s);
}

/* Stopped by a signal, or without CPU: the pong is in the socket when time goes on. */
static void time_in_which_we_stood_still_is_not_held_against_the_backend(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    struct visit *v = pinged(&s);
    wspeer_send(&v->peer, 10, &s.probe.pinged, sizeof(s.probe.pinged));
    rig_leap(60000);
    until_judged(&s);
    found(&s, 200, "ok", "handshake, ping and pong");
    UNTIL(&s.site, !s.probe.upgrade);
    strike(&s);
}

static void a_handshake_without_a_pong_is_no_health(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    struct visit *v = pinged(&s);
    wspeer_send(&v->peer, 9, "and you?", 8);
    UNTIL(&s.site, v->peer.pongs == 1);
    rig_leap(20000);
    until_judged(&s);
    found(&s, 503, "failing", "handshake ok, no pong within 20s");
    visited(&s, 1); /* the next one */
    strike(&s);
}

/* Nobody reads what the probe's client gets before it is judged late. */
static void a_backend_that_floods_holds_nothing_up(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    struct visit *v = visited(&s, 0);
    v->peer.deaf = true;
    for (int i = 0; i < 20000; i++)
        wspeer_send(&v->peer, i % 2 ? 9 : 10, "who is there?", 13);
    wspeer_say_close(&v->peer, 1008, "");
    until_judged(&s);
    found(&s, 503, "failing", "handshake ok, then a Close 1008 instead of a pong");
    strike(&s);
}

static void nobody_listening_is_said_in_words(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    listener_close(s.site.listener);
    s.site.listener = NULL;
    until_judged(&s);
    found(&s, 503, "failing", "handshake: connection refused");
    strike(&s);
}

static void a_reload_that_changes_it_begins_anew_and_none_goes_on_without_a_path(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    s.server.reply.what = REPLY_SILENCE;
    asked(&s, 1);
    use(&s, "/ws", "20s");
    assert_non_null(s.probe.upgrade);
    use(&s, "/ws2", "20s");
    assert_null(s.probe.upgrade);
    s.server.reply.what = REPLY_SWITCH;
    until_judged(&s);
    assert_int_equal(memcmp(visited(&s, 0)->head.data, "GET /ws2 ", 9), 0);
    found(&s, 200, "ok", "handshake, ping and pong");
    use(&s, "/ws2", "30s");
    found(&s, 503, "unknown", "none has ended yet");
    until_judged(&s);
    listens(&s);
    use(&s, "/ws2", "30s");
    assert_int_equal(s.probe.report.state, PROBE_UNKNOWN);
    until_judged(&s);
    use(&s, "", "30s");
    found(&s, 404, "off", "probe.path is not set");
    unsigned came = s.server.came;
    rig_leap(60000);
    rig_turn(&s.site.rig, 20);
    assert_int_equal(s.server.came, came);
    strike(&s);
    assert_int_equal(s.probe.report.state, PROBE_OFF);
}

static void a_process_that_is_about_to_stop_is_not_well(void **state)
{
    (void)state;
    struct scene s;
    set(&s, "20s");
    until_judged(&s);
    probe_stop(&s.probe);
    found(&s, 503, "failing", "about to stop");
    strike(&s);
}

/* Whose pings are answered here, and who is counted. */
static void who_does_not_know_the_mark_is_a_user(void **state)
{
    (void)state;
    static const char handshake[] =
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Wskeep-Probe: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct scene s;
    struct peer c;
    set(&s, "20s");
    use(&s, "", "20s");
    site_connect(&s.site, &c);
    peer_say(&c, handshake);
    struct visit *v = visited(&s, 0);
    v->peer.deaf = true;
    assert_null(strcasestr((char *)v->head.data, "probe"));
    UNTIL(&s.site, peer_has(&c, "\r\n\r\n"));
    peer_send(&c, "\x89\x81\0\0\0\0?", 7);
    UNTIL(&s.site, peer_has(&c, "\x8a\x01?"));
    assert_int_equal(v->peer.pings, 0);
    peer_close(&c);
    rest(&s);
    s.users = 1;
    strike(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pong_of_the_backends_is_what_makes_it_well),
        cmocka_unit_test(what_is_wrong_is_said_in_words),
        cmocka_unit_test(a_backend_that_ends_behind_its_101_is_failing),
        cmocka_unit_test(one_that_says_nothing_is_judged_when_the_next_is_due_and_recovers),
        cmocka_unit_test(time_in_which_we_stood_still_is_not_held_against_the_backend),
        cmocka_unit_test(a_handshake_without_a_pong_is_no_health),
        cmocka_unit_test(a_backend_that_floods_holds_nothing_up),
        cmocka_unit_test(nobody_listening_is_said_in_words),
        cmocka_unit_test(a_reload_that_changes_it_begins_anew_and_none_goes_on_without_a_path),
        cmocka_unit_test(a_process_that_is_about_to_stop_is_not_well),
        cmocka_unit_test(who_does_not_know_the_mark_is_a_user),
    };
    return site_rounds("probe", tests);
}
