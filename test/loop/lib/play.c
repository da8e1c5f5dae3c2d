/* A session that outlives its backend, as a play: see play.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include <stdlib.h>
#include <string.h>

/* It comes back at once, and answers no ping unless it is told to: nothing is proven. */
void play_begin_as(struct play *p, const struct scene_first *first,
                   const struct setting_text *settings)
{
    const struct setting_text quick[] = {
        {"reconnect.backoff_min", "10ms"}, {"reconnect.backoff_max", "10ms"}, {NULL, NULL}};
    struct setting_text all[24];
    size_t n = 0;
    for (size_t i = 0; quick[i].path; i++)
        all[n++] = quick[i];
    for (; settings && settings->path; settings++)
        all[n++] = *settings;
    all[n] = (struct setting_text){NULL, NULL};
    buf_init(&p->first);
    buf_init(&p->heard);
    scene_open_before(&p->s, &p->server, first, all);
    p->s.backend.texts = &p->first;
    p->s.client.texts = &p->heard;
    p->s.backend.deaf = true;
}

void play_begin(struct play *p, const struct setting_text *settings)
{
    play_begin_as(p, NULL, settings);
}

void play_end(struct play *p)
{
    scene_close(&p->s);
    buf_fini(&p->first);
    buf_fini(&p->heard);
}

uint64_t play_count(const struct play *p, enum metric m)
{
    return scene_count(&p->s.rig, m);
}

uint64_t play_ends(const struct play *p, enum side side, enum reason r)
{
    return p->s.rig.metrics.disconnects[side][r];
}

void play_say(struct play *p, const char *text)
{
    uint64_t before = play_count(p, METRIC_UP_ACCEPTED);
    wspeer_send(&p->s.client, 1, text, strlen(text));
    WAIT(p, play_count(p, METRIC_UP_ACCEPTED) > before);
}

/* The first backend has got these, one after the other. */
void play_say_there(struct play *p, const char *text)
{
    unsigned before = p->s.backend.messages;
    play_say(p, text);
    WAIT(p, p->s.backend.messages > before);
}

void play_say_proven(struct play *p, const char *text)
{
    uint64_t before = play_count(p, METRIC_UP_DELIVERED);
    p->s.backend.deaf = false;
    play_say_there(p, text);
    WAIT(p, play_count(p, METRIC_UP_DELIVERED) > before);
    p->s.backend.deaf = true;
}

bool play_headless(const struct play *p)
{
    return play_count(p, METRIC_SESSIONS_HEADLESS) == 1;
}

void play_lose(struct play *p)
{
    wspeer_close(&p->s.backend);
    WAIT(p, play_headless(p));
}

/* Nobody listens, and the backend is lost. */
void play_lose_for_long(struct play *p)
{
    server_listen(&p->server, false);
    play_lose(p);
}

/* The n-th connection that takes the place of the first. */
struct wspeer *play_back(struct play *p, unsigned n)
{
    WAIT(p, p->server.switched > n);
    return &server_visit(&p->server, n)->peer;
}

void play_has(struct play *p, const struct buf *texts, const char *want)
{
    size_t n = strlen(want);
    WAIT(p, texts->len >= n);
    rig_turn(&p->s.rig, 5);
    assert_int_equal(texts->len, n);
    if (n > 0)
        assert_memory_equal(texts->data, want, n);
}

void play_got(struct play *p, unsigned n, const char *want)
{
    play_back(p, n);
    play_has(p, &server_visit(&p->server, n)->texts, want);
}

/* The client's connection ends with this code, the session for this reason. */
void play_over(struct play *p, uint16_t code, enum reason r)
{
    WAIT(p, p->s.client.eof || p->s.client.reset);
    assert_int_equal(p->s.client.code, code);
    play_end(p);
    assert_int_equal(play_ends(p, SIDE_CLIENT, r), 1);
}

void play_leave(struct play *p)
{
    wspeer_say_close(&p->s.client, 1000, "");
    play_over(p, 1000, REASON_CLIENT_CLOSE);
}

/* More than the sockets hold: most of it was never sent. */
uint64_t play_say_bulk(struct play *p, size_t size, unsigned n)
{
    uint8_t *payload = mem_alloc(size);
    uint64_t hash = 0;
    for (unsigned i = 0; i < n; i++) {
        rig_number(payload, size);
        memcpy(payload, &i, sizeof(i));
        wspeer_send(&p->s.client, 1, payload, size);
        hash = wspeer_hash(hash, 1, payload, size);
    }
    free(payload);
    return hash;
}

void play_rest(struct play *p)
{
    while (rig_turns_in(&p->s.rig, 100) >= 50)
        ;
}

/* ---- ways to be lost ---- */

static void ends_without_a_word(struct wspeer *p)
{
    wspeer_close(p);
}

static void half_closes(struct wspeer *p)
{
    wspeer_shutdown(p);
}

static void resets(struct wspeer *p)
{
    wspeer_reset(p);
}

static void says_1001(struct wspeer *p)
{
    wspeer_say_close(p, 1001, "going");
}

static void says_1012(struct wspeer *p)
{
    wspeer_say_close(p, 1012, "");
}

static void says_1013(struct wspeer *p)
{
    wspeer_say_close(p, 1013, "later");
}

static void says_1014(struct wspeer *p)
{
    wspeer_say_close(p, 1014, "");
}

static void says_that_pings_were_unanswered(struct wspeer *p)
{
    wspeer_say_close(p, 1011, "keepalive ping timeout");
}

const struct play_way play_ways[PLAY_WAYS] = {
    {ends_without_a_word, REASON_BACKEND_EOF},
    {half_closes, REASON_BACKEND_EOF},
    {resets, REASON_BACKEND_RESET},
    {says_1001, REASON_BACKEND_CLOSE},
    {says_1012, REASON_BACKEND_CLOSE},
    {says_1013, REASON_BACKEND_CLOSE},
    {says_1014, REASON_BACKEND_CLOSE},
    {says_that_pings_were_unanswered, REASON_BACKEND_CLOSE},
};
