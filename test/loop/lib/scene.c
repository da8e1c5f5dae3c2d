/* A session between two scripted peers: see scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/scene.h"
#include "loop/lib/tally.h"

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

void scene_open(struct scene *s, rig_pair *pair, const struct session_setup *with,
                const struct setting_text *settings)
{
    *s = (struct scene){.ended = false};
    rig_open(&s->rig);
    s->conf = settings_conf(settings, NULL);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    scene_join(&s->sessions, &s->rig, pair, s->conf, with, &s->client, &s->backend);
}

void scene_close(struct scene *s)
{
    if (!s->client.closed)
        wspeer_close(&s->client);
    if (!s->backend.closed)
        wspeer_close(&s->backend);
    rig_until(&s->rig, &s->ended);
    assert_int_equal(s->sessions.count, 0);
    assert_int_equal(s->rig.lp.pool.held, 0);
    tally_must_add_up(&s->rig.metrics);
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
