/* A front and a backend on one loop: see site.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"
#include "loop/lib/site.h"
#include "net/resolve.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_ended(void *owner)
{
    ((struct site *)owner)->ended++;
}

static void on_client(void *owner, int fd)
{
    struct site *s = owner;
    front_accept(&s->fronts, s->conf, fd);
}

static void on_behind(void *owner, int fd)
{
    struct site *s = owner;
    assert_true(s->accepted < SITE_BACKENDS);
    peer_open(&s->backend[s->accepted++], &s->rig, fd);
}

static bool has_room(void *owner)
{
    (void)owner;
    return true;
}

struct conf *site_conf(const char *listen, const char *backend, const struct setting *settings)
{
    struct conf_override o[10] = {{"listen.address", listen, "test"},
                                  {"backend.address", backend, "test"}};
    unsigned n = 2;
    for (; settings && settings->path; settings++)
        o[n++] = (struct conf_override){settings->path, settings->value, "test"};
    struct conf *c;
    struct buf why;
    buf_init(&why);
    if (conf_load(NULL, o, n, &c, &why) < 0)
        fail_msg("%.*s", (int)why.len, (char *)why.data);
    buf_fini(&why);
    return c;
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
                    const struct setting *settings)
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
    s->conf = site_conf(listen, (char *)name.data, settings);
    buf_fini(&name);

    resolver_open(&s->rig.lp);
    upstreams_init(&s->upstreams, &s->rig.lp);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    fronts_init(&s->fronts, &s->rig.lp, &s->upstreams, &s->sessions, on_ended, s);
    fd = listen_at(&s->conf->listen.address);
    assert_int_equal(getsockname(fd, &s->address.sa, &n), 0);
    assert_int_equal(listener_open(&s->rig.lp, fd, on_client, has_room, s, &s->listener), 0);
}

void site_open(struct site *s, const struct setting *settings)
{
    open_at(s, "127.0.0.1:0", "127.0.0.1:0", settings);
}

void site_open_unix(struct site *s, const char *folder, const struct setting *settings)
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
    struct metrics *all = (struct metrics *)&s->rig.metrics;
    return metrics_sum(&all, 1, m);
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
    assert_int_equal(s->rig.lp.pool.held, 0);
    timer_stop(&s->rig.lp.wheel, &s->rig.lp.trim); /* the loop's own */
    assert_int_equal(wheel_next(&s->rig.lp.wheel), WHEEL_NEVER);
    assert_true(list_empty(&s->rig.lp.posted));
    assert_int_equal(s->conf->refs, 1);
    listener_close(s->behind);
    for (unsigned i = 0; i < s->accepted; i++)
        peer_close(&s->backend[i]);
    message_fini(&s->m);
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
