/* What must come of what was said: see model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/model.h"
#include "loop/lib/scene.h"
#include "loop/lib/tally.h"
#include <stdlib.h>
#include <string.h>

struct said {
    uint64_t hash; /* wspeer's, of all up to this one */
    size_t size;
    uint8_t opcode;
};

static void remember(struct end *e)
{
    const struct wsread *r = &e->words;
    uint64_t before = e->messages > 0 ? e->said[e->messages - 1].hash : 0;
    if (e->messages == e->room) {
        e->room = 2 * e->room + 16;
        e->said = mem_realloc(e->said, e->room * sizeof(*e->said));
    }
    e->said[e->messages++] =
        (struct said){.hash = wspeer_hash(before, r->opcode, r->message.data, r->message.len),
                      .size = r->message.len,
                      .opcode = r->opcode};
}

/* Counts before the other end can hear it. */
static void on_wrote(struct wspeer *p, const void *bytes, size_t n)
{
    struct end *e = CONTAINER_OF(p, struct end, peer);
    enum wsread_what what;
    buf_add(&e->words.raw, bytes, n);
    while ((what = wsread_next(&e->words)) != WSREAD_NONE) {
        if (what == WSREAD_MESSAGE)
            remember(e);
        if (what == WSREAD_CLOSE) {
            e->closed = true;
            e->crossed = !p->got_close;
        }
        if (what == WSREAD_CLOSE && e->words.len > 2)
            memcpy(e->why, e->words.payload + 2, e->words.len - 2);
    }
}

/* The next of what the other end has said. */
static void on_heard(struct wspeer *p)
{
    const struct end *from = CONTAINER_OF(p, struct end, peer)->other;
    unsigned n = p->messages - 1;
    assert_true(n < from->messages);
    assert_int_equal(p->in.message.len, from->said[n].size);
    assert_int_equal(p->in.opcode, from->said[n].opcode);
    assert_true(p->hash == from->said[n].hash);
}

static void end_open(struct end *e, struct end *other, bool deflate)
{
    e->other = other;
    e->words = (struct wsread){.masked = e->peer.masks, .deflate = deflate};
    e->peer.in.deflate = deflate;
    e->peer.heard = on_heard;
    e->peer.wrote = on_wrote;
}

void pair_open(struct pair *p, struct sessions *set, struct rig *rig, rig_pair *socket,
               struct conf *conf, const struct session_setup *with)
{
    *p = (struct pair){.client.open = false};
    scene_join(set, rig, socket, conf, with, &p->client.peer, &p->backend.peer);
    end_open(&p->client, &p->backend, with->deflate);
    end_open(&p->backend, &p->client, with->deflate);
    p->client.tcp = p->backend.tcp = socket != rig_unix_pair;
}

static void end_close(struct end *e)
{
    if (!e->peer.closed)
        wspeer_close(&e->peer);
    wsread_fini(&e->words);
    free(e->said);
}

void pair_close(struct pair *p)
{
    end_close(&p->client);
    end_close(&p->backend);
}

static const uint8_t *payload_of(const struct end *e, size_t n)
{
    static uint8_t *bytes;
    static size_t room;
    if (n > room) {
        room = n;
        bytes = mem_realloc(bytes, room);
    }
    for (size_t i = 0, at = e->at; i < n; i++, at++)
        bytes[i] = (uint8_t)(at * 31 + (at >> 8) * 7 + e->begun * 13);
    return bytes;
}

void end_fragment(struct end *e, uint8_t opcode, size_t n, bool fin)
{
    if (!e->open) {
        e->begun++;
        e->at = 0;
    }
    wspeer_frame(&e->peer, fin, e->open ? 0 : opcode, payload_of(e, n), n);
    e->at += n;
    e->open = !fin;
}

bool pair_arrived(const struct pair *p)
{
    return p->client.peer.out.len == 0 && p->client.messages == p->backend.peer.messages &&
           p->backend.peer.out.len == 0 && p->backend.messages == p->client.peer.messages;
}

/* Pings come and go, and are shorter than this. */
enum { GRAIN = 64 };

static uint64_t progress(const struct end *e)
{
    const struct wspeer *p = &e->peer;
    return p->out.len / GRAIN + 3 * (p->in.raw.len / GRAIN) + p->in.message.len + 5 * p->bytes +
           7 * p->messages + 17 * e->messages +
           13 * (uint64_t)(p->got_close + 2 * p->eof + 4 * p->reset);
}

uint64_t pair_progress(const struct pair *p)
{
    return progress(&p->client) + 11 * progress(&p->backend);
}

/* ---- counting ---- */

/* One direction of all pairs. */
struct sum {
    uint64_t said, heard, provable;
};

/* A Close that crosses ours behind TCP's back, and has its code (one of wskeep's own words, or what
 * the other end said), passes for an answer, which proves that all was heard. */
static bool passes_for_answer(const struct end *e)
{
    uint16_t code = e->words.code;
    return e->tcp && e->crossed &&
           (code == 1001 || code == 1002 || code == 1012 || code == 1014 ||
            (e->other->closed && code == e->other->words.code));
}

static void sum_up(struct sum *sum, const struct end *from)
{
    const struct end *to = from->other;
    sum->said += from->messages + wsread_open(&from->words);
    sum->heard += to->peer.messages;
    sum->provable += passes_for_answer(to) ? from->messages : to->peer.messages;
}

static void must_be_accounted_for(const struct sessions *set, enum side from, const struct sum *sum)
{
    const struct metrics *m = set->lp->metrics;
    struct tally t = tally_of(m, from);
    assert_true(t.accepted <= sum->said);
    assert_true(t.delivered + t.unproven + t.lost <= t.accepted);
    assert_true(t.delivered <= sum->provable);
    assert_true(sum->heard <= t.accepted - t.lost);
    assert_int_equal(tally_in_flight(m, from), sessions_in_flight(set, from));
}

void model_check(const struct sessions *set, const struct pair *pairs, unsigned count)
{
    struct sum up = {.said = 0}, down = {.said = 0};
    for (const struct pair *p = pairs; p < pairs + count; p++) {
        sum_up(&up, &p->client);
        sum_up(&down, &p->backend);
    }
    must_be_accounted_for(set, SIDE_CLIENT, &up);
    must_be_accounted_for(set, SIDE_BACKEND, &down);
}

/* A read may go beyond the limit; and each journal may hold the better part of two large chunks
 * that it does not fill, each leg its control frames. */
size_t model_holds(unsigned sessions, uint64_t limit)
{
    return 2 * sessions * (limit + LOOP_SCRATCH + 3 * POOL_LARGE);
}

static void reasons_must_be(const struct rig *rig, unsigned count)
{
    uint64_t sum[2] = {0, 0};
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < REASON_COUNT; r++)
            sum[side] += rig->metrics.disconnects[side][r];
    assert_int_equal(sum[SIDE_CLIENT], count);
    assert_int_equal(sum[SIDE_BACKEND], count);
    assert_int_equal(rig->metrics.disconnects[SIDE_CLIENT][REASON_NONE], 0);
}

void model_ended(struct rig *rig, unsigned count)
{
    static const enum metric gauges[] = {METRIC_SESSIONS_LIVE, METRIC_SESSIONS_CLOSING,
                                         METRIC_CONNECTIONS_CLIENT, METRIC_CONNECTIONS_BACKEND};
    reasons_must_be(rig, count);
    tally_must_add_up(&rig->metrics);
    assert_int_equal(rig->lp.pool.held, 0);
    for (int i = 0; i < 4; i++) { /* the loop gives its spare memory back by a timer */
        rig_leap(1000);
        rig_turn(rig, 4);
    }
    assert_true(wheel_next(&rig->lp.wheel) == WHEEL_NEVER);
    assert_true(list_empty(&rig->lp.posted));
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        assert_int_equal(scene_count(rig, gauges[i]), 0);
}
