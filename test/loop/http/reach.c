/* How the backend is reached, or not: by name, by address, in time; what the client is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char handshake[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static const struct setting_text brief[] = {{"readiness.wait", "100ms"}, {NULL, NULL}};

/* In place of libc's: no test asks a name server. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    static struct sockaddr_in sa;
    static struct addrinfo only = {
        .ai_family = AF_INET, .ai_addr = (void *)&sa, .ai_addrlen = sizeof(sa)};
    (void)hints;
    if (strcmp(node, "here.test") != 0)
        return EAI_NONAME;
    sa = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr = {htonl(INADDR_LOOPBACK)},
                              .sin_port = htons((uint16_t)atoi(service))};
    *out = &only;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

/* A site whose front looks for its backend there, and a client of it. */
static void visit_before(struct site *s, struct peer *c, const char *host, unsigned port,
                         const struct setting_text *settings)
{
    char address[64];
    site_open(s, NULL);
    snprintf(address, sizeof(address), "%s:%u", host, port ? port : s->conf->backend.address.port);
    conf_unref(s->conf);
    s->rig.lp.conf = s->conf = site_conf("127.0.0.1:0", address, settings);
    site_connect(s, c);
}

static void a_backend_is_found_by_its_name(void **state)
{
    (void)state;
    struct site s;
    struct peer c;
    visit_before(&s, &c, "here.test", 0, NULL);
    site_keep(&s, &c);
    site_close(&s, &c);
}

static void a_backend_whose_name_nobody_knows_is_503(void **state)
{
    (void)state;
    for (int ws = 0; ws < 2; ws++) {
        struct site s;
        struct peer c;
        visit_before(&s, &c, "nowhere.test", 80, brief);
        peer_say(&c, ws ? handshake : site_get);
        site_answer(&s, &c, " 503 ", "the backend is not available: unknown node or service\n");
        site_close(&s, &c);
        assert_int_equal(site_count(&s, METRIC_DIAL_RESOLVE), 1);
    }
}

static void a_backend_that_does_not_listen_is_503(void **state)
{
    (void)state;
    for (int ws = 0; ws < 2; ws++) {
        struct site s;
        struct peer c;
        site_open(&s, brief);
        listener_close(s.behind);
        s.behind = NULL;
        site_connect(&s, &c);
        peer_say(&c, ws ? handshake : site_get);
        site_answer(&s, &c, " 503 ", "the backend is not available: connection refused\n");
        site_close(&s, &c);
        assert_int_equal(site_count(&s, METRIC_DIAL_REFUSED), 1);
    }
}

/* A listening socket whose queue is full: Linux drops every further SYN. */
static void a_backend_that_does_not_accept_in_time_is_503(void **state)
{
    (void)state;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(sa);
    static const struct setting_text hasty[] = {
        {"backend.connect_timeout", "60ms"}, {"readiness.wait", "100ms"}, {NULL, NULL}};
    int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[8];
    assert_int_equal(bind(full, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(full, 0), 0);
    getsockname(full, (struct sockaddr *)&sa, &n);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fillers[i], (struct sockaddr *)&sa, n);
    }
    for (int ws = 0; ws < 2; ws++) {
        struct site s;
        struct peer c;
        visit_before(&s, &c, "127.0.0.1", ntohs(sa.sin_port), hasty);
        peer_say(&c, ws ? handshake : site_get);
        site_answer(&s, &c, " 503 ", "the backend is not available: connection timed out\n");
        site_close(&s, &c);
        assert_int_equal(site_count(&s, METRIC_DIAL_TIMEOUT), 1);
        assert_int_equal(s.rig.metrics.http_status[503], 1);
    }
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(full);
}

/* It says nothing about the backend: who comes next does not wait for a probe. */
static void without_a_descriptor_a_request_waits_for_one(void **state)
{
    (void)state;
    struct site s;
    struct peer c, next;
    struct rlimit before, none;
    static const struct setting_text soon[] = {{"readiness.interval", "50ms"}, {NULL, NULL}};
    site_visit(&s, &c, soon);
    site_connect(&s, &next);
    UNTIL(&s, s.fronts.count == 2);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 0; /* what is open stays so */
    setrlimit(RLIMIT_NOFILE, &none);
    peer_say(&c, site_get);
    UNTIL(&s, site_count(&s, METRIC_DIAL_ERROR) == 3);
    setrlimit(RLIMIT_NOFILE, &before);
    peer_say(&next, site_get);
    while (!peer_has(&c, "fine") || !peer_has(&next, "fine")) {
        rig_turn(&s.rig, 1);
        for (unsigned i = 0; i < s.accepted; i++)
            if (message_fini(&s.m), peer_take(&s.backend[i], &s.m, false))
                peer_say(&s.backend[i], site_fine);
    }
    peer_close(&next);
    site_close(&s, &c);
}

/* Behind a reload: what leads to the old backend is for those alone who began with it. */
static void a_kept_connection_is_for_those_with_the_same_settings(void **state)
{
    (void)state;
    static const struct setting_text kept[] = {{"backend.keepalive_timeout", "1h"}, {NULL, NULL}};
    struct site s;
    struct peer old, new;
    site_visit(&s, &old, kept);
    struct peer *first = site_keep(&s, &old);
    struct conf *before = s.conf;
    s.rig.lp.conf = s.conf = site_conf("127.0.0.1:0", before->backend.address.text, kept);
    conf_unref(before);
    site_connect(&s, &new);
    struct peer *second = site_ask(&s, &new, site_get);
    assert_ptr_not_equal(second, first);
    peer_say(second, site_fine);
    site_answer(&s, &new, "200 OK", "fine");
    site_keep(&s, &old);
    assert_int_equal(s.accepted, 2);
    peer_close(&new);
    site_close(&s, &old);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_is_found_by_its_name),
        cmocka_unit_test(a_backend_whose_name_nobody_knows_is_503),
        cmocka_unit_test(a_backend_that_does_not_listen_is_503),
        cmocka_unit_test(a_backend_that_does_not_accept_in_time_is_503),
        cmocka_unit_test(without_a_descriptor_a_request_waits_for_one),
        cmocka_unit_test(a_kept_connection_is_for_those_with_the_same_settings),
    };
    return site_rounds("reach", tests);
}
