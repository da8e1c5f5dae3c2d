/* Sessions between peers that do anything at all, against the model (loop/lib/model). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/chance.h"
#include "loop/lib/model.h"
#include "loop/lib/settings.h"
#include "net/faults.h"
#include "session/session_body.h"
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 3, ROUNDS = 300, LONGEST = 1 << 20 };

static bool narrow; /* reads give a few bytes at a time: no long messages then */

static size_t draw_size(void)
{
    static const size_t edges[] = {0, 1, 125, 126, 127, 4095, 65535, 65536, 65537, 131072, 131073};
    switch (narrow ? 11 : draw(12)) {
    case 0:
        return draw(LONGEST);
    case 1:
        return draw(200000);
    case 2:
    case 3:
        return edges[draw(sizeof(edges) / sizeof(*edges))];
    case 4:
    case 5:
    case 6:
        return draw(20000);
    default:
        return draw(300);
    }
}

static struct round {
    struct rig rig;
    struct sessions sessions;
    struct conf *conf;
    struct pair *pairs;
    unsigned count, ended;
    uint64_t limit;
    bool keep, closing, broken_network;
} * now;

static bool can_say(const struct end *e)
{
    return !e->peer.closed && !e->peer.reset && !e->peer.sent_close && !e->peer.mute;
}

/* ---- what an end may do ---- */

static void ping(struct end *e)
{
    uint8_t payload[125];
    size_t n = draw(sizeof(payload) + 1);
    memset(payload, 'p', n);
    wspeer_frame(&e->peer, true, one_in(4) ? 10 : 9, payload, n);
}

/* Goes on with a message, or begins one: in fragments of any length, 0 too, to its end or not. */
static void say(struct end *e, bool to_end)
{
    size_t left = draw_size();
    uint8_t opcode = (uint8_t)(1 + draw(2));
    for (unsigned fragments = one_in(3) ? 1 + (unsigned)draw(40) : 1; fragments > 0; fragments--) {
        size_t piece = fragments == 1 ? left : draw(3) ? draw(left + 1) : left > 0 ? draw(2) : 0;
        end_fragment(e, opcode, piece, fragments == 1 && (to_end || draw(8)));
        left -= piece;
        if (one_in(20))
            ping(e);
    }
}

static void act(struct end *e)
{
    if (e->peer.closed)
        return;
    switch (draw(16)) {
    case 0:
        wspeer_stop(&e->peer, !e->peer.stopped);
        e->dull = true;
        break;
    case 1:
        e->peer.most = one_in(2) ? 0 : 1 + draw(10000);
        e->dull = true;
        break;
    case 2:
        e->peer.deaf = one_in(3);
        e->dull = true;
        break;
    case 3:
        for (uint64_t n = one_in(10) ? draw(500) : 1; can_say(e) && n > 0; n--)
            ping(e);
        break;
    default:
        if (can_say(e) && e->peer.out.len < 4 * LONGEST)
            say(e, false);
    }
}

/* ---- how it may end ---- */

static void garbage(struct end *e)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)draw(256);
    bytes[0] |= 0x30; /* RSV2, RSV3 */
    wspeer_raw(&e->peer, bytes, sizeof(bytes));
    e->peer.mute = true;
}

static void cut_short(struct end *e)
{
    if (can_say(e))
        say(e, true);
    e->peer.mute = true;
    e->peer.out.len -= draw(e->peer.out.len + 1);
}

/* An end whose Close crosses ours must not have the code that ours may have, or nobody could tell
 * it from an answer. */
static void say_close(struct end *e)
{
    static const uint16_t codes[2][4] = {{1008, 1011, 1013, 4999}, {1000, 1005, 3000, 4000}};
    uint16_t code = codes[e->peer.masks][draw(4)];
    e->peer.close_back = draw(4);
    if (can_say(e))
        wspeer_say_close(&e->peer, code, code != 1005 && one_in(2) ? "reason" : "");
}

static void end_somehow(struct end *e)
{
    if (e->peer.closed)
        return;
    switch (draw(6)) {
    case 0:
    case 1:
        say_close(e);
        break;
    case 2:
        if (can_say(e))
            garbage(e);
        break;
    case 3:
        cut_short(e);
        break;
    case 4:
        wspeer_reset(&e->peer);
        break;
    case 5:
        wspeer_close(&e->peer);
        break;
    }
}

static void begin_end(void)
{
    now->closing = true;
    for (unsigned i = 0; i < now->count; i++) {
        struct pair *p = &now->pairs[i];
        if (one_in(3))
            end_somehow(one_in(2) ? &p->client : &p->backend);
        if (one_in(6))
            end_somehow(one_in(2) ? &p->client : &p->backend);
    }
    if (one_in(6))
        sessions_drain(&now->sessions, 1 + draw(2000));
}

/* ---- what holds at every moment ---- */

static void check(void)
{
    model_check(&now->sessions, now->pairs, now->count);
    if (!now->keep)
        assert_true(now->rig.lp.pool.held <= model_holds(now->count, now->limit));
}

static void pass_time(uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&now->rig, 4 + (unsigned)draw(12));
    check();
}

/* ---- a round ---- */

static void on_ended(void *owner)
{
    ((struct round *)owner)->ended++;
}

static void open_round(void)
{
    static const char *const limits[] = {"256KiB", "300000B", "1MiB"};
    const char *limit = limits[draw(3)];
    const struct setting_text settings[] = {{"buffer.session", limit},
                                            {"heartbeat.interval", one_in(2) ? "1s" : "25s"},
                                            {"heartbeat.timeout", one_in(2) ? "5s" : "75s"},
                                            {"timeouts.close", one_in(2) ? "1s" : "10s"},
                                            {NULL, NULL}};
    now = mem_zalloc(sizeof(*now));
    now->conf = settings_conf(settings, NULL);
    now->limit = now->conf->buffer.session;
    now->keep = one_in(2);
    now->count = 1 + (unsigned)draw(PAIRS);
    now->pairs = mem_zalloc(now->count * sizeof(*now->pairs));
    now->broken_network = one_in(8);
    narrow = one_in(8);
    faults_set(&(struct faults){.seed = draw(UINT64_MAX),
                                .eagain = one_in(2) ? draw(40) : 0,
                                .cut = one_in(2) ? draw(100) : 0,
                                .read = narrow      ? 1 + draw(100)
                                        : one_in(2) ? 1000 + draw(20000)
                                                    : 0,
                                .reset = now->broken_network ? draw(5000) : 0});
    rig_open(&now->rig);
    sessions_init(&now->sessions, &now->rig.lp, on_ended, now);
    for (unsigned i = 0; i < now->count; i++) {
        /* TCP does not hurry as time leaps here. */
        bool tcp = one_in(2);
        pair_open(&now->pairs[i], &now->sessions, &now->rig, tcp ? rig_tcp_pair : rig_unix_pair,
                  now->conf,
                  &(struct session_setup){
                      .keep_up = now->keep, .keep_down = now->keep, .deflate = one_in(2)});
        now->pairs[i].client.dull = tcp;
    }
}

static struct end *any_end(void)
{
    struct pair *p = &now->pairs[draw(now->count)];
    return one_in(2) ? &p->client : &p->backend;
}

static void do_anything(void)
{
    for (uint64_t n = 1 + draw(120); n > 0; n--) {
        for (uint64_t k = 1 + draw(4); k > 0; k--)
            act(any_end());
        if (one_in(40))
            begin_end();
        /* A leap of 100 s is a stall: nobody who answers dies of it. */
        pass_time(one_in(200) ? 100000 : one_in(3) ? draw(900) : 0);
    }
}

static void attend(struct end *e)
{
    if (e->peer.closed)
        return;
    e->peer.most = 0;
    e->peer.deaf = false;
    wspeer_stop(&e->peer, false);
    if (e->open && can_say(e))
        say(e, true);
}

static bool has_arrived(uint64_t *sum)
{
    bool all = true;
    *sum = 0;
    for (unsigned i = 0; i < now->count; i++) {
        all = all && pair_arrived(&now->pairs[i]);
        *sum = 121 * *sum + pair_progress(&now->pairs[i]);
    }
    return all;
}

/* All that was said arrives where nothing went wrong. */
static void calm(void)
{
    bool dull = false;
    for (unsigned i = 0; i < now->count; i++) {
        attend(&now->pairs[i].client);
        attend(&now->pairs[i].backend);
        dull = dull || now->pairs[i].client.dull;
    }
    if (now->closing || now->broken_network)
        return;
    uint64_t sum, before = 0;
    for (unsigned still = 0; !has_arrived(&sum); still = sum == before ? still + 1 : 0) {
        if (dull && (now->ended > 0 || !list_empty(&now->sessions.state[SESSION_CLOSING])))
            return; /* taken for dead */
        before = sum;
        pass_time(0);
        if (still > 20) /* the kernel's turn */
            rig_turns_in(&now->rig, 1);
        assert_true(still < 2000);
    }
    assert_int_equal(now->ended, 0);
}

/* When any of them last read something: where reads are narrow, what a peer has left takes long. */
static uint64_t last_heard(void)
{
    uint64_t last = 0;
    for (int state = 0; state < SESSION_STATES; state++) {
        const struct list *all = &now->sessions.state[state];
        for (const struct list *n = all->next; n != all; n = n->next) {
            const struct session *s = CONTAINER_OF(n, struct session, node);
            last = s->client.heard > last ? s->client.heard : last;
            last = s->backend.heard > last ? s->backend.heard : last;
        }
    }
    return last;
}

/* Whatever its peers do now, a session that is closing ends in two times timeouts.close; and one
 * whose peers are gone has heard so once it has read what they left. */
static void end_all(void)
{
    for (unsigned i = 0; i < now->count; i++)
        if (one_in(2))
            attend(&now->pairs[i].client);
    begin_end();
    if (one_in(8)) {
        now->ended += now->sessions.count;
        sessions_kill(&now->sessions);
    }
    pass_time(draw(1000));
    for (unsigned i = 0; i < now->count; i++) {
        struct wspeer *client = &now->pairs[i].client.peer, *backend = &now->pairs[i].backend.peer;
        if (!client->closed)
            (one_in(2) ? wspeer_close : wspeer_reset)(client);
        if (!backend->closed && one_in(2))
            (one_in(2) ? wspeer_close : wspeer_reset)(backend);
        else
            attend(&now->pairs[i].backend);
    }
    uint64_t heard = last_heard();
    for (unsigned turns = 0; now->ended < now->count; turns++) {
        pass_time(100);
        uint64_t newest = last_heard();
        if (newest > heard)
            turns = 0;
        heard = newest;
        assert_true(turns < 2000);
    }
}

static void nobody_may_be_taken_for_dead(void)
{
    bool dull = now->closing;
    for (unsigned i = 0; i < now->count; i++)
        dull = dull || now->pairs[i].client.dull;
    assert_true(dull || now->rig.metrics.disconnects[0][REASON_CLIENT_TIMEOUT] == 0);
}

static void close_round(void)
{
    for (unsigned i = 0; i < now->count; i++)
        pair_close(&now->pairs[i]);
    rig_close(&now->rig);
    conf_unref(now->conf);
    free(now->pairs);
    free(now);
}

static void whatever_peers_do_messages_arrive_whole_and_once_or_are_counted(void **state)
{
    (void)state;
    open_round();
    do_anything();
    calm();
    end_all();
    nobody_may_be_taken_for_dead();
    assert_int_equal(now->ended, now->count);
    assert_int_equal(now->sessions.count, 0);
    model_ended(&now->rig, now->count);
    close_round();
}

int main(void)
{
    return CHANCE_ROUNDS(whatever_peers_do_messages_arrive_whole_and_once_or_are_counted, ROUNDS);
}
