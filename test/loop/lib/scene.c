/* A session between two scripted peers: see scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/scene.h"
#include "loop/lib/tally.h"
#include "net/gate.h"
#include "net/resolve.h"

static void on_ended(void *owner)
{
    ((struct scene *)owner)->ended = true;
}

void scene_join(struct sessions *set, struct rig *rig, rig_pair *pair, struct conf *conf,
                const struct session_setup *with, struct wspeer *client, struct wspeer *backend)
{
    int near[2], far[2];
    struct session_setup setup = with ? *with : (struct session_setup){.conf = NULL};
    setup.conf = conf;
    pair(near);
    pair(far);
    assert_int_equal(transport_open(&rig->lp, near[0], &setup.client.t), 0);
    assert_int_equal(transport_open(&rig->lp, far[0], &setup.backend.t), 0);
    wspeer_open(client, rig, near[1], true);
    wspeer_open(backend, rig, far[1], false);
    loop_enter(&rig->lp);
    session_new(set, &setup);
}

static void open_with(struct scene *s, rig_pair *pair, const struct session_setup *with,
                      const struct setting_text *first, const struct setting_text *settings)
{
    s->conf = settings_conf(first, settings);
    s->rig.lp.conf = s->conf;
    assert_int_equal(resolver_open(&s->rig.lp), 0);
    gate_open(&s->rig.lp, true, NULL, NULL);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    scene_join(&s->sessions, &s->rig, pair, s->conf, with, &s->client, &s->backend);
}

void scene_open(struct scene *s, rig_pair *pair, const struct session_setup *with,
                const struct setting_text *settings)
{
    *s = (struct scene){.ended = false};
    rig_open(&s->rig);
    open_with(s, pair, with, NULL, settings);
}

/* ---- a backend that comes back ---- */

static struct http1 *parse(bool request, const struct buf *text)
{
    struct http1 *p = http1_new(request, text->len);
    enum http1_event ev;
    http1_next(p, text->data, text->len, &ev);
    assert_int_equal(ev, HTTP1_HEAD);
    return p;
}

struct opening *scene_opening(const struct scene_first *first)
{
    static const struct scene_first plain;
    struct buf request, answer;
    buf_init(&request);
    buf_init(&answer);
    first = first ? first : &plain;
    buf_addf(&request,
             "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
             first->target ? first->target : "/",
             first->agreed.on ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
    buf_addf(&answer, "HTTP/1.1 101 Switching Protocols\r\n%s\r\n",
             first->fields ? first->fields : "");
    struct http1 *p = parse(false, &answer);
    struct opening *o = opening_new((struct str){(char *)request.data, request.len}, &first->agreed,
                                    &http1_view(p)->head);
    http1_free(p);
    buf_fini(&request);
    buf_fini(&answer);
    return o;
}

void scene_open_before(struct scene *s, struct server *server, const struct scene_first *first,
                       const struct setting_text *settings)
{
    *s = (struct scene){.server = server};
    rig_open(&s->rig);
    server_open(server, &s->rig);
    open_with(s, rig_tcp_pair,
              &(struct session_setup){.keep_up = true,
                                      .deflate = first && first->agreed.on,
                                      .opening = scene_opening(first)},
              (const struct setting_text[]){{"backend.address", server->address}, {NULL, NULL}},
              settings);
}

/* ---- the end ---- */

/* A server goes on to take what is still to be delivered. */
static void wait_for_end(struct scene *s)
{
    while (!s->ended) {
        uv_run(&s->rig.lp.uv, UV_RUN_ONCE);
        if (!s->backend.closed && (s->backend.eof || s->backend.reset))
            wspeer_close(&s->backend);
        if (s->server)
            server_part(s->server);
    }
}

static void gauges_must_be_0(const struct rig *rig)
{
    static const enum metric gauges[] = {METRIC_SESSIONS_LIVE,       METRIC_SESSIONS_HEADLESS,
                                         METRIC_SESSIONS_CLOSING,    METRIC_CONNECTIONS_CLIENT,
                                         METRIC_CONNECTIONS_BACKEND, METRIC_WAITING};
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        assert_int_equal(scene_count(rig, gauges[i]), 0);
}

void scene_close(struct scene *s)
{
    if (!s->client.closed)
        wspeer_close(&s->client);
    if (!s->backend.closed && !s->server)
        wspeer_close(&s->backend);
    wait_for_end(s);
    if (!s->backend.closed)
        wspeer_close(&s->backend);
    assert_int_equal(s->sessions.count, 0);
    assert_int_equal(s->rig.lp.pool.held, 0);
    tally_must_add_up(&s->rig.metrics);
    gauges_must_be_0(&s->rig);
    if (s->server)
        server_close(s->server);
    gate_close(&s->rig.lp);
    assert_false(resolver_close(&s->rig.lp));
    conf_unref(s->conf);
    rig_close(&s->rig);
}

uint64_t scene_count(const struct rig *rig, enum metric m)
{
    return tally_count(&rig->metrics, m);
}

void scene_reason_must_be(const struct scene *s, enum reason r)
{
    for (int i = 0; i < REASON_COUNT; i++)
        for (int side = 0; side < 2; side++)
            assert_int_equal(s->rig.metrics.disconnects[side][i], i == (int)r);
}
