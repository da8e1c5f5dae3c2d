/* Each timeout of HTTP/1 to the millisecond, in time that passes by leaps alone. Those of sessions:
 * session/beat.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

static const char handshake[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void pass_time(struct site *s, uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&s->rig, 64);
}

/* Not a millisecond before. */
#define MUST_COME_IN(s, ms, cond)                                                                  \
    do {                                                                                           \
        pass_time(s, (ms)-1);                                                                      \
        assert_false(cond);                                                                        \
        pass_time(s, 1);                                                                           \
        assert_true(cond);                                                                         \
    } while (0)

static void begin(struct site *s, struct peer *c, const char *path, const char *value)
{
    rig_freeze();
    site_visit(s, c, (const struct setting_text[]){{path, value}, {NULL, NULL}});
    UNTIL(s, s->fronts.count == 1);
    pass_time(s, 3456);
}

static bool answered(const struct site *s, unsigned status)
{
    return s->rig.metrics.http_status[status] > 0;
}

static void an_idle_client_is_let_go_when_listen_keepalive_timeout_ends(void **state)
{
    (void)state;
    for (int used = 0; used < 2; used++) {
        struct site s;
        struct peer c;
        begin(&s, &c, "listen.keepalive_timeout", "90s");
        if (used)
            site_keep(&s, &c);
        MUST_COME_IN(&s, used ? 90000 : 90000 - 3456, site_ends(&s, SIDE_CLIENT, REASON_IDLE));
        site_close(&s, &c);
    }
}

static void a_head_is_waited_for_until_listen_header_timeout_ends(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    begin(&s, &c, "listen.header_timeout", "10s");
    peer_say(&c, "GET / HT");
    rig_turn(&s.rig, 64);
    pass_time(&s, 6000);
    peer_say(&c, "TP/1.1\r\n"); /* which gives it no more time */
    rig_turn(&s.rig, 64);
    MUST_COME_IN(&s, 4000, answered(&s, 408));
    site_close(&s, &c);
    assert_int_equal(site_ends(&s, SIDE_CLIENT, REASON_HEADER_TIMEOUT), 1);
}

static void a_body_is_waited_for_until_listen_body_timeout_ends_behind_its_last_byte(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    begin(&s, &c, "listen.body_timeout", "30s");
    site_ask(&s, &c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    pass_time(&s, 20000);
    peer_say(&c, "some");
    rig_turn(&s.rig, 64);
    MUST_COME_IN(&s, 30000, answered(&s, 408));
    site_close(&s, &c);
}

static void an_answer_is_waited_for_until_backend_response_timeout_ends(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    begin(&s, &c, "backend.response_timeout", "20s");
    site_ask(&s, &c, site_get);
    MUST_COME_IN(&s, 20000, answered(&s, 504));
    site_close(&s, &c);
}

static void a_handshake_is_waited_for_until_backend_handshake_timeout_ends(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    begin(&s, &c, "backend.handshake_timeout", "30s");
    site_ask(&s, &c, handshake);
    MUST_COME_IN(&s, 30000, answered(&s, 503));
    site_close(&s, &c);
}

static void an_idle_connection_is_kept_until_backend_keepalive_timeout_ends(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    begin(&s, &c, "backend.keepalive_timeout", "15s");
    site_keep(&s, &c);
    MUST_COME_IN(&s, 15000, site_count(&s, METRIC_CONNECTIONS_BACKEND) == 0);
    site_close(&s, &c);
}

/* A listening socket whose queue is full: Linux drops every further SYN. */
static void a_connection_is_waited_for_until_backend_connect_timeout_ends(void **state)
{
    (void)state;
    enum { FILLERS = 8 };
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(sa);
    int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[FILLERS];
    char address[32];
    assert_int_equal(bind(full, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(full, 0), 0);
    getsockname(full, (struct sockaddr *)&sa, &n);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fillers[i], (struct sockaddr *)&sa, n);
    }
    snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(sa.sin_port));
    for (int ws = 0; ws < 2; ws++) {
        struct site s;
        struct peer c;
        begin(&s, &c, "backend.address", address);
        peer_say(&c, ws ? handshake : site_get);
        rig_turn(&s.rig, 64);
        MUST_COME_IN(&s, 5000, site_count(&s, METRIC_DIAL_TIMEOUT) == 1);
        MUST_COME_IN(&s, 25000, answered(&s, 503)); /* readiness.wait in all */
        site_close(&s, &c);
    }
    for (int i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(full);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_client_is_let_go_when_listen_keepalive_timeout_ends),
        cmocka_unit_test(a_head_is_waited_for_until_listen_header_timeout_ends),
        cmocka_unit_test(a_body_is_waited_for_until_listen_body_timeout_ends_behind_its_last_byte),
        cmocka_unit_test(an_answer_is_waited_for_until_backend_response_timeout_ends),
        cmocka_unit_test(a_handshake_is_waited_for_until_backend_handshake_timeout_ends),
        cmocka_unit_test(an_idle_connection_is_kept_until_backend_keepalive_timeout_ends),
        cmocka_unit_test(a_connection_is_waited_for_until_backend_connect_timeout_ends),
    };
    return cmocka_run_group_tests_name("http/deadlines", tests, NULL, NULL);
}
