/* A front and a backend on one loop: see site.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include "loop/lib/tally.h"
#include "net/gate.h"
#include "net/resolve.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_ended(void *owner)
{
    ((struct site *)owner)->ended++;
}

static void on_client(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct site *s = owner;
    front_accept(&s->fronts, s->conf, fd, peer);
}

static void on_behind(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct site *s = owner;
    (void)peer;
    assert_true(s->accepted < SITE_BACKENDS);
    peer_open(&s->backend[s->accepted++], &s->rig, fd);
}

static bool has_room(void *owner)
{
    (void)owner;
    return true;
}

struct conf *site_conf(const char *listen, const char *backend, const struct setting_text *settings)
{
    /* What ends at the backend ends at the client, unless a test is about what else may come. */
    const struct setting_text first[] = {{"listen.address", listen},
                                         {"backend.address", backend},
                                         {"reconnect.window", "0"},
                                         {NULL, NULL}};
    return settings_conf(first, settings);
}

static int listen_at(const struct address *a)
{
    int fd;
    struct buf why;
    buf_init(&why);
    assert_int_equal(listener_sockets(a, 1, &fd, &why), 0);
    buf_fini(&why);
    return fd;
}

static void open_at(struct site *s, const char *listen, const char *behind,
                    const struct setting_text *settings)
{
    struct buf name;
    socklen_t n = sizeof(s->address);
    memset(s, 0, sizeof(*s));
    rig_open(&s->rig);
    struct conf *first = site_conf(behind, "unix:/nowhere", NULL);
    int fd = listen_at(&first->listen.address);
    conf_unref(first);
    buf_init(&name);
    listener_name(fd, &name);
    buf_add(&name, "", 1);
    assert_int_equal(listener_open(&s->rig.lp, fd, on_behind, has_room, s, &s->behind), 0);
    s->rig.lp.conf = s->conf = site_conf(listen, (char *)name.data, settings);
    buf_fini(&name);

    resolver_open(&s->rig.lp);
    gate_open(&s->rig.lp, true, NULL, NULL);
    upstreams_init(&s->upstreams, &s->rig.lp);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    fronts_init(&s->fronts, &s->rig.lp, &s->upstreams, &s->sessions, on_ended, s);
    fd = listen_at(&s->conf->listen.address);
    assert_int_equal(getsockname(fd, &s->address.sa, &n), 0);
    assert_int_equal(listener_open(&s->rig.lp, fd, on_client, has_room, s, &s->listener), 0);
}

void site_open(struct site *s, const struct setting_text *settings)
{
    open_at(s, "127.0.0.1:0", "127.0.0.1:0", settings);
}

void site_open_unix(struct site *s, const char *folder, const struct setting_text *settings)
{
    char front[80], behind[80];
    snprintf(front, sizeof(front), "unix:%s/front", folder);
    snprintf(behind, sizeof(behind), "unix:%s/behind", folder);
    open_at(s, front, behind, settings);
}

void site_connect(struct site *s, struct peer *client)
{
    peer_connect(client, &s->rig, &s->address);
}

uint64_t site_count(const struct site *s, enum metric m)
{
    return tally_count(&s->rig.metrics, m);
}

uint64_t site_ends(const struct site *s, enum side side, enum reason r)
{
    return s->rig.metrics.disconnects[side][r];
}

void site_close(struct site *s, struct peer *client)
{
    if (client)
        peer_close(client);
    listener_close(s->listener);
    UNTIL(s, s->fronts.count == 0 && s->sessions.count == 0);
    upstreams_close(&s->upstreams);
    assert_int_equal(site_count(s, METRIC_CONNECTIONS_CLIENT), 0);
    assert_int_equal(site_count(s, METRIC_CONNECTIONS_BACKEND), 0);
    assert_int_equal(site_count(s, METRIC_SESSIONS_LIVE), 0);
    assert_int_equal(site_count(s, METRIC_SESSIONS_CLOSING), 0);
    tally_must_add_up(&s->rig.metrics);
    assert_int_equal(s->rig.lp.pool.held, 0);
    assert_int_equal(site_count(s, METRIC_WAITING), 0);
    timer_stop(&s->rig.lp.wheel, &s->rig.lp.trim); /* the loop's own */
    assert_int_equal(wheel_next(&s->rig.lp.wheel), WHEEL_NEVER);
    assert_true(list_empty(&s->rig.lp.posted));
    assert_int_equal(s->conf->refs, 1);
    listener_close(s->behind);
    for (unsigned i = 0; i < s->accepted; i++)
        peer_close(&s->backend[i]);
    message_fini(&s->m);
    gate_close(&s->rig.lp);
    conf_unref(s->conf);
    assert_false(resolver_close(&s->rig.lp));
    rig_close(&s->rig);
}

void site_message(struct site *s, struct peer *p, bool to_head)
{
    message_fini(&s->m);
    UNTIL(s, peer_take(p, &s->m, to_head) || p->reset);
    assert_false(p->reset);
}

struct peer *site_backend(struct site *s, unsigned n)
{
    UNTIL(s, s->accepted > n);
    return &s->backend[n];
}

/* ---- stories ---- */

const char site_get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const char site_fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

void site_visit(struct site *s, struct peer *client, const struct setting_text *settings)
{
    site_open(s, settings);
    site_connect(s, client);
}

void site_answer(struct site *s, struct peer *client, const char *in_head, const char *body)
{
    site_message(s, client, false);
    assert_true(message_has(&s->m, in_head));
    assert_int_equal(s->m.body.len, strlen(body));
    if (*body)
        assert_memory_equal(s->m.body.data, body, s->m.body.len);
}

struct peer *site_keep(struct site *s, struct peer *client)
{
    peer_say(client, site_get);
    struct peer *b = site_backend(s, 0);
    site_message(s, b, false);
    peer_say(b, site_fine);
    site_answer(s, client, "200 OK", "fine");
    return b;
}

struct peer *site_ask(struct site *s, struct peer *client, const char *request)
{
    peer_say(client, request);
    struct peer *b = site_backend(s, s->accepted);
    UNTIL(s, peer_has(b, "\r\n\r\n"));
    return b;
}

void site_gone(struct site *s, struct peer *p)
{
    UNTIL(s, p->eof || p->reset);
}

const struct faults *site_network;

size_t site_bulk(void)
{
    return site_network->read && site_network->read < 1000 ? 0 : 24 << 20;
}

int site_rounds_of(const char *name, const struct CMUnitTest *tests, size_t n)
{
    static const struct faults networks[] = {
        {.seed = 0},
        {.seed = 1, .eagain = 30, .cut = 100},
        {.seed = 2, .eagain = 10, .cut = 30, .read = 1},
        {.seed = 3, .eagain = 10, .cut = 30, .read = 7},
        {.seed = 4, .eagain = 10, .cut = 90, .read = 1500},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
        char title[80];
        snprintf(title, sizeof(title), "%s, network %zu", name, i);
        site_network = &networks[i];
        faults_set(site_network);
        failed += _cmocka_run_group_tests(title, tests, n, NULL, NULL);
    }
    return failed;
}
